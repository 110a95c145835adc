"""Readable text from the output of a recording: an aid for reading and searching, not a terminal.

It keeps one line at a time, as long as it wraps over the rows of the screen, and applies to it what
programs do within a line: carriage return, backspace, tabs, cursor moves, insert, delete, erase, repeat.
What it does not do, and where its text therefore differs from what was seen:

- A line that was finished is never changed again: a cursor that is sent to another line ends this one.
  Progress displays of several lines, and prompts that redraw lines above, appear once per redraw.
- Programs on the alternate screen (vim, less, htop, but also all of tmux and screen) are left out; a line
  in ⟦ ⟧ says from when to when and how much. The recording shows them.
- Line feeds start at the left margin. Insert mode, scroll regions, tab stops set by programs, colours,
  line-drawing character sets and the reordering of right-to-left text are not applied.
- Wrapped lines need the width of the terminal; where the recording has none, 1,000 columns are assumed.
- Long control strings are skipped as a terminal would, and a line in ⟦ ⟧ says so.

Text can deceive: a program may print what looks like a prompt or a command. It cannot print the
brackets ⟦ ⟧, which are replaced, as are bidirectional overrides and lone surrogates; NUL and other
control characters are dropped, so that a database takes the text as it is.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from sessions_app.formats.controls import Token, Tokenizer
from sessions_app.formats.events import OUTPUT_CODES, Event
from sessions_app.formats.fields import MAX_COLS
from sessions_app.formats.terminal_line import TerminalLine

VERSION = 1  # kept on every chunk; raise when the text would change

CHUNK_BYTES = 64 * 1024
MAX_CHARACTERS = 256 * 1024 * 1024  # of the whole; cursor moves can make much out of little
LONG_STRING = 4096
TAB = 8

_ALTERNATE = frozenset({"47", "1047", "1049"})
_RUN = re.compile(r"[\x00-\x7f]{1,4096}|[^\x00-\x7f]{1,4096}")
_NOT_SHOWN = re.compile("[\ud800-\udfff\u202a-\u202e\u2066-\u2069\u27e6\u27e7]")


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """A line and the time of its first character; `is_note`: words about the recording, not from it."""

    at: float
    text: str
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive lines, each with its newline, in at most 64 KiB of UTF-8; numbers count from 1.

    The chunks put together are the transcript. A line too long for one chunk continues in the next.
    """

    number: int
    at: float
    text: str


def transcribe(events: Iterable[Event], *, cols: int | None = None) -> Iterator[TranscriptLine]:
    """The lines of a recording, from output and resizes alone; `cols` is the width in its header."""
    paper = _Paper(cols)
    tokens = Tokenizer()
    given = 0
    for event in events:
        paper.now = max(paper.now, event.at)
        if event.code == "r":
            paper.resize(event.data)
        if event.code not in OUTPUT_CODES:
            continue
        for token in tokens.feed(event.data):
            paper.take(token)
            if not paper.lines:
                continue
            for line in paper.lines:
                given += len(line.text) + 1
                yield line
            paper.lines.clear()
            if given > MAX_CHARACTERS:
                yield _note(paper.now, f"the transcript ends here: more than {MAX_CHARACTERS:,} characters")
                return
    for token in tokens.end():
        paper.take(token)
    paper.end()
    yield from paper.lines


