"""One reading from its file to the record: read and compared for the preview, and once more to be applied.

The row's state is moved here for a task that claimed it. An apply writes all of it in one transaction, and
only what was previewed: where the record has changed in between, it becomes a preview again.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.connectors import REGISTRY
from accounts.connectors.records import Unreadable
from accounts.models import ImportRun, Reject
from accounts.reconciliation import inventory, inventory_writes, links, people, previews, proof, staging
from accounts.reconciliation.proof import Verdicts
from accounts.reconciliation.reading import Reading
from portal import moment
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.tasks import progress, telling
from portal.users.models import User
from portal.vault import services as vault

State = ImportRun.State
# People and machine identities are shared by all systems, so readings are written one after the other.
ADVISORY_LOCK = 7_215_307_016
CLOCKS_DIFFER = timedelta(minutes=5)

# The canonical line (docs/evidence-format.md) of each row that changed, in one order.
CHANGED_LINES = """
SELECT format('{"card":%%s,"change":"%%s","id":"%%s","kind":"%%s"}',
  CASE WHEN card IS NULL THEN 'null' ELSE '"' || encode(card, 'hex') || '"' END, change, id, kind)
FROM changed_row ORDER BY kind COLLATE "C", change COLLATE "C", id COLLATE "C"
"""


def preview(key: UUID) -> None:
    """Read a run's file and say what applying it would change. Nothing of the record is written."""
    waiting = ImportRun.objects.filter(pk=key, state__in=[State.RECEIVED, State.PREVIEWING])
    if not _move(waiting, State.PREVIEWING):
        return
    try:
        with transaction.atomic():
            run = _locked(key)
            if run is not None and run.state == State.PREVIEWING:
                reading, verdicts = _compared(run, to_write=False)
                _show(reading, verdicts)
    except (Unreadable, vault.Altered) as refusal:
        _refuse(key, refusal)


def apply(key: UUID) -> None:
    """Write a previewed run into the record, whole or not at all."""
    try:
        with transaction.atomic():
            _take_turn()
            run = _locked(key)
            if run is None or run.state != State.APPLYING:
                return
            reading, verdicts = _compared(run, to_write=True)
            if previews.count(reading) != run.counts or previews.refusals(reading):
                _show(reading, verdicts)
            else:
                _write(reading, verdicts)
    except (Unreadable, vault.Altered) as refusal:
        _refuse(key, refusal)


def fail(key: UUID, reason: str, line: int | None = None) -> None:
    """The run is refused and stays as such, with the reason; nothing of it was written."""
    open_ = ImportRun.objects.filter(pk=key, state__in=[State.RECEIVED, State.PREVIEWING, State.APPLYING])
    _move(open_, State.FAILED, error=reason, error_line=line)
    progress.forget(f"import:{key}")


def _compared(run: ImportRun, *, to_write: bool) -> tuple[Reading, Verdicts | None]:
    connector = REGISTRY[run.connector]
    if connector.version != run.connector_version:
        raise Unreadable(
            "other_version", _("This format is read in another way since the file came. Upload it again.")
        )
    with vault.open_verified(run.blob) as file:
        header, found = connector.read(file, run.mapping)
        _check(run, header.system_reference)
        run.taken_at = header.taken_at or run.taken_at
        if run.taken_at is not None and run.taken_at > run.received_at + CLOCKS_DIFFER:
            raise Unreadable(
                "taken_in_future",
                _("The file says it was read at the source after it came here. Correct the time."),
            )
        run.is_complete, run.covers = header.is_full, sorted(header.covers)
        run.system_reference = (header.system_reference or "")[:200]
        reading = Reading(run, header)
        staging.load(reading, found, seen=_progress(run))
    verdicts = None
    if reading.is_of_people:
        people.compare(reading)
    else:
        inventory.compare(reading)
        # The run is asked what it proves, so it has to know what it could not read.
        run.rejected = reading.rejected
        verdicts = proof.judge(reading, to_write=to_write)
        links.decide(reading)
    run.rejected = reading.rejected
    return reading, verdicts


