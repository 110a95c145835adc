"""One item: its evidence, its decisions, and the acts on it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Identity
from portal import moment
from portal.ui.render import page, wants_fragment
from portal.users.guards import allowed, require
from portal.users.permissions import Perm
from reviews.forms.decisions import DecisionForm, PassOnForm, UndoForm
from reviews.models import Decision, EvidenceLink, ReviewItem
from reviews.services import decisions, evidence, reviewers
from reviews.services.evidence import SessionFact
from reviews.services.population import RULES
from reviews.views import rows
from reviews.views.my_reviews import back_to, left_to_decide, me, standing
from reviews.views.rows import Row
from sessions_app.models import Session
from sessions_app.services import playback

LISTED_BELOW_A_LINE = 6
LISTED_ON_ITS_PAGE = 100


def seen_item(request: HttpRequest, pk: int) -> ReviewItem:
    """An item that this person may see, or 404."""
    items = ReviewItem.objects.visible_to(request.user)
    return get_object_or_404(items.select_related("campaign", "assignment__reviewer"), pk=pk)


def row_of(request: HttpRequest, item: ReviewItem) -> Row:
    """The item as a line."""
    return rows.gather([item], user=me(request), at=moment.now())[0]


@require_GET
def item(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one item: the line, its evidence, its decisions, and what each rested on."""
    shown = seen_item(request, pk)
    made = Decision.objects.filter(item=shown).order_by("-ordinal").prefetch_related("evidence")
    names = dict(
        Identity.objects.filter(pk__in={decision.by_identity for decision in made}).values_list("pk", "name")
    )
    context = {
        **_beside(request, shown, LISTED_ON_ITS_PAGE),
        "history": [(decision, names.get(decision.by_identity)) for decision in made],
        "links": EvidenceLink.objects.filter(decision__item=shown).count(),
        "share": shown.assignment,
        "query": "back=item",
    }
    return page(request, "reviews/item.html", context)


@require_GET
def item_evidence(request: HttpRequest, pk: int) -> HttpResponse:
    """The line with its evidence opened below it, or closed again; without a script the item's own page."""
    shown = seen_item(request, pk)
    if not wants_fragment(request):
        return redirect("item", pk)
    is_open = request.GET.get("open") == "1"
    query = request.GET.copy()
    query.pop("open", None)
    context = {"row": row_of(request, shown), "is_open": is_open, "query": query.urlencode()}
    if is_open:
        context |= _beside(request, shown)
    return page(request, "reviews/_item.html", context)


def _beside(request: HttpRequest, shown: ReviewItem, most: int = LISTED_BELOW_A_LINE) -> dict[str, Any]:
    """The sessions and facts beside an item. Listing a session's facts is opening them, and is noted."""
    at = moment.now()
    facts = evidence.sessions_beside([shown], shown.campaign, at, user=me(request))[shown.pk]
    known = Session.objects.visible_to(request.user).filter(pk__in=[fact.id for fact in facts])
    seen = set(known.values_list("pk", flat=True))
    listed = [fact for fact in facts if fact.id in seen]
    listed = sorted(listed, key=lambda fact: fact.relation != EvidenceLink.Relation.OUTSIDE)[:most]
    _note_opened(request, shown, listed)
    earlier = Decision.objects.filter(
        item__grant_id=shown.grant_id, item__credential_id=shown.credential_id, item__campaign__state="closed"
    ).exclude(item__campaign=shown.campaign_id)
    return {
        "row": row_of(request, shown),
        "sessions": listed,
        "session_count": len(facts),
        "rule": RULES.get(shown.reviewer_rule, shown.reviewer_rule),
        "earlier": earlier.exclude(verdict="withdraw")
        .select_related("item__campaign")
        .order_by("-at")
        .first(),
        "window": evidence.window(shown.campaign, at),
        "is_open": True,
    }


def _note_opened(request: HttpRequest, shown: ReviewItem, listed: list[SessionFact]) -> None:
    """For the reviewer of the item alone: whose decision rests on it."""
    if not allowed(request.user, Perm.ITEM_DECIDE, shown):
        return
    for session in Session.objects.filter(pk__in=[fact.id for fact in listed]):
        playback.open_facts(session, by=me(request))


@require_POST
def item_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep, remove, limit and the others: one act, one answer."""
    shown = seen_item(request, pk)
    require(request.user, Perm.ITEM_DECIDE, shown)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        raise ValidationError([error for errors in form.errors.values() for error in errors])
    if form.says_more_than(shown.verdict):
        decisions.record(
            shown,
            verdict=form.cleaned_data["verdict"],
            reason=form.cleaned_data["reason"],
            ends_at=row_of(request, shown).bounded_end(form.ends_at()),
            ordinal=form.cleaned_data["ordinal"],
            by=me(request),
        )
    return _answer(request, pk)


@require_POST
def item_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the standing decision back."""
    shown = seen_item(request, pk)
    require(request.user, Perm.ITEM_DECIDE, shown)
    form = UndoForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("There is nothing to undo."))
    decisions.undo(shown, ordinal=form.cleaned_data["ordinal"], by=me(request))
    return _answer(request, pk)


def _answer(request: HttpRequest, pk: int) -> HttpResponse:
    """The line as it is now, and the bar; without a script back to where it was."""
    shown = seen_item(request, pk)
    if not wants_fragment(request):
        if request.GET.get("back") == "item":
            return redirect("item", pk)
        return redirect(back_to(shown.assignment_id, request.GET, f"item-{shown.number}"))
    is_open = request.POST.get("open") == "1"
    context = {
        "row": row_of(request, shown),
        "is_open": is_open,
        "standing": standing(shown.assignment),
        "left": left_to_decide(me(request)),
        "query": request.GET.urlencode(),
    }
    if is_open:
        context |= _beside(request, shown)
    return page(request, "reviews/_item_answer.html", context)


@require_http_methods(["GET", "POST"])
def item_pass_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Don't know: let somebody else decide, and say why."""
    shown = seen_item(request, pk)
    require(request.user, Perm.ITEM_DECIDE, shown)
    form = PassOnForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        to: Identity = form.cleaned_data["to"]
        try:
            decisions.pass_on(shown, to=to, reason=form.cleaned_data["reason"], by=me(request))
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Passed on to %(name)s.") % {"name": to})
            return redirect(back_to(shown.assignment_id, request.GET))
    row = row_of(request, shown)
    context = {"form": form, "row": row, "people": _suggested(row), "share": shown.assignment}
    return page(request, "reviews/item_pass_on.html", context)


def _suggested(row: Row) -> list[Identity]:
    """Those likely to know: owner, deputy, the system's owner, the reviewer's manager, the fallback."""
    reviewer, subject = row.item.assignment.reviewer, row.subject
    likely = [
        subject.owner if subject else None,
        subject.deputy if subject else None,
        row.system.owner,
        row.system.deputy,
        reviewers.next_up(reviewer),
        row.campaign.fallback,
    ]
    barred = reviewers.barred_of([row.item], row.at)[row.item.pk] | {reviewer.pk}
    keys = {person.pk for person in likely if person is not None} - barred
    return list(Identity.objects.filter(reviewers.could_review(), pk__in=keys).order_by("name"))
