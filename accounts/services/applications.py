"""Applications: made, edited, retired, and which machines belong to them and inherit who answers."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Application, Identity, Ownership
from accounts.services import ownership
from portal import moment
from portal.audit import cards
from portal.audit.services import Actor, record, record_each
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change

RETIRED = Application.Status.RETIRED
EDITABLE = frozenset({"name", "description", "environment"})


@transaction.atomic
def create(
    *,
    name: str,
    actor: Actor,
    description: str = "",
    environment: str = "",
    owner: Identity | None = None,
    deputy: Identity | None = None,
) -> Application:
    """Something that is run; whoever owns it answers for its machines that have no owner of their own."""
    at = moment.now()
    made = Application(
        name=name.strip(), description=description.strip(), environment=environment.strip(), created_at=at
    )
    _no_twin(made)
    made.card = cards.write("application", made.pk, {"name": made.name})
    made.full_clean(exclude=["card"])
    made.save()
    record(Verb.APPLICATION_CREATED, made, actor=actor, at=at, facts={"card": made.card})
    for role, holder in ((Ownership.Role.OWNER, owner), (Ownership.Role.DEPUTY, deputy)):
        if holder is not None:
            ownership.name_owner(made, holder, role=role, version=None, actor=actor, at=at)
    return made


@transaction.atomic
def edit(
    application: Application,
    values: Mapping[str, object],
    *,
    version: int | None,
    actor: Actor,
) -> Application:
    """Change what is known of it; owner and deputy go through `ownership`, so that their history is kept.

    `values` may hold owner and deputy: None ends the place, a missing key leaves it.
    """
    at = moment.now()
    changes: dict[str, Any] = {
        key: value for key, value in values.items() if key in EDITABLE and value != getattr(application, key)
    }
    if "name" in changes:
        _no_twin(Application(pk=application.pk, name=changes["name"]))
        changes["card"] = cards.write("application", application.pk, {"name": changes["name"]})
    change(application, version, **changes)
    if changes:
        facts = {"fields": sorted(changes.keys() - {"card"}), "card": application.card}
        record(Verb.APPLICATION_EDITED, application, actor=actor, at=at, facts=facts)
    _hold(application, values, actor, at)
    return application


def _hold(application: Application, values: Mapping[str, object], actor: Actor, at: datetime) -> None:
    owner, deputy = Ownership.Role.OWNER, Ownership.Role.DEPUTY
    new = values.get("owner")
    # A swap of owner and deputy would meet itself half way: free the deputy's place first.
    if isinstance(new, Identity) and new.pk == application.deputy_id:
        ownership.end(application, role=deputy, actor=actor, at=at)
    for role in (owner, deputy):
        holder, held = values.get(role.value, application), getattr(application, f"{role.value}_id")
        if isinstance(holder, Identity) and holder.pk != held:
            ownership.name_owner(application, holder, role=role, version=None, actor=actor, at=at)
        elif holder is None and held is not None:
            ownership.end(application, role=role, actor=actor, at=at)


@transaction.atomic
def retire(application: Application, *, version: int | None, actor: Actor) -> Application:
    """It is run no more. Refused while active machines still belong to it: nobody would notice them again."""
    # First, so that nobody adds a machine between counting and retiring.
    change(application, version, status=RETIRED)
    left = application.machines.machines().active().count()
    if left:
        raise ValidationError(
            ngettext(
                "%(count)d active machine still belongs to it. Move it to another application, or shut it "
                "down.",
                "%(count)d active machines still belong to it. Move them to another application, or shut "
                "them down.",
                left,
            )
            % {"count": left}
        )
    record(Verb.APPLICATION_RETIRED, application, actor=actor, facts={"card": application.card})
    return application


@transaction.atomic
def assign(machines: Mapping[UUID, int] | Collection[UUID], to: Application | None, *, actor: Actor) -> int:
    """Let machines belong to an application, or to none; all or none of them. Returns how many changed.

    With versions (by key) a machine that somebody changed meanwhile is a conflict.
    """
    at = moment.now()
    if to is not None and Application.objects.select_for_update().get(pk=to.pk).status == RETIRED:
        raise ValidationError(_("%(name)s is retired. Choose another application.") % {"name": to})
    found = list(Identity.objects.machines().filter(pk__in=machines).select_for_update().order_by("pk"))
    if len(found) != len(machines):
        raise ownership.gone()
    if isinstance(machines, Mapping):
        for machine in found:
            if machine.version != machines[machine.pk]:
                raise Conflict(machine)
    moved = [machine for machine in found if machine.application_id != (to.pk if to else None)]
    Identity.objects.filter(pk__in=[machine.pk for machine in moved]).update(
        application=to, version=F("version") + 1
    )
    facts = {"fields": ["application"], "application": to.pk if to else None}
    record_each(
        Verb.IDENTITY_EDITED, moved, actor=actor, at=at, facts=lambda one: {**facts, "card": one.card}
    )
    return len(moved)


def _no_twin(one: Application) -> None:
    if Application.objects.filter(name__iexact=one.name.strip()).exclude(pk=one.pk).exists():
        raise ValidationError({"name": _("There is an application of this name already.")})
