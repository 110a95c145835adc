"""The face in a real browser: legible, reachable by keyboard, quiet about what it may not do."""

import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PAGES = [
    "/styleguide/?say=1",
    "/styleguide/review/",
    "/styleguide/404/",
    "/styleguide/409/",
    "/styleguide/500/",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

BEHIND_THE_BAR = """control => {
    const box = control.getBoundingClientRect();
    const bar = document.querySelector('.standing').getBoundingClientRect();
    return box.height > 0 && box.bottom > bar.top + 1 && box.top < bar.bottom;
}"""
# WCAG 2.5.8: 24 by 24 pixels, the control itself or its label.
TOO_SMALL = """() => [...document.querySelectorAll('main :is(button, .button, select, input)')]
    .filter((control) => control.type !== 'hidden' && ![control, ...(control.labels || [])].some((part) => {
        const box = part.getBoundingClientRect();
        return box.height === 0 || (box.height >= 24 && box.width >= 24);
    }))
    .map((control) => control.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("width", [320, 375, 900, 1280, 1600])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_never_scrolls_sideways(page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 812})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(
    browser: Browser, served: str, path: str, scheme: Literal["light", "dark"]
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci)")
    for width in (1280, 375):
        # axe itself is put into the page, which the policy would refuse.
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
        )
        tab = context.new_page()
        tab.goto(served + path)
        tab.evaluate(AXE.read_text())
        found = tab.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
        context.close()
        assert [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]] == []


def test_the_bar_at_the_foot_never_hides_what_has_the_focus(page: Page) -> None:
    page.goto("/styleguide/review/")
    last = page.locator("tr[data-item]").last.locator("[data-key='e']")
    for control in page.locator("main a, main button").all():
        control.focus()
        assert not control.evaluate(BEHIND_THE_BAR), control.inner_text()
    expect(last).to_be_visible()


def test_the_skip_link_comes_first_and_leads_to_the_content(page: Page) -> None:
    page.goto("/styleguide/review/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_a_review_is_done_by_keyboard(page: Page) -> None:
    page.goto("/styleguide/review/")
    page.evaluate(
        "document.addEventListener('click', e => { const b = e.target.closest('[data-key]');"
        " if (b) { e.preventDefault(); document.title = b.closest('tr').id + ' ' + b.dataset.key } })"
    )
    page.keyboard.press("j")
    expect(page.locator("#item-1")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("#item-2")).to_be_focused()
    expect(page.locator("#item-2")).to_have_class(re.compile("current"))
    expect(page.locator("tr.current")).to_have_count(1)
    for key in ("1", "2", "3", "e"):
        page.keyboard.press(key)
        assert page.title() == f"item-2 {key}"


def test_single_keys_can_be_turned_off(page: Page) -> None:
    page.goto("/styleguide/review/")
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.locator("[data-shortcuts]").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    expect(page.locator("#item-1")).not_to_be_focused()
    page.reload()
    page.keyboard.press("j")
    expect(page.locator("#item-1")).not_to_be_focused()


def test_keys_are_letters_where_somebody_types(page: Page) -> None:
    page.goto("/styleguide/")
    search = page.locator("input[type=search]")
    search.press("j")
    expect(search).to_have_value("j")


def test_a_decision_keeps_the_focus_and_says_what_happened(page: Page) -> None:
    page.goto("/workbench/")
    page.get_by_role("button", name="kept").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#word")).to_have_text("second")
    expect(page.locator(".toast")).to_contain_text("Kept. Undo it until you sign off.")
    expect(page.get_by_role("button", name="kept")).to_be_focused()


@pytest.mark.parametrize(
    ("button", "words"),
    [
        (
            "conflict",
            ["This has changed since you opened it.", "Samir Haddad decided Keep.", "<b>markup</b>"],
        ),
        ("fault", ["The portal made a mistake."]),
        ("missing", ["There is nothing here for you."]),
    ],
)
def test_what_went_wrong_is_said_and_nothing_is_swapped(page: Page, button: str, words: list[str]) -> None:
    page.goto("/workbench/")
    with page.expect_response("**/answer/**") as answered:
        page.get_by_role("button", name=button).click()
    toast = page.locator("[role=alert] .toast.bad")
    for part in (*words, answered.value.headers["x-request-id"]):
        expect(toast).to_contain_text(part)
    expect(page.locator("#word")).to_have_text("first")
    toast.get_by_role("button", name="Close").click()
    expect(toast).to_have_count(0)


def test_a_conflict_offers_to_read_it_again(page: Page) -> None:
    page.goto("/workbench/")
    page.get_by_role("button", name="conflict").click()
    expect(page.locator(".toast a")).to_have_text("Read it again")


def test_a_lost_connection_is_said(page: Page) -> None:
    page.goto("/workbench/")
    page.route("**/answer/**", lambda route: route.abort())
    page.get_by_role("button", name="kept").click()
    expect(page.locator(".toast.bad")).to_contain_text("could not be reached")


def test_a_whole_page_is_never_put_into_a_row(page: Page) -> None:
    page.goto("/workbench/")
    page.get_by_role("button", name="whole").click()
    page.wait_for_url("**/answer/whole/**")
    expect(page.locator("main")).to_have_count(1)


def test_an_ended_sign_in_is_said_and_loses_nothing(page: Page) -> None:
    page.goto("/workbench/")
    page.get_by_role("button", name="ended").click()
    expect(page.locator(".toast.bad")).to_contain_text("no longer signed in")
    expect(page.locator("#word")).to_have_text("first")


def test_a_form_is_sent_once(page: Page) -> None:
    page.goto("/workbench/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.evaluate("() => { const f = document.getElementById('once'); f.requestSubmit(); f.requestSubmit() }")
    page.wait_for_url("**/answer/slow/")
    assert len(sent) == 1


def test_a_filter_is_sent_at_once_and_keeps_the_focus(page: Page) -> None:
    page.goto("/styleguide/")
    page.locator("#filter-privileged").check()
    page.wait_for_url("**privileged=on**")
    expect(page.locator("#filter-privileged")).to_be_focused()


def test_a_list_walked_by_arrow_keys_waits_until_it_is_left(page: Page) -> None:
    page.goto("/styleguide/")
    page.locator("#filter-system").focus()
    page.keyboard.press("ArrowDown")
    assert "system=" not in page.url
    page.keyboard.press("Tab")
    page.wait_for_url("**system=AWS-PAY**")


def test_light_or_dark_is_kept(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/styleguide/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator(".rail > .me").get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.locator(".rail > .me").get_by_role("button", name="System").click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light


def test_the_menu_on_a_phone_opens_and_closes_by_keyboard(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 812})
    page.goto("/styleguide/")
    expect(page.get_by_role("navigation", name="Main")).to_have_count(0)
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Main")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Main")).to_have_count(0)
    expect(page.locator("summary")).to_be_focused()


def test_everything_stands_there_without_a_script(browser: Browser, served: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{served}/styleguide/")
    expect(tab.get_by_role("button", name="Show", exact=True)).to_be_visible()
    expect(tab.locator("main h1")).to_be_visible()
    expect(tab.locator("[data-themes]").first).to_be_hidden()
    context.close()


@pytest.mark.parametrize("path", ["/styleguide/", "/styleguide/review/"])
def test_controls_are_large_enough_for_a_finger(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 375, "height": 812})
    page.goto(path)
    assert page.evaluate(TOO_SMALL) == []
