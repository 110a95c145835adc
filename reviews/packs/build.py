"""Building a pack: the bag into a file, the file into the vault. Called by the task that claimed the row."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from portal import moment
from portal.audit import canonical
from portal.tasks import progress
from portal.vault import services as vault
from portal.vault.models import Blob
from reviews.models import EvidencePack
from reviews.packs import bag, manifest

LARGEST = 1 << 40  # bytes; a pack is ours, so this only stops a runaway


def progress_key(pack: EvidencePack) -> str:
    """Under which the page asks how far it is."""
    return f"pack/{pack.pk}"


def build(pack: EvidencePack) -> tuple[Blob, int]:
    """Write the bag and keep it; returns its blob and how many files it holds."""
    key = progress_key(pack)
    folder = Path(settings.PORTAL_DATA) / "building"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_moment(), tempfile.TemporaryFile(dir=folder) as target:
        files = manifest.files(pack)
        count = bag.write(
            target,
            pack.code,
            files,
            _info(pack),
            on_file=lambda done: progress.report(key, done, len(files)),
        )
        target.seek(0)
        return vault.keep(iter(lambda: target.read(bag.PIECE), b""), limit=LARGEST), count


@contextmanager
def _one_moment() -> Iterator[None]:
    """Every row as of one moment: people go on deciding while a pack of a running campaign is written."""
    if connection.in_atomic_block:  # the caller's transaction has begun, and with it its snapshot
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _info(pack: EvidencePack) -> dict[str, str]:
    """bag-info.txt (RFC 8493 §2.2.2). Bagging-Date is a day, as the RFC wants it."""
    campaign = pack.campaign
    root = bytes(campaign.population_root).hex() if campaign.population_root else ""
    return {
        "Source-Organization": settings.ORGANISATION,
        "External-Identifier": pack.code,
        "External-Description": f"Evidence of the access review {campaign.code}, {campaign.name}",
        "Bagging-Date": f"{moment.now():%Y-%m-%d}",
        "Portal-Built-At": canonical.rfc3339(moment.now()),
        "Portal-Log-Origin": settings.LOG_ORIGIN,
        "Portal-Population-Root": root,
        "Portal-Evidence-Format": "1",
        "Portal-With-Recordings": "yes" if pack.with_recordings else "no",
    }
