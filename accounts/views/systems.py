"""Systems, the accounts on them, and single grants."""

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db.models import F, Func, OuterRef, Subquery, TextField, Value
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms.filters import SystemFilter
from accounts.forms.filters_of_access import AccountFilter
from accounts.forms.inventory import ShareForm, SystemForm
from accounts.models import (
    Account,
    Grant,
    Identity,
    ImportRun,
    Source,
    System,
    SystemShare,
)
from accounts.models.listing import MOST_COUNTED, CountOf, Order
from accounts.services import systems
from accounts.views import lists, reach
from accounts.views.account_list import LISTING as ACCOUNTS
from accounts.views.account_list import rights_seen
from accounts.views.identities import me, people
from portal import moment
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm

LISTING: lists.Listing[System] = lists.Listing(
    url_name="system_list",
    template="accounts/system_list.html",
    form=SystemFilter,
    orders={"code": Order("code", F("code"), TextField())},
    order="code",
    related=("owner", "deputy"),
    columns={
        "system": "code",
        "name": "name",
        "environment": "environment",
        "own_reference": "reference",
        "owner": "owner__name",
        "owner_email": "owner__email",
        "deputy": "deputy__name",
        "gateway": "is_gateway",
        "hosts": Func(F("hosts"), Value(", "), function="array_to_string", output_field=TextField()),
        "days_to_remove": "removal_days",
    },
)


@require_GET
def system_list(request: HttpRequest) -> HttpResponseBase:
    """Every system that somebody may see, with what is on it."""
    user = me(request)
    form, rows = SystemFilter(request.GET, user), System.objects.visible_to(user)
    if instead := lists.other(LISTING, form, rows, request):
        return instead
    found = lists.shown(LISTING, form, rows, request.GET, **_seen_there(user))
    may_import = allowed(user, Perm.INVENTORY_IMPORT)
    for one in found.rows:
        asked = urlencode({"system": one.code, "stands": "standing"})
        one.standing_url = f"{reverse('grant_list')}?{asked}"  # type: ignore[attr-defined]  # for the template
    more = {"systems": found.rows, "most_counted": MOST_COUNTED}
    return lists.drawn(request, LISTING, found, may_import=may_import, **more)


def _seen_there(user: User) -> dict[str, CountOf]:
    """For each system of a page its numbers. What somebody may not see is not counted for them either."""
    accounts = Account.objects.visible_to(user).present().filter(system=OuterRef("pk"))
    rights = Grant.objects.visible_to(user).standing().filter(system=OuterRef("pk"))
    return {
        "account_count": CountOf(accounts),
        "orphan_count": CountOf(accounts.orphaned()),
        "standing_count": CountOf(rights),
    }


ONLY = {"orphans": {"whose": "orphan"}, "gone": {"gone": "gone"}}  # what the page of a system offers


@require_GET
def system(request: HttpRequest, code: str) -> HttpResponse:
    """One system: who answers for it, its sources, and its accounts."""
    user = me(request)
    carriers = Identity.objects.filter(carries_out_on=OuterRef("pk")).order_by("name").values("name")
    seen = System.objects.visible_to(user).select_related("owner", "deputy")
    shown = get_object_or_404(seen.annotate(carrier_names=ArraySubquery(carriers)), code=code)
    only = request.GET.get("only", "")
    asked = {"q": request.GET.get("q", ""), **ONLY.get(only, {})}
    form = AccountFilter(asked, user, systems=False)
    accounts = Account.objects.visible_to(user).filter(system=shown)
    found = lists.shown(ACCOUNTS, form, accounts, request.GET, rights=rights_seen(user))
    sources = _sources(shown, user)
    context = {
        "shown": shown,
        "rows": found.rows,
        "list": found.page,
        "total": found.total,
        "sources": sources,
        "sees_sources": allowed(user, Perm.INVENTORY_VIEW) or bool(sources),
        "words": asked["q"],
        "only": only,
        "all_accounts": f"{reverse('account_list')}?{urlencode({'system': shown.code, **asked})}",
        "links": _links(shown, user),
        "pages_of": _pages_of(shown, user),
        "share_form": ShareForm() if allowed(user, Perm.INVENTORY_MANAGE) else None,
        "shares": SystemShare.objects.filter(content_object=shown, until__gt=moment.now()).select_related(
            "user"
        ),
        "may_edit": allowed(user, Perm.INVENTORY_MANAGE),
    }
    return page(request, "accounts/system.html", context)


