"""Who answers for a machine or a system: named, accepted, handed over. One holder of a role at a time."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext as _

from accounts.models import Identity, Ownership, System
from portal import moment
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.users.models import User

Owned = Identity | System


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
    """Make `holder` the owner or deputy of a machine or system; the one before ends at this moment.

    The holder is a person who has not left, and deputy and owner are two people.
    """
    at = at or moment.now()
    _check(owned, holder, role)
    values: dict[str, Any] = {role.value: holder}
    if isinstance(owned, Identity) and role == Ownership.Role.OWNER:
        values["stand_in"] = None  # whoever stood in is relieved
    change(owned, version, **values)
    _end_running(owned, role, at)
    made = Ownership.objects.create(**_key(owned), role=role, holder=holder, during=DateTimeTZRange(at, None))
    facts = {"role": role, "holder": holder.pk, "holder_card": holder.card}
    record(Verb.OWNER_NAMED, owned, actor=actor, at=at, facts=facts)
    return made


@transaction.atomic
def accept(identity: Identity, *, version: int | None, by: User) -> None:
    """The one who stands in, or who was named, says: this is mine. From now on they own it."""
    at = moment.now()
    me = Identity.objects.filter(pk=by.identity_id).first() if by.identity_id else None
    if me is None or by.identity_id not in {identity.stand_in_id, identity.owner_id}:
        raise ValidationError(_("Only the one who stands in or was named owner can accept."))
    if identity.owner_id != me.pk:
        if identity.deputy_id == me.pk:
            # The deputy becomes the owner, so the place behind them is empty until somebody is named.
            change(identity, version)
            end(identity, role=Ownership.Role.DEPUTY, actor=by.actor, at=at)
            version = identity.version
        name_owner(identity, me, role=Ownership.Role.OWNER, version=version, actor=by.actor, at=at)
    else:
        change(identity, version)
    Ownership.objects.filter(**_key(identity), role=Ownership.Role.OWNER, during__upper_inf=True).update(
        accepted_at=at
    )
    record(
        Verb.OWNER_ACCEPTED, identity, actor=by.actor, at=at, facts={"holder": me.pk, "holder_card": me.card}
    )


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
        raise ValidationError(_("People have managers; owners are for machines and systems."))
    if not holder.is_human or holder.status == Identity.Status.LEFT:
        raise ValidationError(
            _("%(name)s can't answer for this: choose a person who is here.") % {"name": holder}
        )
    other = owned.deputy_id if role == Ownership.Role.OWNER else owned.owner_id
    if other == holder.pk:
        raise ValidationError(_("Owner and deputy must be two people."))


def _end_running(owned: Owned, role: Ownership.Role, at: datetime) -> None:
    for running in Ownership.objects.filter(**_key(owned), role=role, during__upper_inf=True):
        # Two acts in one moment would make an empty range, which excludes nothing: end it where it began.
        lower = running.during.lower
        Ownership.objects.filter(pk=running.pk).update(during=DateTimeTZRange(lower, max(at, lower or at)))


def _key(owned: Owned) -> dict[str, Owned]:
    return {"identity": owned} if isinstance(owned, Identity) else {"system": owned}
