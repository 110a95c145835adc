"""A right or credential on its way out: decided, requested, reported done. Only a reading proves it gone."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from accounts.models import Account, Credential, Grant, Revocation, RevocationCause
from portal import moment
from portal.audit.services import Actor, record, record_each
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.users.models import User

Target = Grant | Credential | Account
State = Revocation.State
Act = Revocation.Act


@dataclass(frozen=True, slots=True)
class Cause:
    """What asks for a revocation: a decision, a case or an agreed end; `label` is for people."""

    kind: RevocationCause.Kind
    reference: str
    label: str = ""


@transaction.atomic
def decide(
    target: Target,
    *,
    act: Revocation.Act,
    cause: Cause,
    actor: Actor,
    at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Revocation:
    """Let `target` be on its way out. One revocation lives per target, with as many causes as ask for it.

    A harder act wins over a softer one (removing over limiting), and of two ends to set (`ends_at`, for a
    limit) the earlier: so each cause is served.
    """
    at = at or moment.now()
    revocation, is_new = _living(target, act, at)
    act_now = act if _harder(act, Act(revocation.act)) else Act(revocation.act)
    end_now = min(filter(None, [revocation.ends_at, ends_at]), default=None)
    if (act_now, end_now) != (revocation.act, revocation.ends_at):
        change(revocation, None, act=act_now, ends_at=end_now)
    _add_cause(revocation, cause, at)
    facts = {
        **about(revocation),
        "ends_at": end_now,
        "cause": cause.kind,
        "reference": cause.reference,
        "joined": not is_new,
    }
    record(Verb.REVOCATION_DECIDED, revocation, actor=actor, at=at, facts=facts)
    return revocation


@transaction.atomic
def withdraw(cause: Cause, *, actor: Actor, at: datetime | None = None) -> int:
    """Take a cause back; a revocation with no cause left is withdrawn. Returns how many were.

    What is already proven gone stays gone: bringing it back is a grant, not an undo.
    """
    at, withdrawn = at or moment.now(), 0
    causes = RevocationCause.objects.filter(kind=cause.kind, reference=cause.reference, withdrawn_at=None)
    for taken_back in causes.select_related("revocation"):
        # Locked, so that a cause that joins in this moment is either seen here or makes a revocation anew.
        revocation = Revocation.objects.select_for_update().get(pk=taken_back.revocation_id)
        RevocationCause.objects.filter(pk=taken_back.pk).update(withdrawn_at=at)
        if revocation.causes.filter(withdrawn_at=None).exists() or revocation.state not in Revocation.LIVE:
            continue
        was = revocation.state
        change(revocation, None, when=Q(state=was), state=State.WITHDRAWN, withdrawn_at=at)
        facts = {**about(revocation), "was": was}
        record(Verb.REVOCATION_WITHDRAWN, revocation, actor=actor, at=at, facts=facts)
        withdrawn += 1
    return withdrawn


@transaction.atomic
def carry_on(before: Cause, now: Cause) -> Revocation | None:
    """What `before` asks for is asked for by `now` from here on: the same revocation, the same cause.

    For whoever says anew why, and nothing else. None where nothing on its way hangs on `before`. The act
    that says it records it; nothing here changes what is to go, by whom or by when.
    """
    causes = RevocationCause.objects.filter(kind=before.kind, reference=before.reference, withdrawn_at=None)
    alive = Revocation.objects.live().select_for_update()
    revocation = alive.filter(pk__in=causes.values("revocation")).first()
    if revocation is not None:
        causes.filter(revocation=revocation).update(reference=now.reference, label=now.label)
    return revocation


@transaction.atomic
def request(revocations: "models.QuerySet[Revocation]", *, actor: Actor, at: datetime | None = None) -> int:
    """Ask for decided revocations to be carried out; due after the system's own number of days."""
    at = at or moment.now()
    wanted = revocations.filter(state=State.DECIDED).select_for_update(of=("self",))
    by_days: dict[int, list[UUID]] = defaultdict(list)
    for key, days in wanted.values_list("pk", "system__removal_days"):
        by_days[days].append(key)
    for days, keys in by_days.items():
        Revocation.objects.filter(pk__in=keys).update(
            state=State.REQUESTED,
            requested_at=at,
            due_at=at + timedelta(days=days),
            version=F("version") + 1,
        )
    asked = Revocation.objects.filter(pk__in=[key for keys in by_days.values() for key in keys])
    return record_each(Verb.REVOCATION_REQUESTED, asked, actor=actor, at=at, facts=about)


@transaction.atomic
def decide_and_request(
    target: Target, *, act: Revocation.Act, cause: Cause, actor: Actor, at: datetime | None = None
) -> Revocation:
    """Decide and ask in one act, where no sign-off lies between."""
    revocation = decide(target, act=act, cause=cause, actor=actor, at=at)
    request(Revocation.objects.filter(pk=revocation.pk), actor=actor, at=at)
    revocation.refresh_from_db()
    return revocation


