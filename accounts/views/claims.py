"""Is this yours? Machines that wait for somebody's word, and those that nobody needs."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms.ownership import ClaimForm
from accounts.models import Account, Grant, Identity, OwnershipClaim, RevocationCause, asked
from accounts.models.asked import Asked
from accounts.services import claims
from accounts.views.identities import me, people
from accounts.views.unowned import rows_of
from portal.audit.versions import as_seen
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.permissions import Perm

PER_PAGE = 50
Answer = OwnershipClaim.Answer


@require_GET
def claim_list(request: HttpRequest) -> HttpResponse:
    """Machines that wait for this person's word, the longest waiting first."""
    mine = me(request).identity_id
    waiting = asked.of_person(mine, limit=PER_PAGE) if mine else []
    machines = Identity.objects.select_related("owner").in_bulk([one.machine_id for one in waiting])
    in_order = [machines[one.machine_id] for one in waiting if one.machine_id in machines]
    rows = rows_of(in_order)
    context = {
        "rows": rows,
        "is_cut": len(rows) == PER_PAGE,
        "mine": mine,
        "may_confirm": allowed(request.user, Perm.OWNER_NAME),
    }
    return page(request, "accounts/claim_list.html", context)


@require_http_methods(["GET", "POST"])
def claim(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One machine, what is known of it, and the four answers."""
    machine, waits = _asked_about(request, pk)
    answers = _answers(request, machine, waits)
    form = ClaimForm(request.POST or None, initial={"version": machine.version})
    form.fields["answer"].choices = answers  # type: ignore[attr-defined]  # a ChoiceField
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            claims.say(
                machine,
                answer=Answer(given["answer"]),
                ask=given["ask"],
                remark=given["remark"],
                version=given["version"],
                by=me(request),
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _said(machine, Answer(given["answer"])))
            return redirect("claim_list")
    context = {
        "shown": machine,
        "form": form,
        "row": rows_of([machine])[0],
        "accounts": _accounts(machine),
        "said": machine.ownership_claims.select_related("said_by", "ask").newest_first()[:20],
        "people": people(),
    }
    return page(request, "accounts/claim.html", context, status=422 if form.errors else 200)


@require_GET
def shut_down_list(request: HttpRequest) -> HttpResponse:
    """Machines of which somebody said that nobody needs them; nothing happens until it is confirmed."""
    require(request.user, Perm.OWNER_NAME)
    waiting = OwnershipClaim.objects.shutting_down().select_related("identity", "said_by").order_by("said_at")
    found = list(waiting[:PER_PAGE])
    causes = RevocationCause.objects.filter(
        kind=RevocationCause.Kind.CLAIM, reference__in=[str(one.pk) for one in found]
    )
    asked_for = set(causes.values_list("reference", flat=True))
    present = dict(
        Account.objects.present()
        .filter(identity__in=[one.identity_id for one in found])
        .values("identity")
        .annotate(n=Count("pk"))
        .values_list("identity", "n")
    )
    rows = [(one, present.get(one.identity_id, 0), str(one.pk) in asked_for) for one in found]
    context = {"rows": rows, "count": waiting.count(), "mine": me(request).identity_id}
    return page(request, "accounts/claim_shut_down.html", context)


@require_POST
def claim_confirm(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The accounts of a machine that nobody needs are asked to go."""
    require(request.user, Perm.OWNER_NAME)
    claimed = get_object_or_404(OwnershipClaim.objects.shutting_down().select_related("identity"), pk=pk)
    count = claims.confirm_shut_down(claimed, version=as_seen(request.POST.get("version")), by=me(request))
    words = ngettext(
        "%(count)d account is asked to be disabled.", "%(count)d accounts are asked to be disabled.", count
    )
    messages.success(request, words % {"count": count} if count else _("It is retired."))
    return redirect("shut_down_list")


def _asked_about(request: HttpRequest, pk: UUID) -> tuple[Identity, Asked]:
    """A machine that waits for this person's word or is theirs, for IAM any; else it does not exist."""
    machines = (
        Identity.objects.machines().active().select_related("owner", "deputy", "stand_in", "application")
    )
    machine = get_object_or_404(machines, pk=pk)
    waits, mine = asked.about([pk]).get(pk), me(request).identity_id
    through = machine.application
    owners = {machine.owner_id, through.owner_id if through else None} - {None}
    if waits is None or not (
        (mine is not None and (waits.person_id == mine or mine in owners))
        or allowed(request.user, Perm.OWNER_NAME)
    ):
        raise Http404
    return machine, waits


def _answers(request: HttpRequest, machine: Identity, waits: Asked) -> Sequence[tuple[str, str]]:
    mine = me(request).identity_id
    if mine is not None and waits.person_id == mine:
        allowed_now = list(Answer)
    elif mine is not None and machine.answered_by is not None and machine.answered_by.pk == mine:
        allowed_now = [Answer.ASK, Answer.SHUT_DOWN]
    else:
        allowed_now = [Answer.ASK]
    return [(one.value, str(one.label)) for one in allowed_now]


def _accounts(machine: Identity) -> "list[Account]":
    held = Q(grants__in=Grant.objects.held())
    present = Account.objects.present().filter(identity=machine).select_related("system")
    return list(
        present.annotate(
            held=Count("grants", filter=held),
            privileged=Count("grants", filter=held & Q(grants__entitlement__carries_privilege=True)),
        ).order_by("system__code", "name")[:PER_PAGE]
    )


def _said(machine: Identity, answer: OwnershipClaim.Answer) -> str:
    words = {
        Answer.MINE: _("You own %(name)s now. Name a deputy next."),
        Answer.NOT_MINE: _("Noted: %(name)s is not yours."),
        Answer.ASK: _("They are asked about %(name)s."),
        Answer.SHUT_DOWN: _(
            "IAM is told that nobody needs %(name)s. Nothing is shut down before they confirm."
        ),
    }
    return words[answer] % {"name": machine.name}
