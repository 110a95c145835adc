"""What is looked at before openpyxl reads any of a workbook, and by which bounds it is refused.

Nothing is unpacked that says, or turns out, to be out of proportion: openpyxl holds every text of a workbook
and whole parts as objects. What it would pass over in silence (rows and cells out of order, formulas that
were never computed) is found in the XML of the sheet, of which each `<` begins a tag: it has no comments.
"""

import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from accounts.connectors.records import Unreadable

PART_LIMIT = 2 << 30  # bytes of a sheet, unpacked
TOTAL_LIMIT = 4 << 30  # of all parts together, as they say themselves
RATIO = 200  # unpacked to packed; sheets of a million like rows stay below 60
ANY_RATIO = 10 << 20  # a part up to this size may be packed as well as it likes
PARTS = 10_000
DIRECTORY_LIMIT = 4 << 20  # bytes of the list of parts
WHOLE, WHOLE_TAGS = 16 << 20, 250_000  # bytes and tags of a part that is held as a tree of objects
STRINGS, STRING_TAGS = 64 << 20, 3_000_000  # of the table of texts, which is held whole: about 100 MB
STRETCH, STRETCH_TAGS = 8 << 20, 300_000  # of a sheet from one row to the next, and of all below its rows
ROW_TAG, ROW_TAGS = 64 * 1024, 128 << 20  # bytes of the tag that opens a row, and of all of them
MERGES = 100_000  # on a sheet
LAST_ROW = 1_048_576
_PIECE = 1 << 20
# What a damaged or hostile workbook makes zipfile, expat, defusedxml (ValueError) and openpyxl raise.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, SyntaxError, EOFError, OSError, ValueError, LookupError,
    TypeError, AttributeError, ArithmeticError, RuntimeError,
)  # fmt: skip
_MADE_BY_OTHERS = (
    ("word/", "a Word document"),
    ("ppt/", "a presentation"),
    ("meta-inf/", "a package of another kind"),
)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]*)""")
_ROW = re.compile(rb"<(?:\w+:)?row\b")
_NUMBER = re.compile(rb"""[^<>]*?\sr\s*=\s*["']([^"'<>]*)""")
_CELL = re.compile(rb"<(?:\w+:)?c\b")
_PLACES = re.compile(rb"""<(?:\w+:)?c\s(?:[^<>]*?\s)??r\s*=\s*["']([A-Z]{1,3})""")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|is)\b")
_MERGED = re.compile(
    rb"""<(?:\w+:)?mergeCell\s[^<>]*?ref\s*=\s*["']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?[A-Z]{1,3}\$?(\d{1,7})["']"""
)


@dataclass(slots=True)
class Merge:
    """One cell that stands over several rows: on screen each of them has its value."""

    column: int  # from 0
    first: int
    last: int
    value: str = ""


@contextmanager
def told() -> Iterator[None]:
    """Whatever a damaged workbook does to the libraries becomes one refusal for people."""
    try:
        yield
    except _BROKEN:
        raise _broken("The workbook is damaged or cut off, so it can't be read.") from None


def archive(file: BinaryIO) -> zipfile.ZipFile:
    """The ZIP file of a workbook, by what it says of itself in proportion and not encrypted."""
    _refuse_long_directory(file)
    try:
        opened = zipfile.ZipFile(file)
    except _BROKEN:
        raise Unreadable(
            "not_text",
            "This is a ZIP archive that can't be opened as an Excel workbook: it is damaged or cut off. "
            "Export it again, or save the table as CSV (UTF-8).",
            1,
        ) from None
    parts = opened.infolist()
    # Part names are the same in any case; of two, one reader takes this and another that.
    if len({part.filename.casefold() for part in parts}) < len(parts):
        raise _broken("Two parts of the workbook have the same name, so it is not clear which is meant.")
    if len(parts) > PARTS or sum(part.file_size for part in parts) > TOTAL_LIMIT:
        raise _too_large("all parts together")
    for part in parts:
        if part.flag_bits & 1:
            raise encrypted()
        if part.file_size > ANY_RATIO and part.file_size > RATIO * max(part.compress_size, 1):
            raise Unreadable(
                "zip_bomb",
                f"A part of the workbook unpacks to {part.file_size // max(part.compress_size, 1):,} "
                "times its size, which no table does. It was not opened. Save the sheet as CSV (UTF-8).",
            )
    return opened


def what_else(package: zipfile.ZipFile) -> str:
    """What a package that is no workbook looks like, in words."""
    names = package.namelist()
    if "mimetype" in names:
        with told(), package.open("mimetype") as part:
            if b"opendocument.spreadsheet" in part.read(100):
                return "an OpenDocument spreadsheet (.ods)"
    for sign, words in _MADE_BY_OTHERS:
        if any(name.casefold().startswith(sign) for name in names):
            return words
    return "a ZIP archive"


def relations_of(name: str) -> str:
    """The part that says what a part refers to."""
    folder, own = posixpath.split(name)
    return posixpath.join(folder, "_rels", f"{own}.rels")


def bound(package: zipfile.ZipFile, *names: str) -> None:
    """Refuse parts that are held as a whole and would be large."""
    for name in names:
        _bound(package, name, WHOLE, WHOLE_TAGS, name)


