"""Bytes to text, line by line: what cannot be read is named by line and byte, never guessed.

UTF-8 with or without a byte order mark and UTF-16 with one are read; any other encoding must be named.
Memory stays flat: at most one chunk and one line are held.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Protocol

from accounts.connectors.records import Unreadable

LINE_LIMIT = 256 * 1024  # characters of one line or one CSV row
CHUNK = 64 * 1024  # bytes read at a time

# Only plain character sets: Python's registry also holds codecs that unpack or execute escapes.
ENCODINGS = (
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "iso-8859-1",
    "iso-8859-15",
    "cp1250",
    "iso-8859-2",
    "cp1251",
    "cp437",
    "cp850",
    "cp852",
    "mac-roman",
    "shift_jis",
    "euc-jp",
    "gb18030",
    "big5",
    "euc-kr",
)

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SIGNATURES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "a ZIP archive (an Excel workbook is one too)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"BZh", "bzip2-compressed"),
    (b"\xfd7zXZ", "xz-compressed"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old Microsoft Office document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"-----BEGIN PGP", "PGP-encrypted"),
    (b"Salted__", "encrypted"),
)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)")


class Readable(Protocol):
    """Bytes that are read once, from the beginning."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def lines(stream: Readable, encoding: str | None = None) -> Iterator[str]:
    """Every line with its end, counted from 1 by whoever enumerates; ends are LF, CRLF or CR."""
    number, rest = 0, ""
    for chunk in chunks(stream, encoding):
        whole, rest = _split(rest + chunk)
        for line in whole:
            number += 1
            _limit(line, number)
            yield line
        _limit(rest, number + 1)
    if rest:
        for line in _LINE.findall(rest) or [rest]:
            yield line


def whole(stream: Readable, limit: int) -> str:
    """The text of a file that must be read at once; more than `limit` bytes are refused while reading."""
    return "".join(chunks(_Limited(stream, limit)))


def chunks(stream: Readable, encoding: str | None = None) -> Iterator[str]:
    """Decoded pieces of the file; raises Unreadable for bytes that are no text, and for NUL."""
    data = stream.read(CHUNK)
    _refuse_signature(data)
    name, mark = _encoding_of(data, encoding)
    decoder = codecs.getincrementaldecoder(name)("strict")
    offset, line, after_cr = len(mark), 1, False
    data = data[len(mark) :]
    while True:
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(data, not data)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(name, "ignore")
            raise _undecodable(line + _ends(good), offset - pending + error.start, name) from None
        if "\0" in text:
            raise _nul(line + _ends(text[: text.index("\0")]))
        if text:
            line += _ends(text) - (after_cr and text[0] == "\n")
            after_cr = text[-1] == "\r"
            yield text
        if not data:
            return
        offset += len(data)
        data = stream.read(CHUNK)


def beginning(head: bytes, encoding: str | None = None) -> str | None:
    """The first bytes of a file as text, whatever can't be decoded replaced; None if they are none."""
    if any(head.startswith(signature) for signature, _ in _SIGNATURES):
        return None
    try:
        name, mark = _encoding_of(head, encoding)
    except Unreadable:
        return None
    begin = head[len(mark) :].decode(name, "replace")
    return None if "\0" in begin else begin


def _split(text: str) -> tuple[list[str], str]:
    """Whole lines and what is left; a final CR waits, its LF may follow."""
    if "\r" not in text:
        *parts, rest = text.split("\n")
        return [part + "\n" for part in parts], rest
    held = "\r" if text.endswith("\r") else ""
    body = text[: len(text) - len(held)]
    found: list[str] = _LINE.findall(body)
    return found, body[sum(map(len, found)) :] + held


def _ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _limit(line: str, number: int) -> None:
    if len(line) > LINE_LIMIT:
        raise Unreadable(
            "line_too_long",
            f"Line {number} is longer than {LINE_LIMIT:,} characters. This is no row of a table: check that "
            "the file is the export you meant and that its line ends were kept.",
            number,
        )


def _refuse_signature(data: bytes) -> None:
    if not data:
        raise Unreadable("empty", "The file is empty. Export it again.", 1)
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise Unreadable(
                "not_text",
                f"This is {what}, not a text file. Unpack it, or save the table as CSV (UTF-8).",
                1,
            )


def _encoding_of(data: bytes, encoding: str | None) -> tuple[str, bytes]:
    """The codec and the byte order mark to skip; a mark in the file says more than the setting."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name, mark
    if encoding is None:
        return "utf-8", b""
    wanted = encoding.strip().lower().replace("windows-", "cp").replace("latin-1", "iso-8859-1")
    if wanted not in ENCODINGS:
        raise Unreadable(
            "unknown_encoding",
            f"The encoding “{encoding[:40]}” is not known. Use one of: {', '.join(ENCODINGS)}.",
        )
    return ("utf-16-le" if wanted == "utf-16" else wanted), b""


def _undecodable(line: int, offset: int, name: str) -> Unreadable:
    return Unreadable(
        "wrong_encoding",
        f"Line {line}, byte {offset}, is not {name.upper()} text. Save the file as UTF-8, or name the "
        "encoding it has with the option “encoding”, for example cp1252 for a Windows export.",
        line,
    )


def _nul(line: int) -> Unreadable:
    return Unreadable(
        "nul",
        f"Line {line} holds a NUL character. The file is binary, or UTF-16 without a byte order mark: save "
        "it as UTF-8, or set the option “encoding” to utf-16-le.",
        line,
    )


class _Limited:
    """A stream that refuses to be longer than its limit, counted while read."""

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream, self._limit, self._seen = stream, limit, 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._seen += len(data)
        if self._seen > self._limit:
            raise Unreadable(
                "too_large",
                f"The file is larger than {self._limit // 2**20:,} MiB, which is the most that can be read "
                "at once. Export it in parts, one account or system each.",
            )
        return data
