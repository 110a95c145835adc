"""Single values out of somebody else's JSON: what is absurd becomes unknown, and a notice says so."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any, NoReturn

from sessions_app.formats.events import NotReadable, Tally

MAX_COLS, MAX_ROWS = 1000, 500
MAX_SECONDS = 10 * 366 * 86400.0  # longer is no session, but a clock mistaken for an interval
MAX_TEXT = 4096
MAX_ENV = 100
LONGEST_TOKEN = len("\\uXXXX")  # how far before the end of cut JSON its error can stand
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

# Recorders exist that leave control characters unescaped; refusing them would lose evidence.
_DECODER = json.JSONDecoder(strict=False)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SIZE = re.compile(r"([0-9]{1,9})x([0-9]{1,9})")


class BadJson(Exception):
    """Text that is no JSON; `why` never quotes it; `is_at_end`: it only stops too early."""

    def __init__(self, why: str, column: int | None = None, *, is_at_end: bool = False) -> None:
        super().__init__(f"{why} at column {column}" if column else why)
        self.why, self.is_at_end = why, is_at_end


def parsed(text: str) -> Any:
    """The JSON value that is the whole text."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        _refuse(error)


def parsed_at(text: str, position: int) -> tuple[Any, int]:
    """The JSON value that starts at a position, and where it ends."""
    try:
        return _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError) as error:
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    if isinstance(error, RecursionError):
        raise BadJson("nested too deep") from None
    if isinstance(error, json.JSONDecodeError):
        is_at_end = error.pos >= len(error.doc) - LONGEST_TOKEN or error.msg.startswith("Unterminated")
        raise BadJson(error.msg, error.colno, is_at_end=is_at_end) from None
    raise BadJson("a number has too many digits") from None


def parsed_header(text: str, line: int, tally: Tally) -> Any:
    """As `parsed`, noting keys that stand twice: readers disagree on which one counts."""
    objects: list[bool] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        objects.append(len(found) < len(pairs))
        return found

    try:
        value = json.JSONDecoder(strict=False, object_pairs_hook=collect).decode(text)
    except (ValueError, RecursionError) as error:
        _refuse(error)
    if any(objects):
        note_twice(line, tally)
    return value


def note_twice(line: int, tally: Tally) -> None:
    tally.warn(line, "duplicate_key", "A key of the header stands twice; the last one was used.")


def clean(value: str, limit: int = MAX_TEXT) -> str:
    """Text that is safe to store and show: no controls but tab and newline, no lone surrogates."""
    return _CONTROL.sub("\ufffd", value[:limit])


def text(value: Any, name: str, line: int, tally: Tally) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        tally.warn(line, "bad_header_value", f"The {name} is not text and was left out.")
        return None
    if len(value) > MAX_TEXT:
        tally.warn(line, "text_too_long", f"The {name} was cut after {MAX_TEXT} characters.")
    return clean(value)


def environment(value: Any, line: int, tally: Tally) -> dict[str, str]:
    """Names and texts; recorders write null for a variable that was not set."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        tally.warn(line, "bad_header_value", "The environment is not an object and was left out.")
        return {}
    pairs = {key: item for key, item in value.items() if isinstance(item, str)}
    if any(item is not None and not isinstance(item, str) for item in value.values()):
        tally.warn(line, "bad_header_value", "Variables of the environment that are not text were left out.")
    if len(pairs) > MAX_ENV:
        tally.warn(line, "text_too_long", f"Only the first {MAX_ENV} variables of the environment were kept.")
    return {clean(key, 200): clean(item) for key, item in list(pairs.items())[:MAX_ENV]}


def number(value: Any) -> float | None:
    """A JSON number as a float, infinite when it is too large for one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def seconds(value: Any, name: str, line: int, tally: Tally) -> float | None:
    """A span of time in a header: not negative, at most ten years."""
    if value is None:
        return None
    found = number(value)
    if found is None or not 0 <= found <= MAX_SECONDS:
        tally.warn(line, "bad_header_value", f"The {name} is no sensible number of seconds and was left out.")
        return None
    return found


def moment(value: Any, line: int, tally: Tally) -> datetime | None:
    """A Unix time in seconds, between 1990 and 2100."""
    if value is None:
        return None
    found = number(value)
    if found is None or not EARLIEST.timestamp() <= found < LATEST.timestamp():
        tally.warn(line, "bad_timestamp", "The start is no Unix time between 1990 and 2100: unknown.")
        return None
    return datetime.fromtimestamp(found, UTC)


def size(cols: Any, rows: Any, line: int, tally: Tally) -> tuple[int, int] | None:
    """A terminal size, clamped to what a terminal can be; None when there is none."""
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in (cols, rows))
    if not whole or cols < 1 or rows < 1:
        tally.warn(line, "size_unknown", "There is no usable terminal size.")
        return None
    if cols > MAX_COLS or rows > MAX_ROWS:
        tally.warn(line, "size_clamped", f"The terminal size was cut to at most {MAX_COLS}x{MAX_ROWS}.")
    return min(cols, MAX_COLS), min(rows, MAX_ROWS)


def size_text(value: Any, line: int, tally: Tally) -> str | None:
    """The data of a resize event, "COLSxROWS", clamped."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    found = size(int(match[1]), int(match[2]), line, tally) if match else size(None, None, line, tally)
    return f"{found[0]}x{found[1]}" if found else None


class Clock:
    """Times of events: seconds since the start, or since the event before."""

    def __init__(self, tally: Tally, *, is_relative: bool) -> None:
        self._tally, self._is_relative = tally, is_relative
        self.now = 0.0

    def at(self, value: Any, line: int) -> float | None:
        """Seconds since the start; None when the value is no number at all."""
        found = number(value)
        if found is None:
            return None
        if math.isnan(found) or math.isinf(found) or found > MAX_SECONDS:
            return self._unusable(line, "time_absurd", "The time is not a sensible number of seconds")
        if found < 0:
            return self._unusable(line, "time_negative", "The time is negative")
        if self._is_relative:
            if self.now + found > MAX_SECONDS:
                return self._unusable(line, "time_absurd", "The recording would last more than ten years")
            self.now += found
            return self.now
        if found < self.now:
            self._tally.warn(line, "time_backwards", "The time is earlier than that of an event before.")
        self.now = max(self.now, found)
        return found

    def _unusable(self, line: int, code: str, reason: str) -> float:
        self._tally.warn(line, code, f"{reason}; that of the event before was used.")
        return self.now


def bad_header(line: int, why: str) -> NotReadable:
    """The refusal of a recording whose header cannot be used."""
    return NotReadable(
        "bad_header",
        f"Line {line} should be the header of an asciicast recording, but {why}. "
        "Check that the file is complete from its first line on.",
        line,
    )
