"""Plain text, the last resort: what a recorder wrote without any times, such as a terminal's own log.

It is claimed only by what no other format and no known mistake claims: text of several lines in UTF-8, or
UTF-16 with its mark, that has words in it, is no table, and is not mostly control characters. Nothing is
taken from it but the lines; all of them stand at 0 s, and a notice says so.
"""

import re
from collections.abc import Iterator

from sessions_app.formats.events import Event, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import Source, conclude
from sessions_app.formats.text_lines import decoded_head, encoding_of, text_lines

KEY = "plain_text"
LOOKED_AT = 16 * 1024
TABLE_LINES = 10

# NUL and the controls that terminals seldom get; BEL, BS, TAB, LF, VT, FF, CR, SO, SI, ESC are common.
_ODD = re.compile("[\x00-\x06\x10-\x1a\x1c-\x1f\x7f\ufffd]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_SEPARATORS = ",;"


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether the first bytes are text that a person might have read on a screen."""
    encoding, mark = encoding_of(head)
    looked_at = head[: LOOKED_AT + mark]
    if encoding == "utf-8" and b"\0" in looked_at:
        return False
    text = looked_at[mark:].decode(encoding, "replace")
    if len(looked_at) < len(head) or text.endswith("\ufffd"):
        text = text.removesuffix("\ufffd")
    is_text = len(_ODD.findall(text)) * 50 <= len(text)
    return is_text and _WORD.search(text) is not None and not _is_table(text)


def _is_table(text: str) -> bool:
    """Whether every line has as many separators as the first and none with a blank, as exports have."""
    lines = [line for line in text.split("\n")[:TABLE_LINES] if line.strip()]
    if len(lines) < 2:
        return False
    counts = [{line.count(mark) for line in lines} for mark in _SEPARATORS if f"{mark} " not in text]
    return any(len(found) == 1 and 0 not in found for found in counts)


def read(source: Source) -> Reading:
    """The lines as output, without times."""
    tally = Tally()
    tally.warn(1, "no_timing", "The recording has no times: everything stands at its start.")
    if not decoded_head(source.peek(LOOKED_AT)).strip():
        tally.warn(1, "no_text", "The file begins with blank lines alone.")
    return Reading(RecordingHeader(KEY, 1), _events(source, tally), tally)


def _events(source: Source, tally: Tally) -> Iterator[Event]:
    number = 1
    for line in text_lines(source, tally):
        number = line.number
        yield Event(0.0, "o", line.text + ("\r\n" if line.is_ended else ""), number)
    conclude(source, number, tally)


FORMAT = Format(KEY, "plain text", 1, recognises, read)
