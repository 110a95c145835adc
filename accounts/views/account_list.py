"""Accounts on all systems that somebody may see."""

from django.db.models import Count, DateTimeField, F, JSONField, OuterRef, Q, Subquery, TextField, Value
from django.db.models.functions import Coalesce, JSONObject
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_GET

from accounts.forms.filters_of_access import AccountFilter
from accounts.models import Account, Grant
from accounts.models.listing import Order, folded
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
    if instead := lists.other(LISTING, form, rows, request):
        return instead
    found = lists.shown(LISTING, form, rows, request.GET, rights=rights_seen(user))
    return lists.drawn(request, LISTING, found)


def rights_seen(user: User) -> Coalesce:
    """For each account of a page how many rights it holds and how many privileged ones, as far as seen."""
    held = Grant.objects.visible_to(user).held().filter(account=OuterRef("pk")).order_by()
    privileged = Count("pk", filter=Q(entitlement__carries_privilege=True))
    counts = JSONObject(held=Count("pk"), privileged=privileged)
    none = Value({"held": 0, "privileged": 0}, JSONField())
    return Coalesce(Subquery(held.values("account").annotate(counts=counts).values("counts")), none)
