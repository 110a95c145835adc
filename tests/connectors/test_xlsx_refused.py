"""Workbooks that are refused, each with what is wrong and what to do, and none of them at any cost."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import date

import pytest

from accounts.connectors import csv_accounts, xlsx
from accounts.connectors.admission import admit
from accounts.connectors.records import Unreadable
from accounts.connectors.xlsx import package as guards
from tests.connectors import workbooks
from tests.connectors.workbooks import HEADER, kept, raw, text

EXCEL = "application/vnd.ms-excel.sheet"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")  # as the connector does
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
FINE = f"{HEADER}<row>{text('ann')}{text('Ann')}</row>"


def refused(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as found:
        kept(data)
    return found.value


def zipped(**parts: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for name, said in parts.items():
            package.writestr(name.replace("__", "/"), said)
    return file.getvalue()


def forged_size() -> bytes:
    """A part that says it is smaller than it is."""
    data = bytearray(raw(FINE, more={"xl/worksheets/big.xml": b" " * 1000}))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as package:
        part = package.getinfo("xl/worksheets/sheet1.xml")
    name = b"xl/worksheets/sheet1.xml"
    for at, offset in ((data.index(name), 22 - 30), (data.rindex(name), 24 - 46)):
        place = at + offset
        assert int.from_bytes(data[place : place + 4], "little") == part.file_size
        data[place : place + 4] = (part.file_size - 40).to_bytes(4, "little")
    return bytes(data)


def twice() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return raw(FINE, more={"xl/worksheets/sheet1.xml": b"<worksheet/>"})


BROKEN: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "macros by type": (
        lambda: raw(FINE, kind=f"{EXCEL}.macroEnabled.main+xml"), "macros", "without them",
    ),
    "macros by part": (lambda: raw(FINE, more={"xl/vbaProject.bin": b"x"}), "macros", ".xlsm"),
    "binary": (
        lambda: raw(FINE, kind=f"{EXCEL}.binary.macroEnabled.main"), "not_text", ".xlsb",
    ),
    "open document": (
        lambda: zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "not_text", ".ods",
    ),
    "word": (lambda: zipped(word__document="<w/>"), "not_text", "a Word document"),
    "any archive": (lambda: zipped(readme="hello"), "not_text", "a ZIP archive"),
    "encrypted": (
        lambda: OLE + bytes(70_000) + "EncryptedPackage".encode("utf-16-le"), "encrypted", "password",
    ),
    "old": (lambda: OLE + b"Workbook".ljust(2000, b"\0"), "not_text", ".xls)"),
    "cut off": (lambda: workbooks.of_rows(["account"], ["ann"])[:-400], "not_text", "damaged or cut off"),
    "bomb": (
        lambda: raw(FINE, more={"xl/media/image.png": bytes(20 << 20)}), "zip_bomb", "times its size",
    ),
    "another size": (forged_size, "broken_workbook", "damaged"),
    "two parts of a name": (twice, "broken_workbook", "same name"),
    "entities": (
        lambda: raw(f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ann">]><worksheet>{FINE}</worksheet>'),
        "broken_workbook", "document type",
    ),
    "comments": (lambda: raw(f"{FINE}<!-- <row> -->"), "broken_workbook", "comments"),
    "another encoding": (
        lambda: raw(f'<?xml version="1.0" encoding="cp037"?><worksheet>{FINE}</worksheet>'),
        "broken_workbook", "UTF-8",
    ),
    "entities in another part": (
        lambda: raw(FINE, strings='<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ann">]><sst/>'),
        "broken_workbook", "damaged",
    ),
    "the strict dialect": (lambda: raw(FINE, namespace=workbooks.STRICT), "strict_workbook", "Strict"),
    "styles beyond memory": (
        lambda: raw(FINE, styles=f"<cellXfs>{'<xf/>' * 250_001}</cellXfs>"), "too_large", "xl/styles.xml",
    ),
    "a row of a million cells": (lambda: raw("<row>" + "<c/>" * 1_000_000 + "</row>"), "too_large", "row"),
    "no xml": (lambda: raw("<row><c>"), "broken_workbook", "damaged"),
    "an endless tag": (
        lambda: raw(f'{HEADER}<row x="{"".join(map(str, range(300_000)))}">{text("a")}</row>'),
        "broken_workbook", "never ends",
    ),
    "no such text": (lambda: raw('<row><c t="s"><v>7</v></c></row>'), "broken_workbook", "damaged"),
    "no number": (
        lambda: raw(f"{HEADER}<row>{text('a')}<c><v>x</v></c></row>"), "broken_workbook", "damaged",
    ),
    "rows back": (
        lambda: raw(f'<row r="2">{text("account")}</row><row r="1">{text("a")}</row>'),
        "broken_workbook", "out of order",
    ),
    "rows beyond": (lambda: raw(f'<row r="1048577">{text("a")}</row>'), "broken_workbook", "out of order"),
    "row of no number": (lambda: raw(f'<row r="x">{text("a")}</row>'), "broken_workbook", "out of order"),
    "cells back": (
        lambda: raw('<row><c r="B1"><v>1</v></c><c r="A1"><v>2</v></c></row>'), "broken_workbook", "order",
    ),
    "one cell twice": (
        lambda: raw('<row><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>'), "broken_workbook", "order",
    ),
    "columns beyond": (lambda: raw('<row><c r="XFE1"><v>1</v></c></row>'), "broken_workbook", "outside"),
    "never computed": (
        lambda: raw(f"{HEADER}<row>{text('ann')}<c><f>A1</f></c></row>"), "formula_without_value", "row 2",
    ),
    "nul": (lambda: raw(f"{HEADER}<row>{text('a_x0000_b')}</row>"), "nul", "row 2"),
    "long cell": (
        lambda: raw(f"{HEADER}<row>{text('y')}{text('abcdefg' * 50_000)}</row>"), "line_too_long", "Row 2",
    ),
    "no rows": (lambda: raw(HEADER), "no_rows", "no rows"),
    "nothing": (lambda: raw(""), "empty", "no row"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_refused_says_why(name: str) -> None:
    make, code, words = BROKEN[name]
    error = refused(make())
    assert (error.code, words in str(error)) == (code, True), str(error)


def test_a_long_list_of_parts_is_refused_before_it_is_read() -> None:
    data = workbooks.of_rows(["account"], ["ann"])
    at = data.rindex(b"PK\5\6")
    forged = data[: at + 12] + (5 << 20).to_bytes(4, "little") + data[at + 16 :]
    assert refused(forged).code == "too_large"


def test_a_line_of_a_row_that_lies_far_below_takes_no_memory() -> None:
    admitted, csv = kept(raw(f'{HEADER}<row r="1048576">{text("ann")}{text("Ann")}</row>'))
    assert csv.endswith("\nann,Ann\n")
    assert admitted.lines == 1_048_576
    assert admitted.rows == 1


def test_more_texts_than_memory_should_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "STRING_TAGS", 1_000)
    assert "ann" in kept(raw(FINE, strings="<si><t>a</t></si>" * 249))[1]
    error = refused(raw(FINE, strings="<si><t>a</t></si>" * 250))
    assert (error.code, "different texts" in str(error)) == ("too_large", True)


def peak_of(rows: int) -> int:
    """Bytes that admitting a workbook of so many rows takes beside the file itself."""
    data = raw(HEADER + "".join(f"<row>{text(f'a{n}')}<c><v>{n}</v></c></row>" for n in range(rows)))
    file, size = io.BytesIO(data), 0

    def sink(piece: bytes) -> None:
        nonlocal size
        size += len(piece)

    tracemalloc.start()
    try:
        admitted = admit(file, csv_accounts.CONNECTOR, {}, sink)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert admitted.rows == rows
    assert size > rows * 8
    return peak


def test_rows_are_not_held() -> None:
    """What is left of one (openpyxl keeps its empty element) is less than two hundred bytes."""
    few, many = peak_of(5_000), peak_of(15_000)
    assert many - few < 10_000 * 200


def test_more_rows_than_are_held_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 3)
    kept(workbooks.of_rows(["account"], ["a"], ["b"]))
    found = refused(workbooks.of_rows(["account"], ["a"], ["b"], ["c"]))
    assert (found.code, found.line) == ("too_large", 4)
    assert "CSV" in str(found)


def damaged(data: bytes) -> Iterator[bytes]:
    yield from (data[:cut] for cut in range(1, len(data), 499))
    for place in range(0, len(data), 97):
        yield data[:place] + bytes([data[place] ^ 0x5A]) + data[place + 1 :]


def test_a_damaged_workbook_is_read_or_refused() -> None:
    fine = workbooks.of_rows(["account", "name"], ["ann", "Ann"], ["bob", date(2026, 1, 1)])
    refusals = 0
    for data in damaged(fine):
        try:
            kept(data)
        except Unreadable:
            refusals += 1
    assert refusals > 20
