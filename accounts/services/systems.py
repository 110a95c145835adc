"""Verbs about systems: what is known of them, their owner, and who carries out removals."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Identity, Ownership, System, SystemShare
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
) -> System:
    """Change a system; owner and deputy go through `ownership`, so that their history is kept."""
    values = {"name": name, "environment": environment, "removal_days": removal_days}
    changes: dict[str, Any] = {key: value for key, value in values.items() if value != getattr(system, key)}
    if "name" in changes:
        changes["card"] = cards.write("system", system.pk, {"code": system.code, "name": name})
    change(system, version, **changes)
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
        facts = {"fields": sorted(changes), "carriers": chosen, "card": system.card}
        record(Verb.SYSTEM_EDITED, system, actor=actor, facts=facts)
    return system


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
