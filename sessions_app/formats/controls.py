"""Terminal output in tokens: text, control characters, and control sequences, across event borders.

Follows the state machine of ECMA-48 terminals (as described by Paul Williams for DEC terminals), in
7-bit and 8-bit form, without acting on anything. The content of control strings (OSC, DCS, APC, PM,
SOS) is skipped and only measured. Memory is bounded: what is no complete sequence after `LONGEST`
characters is dropped up to its end.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

LONGEST = 256

Kind = Literal["text", "control", "escape", "csi", "string"]


class Token(NamedTuple):
    """One piece of terminal output.

    text: `text` is a run without control characters · control: `text` is one C0 character or DEL ·
    escape: `marks` and `final` of ESC … (8-bit C1 in their 7-bit form) · csi: parameters in `text`,
    intermediates in `marks`, `final` · string: `text` is its introducer ("]" for OSC), `size` characters
    were skipped.
    """

    kind: Kind
    text: str = ""
    marks: str = ""
    final: str = ""
    size: int = 0


_TOKEN = re.compile(
    r"""(?P<text>[^\x00-\x1f\x7f-\x9f]++)
    |(?P<csi>(?:\x1b\[|\x9b)(?P<params>[0-?]*+)(?P<csi_marks>[\ -/]*+)(?P<csi_final>[@-~]))
    |(?P<string>\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])
    |(?P<escape>\x1b(?:(?P<marks>[\ -/]++)(?P<final>[0-~])|(?P<bare>[0-OQ-WYZ\\`-~])))
    |(?P<eight>[\x80-\x8f\x91-\x97\x99\x9a\x9c])
    |(?P<control>[\x00-\x1a\x1c-\x1f\x7f])""",
    re.VERBOSE,
)
_BEGUN = re.compile(r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+|\x1b[ -/]*+")
_OVERLONG = re.compile(r"[0-?]*+[ -/]*+[@-~]?")
_STRING_END = re.compile("[\x18\x1a\x1b\x9c]")
_OSC_END = re.compile("[\x07\x18\x1a\x1b\x9c]")


class Tokenizer:
    """Feeds on the output of one recording, event by event."""

    def __init__(self) -> None:
        self._carried = ""
        self._string = ""
        self._string_size = 0
        self._ended = Token("string")
        self._is_overlong = False

    def feed(self, data: str) -> Iterator[Token]:
        """The tokens that are complete with this piece of output."""
        data, self._carried = self._carried + data, ""
        position = 0
        while position < len(data):
            if self._string:
                position = self._skip_string(data, position)
                if not self._string:
                    yield self._ended
                continue
            if self._is_overlong:
                position = self._skip_overlong(data, position)
                continue
            match = _TOKEN.match(data, position)
            if match is None:
                position = self._begin(data, position)
                continue
            position = match.end()
            token = self._token(match)
            if token is not None:
                yield token

    def end(self) -> Iterator[Token]:
        """What is left when the recording ends: a control string that was never closed."""
        if self._string:
            yield Token("string", self._string, size=self._string_size)
            self._string = ""

    def _token(self, match: re.Match[str]) -> Token | None:
        match match.lastgroup:
            case "text" | "control" as kind:
                return Token(kind, match[0])
            case "csi":
                if match.end() - match.start() > LONGEST:
                    return None
                return Token("csi", match["params"], match["csi_marks"], match["csi_final"])
            case "escape":
                if len(match[0]) > LONGEST:
                    return None
                return Token("escape", "", match["marks"] or "", match["final"] or match["bare"])
            case "eight":
                return Token("escape", "", "", chr(ord(match[0]) - 0x40))
            case _:
                # ESC ] and its 8-bit twin U+009D alike.
                self._string = match[0][1:] or chr(ord(match[0]) - 0x40)
                self._string_size = 0
                return None

    def _skip_string(self, data: str, position: int) -> int:
        match = (_OSC_END if self._string == "]" else _STRING_END).search(data, position)
        end = match.start() if match else len(data)
        self._string_size += end - position
        if match is None:
            return end
        self._ended = Token("string", self._string, size=self._string_size)
        self._string = ""
        # ESC is left to the next token: "ESC \" ends a string, any other sequence cancels it.
        return end if match[0] == "\x1b" else match.end()

    def _skip_overlong(self, data: str, position: int) -> int:
        match = _OVERLONG.match(data, position)
        end = match.end() if match else position
        self._is_overlong = end == len(data) and not "@" <= data[-1] <= "~"
        return end

    def _begin(self, data: str, position: int) -> int:
        """An unfinished sequence waits for the next event; one that cannot be finished is dropped."""
        match = _BEGUN.match(data, position)
        end = match.end() if match else position + 1
        if end == len(data):
            if end - position <= LONGEST:
                self._carried = data[position:]
            else:
                self._is_overlong = True
        return end
