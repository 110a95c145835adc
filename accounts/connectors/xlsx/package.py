"""The ZIP package of a workbook (ECMA-376 part 2): which parts it has, and their XML piece by piece.

Nothing is unpacked that says, or turns out, to be out of proportion. A part with a document type is refused,
so there are no entities to expand (CWE-776, CWE-611).
"""

import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import IO, BinaryIO
from xml.parsers import expat

from accounts.connectors.records import Unreadable

PART_LIMIT = 2 << 30  # bytes of a sheet, or of the table of its strings, unpacked
SMALL_LIMIT = 16 << 20  # of any other part that is read
TOTAL_LIMIT = 4 << 30  # of all parts together, as they say themselves
RATIO = 200  # unpacked to packed; sheets of a million like rows stay below 60
ANY_RATIO = 10 << 20  # a part up to this size may be packed as well as it likes
PARTS = 10_000
DIRECTORY_LIMIT = 4 << 20  # bytes of the list of parts
TOKEN_LIMIT = 1 << 20  # bytes of one tag with its attributes
PIECE = 64 * 1024
_BROKEN = (
    zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError, ValueError, LookupError,
    NotImplementedError, struct.error, OverflowError,
)  # fmt: skip
_MADE_BY_OTHERS = (
    ("word/", "a Word document"),
    ("ppt/", "a presentation"),
    ("META-INF/", "a package of another kind"),
)


@contextmanager
def told() -> Iterator[None]:
    """Whatever a damaged package does to the parsers becomes one refusal for people."""
    try:
        yield
    except _BROKEN:
        raise Unreadable(
            "broken_workbook",
            "The workbook is damaged or cut off, so it can't be read. Open it, save it again as .xlsx, or "
            "save the sheet as CSV (UTF-8).",
        ) from None


class Package:
    """An opened workbook."""

    def __init__(self, file: BinaryIO) -> None:
        _refuse_long_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except _BROKEN:
            raise Unreadable(
                "not_text",
                "This is a ZIP archive that can't be opened as an Excel workbook: it is damaged or cut off. "
                "Export it again, or save the table as CSV (UTF-8).",
                1,
            ) from None
        self._parts: dict[str, zipfile.ZipInfo] = {}
        for part in self._zip.infolist():
            # Part names are the same in any case; of two, one reader takes this and another that.
            if self._parts.setdefault(part.filename.casefold(), part) is not part:
                raise Unreadable(
                    "broken_workbook",
                    "Two parts of the workbook have the same name, so it is not clear which is meant. Save "
                    "it again as .xlsx.",
                )
        self._refuse_bomb()

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._parts

    @property
    def names(self) -> list[str]:
        """Of every part, in lower case."""
        return list(self._parts)

    def what_else(self) -> str:
        """What a package that is no workbook looks like, in words."""
        if "mimetype" in self:
            kind = self.small("mimetype")[:100].decode("ascii", "replace")
            if "opendocument.spreadsheet" in kind:
                return "an OpenDocument spreadsheet (.ods)"
        for sign, words in _MADE_BY_OTHERS:
            if any(name.startswith(sign.casefold()) for name in self._parts):
                return words
        return "a ZIP archive"

    def open(self, name: str, limit: int = PART_LIMIT) -> IO[bytes]:
        """A part as a stream that ends where it said it would."""
        part = self._parts[name.casefold()]
        if part.flag_bits & 1:
            raise encrypted()
        if part.file_size > limit:
            raise _too_large(part.filename)
        return self._zip.open(part)

    def small(self, name: str) -> bytes:
        """All of a part that is never large."""
        with told(), self.open(name, SMALL_LIMIT) as part:
            return part.read()

    def relations(self, of: str) -> dict[str, tuple[str, str]]:
        """What a part refers to inside the package: `{id: (kind, part name)}`."""
        folder, name = posixpath.split(of)
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag.endswith(" Relationship") and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = (kind, target.lstrip("/"))

        rels = posixpath.join(folder, "_rels", f"{name}.rels")
        if rels in self:
            self.parse(rels, start)
        return found

    def parse(self, name: str, start: Callable[[str, dict[str, str]], None]) -> None:
        """Read a whole part, which is never large, for its opening tags."""
        parser = xml_parser()
        parser.StartElementHandler = start
        for _ in self.pieces(name, parser, SMALL_LIMIT):
            pass

    def pieces(self, name: str, parser: expat.XMLParserType, limit: int = PART_LIMIT) -> Iterator[None]:
        """Feed a part to its parser, stopping after each piece for what was found in it."""
        with told(), self.open(name, limit) as part:
            fed = 0
            while data := part.read(PIECE):
                fed += len(data)
                parser.Parse(data, False)
                if fed - parser.CurrentByteIndex > TOKEN_LIMIT:
                    raise Unreadable(
                        "broken_workbook", "A tag of the workbook never ends. Save it again as .xlsx or CSV."
                    )
                yield
            parser.Parse(b"", True)
            yield

    def raw(self, name: str) -> Iterator[bytes]:
        """The bytes of a part, unpacked, in pieces."""
        with told(), self.open(name) as part:
            while data := part.read(1 << 20):
                yield data

    def _refuse_bomb(self) -> None:
        parts = self._parts.values()
        if len(parts) > PARTS or sum(part.file_size for part in parts) > TOTAL_LIMIT:
            raise _too_large("all parts together")
        for part in parts:
            if part.file_size > ANY_RATIO and part.file_size > RATIO * max(part.compress_size, 1):
                raise Unreadable(
                    "zip_bomb",
                    f"A part of the workbook unpacks to {part.file_size // max(part.compress_size, 1):,} "
                    "times its size, which no table does. It was not opened. Save the sheet as CSV (UTF-8).",
                )


def xml_parser() -> expat.XMLParserType:
    """Names come as `namespace name`; a document type is refused before anything of it counts."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


@lru_cache(maxsize=256)
def local(tag: str) -> str:
    """A name without its namespace: there are two of every one (transitional and strict)."""
    return tag.rpartition(" ")[2]


def encrypted() -> Unreadable:
    """The refusal of a workbook behind a password."""
    return Unreadable(
        "encrypted",
        "The workbook is encrypted with a password. Open it, take the password away (File, Info, Protect "
        "Workbook), save it as .xlsx and send that; or save the sheet as CSV (UTF-8).",
    )


def _refuse_doctype(*_: object) -> None:
    raise Unreadable(
        "broken_workbook",
        "The workbook's XML has a document type, which no spreadsheet programme writes. It was not read.",
    )


def _too_large(what: str) -> Unreadable:
    return Unreadable(
        "too_large",
        f"The workbook is too large to be read ({what[:80]}). Save the sheet as CSV (UTF-8), or export it in "
        "parts.",
    )


def _refuse_long_directory(file: BinaryIO) -> None:
    """Before the list of parts is read into memory: how long does it say it is?"""
    size = file.seek(0, 2)
    file.seek(max(size - 22 - 65_535 - 76, 0))
    tail = file.read(22 + 65_535 + 76)
    at = tail.rfind(b"PK\x05\x06")
    lengths = [struct.unpack_from("<L", tail, at + 12)[0]] if 0 <= at <= len(tail) - 22 else []
    large = [
        found.start() for found in re.finditer(rb"PK\x06\x06", tail)
    ]  # where such a record is, it counts
    lengths += [struct.unpack_from("<Q", tail, at + 40)[0] for at in large if at + 56 <= len(tail)]
    file.seek(0)
    if any(length > DIRECTORY_LIMIT and length != 0xFFFF_FFFF for length in lengths):
        raise _too_large("its list of parts")
