"""Excel workbooks (.xlsx, ECMA-376) as the lines of the CSV that one sheet of them is.

The first visible sheet is read, or the one that the option “sheet” names. Row 7 there is line 7 here. Of a
formula its value counts; hidden rows and columns count like any other. What lies to the right of the header
and on other sheets is left out, and told. openpyxl reads; `package` says what it is never given.
"""

import codecs
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple, cast

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.escape import unescape
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.xml.constants import ARC_CONTENT_TYPES, ARC_STYLE, ARC_WORKBOOK, SHARED_STRINGS, XLSX, XLTX

from accounts.connectors.connector import Cut
from accounts.connectors.records import Unreadable
from accounts.connectors.text import LINE_LIMIT, Readable
from accounts.connectors.xlsx import package
from accounts.connectors.xlsx.package import LAST_ROW, Merge, told
from accounts.connectors.xlsx.texts import first_texts

HEAD = 64 * 1024  # characters that are enough to tell what a table is
IN_MEMORY = 64 << 20  # bytes of a workbook that can't be read back and forth where it is
LAST_COLUMN = 16_384
MOST_ROWS = 500_000  # what is held for each row adds up; a CSV file may have any number
AT_ONCE = 200  # merged cells that reach over one row
_PIECE = 64 * 1024
_ZIP, _OLE = (b"PK\x03\x04", b"PK\x05\x06"), b"\xd0\xcf\x11\xe0"
_SPECIAL = re.compile(r'[,;\t|"]')
_TOTAL = re.compile(r"#\s*(?:control[ _-]?)?total\b", re.IGNORECASE)
_VALUE = re.compile(rb"</(?:\w+:)?(?:v|is)>")
_ZEROS = re.compile(r"0{2,32}")  # a number format such as 00000, for personnel number 00042
_NO_DATE = "#VALUE!"  # what openpyxl says, too, of a day that no calendar has
_FOREIGN = {
    "binary": ("not_text", "This is a binary Microsoft Office workbook (.xlsb). Save it as .xlsx or CSV."),
    "macroenabled": ("macros", "The workbook holds macros (.xlsm). Save it without them, as .xlsx or CSV."),
}
# Its warnings quote cells, and a log is no place for those.
warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")

Cells = dict[int, str]  # column, from 0 -> text; empty cells are left out


class _Tab(NamedTuple):
    """One sheet as the workbook lists it."""

    name: str
    part: str
    is_hidden: bool


class _Sheet(ReadOnlyWorksheet):
    """The sheet alone; what it says of its size may be wrong, so it is not asked."""

    def _get_size(self) -> None:
        self.reset_dimensions()


class Sheet:
    """One sheet as lines of CSV. Once its header is known, `width` says how many cells a row has."""

    def __init__(self, file: BinaryIO, wanted: str | None = None, *, is_glance: bool = False) -> None:
        """`is_glance`: only its first rows will be read, and what comes after them is not looked at."""
        self.width = 0
        self._beyond: Counter[int] = Counter()  # cells to the right of the header, by column
        self._zip = package.archive(file)
        file.seek(0)
        with told():
            reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
            _open(reader, self._zip, is_glance=is_glance)
            self._tabs = _tabs_of(reader)
            self._tab = _chosen(self._tabs, wanted)
            self._merges = [] if is_glance else package.looked_over(self._zip, self._tab.part)
            package.bound(self._zip, package.relations_of(self._tab.part))
            self._sheet: Any = _Sheet(reader.wb, self._tab.name, self._tab.part, reader.shared_strings)

    def __iter__(self) -> Iterator[str]:
        """A line for every row; rows without a value wait until one with a value follows."""
        line = 0
        for row, cells in _merged(self._rows(), self._merges):
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

    def _rows(self) -> Iterator[tuple[int, Cells]]:
        """Number and cells of every row."""
        held = 0
        with told():
            for row, cells in enumerate(self._sheet.iter_rows(min_row=1, min_col=1), 1):
                if row > LAST_ROW or len(cells) > LAST_COLUMN:
                    raise Unreadable(
                        "broken_workbook",
                        f"A cell in row {row} is outside every sheet. Open the workbook and save it again.",
                        row,
                    )
                held += bool(cells)
                if held > MOST_ROWS:
                    raise Unreadable(
                        "too_large",
                        f"The sheet has more than {MOST_ROWS:,} rows. Save it as CSV (UTF-8), which may have "
                        "any number.",
                        row,
                    )
                yield row, {place: text for place, cell in enumerate(cells) if (text := _shown(cell))}

    def _values_on(self, tab: _Tab) -> int:
        count, rest = 0, b""
        for piece in package.raw(self._zip, tab.part):
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
            for line in Sheet(file, wanted, is_glance=True):
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
    while data := stream.read(_PIECE):
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
            return package.encrypted()
        rest = held[-len(sign) :]
        data = stream.read(_PIECE)
        held = rest + data if data else b""
    return Unreadable(
        "not_text",
        "This is an old Microsoft Office document (.xls). Open it and save it as .xlsx, or save the table as "
        "CSV (UTF-8).",
        1,
    )


