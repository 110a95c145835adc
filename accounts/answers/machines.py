"""Machines a leaver answers for: a deputy stands in at once, and owns only after accepting."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import CaseLine, Identity, Ownership
from accounts.ports import Holding, Settled, holdings, settle
from accounts.services import ownership
from portal.audit.services import Actor
from portal.audit.versions import change


@holdings.answered_by("machine")
def machines(leaver: Identity) -> list[Holding]:
    """Those they own, and those they stand in for."""
    found = Identity.objects.machines().active().filter(Q(owner=leaver) | Q(stand_in=leaver))
    return [
        Holding("machine", machine, machine.name, CaseLine.Disposition.HAND_OVER, machine.card)
        for machine in found
    ]


@settle.answered_by("machine")
def settle_machine(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """The deputy stands in, if there is one who is here; else it is named as unowned."""
    machine = line.subject
    if line.kind != "machine" or not isinstance(machine, Identity):
        return None
    deputy = machine.deputy
    if deputy is None or deputy.status == Identity.Status.LEFT or deputy.pk == line.case.identity_id:
        if machine.stand_in_id is not None:
            change(machine, None, stand_in=None)
        return Settled(False, _("Nobody answers for it: there is no deputy. Name an owner."))
    ownership.stand_in(machine, deputy, actor=actor, at=at)
    return Settled(False, _("%(name)s stands in until they accept it.") % {"name": deputy})


@holdings.answered_by("deputy")
def deputyships(leaver: Identity) -> list[Holding]:
    """Machines whose owner they are behind."""
    found = Identity.objects.machines().active().filter(deputy=leaver)
    return [
        Holding("deputy", machine, machine.name, CaseLine.Disposition.END, machine.card) for machine in found
    ]


@settle.answered_by("deputy")
def settle_deputyship(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Ends; the owner sees that a deputy is missing."""
    machine = line.subject
    if line.kind != "deputy" or not isinstance(machine, Identity):
        return None
    ownership.end(machine, role=Ownership.Role.DEPUTY, actor=actor, at=at)
    return Settled(True, _("Ended. The owner has to name another deputy."))
