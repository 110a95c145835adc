"""Applications a leaver answers for: their machines inherit, so a deputy stands in at once."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Application, CaseLine, Identity, Ownership
from accounts.ports import Holding, Settled, holdings, settle
from accounts.services import ownership
from portal.audit.services import Actor
from portal.audit.versions import change


@holdings.answered_by("application")
def applications(leaver: Identity) -> list[Holding]:
    """Those they own, and those they stand in for."""
    found = Application.objects.active().filter(Q(owner=leaver) | Q(stand_in=leaver))
    return [Holding("application", one, one.name, CaseLine.Disposition.HAND_OVER, one.card) for one in found]


@settle.answered_by("application")
def settle_application(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """The deputy stands in, if there is one who is here; else it is named as unowned."""
    application = line.subject
    if line.kind != "application" or not isinstance(application, Application):
        return None
    deputy = application.deputy
    if deputy is None or deputy.status == Identity.Status.LEFT or deputy.pk == line.case.identity_id:
        if application.stand_in_id is not None:
            change(application, None, stand_in=None)
        return Settled(False, _("Nobody answers for it: there is no deputy. Name an owner."))
    ownership.stand_in(application, deputy, actor=actor, at=at)
    return Settled(False, _("%(name)s stands in until they accept it.") % {"name": deputy})


@holdings.answered_by("application_deputy")
def deputised(leaver: Identity) -> list[Holding]:
    """Those whose owner they are behind."""
    found = Application.objects.active().filter(deputy=leaver)
    return [Holding("application_deputy", one, one.name, CaseLine.Disposition.END, one.card) for one in found]


@settle.answered_by("application_deputy")
def settle_deputised(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Ends; the owner has to name another."""
    application = line.subject
    if line.kind != "application_deputy" or not isinstance(application, Application):
        return None
    ownership.end(application, role=Ownership.Role.DEPUTY, actor=actor, at=at)
    return Settled(True, _("Ended. The owner has to name another deputy."))
