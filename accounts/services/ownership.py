"""Who answers for a machine, a system or an application: named, accepted, ended; one at a time in a role."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Application, CaseLine, Identity, OffboardingCase, Ownership, System
from portal import moment
from portal.audit.services import Actor, record, record_each
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change
from portal.users.models import User

Owned = Identity | System | Application

# What a leaver's place is called among the lines of their case.
LINE_KINDS: dict[tuple[type[Owned], Ownership.Role], str] = {
    (Identity, Ownership.Role.OWNER): "machine",
    (Identity, Ownership.Role.DEPUTY): "deputy",
    (System, Ownership.Role.OWNER): "system",
    (System, Ownership.Role.DEPUTY): "system_deputy",
    (Application, Ownership.Role.OWNER): "application",
    (Application, Ownership.Role.DEPUTY): "application_deputy",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Of many machines that are given owners at once: the version that was seen, and who is to own it."""

    version: int
    holder: Identity


@transaction.atomic
def name_owner(
    owned: Owned,
    holder: Identity,
    *,
    role: Ownership.Role,
    version: int | None,
    actor: Actor,
    at: datetime | None = None,
) -> Ownership:
    """Make `holder` the owner or deputy; the one before ends at this moment.

    The holder is a person who has not left, and deputy and owner are two people.
    """
    at = at or moment.now()
    _check(owned, holder, role)
    values: dict[str, Any] = {role.value: holder}
    if not isinstance(owned, System) and role == Ownership.Role.OWNER:
        values["stand_in"] = None  # whoever stood in is relieved
    change(owned, version, **values)
    _end_running(owned, role, at)
    made = Ownership.objects.create(**_key(owned), role=role, holder=holder, during=DateTimeTZRange(at, None))
    facts = {"role": role, "holder": holder.pk, "holder_card": holder.card}
    record(Verb.OWNER_NAMED, owned, actor=actor, at=at, facts=facts)
    _settle_lines(owned, role, holder, at)
    return made


@transaction.atomic
def name_many(chosen: Mapping[UUID, Chosen], *, actor: Actor, at: datetime | None = None) -> int:
    """Make people the owners of many machines at once, all or none; returns how many.

    Each machine has its own line in the log, as if it had been named alone.
    """
    at = at or moment.now()
    machines = list(Identity.objects.machines().filter(pk__in=chosen).select_for_update().order_by("pk"))
    if len(machines) != len(chosen):
        raise gone()
    for machine in machines:
        if machine.version != chosen[machine.pk].version:
            raise Conflict(machine)
        _check_one_of_many(machine, chosen[machine.pk].holder)
    by_holder: dict[UUID, list[UUID]] = {}
    for machine in machines:
        by_holder.setdefault(chosen[machine.pk].holder.pk, []).append(machine.pk)
    for holder, keys in by_holder.items():
        Identity.objects.filter(pk__in=keys).update(owner=holder, stand_in=None, version=F("version") + 1)
    owner = Ownership.Role.OWNER
    for running in Ownership.objects.filter(identity__in=chosen, role=owner, during__upper_inf=True):
        _end_one(running, at)
    Ownership.objects.bulk_create(
        Ownership(
            identity=machine, role=owner, holder=chosen[machine.pk].holder, during=DateTimeTZRange(at, None)
        )
        for machine in machines
    )
    _record_many(machines, chosen, actor, at)
    return len(machines)


def _record_many(machines: list[Identity], chosen: Mapping[UUID, Chosen], actor: Actor, at: datetime) -> None:
    def facts(machine: Identity) -> dict[str, object]:
        holder = chosen[machine.pk].holder
        return {"role": Ownership.Role.OWNER, "holder": holder.pk, "holder_card": holder.card}

    record_each(Verb.OWNER_NAMED, machines, actor=actor, at=at, facts=facts)
    waiting = _waiting(Identity, Ownership.Role.OWNER).filter(subject_id__in=[str(m.pk) for m in machines])
    for line in waiting.select_related("case"):
        _settle_line(line, chosen[UUID(line.subject_id)].holder, at)


@transaction.atomic
def accept(owned: Identity | Application, *, version: int | None, by: User) -> None:
    """The one who stands in, or who was named, says: this is mine. From now on they own it."""
    me = Identity.objects.filter(pk=by.identity_id).first() if by.identity_id else None
    if me is None or by.identity_id not in {owned.stand_in_id, owned.owner_id}:
        raise ValidationError(_("Only the one who stands in or was named owner can accept."))
    take(owned, me, version=version, actor=by.actor, at=moment.now())


