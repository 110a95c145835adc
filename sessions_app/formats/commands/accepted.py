"""Accepted lines become commands: the lines of one command are joined, the rest is dropped.

A command is given out when the next prompt has shown that it is whole. A line behind something that only
might be a prompt waits until such a prompt has come a second time.
"""

from collections import Counter
from dataclasses import dataclass, replace

from sessions_app.formats.commands import prompts
from sessions_app.formats.commands.found import CONFIDENCES, Command, Confidence, Method

LONGEST = 16 * 1024
MOST_WAITING = 50
FAMILIES_KEPT = 200
LISTED_WITHIN = 5.0  # seconds between a line and its being shown again below the choices for it


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it stood on the screen when it was accepted."""

    at: float
    number: int
    prompt: str
    text: str
    method: Method
    confidence: Confidence
    is_aborted: bool = False
    is_confirmed: bool = False  # by the keys that were recorded
    is_secondary: bool = False  # the shell said that it belongs to the line before
    company: int = 0  # how often its prompt must come for it to count


class Accepted:
    """The lines of one recording, in their order."""

    def __init__(self) -> None:
        self.ready: list[Command] = []
        self._open: Line | None = None
        self._waiting: list[tuple[Line, int]] = []
        self._families: Counter[str] = Counter()
        self.prompts = 0

    def prompt(self, text: str) -> None:
        """A prompt was shown; it has not been answered yet."""
        self.prompts += 1
        family = prompts.family(text)
        if family in self._families or len(self._families) < FAMILIES_KEPT:
            self._families[family] += 1
        self._release()

    def add(self, line: Line) -> None:
        """A line was accepted; the one before is whole unless this goes on with it."""
        begun = self._open
        text = _tidy(line.text)
        indent = " " * (len(line.text) - len(line.text.lstrip()) if text else 0)
        is_aborted = line.is_aborted or line.text.rstrip().endswith("^C")
        line = replace(line, text=text, is_aborted=is_aborted)
        if begun is not None and not begun.is_aborted and self._goes_on(begun, line):
            joined = f"{begun.text}\n{indent}{text}"[:LONGEST]
            least = min(begun.confidence, line.confidence, key=CONFIDENCES.index)
            self._open = replace(
                begun,
                at=line.at,
                number=line.number,
                text=joined,
                confidence=least,
                is_aborted=is_aborted,
                is_confirmed=begun.is_confirmed and line.is_confirmed,
            )
            return
        if begun is not None and begun.method == "recorder" and _is_same(begun, line, text):
            self._open = replace(begun, prompt=line.prompt)
            return
        self._close()
        if text:
            self._open = line

    def told(self, text: str, at: float, number: int, method: Method) -> None:
        """The shell itself said what it runs: that replaces what was read from the screen for it."""
        text = text.strip()[:LONGEST]
        if not text:
            return
        if self._open is not None and at - self._open.at < LISTED_WITHIN and not self._open.is_aborted:
            self._open = replace(
                self._open,
                text=text,
                method=method,
                confidence="high",
                company=0,
                is_confirmed=False,
            )
        else:
            self._close()
            self._open = Line(at, number, "", text, method, "high")

    def would_be_again(self, typed: str, at: float) -> bool:
        """Whether this is the line that was just accepted, or the beginning of a longer one."""
        begun = self._open
        is_recent = begun is not None and at - begun.at < LISTED_WITHIN
        return is_recent and begun is not None and bool(begun.text) and typed.startswith(begun.text)

    def shown_again(self, typed: str, at: float) -> None:
        """The prompt came back with text behind it: completions of the line were listed."""
        if self.would_be_again(typed, at):
            self._open = None

    def has_said(self, row: str) -> bool:
        """Whether the line that was just accepted holds this row, as in `echo "user@host:~$ ls"`."""
        return self._open is not None and len(row) > 3 and row in self._open.text

    def recorded(self, text: str, at: float, number: int) -> None:
        """The recorder observed a command; the same line on the screen is the same command."""
        text = text.strip()[:LONGEST]
        begun = self._open
        if begun is not None and begun.text == text and at - begun.at < LISTED_WITHIN:
            self._open = replace(begun, method="recorder", confidence="high", company=0)
        elif text:
            self._close()
            self._open = Line(at, number, "", text, "recorder", "high")

    def end(self) -> None:
        self._close()
        while self._waiting:
            line, _ = self._waiting.pop(0)
            if self._is_certain(line):
                self.ready.append(_command(line))

    def _goes_on(self, begun: Line, line: Line) -> bool:
        if not begun.text:
            return False
        return line.is_secondary or prompts.continues(line.prompt, begun.prompt, begun.text)

    def _close(self) -> None:
        if self._open is not None:
            self._waiting.append((self._open, self.prompts))
            self._open = None
        self._release()

    def _release(self) -> None:
        while self._waiting:
            line, since = self._waiting[0]
            if self._is_certain(line):
                self.ready.append(_command(line))
            elif self.prompts - since < MOST_WAITING and len(self._waiting) < MOST_WAITING:
                return
            self._waiting.pop(0)

    def _is_certain(self, line: Line) -> bool:
        return not line.company or self._families[prompts.family(line.prompt)] >= line.company


def _is_same(told: Line, line: Line, text: str) -> bool:
    return not told.prompt and told.text == text and line.at - told.at < LISTED_WITHIN


def _tidy(text: str) -> str:
    text = text.strip()
    if text.endswith("^C"):
        text = text[:-2].rstrip()
    return text[:LONGEST]


def _command(line: Line) -> Command:
    confidence = line.confidence
    if line.is_confirmed:
        confidence = CONFIDENCES[min(CONFIDENCES.index(confidence) + 1, len(CONFIDENCES) - 1)]
    return Command(
        at=line.at,
        text=line.text.strip(),
        method=line.method,
        confidence=confidence,
        aborted=line.is_aborted,
        line=line.number,
        prompt=line.prompt.strip(),
    )
