"""Guacamole recordings of desktops: the instructions that were sent to the client, each with its lengths.

An instruction is `LEN.VALUE,LEN.VALUE,…;`, lengths in code points of UTF-8. `sync` ends a frame and tells
the time in milliseconds; the duration is the last less the first. (Guacamole protocol reference;
guacamole-client.)

Pictures have no text: frames, mouse, clipboard and files become events without what they held, a key
pressed or released an input event without the key. Which keys and what was in the clipboard is in the
original alone: it holds passwords. The sizes are pixels: a resize event has them, the header names them as
facts.
"""

import codecs
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

from sessions_app.formats import fields
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import Source, conclude

KEY = "guacamole"
LONGEST_VALUE = 1024 * 1024
MOST_ELEMENTS = 256
LARGEST_SIDE = 32_767
HEAD = 64 * 1024

_FIRST = re.compile(rb"([0-9]{1,2})\.([a-z][a-z0-9-]{1,30})[,;]")
_OPCODES = frozenset(
    (
        b"args arc audio blob body cfill clip clipboard close copy cstroke cursor curve dispose distort end"
        b" error file filesystem identity img jpeg key lfill line lstroke mouse move msg name nest nop pipe"
        b" png pop push ready rect required reset select set shade size start sync touch transfer transform"
        b" undefine video"
    ).split()
)
_LENGTH = re.compile(r"\s*([0-9]{1,8})\.")
_START_OF_LENGTH = re.compile(r"\s*[0-9]{0,8}\Z")


class _Damage(Exception):
    """What stands here is no instruction."""


