"""asciicast v1, v2 and v3, the recordings of asciinema and of most gateways that export for it.

v1 is one JSON document (see `asciicast_v1.py`). v2 and v3 are a header line and one event per line,
`[time, code, data]`: seconds since the start in v2, since the event before in v3.
(docs.asciinema.org/manual/asciicast/v1, v2, v3.)

The format has no trailer, so a recorder that was killed leaves a readable file: a broken last line is
reported as *truncated*. A broken line in the middle is where tools differ: asciinema's own refuse the
whole file, its player skips what it can. A recording is evidence, and refusing it would hide the lines
around the damage, so it is read as *partly readable*: the line is left out and named in the summary,
and whoever accepts the file sees `Summary.is_partly_readable`. Refused are files without one readable
event beside their damage, files that are mostly damage, lines beyond the limit, and text that is not
UTF-8.

Also tolerated: a byte order mark, blank lines, comments (also in v2), CRLF, NUL bytes that a crashed
file system left, header objects in the middle (Warpgate writes one per resize), unknown event codes.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from sessions_app.formats import asciicast_v1, fields
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import (
    BOM,
    Line,
    Source,
    conclude,
    decoded,
    is_cut_character,
    numbered,
)

KEY = "asciicast"
HEAD = 64 * 1024

_VERSION = re.compile(r'"version"\s*:\s*([0-9]{1,4})\s*[,}]')
_FRAMES = re.compile(r'"stdout"\s*:\s*\[')
_OWN_KEYS = {"width", "height", "term", "stdout"}
_KNOWN_CODES = frozenset("oimrxe")
_LONGEST_CODE = 16


def version_in(head: bytes) -> int | None:
    """The version of asciicast that the first bytes of a file announce; None when they are something else."""
    text = head.removeprefix(BOM).decode("utf-8", "ignore").lstrip()
    if not text.startswith("{"):
        return None
    try:
        header = fields.parsed(text.split("\n", 1)[0])
    except fields.BadJson:
        header = None
    if isinstance(header, dict) and "version" in header:
        version = header["version"]
        is_ours = isinstance(version, int) and not isinstance(version, bool)
        return version if is_ours and (version in (2, 3) or _OWN_KEYS & header.keys()) else None
    found = _VERSION.search(text)
    if found and (int(found[1]) in (2, 3) or any(f'"{key}"' in text for key in _OWN_KEYS)):
        return int(found[1])
    return 1 if found is None and _FRAMES.search(text) else None


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether a file that starts with these (unpacked) bytes is an asciicast."""
    return version_in(head) is not None


def read(source: Source) -> Reading:
    """The header and the events of an asciicast; `NotReadable` says why not."""
    match version_in(source.peek(HEAD)):
        case 1:
            return asciicast_v1.read_document(source)
        case 2 | 3 as version:
            return _read_lines(source, version)
        case None:
            raise fields.bad_header(1, "it is not a JSON object with a version")
        case version:
            raise NotReadable(
                "unsupported_version",
                f"This is asciicast version {version}; versions 1, 2 and 3 can be read. "
                "Convert it with 'asciinema convert' and upload the result.",
                1,
            )


def _read_lines(source: Source, version: int) -> Reading:
    tally = Tally()
    lines = numbered(source)
    first = next(line for line in lines if line.data.removeprefix(BOM).strip())
    body = first.data.removeprefix(BOM)
    try:
        value = fields.parsed_header(decoded(body, first.number, first.offset), first.number, tally)
    except fields.BadJson as error:
        raise fields.bad_header(first.number, f"it is not whole JSON: {error}") from None
    if not isinstance(value, dict) or value.get("version") != version:
        raise fields.bad_header(first.number, "its version is not that of the file")
    header = _header(value, first.number, version, tally)
    return Reading(header, _events(lines, source, version, tally), tally)


