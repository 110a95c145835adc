"""Workbooks for tests: as openpyxl writes them, and raw, for what no programme writes."""

import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

from openpyxl import Workbook

from accounts.connectors import csv_accounts
from accounts.connectors.admission import Admitted, admit
from accounts.connectors.connector import Connector

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
STRINGS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def saved(book: Workbook) -> bytes:
    """The bytes of a workbook."""
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def of_rows(*rows: Iterable[Any], title: str = "Export") -> bytes:
    """A workbook with one sheet of these rows."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    return saved(book)


def raw(
    rows: str,
    *,
    strings: str = "",
    styles: str = "",
    namespace: str = MAIN,
    kind: str = SHEET_TYPE,
    properties: str = "",
    below: str = "",
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """A workbook of this XML, and whatever else it is to hold."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{STRINGS_TYPE}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{namespace}" xmlns:r="{RELATIONS}">{properties}<sheets>'
        '<sheet name="Export" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" '
        f'Type="{RELATIONS}/sharedStrings" Target="/xl/sharedStrings.xml"/><Relationship Id="r3" '
        f'Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": rows
        if rows.startswith("<?xml")
        else f'<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData>{below}</worksheet>',
        "xl/sharedStrings.xml": strings
        if strings.startswith("<?xml")
        else f'<sst xmlns="{namespace}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{namespace}">{styles}</styleSheet>',
    }
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in parts.items():
            package.writestr(name, text)
        for name, data in (more or {}).items():
            package.writestr(name, data)
    return file.getvalue()


def text(value: str) -> str:
    """A cell that holds its own text."""
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>'


HEADER = f"<row>{text('account')}{text('name')}</row>"


def kept(data: bytes, connector: Connector = csv_accounts.CONNECTOR, **options: str) -> tuple[Admitted, str]:
    """The workbook admitted, and what is kept of it."""
    pieces: list[bytes] = []
    admitted = admit(BytesIO(data), connector, options, pieces.append)
    return admitted, b"".join(pieces).decode()
