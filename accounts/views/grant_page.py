"""One right of one account, from when to when, what it brings, and what is to become of it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from accounts.models import Grant, Revocation
from accounts.models.effective import first, follow
from accounts.models.held_rights import named
from accounts.views.identities import me
from portal import moment
from portal.ui.render import page
from portal.users.guards import allowed
from portal.users.permissions import Perm

RELATED = (
    *("system", "account__system", "account__identity", "entitlement__privileged_through", "via", "use"),
    *("known_from_run__source", "known_to_run__source"),
)
SHOWN = 100


@require_GET
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    """Where it can be taken away, what goes with it, and by what other way the account has the same right."""
    user = me(request)
    visible = Grant.objects.visible_to(user)
    shown = get_object_or_404(visible.select_related(*RELATED), pk=pk)
    own, has_more = first(SHOWN + 1, follow(visible.filter(pk=shown.pk)))
    same = visible.filter(account=shown.account_id).exclude(pk=shown.pk)
    others, _more = first(SHOWN, follow(same, rights=[shown.entitlement_id], is_scattered=True))
    lines = list(named([*own, *others], {shown.account_id: shown.account}))
    itself, brought = lines[: len(own)][:1], lines[1 : len(own)]
    revocations = Revocation.objects.visible_to(user).filter(grant=shown).order_by("-decided_at")
    context = {
        "shown": shown,
        "line": itself[0] if itself else None,  # none where it is held no longer
        "brought": brought,
        "has_more": has_more,
        "others": lines[len(own) :],
        "revocations": revocations,
        "is_past_its_end": shown.until is None and shown.ends_at is not None and shown.ends_at < moment.now(),
        "limits": [
            one
            for one in revocations
            if one.act == Revocation.Act.LIMIT and one.state in Revocation.LIVE and one.ends_at
        ],
        "may_see_sessions": allowed(user, Perm.SESSION_VIEW),
        "may_see_inventory": allowed(user, Perm.INVENTORY_VIEW),
    }
    return page(request, "accounts/grant.html", context)
