"""Machines that nobody answers for: who might, why, and naming them one by one or many at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.forms.ownership import LookedAtForm, NamingForm
from accounts.models import Account, Application, Grant, Identity, OwnerProposal, System, asked
from accounts.models.asked import Asked
from accounts.services import claims, proposals
from accounts.services.proposals import How, Step
from accounts.views.identities import me, people
from accounts.views.paging import PER_PAGE, Piece, key_of, piece
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.permissions import Perm

FILTERS = ("q", "system", "namespace", "application", "privileged", "proposed")


@dataclass(slots=True)
class Row:
    """One machine with what is known about who might answer for it."""

    machine: Identity
    asked: Asked | None
    systems: list[str] = field(default_factory=list)
    privileged: int = 0
    proposals: list[OwnerProposal] = field(default_factory=list)

    @property
    def falls_at(self) -> datetime | None:
        """When it falls to whoever owns its system, if somebody does and nobody stands in."""
        if self.asked is None or self.asked.last_resort_id is None or self.machine.stand_in_id:
            return None
        return claims.due_at(self.asked.since)

    @property
    def best(self) -> OwnerProposal | None:
        """Whom one click names: not a last resort, and not its own deputy."""
        first = self.proposals[0] if self.proposals else None
        if first is None or first.reason == OwnerProposal.Reason.SYSTEM:
            return None
        return first if first.candidate_id != self.machine.deputy_id else None


@require_GET
def unowned_list(request: HttpRequest) -> HttpResponse:
    """Machines without an owner who is here, the privileged first."""
    require(request.user, Perm.INVENTORY_VIEW)
    chosen = {name: request.GET.get(name, "").strip() for name in FILTERS}
    shown = _filtered(Identity.objects.visible_to(request.user).unowned(), chosen)
    found = _page(shown, request.GET.get("after", ""))
    context = {
        "rows": rows_of(found.rows),
        "found": found,
        "count": shown.count(),
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "systems": System.objects.visible_to(request.user).by_code(),
        "may_name": allowed(request.user, Perm.OWNER_NAME),
        "naming": NamingForm(),
        "people": people() if allowed(request.user, Perm.OWNER_NAME) else [],
        "most": proposals.MOST,
    }
    return page(request, "accounts/unowned_list.html", context)


@require_POST
def unowned_name(request: HttpRequest) -> HttpResponse:
    """A look at what naming the chosen machines would do; nothing is changed by it."""
    require(request.user, Perm.OWNER_NAME)
    form = NamingForm(request.POST)
    machines = _chosen(request)
    given = form.cleaned_data if form.is_valid() else {}
    steps = (
        proposals.plan(machines, How(given["how"]), person=given["person"], application=given["application"])
        if given and machines
        else []
    )
    happening = [step for step in steps if step.happens]
    context = {
        "form": form,
        "steps": steps,
        "happening": happening,
        "application": given.get("application") if given.get("how") == How.APPLICATION else None,
        "rows": ",".join(_token(step) for step in happening),
        "nothing_chosen": not machines,
        "people": people(),
        "keys": [str(machine.pk) for machine in machines],
    }
    return page(request, "accounts/unowned_name.html", context)


@require_POST
def unowned_do(request: HttpRequest) -> HttpResponse:
    """What was looked at is done, all of it or nothing."""
    require(request.user, Perm.OWNER_NAME)
    form = LookedAtForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was named: the form is incomplete. Choose again."))
        return redirect("unowned_list")
    rows, by = form.cleaned_data["rows"], me(request).actor
    key = form.cleaned_data["application"]
    if key is not None:
        application = get_object_or_404(Application.objects.visible_to(request.user), pk=key)
        count = proposals.assign_chosen(
            {machine: version for machine, version, _person in rows}, application, actor=by
        )
    else:
        named = {machine: (version, person) for machine, version, person in rows if person is not None}
        count = proposals.name_chosen(named, actor=by)
    words = ngettext(
        "%(count)d machine identity has somebody who answers for it.",
        "%(count)d machine identities have somebody who answers for them.",
        count,
    )
    messages.success(request, words % {"count": count})
    return redirect("unowned_list")


def rows_of(machines: Sequence[Identity]) -> list[Row]:
    """With proposals, whom each waits for, and where it is; three questions for any number of rows."""
    keys = [machine.pk for machine in machines]
    waits = asked.about(keys)
    rows = {machine.pk: Row(machine, waits.get(machine.pk)) for machine in machines}
    found = OwnerProposal.objects.open().filter(identity__in=keys).select_related("candidate")
    for proposal in found.strongest_first():
        rows[proposal.identity_id].proposals.append(proposal)
    for identity_id, system, privileged in _places(keys):
        row = rows[identity_id]
        row.privileged += privileged
        if system not in row.systems:
            row.systems.append(system)
    return list(rows.values())


def _places(keys: Collection[UUID]) -> "QuerySet[Account, tuple[UUID, str, int]]":
    held = Q(grants__held__upper_inf=True, grants__entitlement__carries_privilege=True)
    present = Account.objects.present().filter(identity__in=keys)
    counted = present.values("identity_id", "system__code").annotate(n=Count("grants", filter=held))
    return counted.order_by("system__code").values_list("identity_id", "system__code", "n")


def _filtered(shown: "QuerySet[Identity]", chosen: dict[str, str]) -> "QuerySet[Identity]":
    account = Account.objects.present().filter(identity=OuterRef("pk"))
    if chosen["q"]:
        shown = shown.filter(name__icontains=chosen["q"])
    if chosen["system"]:
        shown = shown.filter(Exists(account.filter(system__code=chosen["system"])))
    if chosen["namespace"]:
        shown = shown.filter(Exists(account.filter(hints__namespace=chosen["namespace"])))
    if name := chosen["application"]:
        said = Exists(account.filter(hints__application__iexact=name))
        shown = shown.filter(Q(application__name__iexact=name) | said)
    if chosen["privileged"]:
        shown = shown.filter(_privileged() if chosen["privileged"] == "yes" else ~_privileged())
    if chosen["proposed"]:
        found = Exists(OwnerProposal.objects.filter(identity=OuterRef("pk")).exclude(reason="system"))
        shown = shown.filter(found if chosen["proposed"] == "yes" else ~found)
    return shown


def _privileged() -> Exists:
    return Exists(Grant.objects.held().privileged().filter(account__identity=OuterRef("pk")))


def _page(shown: "QuerySet[Identity]", after: str) -> Piece[Identity]:
    """The privileged by name, then the others by name: neither has to be sorted by both."""
    in_order: QuerySet[Identity] = shown.annotate(folded=Lower("name")).select_related(
        "owner", "deputy", "stand_in", "application"
    )
    first, rest = in_order.filter(_privileged()), in_order.filter(~_privileged())
    key = key_of(after)
    if key is not None and rest.filter(pk=key).exists():
        return piece(rest, after, "folded", "id")
    found = piece(first, after, "folded", "id")
    if found.after:
        return found
    room = PER_PAGE - len(found.rows)
    if room:
        more = piece(rest, "", "folded", "id", size=room)
        return Piece(found.rows + more.rows, more.after, found.is_first)
    return Piece(found.rows, str(found.rows[-1].pk) if rest.exists() else "", found.is_first)


def _chosen(request: HttpRequest) -> list[Identity]:
    """The ticked ones, or all of the filter up to what one look can hold; only those nobody answers for."""
    unowned: QuerySet[Identity] = Identity.objects.visible_to(request.user).unowned().order_by("name", "id")
    if request.POST.get("all"):
        chosen = {name: request.POST.get(f"filter-{name}", "").strip() for name in FILTERS}
        unowned = _filtered(unowned, chosen)
    else:
        keys = [key for text in request.POST.getlist("row") if (key := key_of(text))]
        unowned = unowned.filter(pk__in=keys)
    return list(unowned.select_related("deputy", "owner")[: proposals.MOST])


def _token(step: Step) -> str:
    return f"{step.machine.pk}:{step.machine.version}:{step.holder.pk if step.holder else ''}"
