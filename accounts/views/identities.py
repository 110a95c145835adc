"""Identities of all kinds, and those that nobody answers for."""

from dataclasses import replace
from typing import cast

from django.db.models import F, Func, IntegerField, OuterRef, TextField, Value
from django.db.models.expressions import BaseExpression
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_GET

from accounts.forms.filters import IdentityFilter, sees_findings
from accounts.models import Account, Identity
from accounts.models.listing import CountOf, Order, folded
from accounts.views import lists
from portal.users.guards import allowed
from portal.users.models import User
from portal.users.permissions import Perm

PER_PAGE = 50
SUGGESTIONS = 500  # names in a datalist; beyond that people type an address


def people() -> list[Identity]:
    """Suggestions for a field that names a person."""
    return list(Identity.objects.human().active().order_by("name").only("name", "email")[:SUGGESTIONS])


ORDERS = {
    "name": Order("name", folded("name"), TextField()),
    "findings": Order("findings", F("open_findings"), IntegerField()),
    "added": Order("added"),
}
COLUMNS: dict[str, str | BaseExpression] = {
    "kind": "kind",
    "name": "name",
    "email": "email",
    "status": "status",
    "job_title": "title",
    "department": "department",
    "manager": "manager__name",
    "owner": "owner__name",
    "owner_email": "owner__email",
    "deputy": "deputy__name",
    "application": "application__name",
    "purpose": "purpose",
    "environment": "environment",
    "used_by": Func(F("consumers"), Value(", "), function="array_to_string", output_field=TextField()),
    "vendor": "vendor",
    "vendor_contact": "vendor_contact",
    "contract_ends": "contract_end",
    "review_by": "review_by",
    "rhythm": "rhythm",
    "open_findings": "open_findings",
    "identity_id": "pk",
}
LISTING: lists.Listing[Identity] = lists.Listing(
    url_name="identity_list",
    template="accounts/identity_list.html",
    form=IdentityFilter,
    orders=ORDERS,
    order="name",
    related=("manager", "owner", "application__owner"),
    columns=COLUMNS,
)
# For whoever sees who people are, and nothing of what they hold: findings neither stand there nor sort.
WITHOUT_FINDINGS = replace(
    LISTING,
    orders={name: order for name, order in ORDERS.items() if name != "findings"},
    columns={name: how for name, how in COLUMNS.items() if name != "open_findings"},
)


@require_GET
def identity_list(request: HttpRequest) -> HttpResponseBase:
    """Who and what the organisation knows, as far as somebody may see it."""
    user = me(request)
    sees_all = user.may(Perm.INVENTORY_VIEW)
    listing = LISTING if sees_all else WITHOUT_FINDINGS
    form, rows = IdentityFilter(request.GET, user), Identity.objects.visible_to(user)
    if instead := lists.other(listing, form, rows, request):
        return instead
    accounts = Account.objects.visible_to(user).present().filter(identity=OuterRef("pk"))
    found = lists.shown(listing, form, rows, request.GET, account_count=CountOf(accounts))
    return lists.drawn(
        request,
        listing,
        found,
        sees_all=sees_all,
        sees_findings=sees_findings(user),
        may_create=allowed(user, Perm.INVENTORY_MANAGE),
        may_import=allowed(user, Perm.INVENTORY_IMPORT),
    )


def me(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware let nobody else through."""
    return cast(User, request.user)
