"""Accounts on all systems that somebody may see."""

from django.db.models import Count, DateTimeField, F, Q, TextField
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
    found = lists.shown(LISTING, form, rows, request.GET)
    count_rights(found.rows, user)
    return lists.drawn(request, LISTING, found)


def count_rights(accounts: list[Account], user: User) -> None:
    """Give each account of a page the number of its rights and of its privileged ones, as far as seen."""
    held = Grant.objects.visible_to(user).held().filter(account__in=[one.pk for one in accounts])
    privileged = Count("pk", filter=Q(entitlement__carries_privilege=True))
    rows = held.order_by().values_list("account").annotate(n=Count("pk"), p=privileged)
    counts = {key: (n, p) for key, n, p in rows.values_list("account", "n", "p")}
    for one in accounts:
        one.held, one.privileged = counts.get(one.pk, (0, 0))  # type: ignore[attr-defined]  # for the template
