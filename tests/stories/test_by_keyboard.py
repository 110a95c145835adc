"""Nobody needs a mouse: a review from the sign-in to the sign-off, and an offboarding, by keys alone."""

import re

from playwright.sync_api import expect

from portal.users.roles import Role
from reviews.models import Decision
from tests.factories import inventory, people
from tests.stories.browsing import Person
from tests.stories.small import launch
from tests.stories.theatre import PASSWORD, Theatre, apart

# Whoever walks further than this to reach something has lost their way.
FAR = 40
WHERE = """() => {
    const here = document.activeElement;
    if (!here || here === document.body) return "nowhere";
    const name = here.getAttribute("aria-label") || here.labels?.[0]?.innerText || here.innerText
        || here.value || here.id;
    return `${here.tagName.toLowerCase()} ${(name || "").trim().replace(/\\s+/g, " ")}`.slice(0, 90);
}"""
# What has the focus is seen: it lies in the window, and a ring or a border shows it.
HIDDEN = """() => {
    const here = document.activeElement, box = here.getBoundingClientRect();
    const bar = document.querySelector(".standing")?.getBoundingClientRect();
    const under = bar && bar.height && !here.closest(".standing") && box.top > bar.top;
    const style = getComputedStyle(here);
    // The parts of a date or time field, its picker too, show by themselves which of them has it.
    const rings = ["date", "time"].includes(here.type)
        || style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return box.bottom < 0 || box.top > innerHeight || under || !rings;
}"""


class Keys:
    """Somebody with a keyboard only."""

    def __init__(self, person: Person) -> None:
        self.page = person.page

    def where(self) -> str:
        """What has the focus: its element and its name."""
        here: str = self.page.evaluate(WHERE)
        return here

    def press(self, *keys: str) -> None:
        """One key after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def settled(self) -> None:
        """What the last key asked for is there, and answers to the next one."""
        expect(self.page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(
            0
        )
        self.page.wait_for_load_state("networkidle")

    def reach(self, wanted: str, *, back: bool = False) -> None:
        """Tab until something whose name fits has the focus, which is seen at every step."""
        walked = []
        for _step in range(FAR):
            self.press("Shift+Tab" if back else "Tab")
            walked.append(self.where())
            assert not self.page.evaluate(HIDDEN), f"what has the focus is not seen: {walked[-1]}"
            if re.search(wanted, walked[-1]):
                return
        raise AssertionError(f"{wanted} is not reached: {walked}")

    def follow(self, wanted: str) -> None:
        """Reach it and press Enter; the next page is there when this returns."""
        self.reach(wanted)
        with self.page.expect_navigation():
            self.press("Enter")

    def past_the_rail(self) -> None:
        """By the link that comes first."""
        self.reach("Skip to the content")
        self.press("Enter")
        expect(self.page.locator("#content")).to_be_focused()

    def sign_in(self, email: str) -> None:
        """The form, like everybody."""
        self.page.goto("/sign-in/login/")
        self.reach("Email")
        self.page.keyboard.type(email)
        self.reach("Password")
        self.page.keyboard.type(PASSWORD)
        with self.page.expect_navigation():
            self.press("Enter")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("What waits for you")


def test_a_review_from_the_sign_in_to_the_sign_off(theatre: Theatre) -> None:
    apart(launch)
    keys = Keys(theatre.unseated("Tomas Brandt"))
    page = keys.page
    keys.sign_in("tomas@nordhaven.test")
    keys.follow("My reviews")
    keys.past_the_rail()
    keys.follow("Begin")
    decide(keys)
    keys.settled()
    keys.press("s")
    assert keys.where() == "a Go to sign-off"
    with page.expect_navigation():
        keys.press("Enter")
    keys.past_the_rail()
    keys.reach("I have looked at each line")
    keys.press("Space")
    keys.follow("button Sign off")
    expect(page.locator("main")).to_contain_text("Signed off.")


def decide(keys: Keys) -> None:
    """Three lines, one of them undone; after each key the focus is still on its line."""
    page = keys.page
    rows, bar = page.locator("tr[data-item]"), page.locator(".standing")
    counted = page.locator(".rail > nav .count-my_reviews")
    for number, (key, label) in enumerate((("1", "Keep"), ("2", "Remove"), ("3", "Limit")), 1):
        keys.settled()
        keys.press("j", key)
        row = rows.nth(number - 1)
        expect(row.locator("[aria-pressed=true]")).to_contain_text(label)
        expect(row).to_be_focused()
        expect(bar).to_contain_text(f"{number} of 3")
        expect(counted).to_have_text(str(3 - number) if number < 3 else "")
    keys.settled()
    keys.press("k", "u")
    expect(rows.nth(1).locator("[aria-pressed=true]")).to_have_count(0)
    expect(rows.nth(1)).to_be_focused()
    expect(counted).to_have_text("1")
    expect(page.locator("main .count-undecided")).to_have_text("1")
    keys.settled()
    keys.press("2")
    expect(bar).to_contain_text("3 of 3")
    choose_a_reason(keys)
    keys.settled()
    keys.press("e")
    expect(rows.nth(1).get_by_role("link", name="Close evidence")).to_be_visible()
    expect(rows.nth(1)).to_be_focused()
    keys.settled()
    keys.press("e")


def choose_a_reason(keys: Keys) -> None:
    """Walking through the list decides nothing; leaving it with another reason does, once."""
    page = keys.page
    row = page.locator("tr[data-item]").nth(1)
    first = decided()
    keys.reach("select Because")
    with page.expect_response(re.compile("/decide/")):
        keys.press("ArrowDown", "ArrowDown", "ArrowDown", "Tab")
    expect(row.locator("option[selected]")).to_have_text("Left the organisation")
    expect(row.locator("button[data-key=u]")).to_be_focused()
    assert decided() == first + 1
    keys.reach("select Because", back=True)
    with page.expect_response(re.compile("/decide/")):
        keys.press("ArrowUp", "Enter")
    expect(row.locator("option[selected]")).to_have_text("Left the team")
    expect(row.locator("select")).to_be_focused()
    assert decided() == first + 2
    keys.press("ArrowUp", "Escape")
    expect(row).to_be_focused()
    expect(row.locator("select option:checked")).to_have_text("Left the team")
    assert decided() == first + 2


def decided() -> int:
    """How many decisions are recorded."""
    return apart(Decision.objects.count)


def test_an_offboarding(theatre: Theatre) -> None:
    apart(lambda: inventory.identity("Dana Kovac", email="dana@nordhaven.test"))
    apart(lambda: people.user("Ruth Oyelaran", Role.HR))
    keys = Keys(theatre.unseated("Ruth Oyelaran"))
    page = keys.page
    keys.sign_in("ruth@nordhaven.test")
    keys.follow("Offboarding")
    keys.past_the_rail()
    keys.follow("Plan an offboarding")
    keys.reach("Name, e-mail address or number")
    page.keyboard.type("Kovac")
    with page.expect_navigation():
        keys.press("Enter")
    keys.follow("This person : Dana Kovac")
    keys.reach("Reason")
    keys.press("r")
    keys.reach("Day")
    page.keyboard.type("12312026")
    keys.reach("Hour")
    page.keyboard.type("0400PM")
    keys.follow("Go on")
    expect(page.locator("main")).to_contain_text("Is this right?")
    keys.follow("Plan the offboarding")
    expect(page.locator("h1")).to_have_text("Offboarding of Dana Kovac")
    keys.past_the_rail()
    keys.follow("Cancel it")
    keys.past_the_rail()
    keys.follow("Cancel the offboarding")
    expect(page.locator("main")).to_contain_text("It is cancelled")
