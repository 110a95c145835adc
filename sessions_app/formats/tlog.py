"""Recordings of tlog, which sends JSON messages to a file, the journal or Elasticsearch.

Each message has a number (`id`, from 1), a time (`pos`, milliseconds since the start), texts of input and
output, and a `timing` that cuts them into events: `+ms` waits, `<N` and `>N` take N characters of input and
output, `[R/B` and `]R/B` pass over R characters that stand for B bytes which were no UTF-8, `=WxH` is the
size. (Scribery/tlog doc/log_format.md, schema.json.)

A number that is missing is missing evidence and becomes a gap; a message that comes again is left out.
Several recordings in one file are refused with the way to cut them out: they are sessions of their own.
Input is recorded only where that is configured; what follows a prompt for a password is masked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import Source, conclude
from sessions_app.formats.password_mask import PasswordMask
from sessions_app.formats.tlog_messages import Message, messages, recognises

KEY = "tlog"
NEWEST = 2
NO_SESSION = 4294967295
GAPS_KEPT = 1_000
IDS_NAMED = 10
LONGEST_GAP = 2**53

_VERSION = re.compile(r"([0-9]{1,3})(?:\.[0-9]{1,3})?")
_RECORDING = re.compile(r"[0-9A-Za-z_.:-]{1,100}")
_TIMING = re.compile(
    r"(?P<take>[<>])(?P<count>[0-9]{1,9})|(?P<skip>[\[\]])(?P<chars>[0-9]{1,9})/(?P<bytes>[0-9]{1,9})"
    r"|=(?P<size>[0-9]{1,9}x[0-9]{1,9})|\+(?P<wait>[0-9]{1,15})"
)


def _recognises(head: bytes, _name: str = "") -> bool:
    return recognises(head)


def read(source: Source) -> Reading:
    """The one recording among the messages of a file."""
    tally = Tally()
    found = messages(source, tally)
    first = next(found, None)
    if first is None:
        conclude(source, 1, tally)
        raise NotReadable(
            "no_readable_event",
            "There is no message of tlog that can be read. Check that the file is complete.",
        )
    header = _header(first, tally)
    return Reading(header, _Recording(header, source, tally).events(chain([first], found)), tally)


def _header(message: Message, tally: Tally) -> RecordingHeader:
    value, line = message.value, message.line
    version = _VERSION.fullmatch(str(value["ver"]))
    if version is None or not 1 <= int(version[1]) <= NEWEST:
        raise NotReadable(
            "unsupported_version",
            f"The messages are of a version of tlog's format other than 1 and {NEWEST}. "
            "Replay the recording with tlog-play in a recorder that the portal reads.",
            line,
        )
    size = re.match(r"(?:\+[0-9]+)?=([0-9]{1,9})x([0-9]{1,9})", str(value["timing"]))
    cols, rows = (int(size[1]), int(size[2])) if size else (None, None)
    found = fields.size(cols, rows, line, tally)
    session = value.get("session")
    is_session = isinstance(session, int) and 0 < session < NO_SESSION
    return RecordingHeader(
        format=KEY,
        version=int(version[1]),
        cols=found[0] if found else None,
        rows=found[1] if found else None,
        started_at=_started_at(message, tally),
        term=fields.text(value.get("term"), "terminal type", line, tally) or None,
        user=fields.text(value.get("user"), "user", line, tally) or None,
        host=fields.text(value.get("host"), "host", line, tally) or None,
        external_id=fields.text(value["rec"], "number of the recording", line, tally),
        facts={"audit_session": str(session)} if is_session else {},
    )


def _started_at(message: Message, tally: Tally) -> datetime | None:
    """From the message's own time; else from the journal's, which is that of its end or a little later."""
    position = fields.number(message.value["pos"])
    if position is None or not 0 <= position <= fields.MAX_SECONDS * 1000:
        return None
    own = fields.number(message.value.get("time"))
    if own is not None:
        start = own - position / 1000
    elif message.logged_at is not None:
        waits = sum(int(wait) for wait in re.findall(r"\+([0-9]{1,12})", str(message.value["timing"])))
        start = message.logged_at - (position + waits) / 1000
        reason = "The recording has no moment of its own: its start is that of the journal, to some seconds."
        tally.warn(message.line, "start_of_journal", reason)
    else:
        return None
    if not fields.EARLIEST.timestamp() <= start < fields.LATEST.timestamp():
        tally.warn(message.line, "bad_timestamp", "The start is no Unix time between 1990 and 2100: unknown.")
        return None
    return datetime.fromtimestamp(start, UTC)


@dataclass(slots=True)
class _Numbers:
    """Which numbers have come, in bounded memory."""

    last: int = 0
    missing: list[tuple[int, int]] = field(default_factory=list)

    def take(self, number: int) -> str:
        """ "next", "gap" before it, "late" (one that was missing), or "again"."""
        if number == self.last + 1:
            self.last = number
            return "next"
        if number > self.last:
            if len(self.missing) < GAPS_KEPT:
                self.missing.append((self.last + 1, number - 1))
            self.last = number
            return "gap"
        for place, (first, last) in enumerate(self.missing):
            if first <= number <= last:
                left = [(first, number - 1), (number + 1, last)]
                self.missing[place : place + 1] = [(low, high) for low, high in left if low <= high]
                return "late"
        return "again"


class _Recording:
    """The messages of one recording, turned into events."""

    def __init__(self, header: RecordingHeader, source: Source, tally: Tally) -> None:
        self._source, self._tally = source, tally
        self._clock = fields.Clock(tally, is_relative=False)
        self._numbers = _Numbers()
        self._mask = PasswordMask()
        self._size = f"{header.cols}x{header.rows}" if header.cols else ""

    def events(self, found: Iterator[Message]) -> Iterator[Event]:
        """The events of all messages; another recording among them refuses the file."""
        line, recording = 1, None
        for message in found:
            line, value = message.line, message.value
            recording = value["rec"] if recording is None else recording
            if value["rec"] != recording:
                _refuse_several(recording, message, found)
            yield from self._message(message)
        conclude(self._source, line, self._tally)

    def _message(self, message: Message) -> Iterator[Event]:
        value, line = message.value, message.line
        number, position = value["id"], fields.number(value["pos"])
        texts = [value.get("in_txt", ""), value.get("out_txt", ""), value["timing"]]
        if not all(isinstance(text, str) for text in texts) or position is None:
            self._tally.unreadable(
                line, "bad_data", "Texts, timing or position of the message are of no use."
            )
            return
        before = self._numbers.last
        kind = self._number(number, line)
        if kind == "again":
            return
        at = self._clock.at(position / 1000, line) or 0.0
        if kind == "gap":
            yield Event(at, "g", _missing(before + 1, number - 1), line)
        yield from self._cut(value, at, line)

    def _number(self, number: Any, line: int) -> str:
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= LONGEST_GAP:
            self._tally.warn(line, "bad_number", "The number of the message is none: gaps can't be told.")
            return "next"
        kind = self._numbers.take(number)
        if kind == "again":
            self._tally.warn(line, "duplicate_message", "The message was there before and was left out.")
        elif kind == "late":
            reason = "The message comes later than its number says; the gap that it fills stays reported."
            self._tally.warn(line, "late_message", reason)
        return kind

    def _cut(self, value: dict[str, Any], start: float, line: int) -> Iterator[Event]:
        """The events of one message, cut out of its texts by its timing."""
        timing: str = value["timing"]
        taken = {"<": 0, ">": 0, "[": 0, "]": 0}
        texts = {"<": value.get("in_txt", ""), ">": value.get("out_txt", "")}
        binaries = {"[": _octets(value.get("in_bin")), "]": _octets(value.get("out_bin"))}
        at, place = start, 0
        while match := _TIMING.match(timing, place):
            place = match.end()
            if match["wait"]:
                at = self._clock.at(at + int(match["wait"]) / 1000, line) or at
            elif match["size"]:
                yield from self._resize(match["size"], at, line)
            elif match["take"]:
                key, end = match["take"], taken[match["take"]] + int(match["count"])
                piece = texts[key][taken[key] : end]
                yield self._piece(key, piece, at, line)
                taken[key] = end
            else:
                key = match["skip"]
                taken["<" if key == "[" else ">"] += int(match["chars"])
                end = taken[key] + int(match["bytes"])
                piece = binaries[key][taken[key] : end].decode("utf-8", "replace")
                yield self._piece("<" if key == "[" else ">", piece, at, line)
                taken[key] = end
        is_short = any(taken[key] > len(text) for key, text in texts.items())
        is_short = is_short or any(taken[key] > len(octets) for key, octets in binaries.items())
        if place < len(timing) or is_short:
            self._tally.unreadable(line, "bad_timing", "The timing of the message does not fit its texts.")
        for key in "<>":
            if left := texts[key][taken[key] :]:
                reason = "The message has more text than its timing tells of: it stands at the end."
                self._tally.warn(line, "untimed_output", reason)
                yield self._piece(key, left, at, line)

    def _piece(self, key: str, text: str, at: float, line: int) -> Event:
        if key == ">":
            self._mask.output(text.encode("utf-8", "replace"))
            return Event(at, "o", text, line)
        masked = self._mask.input(text.encode("utf-8", "surrogatepass"))
        return Event(at, "i", masked.decode("utf-8", "surrogatepass"), line)

    def _resize(self, size: str, at: float, line: int) -> Iterator[Event]:
        """The size stands in every message; only another one is an event. 0x0 is a terminal without one."""
        found = None if size == "0x0" else fields.size_text(size, line, self._tally)
        if found and found != self._size:
            self._size = found
            yield Event(at, "r", found, line)


def _octets(value: Any) -> bytes:
    """A list of bytes; what is none of 0 to 255 stands as a question mark."""
    if not isinstance(value, list):
        return b""
    return bytes(
        item if isinstance(item, int) and not isinstance(item, bool) and 0 <= item < 256 else 63
        for item in value
    )


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"Message {first} of the recording is missing."
    return f"Messages {first} to {last} of the recording are missing."


def _refuse_several(recording: Any, message: Message, rest: Iterator[Message]) -> None:
    """Name the recordings, as far as their names are such, and how to cut one out."""
    names = [name for name in (recording, message.value["rec"]) if _is_name(name)]
    for other in rest:
        name = other.value["rec"]
        if _is_name(name) and name not in names and len(names) <= IDS_NAMED:
            names.append(name)
    shown = ", ".join(names[:IDS_NAMED]) + (" …" if len(names) > IDS_NAMED else "")
    raise NotReadable(
        "several_recordings",
        f"The file holds several recordings{': ' if names else ''}{shown}. Upload each by itself: "
        "'journalctl -o export TLOG_REC=…' writes the one of that number, 'grep' cuts it out of a file.",
        message.line,
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _RECORDING.fullmatch(value) is not None


FORMAT = Format(KEY, "tlog (file, journal, Elasticsearch)", 1, _recognises, read)
