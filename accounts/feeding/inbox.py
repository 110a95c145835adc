"""The inbox: files that systems lay into the folder of their source, taken one after the other.

A file is received in a transaction that holds its source's row, so two workers never take from one folder at
once, and put away after the commit. One that was received and not put away is recognised at the next look.
"""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.connectors.records import Unreadable
from accounts.feeding import slips
from accounts.feeding.folder import DONE, REFUSED, SLIP, Folder, Lying, NotTaken, Opened, is_plain
from accounts.feeding.receiving import keep
from accounts.feeding.signing import SignatureRefused, verify
from accounts.models import ImportRun, Source
from portal.audit.services import PORTAL

MOST_AT_ONCE = 50  # files of one look
WAYS = [ImportRun.Provenance.INBOX, ImportRun.Provenance.SIGNED]

logger = logging.getLogger(__name__)


class _Busy(Exception):
    """Another worker has this source in hand."""


class _StillWritten(Exception):
    """The file changed while it was read: it is no reading, and will be looked at again."""


def waits(source: Source, at: datetime) -> bool:
    """Whether a file lies there that may be taken; a folder that can't be opened holds none."""
    if not (settings.PORTAL_INBOX and source.inbox):
        return False
    try:
        with Folder.opened(Path(settings.PORTAL_INBOX), source.inbox) as folder:
            return bool(_complete(folder, at))
    except OSError as error:
        logger.warning("the inbox folder %s can't be opened: %s", source.inbox, error.strerror)
        return False


def take(key: UUID, at: datetime) -> list[UUID]:
    """Receive what is complete in the folder of a source; the readings that wait to be previewed."""
    source = Source.objects.filter(pk=key).exclude(inbox="").first()
    if source is None or not settings.PORTAL_INBOX:
        return []
    received = []
    with Folder.opened(Path(settings.PORTAL_INBOX), source.inbox) as folder:
        for lying in _complete(folder, at)[:MOST_AT_ONCE]:
            try:
                run = _take(folder, lying, key, at)
            except _Busy:
                break
            except (_StillWritten, FileNotFoundError):
                continue
            if run is not None:
                received.append(run.pk)
    return received


def empty(source: Source, *, before: datetime) -> dict[str, int]:
    """Delete what was put away before that: how many files of each of the two folders."""
    if not (settings.PORTAL_INBOX and source.inbox):
        return {}
    with Folder.opened(Path(settings.PORTAL_INBOX), source.inbox) as folder:
        return {name: folder.empty(name, before=before) for name in (DONE, REFUSED)}


def _complete(folder: Folder, at: datetime) -> list[Lying]:
    settled = at - timedelta(seconds=settings.PORTAL_INBOX_SETTLE_SECONDS)
    return folder.complete(before=settled.timestamp(), now=at.timestamp())


def _take(folder: Folder, lying: Lying, key: UUID, at: datetime) -> ImportRun | None:
    """Receive one file, then put it away: received, or refused with the reason beside it."""
    try:
        run = _receive(folder, lying, key, at)
    except (NotTaken, SignatureRefused, Unreadable) as refusal:
        folder.settle(lying.name, REFUSED, at=at, why=_refusal(refusal))
        logger.warning("a file of the inbox of source %s was refused: %s", key, refusal.code)
        return None
    # What was cut would stay on the disk with the original, so that goes.
    folder.settle(lying.name, DONE, at=at, why=_receipt(run) if run.cut else "", is_kept=not run.cut)
    return run


@transaction.atomic
def _receive(folder: Folder, lying: Lying, key: UUID, at: datetime) -> ImportRun:
    locked = Source.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    source = locked.select_related("system").filter(pk=key).first()
    if source is None:
        raise _Busy
    slip = _slip(folder, lying, at)
    with folder.file(lying.name, limit=settings.PORTAL_UPLOAD_LIMIT) as opened:
        if (came := _came_before(source, lying.name, opened)) is not None:
            return came
        is_signed = verify(source, slip.claim(_digest(opened, slip)))
        run = keep(
            source,
            opened.file,
            file_name=lying.name,
            provenance=ImportRun.Provenance.SIGNED if is_signed else ImportRun.Provenance.INBOX,
            actor=PORTAL,
            by_id=None,
            at=at,
            taken_at=slip.taken_at,
            filter_text=slip.said.get("filter", ""),
            source_count=slip.count,
        )
        if opened.has_changed:
            raise _StillWritten
    return run


def _slip(folder: Folder, lying: Lying, at: datetime) -> slips.Slip:
    if not lying.has_slip or not is_plain(lying.name):
        return slips.Slip({})
    with folder.file(f"{lying.name}{SLIP}", limit=slips.LONGEST) as opened:
        return slips.read(opened.file.read(), at)


def _digest(opened: Opened, slip: slips.Slip) -> str:
    """Of the bytes, where the slip says something of them; a file that is another one is refused."""
    if not slip.needs_digest:
        return ""
    digest, said = opened.digest(), slip.said.get("sha256", "").strip().lower()
    if said and said != digest:
        raise NotTaken(
            "other_file", _("Its slip names another SHA-256: the file is not whole. Send it again.")
        )
    return digest


def _came_before(source: Source, name: str, opened: Opened) -> ImportRun | None:
    """The reading of this very file, if it was received and a worker ended before it was put away."""
    changed_at = datetime.fromtimestamp(opened.changed_at, UTC)
    same = ImportRun.objects.filter(
        source=source,
        file_name=name,
        original_size=opened.size,
        provenance__in=WAYS,
        received_at__gte=changed_at,
    )
    if not same.exists():
        return None
    return same.filter(original_sha256=opened.digest()).first()


def _refusal(refusal: NotTaken | SignatureRefused | Unreadable) -> str:
    line = getattr(refusal, "line", None)
    where = " " + _("(line %(line)d)") % {"line": line} if line else ""
    return _("Refused: %(why)s%(where)s Nothing of it was kept.") % {"why": refusal, "where": where}


def _receipt(run: ImportRun) -> str:
    named = ", ".join(sorted({str(one["name"]) for one in run.cut}))[:1000]
    return _(
        "Received as reading %(run)s. The original (SHA-256 %(sha256)s) was deleted, because it held what is "
        "not kept: %(named)s."
    ) % {"run": run.pk, "sha256": run.original_sha256, "named": named}
