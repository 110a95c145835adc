"""Text in UTF-8 or (with a byte order mark) UTF-16 as lines, whatever their ends, in bounded memory."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from sessions_app.formats.events import NotReadable, Tally
from sessions_app.formats.lines import BOM, Source

_MARKS = ((BOM, "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line without its end; `is_ended` is False for a last line that has none."""

    number: int
    text: str
    is_ended: bool


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding that the byte order mark tells (UTF-8 without one), and how long the mark is."""
    return next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), ("utf-8", 0))


def decoded_head(head: bytes) -> str:
    """The first bytes of a file as text with LF, as far as they are text."""
    encoding, mark = encoding_of(head)
    return head[mark:].decode(encoding, "ignore").replace("\r\n", "\n")


def text_lines(source: Source, tally: Tally) -> Iterator[TextLine]:
    """The lines of a source; what is no text of its encoding becomes U+FFFD, and a notice says so once."""
    encoding, mark = encoding_of(source.peek(4))
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    longest = source.limits.line
    number, pending, is_told = 1, "", False
    for block in source:
        text = decoder.decode(block[mark:])
        mark = 0
        if "\ufffd" in text and not is_told:
            is_told = True
            tally.warn(
                number, "wrong_encoding", f"Some bytes are not {encoding.upper()}; they stand as U+FFFD."
            )
        *whole, pending = (pending + text).split("\n")
        for line in whole:
            _check(number, line, longest)
            yield TextLine(number, line.removesuffix("\r"), is_ended=True)
            number += 1
        _check(number, pending, longest)
    pending += decoder.decode(b"", final=True)
    if pending:
        yield TextLine(number, pending, is_ended=False)


def _check(number: int, line: str, longest: int) -> None:
    if len(line) > longest:
        raise NotReadable(
            "line_too_long",
            f"Line {number} is longer than {longest:,} characters. Is it the file that was meant?",
            number,
        )