def _sources(shown: System, user: User) -> list[tuple[Source, ImportRun | None, bool]]:
    """Where its records come from: each source, its last applied reading, and whether that is too old."""
    sources = Source.objects.visible_to(user).with_last_came().filter(system=shown)
    applied = ImportRun.objects.applied().filter(source__system=shown)
    newest = applied.order_by("source", "-pk").distinct("source").values("pk")
    by = User.objects.filter(pk=OuterRef("received_by_id")).values("name")[:1]
    runs = ImportRun.objects.visible_to(user).annotate(sent_by=Subquery(by))
    last = {run.source_id: run for run in runs.filter(pk__in=newest)}
    now = moment.now()
    rows = []
    for one in sources.order_by("name"):
        reading = last.get(one.pk)
        taken = (reading.taken_at or reading.received_at) if reading else None
        rows.append((one, reading, taken is not None and taken + timedelta(days=one.fresh_days) < now))
    return rows


def _links(shown: System, user: User) -> dict[str, str]:
    """Other pages about it, as far as they may open them."""
    found = {
        "system_coverage": reverse("system_coverage", args=[shown.code]),
        "rights": f"{reverse('right_list')}?{urlencode({'system': shown.code})}",
    }
    if reach.is_open_to(user, shown):
        found["reach"] = reverse("reach", args=[shown.code])
    return found


def _pages_of(shown: System, user: User) -> set[UUID]:
    """Of those who answer for it, whose page they may open."""
    who = [one for one in (shown.owner_id, shown.deputy_id) if one is not None]
    if user.may(Perm.PERSON_VIEW):
        return set(who)  # of everybody; there is nothing to ask
    return set(Identity.objects.visible_to(user).filter(pk__in=who).values_list("pk", flat=True))


@require_http_methods(["GET", "POST"])
def system_edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change a system's facts, owner and carriers."""
    shown = get_object_or_404(System.objects.visible_to(request.user), code=code)
    require(request.user, Perm.INVENTORY_MANAGE)
    initial = {
        "version": shown.version,
        "name": shown.name,
        "environment": shown.environment,
        "removal_days": shown.removal_days,
        "owner": (shown.owner.email or shown.owner.name) if shown.owner else "",
        "deputy": (shown.deputy.email or shown.deputy.name) if shown.deputy else "",
        "carriers": ", ".join(carrier.email or carrier.name for carrier in shown.carriers.order_by("name")),
        "hosts": ", ".join(shown.hosts),
        "is_gateway": shown.is_gateway,
    }
    form = SystemForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        systems.edit(shown, version=given.pop("version"), actor=me(request).actor, **given)
        messages.success(request, _("Saved."))
        return redirect("system", shown.code)
    return page(request, "accounts/system_form.html", {"shown": shown, "form": form, "people": people()})


@require_POST
def system_share(request: HttpRequest, code: str) -> HttpResponse:
    """Let an auditor see this system until a moment."""
    shown = get_object_or_404(System.objects.visible_to(request.user), code=code)
    require(request.user, Perm.INVENTORY_MANAGE)
    form = ShareForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("Choose an auditor and the moment the share ends."))
    made = systems.share(shown, form.cleaned_data["user"], until=form.cleaned_data["until"], by=me(request))
    messages.success(request, _("%(name)s may see this system.") % {"name": made.user})
    return redirect("system", shown.code)