def _check(run: ImportRun, said: str | None) -> None:
    """A file of another system than this one would end everything here."""
    system = run.source.system
    if system is None or not said:
        return
    before = ImportRun.objects.applied().filter(source=run.source_id).exclude(system_reference="")
    known = system.reference or before.order_by("-id").values_list("system_reference", flat=True).first()
    if known is None or said.casefold() in {known.casefold(), system.code.casefold()}:
        return
    raise Unreadable(
        "other_system",
        _(
            "The file is of “%(said)s”, and %(system)s is “%(known)s”. Check that it is the right file; if "
            "the system has another name now, correct its own reference first."
        )
        % {"said": said[:80], "system": system.code, "known": known},
    )


def _show(reading: Reading, verdicts: Verdicts | None) -> None:
    """Keep what the preview shows. Rejected rows are kept once: they are evidence."""
    run, counts = reading.run, previews.count(reading)
    kept = {name: run.preview[name] for name in ("rows", "lines") if name in run.preview}
    was_shown = run.state == State.APPLYING
    found = kept | previews.describe(reading, counts, verdicts)
    if was_shown:
        found["warnings"].insert(0, {"code": "record_changed"})
    if not run.rejects.exists():
        Reject.objects.bulk_create(
            [
                Reject(
                    run=run, line=one.line, code=one.code[:32], reason=one.reason, excerpt=one.excerpt[:200]
                )
                for one in reading.rejects
            ],
            batch_size=500,
        )
    _move(
        ImportRun.objects.filter(pk=run.pk), State.PREVIEWED, preview=found, counts=counts, **_of_header(run)
    )


def _write(reading: Reading, verdicts: Verdicts | None) -> None:
    reading.execute(inventory_writes.CHANGED_ROWS)
    if reading.is_of_people:
        people.write(reading)
        links.decide(reading)
    else:
        links.write_machines(reading)
        inventory_writes.write(reading)
    links.write(reading)
    if verdicts is not None:
        proof.write(reading, verdicts)
    _settle(reading, verdicts)


def _settle(reading: Reading, verdicts: Verdicts | None) -> None:
    run, at = reading.run, moment.now()
    kept = {
        name: value for name, value in run.preview.items() if name not in ("samples", "joined", "namesakes")
    }
    _move(
        ImportRun.objects.filter(pk=run.pk),
        State.APPLIED,
        at=at,
        applied_at=at,
        preview=kept,
        **_of_header(run),
    )
    changed, digest = 0, hashlib.sha256()
    for (line,) in reading.stream(CHANGED_LINES):
        digest.update(line.encode() + b"\n")
        changed += 1
    facts = {
        "source": run.source_id,
        "system": run.source.system_id,
        "file": run.blob.hexdigest,
        "taken_at": run.taken_at,
        "is_complete": run.is_complete,
        "covers": run.covers,
        "counts": run.counts,
        "rejected": run.rejected,
        "changed": changed,
        "changed_digest": digest.digest(),
        "revocations": verdicts.counts if verdicts else {},
    }
    asked_by = User.objects.filter(pk=run.applied_by_id).first() if run.applied_by_id else None
    event = record(Verb.IMPORT_APPLIED, run, actor=asked_by.actor if asked_by else PORTAL, facts=facts, at=at)
    telling.tell(event)
    progress.forget(f"import:{run.pk}")


def _of_header(run: ImportRun) -> dict[str, Any]:
    return {
        "taken_at": run.taken_at,
        "is_complete": run.is_complete,
        "covers": run.covers,
        "system_reference": run.system_reference,
        "rejected": run.rejected,
    }


def _refuse(key: UUID, refusal: Exception) -> None:
    if isinstance(refusal, Unreadable):
        fail(key, str(refusal), refusal.line)
    else:
        fail(
            key, _("The file in the vault is not the one that was kept. Upload it again, and tell security.")
        )


def _progress(run: ImportRun) -> Callable[[int], None]:
    total = run.preview.get("lines")

    def seen(line: int) -> None:
        progress.report(f"import:{run.pk}", line, total)

    return seen


def _locked(key: UUID) -> ImportRun | None:
    runs = ImportRun.objects.select_for_update(of=("self",)).select_related("source__system", "blob")
    return runs.filter(pk=key).first()


def _take_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])


def _move(runs: Any, state: ImportRun.State, *, at: Any = None, **values: Any) -> int:
    moved: int = runs.update(state=state, state_at=at or moment.now(), version=F("version") + 1, **values)
    return moved
