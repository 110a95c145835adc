"""People at their screens: one browser context each, looked at on a desk and on a phone."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Locator,
    Page,
    Playwright,
    ViewportSize,
    expect,
)

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "story"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# A browser of the machine must not go looking for anything in the network.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 375, "height": 812}
LONGEST_PICTURE = 3000  # pixels; a list of hundreds is shown by its beginning
PATIENCE = 20_000  # milliseconds; the machine may be busy with other tests
expect.set_options(timeout=PATIENCE)


def chromium() -> str | None:
    """The browser of this machine; none is ever downloaded."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def opened(playwright: Playwright, executable: str) -> Iterator[Browser]:
    """The browser, for as long as it is needed."""
    browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
    yield browser
    browser.close()


class Album:
    """Every picture of the story in its order, and everything that was wrong on the way."""

    def __init__(self, folder: Path = PICTURES) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self._number = 0

    def next_name(self, name: str) -> str:
        """`07-my-reviews`; with the first one the pictures of the story before are taken out."""
        if not self._number:
            self.folder.mkdir(parents=True, exist_ok=True)
            for old in self.folder.glob("*.png"):
                old.unlink()
        self._number += 1
        return f"{self._number:02}-{name}"


class Person:
    """Somebody who uses the portal in a browser window of their own."""

    def __init__(
        self, browser: Browser, address: str, album: Album, name: str, *, has_scripts: bool = True
    ) -> None:
        self.name, self.address, self.album = name, address, album
        self.context: BrowserContext = browser.new_context(
            viewport=DESK,
            base_url=address,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            java_script_enabled=has_scripts,
        )
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self._devtools: CDPSession = self.context.new_cdp_session(self.page)
        self._listen()

    def sign_in(self, email: str, password: str) -> None:
        """Through the form, like everybody."""
        self.page.goto("/sign-in/login/")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("What waits for you")

    def go(self, path: str) -> None:
        """Open a page that answers 200."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, f"{self.name} at {path}: {answer.status}"

    def status_of(self, path: str) -> int:
        """What a page answers, without leaving the one that is open."""
        status: int = self.context.request.get(path, max_redirects=0).status
        return status

    def press(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        """Click the button or link of exactly that name, or of one that the pattern fits."""
        ground: Page | Locator = within or self.page.locator("main")
        button = ground.get_by_role("button", name=name, exact=True)
        button.or_(ground.get_by_role("link", name=name, exact=True)).first.click()

    def reads(self, *words: str | re.Pattern[str]) -> None:
        """The page says all of it."""
        for one in words:
            expect(self.page.locator("main")).to_contain_text(one)

    def is_told(self, words: str | re.Pattern[str]) -> None:
        """A message says so."""
        expect(self.page.locator("main, .toasts").filter(has_text=words).first).to_be_visible()

    def reload_until(self, locator: Locator, *, within: float) -> None:
        """Read the page again until it shows something, at most `within` seconds."""
        for _try in range(int(within)):
            try:
                locator.first.wait_for(state="visible", timeout=1_000)
            except Exception as late:
                if "Timeout" not in type(late).__name__:
                    raise
            else:
                return
            self.page.reload()
        expect(locator.first).to_be_visible()

    def doors_open(self) -> None:
        """The rail shows no door that does not open."""
        doors = self.page.locator(".rail > nav a").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
        shut = {door: status for door in doors if (status := self.status_of(door)) != 200}
        if shut:
            self._wrong("the rail", f"doors that don't open: {shut}")

    def look(self, name: str) -> None:
        """Take the page on a desk and on a phone, and note what is wrong with it."""
        label = self.album.next_name(name)
        expect(self.page.locator("h1").first).to_be_visible()
        self._take(label, DESK, "light")
        self._take(label, PHONE, "dark")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(DESK)

    def _take(self, label: str, size: ViewportSize, scheme: str) -> None:
        width = size["width"]
        self.page.set_viewport_size(size)
        self.page.evaluate("scrollTo(0, 0)")
        wide, high = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        if wide > width:
            self._wrong(label, f"{wide} pixels wide on a screen of {width}")
        # As high as the page, so that all of it is seen and nothing lies behind the bar at its foot.
        self.page.set_viewport_size(
            {"width": width, "height": max(min(high, LONGEST_PICTURE), size["height"])}
        )
        self.page.screenshot(path=self.album.folder / f"{label}-{width}.png", animations="disabled")
        # The phone's picture is light like the desk's; its colours are judged in the dark.
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for found in self.violations():
            self._wrong(label, f"{width} {scheme}: {found}")

    def violations(self) -> list[str]:
        """What axe finds; it comes through the developer tools, so that the page's policy stays in force.

        It leaves empty style attributes behind, which the page itself could not have; they are taken away.
        """
        assert AXE.exists(), "axe-core is not installed: make setup"
        there = self._devtools.send("Runtime.evaluate", {"expression": "typeof axe"})["result"]["value"]
        if there == "undefined":
            self._devtools.send("Runtime.evaluate", {"expression": AXE.read_text()})
        answer = self._devtools.send(
            "Runtime.evaluate",
            {
                "expression": f"axe.run(document, {{runOnly: {RULES}, resultTypes: ['violations']}}).then("
                "found => found.violations.map(rule => `${rule.id}, ${rule.nodes.length} times, first: "
                "${rule.nodes[0].html.slice(0, 200)}`)).finally(() => "
                "document.querySelectorAll('[style=\"\"]').forEach(one => one.removeAttribute('style')))",
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        result: dict[str, Any] = answer["result"]
        assert "exceptionDetails" not in answer, answer
        found: list[str] = result["value"]
        return found

    def _listen(self) -> None:
        self.page.on("pageerror", lambda error: self._wrong(self.page.url, f"fault in a script: {error}"))
        self.page.on("console", lambda said: self._overhear(said.text))
        self.page.on("response", lambda answer: self._answered(answer.status, answer.url))

    def _overhear(self, words: str) -> None:
        if "Content Security Policy" in words:
            self._wrong(self.page.url, words)

    def _answered(self, status: int, url: str) -> None:
        if status >= 500 or (status == 404 and "/static/" in url):
            self._wrong(url, f"answered {status}")

    def _wrong(self, where: str, what: str) -> None:
        self.album.faults.append(f"{self.name}, {where.removeprefix(self.address)}: {what}")
