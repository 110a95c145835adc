"""CSV as rows with line numbers: comma, semicolon, tab or bar, quoted line breaks, remarks. And workbooks.

Remarks are lines that start with `#`. Five of them mean something, above the header or (the total) at the
end: `# system: CORE`, `# taken: 2026-10-06T08:00:00Z`, `# total: 412` (data rows), `# complete: yes`,
`# covers: account, grant`. `sep=;` as the first line, as Excel writes it, names the delimiter.
A sheet of an Excel workbook (`xlsx`) is the CSV it could be saved as.
"""

import csv
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from itertools import chain
from typing import BinaryIO, NamedTuple

from accounts.connectors import text, xlsx
from accounts.connectors.connector import Cut
from accounts.connectors.records import Rejected, Unreadable
from accounts.connectors.secret_names import normal

DELIMITERS = (",", ";", "\t", "|")
TAIL = 4096  # bytes in which a remark at the end stands
WITHHELD = "withheld"  # admission writes this remark in place of a row it could not cut
_REMARK = re.compile(
    r"#\s*(?P<key>system|taken|(?:control[ _-]?)?total|complete|covers|withheld)"
    r"\s*[:=,;\t|]\s*(?P<value>[^\r\n]*)",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"#\s*[A-Za-z][^,;\t|]*[,;\t|\s]*")
