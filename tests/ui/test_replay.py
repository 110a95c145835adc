"""A recording replays under the policy, and the list of commands leads to the right moment of it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]
PLAYER = ROOT / "node_modules" / "asciinema-player"

needs_player = pytest.mark.skipif(not PLAYER.exists(), reason="asciinema-player is not installed (npm ci)")


@needs_player
@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_command_leads_to_its_moment_although_idle_time_is_cut(page: Page, version: int) -> None:
    page.goto(f"/replay/{version}/")
    screen = page.locator(".player .ap-term")
    expect(screen).to_be_visible()
    page.locator("#commands a").nth(1).click()
    expect(page.locator("#commands a").nth(1)).to_have_attribute("aria-current", "true")
    expect(screen).to_contain_text("two")
    expect(screen).not_to_contain_text("three")
    page.locator("#commands a").nth(0).click()
    expect(screen).not_to_contain_text("two")
    assert page.url.endswith(f"/replay/{version}/")


@needs_player
def test_a_recording_that_cannot_be_had_leaves_the_way_to_the_transcript(page: Page) -> None:
    page.goto("/replay/9/")
    expect(page.locator("[data-player-failed]")).to_contain_text("Read the transcript")
