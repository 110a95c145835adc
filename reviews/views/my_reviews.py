"""My reviews: the shares of the signed-in person, one share with its lines, and its sign-off."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import moment
from portal.audit.versions import Conflict
from portal.ui.render import page
from portal.users.guards import require
from portal.users.models import User
from portal.users.permissions import Perm
from reviews.forms.decisions import AlikeForm, SignOffForm
from reviews.models import Assignment, Campaign, ReviewItem, SignOff, worklist
from reviews.services import campaigns, decisions, results, verdicts
from reviews.views import rows

GROUP_LABELS = {
    "person": gettext_lazy("Person"),
    "system": gettext_lazy("System"),
    "right": gettext_lazy("Right"),
}


def me(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware let nobody else through."""
    return cast(User, request.user)


@require_GET
def my_reviews(request: HttpRequest) -> HttpResponse:
    """What waits for this person, and what they have signed off."""
    mine = Assignment.objects.of_reviewer(me(request).identity_id).filter(items__isnull=False).distinct()
    mine = mine.select_related("campaign").order_by("signed_off_at", "campaign__due_at")
    shares = list(mine)
    context = {
        "open_shares": [share for share in shares if is_open(share)],
        "done_shares": [share for share in shares if not is_open(share)],
        "at": moment.now(),
    }
    return page(request, "reviews/my_reviews.html", context)


def left_to_decide(user: User) -> int:
    """How many lines wait for this person, over all their shares; the rail says it."""
    if user.identity_id is None:
        return 0
    return sum(share.left for share in Assignment.objects.of_reviewer(user.identity_id).open())


def is_open(share: Assignment) -> bool:
    """The reviewer still has something to do in it, be it only to sign off."""
    return share.signed_off_at is None and share.campaign.state == Campaign.State.LAUNCHED


def seen_share(request: HttpRequest, pk: UUID) -> Assignment:
    """A share that this person may see, or 404."""
    shares = Assignment.objects.visible_to(request.user).select_related("campaign__fallback", "reviewer")
    return get_object_or_404(shares, pk=pk)


