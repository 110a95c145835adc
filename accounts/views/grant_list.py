"""Rights held on all systems, by whom, and how they stand."""

from django.db.models import Case, CharField, DateTimeField, F, Value, When
from django.db.models.functions import Lower, Upper
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_GET

from accounts.forms.filters_of_access import GrantFilter
from accounts.models import Grant
from accounts.models.entitlement import time_boxed
from accounts.models.listing import Order
from accounts.views import lists
from accounts.views.identities import me

# How privilege stands: a code of portal.ui.states; nothing where a right is not known to be privileged.
STANDS = Case(
    When(entitlement__carries_privilege=False, then=Value("")),
    When(is_eligible=True, then=Value("eligible")),
    When(time_boxed(), then=Value("time_boxed")),
    default=Value("standing"),
    output_field=CharField(),
)
PRIVILEGED = Case(
    When(entitlement__carries_privilege=True, then=Value(True)), default=F("entitlement__is_privileged")
)
LISTING: lists.Listing[Grant] = lists.Listing(
    url_name="grant_list",
    template="accounts/grant_list.html",
    form=GrantFilter,
    orders={
        "added": Order("added"),
        "ends": Order("ends", F("ends_at"), DateTimeField(), may_be_unknown=True),
    },
    order="-added",
    related=("system", "account__identity", "entitlement", "via", "use"),
    also={"stands": STANDS},
    columns={
        "system": "system__code",
        "account": "account__name",
        "account_kind": "account__kind",
        "account_id": "account_id",
        "identity": "account__identity__name",
        "identity_kind": "account__identity__kind",
        "identity_id": "account__identity_id",
        "right": "entitlement__name",
        "in_words": "entitlement__plain_words",
        "kind": "entitlement__kind",
        "entitlement_id": "entitlement_id",
        "privileged": PRIVILEGED,
        "state": STANDS,
        "through": "via__name",
        "since": Lower("held"),
        "until": Upper("held"),
        "ends_at": "ends_at",
        "eligible": "is_eligible",
        "last_used_at": "use__last_used_at",
        "grant_id": "pk",
    },
)


@require_GET
def grant_list(request: HttpRequest) -> HttpResponseBase:
    """Every right that was granted and that somebody may see; what it brings is on the account's page."""
    return lists.answer(request, LISTING, Grant.objects.visible_to(me(request)))
