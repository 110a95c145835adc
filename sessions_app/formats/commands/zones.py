"""Where on the screen a line is being edited, and what stands there when it is accepted."""

import unicodedata
from dataclasses import dataclass

from sessions_app.formats.commands import prompts
from sessions_app.formats.commands.found import Confidence, Method
from sessions_app.formats.commands.marks import visible
from sessions_app.formats.commands.screen import Place, Screen
from sessions_app.formats.commands.shell_syntax import is_incomplete

MOST_ROWS = 300
SEARCHED_ROWS = 100
AT_ONCE = 0.005  # seconds


@dataclass(slots=True)
class Prompted:
    """A prompt without marks, and where it ends."""

    place: Place | None
    prompt: str
    before: str  # what stands before the cursor: the prompt, and perhaps what no line feed had ended
    at: float
    size: int  # of the event that brought it
    raw: str  # its bytes, from the beginning of its row or event
    is_inside: bool = False  # more followed in the same event
    right: tuple[int, str] | None = None  # column and text of a prompt at the right margin
    is_guess: bool = False  # it has no shape of a prompt: somebody must have waited behind it


@dataclass(frozen=True, slots=True)
class Read:
    """What was found in a zone."""

    prompt: str
    text: str
    confidence: Confidence


def left_of_cursor(screen: Screen) -> str:
    """What stands in the cursor's row before it; of the blanks at its end, one is kept."""
    x, y = screen.cursor()
    if x == 0:
        return ""
    text = screen.text(y, 0, x)
    return text + " " if text and not screen.text(y, x - 1, x) else text


def right_of_cursor(screen: Screen) -> tuple[int, str] | None:
    """What stands at the right margin, as prompts of zsh and fish may: its column, and its text."""
    x, y = screen.cursor()
    text = screen.text(y, x)
    behind = text.lstrip()
    return (x + len(text) - len(behind), behind) if behind and len(text) - len(behind) > 1 else None


def collected(
    screen: Screen,
    place: Place | None,
    prompt: str,
    right: tuple[int, str] | None,
    last: int | None = None,
    *,
    is_one_line: bool = False,
) -> str | None:
    """The rows from behind the prompt to the cursor, or to row `last`; None when the prompt is gone.

    With `is_one_line` they must be one line that wraps.
    """
    bottom = screen.cursor()[1] if last is None else last
    start = _start(screen, place, prompt, bottom)
    if start is None:
        return None
    x, y = start
    if is_one_line and any(
        not screen.row(number).is_wrapped for number in range(y, min(bottom, y + MOST_ROWS))
    ):
        return None
    bottom = min(bottom, y + MOST_ROWS)
    parts: list[str] = []
    for number in range(y, bottom + 1):
        row = screen.row(number, x if number == y else 0)
        text, is_wrapped = row.text, row.is_wrapped
        if number == y and right is not None and _stands(screen, number, right):
            text, is_wrapped = screen.text(number, x, right[0]), False
        elif is_wrapped and number < bottom:
            missing = screen.cols - (x if number == y else 0) - width(text)
            text += " " * max(missing if missing > 1 or text[-1:].isascii() else 0, 0)
        parts.append(text)
        if number < bottom and not is_wrapped:
            parts.append("\n")
    return "".join(parts)


def _start(screen: Screen, place: Place | None, prompt: str, bottom: int) -> tuple[int, int] | None:
    """Where the line begins: at its place, or where the prompt was drawn anew."""
    wanted = prompt.rstrip()
    found = screen.where(place) if place is not None else None
    top = max(bottom - SEARCHED_ROWS, screen.top() - 1)
    rows = range(bottom, top, -1)
    if found is not None:
        if not wanted:
            return found
        rows = range(bottom, max(found[1] - 1, bottom - SEARCHED_ROWS), -1)
        is_there = found[1] <= bottom and screen.text(found[1], 0, found[0]).rstrip() == wanted
        if is_there and found[1] == bottom:
            return found
        if not is_there:
            rows = range(bottom, top, -1)
    for number in rows:
        if wanted and screen.text(number).startswith(wanted):
            return width(prompt), number
    return None


