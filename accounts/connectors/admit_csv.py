"""Cutting secrets out of a table: whole columns by name, single cells by what stands in them.

A row that needs no cut is written as it came; lines keep their numbers.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Literal

from accounts.connectors.connector import Cut, CutKind, Kept, Sink
from accounts.connectors.secret_names import is_secret_name
from accounts.connectors.secret_values import holds_secret
from accounts.connectors.tables import WITHHELD, Row, Table, fits, is_comment

BATCH = 64 * 1024  # characters handed to the sink at once
ROWS = 200  # looked through at once


def admit_table(table: Table, sink: Sink, mapped: Iterable[int] | None = None) -> Kept:
    """Write the table without secret columns and, where `mapped` is given, without the columns not in it."""
    kept_places = None if mapped is None else set(mapped)
    cutter = _Cutter(table, kept_places)
    out = _Batches(sink)
    rows = 0
    for row in table.preface:
        out.write(cutter.preface(row))
    out.write(cutter.header())
    remaining = iter(table)
    while batch := list(islice(remaining, ROWS)):
        rows += sum(row.counts for row in batch)
        out.write("".join(cutter.rows(batch)))
    out.flush()
    return Kept(table.last_line, (*cutter.report(), *table.left_out()), rows, table.total)


class _Cutter:
    def __init__(self, table: Table, mapped: set[int] | None) -> None:
        self._table, self._columns = table, table.columns
        self._why: dict[int, CutKind] = {}
        for place, name in enumerate(table.columns):
            if is_secret_name(name):
                self._why[place] = "secret_name"
            elif mapped is not None and place not in mapped:
                self._why[place] = "unmapped"
        self._keep = [place for place in range(len(table.columns)) if place not in self._why]
        self._counts: Counter[tuple[str, CutKind]] = Counter()
        for place, why in self._why.items():
            self._counts[self._name(place), why] = 0

    def preface(self, row: Row) -> str:
        if is_comment(row):
            self._counts["line above the header", "comment"] += 1
            return "\n"
        return row.raw

    def header(self) -> str:
        row = self._table.header
        return self._written(row, [row.cells[place] for place in self._keep]) if self._why else row.raw

    def rows(self, batch: Sequence[Row]) -> Iterable[str]:
        """Each row as it is kept. Together they are looked through faster, and secrets are rare."""
        is_clean = not holds_secret("".join([row.raw for row in batch]))
        return [self._row(row, is_clean) for row in batch]

    def _row(self, row: Row, is_clean: bool) -> str:
        if not row.cells:
            return row.raw
        if not fits(row, self._columns):
            return self._ragged(row)
        for place, why in self._why.items():
            self._counts[self._name(place), why] += bool(row.cells[place].strip())
        if not self._why and (is_clean or not holds_secret(row.raw)):
            return row.raw
        return self._written(row, [self._clean(place, row.cells[place]) for place in self._keep])

    def report(self) -> tuple[Cut, ...]:
        return tuple(Cut(name, kind, count) for (name, kind), count in self._counts.items())

    def _ragged(self, row: Row) -> str:
        """With another number of cells nobody knows which is a secret, or the middle of a private key."""
        self._counts["row with another number of cells", "ragged_row"] += 1
        return f"# {WITHHELD}: {len(row.cells)} cells, header {len(self._columns)}" + _ends(row.raw, "")

    def _clean(self, place: int, cell: str) -> str:
        if holds_secret(cell):
            self._counts[self._name(place), "secret_value"] += 1
            return ""
        return cell

    def _written(self, row: Row, cells: list[str]) -> str:
        line = self._line(cells, csv.QUOTE_MINIMAL)
        if line.startswith("#"):  # with its first cell gone a row must not turn into a remark
            line = self._line(cells, csv.QUOTE_ALL)
        return line + _ends(row.raw, line)

    def _line(self, cells: list[str], quoting: Literal[0, 1]) -> str:
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=self._table.delimiter, lineterminator="\r\n", quoting=quoting).writerow(
            cells
        )
        return buffer.getvalue()[:-2]

    def _name(self, place: int) -> str:
        return self._columns[place][:200] or f"column {place + 1}"


class _Batches:
    """Text to the sink in pieces, as UTF-8."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._parts: list[str] = []
        self._size = 0

    def write(self, part: str) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size >= BATCH:
            self.flush()

    def flush(self) -> None:
        if self._parts:
            self._sink("".join(self._parts).encode())
        self._parts.clear()
        self._size = 0


def _ends(raw: str, written: str) -> str:
    """The line ends that the row still lacks, so that the rows below keep their line numbers."""
    return "\n" * max(_lines(raw) - _lines(written), 0)


def _lines(part: str) -> int:
    return part.count("\n") + part.count("\r") - part.count("\r\n")
