"""Step 8: HR plans that somebody leaves; nobody knows before the hour, and nothing is forgotten after it."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.stories import feeding
from tests.stories.browsing import Person
from tests.stories.theatre import MIKAEL, PASSWORD, Theatre, address_of

ZONE = "Europe/Berlin"
DANA = "Dana Kovac"
REASON = "dismissed"
SOON = timedelta(seconds=40)  # at least that far ahead, so that the plan is seen before its hour


@dataclass(frozen=True)
class Case:
    """The offboarding of Dana, and when it begins."""

    code: str
    hour: datetime


def plan(theatre: Theatre) -> Case:
    """Ruth picks the person, the hour and the clock on whose wall it is."""
    theatre[DANA].go("/reviews/")  # she is signed in, and has a review to do
    theatre[DANA].reads("0 of 1 decided")
    ruth = theatre["Ruth Oyelaran"]
    ruth.go("/offboarding/")
    ruth.press("Plan an offboarding")
    ruth.page.get_by_label("Name, e-mail address or number").fill("Kovac")
    ruth.press("Search")
    ruth.look("who-leaves")
    ruth.press(re.compile("This person"))
    hour = (datetime.now(UTC) + SOON).replace(second=0, microsecond=0) + timedelta(minutes=1)
    there = hour.astimezone(ZoneInfo(ZONE))
    ruth.page.get_by_label("Reason").select_option(label=REASON)
    ruth.page.get_by_label("Day", exact=True).fill(f"{there:%Y-%m-%d}")
    ruth.page.get_by_label("Hour", exact=True).fill(f"{there:%H:%M}")
    ruth.page.get_by_label("Time zone").select_option(ZONE)
    ruth.look("when")
    ruth.press("Go on")
    ruth.reads("Is this right?", f"{there:%H:%M}")
    ruth.press("Plan the offboarding")
    ruth.is_told("confidential until its hour")
    code = ruth.page.url.rstrip("/").rpartition("/")[2]
    ruth.look("case-planned")
    assert datetime.now(UTC) < hour, "the machine was too slow to look before the hour"
    stays_confidential(theatre, code)
    return Case(code, hour)


def stays_confidential(theatre: Theatre, code: str) -> None:
    """Before the hour nobody outside of HR can see or infer it, not even who manages access."""
    for name in ("Ines Falk", "Tomas Brandt", MIKAEL, "Aiko Mori", DANA):
        assert theatre[name].status_of(f"/offboarding/{code}/") == 404, name
    ines = theatre["Ines Falk"]
    ines.go("/offboarding/")
    expect(ines.page.locator("main")).not_to_contain_text("Kovac")
    ines.go("/trail/?verb=offboarding")
    expect(ines.page.locator("main")).not_to_contain_text("Kovac")
    dana = theatre[DANA]
    dana.go("/reviews/")
    dana.reads("0 of 1 decided")


def see_through(theatre: Theatre, case: Case, until: date) -> None:
    """The hour comes; every line is settled, proven or excepted; the case closes."""
    ruth, ines = theatre["Ruth Oyelaran"], theatre["Ines Falk"]
    ruth.go(f"/offboarding/{case.code}/")
    # The clock looks once a minute.
    ruth.reload_until(ruth.page.get_by_text("What they held"), within=240)
    expect(ruth.page.locator("main")).not_to_contain_text("DB_ROOT")
    ruth.look("case-running-for-hr")
    sign_in_has_ended(theatre)
    ines.go(f"/offboarding/{case.code}/")
    ines.reads("DB_ROOT", "LEDGER_ADMIN", "bot-recon", "dkovac", "AWS-PAY")
    expect(ines.page.locator("main")).not_to_contain_text(REASON)
    ines.look("case-running")
    review_was_passed_on(theatre)
    deputy_accepts(theatre)
    hand_over_machine(ines, case)
    carry_out(theatre, until)
    except_what_stays(ines, case)
    close(theatre, case)


def sign_in_has_ended(theatre: Theatre) -> None:
    """What was open in her browser opens nothing any more, and her password neither."""
    dana = theatre[DANA]
    dana.page.goto("/reviews/")
    expect(dana.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    dana.page.get_by_label("Email").fill(address_of(DANA))
    dana.page.get_by_label("Password").fill(PASSWORD)
    dana.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(dana.page.get_by_role("heading", level=1)).not_to_contain_text("What waits for you")
    dana.look("sign-in-ended")


def review_was_passed_on(theatre: Theatre) -> None:
    """Tomas has signed off, so her undecided line waits for his manager."""
    marguerite = theatre["Marguerite Duval"]
    marguerite.go("/reviews/")
    marguerite.press("Begin")
    expect(marguerite.page.locator("tr[data-item]")).to_contain_text("Chiara Neri")
    marguerite.look("a-passed-on-line")


def deputy_accepts(theatre: Theatre) -> None:
    """Jon stands in at once, and owns it once he says so."""
    jon = theatre["Jon Smith"]
    jon.go("/")
    jon.look("home-of-a-deputy")
    jon.go("/my-machines/")
    jon.page.locator("main").get_by_role("link", name="bot-reports", exact=True).click()
    jon.press("Accept: this is mine")
    jon.is_told("You own bot-reports now.")


def hand_over_machine(ines: Person, case: Case) -> None:
    """bot-recon had no deputy: it is named as unowned until somebody takes it."""
    ines.go(f"/offboarding/{case.code}/")
    row = (
        ines.page.locator("main tbody tr")
        .filter(has_text="bot-recon")
        .filter(has=ines.page.get_by_text("Hand over"))
    )
    ines.press(re.compile("Hand over"), within=row.first)
    ines.page.get_by_label("New owner").fill("leon@nordhaven.test")
    ines.look("hand-over")
    ines.page.locator("main form .actions button").first.click()
    ines.reads("Handed over to Leon Weiss.")


def carry_out(theatre: Theatre, until: date) -> None:
    """Aiko removes everything of Dana on CORE; the next complete reading proves it."""
    aiko, mikael = theatre["Aiko Mori"], theatre[MIKAEL]
    aiko.go("/revocations/?system=CORE&state=requested")
    aiko.look("work-list-of-a-leaver")
    for box in aiko.page.locator("main tbody tr").filter(has_text="dkovac").get_by_role("checkbox").all():
        box.check()
    aiko.page.get_by_label("Ticket").fill("CHG-3302")
    aiko.page.get_by_role("button", name="Report ticked rows done").click()
    aiko.is_told("reported done")
    left: list[str | tuple[str, str]] = [("shaddad", "PAYMENT_RELEASE"), "dkovac"]
    feeding.send_again(
        mikael, "CORE, extract", theatre.core.export("core-4.csv", without=left, limit=until.isoformat())
    )
    feeding.apply(mikael)
    mikael.go("/systems/CORE/?only=gone")
    mikael.reads("dkovac")


def except_what_stays(ines: Person, case: Case) -> None:
    """No reading of AWS-PAY comes before Friday: what she holds there is excepted by name."""
    ines.go(f"/offboarding/{case.code}/")
    ines.look("case-almost-done")
    left = ines.page.locator("main td .actions a", has_text="Except")
    count = left.count()
    assert count > 0
    for number in range(count):
        left.first.click()
        ines.page.get_by_label("It stays, because").fill(
            "Disabled by hand; the next export of the account comes on Friday."
        )
        if not number:
            ines.look("except-a-line")
        ines.page.locator("main form .actions button").first.click()
        ines.go(f"/offboarding/{case.code}/")
    expect(left).to_have_count(0)


def close(theatre: Theatre, case: Case) -> None:
    """Nothing is open: HR closes it."""
    ruth = theatre["Ruth Oyelaran"]
    ruth.go(f"/offboarding/{case.code}/")
    ruth.page.get_by_role("button", name="Close the case").click()
    ruth.is_told("The case is closed")
    ruth.look("case-closed")
