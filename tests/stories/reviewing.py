"""Step 3: compliance defines a campaign, sees exactly what is in it and what is not, and launches it."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.stories.browsing import Person
from tests.stories.theatre import Theatre

NAME = "Q4 privileged access"


def launch_campaign(theatre: Theatre) -> str:
    """CORE's count is confirmed, AWS-PAY's is not and needs a signed exception; gives the code."""
    confirm_count(theatre)
    ines = theatre["Ines Falk"]
    ines.go("/campaigns/")
    ines.look("no-campaign-yet")
    ines.go("/campaigns/new/")
    define(ines)
    code = re.search(r"/campaigns/([^/]+)/", ines.page.url)
    assert code is not None
    look_at_population(ines, code[1])
    launch(ines)
    ines.look("campaign")
    return code[1]


def confirm_count(theatre: Theatre) -> None:
    """The system's administrator reads the number of rows in CORE itself, and a wrong number is refused."""
    aiko = theatre["Aiko Mori"]
    theatre["Ines Falk"].go("/sources/")
    readings = theatre["Ines Falk"].page.locator("main tbody tr").filter(has_text="CORE, extract")
    readings.get_by_role("link", name="CORE, extract").click()
    theatre["Ines Falk"].look("source-core")
    address = (
        theatre["Ines Falk"]
        .page.locator('main a[href^="/imports/"]:not([href*="new"])')
        .first.get_attribute("href")
    )
    assert address is not None
    aiko.go(address)
    rows = len(theatre.core.rows())
    aiko.page.get_by_label("Rows at the source").fill(str(rows + 1))
    aiko.press("Confirm the count")
    aiko.reads(f"The file holds {rows} rows and you read {rows + 1} at the source")
    aiko.page.get_by_label("Rows at the source").fill(str(rows))
    aiko.press("Confirm the count")
    aiko.is_told("Confirmed")
    aiko.look("count-confirmed")


def define(ines: Person) -> None:
    """Two systems, all kinds, privileged rights, machines' credentials."""
    page = ines.page
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("What reviewers should know").fill(
        "Quarterly review. Questions: Ines Falk, extension 4100."
    )
    for system in ("CORE", "AWS-PAY"):
        page.get_by_role("group", name="Systems").get_by_label(system).check()
    for kind in page.get_by_role("group", name="Kinds of identity").get_by_role("checkbox").all():
        kind.check()
    page.get_by_label("Who reviews what has no reviewer").fill("ines@nordhaven.test")
    page.get_by_label("Due").fill(f"{datetime.now(UTC) + timedelta(days=14):%Y-%m-%d}")
    ines.look("new-campaign")
    ines.press("Save and look at it")


def look_at_population(ines: Person, code: str) -> None:
    """What is in, who decides, what is out and why, and how good the readings are."""
    sources = ines.page.locator("#sources tbody tr")
    expect(sources.filter(has_text="CORE, extract")).to_contain_text("confirmed by somebody else")
    expect(sources.filter(has_text="AWS payments")).to_contain_text("nobody else has confirmed its count")
    reviewers = ines.page.locator("#reviewers tbody tr")
    expect(reviewers.filter(has_text="Tomas Brandt")).to_contain_text("their manager")
    expect(reviewers.filter(has_text="Leon Weiss")).to_contain_text("the system’s owner")
    expect(reviewers.filter(has_text="Dana Kovac")).to_contain_text("their manager")
    ines.look("what-is-in-the-review")
    ines.go(f"/campaigns/{code}/population/?tab=out")
    ines.reads("not a privileged right", "nobody knows whether the right is privileged")
    ines.look("what-is-left-out")
    ines.go(f"/campaigns/{code}/population/")


def launch(ines: Person) -> None:
    """Red needs a reason; then everything is frozen with a digest."""
    reason = ines.page.get_by_label("Go on with AWS-PAY")
    reason.fill("The count is read next week; nothing of the account is privileged in production.")
    ines.look("launch-with-an-exception")
    ines.press("Launch")
    ines.is_told(re.compile(r"Launched with \d+ items"))
    expect(ines.page.locator(".digest").first).to_have_text(re.compile("[0-9a-f]{64}"))