def _stands(screen: Screen, y: int, right: tuple[int, str]) -> bool:
    column, text = right
    return screen.text(y, column) == text and (column == 0 or not screen.text(y, column - 1, column))


def width(text: str) -> int:
    """Columns that a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


class Zone:
    """A line being edited between two marks."""

    def __init__(
        self,
        method: Method,
        place: Place | None,
        at: tuple[int, int],
        left: str,
        time: float,
        *,
        right: tuple[int, str] | None,
        has_keypad: bool,
    ) -> None:
        self.method, self.has_keypad = method, has_keypad
        self.is_secondary = False
        self.prompt: str | None = None
        self._place, self._at, self._left = place, at, left
        self._right = right
        self.is_settled = False
        self._seen_at = time
        # zsh shows its prompt before the mark, so nothing needs to follow.
        self.is_shown = prompts.shape(left) != "none"

    def saw(self, text: str) -> None:
        if not self.is_shown and visible(text).strip():
            self.is_shown = True

    def ends_here(self, screen: Screen) -> None:
        """The shell said that its prompt ends at the cursor."""
        x, y = screen.cursor()
        self._place, self.prompt, self.is_settled = screen.place(x, y), left_of_cursor(screen), True
        self._right = right_of_cursor(screen)
        self.is_shown = True

    def find_prompt(self, screen: Screen, known: list[str], at: float) -> None:
        """At the end of an event: where the prompt ends, as far as it stands there by now.

        What does not look like a prompt is taken for one until more comes at once: no one types that fast.
        """
        is_pause = at - self._seen_at > AT_ONCE
        self._seen_at = at
        if self.prompt is not None and is_pause:
            self.is_settled = True
            return
        x, y = screen.cursor()
        if self._left and (self._left in known or prompts.shape(self._left) != "none"):
            where = screen.where(self._place) if self._place is not None else None
            if where is not None and where[1] == y:
                self.prompt, self.is_settled = self._left, True
                return
        left = left_of_cursor(screen)
        if (x, y) == self._at or not left.strip():
            return
        found = prompts.split(left, known) if left[-1] != " " or left.startswith(tuple(known)) else None
        if found is not None and found[1].strip():  # what was typed came along
            self._end_at(screen, width(found[0]), y, found[0])
            self.is_settled = True
            return
        self._end_at(screen, x, y, left)
        self.is_settled = prompts.shape(left) != "none"

    def _end_at(self, screen: Screen, x: int, y: int, prompt: str) -> None:
        self._place, self.prompt = screen.place(x, y), prompt
        self._right = right_of_cursor(screen)

    def read(self, screen: Screen, known: list[str], *, is_fish: bool) -> Read | None:
        """Prompt and text at the moment when the line was accepted; None when nothing can be made of it."""
        x, y = screen.cursor()
        last = y - 1 if x == 0 and not screen.text(y) else y
        prompt = self.prompt
        if prompt is None and prompts.shape(self._left) != "none":
            prompt = self._left
        if prompt is not None:
            text = collected(screen, self._place, prompt, self._right, last)
            if text is not None:
                return Read(prompt, self._whole(text, width(prompt) if is_fish else 0), "high")
        text = collected(screen, self._place, "", None, last)
        if text is None:
            text = screen.text(last)
        return _unmarked(text, known)

    def _whole(self, text: str, indent: int) -> str:
        """Without what the shell itself put before the further rows of a line; fish indents them."""
        first, *more = text.split("\n")
        whole = first
        for row in more:
            kept = row
            if indent and not row[:indent].strip():
                kept = row.strip()
            elif self.method != "paste" and row.startswith("> ") and is_incomplete(whole):
                kept = row[2:]
            whole += "\n" + kept
        return whole


def _unmarked(text: str, known: list[str]) -> Read | None:
    """Rows in which prompt and line came at once: the last row that begins with a prompt counts."""
    rows = text.split("\n")
    for index in range(len(rows) - 1, -1, -1):
        found = prompts.split(rows[index], known)
        if found is not None:
            return Read(found[0], "\n".join([found[1], *rows[index + 1 :]]), "medium")
    return None