class _Tokens:
    """Instructions out of a stream of bytes, a block at a time."""

    def __init__(self, source: Source) -> None:
        self._blocks = iter(source)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text, self._at = "", 0
        self._is_at_end = False

    def instruction(self) -> list[str] | None:
        """The next one; None at the end. Raises `_Damage`, and EOFError inside of an instruction."""
        elements: list[str] = []
        size = 0
        while True:
            value, mark = self._element(is_first=not elements)
            if value is None:
                return None
            elements.append(value)
            size += len(value)
            if mark == ";":
                return elements
            if mark != "," or len(elements) >= MOST_ELEMENTS or size > LONGEST_VALUE:
                raise _Damage

    def recover(self) -> bool:
        """Go on behind the next ";"; False when there is none."""
        while True:
            place = self._text.find(";", self._at)
            if place >= 0:
                self._at = place + 1
                return True
            self._at = len(self._text)
            if not self._more():
                return False

    def _element(self, *, is_first: bool) -> tuple[str | None, str]:
        while (found := _LENGTH.match(self._text, self._at)) is None:
            if not _START_OF_LENGTH.match(self._text, self._at):
                raise _Damage
            if not self._more():
                if is_first and not self._text[self._at :].strip():
                    return None, ""
                raise EOFError
        length = int(found[1])
        if length > LONGEST_VALUE:
            raise _Damage
        start = found.end() - self._at
        while len(self._text) - self._at - start <= length:
            if not self._more():
                raise EOFError
        start += self._at
        self._at = start + length + 1
        return self._text[start : start + length], self._text[start + length]

    def _more(self) -> bool:
        if self._is_at_end:
            return False
        block = next(self._blocks, b"")
        self._is_at_end = not block
        rest = self._text[self._at :]
        if len(rest) > 2 * LONGEST_VALUE:
            raise _Damage
        self._text, self._at = rest + self._decoder.decode(block, final=not block), 0
        return bool(block)


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether the first bytes are an instruction that is known, with its right length."""
    found = _FIRST.match(head.lstrip())
    return found is not None and int(found[1]) == len(found[2]) and found[2] in _OPCODES


def read(source: Source) -> Reading:
    """The events of a recording; its header is told by the first instructions."""
    tally = Tally()
    facts: dict[str, str] = {}
    title, started = None, None
    for found in _first_instructions(source.peek(HEAD)):
        match found:
            case ["size", "0", width, height] if "width" not in facts and _size(width, height):
                facts["width"], facts["height"] = width, height
            case ["name", name]:
                title = title or fields.text(name, "name", 1, tally)
            case ["sync", time, *_] if started is None:
                started = _milliseconds(time)
    header = RecordingHeader(
        format=KEY,
        version=1,
        started_at=_moment(started),
        title=title,
        facts=facts,
    )
    return Reading(header, _Desktop(source, tally).events(), tally)


def _first_instructions(head: bytes) -> Iterator[list[str]]:
    from_head = _Tokens(Source(BytesIO(head)))
    try:
        while (found := from_head.instruction()) is not None:
            yield found
    except (_Damage, EOFError):
        return


def _milliseconds(text: str) -> float | None:
    return int(text) / 1000 if re.fullmatch("[0-9]{1,15}", text) else None


def _moment(seconds: float | None) -> datetime | None:
    if seconds is None or not fields.EARLIEST.timestamp() <= seconds < fields.LATEST.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _size(width: str, height: str) -> str | None:
    """Pixels, within what a screen can be."""
    if not all(
        re.fullmatch("[0-9]{1,5}", side) and 0 < int(side) <= LARGEST_SIDE for side in (width, height)
    ):
        return None
    return f"{int(width)}x{int(height)}"


class _Desktop:
    """The instructions, turned into events."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self._source, self._tally = source, tally
        self._tokens = _Tokens(source)
        self._clock = fields.Clock(tally, is_relative=False)
        self._start: float | None = None

    def events(self) -> Iterator[Event]:
        """One event per instruction that says something; `line` is its number."""
        number = 0
        while True:
            number += 1
            try:
                found = self._tokens.instruction()
            except EOFError:
                self._tally.cut(number, "The last instruction is incomplete and was left out.")
                break
            except _Damage:
                reason = "It is no instruction of Guacamole; what stands up to the next one was left out."
                self._tally.unreadable(number, "bad_instruction", reason)
                if self._tokens.recover():
                    continue
                break
            if found is None:
                break
            yield from self._event(found, number)
        if self._start is None:
            raise NotReadable(
                "no_sync",
                "The recording has no end of any frame (sync): it can't be timed or played. "
                "Check that the file is complete.",
                number,
            )
        conclude(self._source, number, self._tally)

    def _event(self, found: list[str], number: int) -> Iterator[Event]:
        match found:
            case ["sync", time, *_]:
                if self._sync(time, number):
                    yield Event(self._clock.now, "frame", "", number)
            case ["size", "0", width, height]:
                size = _size(width, height)
                if size:
                    yield Event(self._clock.now, "r", size, number)
                else:
                    self._tally.warn(number, "size_unknown", "There is no usable size of the screen.")
            case ["key", _, _, *time]:
                yield Event(self._at(time), "i", "", number)
            case ["mouse" | "touch" as code, *values]:
                yield Event(self._at(values[-1:] if len(values) > 3 else []), code, "", number)
            case ["clipboard", *_]:
                yield Event(self._clock.now, "clipboard", "", number)
            case ["file", _, _, name]:
                yield Event(self._clock.now, "file", fields.clean(name, 255), number)
            case ["error", _, status]:
                yield Event(self._clock.now, "error", fields.clean(status, 20), number)

    def _sync(self, time: str, number: int) -> bool:
        seconds = _milliseconds(time)
        if seconds is None:
            self._tally.unreadable(number, "bad_time", "The time of the frame is not a number.")
            return False
        if self._start is None:
            self._start = seconds
        self._clock.at(round(seconds - self._start, 3), number)
        return True

    def _at(self, time: list[str]) -> float:
        """The time of an event of its own, where it fits the recording; else that of the frame before."""
        seconds = _milliseconds(time[0]) if time else None
        if seconds is None or self._start is None:
            return self._clock.now
        own = round(seconds - self._start, 3)
        return own if self._clock.now <= own <= self._clock.now + 3600 else self._clock.now


FORMAT = Format(KEY, "Guacamole (desktop)", 1, recognises, read)
