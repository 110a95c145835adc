"""Step 1: the IAM administrator feeds the portal, looking at each file before it counts."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import expect

from tests.stories import files
from tests.stories.browsing import Person
from tests.stories.theatre import MIKAEL, Theatre, apart, make_users

COUNT = re.compile(r"^\d[\d,]*$")


def import_everything(theatre: Theatre) -> None:
    """HR, another company's HR, an AWS account with its credentials, and CORE by the generic CSV."""
    mikael = theatre[MIKAEL]
    mikael.look("home-of-iam")
    people(mikael)
    apart(make_users)
    other_people(mikael)
    aws(mikael)
    core(theatre, mikael)
    mikael.go("/sources/")
    mikael.look("sources")
    wrong_files(theatre, mikael)


def people(mikael: Person) -> None:
    """Who works here; a column that nobody needs is cut."""
    mikael.go("/imports/new/")
    mikael.look("send-a-file")
    _describe(mikael, files.PEOPLE, "HR, monthly", "people, from HR", employer="Nordhaven Bank")
    _looked_at(mikael)
    mikael.reads("private phone", "not needed here")
    mikael.look("preview-of-hr")
    _apply_first(mikael)
    assert numbers(mikael, "People’s engagements")["New"] == 12


def other_people(mikael: Person) -> None:
    """Another company's people, whose numbers are its own."""
    mikael.go("/imports/new/")
    _describe(mikael, files.OTHER_PEOPLE, "HR of Fjordpay", "people, from HR", employer="Fjordpay")
    _looked_at(mikael)
    _apply_first(mikael)
    rows = len(files.OTHER_PEOPLE.read_text().splitlines()) - 1
    assert numbers(mikael, "People’s engagements")["New"] == rows


def aws(mikael: Person) -> None:
    """An account's authorization details, and the credential report of another."""
    mikael.go("/imports/new/")
    _describe(
        mikael, files.AWS_DETAILS, "AWS payments, authorization details", "accounts on a system that is new"
    )
    _system(mikael, "AWS-PAY", "AWS account of payments", owner="Leon Weiss")
    mikael.page.get_by_label("Read at the source").fill(_minutes_ago())
    _looked_at(mikael)
    mikael.look("preview-of-aws")
    _apply_first(mikael)
    assert numbers(mikael, "Accounts")["New"] == files.aws_accounts()

    mikael.go("/imports/new/")
    _describe(
        mikael, files.AWS_CREDENTIALS, "AWS laboratory, credential report", "accounts on a system that is new"
    )
    _system(mikael, "AWS-LAB", "AWS account of the laboratory")
    _looked_at(mikael)
    _apply_first(mikael)
    assert numbers(mikael, "Credentials")["New"] > 0


def core(theatre: Theatre, mikael: Person) -> None:
    """CORE by CSV: its column `password` is cut, and sending the same file again changes nothing."""
    export = theatre.core.export("core-1.csv")
    mikael.go("/imports/new/")
    _describe(mikael, export, "CORE, extract", "accounts on a system that is new")
    _system(mikael, "CORE", "Core banking ledger", owner="Leon Weiss")
    _looked_at(mikael)
    mikael.reads("password", "named like a secret")
    mikael.look("preview-of-core")
    _apply_first(mikael)
    first = numbers(mikael, "Who holds what")
    assert first["New"] == first["Read"] == len(theatre.core.rows())
    mikael.look("core-applied")

    send_again(mikael, "CORE, extract", export)
    mikael.reads("Nothing would change.")
    for kind in ("Accounts", "Rights, groups and roles", "Who holds what", "Credentials"):
        again = numbers(mikael, kind)
        assert again["New"] == again["Changed"] == again["Gone"] == 0, kind
    mikael.look("same-file-again")
    apply(mikael)

    mikael.go("/systems/CORE/edit/")
    mikael.page.get_by_label("Who carries out removals").fill("aiko@nordhaven.test")
    mikael.press("Save")
    mikael.is_told("Saved.")
    mikael.look("system-core")


def wrong_files(theatre: Theatre, mikael: Person) -> None:
    """What is no export of the source is refused in words, and rows that can't be read are named by line."""
    wrong = theatre.folder / "core-wrong.csv"
    wrong.write_text("colour,size\nred,7\n")
    mikael.go("/sources/")
    mikael.press("CORE, extract")
    mikael.press(re.compile("Send|reading", re.IGNORECASE))
    mikael.page.get_by_label("File", exact=True).set_input_files(wrong)
    mikael.press("Send and look")
    expect(mikael.page.locator("main .error, main .notice.bad").first).to_be_visible()
    mikael.look("refused-file")


def send_again(mikael: Person, source: str, path: Path) -> None:
    """Another reading of a source that is known, up to its preview."""
    mikael.go("/imports/new/")
    mikael.press(source)
    mikael.page.get_by_label("File", exact=True).set_input_files(path)
    _looked_at(mikael)


def apply(mikael: Person) -> None:
    """Apply what is looked at and wait until it is part of the record."""
    for box in mikael.page.locator("#reading form input[type=checkbox]").all():
        box.check()
    mikael.press("Apply")
    mikael.reads("What it changed")


def _apply_first(mikael: Person) -> None:
    """A new source stands in quarantine: the one who looked at its first reading says so."""
    expect(mikael.page.get_by_label("I looked at this first reading")).to_be_visible()
    apply(mikael)


def _describe(mikael: Person, path: Path, name: str, tells_of: str, *, employer: str = "") -> None:
    page = mikael.page
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_label("Name of the source").fill(name)
    page.get_by_label(tells_of).check()
    page.get_by_label("Company").fill(employer)
    page.get_by_label("Each file lists everything").check()


def _system(mikael: Person, code: str, name: str, *, owner: str = "") -> None:
    page = mikael.page
    page.get_by_label("Short code").fill(code)
    page.get_by_label("Name of the system").fill(name)
    page.get_by_label("Owner").fill(owner)


def _looked_at(mikael: Person) -> None:
    """Send the file and wait for its preview."""
    mikael.press("Send and look")
    expect(mikael.page.get_by_role("button", name="Apply")).to_be_visible()


def numbers(mikael: Person, kind: str) -> dict[str, int]:
    """One row of the table of counts."""
    row = mikael.page.locator("#reading tbody tr").filter(has_text=kind).first
    expect(row).to_be_visible()
    cells = {
        cell.get_attribute("data-label") or "": (cell.inner_text().strip())
        for cell in row.locator("td[data-label]").all()
    }
    return {name: int(text.replace(",", "")) for name, text in cells.items() if COUNT.match(text)}


def _minutes_ago() -> str:
    """A field of a date and time, in UTC."""
    return f"{datetime.now(UTC) - timedelta(minutes=2):%Y-%m-%dT%H:%M}"
