"""Workbooks: one sheet becomes the CSV it could be saved as, and everything else about them is told."""

import io
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from openpyxl import Workbook

from accounts.connectors import csv_accounts, hr_csv, xlsx
from accounts.connectors.admission import admit
from accounts.connectors.connector import Connector, Cut
from accounts.connectors.records import (
    Account,
    Credential,
    Entitlement,
    Grant,
    Header,
    Person,
    Record,
    Rejected,
    Unreadable,
)
from accounts.connectors.sniffing import columns, sniff
from tests.connectors import workbooks
from tests.connectors.workbooks import HEADER, kept, raw, text

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")  # as the connector does
ACCOUNTS, PEOPLE = csv_accounts.CONNECTOR, hr_csv.CONNECTOR


def read(data: bytes, connector: Connector = ACCOUNTS, **options: str) -> tuple[Header, list[Record]]:
    header, records = connector.read(io.BytesIO(kept(data, connector, **options)[1].encode()), options)
    return header, list(records)


def at(*parts: int) -> datetime:
    """A moment as a cell holds it: nobody says in which zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  # of a cell, which has no zone


# --- what is read -----------------------------------------------------------------------------------


def test_people_of_a_workbook() -> None:
    data = workbooks.of_rows(
        ["# taken: 2026-10-06T08:00:00Z"],
        [],
        ["Employee No", "Name", "Start date", "End date", "Active", "Phone"],
        [1007, "Tomas Brandt", date(2019, 4, 1), None, True, "0170"],
        [1009.0, "Dana Kovac", at(2020, 2, 29), date(2026, 10, 6), False, None],
    )
    header, records = read(data, PEOPLE)
    assert header.taken_at == datetime(2026, 10, 6, 8, tzinfo=UTC)
    tomas, dana = records
    assert isinstance(tomas, Person)
    assert isinstance(dana, Person)
    assert (tomas.number, tomas.name, tomas.starts_on, tomas.status, tomas.line) == (
        "1007", "Tomas Brandt", date(2019, 4, 1), "active", 4,
    )  # fmt: skip
    assert (dana.number, dana.starts_on, dana.ends_on, dana.status, dana.line) == (
        "1009", date(2020, 2, 29), date(2026, 10, 6), "left", 5,
    )  # fmt: skip
    assert kept(data, PEOPLE)[0].cut == (Cut("Phone", "unmapped", 1),)


def test_accounts_grants_and_credentials_of_a_workbook() -> None:
    data = workbooks.of_rows(
        ["record", "account", "entitlement", "since", "last used", "credential", "kind", "password"],
        ["account", "svc-pay", None, None, at(2026, 9, 30, 23, 59, 58), None, "service", "hunter2"],
        ["entitlement", None, "LEDGER; POST", None, None, None, None, None],
        ["grant", "svc-pay", "LEDGER; POST", date(2024, 3, 1), None, None, None, None],
        ["credential", "svc-pay", None, None, None, "AKIA1", "access key", "hunter3"],
    )
    header, records = read(data)
    assert [type(one) for one in records] == [Account, Entitlement, Grant, Credential]
    account, _, grant, _ = records
    assert isinstance(account, Account)
    assert isinstance(grant, Grant)
    assert account.last_used_at == datetime(2026, 9, 30, 23, 59, 58, tzinfo=UTC)
    assert (grant.entitlement, grant.starts_at) == ("LEDGER; POST", datetime(2024, 3, 1, tzinfo=UTC))
    assert header.control_total is None
    admitted, csv = kept(data)
    assert "hunter" not in csv
    assert Cut("password", "secret_name", 2) in admitted.cut
    assert admitted.original_size == len(data)
    assert admitted.admitted_size == len(csv.encode())
    assert admitted.rows == 4


def test_row_seven_is_line_seven() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["B1"] = "account", "name"
    sheet["A3"], sheet["B3"] = "ann", "Ann\nof two lines\r\nor three"
    sheet["A7"], sheet["B7"] = "bob", "Bob"
    sheet["B7000"] = None
    assert kept(workbooks.saved(book))[1].split("\n") == [
        "account,name", "", "ann,Ann of two lines or three", "", "", "", "bob,Bob", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (42, "General", "42"),
        (42.0, "0.00", "42"),
        (0.1, "General", "0.1"),
        (-3, "General", "-3"),
        (123456789012, "General", "123456789012"),
        (42, "00000", "00042"),
        (True, "General", "true"),
        (False, "General", "false"),
        (date(2026, 12, 31), "dd/mm/yyyy", "2026-12-31"),
        (at(2026, 12, 31, 23, 59, 59), "yyyy-mm-dd hh:mm", "2026-12-31T23:59:59"),
        (time(8, 30), "hh:mm", "08:30:00"),
        (timedelta(hours=30), "[h]:mm", "1.25"),
        (date(1900, 2, 28), "yyyy-mm-dd", "1900-02-28"),
        (date(1900, 3, 1), "yyyy-mm-dd", "1900-03-01"),
        (9_999_999, "yyyy-mm-dd", "#VALUE!"),
        (-7, "yyyy-mm-dd", "#VALUE!"),
        (45_658, "[$-407]d. mmmm yyyy;@", "2025-01-01"),
        (0.5, "h:mm AM/PM", "12:00:00"),
        (7, "[Red]0.0", "7"),
        (7, '0" days"', "7"),
        (7, "#,##0.00 [$USD]", "7"),
        (7, "0\\d", "7"),
        ("007", "General", "007"),
        ("a,b", "General", '"a,b"'),
        ('say "x"', "General", '"say ""x"""'),
        ("#N/A", "General", "#N/A"),
    ],
)
def test_cells_are_written_as_people_see_them(value: Any, code: str, shown: str) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["account", "name"])
    sheet["A2"], sheet["B2"] = "ann", value
    sheet["B2"].number_format = code
    assert kept(workbooks.saved(book))[1].split("\n")[1] == f"ann,{shown}"


