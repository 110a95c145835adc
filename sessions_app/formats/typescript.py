"""The files that script(1) writes: a typescript, its first and last line, and the timing of it.

A typescript begins with one line about its start and ends with one about its end, between which stand the
bytes of the terminal. Alone it has no times: everything stands at 0 s, and a notice says so. With its
timing it is a recording (`script_log.py`). (util-linux script(1), scriptreplay(1); FreeBSD and macOS
script(1).)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import BLOCK, Source, conclude
from sessions_app.formats.terminal_bytes import ByteReader, TerminalText

KEY = "typescript"
LONGEST_FIRST_LINE = 64 * 1024
LONGEST_SAID = 8 * 1024  # of it, that is looked at
TAIL = 4096  # in which the last line of a typescript is looked for

CLASSIC = re.compile(rb"([0-9]{1,12}[.,][0-9]{1,9}) ([0-9]{1,15})\s*\Z")
STREAMED = re.compile(rb"([HIOS]) ([0-9]{1,12}[.,][0-9]{1,9}) ?([^\r\n]*)\s*\Z")

# The words are translated by util-linux, the moment and the brackets are not.
_STARTED = re.compile(
    rb"Script started on |[^\x00-\x1f0-9\[]{6,80}[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}[+-][0-9:]{5} \[[A-Z<]"
)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}(?:[.,][0-9]{1,6})?(?:[+-][0-9]{2}:?[0-9]{2}|Z)"
)
_VALUES = re.compile(r'([A-Z_]{1,30})="(.{0,4096}?)"(?= [A-Z_]{1,30}="|\]?\s*\Z)', re.DOTALL)
_DONE = re.compile(
    rb"(?:\r?\nCommand exit status: (?P<bsd>[0-9]{1,10}))?\r?\n"
    rb"(?:Script done on [^\n\x1b\[]{0,200}|[^\n\x1b]{6,200}(?=\[(?:COMMAND_EXIT_CODE=|<)))"
    rb'(?:\[COMMAND_EXIT_CODE="(?P<code>-?[0-9]{1,10})"\]|\[<(?P<why>[^>\n]{0,200})>\])?\s*\Z'
)


@dataclass(slots=True)
class Said:
    """What the first line, or the header entries of a timing, say; `values` by their names in the file."""

    values: dict[str, str] = field(default_factory=dict)
    started_at: datetime | None = None
    started_text: str | None = None

    def take(self, name: str, value: str) -> None:
        """A value of the header; the first one of a name counts."""
        if name == "START_TIME":
            self.started_at = moment(value)
        self.values.setdefault(name, value)

    def header(self, key: str, version: int, tally: Tally) -> RecordingHeader:
        """As a header of ours; of the values only those that are known to hold no secret."""
        cols, rows = _whole(self.values.get("COLUMNS")), _whole(self.values.get("LINES"))
        found = fields.size(cols, rows, 1, tally)
        kept = {
            "tty": self.values.get("TTY"),
            "shell": self.values.get("SHELL"),
            "started": self.started_text,
        }
        return RecordingHeader(
            format=key,
            version=version,
            cols=found[0] if found else None,
            rows=found[1] if found else None,
            started_at=self.started_at,
            command=fields.text(self.values.get("COMMAND"), "command", 1, tally),
            term=fields.text(self.values.get("TERM"), "terminal type", 1, tally),
            facts={name: fields.clean(value, 200) for name, value in kept.items() if value},
        )


def starts_like_typescript(head: bytes) -> bool:
    """Whether the first line is the one that script(1) writes."""
    return _STARTED.match(head) is not None


def is_timing(head: bytes, at_least: int = 1) -> bool:
    """Whether the first lines are those of a timing file, nearly all of the kind of the first."""
    lines = head.split(b"\n")
    whole = lines[:-1][:12] or lines
    kind = next((kind for kind in (STREAMED, CLASSIC) if kind.match(whole[0])), None)
    fitting = sum(kind.match(line) is not None for line in whole) if kind else 0
    return fitting >= at_least and fitting * 3 >= len(whole) * 2


def said_by(first_line: bytes) -> Said:
    """What the first line of a typescript says."""
    said = Said()
    text = first_line[:LONGEST_SAID].decode("utf-8", "replace").strip()
    words, bracket, values = text.partition(" [")
    for name, value in _VALUES.findall(values if bracket else ""):
        said.take(name, value)
    found = _MOMENT.search(words)
    said.started_at = moment(found[0]) if found else None
    if said.started_at is None:
        said.started_text = words.removeprefix("Script started on ") or None
    return said


def moment(value: str) -> datetime | None:
    """A moment with its zone, between 1990 and 2100; one without a zone is unknown."""
    try:
        found = datetime.fromisoformat(value.strip())
        found = found.astimezone(UTC) if found.tzinfo else datetime.max.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return found if fields.EARLIEST <= found < fields.LATEST else None


def first_line(reader: ByteReader) -> bytes:
    """The line about the start, taken from a typescript; empty where there is none.

    Terminal output ends its lines with CR LF or has escape sequences; the line about the start does not.
    """
    line = reader.line(LONGEST_FIRST_LINE)
    if starts_like_typescript(line) or not (line.endswith(b"\r\n") or b"\x1b" in line or b"\n" not in line):
        return line
    reader.give_back(line)
    return b""


class Rest:
    """What follows the last timed byte: `body` is output, then the line about the end."""

    def __init__(self, reader: ByteReader) -> None:
        self._reader = reader
        self.is_done = False
        self.exit_status: str | None = None
        self.reason: str | None = None

    def body(self) -> Iterator[bytes]:
        """The output that is left; afterwards the line about the end is known."""
        held = b""
        while block := self._reader.take(BLOCK):
            held += block
            if len(held) > BLOCK:
                yield held[:-TAIL]
                held = held[-TAIL:]
        done = _DONE.search(held)
        if done:
            held = held[: done.start()]
            self.is_done = True
            status = done["code"] or done["bsd"]
            self.exit_status = status.decode() if status else None
            self.reason = done["why"].decode("utf-8", "replace") if done["why"] else None
        if held:
            yield held

    def judge(self, line: int, tally: Tally) -> None:
        """Say whether the recorder came to its end."""
        if not self.is_done:
            tally.cut(line, "The typescript has no last line: script was stopped or is running.")
        elif self.reason is not None:
            tally.warn(
                line, "ended_early", "The recorder ended for a reason of its own, not with the program."
            )


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether this is a typescript; also its timing file, so that it can be refused with words."""
    return starts_like_typescript(head) or is_timing(head, at_least=2)


def read(source: Source) -> Reading:
    """A typescript without its timing."""
    if is_timing(source.peek(TAIL), at_least=2):
        raise NotReadable(
            "timing_alone",
            "This is the timing file of script(1) without its typescript. Upload both files together "
            "(and the input file, where there is one).",
            1,
        )
    tally = Tally()
    reader = ByteReader(source)
    said = said_by(first_line(reader))
    header = said.header(KEY, 1, tally)
    tally.warn(1, "no_timing", "The recording has no times: everything stands at its start.")
    return Reading(header, _untimed(reader, source, tally), tally)


def _untimed(reader: ByteReader, source: Source, tally: Tally) -> Iterator[Event]:
    text, rest, line = TerminalText(), Rest(reader), 2
    for piece in rest.body():
        yield Event(0.0, "o", text.feed(piece), line)
        line += piece.count(b"\n")
    if left := text.end():
        yield Event(0.0, "o", left, line)
    rest.judge(line, tally)
    if rest.exit_status is not None:
        yield Event(0.0, "x", rest.exit_status, line)
    conclude(source, line, tally)


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value) else None


FORMAT = Format(KEY, "typescript of script(1)", 1, recognises, read)