@require_GET
def assignment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The lines of one share, to decide or to read."""
    share = seen_share(request, pk)
    return page(request, "reviews/assignment.html", share_context(request, share))


def share_context(request: HttpRequest, share: Assignment) -> dict[str, Any]:
    """What the page of a share needs: its lines, grouped and filtered, and how far it is."""
    at = moment.now()
    group = _one_of(request.GET.get("group"), worklist.GROUPS, "person")
    shown = _one_of(request.GET.get("show"), worklist.SHOWN, "all")
    work = worklist.page(
        share,
        group=group,
        shown=shown,
        used_since=rows.used_since(share.campaign, at),
        after=_number(request.GET.get("after")) or 0,
        before=_number(request.GET.get("before")),
    )
    keys = rows.item_ids(work.places)
    items = rows.in_order(
        ReviewItem.objects.select_related("campaign", "assignment").filter(pk__in=keys), keys
    )
    lines = rows.gather(items, user=me(request), at=at, places=work.places)
    return {
        "share": share,
        "campaign": share.campaign,
        "work": work,
        "rows": [(rows.group_label(line, group) if line.starts_group else "", line) for line in lines],
        "group": group,
        "groups": [(key, GROUP_LABELS[key]) for key in worklist.GROUPS],
        "shown": shown,
        "filters": _filters(share, work.counts),
        "query": request.GET.urlencode(),
        "ticked": request.GET.get("tick", ""),
        "reasons": verdicts.reasons_for(ReviewItem.Verdict.REVOKE),
        "standing": standing(share),
        "is_mine": share.reviewer_id == me(request).identity_id,
        "is_open": is_open(share),
        "at": at,
    }


def _filters(share: Assignment, counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """What can be shown alone; nothing has changed since the last time where this is the first."""
    labels = {
        "all": _("All"),
        "undecided": _("Not decided"),
        "privileged": _("Privileged"),
        "unused": _("Unused or use unknown"),
        "changed": _("Changed since last time"),
    }
    if not rows.reviewed_before(share.campaign):
        del labels["changed"]
    return [(key, label, counts[key]) for key, label in labels.items()]


def standing(share: Assignment) -> dict[str, Any]:
    """The bar at the foot: how far, and what has been said."""
    counts = results.counts(ReviewItem.objects.filter(assignment=share))
    parts = [
        (counts["revoke"], _("to remove")),
        (counts["limit"], _("to limit")),
        (counts["rotate"], _("to rotate")),
        (counts["shut_down"], _("to shut down")),
        (counts["hand_over"], _("to hand over")),
        (counts["no_longer"], _("no longer apply")),
    ]
    total = counts["total"] - counts["no_longer"]
    decided = total - counts["undecided"]
    return {
        "share": share,
        "counts": counts,
        "total": total,
        "decided": decided,
        "left": counts["undecided"],
        "said": " · ".join(f"{count} {label}" for count, label in parts if count),
    }


def _one_of(value: str | None, allowed: Any, default: str) -> str:
    return value if value is not None and value in allowed else default


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else None


def back_to(share_id: UUID, query: QueryDict, anchor: str = "") -> str:
    """The page of a share as it was looked at, at the line that was decided."""
    kept = query.copy()
    kept.pop("tick", None)
    address = reverse("assignment", args=[share_id])
    return address + (f"?{kept.urlencode()}" if kept else "") + (f"#{anchor}" if anchor else "")


@require_POST
def decide_alike(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One verdict for the ticked lines of the same right."""
    share = seen_share(request, pk)
    require(request.user, Perm.ITEM_DECIDE, share)
    form = AlikeForm(request.POST)
    try:
        if not form.is_valid():
            raise ValidationError(_("Choose what you decide for the ticked lines."))
        made = decisions.record_alike(
            share,
            form.seen(),
            verdict=form.cleaned_data["verdict"],
            reason=form.cleaned_data["reason"],
            batch=uuid4(),
            by=me(request),
        )
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        text = ngettext("%(count)d line decided.", "%(count)d lines decided alike.", len(made))
        messages.success(request, text % {"count": len(made)})
    return redirect(back_to(share.pk, request.GET))


@require_http_methods(["GET", "POST"])
def sign_off(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Look at the results as counted, and confirm them."""
    share = seen_share(request, pk)
    require(request.user, Perm.ITEM_DECIDE, share)
    # In a transaction of its own: what ended stays ended even if the sign-off is refused because of it.
    if campaigns.refresh_ended(share.campaign):
        share.refresh_from_db(fields=["version", "total"])
        if request.method == "POST":
            raise Conflict(share.campaign)
    form = SignOffForm(request.POST or None, initial={"version": share.version})
    if request.method == "POST" and form.is_valid():
        statement = str(SignOffForm.base_fields["confirmed"].label)
        try:
            decisions.sign_off(
                share, version=form.cleaned_data["version"], statement=statement, by=me(request)
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(
                request, _("Signed off. Thank you: what you decided to remove is asked for now.")
            )
            return redirect("my_reviews")
    return page(request, "reviews/sign_off.html", _sign_off_context(request, share, form))


def _sign_off_context(request: HttpRequest, share: Assignment, form: SignOffForm) -> dict[str, Any]:
    items = ReviewItem.objects.filter(assignment=share).select_related("campaign", "assignment")
    changing = list(
        items.exclude(verdict__in=["", ReviewItem.Verdict.CERTIFY]).order_by("verdict", "number")[:500]
    )
    at: datetime = moment.now()
    return {
        "share": share,
        "campaign": share.campaign,
        "form": form,
        "standing": standing(share),
        "verdicts": [
            (verdict, results_of(share)[verdict])
            for verdict in ReviewItem.Verdict
            if results_of(share)[verdict]
        ],
        "changing": rows.gather(changing, user=me(request), at=at),
        "unopened": results.unopened(items),
        "given": SignOff.objects.filter(assignment=share).first(),
        "is_open": is_open(share),
    }


def results_of(share: Assignment) -> dict[str, int]:
    """Counts by verdict."""
    return results.counts(ReviewItem.objects.filter(assignment=share))
