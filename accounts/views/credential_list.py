"""What proves accounts: their age, their end, where they are kept; never a secret."""

from django.db.models import DateTimeField, F
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_GET

from accounts.forms.filters_of_access import AGE_FROM, CredentialFilter
from accounts.models import Credential
from accounts.models.listing import Order
from accounts.views import lists
from accounts.views.identities import me
from portal import moment

LISTING: lists.Listing[Credential] = lists.Listing(
    url_name="credential_list",
    template="accounts/credential_list.html",
    form=CredentialFilter,
    orders={
        "age": Order("age", AGE_FROM, DateTimeField(), may_be_unknown=True),
        "expires": Order("expires", F("expires_at"), DateTimeField(), may_be_unknown=True),
        "added": Order("added"),
    },
    order="age",
    related=("account__system", "account__identity"),
    columns={
        "system": "account__system__code",
        "account": "account__name",
        "account_id": "account_id",
        "identity": "account__identity__name",
        "identity_kind": "account__identity__kind",
        "identity_id": "account__identity_id",
        "kind": "kind",
        "fingerprint": "fingerprint",
        "active": "is_active",
        "created_at": "created_at",
        "rotated_at": "rotated_at",
        "expires_at": "expires_at",
        "last_used_at": "last_used_at",
        "kept_in": "storage",
        "weakness": "weakness",
        "exposed_at": "exposed_at",
        "gone_at": "gone_at",
        "credential_id": "pk",
    },
)


@require_GET
def credential_list(request: HttpRequest) -> HttpResponseBase:
    """Every credential that somebody may see, the oldest first."""
    return lists.answer(request, LISTING, Credential.objects.visible_to(me(request)), at=moment.now())
