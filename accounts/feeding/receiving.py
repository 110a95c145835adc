"""A file is admitted without its secrets and becomes a reading that nobody has looked at yet."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.connectors import REGISTRY, admission
from accounts.connectors.admission import Admitted
from accounts.connectors.connector import Sink
from accounts.connectors.text import Readable
from accounts.models import ImportRun, Source
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.vault import services as vault
from portal.vault.sealed import SealedFile

PIECE = 1 << 20


@transaction.atomic
def keep(
    source: Source,
    file: Readable,
    *,
    file_name: str,
    provenance: ImportRun.Provenance,
    actor: Actor,
    by_id: UUID | None,
    at: datetime,
    taken_at: datetime | None = None,
    mapping: Mapping[str, str] | None = None,
    filter_text: str = "",
    source_count: int | None = None,
) -> ImportRun:
    """The reading, in the state *received*; raises Unreadable for a file that is not what it should be.

    Whoever calls has it previewed after the commit.
    """
    connector = REGISTRY[source.connector]
    options = {**source.mapping, **(mapping or {})}
    with SealedFile() as spool:
        admitted = admission.admit(file, connector, options, _into(spool), settings.PORTAL_UPLOAD_LIMIT)
        spool.seek(0)
        # What was cut leaves the file shorter, what was rewritten may make it a little longer.
        blob = vault.keep(iter(lambda: spool.read(PIECE), b""), limit=spool.size)
    run = ImportRun.objects.create(
        source=source,
        blob=blob,
        file_name=file_name.replace("\\", "/").rpartition("/")[2][:200],
        original_sha256=admitted.original_sha256,
        original_size=admitted.original_size,
        cut=[{"name": one.name, "why": one.kind, "count": one.count} for one in admitted.cut],
        connector=connector.key,
        connector_version=connector.version,
        mapping=options,
        provenance=provenance,
        received_by_id=by_id,
        received_at=at,
        taken_at=taken_at,
        filter_text=filter_text.strip(),
        source_count=source_count,
        preview={"lines": admitted.lines, "rows": admitted.rows},
        state_at=at,
    )
    record(Verb.IMPORT_RECEIVED, run, actor=actor, at=at, facts=_about_file(run, admitted))
    return run


def _into(spool: SealedFile) -> Sink:
    def write(data: bytes) -> None:
        spool.write(data)

    return write


def _about_file(run: ImportRun, admitted: Admitted) -> dict[str, object]:
    asked: dict[str, object] = {}
    if run.filter_text:
        asked["filter"] = run.filter_text
    if run.source_count is not None:
        asked["source_count"] = run.source_count
    return asked | {
        "source": run.source_id,
        "original": {"sha256": admitted.original_sha256, "size": admitted.original_size},
        "admitted": {"sha256": admitted.admitted_sha256, "size": admitted.admitted_size},
        "cut": run.cut,
        "connector": run.connector,
        "connector_version": run.connector_version,
        "provenance": run.provenance,
    }