def chunked(lines: Iterable[TranscriptLine], limit: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Lines gathered into chunks of at most `limit` bytes; `at` is the time of the first line."""
    number, at, size = 1, 0.0, 0
    parts: list[str] = []
    for line in lines:
        for piece in _pieces(line.text + "\n", limit):
            length = len(piece.encode())
            if parts and size + length > limit:
                yield Chunk(number, at, "".join(parts))
                number, size = number + 1, 0
                parts.clear()
            if not parts:
                at = line.at
            parts.append(piece)
            size += length
    if parts:
        yield Chunk(number, at, "".join(parts))


def _pieces(text: str, limit: int) -> Iterator[str]:
    data = text.encode()
    start = 0
    while len(data) - start > limit:
        end = start + limit
        while data[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        yield data[start:end].decode()
        start = end
    yield data[start:].decode()


def _note(at: float, words: str) -> TranscriptLine:
    return TranscriptLine(at, f"⟦{words}⟧", is_note=True)


class _Paper:
    """The line being written, the hidden alternate screen, and the lines that are ready to be given out."""

    def __init__(self, cols: int | None) -> None:
        self.lines: list[TranscriptLine] = []
        self.now = 0.0
        self._line = TerminalLine(min(cols or MAX_COLS, MAX_COLS))
        self._cols = self._line.cols
        self._last = ""
        self._hidden_from: float | None = None
        self._hidden_characters = 0

    def resize(self, size: str) -> None:
        """A new width counts from the next line on."""
        cols = size.partition("x")[0]
        if cols.isascii() and cols.isdigit():
            self._cols = max(1, min(int(cols), MAX_COLS))

    def take(self, token: Token) -> None:
        if token.kind == "string":
            if token.size > LONG_STRING:
                self.lines.append(_note(self.now, f"{token.size:,} characters in a control string left out"))
        elif self._hidden_from is not None:
            self._take_hidden(token)
        elif token.kind == "text":
            self._write(_NOT_SHOWN.sub("\ufffd", token.text))
        elif token.kind == "control":
            self._control(token.text)
        elif token.kind == "escape":
            self._escape(token)
        else:
            self._csi(token)

    def end(self) -> None:
        if self._hidden_from is not None:
            self._show(" (the recording ends there)")
        if self._line.started_at is not None:
            self._finish()

    # Text and control characters

    def _write(self, text: str) -> None:
        line = self._line
        if line.started_at is None:
            line.started_at = self.now
        self._last = text[-1]
        for run in _RUN.findall(text):
            line.put(run) if run.isascii() else line.put_wide(run)
            if line.is_too_long():
                self.lines.append(TranscriptLine(line.started_at, line.take_first_half()))
                line.started_at = self.now

    def _control(self, character: str) -> None:
        match character:
            case "\r":
                self._line.x = 0
            case "\b":
                self._line.left(1)
            case "\t":
                self._line.right(TAB - self._line.x % TAB)
            case "\n" | "\v" | "\f":
                self._line_feed()

    def _line_feed(self) -> None:
        if self._line.y < len(self._line.rows) - 1:
            self._line.y, self._line.x = self._line.y + 1, 0
        else:
            self._finish()

    def _finish(self, x: int = 0) -> None:
        """Give the line out, and begin the next one at a column."""
        started_at = self._line.started_at
        self.lines.append(TranscriptLine(self.now if started_at is None else started_at, self._line.text()))
        self._line = TerminalLine(self._cols)
        self._line.right(x)

    def _leave(self, x: int = 0) -> None:
        """The cursor goes elsewhere on the screen: what was written so far is a line of its own."""
        if self._line.text():
            self._finish(x)
        else:
            self._line = TerminalLine(self._cols)
            self._line.right(x)

    def _erase_below(self) -> None:
        """Erase from the cursor on; at the start of a row that is how zsh leaves an unfinished line."""
        line = self._line
        line.erase_below()
        if line.x == 0 and line.y == len(line.rows) - 1 > 0:
            line.rows.pop()
            self._finish()

    def _escape(self, token: Token) -> None:
        match token.marks + token.final:
            case "D" | "E":
                self._line_feed()
            case "7":
                self._line.save()
            case "8":
                self._line.restore()
            case "c":
                self._leave()

    # Control sequences

    def _csi(self, token: Token) -> None:
        if token.final == "m" or token.marks:
            return
        if token.text.startswith("?"):
            if token.final == "h" and _ALTERNATE & set(token.text[1:].split(";")):
                self._hide()
            return
        numbers = _numbers(token.text)
        if numbers is None:
            return
        first = numbers[0] if numbers else 0
        count = min(max(first, 1), MAX_COLS)
        if not self._edit(token.final, first, count):
            self._move(token.final, count, numbers)

    def _edit(self, final: str, first: int, count: int) -> bool:
        """What changes the line or moves within its row; whether the sequence was one of these."""
        line = self._line
        match final:
            case "C" | "a":
                line.right(count)
            case "D":
                line.left(count)
            case "G" | "`":
                line.x = min(count, line.cols) - 1
            case "K":
                line.erase(first)
            case "P":
                line.delete(count)
            case "@":
                line.insert(count)
            case "X":
                line.blank(count)
            case "b":
                if self._last:
                    self._write(self._last * min(count, max(line.cols - line.x, 0)))
            case _:
                return False
        return True

    def _move(self, final: str, count: int, numbers: tuple[int, ...]) -> None:
        """What moves between rows or lines."""
        line = self._line
        match final:
            case "A" | "B" | "E" | "F":
                y = line.y + (count if final in "BE" else -count)
                x = line.x if final in "AB" else 0
                if 0 <= y < len(line.rows):
                    line.y, line.x = y, x
                else:
                    self._leave(min(x, line.cols - 1))
            case "H" | "f":
                column = numbers[1] if len(numbers) > 1 else 1
                self._leave(min(max(column, 1), line.cols) - 1)
            case "d":
                self._leave(min(line.x, line.cols - 1))
            case "J":
                if numbers and numbers[0] >= 2:
                    self._leave(min(line.x, line.cols - 1))
                elif not numbers or numbers[0] == 0:
                    self._erase_below()
            case "s":
                line.save()
            case "u":
                line.restore()

    # The alternate screen

    def _hide(self) -> None:
        self._leave()
        self._hidden_from, self._hidden_characters = self.now, 0

    def _take_hidden(self, token: Token) -> None:
        if token.kind == "text":
            self._hidden_characters += len(token.text)
        elif token.kind == "csi" and token.final == "l" and token.text.startswith("?"):
            if _ALTERNATE & set(token.text[1:].split(";")):
                self._show("")
        elif token.kind == "escape" and token.marks + token.final == "c":
            self._show("")

    def _show(self, ending: str) -> None:
        since = self.now if self._hidden_from is None else self._hidden_from
        words = (
            f"full-screen program from {since:.1f} s to {self.now:.1f} s{ending}: "
            f"{self._hidden_characters:,} characters left out"
        )
        self.lines.append(_note(since, words))
        self._hidden_from = None


@lru_cache(maxsize=4096)
def _numbers(parameters: str) -> tuple[int, ...] | None:
    """The parameters of a sequence, an empty one as 0; None for what is none of these."""
    if not parameters:
        return ()
    parts = parameters.split(";")
    if not all(part.isdigit() or not part for part in parts):
        return None
    return tuple(min(int(part or 0), 100_000) for part in parts)
