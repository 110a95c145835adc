"""Accounts that belong to nobody known, and what people say of each: the queue of correlation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import TextField
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms.correlation import AlikeForm, ClaimedForm, MachineForm, QueueFilter, SharedForm
from accounts.forms.inventory import VersionForm
from accounts.models import Account, CorrelationRule, Identity
from accounts.models.account import AccountQuerySet
from accounts.models.correlation import Claim, claims_of
from accounts.models.listing import Order, folded
from accounts.services import orphans
from accounts.views import lists
from accounts.views.account_list import rights_seen
from accounts.views.identities import SUGGESTIONS, me, people
from portal.ui.render import page, wants_fragment
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm

LISTING: lists.Listing[Account] = lists.Listing(
    url_name="orphan_list",
    template="accounts/orphan_list.html",
    form=QueueFilter,
    orders={
        "name": Order("name", folded("name"), TextField()),
        "added": Order("added"),
    },
    order="name",
    related=("system",),
    columns={
        "system": "system__code",
        "account": "name",
        "id_on_system": "external_id",
        "display_name": "display_name",
        "kind": "kind",
        "email": "email",
        "employee_number": "employee_number",
        "doubt": "doubt",
        "proposed_identity_id": KT("claims__0__identity"),
        "proposed_percent": KT("claims__0__confidence"),
        "proposed_rule_id": KT("claims__0__rule"),
        "enabled": "is_enabled",
        "created_at": "created_at",
        "last_used_at": "last_used_at",
        "account_id": "pk",
    },
)


@dataclass(frozen=True, slots=True)
class Proposed:
    """Somebody who may be meant, as a line shows it."""

    claim: Claim
    person: Identity
    rule: CorrelationRule | None

    @property
    def doubt(self) -> str:
        """What speaks against it, in words."""
        return str(Account.Doubt(self.claim.doubt).label) if self.claim.doubt else ""

    @property
    def has_left(self) -> bool:
        """Nothing is linked to somebody who has left."""
        return self.person.status == Identity.Status.LEFT


@dataclass(frozen=True, slots=True)
class Row:
    """One account with those who are proposed for it."""

    account: Account
    proposed: Sequence[Proposed] = ()


@require_GET
def orphan_list(request: HttpRequest) -> HttpResponseBase:
    """Accounts that belong to nobody known, those with somebody proposed first."""
    require(request.user, Perm.INVENTORY_VIEW)
    user = me(request)
    form, rows = QueueFilter(request.GET, user), Account.objects.visible_to(user).orphaned()
    if instead := lists.other(LISTING, form, rows, request):
        return instead
    found = lists.shown(LISTING, form, rows, request.GET, rights=rights_seen(user))
    more = {
        "queue": rows_of(found.rows, form.rules, user),
        "may_link": allowed(user, Perm.INVENTORY_MANAGE),
        "alike": form.rules.get(form.asked.get("rule", "")),
        "here": request.GET.urlencode(),
    }
    return lists.drawn(request, LISTING, found, **more)


def rows_of(accounts: Sequence[Account], rules: dict[str, CorrelationRule], user: User) -> list[Row]:
    """With those who are proposed, as far as somebody may see them; one question for any number of rows."""
    claims = {account.pk: claims_of(account.claims) for account in accounts}
    wanted = {claim.identity_id for every in claims.values() for claim in every}
    found = Identity.objects.visible_to(user).in_bulk(wanted) if wanted else {}
    return [
        Row(
            account,
            [
                Proposed(claim, found[claim.identity_id], rules.get(str(claim.rule_id)))
                for claim in claims[account.pk]
                if claim.identity_id in found
            ],
        )
        for account in accounts
    ]


@require_POST
def orphan_link(request: HttpRequest, pk: int) -> HttpResponse:
    """One of those proposed is right: linked in one click."""
    account = _account(request, pk)
    form = ClaimedForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("The form is incomplete. Open the page again."))
    person = get_object_or_404(Identity.objects.visible_to(request.user), pk=form.cleaned_data["identity"])
    orphans.link_claimed(account, person, version=form.cleaned_data["version"], actor=me(request).actor)
    said = _("%(account)s belongs to %(name)s.") % {"account": account.name, "name": person}
    return _answer(request, account, said)


@require_POST
def orphan_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """None of those proposed; they are not proposed for it again."""
    account = _account(request, pk)
    form = VersionForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("The form is incomplete. Open the page again."))
    orphans.refuse(account, version=form.cleaned_data["version"], by=me(request))
    said = _("Nobody of them is proposed for %(account)s again.") % {"account": account.name}
    return _answer(request, account, said)


@require_http_methods(["GET", "POST"])
def orphan_machine(request: HttpRequest, pk: int) -> HttpResponse:
    """It is a machine's: of one that is known, or of a new one."""
    account = _account(request, pk)
    initial = {"version": account.version, "name": account.name, "kind": Identity.Kind.SERVICE}
    form = MachineForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given, actor = form.cleaned_data, me(request).actor
        if given["machine"] is not None:
            orphans.is_machine(account, given["machine"], version=given["version"], actor=actor)
        else:
            kind = Identity.Kind(given["kind"])
            orphans.is_new_machine(
                account, name=given["name"], kind=kind, version=given["version"], actor=actor
            )
        said = _("%(account)s belongs to the machine identity %(name)s.")
        messages.success(request, said % {"account": account.name, "name": account.identity})
        return redirect(_back(request))
    machines = Identity.objects.machines().active().order_by("name").values_list("name", flat=True)
    context = {"account": account, "form": form, "machines": machines[:SUGGESTIONS], "back": _back(request)}
    return page(request, "accounts/orphan_machine.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def orphan_shared(request: HttpRequest, pk: int) -> HttpResponse:
    """Several people use it: it is shared, or kept for an emergency."""
    account = _account(request, pk)
    form = SharedForm(request.POST or None, initial={"version": account.version})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        orphans.is_shared(
            account,
            given["members"],
            kind=Account.Kind(given["kind"]),
            version=given["version"],
            actor=me(request).actor,
        )
        said = ngettext(
            "%(account)s has %(count)d member.", "%(account)s has %(count)d members.", len(given["members"])
        )
        messages.success(request, said % {"account": account.name, "count": len(given["members"])})
        return redirect(_back(request))
    context = {"account": account, "form": form, "people": people(), "back": _back(request)}
    return page(request, "accounts/orphan_shared.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def orphan_alike(request: HttpRequest) -> HttpResponse:
    """All accounts for which one rule proposes somebody: looked at first, then linked in one act."""
    require(request.user, Perm.INVENTORY_MANAGE)
    user = me(request)
    filters = QueueFilter(request.GET, user)
    rule = filters.rules.get(filters.asked.get("rule", ""))
    if rule is None:
        messages.error(request, _("Choose by which rule they are proposed."))
        return redirect(_back(request))
    seen = Account.objects.visible_to(user).orphaned()
    form = AlikeForm(request.POST)
    if request.method == "POST" and form.is_valid():
        count = orphans.link_chosen(seen, form.cleaned_data["row"], rule, actor=user.actor)
        said = ngettext("%(count)d account is linked.", "%(count)d accounts are linked.", count)
        messages.success(request, said % {"count": count})
        return redirect(_back(request))
    steps = orphans.plan(cast("AccountQuerySet", filters.narrow(seen)), rule)
    context = {
        "rule": rule,
        "steps": steps,
        "happening": [step for step in steps if not step.why_not],
        "most": orphans.MOST if len(steps) == orphans.MOST else 0,
        "nothing_chosen": request.method == "POST",
        "back": _back(request),
        "here": request.GET.urlencode(),
    }
    return page(
        request, "accounts/orphan_alike.html", context, status=422 if request.method == "POST" else 200
    )


def _account(request: HttpRequest, pk: int) -> Account:
    account = get_object_or_404(Account.objects.visible_to(request.user).select_related("system"), pk=pk)
    require(request.user, Perm.INVENTORY_MANAGE)
    return account


def _back(request: HttpRequest) -> str:
    """The list as it was: only its own address, with what narrowed it."""
    query = request.GET.urlencode()
    return reverse("orphan_list") + (f"?{query}" if query else "")


def _answer(request: HttpRequest, account: Account, said: str) -> HttpResponse:
    """The line as it is now; without a script the list again."""
    messages.success(request, said)
    if not wants_fragment(request):
        return redirect(_back(request))
    dressed = Account.objects.select_related("system", "identity").annotate(rights=rights_seen(me(request)))
    context: dict[str, Any] = {
        "row": Row(dressed.get(pk=account.pk)),
        "is_done": True,
        "may_link": True,
        "here": request.GET.urlencode(),
    }
    return page(request, "accounts/_queue_row.html", context, fragment="accounts/_queue_row.html")