@transaction.atomic
def report_done(revocation: Revocation, *, version: int | None, ticket: str = "", by: User) -> Revocation:
    """Whoever carries it out says it is done. That is a claim; only a reading proves it."""
    at = moment.now()
    still = Q(state__in=[State.REQUESTED, State.IMPOSSIBLE, State.REPORTED])
    values = {"state": State.REPORTED, "reported_at": at, "reported_by_id": by.pk, "ticket": ticket.strip()}
    change(revocation, version, when=still, **values)
    facts = {**about(revocation), "ticket": revocation.ticket}
    record(Verb.REVOCATION_REPORTED, revocation, actor=by.actor, at=at, facts=facts)
    return revocation


@transaction.atomic
def report_many(seen: Iterable[tuple[Revocation, int]], *, ticket: str = "", by: User) -> int:
    """Report several done, each with the version that was seen: all of them, or none."""
    in_order = sorted(seen, key=lambda pair: pair[0].pk)  # so that two people with one list never deadlock
    for revocation, version in in_order:
        report_done(revocation, version=version, ticket=ticket, by=by)
    return len(in_order)


@transaction.atomic
def impossible(revocation: Revocation, *, version: int | None, because: str, by: User) -> Revocation:
    """It can't be done, and why; it returns to those who decided."""
    if not because.strip():
        raise ValidationError(_("Say why it can't be done; the decider reads it."))
    still = Q(state__in=[State.REQUESTED, State.REPORTED])
    change(revocation, version, when=still, state=State.IMPOSSIBLE, impossible_because=because.strip())
    facts = {**about(revocation), "because": revocation.impossible_because}
    record(Verb.REVOCATION_NOT_POSSIBLE, revocation, actor=by.actor, facts=facts)
    return revocation


@transaction.atomic
def ask_again(
    revocation: Revocation, *, version: int | None, actor: Actor, at: datetime | None = None
) -> Revocation:
    """Ask once more for what was said to be impossible, or for what came back after it was proven gone.

    What came back gets a revocation of its own with the same causes: the proof of the first one stands.
    """
    at = at or moment.now()
    if revocation.state == State.IMPOSSIBLE:
        due_at = at + timedelta(days=revocation.system.removal_days)
        change(revocation, version, when=Q(state=State.IMPOSSIBLE), state=State.REQUESTED, due_at=due_at)
        facts = {**about(revocation), "again": True}
        record(Verb.REVOCATION_REQUESTED, revocation, actor=actor, at=at, facts=facts)
        return revocation
    if revocation.state != State.REAPPEARED:
        raise ValidationError(_("Only what came back, or was said to be impossible, can be asked for again."))
    change(revocation, version, when=Q(state=State.REAPPEARED))
    target = _there_now(revocation)
    made = revocation
    for one in revocation.causes.filter(withdrawn_at=None):
        cause = Cause(RevocationCause.Kind(one.kind), one.reference, one.label)
        made = decide(target, act=Act(revocation.act), cause=cause, actor=actor, at=at)
    if made.pk == revocation.pk:
        raise ValidationError(_("Nobody asks for this any more; decide anew."))
    request(Revocation.objects.filter(pk=made.pk), actor=actor, at=at)
    made.refresh_from_db()
    return made


def about(revocation: Revocation) -> dict[str, object]:
    """The facts of every event about a revocation: what goes, by key."""
    return {
        "act": revocation.act,
        "grant": revocation.grant_id,
        "credential": revocation.credential_id,
        "account": revocation.account_id,
        "system": revocation.system_id,
    }


def _living(target: Target, act: Revocation.Act, at: datetime) -> tuple[Revocation, bool]:
    """The live revocation of the target, locked, or a new one."""
    name = str(target._meta.model_name)
    alive = Revocation.objects.live().select_for_update().filter(**{name: target})
    if (found := alive.first()) is not None:
        return found, False
    system = target.account.system_id if isinstance(target, Credential) else target.system_id
    try:
        with transaction.atomic():
            made = Revocation.objects.create(system_id=system, act=act, decided_at=at, **{name: target})
    except IntegrityError:
        # Somebody else decided the same in this moment; the database let only one of them live.
        return alive.get(), False
    return made, True


def _add_cause(revocation: Revocation, cause: Cause, at: datetime) -> None:
    values = {"label": cause.label, "added_at": at, "withdrawn_at": None}
    RevocationCause.objects.update_or_create(
        revocation=revocation, kind=cause.kind, reference=cause.reference, defaults=values
    )


def _there_now(revocation: Revocation) -> Target:
    """What came back: the same row, or for a right the one that is held now in its place."""
    gone = revocation.grant
    if gone is None:
        there: Target | None = revocation.credential or revocation.account
    elif gone.until is None:
        there = gone
    else:
        same = Grant.objects.held().filter(account=gone.account_id, entitlement=gone.entitlement_id)
        there = same.filter(via=gone.via_id).first()
    if there is None:
        raise ValidationError(_("It is not there any more; there is nothing to ask for."))
    return there


HARDNESS = [Act.LIMIT, Act.ROTATE, Act.REMOVE, Act.DISABLE]


def _harder(one: Revocation.Act, other: Revocation.Act) -> bool:
    return HARDNESS.index(one) > HARDNESS.index(other)