def _header(value: dict[str, Any], line: int, version: int, tally: Tally) -> RecordingHeader:
    env = fields.environment(value.get("env"), line, tally)
    terminal = value.get("term") if version == 3 else None
    cols, rows = _size_of(value, version, line, tally) or (None, None)
    term = terminal.get("type") if isinstance(terminal, dict) else None
    return RecordingHeader(
        format=KEY,
        version=version,
        cols=cols,
        rows=rows,
        started_at=fields.moment(value.get("timestamp"), line, tally),
        title=fields.text(value.get("title"), "title", line, tally),
        command=fields.text(value.get("command"), "command", line, tally),
        env=env,
        term=fields.text(term, "terminal type", line, tally) or env.get("TERM"),
        idle_time_limit=fields.seconds(value.get("idle_time_limit"), "idle time limit", line, tally),
        duration=fields.seconds(value.get("duration"), "duration", line, tally),
    )


def _size_of(value: dict[str, Any], version: int, line: int, tally: Tally) -> tuple[int, int] | None:
    if version == 3:
        terminal = value.get("term")
        value = terminal if isinstance(terminal, dict) else {}
        return fields.size(value.get("cols"), value.get("rows"), line, tally)
    return fields.size(value.get("width"), value.get("height"), line, tally)


def _events(lines: Iterator[Line], source: Source, version: int, tally: Tally) -> Iterator[Event]:
    clock = fields.Clock(tally, is_relative=version == 3)
    idle = 0
    number = 1
    for line in lines:
        number = line.number
        body = line.data.strip()
        if not body or body.startswith(b"#"):
            idle += 1
            if idle > source.limits.idle_lines:
                raise NotReadable("too_many_blank_lines", "The file is mostly blank lines.", number)
            continue
        value = _value(line, body, tally)
        event = _event(value, version, number, clock, tally) if value is not None else None
        if event is not None:
            yield event
    conclude(source, number, tally)


def _value(line: Line, body: bytes, tally: Tally) -> Any:
    """The JSON of a line, or None after saying why there is none."""
    if b"\0" in body:
        body = body.strip(b"\0 \t\r")
        if not body and not line.is_ended:
            tally.cut(line.number, "The file ends in NUL bytes, as after a crash of the recording machine.")
            return None
        tally.warn(line.number, "nul_bytes", "NUL bytes stand in the line, as after a crash of the machine.")
        if not body:
            return None
    try:
        return fields.parsed(decoded(body, line.number, line.offset))
    except NotReadable as error:
        if line.is_ended or not is_cut_character(error.__cause__):
            raise
    except fields.BadJson as error:
        if line.is_ended:
            tally.unreadable(line.number, "bad_json", f"It is not JSON: {error}.")
            return None
    tally.cut(line.number, "The last line is incomplete and was left out; the lines before it were read.")
    return None


def _event(value: Any, version: int, line: int, clock: fields.Clock, tally: Tally) -> Event | None:
    if isinstance(value, dict):
        return _resize(value, version, line, clock, tally)
    if not isinstance(value, list) or len(value) != 3:
        tally.unreadable(line, "not_an_event", "It is not a list of time, code and data.")
        return None
    time, code, data = value
    at = clock.at(time, line)
    if at is None:
        tally.unreadable(line, "bad_time", "The time is not a number.")
    elif not isinstance(code, str) or not 0 < len(code) <= _LONGEST_CODE:
        tally.unreadable(line, "bad_code", "The code of the event is not a short text.")
    elif code == "r":
        size = fields.size_text(data, line, tally)
        return Event(at, "r", size, line) if size else None
    elif isinstance(data, str):
        return Event(at, code if code in _KNOWN_CODES else fields.clean(code), data, line)
    elif code == "x" and isinstance(data, int):
        return Event(at, "x", str(data), line)
    elif code in _KNOWN_CODES:
        tally.unreadable(line, "bad_data", "The data of the event are not text.")
    else:
        return Event(at, fields.clean(code), json.dumps(data), line)
    return None


def _resize(
    value: dict[str, Any], version: int, line: int, clock: fields.Clock, tally: Tally
) -> Event | None:
    """A header object in the middle: the recorder wrote the new size of the terminal."""
    if not {"width", "height", "term"} & value.keys():
        tally.unreadable(line, "not_an_event", "It is an object without a terminal size.")
        return None
    tally.warn(line, "repeated_header", "A header stands in the middle; it was read as a resize.")
    found = _size_of(value, version, line, tally)
    return Event(clock.now, "r", f"{found[0]}x{found[1]}", line) if found else None


FORMAT = Format(KEY, "asciicast (versions 1, 2 and 3)", 1, recognises, read)
