"""Accounts on all systems that somebody may see."""

from django.db.models import DateTimeField, F, OuterRef, TextField
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_GET

from accounts.forms.filters_of_access import AccountFilter
from accounts.models import Account, Grant
from accounts.models.listing import CountOf, Order, folded
from accounts.views import lists
from accounts.views.identities import me
from portal.users.models import User

ORDERS = {
    "name": Order("name", folded("name"), TextField()),
    "created": Order("created", F("created_at"), DateTimeField(), may_be_unknown=True),
    "added": Order("added"),
}
LISTING: lists.Listing[Account] = lists.Listing(
    url_name="account_list",
    template="accounts/account_list.html",
    form=AccountFilter,
    orders=ORDERS,
    order="name",
    related=("system", "identity"),
    columns={
        "system": "system__code",
        "account": "name",
        "id_on_system": "external_id",
        "display_name": "display_name",
        "kind": "kind",
        "identity": "identity__name",
        "identity_kind": "identity__kind",
        "identity_id": "identity_id",
        "linked": "match_method",
        "confidence": "confidence",
        "doubt": "doubt",
        "email": "email",
        "employee_number": "employee_number",
        "enabled": "is_enabled",
        "created_at": "created_at",
        "expires_at": "expires_at",
        "last_used_at": "last_used_at",
        "last_used_source": "last_used_source",
        "gone_at": "gone_at",
        "account_id": "pk",
    },
)


@require_GET
def account_list(request: HttpRequest) -> HttpResponseBase:
    """Every account that somebody may see, and whose it is."""
    user = me(request)
    form, rows = AccountFilter(request.GET, user), Account.objects.visible_to(user)
    if lists.wants_file(request, form):
        return lists.file(LISTING, form, rows, request)
    found = lists.shown(LISTING, form, rows, request.GET, **rights_seen(user))
    return lists.drawn(request, LISTING, found)


def rights_seen(user: User) -> dict[str, CountOf]:
    """For each account of a page the number of its rights and of its privileged ones, as far as seen."""
    held = Grant.objects.visible_to(user).held().filter(account=OuterRef("pk"))
    return {"held": CountOf(held), "privileged": CountOf(held.privileged())}
