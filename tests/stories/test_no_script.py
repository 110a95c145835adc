"""Where scripts are switched off, every act of the main job is an ordinary form that answers with a page."""

import re

from playwright.sync_api import expect

from tests.stories.browsing import Person
from tests.stories.small import launch
from tests.stories.theatre import MIKAEL, Theatre, apart


def test_a_review_is_done_and_a_removal_reported_without_scripts(theatre: Theatre) -> None:
    apart(launch)
    tomas = theatre.seat("Tomas Brandt", has_scripts=False)
    tomas.go("/reviews/")
    tomas.press("Begin")
    decide(tomas)
    sign_off(tomas)
    aiko = theatre.seat("Aiko Mori", has_scripts=False)
    aiko.go("/revocations/")
    aiko.page.locator("main").get_by_label("DB_ROOT").check()
    aiko.page.get_by_role("button", name="Report ticked rows done").click()
    aiko.is_told("1 reported done.")
    aiko.page.get_by_label("State").select_option("reported")
    aiko.press("Show")
    aiko.reads("DB_ROOT")


def decide(tomas: Person) -> None:
    """Each press of a button is a page."""
    press = {"LEDGER_POST": "Keep", "DB_ROOT": "Remove", "LEDGER_ADMIN": "Limit"}
    for number, (right, button) in enumerate(press.items(), 1):
        row = tomas.page.locator("tr[data-item]").filter(has_text=right).first
        row.get_by_role("button", name=button, exact=True).click()
        expect(row.locator("[aria-pressed=true]")).to_contain_text(button)
        expect(tomas.page.locator(".standing")).to_contain_text(f"{number} of 3")
    row = tomas.page.locator("tr[data-item]").filter(has_text="DB_ROOT").first
    row.get_by_role("button", name="Undo").click()
    expect(tomas.page.locator(".standing")).to_contain_text("2 of 3")
    row.get_by_role("button", name="Remove", exact=True).click()
    row.locator("select[name=reason]").select_option("Left the team")
    row.get_by_role("button", name="Save").first.click()
    expect(row.locator("select option:checked")).to_have_text("Left the team")


def sign_off(tomas: Person) -> None:
    """With the results before him."""
    tomas.page.locator(".standing").get_by_role("link", name="Go to sign-off").click()
    tomas.reads("Left the team")
    tomas.page.get_by_label("I have looked at each line").check()
    tomas.press("Sign off")
    tomas.is_told("Signed off.")


def test_a_file_is_looked_at_and_applied_without_scripts(theatre: Theatre) -> None:
    mikael = theatre.seat(MIKAEL, has_scripts=False)
    page = mikael.page
    mikael.go("/imports/new/")
    page.get_by_label("File", exact=True).set_input_files(theatre.core.export("core.csv"))
    page.get_by_label("Name of the source").fill("CORE, extract")
    page.get_by_label("accounts on a system that is new").check()
    page.get_by_label("Short code").fill("CORE")
    page.get_by_label("Name of the system").fill("Core banking ledger")
    mikael.press("Send and look")
    mikael.reload_until(page.get_by_role("button", name="Apply"), within=30)
    page.get_by_label("I looked at this first reading").check()
    mikael.press("Apply")
    mikael.reload_until(page.get_by_text("What it changed"), within=30)
    mikael.go("/systems/CORE/")
    mikael.reads("dkovac", re.compile(r"Core banking ledger"))
