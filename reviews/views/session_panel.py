"""The other way round: from a session to the decisions that rest on it, a panel on the session's page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from portal.audit import cards
from portal.ui.render import page
from reviews.models import EvidenceLink, ReviewItem
from sessions_app.models import Session

MOST = 200


@require_GET
def session_decisions(request: HttpRequest, code: str) -> HttpResponse:
    """The decisions whose evidence this session was, as far as this person may see their items."""
    session = get_object_or_404(Session.objects.visible_to(request.user), code=code)
    items = ReviewItem.objects.visible_to(request.user).values("pk")
    links = (
        EvidenceLink.objects.filter(session_id=session.pk, decision__item__in=items)
        .select_related("decision__item__campaign", "decision__item__assignment__reviewer")
        .order_by("-decision__at")[:MOST]
    )
    found = list(links)
    digests = {bytes(card) for link in found if (card := link.decision.item.entitlement_card)}
    names = cards.read_many(digests)
    rows = [(link, _right(link.decision.item, names)) for link in found]
    context = {"session": session, "rows": rows}
    return page(
        request, "reviews/session_decisions.html", context, fragment="reviews/_session_decisions.html"
    )


def _right(item: ReviewItem, names: dict[bytes, dict[str, object]]) -> str:
    """What was judged, as its card said then."""
    card = names.get(bytes(item.entitlement_card)) if item.entitlement_card else None
    return str(card["name"]) if card else item.kind
