"""Which evidence of the portal speaks to which control, with outdated ids corrected."""

from typing import Any, Final

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from portal.ui.render import page
from portal.users.guards import require
from portal.users.permissions import Perm
from reviews.models import Finding
from reviews.rules import controls

ASKS: Final[dict[str, Any]] = {
    "access": _("decides access"),
    "happened": _("shows what happened"),
    "record": _("keeps a record"),
}
RELATIONS: Final[dict[str, Any]] = {"evidences": _("evidence for it"), "supports": _("supports it")}
SOURCES: Final[dict[str, Any]] = {
    "findings": _("Findings"),
    "inventory": _("Inventory"),
    "log": _("Audit trail"),
    "offboarding": _("Offboardings"),
    "reviews": _("Reviews"),
    "sessions": _("Session evidence"),
}


@require_GET
def control_list(request: HttpRequest) -> HttpResponse:
    """All controls, or those that fit the words."""
    require(request.user, Perm.INVENTORY_VIEW)
    mapping, words = controls.current(), request.GET.get("q", "").strip()[:100]
    chosen = request.GET.get("framework", "")
    found = [one for one in mapping.matching(words) if chosen in {"", one.framework}]
    open_ = dict(Finding.objects.open().values_list("rule").order_by().annotate(count=Count("pk")))
    context = {
        "mapping": mapping,
        "words": words,
        "chosen": chosen,
        "corrections": mapping.corrected(words),
        "rows": [
            {
                "control": one,
                "framework": mapping.frameworks[one.framework],
                "asks_for": ASKS[one.asks_for],
                "evidence": [
                    (SOURCES[part.by], ASKS[part.gives], RELATIONS[part.relation]) for part in one.evidence
                ],
                "open": sum(open_.get(code, 0) for code in one.rules),
            }
            for one in found
        ],
    }
    return page(request, "reviews/control_list.html", context)
