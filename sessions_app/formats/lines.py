"""Bytes to numbered lines within limits: unpacks gzip, counts while reading, holds one block at a time."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from sessions_app.formats.events import NotReadable, Tally

GZIP_MAGIC = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
BLOCK = 64 * 1024
PIECE = 256 * 1024
MAX_MEMBERS = 100_000
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a recording may ask of the reader; sizes in bytes."""

    line: int = MIB  # one line of a line-by-line format
    unpacked: int = 2048 * MIB  # the whole, after unpacking
    ratio: int = 250  # unpacked to packed: terminals seldom pass 20
    ratio_from: int = 16 * MIB  # unpacked size from which the ratio counts
    document: int = 32 * MIB  # a format that is one JSON document and must be held whole
    idle_lines: int = 1_000_000  # blank lines and comments


DEFAULT_LIMITS = Limits()


class Source:
    """A stream of bytes, unpacked when it is gzip; `is_cut` when the packed data ends too early."""

    def __init__(self, stream: BinaryIO, limits: Limits = DEFAULT_LIMITS) -> None:
        self._stream, self.limits = stream, limits
        self._unpacked = 0
        self._peeked = b""
        self.is_packed = self.is_cut = self.has_trailing_bytes = False
        self._blocks = self._bounded(self._open())

    def peek(self, size: int) -> bytes:
        """Up to `size` bytes from the start, which will be read again."""
        while len(self._peeked) < size and (block := next(self._blocks, b"")):
            self._peeked += block
        return self._peeked[:size]

    def __iter__(self) -> Iterator[bytes]:
        head, self._peeked = self._peeked, b""
        if head:
            yield head
        yield from self._blocks

    def _open(self) -> Iterator[bytes]:
        first = self._stream.read(BLOCK)
        if len(first) == 1:  # a stream may hand over as little as it likes
            first += self._stream.read(BLOCK)
        self.is_packed = first.startswith(GZIP_MAGIC)
        return self._unpack(first) if self.is_packed else self._raw(first)

    def _raw(self, first: bytes) -> Iterator[bytes]:
        block = first
        while block:
            yield block
            block = self._stream.read(BLOCK)

    def _bounded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._unpacked += len(block)
            if self._unpacked > self.limits.unpacked:
                raise NotReadable(
                    "too_large",
                    f"The recording is larger than {self.limits.unpacked:,} bytes"
                    f"{' when unpacked' if self.is_packed else ''}. Upload it in parts.",
                )
            yield block

    def _unpack(self, first: bytes) -> Iterator[bytes]:
        """One gzip member after the other; every piece is measured before the next is made."""
        fed = made = members = 0
        packed = first
        while packed:
            if packed.strip(b"\0") and not packed.startswith(GZIP_MAGIC[:1]):
                self.has_trailing_bytes = True
                return
            if not packed.strip(b"\0"):  # padding behind the last member, as some tools leave it
                packed = self._stream.read(BLOCK)
                continue
            members += 1
            if members > MAX_MEMBERS:
                raise NotReadable("unpacks_too_much", "The gzip file has too many parts. Pack it in one.")
            member = zlib.decompressobj(wbits=31)
            while packed and not member.eof:
                piece = self._piece(member, packed)
                fed += len(packed) - len(member.unconsumed_tail) - len(member.unused_data)
                made += len(piece)
                self._check_ratio(made, fed)
                if piece:
                    yield piece
                if not member.eof:
                    packed = member.unconsumed_tail or self._stream.read(BLOCK)
            if not member.eof:
                self.is_cut = True
                return
            packed = member.unused_data or self._stream.read(BLOCK)

    def _piece(self, member: "zlib._Decompress", packed: bytes) -> bytes:
        try:
            return member.decompress(packed, PIECE)
        except zlib.error as error:
            raise NotReadable(
                "gzip_damaged",
                "The gzip data are damaged. Upload the recording unpacked, or pack it again.",
            ) from error

    def _check_ratio(self, made: int, fed: int) -> None:
        if made > self.limits.ratio_from and made > self.limits.ratio * max(fed, 1):
            raise NotReadable(
                "unpacks_too_much",
                f"The gzip file grows to more than {self.limits.ratio} times its size. "
                "If it is a real recording, upload it unpacked.",
            )


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its newline; `is_ended` is False for a last line that has none."""

    number: int
    offset: int
    data: bytes
    is_ended: bool


def numbered(source: Source) -> Iterator[Line]:
    """The lines of a source, split at LF, counted from 1; a line beyond the limit refuses the file."""
    longest = source.limits.line
    number, offset, pending = 1, 0, b""
    for block in source:
        *whole, pending = (pending + block).split(b"\n")
        for data in whole:
            if len(data) > longest:
                _refuse_length(number, offset, longest)
            yield Line(number, offset, data, is_ended=True)
            number, offset = number + 1, offset + len(data) + 1
        if len(pending) > longest:
            _refuse_length(number, offset, longest)
    if pending:
        yield Line(number, offset, pending, is_ended=False)


def _refuse_length(number: int, offset: int, longest: int) -> NoReturn:
    raise NotReadable(
        "line_too_long",
        f"Line {number} is longer than {longest:,} bytes. A recording has one short event per line: "
        "check that this is the file that was meant.",
        number,
        offset,
    )


def decoded(data: bytes, number: int, offset: int) -> str:
    """UTF-8 text of a line; anything else refuses the file with the place of the first wrong byte."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = number + data.count(b"\n", 0, error.start)
        place = offset + error.start
        raise NotReadable(
            "wrong_encoding",
            f"Line {line} is not UTF-8: wrong byte at position {place:,} of the file. "
            "Save the recording as UTF-8 and upload it again.",
            line,
            place,
        ) from error


def is_cut_character(error: BaseException | None) -> bool:
    """Whether decoding failed only because the text ends inside a character."""
    return isinstance(error, UnicodeDecodeError) and error.reason == "unexpected end of data"


def conclude(source: Source, line: int, tally: Tally) -> None:
    """Judge a recording at its end: what the packing says, and whether anything could be read at all."""
    if source.is_cut:
        tally.cut(line, "The gzip data end too early; what came before was read.")
    if source.has_trailing_bytes:
        tally.warn(line, "trailing_bytes", "Bytes that are not gzip follow the packed data: left out.")
    if tally.events:
        return
    first = tally.first_unreadable
    if first is None:
        tally.warn(line, "no_events", "The recording has no events.")
        return
    raise NotReadable(
        "no_readable_event",
        f"No event can be read; the first wrong line is line {first.line}: {first.reason} "
        "Check that this is the recording that was meant, and upload it again.",
        first.line,
    )