_GROUPED = re.compile(r"\d{1,3}(?:[.,' ]\d{3}){1,3}")  # 1,234
_EXCEL = re.compile(r"sep=(?P<delimiter>[,;\t|])\s*", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"?')
_OTHER_FORMATS = (("{", "JSON"), ("[", "JSON"), ("<", "XML or HTML"), ("dn:", "LDIF"), ("version: 1", "LDIF"))


class Row(NamedTuple):
    """One logical row; `cells` is empty for blank lines and remarks."""

    line: int  # where it starts
    cells: list[str]
    raw: str
    remark: tuple[str, str] | None = None

    @property
    def counts(self) -> bool:
        """Part of the total: a row with cells, also one that was withheld."""
        return bool(self.cells) or self.is_withheld

    @property
    def is_withheld(self) -> bool:
        """Admission could not cut this row, and left its number of cells only."""
        return self.remark is not None and self.remark[0] == WITHHELD

    @property
    def excerpt(self) -> str:
        """What a rejection shows of it."""
        return self.raw.strip()[:200]


class Table:
    """A CSV file or a workbook opened up to its header; iterating yields every row below it, once.

    `encoding` is of a CSV, `sheet` of a workbook.
    """

    def __init__(self, stream: text.Readable, encoding: str | None = None, sheet: str | None = None) -> None:
        begin = stream.read(text.CHUNK)
        self._sheet = xlsx.opened(stream, begin, sheet) if xlsx.is_workbook(begin) else None
        self._tape = _Tape(iter(self._sheet or text.lines(_Begun(begin, stream), encoding)))
        self.remarks: dict[str, str] = {}
        self.preface: list[Row] = []
        self.delimiter = ""
        head = self._skip_preface()
        self.delimiter = self.delimiter or delimiter_of(head)
        self._reader = csv.reader(chain([head], self._tape), delimiter=self.delimiter, strict=True)
        header = self._next()
        if header is None or not any(cell.strip() for cell in header.cells):
            raise Unreadable(
                "no_header", "The file has no header row. The first row must name the columns.", 1
            )
        self.header = header
        if self._sheet is not None:
            self._sheet.width = len(header.cells)
        self.columns = tuple(cell.strip() for cell in header.cells)
        self._refuse_twins()
        self._ahead = self._first_rows()

    def __iter__(self) -> Iterator[Row]:
        yield from self._ahead
        while (row := self._next()) is not None:
            yield row

    @property
    def total(self) -> int | None:
        """The control total read so far: known when it stood above the header, or after the last row."""
        said = self.remarks.get("total", "")
        if _GROUPED.fullmatch(said):
            return int(re.sub(r"\D", "", said))
        found = re.match(r"\D*(\d{1,12})\b", said)
        return int(found[1]) if found else None

    def left_out(self) -> tuple[Cut, ...]:
        """What the file holds beside this table, once it is read to its end."""
        return self._sheet.left_out() if self._sheet is not None else ()

    @property
    def last_line(self) -> int:
        """The number of the last line read."""
        return self._tape.line

    def _skip_preface(self) -> str:
        for line in self._tape:
            if excel := _EXCEL.fullmatch(line):
                self.delimiter = excel["delimiter"]
            elif (remark := _remark(line)) is not None:
                self.remarks.setdefault(*remark)
            elif line.strip() and not _COMMENT.fullmatch(line):
                _refuse_other_format(line)
                return line
            number, raw = self._tape.row()
            self.preface.append(Row(number, [], raw, _remark(raw)))
        raise Unreadable("empty", "The file holds no row. Export it again.", 1)

    def _first_rows(self) -> list[Row]:
        """Rows up to the first with cells: a file without any would say that everything is gone."""
        rows: list[Row] = []
        while (row := self._next()) is not None:
            rows.append(row)
            if row.counts:
                return rows
        raise Unreadable(
            "no_rows",
            "The file has a header and no rows. If it is meant to be empty, end the records one by one; an "
            "empty file proves nothing.",
            self.header.line,
        )

    def _next(self) -> Row | None:
        try:
            cells = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as error:
            raise _broken(self._tape.started, str(error)) from None
        line, raw = self._tape.row()
        if raw.startswith("#") and (remark := _remark(raw)) is not None and remark[0] in ("total", WITHHELD):
            self.remarks.setdefault(*remark)
            return Row(line, [], raw, remark)
        return Row(line, cells if any(cells) and (len(cells) > 1 or cells[0].strip()) else [], raw)

    def _refuse_twins(self) -> None:
        seen: dict[str, int] = {}
        for number, name in enumerate(self.columns, 1):
            if name and (first := seen.setdefault(name.casefold(), number)) != number:
                raise Unreadable(
                    "duplicate_column",
                    f"Columns {first} and {number} have the same name. Rename one of them, so that it is "
                    "clear which is meant.",
                    self.header.line,
                )


def survey(stream: BinaryIO, kind_of: Callable[[list[str]], str] | None = None) -> "Survey | None":
    """Count the rows of an admitted file and find its total; None if it can't be read twice."""
    if not stream.seekable():
        return None
    start = stream.tell()
    table = Table(stream)
    rows, kinds = 0, set()
    for row in table:
        if row.cells:
            rows += 1
            if kind_of is not None and fits(row, table.columns):
                kinds.add(kind_of(row.cells))
        else:
            rows += row.is_withheld
    stream.seek(start)
    return Survey(rows, table.total, frozenset(kinds))


def ends_with_remark(stream: BinaryIO) -> bool:
    """Whether the last lines hold a remark, such as a total, that a reader should know from the start."""
    stream.seek(max(stream.seek(0, os.SEEK_END) - TAIL, 0))
    return any(line.lstrip(b'"').startswith(b"#") for line in stream.read(TAIL).splitlines())


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a table found."""

    rows: int
    total: int | None
    kinds: frozenset[str]


def ragged(row: Row, columns: tuple[str, ...]) -> Rejected | None:
    """A row whose cells don't match the header can't be told apart, so it is refused as a whole."""
    if row.remark is not None and row.is_withheld:
        return Rejected(
            row.line,
            "ragged_row",
            f"The row had another number of cells than the header ({row.remark[1][:60]}). It was not kept, "
            "because a secret may have moved into another column. Quote cells that hold the delimiter.",
        )
    if row.cells and not fits(row, columns):
        return Rejected(
            row.line,
            "ragged_row",
            f"The row has {len(row.cells)} cells, the header {len(columns)}. Quote cells that hold the "
            "delimiter.",
            row.excerpt,
        )
    return None


def is_comment(row: Row) -> bool:
    """A line above the header that means nothing here; it may say anything, so it is not kept."""
    return row.remark is None and bool(row.raw.strip()) and _EXCEL.fullmatch(row.raw) is None


def fits(row: Row, columns: tuple[str, ...]) -> bool:
    """As many cells as columns; empty ones too many are forgiven, and cut off."""
    while len(row.cells) > len(columns) and not row.cells[-1].strip():
        row.cells.pop()
    return len(row.cells) == len(columns)


def taken_at(table: Table) -> datetime | None:
    """When the file says it was read at the source; anything but an ISO moment with its zone is unknown."""
    try:
        at = datetime.fromisoformat(table.remarks.get("taken", ""))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None


def beginning(head: bytes, encoding: str | None = None) -> Table | None:
    """The table in the beginning of a file, for a mapping form; never to be stored. None if it is none."""
    if xlsx.is_workbook(head):
        head, encoding = xlsx.first_lines(head), None
    begin = text.beginning(head, encoding)
    try:
        # A row of our own below it, because the beginning may end with the header.
        return None if begin is None else Table(BytesIO((begin + "\nrow\n").encode()))
    except Unreadable:
        return None


def header_columns(head: bytes, encoding: str | None = None) -> tuple[str, ...]:
    """The column names in the beginning of a file."""
    table = beginning(head, encoding)
    return () if table is None else table.columns


def header_words(head: bytes) -> frozenset[str]:
    """The column names in the beginning of a file, in normal form; none if it is no table."""
    return frozenset(filter(None, map(normal, header_columns(head))))


def wrong_total(table: Table, rows: int) -> Rejected | None:
    """The last record of a file whose own total differs from what was read: it is cut off or was edited."""
    if table.total is None or table.total == rows:
        return None
    return Rejected(
        table.last_line,
        "control_total_differs",
        f"The file says it holds {table.total} rows and {rows} were read. It is cut off or was changed: "
        "export it again. Nothing that is missing here counts as gone.",
    )


def is_complete(table: Table, mapping_says: str | None, found: Survey | None) -> tuple[bool, tuple[str, ...]]:
    """Whether the file may prove absence: somebody said that it is complete, and its total agrees."""
    said = (mapping_says or table.remarks.get("complete", "")).strip().casefold()
    if said not in ("yes", "true", "ja", "1"):
        return False, (
            "Nothing says that this file lists everything, so what is missing in it does not count as gone.",
        )
    if found is not None and found.total is not None and found.total != found.rows:
        return False, (
            f"The file says it holds {found.total} rows and holds {found.rows}: it proves no absence.",
        )
    return True, ()


def delimiter_of(head: str) -> str:
    """The delimiter that occurs most in the header outside quotes; a comma if there is none."""
    bare = _QUOTED.sub("", head)
    return max(DELIMITERS, key=lambda one: (bare.count(one), one == ","))


class _Begun:
    """A stream of which the beginning was read already."""

    def __init__(self, begin: bytes, rest: text.Readable) -> None:
        self._begin, self._rest = begin, rest

    def read(self, size: int, /) -> bytes:
        if self._begin:
            data, self._begin = self._begin[:size], self._begin[size:]
            return data
        return self._rest.read(size)


class _Tape:
    """Hands lines to the csv module and remembers what one row consumed; a row has the limit of a line."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._before = 0  # lines before the current row
        self._size = 0
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        taken = self.taken
        for line in self._lines:
            taken.append(line)
            if len(taken) > 1:
                self._size = (self._size or len(taken[0])) + len(line)
                if self._size > text.LINE_LIMIT:
                    raise self._too_long()
            yield line

    @property
    def line(self) -> int:
        return self._before + len(self.taken)

    @property
    def started(self) -> int:
        return self._before + bool(self.taken)

    def row(self) -> tuple[int, str]:
        """The line the current row started on and its text; the next row begins after it."""
        taken = self.taken
        line = self.started
        raw = taken[0] if len(taken) == 1 else "".join(taken)
        self._before += len(taken)
        self._size = 0
        taken.clear()
        return line, raw

    def _too_long(self) -> Unreadable:
        return Unreadable(
            "row_too_long",
            f"The row that starts in line {self.started} is longer than {text.LINE_LIMIT:,} characters. "
            "A quote that is never closed swallows the rows below it: close it.",
            self.started,
        )


def _remark(line: str) -> tuple[str, str] | None:
    found = _REMARK.match(line)
    if found is None:
        return None
    key = found["key"].casefold()
    return ("total" if key.endswith("total") else key), found["value"].strip(" \t,;|")


def _broken(line: int, why: str) -> Unreadable:
    if "field limit" in why:
        return Unreadable(
            "row_too_long",
            f"A cell of the row in line {line} is longer than {csv.field_size_limit():,} characters. Check "
            "that the file is the export you meant, and that every quote is closed.",
            line,
        )
    return Unreadable(
        "broken_csv",
        f"The row that starts in line {line} is no valid CSV: a quote is not closed, or text "
        'follows one. Write a quote inside a cell twice ("").',
        line,
    )


def _refuse_other_format(line: str) -> None:
    begin = line.lstrip()[:20].casefold()
    for sign, name in _OTHER_FORMATS:
        if begin.startswith(sign):
            raise Unreadable(
                "not_csv", f"This looks like {name}, not like CSV. Choose the format that it is.", 1
            )