def _open(reader: ExcelReader, parts: zipfile.ZipFile, *, is_glance: bool) -> None:
    """Read what the sheets need (texts, the list of sheets, styles), each part after it was bound.

    `openpyxl.load_workbook` would read more: charts, properties, themes, names, and every sheet's size.
    """
    book, kinds = "", {}
    if ARC_CONTENT_TYPES in parts.namelist():
        package.bound(parts, ARC_CONTENT_TYPES)
        reader.read_manifest()
        kinds = {part.ContentType: part.PartName[1:] for part in reversed(reader.package.Override)}
        _refuse_foreign(kinds, parts)
        is_default = any(kind.ContentType in (XLSX, XLTX) for kind in reader.package.Default)
        book = kinds.get(XLTX) or kinds.get(XLSX) or (ARC_WORKBOOK if is_default else "")
    if book not in parts.namelist():
        raise Unreadable(
            "not_text",
            f"This is {package.what_else(parts)}, not an Excel workbook (.xlsx). Unpack it, or save the "
            "table as .xlsx or CSV (UTF-8).",
            1,
        )
    package.bound(parts, book, package.relations_of(book), ARC_STYLE)
    if b"http://purl.oclc.org/ooxml/spreadsheetml" in parts.read(book):
        raise Unreadable(
            "strict_workbook",
            "The workbook is a “Strict Open XML Spreadsheet”, which is not read. Save it as “Excel Workbook "
            "(.xlsx)” or as CSV (UTF-8).",
            1,
        )
    texts = kinds.get(SHARED_STRINGS, "")
    if is_glance and texts in parts.namelist():
        reader.shared_strings = first_texts(parts, texts)
    else:
        package.bound_strings(parts, texts)
        reader.read_strings()
    reader.read_workbook()
    apply_stylesheet(reader.archive, reader.wb)


def _refuse_foreign(kinds: Iterable[str], parts: zipfile.ZipFile) -> None:
    said = " ".join(kind for kind in kinds if kind.endswith(("main+xml", ".main"))).casefold()
    if any(name.casefold().endswith("vbaproject.bin") for name in parts.namelist()):
        said += " macroenabled"
    for sign, (code, words) in _FOREIGN.items():
        if sign in said:
            raise Unreadable(code, words, 1)


def _tabs_of(reader: ExcelReader) -> list[_Tab]:
    """The sheets in their order, charts left out."""
    return [
        _Tab(listed.name or "", relation.target, listed.state not in (None, "visible"))
        for listed, relation in reader.parser.find_sheets()
        if relation.Type.endswith("/worksheet") and relation.target in reader.valid_files
    ]


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


def _merged(rows: Iterator[tuple[int, Cells]], merges: list[Merge]) -> Iterator[tuple[int, Cells]]:
    """The rows, in which a cell merged over several counts for each of them that has any cell."""
    waiting = sorted(merges, key=lambda merge: -merge.first)
    active: list[Merge] = []
    for row, cells in rows:
        if waiting or active:
            while waiting and waiting[-1].first <= row:
                active.append(waiting.pop())
            active = [merge for merge in active if merge.last >= row]
            if len(active) > AT_ONCE:
                raise package.too_many_merges(AT_ONCE)
            own = bool(cells)
            for merge in active:
                if row == merge.first:
                    merge.value = cells.get(merge.column, "")
                elif own and merge.value:
                    cells.setdefault(merge.column, merge.value)
        yield row, cells


def _shown(cell: Any) -> str:
    """A cell as people see it there: a day, a moment, a number with its leading zeros; never `7.0`."""
    match cell.value:
        case None:
            return ""
        case str(words):
            return _one_line(words, cell.row)
        case bool(answer):
            return "true" if answer else "false"
        case int() | float() as number:
            plain = _plain(number)
            return plain.zfill(len(code)) if _ZEROS.fullmatch(code := cell.number_format) else plain
        case timedelta() as span:
            return _plain(span / timedelta(days=1))
        case date() | time() as at:
            return _moment(at)
        case other:
            return str(other)


def _moment(at: date | time) -> str:
    """ISO 8601; of a day at midnight the day alone."""
    if isinstance(at, datetime):
        if at.year < 1900:
            return _NO_DATE  # it was a negative number
        if at.time() == time.min:
            return at.date().isoformat()
    return at.isoformat()


def _plain(number: float) -> str:
    if isinstance(number, int):
        return str(number)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _one_line(said: str, row: int) -> str:
    """`_x000D_` is how XML writes a character that it can't hold; line ends become spaces.

    So row 7 of the sheet is line 7 of what is kept.
    """
    if "_x" in said:
        said = unescape(said).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if "\0" in said:
            raise Unreadable("nul", f"A cell in row {row} holds a NUL character. Take it out.", row)
    if "\n" in said or "\r" in said:
        said = " ".join(said.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()
    return said
