"""The lines that were typed, read from the screen at the moment when they were accepted.

Three rungs, tried in this order wherever the recording stands:

1. Marks of a shell's integration (OSC 133 of FinalTerm, OSC 633 of Visual Studio Code): the shell says
   where its prompt ends and what it runs.
2. Marks of bracketed paste, DECSET 2004: line editors print `h` where they begin to read a line (bash and
   fish before the prompt, zsh after it) and `l` when the line is accepted.
3. No marks: output stops behind what looks like a prompt, and the row is complete at the next line feed.

Text is taken from the screen and never from the keys, so what was typed without echo cannot appear. Keys
that were recorded only confirm what the screen shows. What stands on the alternate screen is left out.
"""

import re

from sessions_app.formats.commands import marks, prompts
from sessions_app.formats.commands.accepted import Accepted, Line
from sessions_app.formats.commands.found import Confidence, Method
from sessions_app.formats.commands.keys import Keys
from sessions_app.formats.commands.learned import Learned, Raw
from sessions_app.formats.commands.marks import visible
from sessions_app.formats.commands.screen import Screen
from sessions_app.formats.commands.zones import (
    AT_ONCE,
    Prompted,
    Zone,
    collected,
    left_of_cursor,
    right_of_cursor,
)

BUFFER = 256 * 1024
LARGEST_PIECE = 64 * 1024
BURST = 1000  # characters that no one types; a "prompt" at their end may be where a buffer was cut
BURST_GAP = 0.02  # seconds
REACTION = 0.04  # seconds that a person takes at least
COMPANY = {"strong": 0, "weak": 2, "none": 3}  # times that a prompt of such a shape must come
LONGEST_TAIL = 4096
FISH = "⏎"  # which it shows where output did not end its line
KEYPAD_AROUND = 0.2  # seconds between a prompt of zsh and the mode of its keypad

_NEWLINE = re.compile(r"\r*\n")
_RIGHT = re.compile(r"\x1b\[[0-9]+C[^\n]*?\x1b\[[0-9]+D")  # a prompt at the right margin, and back
_ALTERNATE = frozenset({"47", "1047", "1049"})


