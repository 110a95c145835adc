"""Recordings of Warpgate's terminals: one JSON object per line, with input and output in base64.

`{"time", "stream": "Input" | "Output" | "Error", "data"}` is data, `{"time", "cols", "rows"}` is a size;
times are seconds since the start. (warp-tech/warpgate, warpgate-core recordings.) Its exported casts are
asciicasts. Input holds passwords: what follows a prompt is masked.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import Event, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import BOM, Line, Source, conclude, numbered
from sessions_app.formats.password_mask import PasswordMask
from sessions_app.formats.terminal_bytes import TerminalText

KEY = "warpgate"
_CODES = {"input": "i", "output": "o", "error": "e"}
_SIZE_KEYS = {"time", "cols", "rows"}
_DATA_KEYS = {"time", "stream", "data"}


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether the first line is one of these objects and nothing more."""
    first = next((line for line in head.removeprefix(BOM).split(b"\n") if line.strip()), b"")
    value = _parsed(first)
    if not isinstance(value, dict):
        return False
    is_data = value.keys() == _DATA_KEYS and str(value["stream"]).lower() in _CODES
    return is_data or value.keys() == _SIZE_KEYS


def _parsed(line: bytes) -> Any:
    try:
        return fields.parsed(line.decode("utf-8", "replace"))
    except fields.BadJson:
        return None


def read(source: Source) -> Reading:
    """The events; the first size is that of the recording."""
    tally = Tally()
    cols, rows = None, None
    for line in source.peek(64 * 1024).removeprefix(BOM).split(b"\n")[:20]:
        value = _parsed(line)
        if isinstance(value, dict) and value.keys() == _SIZE_KEYS:
            cols, rows = fields.size(value["cols"], value["rows"], 1, Tally()) or (None, None)
            break
    if cols is None:
        tally.warn(1, "size_unknown", "There is no usable terminal size.")
    return Reading(RecordingHeader(KEY, 1, cols=cols, rows=rows), _Terminal(source, tally).events(), tally)


class _Terminal:
    """Both directions of one terminal."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self._source, self._tally = source, tally
        self._clock = fields.Clock(tally, is_relative=False)
        self._mask = PasswordMask()
        self._texts = {code: TerminalText() for code in _CODES.values()}

    def events(self) -> Iterator[Event]:
        """One event per line."""
        number = 1
        for line in numbered(self._source):
            number = line.number
            body = line.data.removeprefix(BOM).strip(b"\0 \t\r")
            if body:
                yield from self._event(line, body)
        for code, text in self._texts.items():
            if left := text.end():
                yield Event(self._clock.now, code, left, number)
        conclude(self._source, number, self._tally)

    def _event(self, line: Line, body: bytes) -> Iterator[Event]:
        value = _parsed(body)
        if value is None and not line.is_ended:
            self._tally.cut(line.number, "The last line is incomplete and was left out.")
        elif not isinstance(value, dict) or "time" not in value:
            self._tally.unreadable(line.number, "not_an_event", "It is no event of Warpgate.")
        elif (at := self._clock.at(value["time"], line.number)) is None:
            self._tally.unreadable(line.number, "bad_time", "The time is not a number.")
        elif "stream" in value:
            yield from self._data(value, at, line.number)
        elif size := fields.size(value.get("cols"), value.get("rows"), line.number, self._tally):
            yield Event(at, "r", f"{size[0]}x{size[1]}", line.number)

    def _data(self, value: dict[str, Any], at: float, line: int) -> Iterator[Event]:
        code = _CODES.get(str(value["stream"]).lower())
        try:
            data = base64.b64decode(value.get("data", ""), validate=True)
        except (binascii.Error, ValueError, TypeError):
            data = None
        if code is None or data is None:
            self._tally.unreadable(line, "bad_data", "The stream or the data are of no use.")
            return
        seen = self._mask.input(data) if code == "i" else self._mask.output(data)
        yield Event(at, code, self._texts[code].feed(seen), line)


FORMAT = Format(KEY, "terminal recording of Warpgate", 1, recognises, read)
