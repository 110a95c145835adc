"""A copy of a recording for the player in the browser: harmless by construction, derived again at will.

The original stays untouched and is what the evidence is; this copy is an asciicast v2 made of output,
resizes and markers. Left out are input (it holds what was typed without echo), every control string
(OSC with its clipboard, title and hyperlinks; DCS, APC, PM, SOS), every sequence that asks the terminal
for an answer (DSR, DA, DECRQM, window reports, ENQ), and whatever is not on the lists below. Kept
sequences are written anew from their parts, numbers are bounded, so a sequence that is not listed
cannot come out, also not by removing something from its middle.

Times never run backwards. `idle_time_limit` of the recorder is not carried over: the player's clock
shows the time of the recording, as the transcript does.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from sessions_app.formats.controls import Token, Tokenizer
from sessions_app.formats.events import OUTPUT_CODES, Event, RecordingHeader
from sessions_app.formats.fields import clean

VERSION = 1  # kept on the derived file; raise when its bytes would change

DEFAULT_COLS, DEFAULT_ROWS = 80, 24
MAX_MARKERS = 1_000
LONGEST_LABEL = 200
LARGEST_NUMBER = 1_000  # of a parameter; no terminal is wider (fields.MAX_COLS)

_CONTROLS = frozenset("\b\t\n\v\f\r\x0e\x0f")
# Save and restore cursor, index, tab stop, keypad modes, reset.
_ESCAPES = frozenset("78DEHM=>c")
_CHARSETS = frozenset("()*+")
_CHARSET_FINALS = frozenset("0AB")
# Cursor moves, erase, insert and delete, scroll, tabs, repeat, modes, colours, margins, save and restore.
_CSI = frozenset("@ABCDEFGHIJKLMPSTXZ`abdefghlmrsu")
_PRIVATE_CSI = frozenset("hlJK")
_PLAIN_PARAMETERS = re.compile(r"[0-9;:]*")
_PRIVATE_PARAMETERS = re.compile(r"\?[0-9;]*")
_NUMBER = re.compile(r"[0-9]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


def playable(header: RecordingHeader, events: Iterable[Event]) -> Iterator[str]:
    """The lines of the copy, each with its newline, to be written as UTF-8."""
    size = {"width": header.cols or DEFAULT_COLS, "height": header.rows or DEFAULT_ROWS}
    yield json.dumps({"version": 2, **size}) + "\n"
    tokens = Tokenizer()
    now = written = 0.0
    markers = 0
    for event in events:
        now = max(now, event.at)
        code, data = event.code, ""
        if code in OUTPUT_CODES:
            code, data = "o", "".join(kept(token) for token in tokens.feed(event.data))
        elif code == "r":
            data = event.data
        elif code == "m" and markers < MAX_MARKERS:
            markers += 1
            yield _line(now, "m", clean(event.data, LONGEST_LABEL))
            written = now
        if data:
            yield _line(now, code, data)
            written = now
    if now > written:
        # Input or an exit came last: without this the copy would end earlier than the session did.
        yield _line(now, "o", "")


def kept(token: Token) -> str:
    """A token as the copy may hold it, or nothing."""
    match token.kind:
        case "text":
            return _SURROGATE.sub("\ufffd", token.text)
        case "control":
            return token.text if token.text in _CONTROLS else ""
        case "escape":
            return _kept_escape(token)
        case "csi":
            return _kept_csi(token)
        case _:
            return ""


def _kept_escape(token: Token) -> str:
    is_plain = not token.marks and token.final in _ESCAPES
    is_charset = token.marks in _CHARSETS and token.final in _CHARSET_FINALS
    return f"\x1b{token.marks}{token.final}" if is_plain or is_charset else ""


@lru_cache(maxsize=4096)
def _kept_csi(token: Token) -> str:
    if token.marks:
        # Cursor shapes and soft reset; everything else with intermediates asks or is of no use on replay.
        is_harmless = (token.marks, token.final) in {(" ", "q"), ("!", "p")}
        return f"\x1b[{_bounded(token.text)}{token.marks}{token.final}" if is_harmless else ""
    if _PRIVATE_PARAMETERS.fullmatch(token.text):
        return f"\x1b[{token.text}{token.final}" if token.final in _PRIVATE_CSI else ""
    if _PLAIN_PARAMETERS.fullmatch(token.text) and token.final in _CSI:
        return f"\x1b[{_bounded(token.text)}{token.final}"
    return ""


def _bounded(parameters: str) -> str:
    return _NUMBER.sub(lambda found: str(min(int(found[0]), LARGEST_NUMBER)), parameters)


def _line(at: float, code: str, data: str) -> str:
    return json.dumps([round(at, 6), code, data], ensure_ascii=False) + "\n"
