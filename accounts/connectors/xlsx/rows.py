"""The rows of one sheet, streaming: at most one piece of XML and one row are held."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from accounts.connectors.records import Unreadable
from accounts.connectors.xlsx.cells import CELL_LIMIT, Strings, Styles, number, unescaped
from accounts.connectors.xlsx.package import Package, local, xml_parser

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
MERGES = 100_000  # on a sheet
AT_ONCE = 200  # that reach over one row
_MERGED = re.compile(
    rb"""<(?:\w+:)?mergeCell\s[^<>]*?ref\s*=\s*["']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?[A-Z]{1,3}\$?(\d{1,7})["']"""
)
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
_WIDE = (b"\xff\xfe", b"\xfe\xff")

Cells = dict[int, str]  # column, from 0 -> text; empty cells are left out


@dataclass(slots=True)
class _Merge:
    """One cell that stands over several rows: on screen each of them has its value."""

    column: int
    first: int
    last: int
    value: str = ""


def rows(
    package: Package, part: str, strings: Strings, styles: Styles, is_1904: bool
) -> Iterator[tuple[int, Cells]]:
    """Number and cells of every row that has any; a cell merged over rows counts for each of them."""
    sheet = _Sheet(strings, styles, is_1904)
    waiting = sorted(_merges(package, part), key=lambda merge: -merge.first)
    active: list[_Merge] = []
    for _ in package.pieces(part, sheet.parser):
        for row, cells in sheet.taken():
            if waiting or active:
                while waiting and waiting[-1].first <= row:
                    active.append(waiting.pop())
                active = [merge for merge in active if merge.last >= row]
                if len(active) > AT_ONCE:
                    raise _too_many(AT_ONCE)
                _fill(row, cells, active)
            yield row, cells


def _fill(row: int, cells: Cells, active: list[_Merge]) -> None:
    own = bool(cells)
    for merge in active:
        if row == merge.first:
            merge.value = cells.get(merge.column, "")
        elif own and merge.value:
            cells.setdefault(merge.column, merge.value)


def _merges(package: Package, part: str) -> list[_Merge]:
    """Cells merged over rows. They are listed below all rows, so the part is passed over once before."""
    found: list[_Merge] = []
    rest = b""
    for piece in package.raw(part):
        if not rest and piece.startswith(_WIDE):
            raise Unreadable(
                "broken_workbook", "The sheet is written in UTF-16, which Excel never does. Save it again."
            )
        held = rest + piece
        end = 0
        if b"mergeCell" in held:
            for one in _MERGED.finditer(held):
                end = one.end()
                first, last = int(one[2]), int(one[3])
                if first < last <= LAST_ROW:
                    found.append(_Merge(column_of(one[1].decode()), first, last))
        rest = held[max(end, len(held) - 300) :]
        if len(found) > MERGES:
            raise _too_many(MERGES)
    return found


def _too_many(limit: int) -> Unreadable:
    return Unreadable(
        "too_large",
        f"The sheet has more than {limit:,} merged cells. Take the merging away, so that every row says all "
        "of itself.",
    )


class _Sheet:
    """What the parser of a sheet calls back; rows wait until they are taken."""

    def __init__(self, strings: Strings, styles: Styles, is_1904: bool) -> None:
        self._strings, self._styles, self._is_1904 = strings, styles, is_1904
        self._rows: list[tuple[int, Cells]] = []
        self._cells: Cells = {}
        self._row, self._column = 0, -1
        self._kind, self._style = "n", ""
        self._value: list[str] | None = None
        self._size = 0
        self._is_computed = self._is_aid = False
        self.parser = xml_parser()
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end

    def taken(self) -> list[tuple[int, Cells]]:
        """The rows since the last time."""
        taken, self._rows = self._rows, []
        return taken

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "t"):
            if not self._is_aid:
                if self._value is None:
                    self._value = []
                self.parser.CharacterDataHandler = self._data
        elif name == "f":
            self._is_computed = True
        elif name == "row":
            self._begin_row(attributes.get("r"))
        elif name == "rPh":
            self._is_aid = True

    def _end(self, tag: str) -> None:
        name = local(tag)
        if name in ("v", "t"):
            self.parser.CharacterDataHandler = None
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._rows.append((self._row, self._cells))
        elif name == "rPh":
            self._is_aid = False

    def _data(self, piece: str) -> None:
        if self._value is not None:
            self._value.append(piece)
            self._size += len(piece)
            if self._size > CELL_LIMIT:
                raise Unreadable(
                    "row_too_long",
                    f"A cell in row {self._row} is longer than {CELL_LIMIT:,} characters. Check that this is "
                    "the table you meant.",
                    self._row,
                )

    def _begin_row(self, said: str | None) -> None:
        row = int(said) if said is not None else self._row + 1
        if row <= self._row or row > LAST_ROW:
            raise Unreadable(
                "broken_workbook",
                f"The rows are out of order after row {self._row:,}. Open the workbook and save it again.",
                max(self._row, 1),
            )
        self._row, self._column, self._cells = row, -1, {}

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        said = attributes.get("r")
        if said is None:
            self._column += 1
        else:
            found = _REFERENCE.fullmatch(said)
            self._column = column_of(found[1]) if found else LAST_COLUMN
        if self._column >= LAST_COLUMN:
            raise Unreadable(
                "broken_workbook",
                f"A cell in row {self._row} is outside every sheet. Open the workbook and save it again.",
                max(self._row, 1),
            )
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._value, self._size, self._is_computed = None, 0, False

    def _end_cell(self) -> None:
        if self._value is None:
            if self._is_computed:
                raise Unreadable(
                    "formula_without_value",
                    f"A formula in row {self._row} was never computed: the file holds no value for it. Open "
                    "the workbook in a spreadsheet programme, save it, and send that.",
                    self._row,
                )
            return
        said = "".join(self._value)
        if text := self._text(said):
            self._refuse_nul(text)
            self._cells[self._column] = text

    def _text(self, said: str) -> str:
        match self._kind:
            case "s":
                return self._strings[int(said)]
            case "n":
                return number(said.strip(), self._style, self._styles, self._is_1904) if said.strip() else ""
            case "b":
                return "true" if said.strip() not in ("0", "false") else "false"
            case _:  # str, inlineStr, d (ISO 8601) and e, an error such as #N/A: as they stand there
                return unescaped(said)

    def _refuse_nul(self, text: str) -> None:
        if "\0" in text:
            raise Unreadable(
                "nul", f"A cell in row {self._row} holds a NUL character. Take it out.", self._row
            )


@lru_cache(maxsize=20_000)
def column_of(letters: str) -> int:
    """`A` is 0, `XFD` is 16,383."""
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1
