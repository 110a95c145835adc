"""Step 7: what was decided to go is asked for, reported done, and proven gone by nothing but a reading."""

import re
from datetime import date

from playwright.sync_api import expect

from tests.stories import feeding
from tests.stories.browsing import Person
from tests.stories.theatre import MIKAEL, Theatre

REMOVED = ("shaddad", "PAYMENT_RELEASE")


def prove_gone(theatre: Theatre, until: date) -> None:
    """Reported done; a cut off file proves nothing; a complete one does."""
    aiko, mikael, ines = theatre["Aiko Mori"], theatre[MIKAEL], theatre["Ines Falk"]
    report_done(aiko, until)

    cut_off = theatre.core.export("core-2.csv", without=[REMOVED], is_cut_off=True)
    feeding.send_again(mikael, "CORE, extract", cut_off)
    mikael.reads("cut off or was changed")
    assert feeding.numbers(mikael, "Who holds what")["Gone"] == 0
    mikael.look("preview-of-a-cut-off-file")
    feeding.apply(mikael)
    _open_removal(ines)
    ines.reads("it proves nothing")
    expect(ines.page.get_by_text("verified gone")).to_have_count(0)
    ines.look("absent-not-proven")

    complete = theatre.core.export("core-3.csv", without=[REMOVED], limit=until.isoformat())
    feeding.send_again(mikael, "CORE, extract", complete)
    assert feeding.numbers(mikael, "Who holds what")["Gone"] == 1
    mikael.look("preview-that-proves")
    feeding.apply(mikael)
    _open_removal(ines)
    ines.reads("first proven absent")
    ines.look("verified-gone")
    ines.go("/revocations/?state=all")
    ines.look("removals")


def report_done(aiko: Person, until: date) -> None:
    """Her work list says what to do, until when, not why."""
    aiko.go("/")
    aiko.look("home-of-a-carrier")
    aiko.go("/revocations/")
    aiko.reads("PAYMENT_RELEASE", "shaddad", f"{until.day} {until:%b %Y}")
    expect(aiko.page.locator("main")).not_to_contain_text("hands payments over")
    aiko.look("work-list")
    aiko.page.locator("main").get_by_label("PAYMENT_RELEASE").check()
    aiko.page.get_by_label("Ticket").fill("CHG-3301")
    aiko.page.get_by_role("button", name="Report ticked rows done").click()
    aiko.is_told("1 reported done.")


def _open_removal(person: Person) -> None:
    person.go("/revocations/?state=all&system=CORE")
    row = person.page.locator("main tbody tr").filter(has_text="PAYMENT_RELEASE")
    person.press(re.compile("^Open"), within=row)
    expect(person.page.locator("h1")).to_contain_text("PAYMENT_RELEASE")
