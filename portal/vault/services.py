"""Keeping bytes, and giving them back only when they are still the same."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from django.db import connection, transaction

from portal import moment
from portal.vault import store
from portal.vault.models import Blob
from portal.vault.store import TooLarge

__all__ = ["Altered", "Swept", "TooLarge", "keep", "open_verified", "sweep"]

# An upload takes hours at most; what nobody finished or committed in a day is nobody's.
ORPHANED_AFTER = timedelta(days=1)
# Shared by every transaction that keeps bytes, exclusive for the sweeper: see `sweep`.
ADVISORY_LOCK = 7_215_307_015

logger = logging.getLogger(__name__)


class Altered(Exception):
    """The file of a blob is missing or holds other bytes than it was kept with."""

    def __init__(self, blob: Blob, what: str) -> None:
        super().__init__(f"blob {blob.hexdigest}: {what}")
        self.blob = blob


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: unfinished uploads, and files whose transaction never committed."""

    unfinished: int
    uncommitted: int


def keep(chunks: Iterable[bytes], *, limit: int) -> Blob:
    """Store `chunks` (over `limit` bytes: `TooLarge`) and return their blob, the same for the same bytes.

    The bytes are safely on disk before the row is written in the caller's transaction.
    """
    with store.Incoming(limit) as incoming:
        incoming.receive(chunks)
        with transaction.atomic():
            _lock("pg_advisory_xact_lock_shared")
            key = incoming.put_in_place()
            blob, _ = Blob.objects.get_or_create(
                sha256=incoming.sha256,
                defaults={"size": incoming.size, "storage_key": key, "created_at": moment.now()},
            )
            if blob.state == Blob.State.ALTERED:
                Blob.objects.filter(pk=blob.pk).update(state=Blob.State.KEPT)
                blob.state = Blob.State.KEPT
    return blob


def open_verified(blob: Blob) -> BinaryIO:
    """The bytes of `blob`, hashed again before any is given out. Raises `Altered`; the caller closes."""
    try:
        file, digest = store.open_hashed(blob.storage_key)
    except FileNotFoundError:
        _mark_altered(blob)
        raise Altered(blob, "its file is missing") from None
    if digest != bytes(blob.sha256):
        file.close()
        _mark_altered(blob)
        raise Altered(blob, "its file holds other bytes than were kept")
    return file


def sweep(at: datetime) -> Swept:
    """Remove what was left more than a day before `at`: unfinished uploads, and files that no row names.

    A file goes into place before its row is committed. So the second kind is only removed while no
    transaction is keeping anything; if one is, the next sweep will do.
    """
    before = at - ORPHANED_AFTER
    unfinished = sum(_removed(path) for path in store.left_incoming(before))
    uncommitted = 0
    for paths in _in_batches(store.kept(before)):
        with transaction.atomic():
            if _lock("pg_try_advisory_xact_lock"):
                uncommitted += sum(_removed(path) for path in _unnamed(paths))
    return Swept(unfinished, uncommitted)


def _in_batches(paths: Iterator[Path]) -> Iterator[list[Path]]:
    while batch := list(islice(paths, 1000)):
        yield batch


def _unnamed(paths: list[Path]) -> list[Path]:
    keys = {f"{path.parent.parent.name}/{path.parent.name}/{path.name}": path for path in paths}
    named = set(Blob.objects.filter(storage_key__in=keys).values_list("storage_key", flat=True))
    return [path for key, path in keys.items() if key not in named]


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _mark_altered(blob: Blob) -> None:
    logger.error("blob %s does not verify", blob.hexdigest)
    Blob.objects.filter(pk=blob.pk).update(state=Blob.State.ALTERED)


def _lock(function: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [ADVISORY_LOCK])
        return bool(cursor.fetchone()[0])
