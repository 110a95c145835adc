"""One reading from its file to the record: read and compared for the preview, and once more to be applied.

The row's state is moved here for a task that claimed it. An apply writes all of it in one transaction, and
only what was previewed: where the record has changed in between, it becomes a preview again.
"""

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
from accounts.reconciliation import (
    changes,
    fuses,
    inventory,
    inventory_writes,
    links,
    people,
    previews,
    proof,
    staging,
    waiting,
)
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


def preview(key: UUID) -> None:
    """Read a run's file and say what applying it would change. Nothing of the record is written."""
    unread = ImportRun.objects.filter(pk=key, state__in=[State.RECEIVED, State.PREVIEWING])
    if not _move(unread, State.PREVIEWING):
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
            if _is_as_shown(reading):
                _write(reading, verdicts)
            else:
                _show(reading, verdicts)
    except (Unreadable, vault.Altered) as refusal:
        _refuse(key, refusal)


def fail(key: UUID, reason: str, line: int | None = None) -> None:
    """The run is refused and stays as such, with the reason; nothing of it was written."""
    open_ = ImportRun.objects.filter(pk=key, state__in=[State.RECEIVED, State.PREVIEWING, State.APPLYING])
    with transaction.atomic():
        if _move(open_, State.FAILED, error=reason, error_line=line):
            waiting.drop(key)
    progress.forget(f"import:{key}")


def _compared(run: ImportRun, *, to_write: bool) -> tuple[Reading, Verdicts | None]:
    if REGISTRY[run.connector].version != run.connector_version:
        raise Unreadable(
            "other_version", _("This format is read in another way since the file came. Upload it again.")
        )
    reading = _again(run) if to_write else None
    reading = reading or _read(run)
    verdicts = None
    reading.clear()
    with reading.in_bulk():
        (people if reading.is_of_people else inventory).compare(reading)
        reading.counts_differ = _counts_differ(reading)
        (people if reading.is_of_people else inventory).find_gone(reading)
    # The run is asked what it proves, so it has to know what it could not read.
    run.rejected = reading.rejected
    run.is_complete = run.is_complete and reading.counts_differ is None
    if not reading.is_of_people:
        verdicts = proof.judge(reading, to_write=to_write)
        with reading.in_bulk():
            links.decide(reading)
    return reading, verdicts


def _read(run: ImportRun) -> Reading:
    """The file into tables of its own, with what its header says on the run."""
    waiting.drop(run.pk)
    with vault.open_verified(run.blob) as file:
        header, found = REGISTRY[run.connector].read(file, run.mapping)
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
    reading.read_rejected = reading.rejected
    return reading


def _again(run: ImportRun) -> Reading | None:
    """What was read for the preview, if all of it still waits and the file is still the same."""
    reading = Reading(run, previews.header_of(run))
    if not waiting.is_whole(reading):
        return None
    vault.open_verified(run.blob).close()
    _check(run, run.system_reference)
    reading.rejected = reading.read_rejected = run.preview["waiting"]["rejected"]
    return reading


def _counts_differ(reading: Reading) -> tuple[int, int] | None:
    """Rows of the file and the count that came with it from the source, where they are not the same."""
    run = reading.run
    if run.source_count is None:
        return None
    rows = run.preview.get("rows")
    if rows is None:  # no table: what a person counts there are accounts
        kind = "person" if reading.is_of_people else "account"
        rows = reading.one(waiting.COUNT.replace("@kind@", kind))[0]
    return None if rows == run.source_count else (rows, run.source_count)


def _is_as_shown(reading: Reading) -> bool:
    """It would do what somebody looked at, and nothing that nobody else released."""
    counts = previews.count(reading)
    if counts != reading.run.counts or previews.refusals(reading):
        return False
    fuse = previews.fuse_of(reading, counts)
    return fuse is None or fuses.release_of(reading.run, fuse["seal"]) is not None


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
    found["waiting"] = {"rows": waiting.counted(reading), "rejected": reading.read_rejected}
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
    with reading.in_bulk():
        changes.note(reading)
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
    changed, digest = changes.digest(reading)
    waiting.drop(run.pk)
    _move(
        ImportRun.objects.filter(pk=run.pk),
        State.APPLIED,
        at=at,
        applied_at=at,
        preview=previews.settled(run),
        **_of_header(run),
    )
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
        "changed_digest": digest,
        "revocations": verdicts.counts if verdicts else {},
        "released": _released(run),
    }
    asked_by = User.objects.filter(pk=run.applied_by_id).first() if run.applied_by_id else None
    event = record(Verb.IMPORT_APPLIED, run, actor=asked_by.actor if asked_by else PORTAL, facts=facts, at=at)
    telling.tell(event)
    progress.forget(f"import:{run.pk}")


def _released(run: ImportRun) -> dict[str, Any] | None:
    """By whom, where it would have ended more than one person may let it end."""
    fuse = run.preview.get("fuse")
    approval = fuses.release_of(run, fuse["seal"]) if fuse else None
    return {"approval": approval.pk, "by": approval.decided_by_id} if approval else None


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
