"""Values that spreadsheets will open: a text that looks like a formula is made harmless.

Cells beginning with `=`, `+`, `-`, `@`, TAB or CR run as formulas when a CSV is opened; a leading
apostrophe keeps them text (OWASP ASVS 5.0, 1.2.10). NUL is removed, because readers disagree about it.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """One cell: times in RFC 3339, unknown as nothing, text that can't run."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)  # a number of ours may be negative; it is no text from outside
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) else text


def rows(header: Sequence[str], records: Iterable[Sequence[object]]) -> Iterator[str]:
    """CSV (RFC 4180) line by line, header first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    yield _taken(buffer)
    for values in records:
        writer.writerow([cell(value) for value in values])
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