class Ladder:
    """Feeds on the events of one recording; commands are in `accepted.ready` as soon as they are certain."""

    def __init__(self, cols: int | None, rows: int | None) -> None:
        self.accepted = Accepted()
        self._screen = Screen(cols, rows)
        self._keys = Keys()
        self._buffer: list[str] = []
        self._buffered = 0
        self._carried = ""
        self._at, self._number = 0.0, 0
        self._is_alternate = self._is_keypad = False
        self._keypad_at = 0.0
        self._is_row_start = True
        self._zone: Zone | None = None
        self._line: Prompted | None = None
        self._learned = Learned()
        self._has_fish = False
        self._has_marks = False  # of bracketed paste
        self._is_instant = False  # nothing but this event since the prompt

    def output(self, at: float, data: str, number: int) -> None:
        self._at, self._number = at, number
        for start in range(0, len(data), LARGEST_PIECE):
            self._take(data[start : start + LARGEST_PIECE] if len(data) > LARGEST_PIECE else data)

    def _take(self, data: str) -> None:
        if self._line is not None and self._line.is_guess:
            self._line.is_guess = False
            if self._at - self._line.at < REACTION:
                self._line = None
        if data[-1:] == "\n" and self._is_passing(data):
            self._put(data)
            return
        if self._carried:
            data, self._carried = self._carried + data, ""
        was_row_start = self._is_row_start or "\n" in data
        if "\x1b" not in data:
            self._plain(data)
            self._end_of_event(data, was_row_start=was_row_start)
            return
        data, self._carried = marks.cut(data)
        self._has_fish = self._has_fish or FISH in data
        position = 0
        for mark in marks.MARK.finditer(data):
            self._plain(data[position : mark.start()])
            position = mark.end()
            self._mark(mark)
        self._plain(data[position:])
        if data:
            self._end_of_event(data, was_row_start=was_row_start)

    def _is_passing(self, data: str) -> bool:
        """Whole rows while nobody edits a line, without anything that is looked for: most of the output."""
        if self._line is not None or self._zone is not None or self._carried or FISH in data:
            return False
        if "\x1b" in data and any(begin in data for begin in ("\x1b[?", "\x1b]", "\x1bc")):
            return False
        return self._is_alternate or not (self._at == 0 or self._learned.is_in(data))

    def input(self, data: str) -> None:
        self._keys.press(data)

    def recorded(self, at: float, text: str, number: int) -> None:
        self.accepted.recorded(text, at, number)

    def resize(self, cols: int, rows: int) -> None:
        self._sync()
        self._screen.resize(cols, rows)

    def end(self) -> None:
        self.accepted.end()

    # Output between marks

    def _put(self, text: str) -> None:
        if not text:
            return
        self._buffer.append(text)
        self._buffered += len(text)
        self._is_row_start = text[-1] in "\n\r"
        if self._buffered > BUFFER:
            self._sync()

    def _sync(self) -> None:
        if self._buffer:
            self._screen.feed("".join(self._buffer).encode("utf-8", "replace"))
            self._buffer.clear()
            self._buffered = 0

    def _plain(self, piece: str) -> None:
        if self._zone is not None:
            self._edited(piece)
            return
        while piece and not self._is_alternate:
            if self._line is not None:
                newline = _NEWLINE.search(piece)
                if newline is None:
                    break
                self._put(piece[: newline.start()])
                if newline[0] != "\r\r\n" or not self._is_row_full():
                    self._accept()
                self._put(newline[0])
                piece = piece[newline.end() :]
                continue
            found = self._known_prompt(piece)
            if found is None:
                break
            end, raw = found
            self._put(piece[:end])
            self._open(len(piece), raw.prompt, raw.text, is_inside=end < len(piece))
            piece = piece[end:]
            if piece and "\n" not in piece:
                self.accepted.shown_again(visible(piece).strip(), self._at)
        self._put(piece)

    def _edited(self, piece: str) -> None:
        """Output while a line is edited; fish stays in its mode when one is interrupted, and prompts anew."""
        zone = self._zone
        newline = _NEWLINE.search(piece) if "^C" in piece or FISH in piece else None
        if zone is not None and newline is not None:
            self._put(piece[: newline.start()])
            self._sync()
            if left_of_cursor(self._screen).endswith("^C"):
                self._close(is_aborted=True)
                self._put(newline[0])
                self._begin("paste")
                zone = self._zone
            else:
                self._put(newline[0])
            piece = piece[newline.end() :]
        if zone is not None:
            zone.saw(piece)
        self._put(piece)

    def _is_row_full(self) -> bool:
        """The editor of busybox goes to the next row by itself when one is full."""
        self._sync()
        return self._screen.row(self._screen.cursor()[1]).is_wrapped

    def _known_prompt(self, piece: str) -> tuple[int, Raw] | None:
        """Where a prompt ends that came before byte by byte; without any times, one that looks the part."""
        known = self._learned.inside(piece, is_row_start=self._is_row_start, is_prompt=self._is_prompt)
        if known is None and self._at == 0 and "@" in piece and not self._has_marks:
            return self._learned.in_row(piece, is_row_start=self._is_row_start)
        return known

    def _is_prompt(self, raw: Raw, before: str, behind: str) -> bool:
        """What has no colours might as well be text that a program prints.

        A mere "# " counts only where the screen was cleared, or when the line that was just accepted
        follows: its completions were listed.
        """
        if self.accepted.has_said(raw.prompt + visible(behind.partition("\n")[0]).strip()):
            return False
        if raw.is_distinct or "\x1b[2J" in before:
            return True
        return "\n" not in behind and self.accepted.would_be_again(visible(behind).strip(), self._at)

    def _end_of_event(self, data: str, *, was_row_start: bool) -> None:
        line, zone = self._line, self._zone
        if line is not None:
            self._is_instant = self._is_instant and line.at == self._at
            if "\x1b" in data and self._at - line.at < AT_ONCE:
                self._sync()
                line.right = right_of_cursor(self._screen)
        if zone is None:
            self._look_for_prompt(data, was_row_start=was_row_start)
        elif zone.is_shown and not zone.is_settled:
            self._sync()
            zone.find_prompt(self._screen, self._learned.prompts, self._at)

    def _look_for_prompt(self, data: str, *, was_row_start: bool) -> None:
        """Output has stopped, perhaps because somebody is to type something."""
        line = self._line
        if self._is_alternate or data[-1:] in ("\n", ""):
            return
        known = self._learned.ending(data) if line is None else None
        if known is not None:
            self._open(len(data), known.prompt, known.text)
            return
        # Within a line, only what follows at once or begins the row anew can be another prompt.
        is_more = line is not None and self._at - line.at < AT_ONCE
        tail = data[data.rfind("\n") + 1 :]
        if (line is not None and not is_more and "\r" not in data) or len(tail) > LONGEST_TAIL:
            return
        shown = visible(_RIGHT.sub("", tail) if tail.endswith(("D", "\x1b=")) else tail).lstrip("\r")
        is_shaped = prompts.shape(shown[-prompts.LONGEST :]) != "none"
        # What has no such shape must have a row of its own, and come again.
        is_guess = not is_shaped and was_row_start and not self._has_marks and prompts.might_be(shown)
        if is_shaped or is_guess:
            self._sync()
            prompt = left_of_cursor(self._screen)
            is_new = line is None or is_more or not prompt.startswith(line.before.rstrip())
            if is_new and (prompt == shown if is_guess else prompts.shape(prompt) != "none"):
                self._open(len(data), prompt, "" if is_more else tail, is_guess=is_guess)

    # Lines behind a prompt without marks

    def _open(
        self, size: int, prompt: str, raw: str, *, is_inside: bool = False, is_guess: bool = False
    ) -> None:
        self._sync()
        x, y = self._screen.cursor()
        before = left_of_cursor(self._screen)
        right = right_of_cursor(self._screen)
        self._line = Prompted(
            self._screen.place(x, y), prompt, before, self._at, size, raw, is_inside, right, is_guess
        )
        self._keys.clear()
        self._is_instant = True
        self.accepted.prompt(prompt)

    def _accept(self) -> None:
        """A line feed after a prompt: the row is what was accepted, if the prompt still stands before it."""
        line, self._line = self._line, None
        if line is None:
            return
        self._sync()
        if line.size >= BURST and self._at - line.at < BURST_GAP and not line.is_inside:
            return
        text = collected(self._screen, line.place, line.before, line.right, is_one_line=True)
        if text is None:
            return
        shape = prompts.shape(line.prompt)
        # Nobody types a line and its end at once: it was pasted, or a program wrote it.
        is_doubtful = shape != "strong" or prompts.is_interpreter(line.prompt) or self._is_instant
        if self._is_instant and self._has_marks and not self._keys.any:
            return
        self._learned.note_raw(line.raw, line.prompt)
        self._add(
            text,
            line.prompt,
            "prompt",
            "low" if is_doubtful else "medium",
            is_aborted=self._is_keypad and self._keypad_at > line.at - KEYPAD_AROUND,
            company=COMPANY[shape],
        )

    def _add(
        self,
        text: str,
        prompt: str,
        method: Method,
        confidence: Confidence,
        *,
        is_aborted: bool = False,
        is_secondary: bool = False,
        company: int = 0,
    ) -> None:
        line = Line(
            self._at,
            self._number,
            prompt,
            text,
            method,
            confidence,
            is_aborted=bool(text.strip()) and (is_aborted or self._keys.has_interrupt),
            is_confirmed=self._keys.typed(text),
            is_secondary=is_secondary,
            company=company,
        )
        self._keys.clear()
        self.accepted.add(line)

    # Marks

    def _mark(self, mark: re.Match[str]) -> None:
        if mark["reset"]:
            self._is_alternate = False
        elif mark["modes"]:
            self._modes(set(mark["modes"].split(";")), is_set=mark["set"] == "h")
        elif not self._is_alternate:
            self._integration(mark["code"], mark["payload"])
        self._put(mark[0])

    def _modes(self, modes: set[str], *, is_set: bool) -> None:
        if "1" in modes:
            self._is_keypad, self._keypad_at = is_set, self._at
        if modes & _ALTERNATE:
            self._is_alternate = is_set
            self._zone = self._line = None
        if "2004" in modes and not self._is_alternate:
            if is_set:
                self._has_marks = True
                self._begin("paste")
            else:
                self._close()

    def _begin(self, method: Method) -> None:
        self._sync()
        self._line = None
        x, y = self._screen.cursor()
        left = left_of_cursor(self._screen)
        place = self._screen.place(x, y)
        right = right_of_cursor(self._screen)
        self._zone = Zone(method, place, (x, y), left, self._at, right=right, has_keypad=self._is_keypad)
        self._keys.clear()

    def _close(self, *, is_aborted: bool = False) -> None:
        """The line editor is done: the rows from the prompt to the cursor are what was accepted."""
        zone, self._zone = self._zone, None
        if zone is None or not zone.is_shown:
            return
        self._sync()
        found = zone.read(self._screen, self._learned.prompts, is_fish=self._has_fish)
        if found is None:
            return
        # zsh leaves the mode of its keypad when a line is accepted, and not when it is interrupted.
        is_aborted = is_aborted or (zone.has_keypad and self._is_keypad)
        prompt = self._learned.bare(found.prompt)
        self._learned.note(prompt)
        self.accepted.prompt(prompt)
        self._add(
            found.text,
            prompt,
            zone.method,
            found.confidence,
            is_aborted=is_aborted,
            is_secondary=zone.is_secondary,
        )

    def _integration(self, code: str, payload: str) -> None:
        """OSC 133 and 633: A before the prompt, B behind it, C when the line runs, E with the line itself."""
        kind, _, rest = payload.partition(";")
        if kind == "A":
            if self._zone is not None and self._zone.method != "paste":
                self._close(is_aborted=True)
        elif kind == "P" and self._zone is not None:
            self._zone.is_secondary = "k=s" in rest or "k=c" in rest
        elif kind == "B":
            if self._zone is None:
                self._begin("osc133")
            self._sync()
            if self._zone is not None:
                self._zone.method = "osc133" if code == "133" else "osc633"
                self._zone.ends_here(self._screen)
        elif kind == "C":
            self._close()
        if (told := marks.told(code, payload)) is not None:
            self._close()
            self.accepted.told(told.text, self._at, self._number, told.method)
