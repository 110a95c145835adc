"""Verbs about systems: what is known of them, their owner, and who carries out removals."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Entitlement, Identity, Ownership, System, SystemShare
from accounts.reconciliation import derived
from accounts.services import ownership
from portal import moment
from portal.audit import cards
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.users.models import User

LONGEST_SHARE = timedelta(days=366)


@transaction.atomic
def edit(
    system: System,
    *,
    name: str,
    environment: str,
    removal_days: int,
    owner: Identity | None,
    deputy: Identity | None,
    carriers: Iterable[Identity],
    version: int | None,
    actor: Actor,
    hosts: Sequence[str] | None = None,
    is_gateway: bool | None = None,
) -> System:
    """Change a system; owner and deputy go through `ownership`, so that their history is kept.

    `hosts` and `is_gateway` stay as they are where they are None. With new names of hosts, the rights of
    gateways are matched again to the accounts here.
    """
    values: dict[str, Any] = {"name": name, "environment": environment, "removal_days": removal_days}
    values |= {"hosts": system.hosts if hosts is None else list(hosts)}
    values |= {"is_gateway": system.is_gateway if is_gateway is None else is_gateway}
    changes: dict[str, Any] = {key: value for key, value in values.items() if value != getattr(system, key)}
    if "name" in changes:
        changes["card"] = cards.write("system", system.pk, {"code": system.code, "name": name})
    change(system, version, **changes)
    if {"hosts", "name", "is_gateway"} & set(changes):
        _match_again(system)
    # A swap of owner and deputy would meet itself half way: free the deputy's place first.
    if owner and owner.pk == system.deputy_id:
        ownership.end(system, role=Ownership.Role.DEPUTY, actor=actor)
    for role, holder in ((Ownership.Role.OWNER, owner), (Ownership.Role.DEPUTY, deputy)):
        if holder and holder.pk != getattr(system, f"{role.value}_id"):
            ownership.name_owner(system, holder, role=role, version=None, actor=actor)
        elif holder is None and getattr(system, f"{role.value}_id") is not None:
            ownership.end(system, role=role, actor=actor)
    wanted = {carrier.pk: carrier for carrier in carriers}
    chosen = sorted(wanted)
    if chosen != sorted(system.carriers.values_list("pk", flat=True)):
        system.carriers.set(wanted.values())
        changes["carriers"] = chosen
    if changes:
        facts: dict[str, object] = {"fields": sorted(changes), "carriers": chosen, "card": system.card}
        facts |= {"hosts": system.hosts, "is_gateway": system.is_gateway}
        record(Verb.SYSTEM_EDITED, system, actor=actor, facts=facts)
    return system


def _match_again(system: System) -> None:
    """Rights of other systems to act as an account here, by what its machines are called now."""
    led_here = Entitlement.objects.filter(acts_as__system=system).exclude(system=system)
    led_here.exclude(acts_as_name="").update(acts_as=None)
    with connection.cursor() as cursor:
        cursor.execute(derived.ACTS_AS, {"system": system.pk})


@transaction.atomic
def share(system: System, user: User, *, until: datetime, by: User) -> SystemShare:
    """Let somebody, such as an external auditor, see this system until then; again moves the end."""
    at = moment.now()
    if not at < until <= at + LONGEST_SHARE:
        raise ValidationError(_("A share ends in the future, within a year."))
    made = SystemShare.give(system, user, until=until, by=by, at=at)
    facts = {"system": system.code, "user": user.pk, "until": until}
    record(Verb.SYSTEM_SHARED, system, actor=by.actor, at=at, facts=facts)
    return made
