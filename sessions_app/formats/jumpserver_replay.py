"""Replays of JumpServer before asciicast: one JSON object whose keys are seconds and whose values are output.

A key may stand twice, so that the pairs are read one by one. The recorder ends with an empty output at 0; one
that was killed leaves the object open. (koko, pkg/proxy/recorder.go.) The object is held whole.
"""

import re
from collections.abc import Iterator

from sessions_app.formats import fields
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import BOM, Source, conclude

KEY = "jumpserver_replay"
_START = re.compile(rb'\s*\{\s*"[0-9]{1,10}(?:\.[0-9]{1,12})?"\s*:\s*"')
_SECONDS = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_BETWEEN = re.compile(r"[\s,\x00]*")
_COLON = re.compile(r"\s*:\s*")
_OPEN = re.compile(r"\s*\{")


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether the first bytes are an object with seconds as its first key."""
    return _START.match(head.removeprefix(BOM)) is not None


def read(source: Source) -> Reading:
    """The output of a replay; it says nothing about itself."""
    tally = Tally()
    text = document(source, "A replay of JumpServer").removeprefix("\ufeff")
    return Reading(RecordingHeader(KEY, 1), _events(text, source, tally), tally)


def document(source: Source, what: str) -> str:
    """A file as one text, up to the size that is held whole; what is no UTF-8 becomes U+FFFD."""
    blocks, size = [], 0
    for block in source:
        size += len(block)
        if size > source.limits.document:
            raise NotReadable(
                "document_too_large",
                f"{what} may have {source.limits.document:,} bytes, as it is one JSON document. "
                "Export the session in parts or as asciicast.",
            )
        blocks.append(block)
    return b"".join(blocks).decode("utf-8", "replace")


def _events(text: str, source: Source, tally: Tally) -> Iterator[Event]:
    clock = fields.Clock(tally, is_relative=False)
    found = _OPEN.match(text)
    place, counted, line = found.end() if found else 0, 0, 1
    while True:
        place = _end(_BETWEEN, text, place)
        line, counted = line + text.count("\n", counted, place), place
        if place >= len(text):
            tally.cut(line, "The object is not closed: the recorder stopped too early.")
            break
        if text[place] == "}":
            if text[place + 1 :].strip("\0 \t\r\n"):
                tally.warn(line, "trailing_bytes", "Something follows the object: left out.")
            break
        try:
            key, place = fields.parsed_at(text, place)
            value, place = fields.parsed_at(text, _end(_COLON, text, place))
        except fields.BadJson as error:
            if error.is_at_end:
                tally.cut(line, "The last output is incomplete and was left out.")
            else:
                reason = f"It is not JSON: {error.why}. Everything behind it was left out."
                tally.unreadable(line, "bad_json", reason)
            break
        if event := _event(key, value, line, clock, tally):
            yield event
    conclude(source, line, tally)


def _event(key: object, value: object, line: int, clock: fields.Clock, tally: Tally) -> Event | None:
    if not isinstance(key, str) or not _SECONDS.fullmatch(key):
        tally.unreadable(line, "bad_time", "A key is no number of seconds.")
    elif not isinstance(value, str):
        tally.unreadable(line, "bad_data", "The output is not text.")
    elif value or float(key) > 0:  # an empty output at 0 is only the recorder's way to end
        return Event(clock.at(float(key), line) or 0.0, "o", value, line)
    return None


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place


FORMAT = Format(KEY, "replay of JumpServer (one JSON object)", 1, recognises, read)
