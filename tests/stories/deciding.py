"""Steps 4 and 6: a manager decides by keyboard alone, and every decision keeps what stood beside it."""

import re
from datetime import UTC, date, datetime

from playwright.sync_api import Locator, expect

from tests.stories.browsing import Person
from tests.stories.recording import Sessions
from tests.stories.reviewing import NAME
from tests.stories.theatre import Theatre

OWN_WORDS = "Samir hands payments over to the new team this month"


def decide(theatre: Theatre, sessions: Sessions) -> date:
    """Tomas decides every line, changes his mind once, and signs off; gives the day of the limit."""
    tomas = theatre["Tomas Brandt"]
    tomas.go("/")
    tomas.look("home-of-a-manager")
    tomas.page.get_by_role("navigation", name="Main").get_by_role("link", name="My reviews").click()
    tomas.look("my-reviews")
    tomas.page.locator("main").get_by_role("link", name=NAME).click()
    what_matters_stands_beside(tomas)
    by_keyboard(tomas, sessions)
    until = what_happens_then(tomas)
    tomas.look("review-decided")
    from_evidence_to_decision_and_back(theatre, tomas, sessions)
    sign_off(tomas)
    return until


def what_matters_stands_beside(tomas: Person) -> None:
    """Who, what in plain words, why privileged, last use with its source, sessions or why there are none."""
    release = _line(tomas, "PAYMENT_RELEASE")
    for words in (
        "Samir Haddad",
        "Release payments to other banks",
        "privileged",
        "Money leaves the bank with one click",
        "unused",
        "always on",
        "CORE, extract",
    ):
        expect(release).to_contain_text(words)
    expect(_line(tomas, "sh-admin")).to_contain_text("1 session")
    expect(_line(tomas, "jsmith")).to_contain_text("rec-jump: alive")
    expect(_rows(tomas).filter(has_text="AWS-PAY").first).to_contain_text("no recorder covers AWS-PAY")
    tomas.look("review")


def by_keyboard(tomas: Person, sessions: Sessions) -> None:
    """No mouse from here to the last line."""
    keys = tomas.page.keyboard
    count = _rows(tomas).count()
    keys.press("j")
    expect(_rows(tomas).nth(0)).to_be_focused()
    keys.press("1")
    expect(_current(tomas).get_by_role("button", name="Keep")).to_have_attribute("aria-pressed", "true")
    keys.press("2")
    expect(_current(tomas).get_by_role("button", name="Remove")).to_have_attribute("aria-pressed", "true")
    keys.press("u")
    expect(_current(tomas).locator("[aria-pressed=true]")).to_have_count(0)
    expect(_standing(tomas)).to_contain_text(f"0 of {count}")

    for number in range(count):
        row = _rows(tomas).nth(number)
        expect(_current(tomas)).to_have_id(row.get_attribute("id") or "")
        text = row.inner_text()
        if "PAYMENT_RELEASE" in text:
            keys.press("2")
            expect(row).to_contain_text("Not used in the period")
        elif "sh-admin" in text:
            keys.press("e")
            expect(tomas.page.locator("tr.evidence")).to_contain_text(sessions.samir)
            tomas.look("evidence-opened")
            keys.press("3")
        else:
            keys.press("1")
        expect(row.locator("[aria-pressed=true]")).to_have_count(1)
        expect(_standing(tomas)).to_contain_text(f"{number + 1} of {count}")
        keys.press("j")
    _write_own_reason(tomas)


def _write_own_reason(tomas: Person) -> None:
    """Another reason than the usual one, still by keyboard."""
    row = _line(tomas, "PAYMENT_RELEASE")
    row.locator("summary").focus()
    tomas.page.keyboard.press("Enter")
    row.get_by_label(re.compile("own words")).focus()
    tomas.page.keyboard.type(OWN_WORDS)
    tomas.page.keyboard.press("Enter")
    expect(_line(tomas, "PAYMENT_RELEASE").locator("select option:checked")).to_have_text(OWN_WORDS)


def what_happens_then(tomas: Person) -> date:
    """Below each decision; the day on which the limited right ends."""
    release = _line(tomas, "PAYMENT_RELEASE").locator("p.then")
    expect(release).to_contain_text(re.compile("Then: .*Aiko Mori.* prove it gone"))
    limited = _line(tomas, "sh-admin").locator("p.then")
    expect(limited).to_contain_text("Then: it ends on")
    found = re.search(r"ends on (\d+ \w+ \d{4})", limited.inner_text())
    assert found is not None
    return datetime.strptime(found[1], "%d %b %Y").replace(tzinfo=UTC).date()


def from_evidence_to_decision_and_back(theatre: Theatre, tomas: Person, sessions: Sessions) -> None:
    """The item shows the sessions its decision rests on; the session shows the decisions that rest on it."""
    here = tomas.page.url
    address = _line(tomas, "sh-admin").locator("a[href^='/items/']").first.get_attribute("href")
    assert address is not None
    tomas.go(re.sub(r"(/items/\d+/).*", r"\1", address))
    tomas.reads("Limit", sessions.samir, "opened")
    tomas.look("item")
    tomas.go(f"/sessions/{sessions.samir}/")
    resting = tomas.page.locator("main section").filter(has_text="Decisions that rest on it")
    expect(resting).to_contain_text("Limit")
    expect(resting).to_contain_text("Tomas Brandt")
    assert tomas.page.locator(".player").count() == 0
    tomas.look("session-and-its-decisions")
    tomas.go(here)
    address = _line(tomas, "jsmith").locator("a[href^='/items/']").first.get_attribute("href")
    assert address is not None
    tomas.go(re.sub(r"(/items/\d+/).*", r"\1", address))
    tomas.reads(re.compile("recorder alive until"))
    tomas.go(here)


def sign_off(tomas: Person) -> None:
    """His own act over the counted results; afterwards nothing can be changed."""
    lines = tomas.page.url
    tomas.page.locator(".standing").get_by_role("link", name="Go to sign-off").click()
    tomas.reads("What changes", "Release payments to other banks")
    tomas.look("sign-off")
    tomas.page.get_by_label("I have looked at each line").check()
    tomas.press("Sign off")
    tomas.is_told("Signed off.")
    tomas.go(lines.removeprefix(tomas.address))
    assert tomas.page.locator("main fieldset.verdict").count() == 0
    tomas.look("review-signed-off")


def _rows(tomas: Person) -> Locator:
    return tomas.page.locator("tr[data-item]")


def _line(tomas: Person, words: str) -> Locator:
    return _rows(tomas).filter(has_text=words).first


def _current(tomas: Person) -> Locator:
    return tomas.page.locator("tr[data-item].current")


def _standing(tomas: Person) -> Locator:
    return tomas.page.locator(".standing")