def bound_strings(package: zipfile.ZipFile, name: str) -> None:
    """Refuse a table of texts that would not fit into memory."""
    _bound(package, name, STRINGS, STRING_TAGS, "more different texts than can be kept in memory")


def raw(package: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The bytes of a part, unpacked, in pieces."""
    if package.getinfo(name).file_size > PART_LIMIT:
        raise _too_large(name)
    with told(), package.open(name) as part:
        while data := part.read(_PIECE):
            yield data


def looked_over(package: zipfile.ZipFile, name: str) -> list[Merge]:
    """One pass over the XML of a sheet: whatever would be wrong later is refused, merged cells are found."""
    look = _Look()
    rest = b""
    for piece in raw(package, name):
        if not look.has_begun:
            look.begin(piece)
        held = rest + piece
        if b"<!" in held:
            raise _broken("The sheet's XML has a document type or comments, so it was not read.")
        *whole, rest = _ROW.split(held)
        for stretch in whole:
            look.stretch(stretch)
        if len(rest) > STRETCH:
            raise _too_large(f"what follows row {look.row:,}")
    look.stretch(rest)
    return look.merges(rest)


def encrypted() -> Unreadable:
    """The refusal of a workbook behind a password."""
    return Unreadable(
        "encrypted",
        "The workbook is encrypted with a password. Open it, take the password away (File, Info, Protect "
        "Workbook), save it as .xlsx and send that; or save the sheet as CSV (UTF-8).",
    )


def column_of(letters: str) -> int:
    """`A` is 0, `XFD` is 16,383."""
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


class _Look:
    """What is known of a sheet after some of its rows."""

    def __init__(self) -> None:
        self.has_begun = False
        self.row = 0
        self._tags = 0
        self._is_below_first = False
        self._known: set[tuple[bytes, ...]] = {()}  # columns of a row, in order

    def begin(self, piece: bytes) -> None:
        self.has_begun = True
        declared = _DECLARED.match(piece.removeprefix(b"\xef\xbb\xbf"))
        name = declared[1].strip().lower() if declared else b"utf-8"
        if name not in (b"utf-8", b"utf8", b"us-ascii") or b"\0" in piece[:1000]:
            raise _broken("The sheet is not written in UTF-8, which Excel always does.")

    def stretch(self, said: bytes) -> None:
        """From behind `<row` to the next one; the first is what stands above all rows."""
        if len(said) > 64 * 1024 and said.count(b"<") > STRETCH_TAGS:
            raise _too_large(f"what follows row {self.row:,}")
        if not self._is_below_first:
            self._is_below_first = True
            return
        self._measure(said)
        found = _NUMBER.match(said)
        number = int(found[1]) if found and found[1].isdigit() else -1 if found else self.row + 1
        if not self.row < number <= LAST_ROW:
            raise _broken(f"The rows are out of order after row {self.row:,}.", max(self.row, 1))
        self.row = number
        places = tuple(_PLACES.findall(said))
        if places not in self._known:
            self._learn(places)
        if b"f" in said and _FORMULA.search(said):
            self._refuse_formula_without_value(said)

    def merges(self, below: bytes) -> list[Merge]:
        """The cells merged over rows, which are listed below all rows."""
        found: list[Merge] = []
        for one in _MERGED.finditer(below):
            first, last = int(one[2]), int(one[3])
            if first < last <= LAST_ROW:
                found.append(Merge(column_of(one[1].decode()), first, last))
        if len(found) > MERGES:
            raise too_many_merges(MERGES)
        return found

    def _measure(self, said: bytes) -> None:
        size = said.find(b">")
        self._tags += size
        if size > ROW_TAG:
            raise _broken(f"The tag of the row after row {self.row:,} never ends.")
        if self._tags > ROW_TAGS:
            raise _too_large("what its rows say beside their cells")

    def _learn(self, places: tuple[bytes, ...]) -> None:
        columns = [column_of(place.decode()) for place in places]
        if any(one >= other for one, other in pairwise(columns)):
            raise _broken(f"The cells of row {self.row} are out of order.", self.row)
        if len(self._known) < 1000:
            self._known.add(places)

    def _refuse_formula_without_value(self, said: bytes) -> None:
        for cell in _CELL.split(said)[1:]:
            if _FORMULA.search(cell) and not _VALUE.search(cell):
                raise Unreadable(
                    "formula_without_value",
                    f"A formula in row {self.row} was never computed: the file holds no value for it. Open "
                    "the workbook in a spreadsheet programme, save it, and send that.",
                    self.row,
                )


def too_many_merges(limit: int) -> Unreadable:
    """The refusal of a sheet in which too much stands over several rows."""
    return Unreadable(
        "too_large",
        f"The sheet has more than {limit:,} merged cells. Take the merging away, so that every row says all "
        "of itself.",
    )


def _bound(package: zipfile.ZipFile, name: str, size: int, tags: int, what: str) -> None:
    if name not in package.namelist():
        return
    if package.getinfo(name).file_size > size or sum(one.count(b"<") for one in raw(package, name)) > tags:
        raise _too_large(what)


def _broken(what: str, line: int | None = None) -> Unreadable:
    advice = "Open it, save it again as .xlsx, or save the sheet as CSV (UTF-8)."
    return Unreadable("broken_workbook", f"{what} {advice}", line)


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
