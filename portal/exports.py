"""Rows as a file, written while they are read: whatever their number, nothing is held whole.

Text from outside can't run in a spreadsheet (`portal.cells`). A workbook has a sheet for each million rows,
because a sheet holds no more; it grows in a file on disk and leaves from there.

Who has to know what left (the log) hands over `tell`: it is called once, before the last piece leaves, or
when whoever asked went away in the middle. Where it fails, the file does not end, and nobody takes it whole.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from openpyxl import Workbook

from portal import cells

Rows = Iterable[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Exported:
    """What left: how many rows were read for it, the digest of its bytes, and whether that was all."""

    rows: int
    sha256: str
    is_whole: bool


Tell = Callable[[Exported], object]
LINES_AT_ONCE = 500
ROWS_A_SHEET = 1_000_000
PIECE = 1 << 16
# What XML 1.0 can't hold (2.2 Char); a cell with it would make the workbook unreadable.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def rows_as_csv(
    columns: Sequence[str], rows: Rows, *, name: str = "rows", tell: Tell | None = None
) -> StreamingHttpResponse:
    """CSV (RFC 4180) in UTF-8, the header first."""
    counted = _Counted(rows)
    lines = cells.rows(columns, counted)

    def pieces() -> Iterator[bytes]:
        while batch := list(islice(lines, LINES_AT_ONCE)):
            yield "".join(batch).encode()

    return _answer(_told(pieces(), counted, tell), "text/csv; charset=utf-8", f"{name}.csv")


def rows_as_xlsx(
    columns: Sequence[str], rows: Rows, *, name: str = "rows", tell: Tell | None = None
) -> StreamingHttpResponse:
    """A workbook (ISO/IEC 29500), the header on top of each sheet."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    counted = _Counted(rows)
    return _answer(_told(_workbook(columns, counted), counted, tell), kind, f"{name}.xlsx")


FORMATS: dict[str, Callable[..., StreamingHttpResponse]] = {"csv": rows_as_csv, "xlsx": rows_as_xlsx}


def write(
    form: str, name: str, columns: Sequence[str], rows: Rows, *, tell: Tell | None = None
) -> StreamingHttpResponse:
    """The rows as a file of the form `csv` or `xlsx` called `name`."""
    return FORMATS[form](columns, rows, name=name, tell=tell)


class _Counted:
    """Rows, and how many of them were read."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.number = rows, 0

    def __iter__(self) -> Iterator[Sequence[object]]:
        for values in self.rows:
            self.number += 1
            yield values


def _told(pieces: Iterator[bytes], counted: _Counted, tell: Tell | None) -> Iterator[bytes]:
    """The same pieces, each a step late, so that the last one leaves only after it was told."""
    if tell is None:
        yield from pieces
        return
    digest, waiting, is_whole = hashlib.sha256(), b"", False
    try:
        for piece in pieces:
            if waiting:
                digest.update(waiting)
                yield waiting
            waiting = piece
        digest.update(waiting)
        is_whole = True
    finally:
        tell(Exported(counted.number, digest.hexdigest(), is_whole))
    yield waiting


def _workbook(columns: Sequence[str], rows: Rows) -> Iterator[bytes]:
    book, remaining = Workbook(write_only=True), iter(rows)
    while True:
        sheet = book.create_sheet()
        sheet.append(list(columns))
        written = 0
        for values in islice(remaining, ROWS_A_SHEET):
            sheet.append([_value(value) for value in values])
            written += 1
        if written < ROWS_A_SHEET:
            break
    with tempfile.TemporaryFile() as target:
        book.save(target)
        target.seek(0)
        while piece := target.read(PIECE):
            yield piece


def _value(value: object) -> object:
    """Numbers stay numbers; all else is the text of the CSV."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return UNWRITABLE.sub("", cells.cell(value)) or None


def _answer(pieces: Iterator[bytes], kind: str, file_name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type=kind)
    response["Content-Disposition"] = content_disposition_header(True, file_name) or "attachment"
    response["Cache-Control"] = "no-store"
    return response
