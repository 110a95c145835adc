"""What rights mean: the list of them, and one with what it brings, what brings it, and who holds it."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Case, CharField, Count, F, Q, Value, When
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.forms.rights import RightFilter, RightForm
from accounts.models import Entitlement, Grant, Inclusion
from accounts.models.listing import Order
from accounts.services import catalogue
from accounts.views import lists
from accounts.views.identities import me, people
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.permissions import Perm

SHOWN = 50  # of what brings it and what it brings
PRIVILEGED = Case(When(carries_privilege=True, then=Value(True)), default=F("is_privileged"))
LISTING: lists.Listing[Entitlement] = lists.Listing(
    url_name="right_list",
    template="accounts/right_list.html",
    form=RightFilter,
    orders={"name": Order("name", Lower("name"), CharField()), "added": Order("added")},
    order="name",
    related=("system", "owner", "privileged_through"),
    columns={
        "system": "system__code",
        "external_id": "external_id",
        "name": "name",
        "kind": "kind",
        "plain_words": "plain_words",
        "risk": "risk",
        "privileged": PRIVILEGED,
        "because": "because",
        "through": "privileged_through__name",
        "owner": "owner__email",
        "words_from": "described_by",
        "entitlement_id": "pk",
    },
)


@require_GET
def right_list(request: HttpRequest) -> HttpResponseBase:
    """Every right that somebody may see, with its words; its file is a catalogue to be filled in."""
    rows = Entitlement.objects.visible_to(me(request))
    form = RightFilter(request.GET, me(request))
    if instead := lists.other(LISTING, form, rows, request):
        return instead
    found = lists.shown(LISTING, form, rows, request.GET)
    counts = dict(
        Grant.objects.visible_to(me(request))
        .held()
        .filter(entitlement__in=[right.pk for right in found.rows])
        .values_list("entitlement")
        .annotate(n=Count("pk"))
        .values_list("entitlement", "n")
    )
    for right in found.rows:
        right.holders = counts.get(right.pk, 0)  # type: ignore[attr-defined]  # for the template
    may = allowed(request.user, Perm.INVENTORY_MANAGE)
    sees = allowed(request.user, Perm.INVENTORY_VIEW)
    context = {**lists.context_of(LISTING, found, request), "may_manage": may, "sees_coverage": sees}
    return page(request, LISTING.template, context)


@require_http_methods(["GET", "POST"])
def right(request: HttpRequest, pk: int) -> HttpResponse:
    """One right, and the form that says what it means."""
    shown = get_object_or_404(
        Entitlement.objects.visible_to(request.user).select_related(
            "system", "owner", "privileged_through", "acts_as__system", "first_run__source"
        ),
        pk=pk,
    )
    may_describe = allowed(request.user, Perm.INVENTORY_MANAGE, shown)
    form = RightForm(request.POST or None, right=shown)
    if request.method == "POST":
        require(request.user, Perm.INVENTORY_MANAGE, shown)
        if form.is_valid():
            try:
                catalogue.describe(shown, **form.cleaned_data, by=me(request))
            except ValidationError as refusal:
                form.add_error(None, refusal)
            else:
                messages.success(request, _("Saved. Readings leave these words alone from now on."))
                return redirect("right", shown.pk)
    held = Grant.objects.visible_to(me(request)).held().filter(entitlement=shown)
    held_by = held.aggregate(
        all=Count("pk"),
        people=Count("pk", filter=Q(account__identity__kind="human")),
        machines=Count("pk", filter=Q(account__identity__isnull=False) & ~Q(account__identity__kind="human")),
    )
    bonds = Inclusion.objects.held()
    context = {
        "shown": shown,
        "form": form if may_describe else None,
        "people": people() if may_describe else [],
        "held_by": held_by,
        "brings": bonds.filter(parent=shown).select_related("child").order_by("child__name")[:SHOWN],
        "brought_by": bonds.filter(child=shown).select_related("parent").order_by("parent__name")[:SHOWN],
    }
    return page(request, "accounts/right.html", context)