def test_days_that_count_from_1904() -> None:
    rows = f'{HEADER}<row>{text("ann")}<c s="1"><v>1</v></c></row>'
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    assert "ann,1900-01-01" in kept(raw(rows, styles=styles))[1]
    assert "ann,1904-01-02" in kept(raw(rows, styles=styles, properties='<workbookPr date1904="1"/>'))[1]


def test_of_a_formula_its_value_counts() -> None:
    rows = (
        f"{HEADER}<row>{text('ann')}<c t='str'><f>CONCAT(1)</f><v>A&amp;B</v></c></row>"
        f"<row>{text('bob')}<c><f>1+1</f><v>2</v></c></row>"
        f"<row>{text('cy')}<c t='str'><f>X()</f><v></v></c></row>"
    )
    assert kept(raw(rows))[1].split("\n")[1:4] == ["ann,A&B", "bob,2", "cy,"]


def test_texts_of_the_shared_table_without_their_reading_aids() -> None:
    strings = (
        "<si><t>account</t></si><si><t>name</t></si>"
        "<si><r><t>An</t></r><r><t xml:space='preserve'>n </t></r></si>"
        "<si><t>東京</t><rPh sb='0' eb='2'><t>とうきょう</t></rPh></si><si><t>a_x000D_b_x005F_</t></si>"
    )
    rows = "".join(
        f"<row><c t='s'><v>{one}</v></c><c t='s'><v>{other}</v></c></row>"
        for one, other in ((0, 1), (2, 3), (3, 4))
    )
    assert kept(raw(rows, strings=strings))[1] == "account,name\nAnn ,東京\n東京,a b_\n"


