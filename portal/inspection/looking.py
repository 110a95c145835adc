"""One input to its report: the first format that admits it and reads it to its end counts."""

from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import islice
from typing import BinaryIO

from django.conf import settings

from accounts.connectors import tables, text
from accounts.connectors.records import Unreadable
from portal.inspection import bundles, sessions
from portal.inspection.inputs import Input, NotOpened, opened, shown
from portal.inspection.readers import Attempt, Claim, Reader, Refused
from portal.inspection.reports import InventoryReport, RecordingReport, Report

HEAD = 64 * 1024
TEXT = "This is text that no format here knows. Check that it is the export you meant."
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
    if one.files:
        return _looked_together(one)
    try:
        with opened(one, settings.PORTAL_UPLOAD_LIMIT) as file:
            return _looked(one, file, readers)
    except NotOpened as reason:
        return _unread(InventoryReport, one, [str(reason)])
    except OSError as error:
        return _unread(InventoryReport, one, [_not_read(error)])


def formats(readers: Sequence[Reader]) -> str:
    """One sentence that names every format."""
    labels = sorted({label for reader in readers for label in reader.formats.values()}, key=str.casefold)
    return f"The portal reads: {', '.join(labels)}."


def _looked(one: Input, file: BinaryIO, readers: Sequence[Reader]) -> Report:
    """The first attempt that works counts, in the order of `Claim`."""
    found = [attempt for reader in readers for attempt in reader.attempts(file, one)]
    known = sorted((one for one in found if one.claim < Claim.TEXT), key=lambda one: one.claim)
    attempts, what = known, ""
    if not known:
        head = file.read(HEAD)
        file.seek(0)
        what = _what(head)
        attempts = found if found and _what(sessions.unpacked(head)) == TEXT else []
    refusals: list[str] = []
    for attempt in attempts:
        answer = _answer(attempt)
        if not isinstance(answer, str):
            return answer
        refusals.append(answer)
        file.seek(0)
    if refusals:
        return _unread(attempts[0].unread, one, refusals)
    return _unread(InventoryReport, one, [what, formats(readers)])


def _looked_together(one: Input) -> Report:
    try:
        with bundles.parts_of(one.files) as parts:
            attempt = sessions.attempt_together(parts, one)
            answer = _answer(attempt)
    except NotOpened as reason:
        answer = str(reason)
    except OSError as error:
        answer = _not_read(error)
    return _unread(RecordingReport, one, [answer]) if isinstance(answer, str) else answer


def _unread(kind: Callable[[str], Report], one: Input, problems: list[str]) -> Report:
    report = kind(one.shown)
    report.problems += problems
    report.paths += [shown(path) for path in one.files]
    return report


def _not_read(error: OSError) -> str:
    return f"It can't be read: {error.strerror or type(error).__name__}."


def _answer(attempt: Attempt) -> Report | str:
    """Try it; what is in the file, or why it is not read."""
    try:
        return attempt.read()
    except Refused as refused:
        why = str(refused)
    except (OSError, NotOpened):
        raise
    except Exception as error:  # noqa: BLE001  # one file must not keep the others from being told
        why = (
            f"The reader failed with {type(error).__name__}. That is a fault of the portal, not of the file: "
            "please report it with the kind of file that it was."
        )
    return f"Not read as “{attempt.label}”: {why}"


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
    return TEXT


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
