"""Excel workbooks (.xlsx, ECMA-376) as the lines of the CSV that one sheet of them is.

The first visible sheet is read, or the one that the option “sheet” names. Row 7 there is line 7 here. Of a
formula its value counts; hidden rows and columns count like any other. What lies to the right of the header
and on other sheets is left out, and told. Memory holds the different texts of the workbook, not its rows.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, cast

from accounts.connectors.connector import Cut
from accounts.connectors.records import Unreadable
from accounts.connectors.text import LINE_LIMIT, Readable
from accounts.connectors.xlsx.cells import Strings, Styles
from accounts.connectors.xlsx.package import PIECE, Package, encrypted, local, told
from accounts.connectors.xlsx.rows import Cells, rows

HEAD = 64 * 1024  # characters that are enough to tell what a table is
IN_MEMORY = 64 << 20  # bytes of a workbook that can't be read back and forth where it is
_ZIP, _OLE = (b"PK\x03\x04", b"PK\x05\x06"), b"\xd0\xcf\x11\xe0"
_SPECIAL = re.compile(r'[,;\t|"]')
_TOTAL = re.compile(r"#\s*(?:control[ _-]?)?total\b", re.IGNORECASE)
_VALUE = re.compile(rb"</(?:\w+:)?(?:v|is)>")
_FOREIGN = {
    "binary": ("not_text", "This is a binary Microsoft Office workbook (.xlsb). Save it as .xlsx or CSV."),
    "macroenabled": ("macros", "The workbook holds macros (.xlsm). Save it without them, as .xlsx or CSV."),
}


@dataclass(frozen=True, slots=True)
class _Tab:
    """One sheet as the workbook lists it."""

    name: str
    part: str
    is_hidden: bool


class Sheet:
    """One sheet as lines of CSV. Once its header is known, `width` says how many cells a row has."""

    def __init__(self, file: BinaryIO, wanted: str | None = None) -> None:
        self.width = 0
        self._beyond: Counter[int] = Counter()  # cells to the right of the header, by column
        with told():
            self._package = Package(file)
            book = _workbook_of(self._package)
            relations = self._package.relations(book)
            self._tabs, self._is_1904 = _tabs_of(self._package, book, relations)
            self._tab = _chosen(self._tabs, wanted)
            by_kind = dict(relations.values())
            self._styles = Styles(self._package, by_kind.get("styles"))
            self._strings = Strings(self._package, by_kind.get("sharedStrings"))

    def __iter__(self) -> Iterator[str]:
        """A line for every row; rows without a value wait until one with a value follows."""
        line = 0
        for row, cells in rows(self._package, self._tab.part, self._strings, self._styles, self._is_1904):
            if written := self._line(cells):
                while line < row - 1:
                    line += 1
                    yield "\n"
                line = row
                if len(written) > LINE_LIMIT:
                    raise Unreadable(
                        "line_too_long",
                        f"Row {row} is longer than {LINE_LIMIT:,} characters. Check that this is the table "
                        "you meant.",
                        row,
                    )
                yield written

    def left_out(self) -> tuple[Cut, ...]:
        """What of the workbook is not part of the table: other sheets, and cells beside it."""
        beside = [
            Cut(f"column {place + 1} (it has no name)", "unmapped", count)
            for place, count in sorted(self._beyond.items())[:100]
        ]
        sheets = [
            Cut(f"{'hidden ' * tab.is_hidden}sheet “{tab.name[:100]}”", "unmapped", self._values_on(tab))
            for tab in self._tabs
            if tab is not self._tab
        ]
        return (*beside, *sheets)

    def _values_on(self, tab: _Tab) -> int:
        if tab.part not in self._package:
            return 0
        count, rest = 0, b""
        for piece in self._package.raw(tab.part):
            held = rest + piece
            cut = held.rfind(b"<") if b"<" in held else 0
            count += len(_VALUE.findall(held, 0, cut))
            rest = held[cut:][:100]
        return count

    def _line(self, cells: Cells) -> str:
        """A row with its line end; empty for one that has no value."""
        if not cells:
            return ""
        first = cells.get(0, "")
        if first.startswith("#") and len(cells) == 1 and (not self.width or _TOTAL.match(first)):
            return f"{first}\n"  # a remark, which has no cells
        width = self.width or max(cells) + 1
        if max(cells) >= width:
            self._beyond.update(place for place in cells if place >= width)
        line = ",".join(_quoted(cells.get(place, "")) for place in range(width))
        return f"{line}\n" if line.strip(",") else ""


def is_workbook(head: bytes) -> bool:
    """Whether a file begins like a workbook, this kind or an older one."""
    return head.startswith((*_ZIP, _OLE))


def opened(stream: Readable, begin: bytes, wanted: str | None = None) -> Sheet:
    """The sheet of a stream that begins with `begin`, which was read from it already."""
    if begin.startswith(_OLE):
        raise _old(stream, begin)
    return Sheet(_back_and_forth(stream, begin), wanted)


def beginning(file: BinaryIO, wanted: str | None = None) -> bytes:
    """The first bytes of a file (of a workbook, of its sheet as CSV), which is at its start again."""
    head = file.read(HEAD)
    try:
        if head.startswith(_ZIP):
            parts, size = [], 0
            for line in Sheet(file, wanted):
                parts.append(line)
                size += len(line)
                if size > HEAD:
                    break
            return codecs.BOM_UTF8 + "".join(parts).encode()  # whatever encoding somebody named for it
    except Unreadable:
        return head
    finally:
        file.seek(0)
    return head


def first_lines(head: bytes) -> bytes:
    """The same of a whole small file."""
    return beginning(BytesIO(head))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell


def _back_and_forth(stream: Readable, begin: bytes) -> BinaryIO:
    """The file itself where it can be sought, else a copy in memory."""
    if callable(rewound := getattr(stream, "rewound", None)):
        if (file := rewound()) is not None:
            return cast(BinaryIO, file)
    elif (seekable := getattr(stream, "seekable", None)) is not None and seekable():
        return cast(BinaryIO, stream)
    held = BytesIO(begin)
    held.seek(0, 2)
    while data := stream.read(PIECE):
        held.write(data)
        if held.tell() > IN_MEMORY:
            raise Unreadable(
                "too_large",
                f"The workbook is larger than {IN_MEMORY >> 20} MiB. Save the sheet as CSV (UTF-8).",
            )
    return held


def _old(stream: Readable, begin: bytes) -> Unreadable:
    """The older container holds .xls, and .xlsx behind a password."""
    sign = "EncryptedPackage".encode("utf-16-le")
    held = begin
    while held:
        if sign in held:
            return encrypted()
        rest = held[-len(sign) :]
        data = stream.read(PIECE)
        held = rest + data if data else b""
    return Unreadable(
        "not_text",
        "This is an old Microsoft Office document (.xls). Open it and save it as .xlsx, or save the table as "
        "CSV (UTF-8).",
        1,
    )


def _workbook_of(package: Package) -> str:
    """The name of the part that lists the sheets."""
    types: dict[str, str] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if local(tag) == "Override":
            types[attributes.get("PartName", "").lstrip("/").casefold()] = attributes.get("ContentType", "")

    if "[Content_Types].xml" in package:
        package.parse("[Content_Types].xml", start)
    book = next((part for kind, part in package.relations("").values() if kind == "officeDocument"), "")
    kind = types.get(book.casefold(), "").casefold()
    if any(name.endswith("vbaproject.bin") for name in package.names):
        kind += "macroenabled"
    for sign, (code, words) in _FOREIGN.items():
        if sign in kind:
            raise Unreadable(code, words, 1)
    if book not in package or "spreadsheetml" not in kind:
        raise Unreadable(
            "not_text",
            f"This is {package.what_else()}, not an Excel workbook (.xlsx). Unpack it, or save the table as "
            ".xlsx or CSV (UTF-8).",
            1,
        )
    return book


def _tabs_of(package: Package, book: str, relations: dict[str, tuple[str, str]]) -> tuple[list[_Tab], bool]:
    """The sheets in their order, charts left out, and whether days count from 1904."""
    tabs: list[_Tab] = []
    is_1904 = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal is_1904
        name = local(tag)
        if name == "workbookPr":
            is_1904 = attributes.get("date1904", "0").casefold() in ("1", "true", "on")
        elif name == "sheet":
            by = next((value for key, value in attributes.items() if key.endswith(" id")), "")
            kind, part = relations.get(by, ("", ""))
            if kind == "worksheet" and part in package:
                hidden = attributes.get("state", "visible") != "visible"
                tabs.append(_Tab(attributes.get("name", ""), part, hidden))

    package.parse(book, start)
    return tabs, is_1904


def _chosen(tabs: list[_Tab], wanted: str | None) -> _Tab:
    if wanted is None:
        visible = [tab for tab in tabs if not tab.is_hidden]
        if found := (visible or tabs)[:1]:
            return found[0]
        raise Unreadable("empty", "The workbook has no sheet with rows. Export it again.", 1)
    for fold in (str, lambda name: name.strip().casefold()):
        for tab in tabs:
            if fold(tab.name) == fold(wanted):
                return tab
    there = ", ".join(f"“{tab.name[:40]}”" for tab in tabs[:20] if not tab.is_hidden) or "none"
    raise Unreadable(
        "sheet_missing",
        f"The workbook has no sheet “{wanted[:40]}”. There are: {there}. Correct the option “sheet” or the "
        "workbook.",
    )
