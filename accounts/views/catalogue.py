"""The catalogue of rights: how much of it has words, catalogues taken over, suggestions settled."""

from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.connectors.records import Unreadable
from accounts.forms.rights import CatalogueForm
from accounts.models import Entitlement, System
from accounts.services import catalogue
from accounts.views.identities import me
from portal.ui.render import page
from portal.users.guards import require
from portal.users.permissions import Perm
from portal.vault.models import Blob

SALT = "catalogue"
FRESH = 3600  # seconds a preview can be taken over
SHOWN = 100
MOST_AT_ONCE = 200


@require_GET
def right_coverage(request: HttpRequest) -> HttpResponse:
    """How many rights in use have words, a system a row; each number opens its rows."""
    require(request.user, Perm.INVENTORY_VIEW)
    rights = Entitlement.objects.visible_to(request.user).in_use()
    suggested = Q(described_by=Entitlement.Describer.SUGGESTED)
    counted = (
        rights.values("system")
        .annotate(
            total=Count("pk"),
            suggested=Count("pk", filter=suggested),
            without=Count("pk", filter=Q(plain_words="")),
            unknown=Count("pk", filter=Q(is_privileged=None, carries_privilege=False)),
        )
        .values_list("system", "total", "suggested", "without", "unknown")
    )
    by_system = {key: rest for key, *rest in counted}
    rows = []
    for system in System.objects.visible_to(request.user).by_code():
        total, proposed, without, unknown = by_system.get(system.pk, [0, 0, 0, 0])
        known = total - proposed - without
        percent = known * 100 // total if total else None
        rows.append(
            {"system": system, "total": total, "known": known, "suggested": proposed, "without": without,
             "unknown": unknown, "percent": percent}
        )  # fmt: skip
    return page(request, "accounts/right_coverage.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
def catalogue_new(request: HttpRequest) -> HttpResponse:
    """Look at what a catalogue would change."""
    require(request.user, Perm.INVENTORY_MANAGE)
    form = CatalogueForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        try:
            blob = catalogue.keep(form.cleaned_data["file"])
        except Unreadable as refusal:
            form.add_error("file", str(refusal))
        else:
            found = catalogue.read(blob, rights=_seen(request))
            seal = {"blob": blob.hexdigest, "user": str(me(request).pk), "entries": len(found.entries)}
            context |= {
                "found": found,
                "entries": found.entries[:SHOWN],
                "rejected": found.rejected[:SHOWN],
                "seal": signing.dumps(seal, salt=SALT),
            }
    return page(request, "accounts/catalogue.html", context)


@require_POST
def catalogue_take_over(request: HttpRequest) -> HttpResponse:
    """Write what the preview showed."""
    require(request.user, Perm.INVENTORY_MANAGE)
    try:
        seal = signing.loads(request.POST.get("seal", ""), salt=SALT, max_age=FRESH)
    except signing.BadSignature as error:
        raise ValidationError(_("This preview is too old. Choose the file again.")) from error
    if seal["user"] != str(me(request).pk):
        raise ValidationError(_("Somebody else looked at this preview. Choose the file yourself."))
    found = catalogue.read(get_object_or_404(Blob, sha256=bytes.fromhex(seal["blob"])), rights=_seen(request))
    if len(found.entries) != seal["entries"]:
        raise ValidationError(_("Rights changed since the preview. Look at the file again."))
    done = catalogue.take_over(found, by=me(request))
    words = ngettext("%(n)d right is described.", "%(n)d rights are described.", done)
    messages.success(request, words % {"n": done})
    return redirect("right_list")


@require_POST
def right_suggest(request: HttpRequest) -> HttpResponse:
    """Words of rights of the same name elsewhere, to be confirmed."""
    require(request.user, Perm.INVENTORY_MANAGE)
    done = catalogue.suggest(by=me(request))
    words = ngettext("%(n)d suggestion to confirm.", "%(n)d suggestions to confirm.", done)
    messages.success(request, words % {"n": done})
    return redirect("/rights/?words=suggested" if done else "right_list")


@require_POST
def right_settle(request: HttpRequest) -> HttpResponse:
    """Confirm or reject the chosen suggestions."""
    require(request.user, Perm.INVENTORY_MANAGE)
    keys = [int(key) for key in request.POST.getlist("right") if key.isdecimal() and len(key) < 19]
    if not keys or len(keys) > MOST_AT_ONCE:
        raise ValidationError(_("Choose between 1 and %(most)d suggestions.") % {"most": MOST_AT_ONCE})
    chosen = Entitlement.objects.visible_to(request.user).filter(pk__in=keys).select_related("system")
    act = catalogue.reject if request.POST.get("act") == "reject" else catalogue.confirm
    done = act(chosen, by=me(request))
    words = ngettext("%(n)d suggestion is settled.", "%(n)d suggestions are settled.", done)
    messages.success(request, words % {"n": done})
    return redirect("/rights/?words=suggested")


def _seen(request: HttpRequest) -> catalogue.RightsSeen:
    rights = Entitlement.objects.visible_to(request.user).select_related("system", "owner")
    return catalogue.RightsSeen(rights.iterator(chunk_size=5000))