def test_prefixes() -> None:
    prefixed = (
        f'<?xml version="1.0"?><x:worksheet xmlns:x="{workbooks.MAIN}"><x:sheetData>'
        '<x:row><x:c t="inlineStr">'
        "<x:is><x:t>account</x:t></x:is></x:c></x:row><x:row><x:c><x:v>7</x:v></x:c></x:row></x:sheetData>"
        '<x:mergeCells><x:mergeCell ref="A2:A3"/></x:mergeCells></x:worksheet>'
    )
    assert kept(raw(prefixed))[1] == "account\n7\n"


def test_a_cell_merged_over_rows_counts_for_each_of_them() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["account", "entitlement"], ["ann", "READ"], [None, "POST"], [None, None], ["bob", "READ"]):
        sheet.append(row)
    sheet.merge_cells("A2:A4")
    _, records = read(workbooks.saved(book))
    assert [(one.account, one.entitlement, one.line) for one in records if isinstance(one, Grant)] == [
        ("ann", "READ", 2), ("ann", "POST", 3), ("bob", "READ", 5),
    ]  # fmt: skip


# --- which sheet, and what is left out --------------------------------------------------------------


def two_sheets() -> bytes:
    book = Workbook()
    notes = book.active
    assert notes is not None
    notes.title = "Notes"
    notes.append(["prepared by", "ops"])
    notes.sheet_state = "hidden"
    first = book.create_sheet("Accounts")
    first.append(["account", "name", None, "a remark"])
    first.append(["ann", "Ann"])
    first["G2"], first["G9"] = "beside", "the table"
    second = book.create_sheet("Archive")
    second.append(["account"])
    second.append(["zoe"])
    return workbooks.saved(book)


def test_the_first_sheet_that_is_seen_is_read_and_the_others_are_told() -> None:
    admitted, csv = kept(two_sheets())
    assert csv.startswith("account,name,,a remark\nann,Ann,,\n")
    assert "zoe" not in csv
    assert set(admitted.cut) == {
        Cut("column 7 (it has no name)", "unmapped", 2),
        Cut("hidden sheet “Notes”", "unmapped", 2),
        Cut("sheet “Archive”", "unmapped", 2),
    }


def test_the_option_names_another_sheet() -> None:
    assert kept(two_sheets(), sheet="archive ")[1] == "account\nzoe\n"
    with pytest.raises(Unreadable, match="There are: “Accounts”, “Archive”") as missing:
        kept(two_sheets(), sheet="Konten")
    assert missing.value.code == "sheet_missing"


def test_a_control_total_below_the_rows_is_held_against_them() -> None:
    _, records = read(workbooks.of_rows(["account", "name"], ["ann", "Ann"], ["# total: 3"]))
    assert [one.code for one in records if isinstance(one, Rejected)] == ["control_total_differs"]


def test_a_workbook_is_recognised_by_its_header_whatever_its_size() -> None:
    small = workbooks.of_rows(["empNo", "First name", "Last name", "Hire date"], [1, "a", "b", None])
    assert sniff(small, "x.xlsx")[0] == "hr_csv"
    assert columns(small) == ("empNo", "First name", "Last name", "Hire date")
    rows = "".join(f"<row>{text(f'account {n:x} {n * 7919:x}')}{text(str(n))}</row>" for n in range(20_000))
    large = raw(HEADER + rows)
    assert len(large) > xlsx.HEAD
    file = io.BytesIO(large)
    assert "csv_accounts" in sniff(xlsx.beginning(file), "x.xlsx")
    assert file.tell() == 0


def test_what_can_t_be_sought_is_read_too() -> None:
    class Pipe:
        def __init__(self, data: bytes) -> None:
            self._file = io.BytesIO(data)

        def read(self, size: int, /) -> bytes:
            return self._file.read(size)

    pieces: list[bytes] = []
    data = workbooks.of_rows(["account"], ["ann"])
    admitted = admit(Pipe(data), ACCOUNTS, {}, pieces.append)
    assert b"".join(pieces) == b"account\nann\n"
    assert admitted.original_size == len(data)
