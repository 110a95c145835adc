"""Systems a leaver owns, is deputy of, or carries out removals on."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import CaseLine, Identity, Ownership, System
from accounts.ports import Holding, Settled, holdings, settle
from accounts.services import ownership
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import change

Disposition = CaseLine.Disposition


@holdings.answered_by("system")
def owned(leaver: Identity) -> list[Holding]:
    """Those they own."""
    found = System.objects.filter(owner=leaver)
    return [Holding("system", one, _name(one), Disposition.HAND_OVER, one.card) for one in found]


@settle.answered_by("system")
def settle_owned(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:  # noqa: ARG001 - the port's words
    """Nobody owns a system by standing in: somebody has to be named."""
    if line.kind != "system" or not isinstance(system := line.subject, System):
        return None
    if system.deputy is not None:
        return Settled(False, _("Name an owner; %(name)s is the deputy.") % {"name": system.deputy})
    return Settled(False, _("Name an owner; there is no deputy."))


@holdings.answered_by("system_deputy")
def deputised(leaver: Identity) -> list[Holding]:
    """Those whose owner they are behind."""
    found = System.objects.filter(deputy=leaver)
    return [Holding("system_deputy", one, _name(one), Disposition.END, one.card) for one in found]


@settle.answered_by("system_deputy")
def settle_deputised(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Ends; the owner has to name another."""
    if line.kind != "system_deputy" or not isinstance(system := line.subject, System):
        return None
    ownership.end(system, role=Ownership.Role.DEPUTY, actor=actor, at=at)
    return Settled(True, _("Ended. The owner has to name another deputy."))


@holdings.answered_by("carrier")
def carried(leaver: Identity) -> list[Holding]:
    """Those they carry out removals on."""
    found = System.objects.filter(carriers=leaver)
    return [Holding("carrier", one, _name(one), Disposition.END, one.card) for one in found]


@settle.answered_by("carrier")
def settle_carried(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Ends; who is left carries on, and an empty list is said."""
    if line.kind != "carrier" or not isinstance(system := line.subject, System):
        return None
    change(system, None)
    system.carriers.remove(line.case.identity)
    left = list(system.carriers.order_by("pk").values_list("pk", flat=True))
    facts = {"fields": ["carriers"], "carriers": left, "card": system.card}
    record(Verb.SYSTEM_EDITED, system, actor=actor, at=at, facts=facts)
    return Settled(True, _("Ended.") if left else _("Ended. Nobody carries out removals there now."))


def _name(system: System) -> str:
    return f"{system.code} · {system.name}"
