"""A session of Teleport with its screen: `print` events that carry their data.

The audit log leaves the data out; a list of a session's events may hold them (`data`, in base64 as Go
writes bytes, or as text). `ms` counts from the start, `ci` numbers the pieces and `bytes` is their length: a
number that is missing is a gap, a piece that comes again is left out. `resize` is "W:H"; `session.command` is
a command that Teleport observed; who joins and leaves is a marker. (gravitational/teleport events.proto,
SessionPrint.)
"""

import base64
import binascii
import shlex
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.calls import moment, word, words
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.json_records import Found, first_records, json_records, unwrapped
from sessions_app.formats.lines import Source, conclude
from sessions_app.formats.teleport_fields import INNER, LISTS, is_event, session_facts, texts
from sessions_app.formats.terminal_bytes import TerminalText

KEY = "teleport_play"
EVENTS_BEFORE_PRINT = 100
LONGEST_GAP = 2**53


def _is_print(value: dict[str, Any]) -> bool:
    return value.get("event") == "print" and isinstance(value.get("data"), str) and "ms" in value


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether one of the first objects is a `print` event with its data."""
    if b'"print"' not in head or b'"data"' not in head:
        return False
    return any(_is_print(one) for one in first_records(head, LISTS, INNER, most=EVENTS_BEFORE_PRINT))


def read(source: Source) -> Reading:
    """The one session among the events."""
    tally = Tally()
    found = json_records(source, tally, LISTS)
    before: list[Found] = []
    for one in found:
        before.append(one)
        if _is_print(unwrapped(one.value, INNER)) or len(before) >= EVENTS_BEFORE_PRINT:
            break
    events = [unwrapped(one.value, INNER) for one in before]
    start = next((one for one in events if one.get("event") == "session.start"), None)
    about = start or next((one for one in events if is_event(one)), {})
    header = _header(about, is_start=start is not None, line=before[0].place if before else 1, tally=tally)
    return Reading(header, _Screen(header, about, source, tally).events(chain(before, found)), tally)


def _header(event: dict[str, Any], *, is_start: bool, line: int, tally: Tally) -> RecordingHeader:
    size = _size(event.get("size"), line, tally) if is_start else None
    return RecordingHeader(
        format=KEY,
        version=1,
        cols=size[0] if size else None,
        rows=size[1] if size else None,
        started_at=moment(event.get("time"), line, tally) if is_start else None,
        command=words(event.get("initial_command")) if is_start else None,
        user=word(event.get("user")),
        run_as=texts(event, ("login", "kubernetes_users")),
        host=texts(event, ("server_hostname", "kubernetes_pod_name", "kubernetes_cluster", "server_id")),
        external_id=word(event.get("sid"), 200),
        facts=session_facts(event),
    )


def _size(value: Any, line: int, tally: Tally) -> tuple[int, int] | None:
    text = fields.size_text(value.replace(":", "x"), line, tally) if isinstance(value, str) else None
    cols, _, rows = (text or "").partition("x")
    return (int(cols), int(rows)) if text else None


class _Screen:
    """The events of a session as those of a screen."""

    def __init__(self, header: RecordingHeader, about: dict[str, Any], source: Source, tally: Tally) -> None:
        self._header, self._source, self._tally = header, source, tally
        self._sid = about.get("sid")
        self._started: datetime | None = header.started_at
        self._clock = fields.Clock(tally, is_relative=False)
        self._text = TerminalText()
        self._next = 0
        self._without = 0

    def events(self, found: Iterator[Found]) -> Iterator[Event]:
        place = 1
        for one in found:
            place = one.place
            event = unwrapped(one.value, INNER)
            if not is_event(event):
                self._tally.unreadable(place, "not_an_event", "It is no event of Teleport.")
                continue
            self._check(event, place)
            if event["event"] == "print":
                yield from self._print(event, place)
            else:
                yield from self._other(event, place)
        if rest := self._text.end():
            yield Event(self._clock.now, "o", rest, place)
        if self._without:
            self._tally.warn(
                place, "no_screen", f"{self._without:,} pieces of the screen have no data and were left out."
            )
        conclude(self._source, place, self._tally)

    def _check(self, event: dict[str, Any], place: int) -> None:
        sid = event.get("sid")
        if isinstance(sid, str) and isinstance(self._sid, str) and sid != self._sid:
            raise NotReadable(
                "several_recordings",
                "The file holds several sessions. Export each by itself: tsh play --format=json SESSION.",
                place,
            )

    def _print(self, event: dict[str, Any], place: int) -> Iterator[Event]:
        number = event.get("ci")
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < LONGEST_GAP:
            if number < self._next:
                self._tally.warn(place, "repeated_event", "A piece came before and was left out.")
                return
            if number > self._next:
                yield Event(
                    self._clock.now, "g", f"{number - self._next:,} pieces of the screen are missing.", place
                )
            self._next = number + 1
        milliseconds = fields.number(event.get("ms"))
        at = self._clock.at(None if milliseconds is None else milliseconds / 1000, place)
        if at is None:
            self._tally.unreadable(place, "bad_time", "The time is no number.")
            return
        data = event.get("data")
        if not isinstance(data, str):
            self._without += 1
            yield Event(at, "g", "A piece of the screen has no data.", place)
            return
        if text := self._text.feed(_data(data, event.get("bytes"))):
            yield Event(at, "o", text, place)

    def _other(self, event: dict[str, Any], place: int) -> Iterator[Event]:
        name, at = event["event"], self._at(event, place)
        if name in ("resize", "session.start"):
            size = _size(event.get("size"), place, self._tally) if event.get("size") else None
            if size and name == "resize":
                yield Event(at, "r", f"{size[0]}x{size[1]}", place)
        elif name == "session.command":
            rest = event.get("argv")
            parts = [event.get("program"), *(rest[:2000] if isinstance(rest, list) else [])]
            told = [part for part in parts if isinstance(part, str)]
            yield Event(at, "c", fields.clean(shlex.join(told), 64 * 1024), place)
        elif name in ("session.join", "session.leave"):
            who = word(event.get("user")) or "?"
            yield Event(at, "m", f"{who} {'joined' if name.endswith('join') else 'left'}", place)

    def _at(self, event: dict[str, Any], place: int) -> float:
        """Seconds since the start by the clock of the log; the time of the event before where unknown."""
        at = moment(event.get("time"), place, self._tally)
        if at is None or self._started is None:
            return self._clock.now
        since = (at - self._started).total_seconds()
        return since if 0 <= since <= fields.MAX_SECONDS else self._clock.now


def _data(data: str, size: Any) -> bytes:
    """The bytes of a piece: its length tells base64 from text."""
    plain = data.encode("utf-8", "surrogatepass")
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return plain
    return plain if size == len(plain) != len(decoded) else decoded


FORMAT = Format(KEY, "Teleport session with its screen", 1, recognises, read)