@transaction.atomic
def take(
    owned: Identity | Application, me: Identity, *, version: int | None, actor: Actor, at: datetime
) -> None:
    """They say themselves that they answer for it, so they own it and have accepted."""
    if owned.owner_id != me.pk:
        if owned.deputy_id == me.pk:
            # The deputy becomes the owner, so the place behind them is empty until somebody is named.
            change(owned, version)
            end(owned, role=Ownership.Role.DEPUTY, actor=actor, at=at)
            version = owned.version
        name_owner(owned, me, role=Ownership.Role.OWNER, version=version, actor=actor, at=at)
    else:
        change(owned, version)
    Ownership.objects.filter(**_key(owned), role=Ownership.Role.OWNER, during__upper_inf=True).update(
        accepted_at=at
    )
    record(Verb.OWNER_ACCEPTED, owned, actor=actor, at=at, facts={"holder": me.pk, "holder_card": me.card})


@transaction.atomic
def stand_in(
    owned: Identity | Application,
    holder: Identity,
    *,
    actor: Actor,
    at: datetime,
    as_last_resort: bool = False,
) -> None:
    """`holder` acts as owner at once, and owns only after accepting: a deputy, or who owns the system."""
    change(owned, None, stand_in=holder)
    facts: dict[str, object] = {
        "holder": holder.pk,
        "holder_card": holder.card,
        "owner": owned.owner_id,
    }
    if as_last_resort:
        facts["last_resort"] = True
    record(Verb.OWNER_STOOD_IN, owned, actor=actor, at=at, facts=facts)


@transaction.atomic
def end(owned: Owned, *, role: Ownership.Role, actor: Actor, at: datetime | None = None) -> None:
    """Nobody holds this role any more; the place is empty until somebody is named."""
    at = at or moment.now()
    change(owned, None, **{role.value: None})
    _end_running(owned, role, at)
    record(
        Verb.OWNER_NAMED, owned, actor=actor, at=at, facts={"role": role, "holder": None, "holder_card": None}
    )


def _check(owned: Owned, holder: Identity, role: Ownership.Role) -> None:
    if isinstance(owned, Identity) and owned.is_human:
        raise ValidationError(_("People have managers; owners are for machines, systems and applications."))
    if not holder.is_human or holder.status == Identity.Status.LEFT:
        raise ValidationError(
            _("%(name)s can't answer for this: choose a person who is here.") % {"name": holder}
        )
    other = owned.deputy_id if role == Ownership.Role.OWNER else owned.owner_id
    if other == holder.pk:
        raise ValidationError(_("Owner and deputy must be two people."))


def _check_one_of_many(machine: Identity, holder: Identity) -> None:
    try:
        _check(machine, holder, Ownership.Role.OWNER)
    except ValidationError as refusal:
        raise ValidationError(f"{machine.name}: {' '.join(refusal.messages)}") from refusal


def _end_running(owned: Owned, role: Ownership.Role, at: datetime) -> None:
    for running in Ownership.objects.filter(**_key(owned), role=role, during__upper_inf=True):
        _end_one(running, at)


def _end_one(running: Ownership, at: datetime) -> None:
    # Two acts in one moment would make an empty range, which excludes nothing: end it where it began.
    lower = running.during.lower
    Ownership.objects.filter(pk=running.pk).update(during=DateTimeTZRange(lower, max(at, lower or at)))


def _settle_lines(owned: Owned, role: Ownership.Role, holder: Identity, at: datetime) -> None:
    """Running cases of others that waited for this place to be taken see it in the same act.

    Else a line that is settled stands open until the clock looks again, and could be excepted meanwhile.
    """
    for line in _waiting(type(owned), role).filter(subject_id=str(owned.pk)).select_related("case"):
        _settle_line(line, holder, at)


def _waiting(kind: type[Owned], role: Ownership.Role) -> "QuerySet[CaseLine]":
    return CaseLine.objects.select_for_update(of=("self",)).filter(
        kind=LINE_KINDS[kind, role],
        subject_type=kind._meta.label_lower,
        case__state=OffboardingCase.State.RUNNING,
        state=CaseLine.State.OPEN,
    )


def _settle_line(line: CaseLine, holder: Identity, at: datetime) -> None:
    if line.case.identity_id != holder.pk:
        change(line, None, state=CaseLine.State.DONE, outcome=taken_words(holder), settled_at=at)


def gone() -> ValidationError:
    """What was chosen is not there as it was."""
    return ValidationError(_("Some of them are gone. Choose again."))


def taken_words(holder: Identity) -> str:
    """What became of a place that somebody else took."""
    return _("%(name)s answers for it now.") % {"name": holder}


def _key(owned: Owned) -> dict[str, Owned]:
    if isinstance(owned, Identity):
        return {"identity": owned}
    return {"system": owned} if isinstance(owned, System) else {"application": owned}
