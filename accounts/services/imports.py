"""Verbs about readings: received without secrets, looked at, applied or discarded, confirmed by another."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import feeding, reconciliation
from accounts.connectors.records import Unreadable
from accounts.connectors.text import Readable
from accounts.models import ImportRun, Source
from accounts.reconciliation import release_of
from accounts.tasks.imports import apply_import, preview_import
from portal import moment
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.tasks.jobs import enqueue_on_commit, enqueue_unless_waiting
from portal.users.models import User

State = ImportRun.State
STUCK_AFTER = timedelta(minutes=10)


class Refused(ValidationError):
    """A file is refused before anything of it is kept; `line` is where, as far as known."""

    def __init__(self, refusal: Unreadable) -> None:
        super().__init__(str(refusal), code=refusal.code)
        self.line = refusal.line


@transaction.atomic
def receive(
    source: Source,
    file: Readable,
    *,
    file_name: str,
    by: User,
    provenance: ImportRun.Provenance,
    taken_at: datetime | None = None,
    mapping: Mapping[str, str] | None = None,
    filter_text: str = "",
    source_count: int | None = None,
) -> ImportRun:
    """Keep a file without its secrets and have it read. Raises Refused for one that is not what it should be.

    `taken_at` is when it was read at the source; where the file says so itself, the file counts. `mapping`
    adds to the source's own. `filter_text` is how it was asked for there, `source_count` how many rows the
    source counted: where the file holds another number, it proves nothing gone.
    """
    at = moment.now()
    if taken_at is not None and taken_at > at + timedelta(minutes=5):
        raise ValidationError(
            _("It can't have been read at the source in the future."), code="taken_in_future"
        )
    try:
        run = feeding.keep(
            source,
            file,
            file_name=file_name,
            provenance=provenance,
            actor=by.actor,
            by_id=by.pk,
            at=at,
            taken_at=taken_at,
            mapping=mapping,
            filter_text=filter_text,
            source_count=source_count,
        )
    except Unreadable as refusal:
        raise Refused(refusal) from refusal
    enqueue_on_commit(preview_import, str(run.pk))
    return run


@transaction.atomic
def apply(run: ImportRun, *, version: int | None, by: User | None) -> ImportRun:
    """Have a previewed reading written into the record, by a task and as a whole; its event is written there.

    Without `by` the portal does it itself, for a feed that may be applied without hands: `services.feeds`.

    One that tripped a fuse is applied only once a second person has released it: `services.releases`.
    """
    refuse_unfit(run)
    fuse = run.preview.get("fuse")
    if fuse and release_of(run, fuse["seal"]) is None:
        raise ValidationError(
            _("It would end more than one person may let it end. Ask a second person to release it."),
            code="fuse",
        )
    if ImportRun.objects.filter(source=run.source_id, state=State.APPLYING).exclude(pk=run.pk).exists():
        raise ValidationError(_("Another reading of this source is being applied. Wait for it."), code="busy")
    values = {"state": State.APPLYING, "state_at": moment.now(), "applied_by_id": by.pk if by else None}
    change(run, version, when=Q(state=State.PREVIEWED), **values)
    enqueue_on_commit(apply_import, str(run.pk))
    return run


def refuse_unfit(run: ImportRun) -> None:
    """Nobody applies what comes from a source in quarantine, or from before what is applied already."""
    if run.source.is_quarantined:
        raise ValidationError(
            _("The source is new. Look at its first reading and release it, then apply."), code="quarantined"
        )
    if run.preview.get("refusals"):
        raise ValidationError(
            _("A later reading is part of the record already. Discard this one."), code="older_than_applied"
        )


@transaction.atomic
def discard(run: ImportRun, *, version: int | None, by: User) -> ImportRun:
    """Nothing of this reading becomes part of the record; its file and what was rejected stay."""
    at = moment.now()
    kept = reconciliation.settled(run)
    change(run, version, when=Q(state=State.PREVIEWED), state=State.DISCARDED, state_at=at, preview=kept)
    reconciliation.drop(run.pk)
    record(Verb.IMPORT_DISCARDED, run, actor=by.actor, at=at, facts={"source": run.source_id})
    return run


@transaction.atomic
def confirm(run: ImportRun, *, control_total: int, version: int | None, by: User) -> ImportRun:
    """Somebody who did not send the file read the number of its rows at the source, and it is the same."""
    if run.received_by_id == by.pk:
        raise ValidationError(
            _("You sent this file. Somebody else has to read the count at the source."), code="same_person"
        )
    counted = rows_of(run)
    if counted is not None and counted != control_total:
        raise ValidationError(
            _(
                "The file holds %(counted)d rows and you read %(total)d at the source, so it does not show "
                "what is there. Have it exported again."
            ),
            code="count_differs",
            params={"counted": counted, "total": control_total},
        )
    at = moment.now()
    still = Q(state__in=[State.PREVIEWED, State.APPLYING, State.APPLIED], confirmed_at=None)
    change(run, version, when=still, control_total=control_total, confirmed_by_id=by.pk, confirmed_at=at)
    facts = {"source": run.source_id, "control_total": control_total}
    record(Verb.IMPORT_CONFIRMED, run, actor=by.actor, at=at, facts=facts)
    return run


def resume(at: datetime) -> int:
    """Send on the readings whose task seems lost; one that is still at work is not sent twice."""
    stuck = ImportRun.objects.filter(state_at__lt=at - STUCK_AFTER)
    jobs = {State.RECEIVED: preview_import, State.PREVIEWING: preview_import, State.APPLYING: apply_import}
    resumed = 0
    for state, job in jobs.items():
        for key in stuck.filter(state=state).values_list("pk", flat=True):
            enqueue_unless_waiting(job, str(key))
            resumed += 1
    return resumed


def rows_of(run: ImportRun) -> int | None:
    """What a count at the source is held against: the rows of a table, else the accounts of the file."""
    rows: int | None = run.preview.get("rows")
    return rows if rows is not None else run.counts.get("account", {}).get("read")
