"""One input to its report: the first format that admits it and reads it to its end counts."""

from collections.abc import Sequence
from io import BytesIO
from itertools import islice
from typing import BinaryIO

from django.conf import settings

from accounts.connectors import tables, text
from accounts.connectors.records import Unreadable
from portal.inspection.inputs import Input, NotOpened, opened
from portal.inspection.readers import Attempt, Reader, Refused
from portal.inspection.reports import LISTED, Report

HEAD = 64 * 1024
ROWS = 20  # that are enough to tell a table from prose
_BEGINNINGS = (
    ("{", "JSON"),
    ("[", "JSON"),
    ("<", "XML or HTML"),
    ("dn:", "LDIF"),
    ("version: 1", "LDIF"),
    ("---", "YAML"),
    ("apiversion:", "YAML"),
)


def look(one: Input, readers: Sequence[Reader]) -> Report:
    """What the portal would read from it."""
    try:
        with opened(one, settings.PORTAL_UPLOAD_LIMIT) as file:
            return _looked(one, file, readers)
    except NotOpened as reason:
        return Report(one.shown, problems=[str(reason)])
    except OSError as error:
        return Report(one.shown, problems=[f"It can't be read: {error.strerror or type(error).__name__}."])


def formats(readers: Sequence[Reader]) -> str:
    """One sentence that names every format."""
    labels = sorted({label for reader in readers for label in reader.formats.values()}, key=str.casefold)
    return f"The portal reads: {', '.join(labels)}."


def _looked(one: Input, file: BinaryIO, readers: Sequence[Reader]) -> Report:
    refusals = []
    for reader in readers:
        for attempt in reader.attempts(file, one.name):
            report = Report(one.shown)
            if not (why := _refusal(attempt, file, report)):
                return _summed(report)
            refusals.append(f"Not read as “{attempt.label}”: {why}")
            file.seek(0)
    unread = Report(one.shown, problems=refusals)
    if not refusals:
        unread.problems = [_what(file.read(HEAD)), formats(readers)]
    return unread


def _refusal(attempt: Attempt, file: BinaryIO, report: Report) -> str:
    """Try it; why it is not read, or nothing."""
    try:
        attempt.read(file, report)
    except Refused as refused:
        return str(refused)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  # one file must not keep the others from being told
        return (
            f"The reader failed with {type(error).__name__}. That is a fault of the portal, not of the file: "
            "please report it with the kind of file that it was."
        )
    return ""


def _summed(report: Report) -> Report:
    if count := report.rejected_count:
        words = "1 row would be rejected" if count == 1 else f"{count:,} rows would be rejected"
        shown = f"; the first {LISTED:,} are listed" if count > LISTED else ""
        report.problems.append(f"{words}{shown}.")
    return report


def _what(head: bytes) -> str:
    """What a file is that no format claims, as far as its beginning tells."""
    if not head:
        return "The file is empty. Export it again."
    try:
        next(text.chunks(BytesIO(head)))
    except Unreadable as refusal:
        return str(refusal)
    begin = (text.beginning(head) or "").lstrip().casefold()
    for sign, what in _BEGINNINGS:
        if begin.startswith(sign):
            return f"This is {what} that no format here knows. Check that it is the export you meant."
    if (columns := _columns(head)) > 1:
        return (
            f"This is a table of {columns} columns whose names no format knows. Send it in the browser, "
            "where each column can be given its meaning."
        )
    return "This is text that no format here knows. Check that it is the export you meant."


def _columns(head: bytes) -> int:
    """How many columns it has, if the first rows agree on it; prose with commas does not."""
    table = tables.beginning(head)
    if table is None:
        return 0
    try:
        rows = [row for row in islice(table, ROWS) if row.cells][:-1]  # the last one was put below it
    except Unreadable:
        return 0
    return len(table.columns) if rows and all(tables.fits(row, table.columns) for row in rows) else 0
