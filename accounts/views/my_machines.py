"""The machines one person answers for: what to do first, then all of them."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.models import Application, Grant, Identity, asked, duties
from accounts.models.duties import Duty
from accounts.views.identities import me
from accounts.views.paging import piece
from portal import moment
from portal.ui.render import page

# What to do, and the tone in which it is said.
WORDS = {
    Duty.STANDS_IN: (_("You stand in for somebody who left: accept it, or say whose it is."), "bad"),
    Duty.EXPOSED: (
        _("A key of it lay open: have it rotated today, and look at what was done with it."),
        "bad",
    ),
    Duty.CONTRACT_ENDED: (
        _("Its vendor's contract has ended: shut it down, or say until when it runs."),
        "bad",
    ),
    Duty.OLD_KEY: (_("A key of it is more than a year old: have it rotated."), "bad"),
    Duty.NO_DEPUTY: (_("It is privileged, and nobody is behind you: name a deputy."), "warn"),
    Duty.REVIEW_PASSED: (_("The day has passed by which you wanted to look whether it is needed."), "warn"),
    Duty.EXPIRES: (_("A key or account of it expires soon: renew it before it stops."), "warn"),
    Duty.UNUSED: (_("It has not been used for longer than its rhythm: is it still needed?"), "warn"),
    Duty.NO_PURPOSE: (_("Nobody has said what it is for."), "info"),
}


@require_GET
def my_machines(request: HttpRequest) -> HttpResponse:
    """Five things to do first, then every machine this person answers for or stands in for."""
    mine = me(request).identity_id
    words, role = request.GET.get("q", "").strip(), request.GET.get("as", "")
    only = request.GET.get("only", "")
    shown = _mine(request, words, role, only)
    found = piece(shown, request.GET.get("after", ""), "name", "id")
    first = duties.riskiest(mine, moment.now()) if mine and not request.GET.get("after") else []
    context = {
        "found": found,
        "mine": mine,
        "count": shown.count(),
        "duties": [(one, *WORDS[one.duty]) for one in first],
        "asked": asked.count_of(mine, most=1_000) if mine else 0,
        "words": words,
        "role": role,
        "only": only,
        "is_filtered": bool(words or role or only),
        "applications": Application.objects.answered_for_by(mine).by_name()[:20] if mine else [],
    }
    return page(request, "accounts/my_machines.html", context)


def _mine(request: HttpRequest, words: str, role: str, only: str) -> "QuerySet[Identity]":
    mine = me(request).identity_id
    if mine is None:
        return Identity.objects.none()
    through = Q(application__in=Application.objects.answered_for_by(mine).values("pk"))
    roles = {
        "owner": Q(owner=mine),
        "deputy": Q(deputy=mine),
        "stand_in": Q(stand_in=mine),
        "application": through & ~Q(owner=mine),
    }
    every = Q(owner=mine) | Q(deputy=mine) | Q(stand_in=mine) | through
    held = Grant.objects.held().privileged().filter(account__identity=OuterRef("pk"))
    shown = Identity.objects.machines().active().filter(roles.get(role, every))
    if words:
        shown = shown.filter(Q(name__icontains=words) | Q(purpose__icontains=words))
    if only == "privileged":
        shown = shown.filter(Exists(held))
    elif only == "no_deputy":
        shown = shown.filter(deputy=None).filter(Q(application=None) | Q(application__deputy=None))
    elif only == "no_purpose":
        shown = shown.filter(purpose="")
    return shown.annotate(is_privileged=Exists(held)).select_related(
        "owner", "deputy", "stand_in", "application__owner", "application__deputy"
    )
