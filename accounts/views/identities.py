"""Identities of all kinds, and those that nobody answers for."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms.inventory import MachineForm, NewMachineForm, OwnerForm
from accounts.models import Account, Credential, Grant, Identity, Ownership
from accounts.services import identities, ownership
from portal.audit.models import Event
from portal.audit.versions import as_seen
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm

PER_PAGE = 50
SUGGESTIONS = 500  # names in a datalist; beyond that people type an address


def people() -> list[Identity]:
    """Suggestions for a field that names a person."""
    return list(Identity.objects.human().active().order_by("name").only("name", "email")[:SUGGESTIONS])


@require_GET
def identity_list(request: HttpRequest) -> HttpResponse:
    """Who and what the organisation knows."""
    kind, status = request.GET.get("kind", ""), request.GET.get("status", "")
    words = request.GET.get("q", "").strip()
    shown = Identity.objects.visible_to(request.user)
    if kind == "machines":
        shown = shown.machines()
    elif kind in Identity.Kind.values:
        shown = shown.filter(kind=kind)
    if status in Identity.Status.values:
        shown = shown.filter(status=status)
    if words:
        shown = shown.matching(words)
    shown = shown.select_related("manager", "owner").annotate(
        account_count=Count("accounts", filter=Q(accounts__gone_run=None), distinct=True)
    )
    found = Paginator(shown.order_by("name", "id"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "identities": found,
        "kinds": Identity.Kind.choices,
        "statuses": Identity.Status.choices,
        "kind": kind,
        "status": status,
        "words": words,
        "may_create": allowed(request.user, Perm.INVENTORY_MANAGE),
        "may_import": allowed(request.user, Perm.INVENTORY_IMPORT),
    }
    return page(request, "accounts/identity_list.html", context)


@require_GET
def identity(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One identity: who answers for it, what it holds, what was done."""
    shown = get_object_or_404(
        Identity.objects.visible_to(request.user).select_related("manager", "owner", "deputy", "stand_in"),
        pk=pk,
    )
    grants = Grant.objects.visible_to(request.user).filter(account__identity=shown)
    accounts = Account.objects.visible_to(request.user).filter(identity=shown)
    credentials = Credential.objects.visible_to(request.user).filter(account__identity=shown)
    may_see_log = allowed(request.user, Perm.AUDIT_VIEW)
    context = {
        "shown": shown,
        "engagements": shown.engagements.select_related("source"),
        "accounts": accounts.select_related("system", "gone_run").order_by(
            "gone_run_id", "system__code", "name"
        ),
        "grants": grants.held()
        .select_related("system", "account", "entitlement", "via", "use")
        .order_by("-entitlement__carries_privilege", "system__code", "entitlement__name"),
        "past": grants.filter(held__upper_inf=False).select_related("system", "entitlement")[:50],
        "credentials": credentials.present().select_related("account__system"),
        "ownerships": shown.ownerships.select_related("holder").order_by("role", "-during"),
        "owned": Identity.objects.visible_to(request.user).answered_for_by(shown.pk).order_by("name")[:100],
        "events": Event.objects.about(shown).newest_first()[:20] if may_see_log else [],
        "may_see_rights": allowed(request.user, Perm.INVENTORY_VIEW) or accounts.exists(),
        "may_name": allowed(request.user, Perm.OWNER_NAME, shown) and not shown.is_human,
        "may_edit": allowed(request.user, Perm.INVENTORY_MANAGE, shown) and not shown.is_human,
        "may_see_sessions": allowed(request.user, Perm.SESSION_VIEW),
        "stands_in": shown.stand_in_id is not None and shown.stand_in_id == me(request).identity_id,
    }
    return page(request, "accounts/identity.html", context)


@require_http_methods(["GET", "POST"])
def identity_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what is known of a machine."""
    shown = get_object_or_404(Identity.objects.visible_to(request.user).machines(), pk=pk)
    require(request.user, Perm.INVENTORY_MANAGE, shown)
    initial = {name: getattr(shown, name) for name in [*identities.EDITABLE, "version"]}
    form = MachineForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in identities.EDITABLE}
        identities.edit(shown, values, version=form.cleaned_data["version"], actor=me(request).actor)
        messages.success(request, _("Saved."))
        return redirect("identity", shown.pk)
    context = {"shown": shown, "form": form}
    return page(request, "accounts/identity_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def identity_new(request: HttpRequest) -> HttpResponse:
    """A machine that no import brought."""
    require(request.user, Perm.INVENTORY_MANAGE)
    form = NewMachineForm(request.POST or None, initial={"kind": Identity.Kind.SERVICE})
    if request.method == "POST" and form.is_valid():
        made = identities.create(actor=me(request).actor, **form.cleaned_data)
        messages.success(
            request, _("%(name)s is in the inventory. Name its owner next.") % {"name": made.name}
        )
        return redirect("identity", made.pk)
    return page(request, "accounts/identity_form.html", {"form": form})


@require_http_methods(["GET", "POST"])
def identity_owner(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Name the owner and the deputy of a machine."""
    shown = get_object_or_404(Identity.objects.visible_to(request.user).machines(), pk=pk)
    require(request.user, Perm.OWNER_NAME, shown)
    form = OwnerForm(
        request.POST or None, initial={"version": shown.version, "owner": request.GET.get("owner", "")}
    )
    if request.method == "POST" and form.is_valid():
        _name(shown, form, me(request))
        messages.success(request, _("%(name)s has somebody who answers for it.") % {"name": shown.name})
        return redirect(_back(request, reverse("identity", args=[shown.pk])))
    return page(request, "accounts/identity_owner.html", {"shown": shown, "form": form, "people": people()})


@transaction.atomic
def _name(shown: Identity, form: OwnerForm, by: User) -> None:
    version = form.cleaned_data["version"]
    for role in (Ownership.Role.OWNER, Ownership.Role.DEPUTY):
        holder = form.cleaned_data[role.value]
        if holder and holder.pk != getattr(shown, f"{role.value}_id"):
            ownership.name_owner(shown, holder, role=role, version=version, actor=by.actor)
            version = shown.version


@require_POST
def identity_accept(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whoever stands in accepts: this machine is mine."""
    shown = get_object_or_404(Identity.objects.visible_to(request.user).machines(), pk=pk)
    if me(request).identity_id not in {shown.stand_in_id, shown.owner_id} - {None}:
        raise PermissionDenied(_("Only whoever stands in for it, or was named its owner, can accept it."))
    ownership.accept(shown, version=as_seen(request.POST.get("version")), by=me(request))
    messages.success(request, _("You own %(name)s now. Name a deputy next.") % {"name": shown.name})
    return redirect("identity", shown.pk)


@require_GET
def unowned_list(request: HttpRequest) -> HttpResponse:
    """Machines without an owner who is here."""
    require(request.user, Perm.INVENTORY_VIEW)
    unowned = (
        Identity.objects.visible_to(request.user).unowned().select_related("owner", "deputy", "stand_in")
    )
    held = Q(accounts__grants__held__upper_inf=True, accounts__grants__entitlement__carries_privilege=True)
    shown = unowned.annotate(privileged=Count("accounts__grants", filter=held))
    found = Paginator(shown.order_by("-privileged", "name", "id"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"identities": found, "may_name": allowed(request.user, Perm.OWNER_NAME)}
    return page(request, "accounts/unowned_list.html", context)


@require_GET
def my_machines(request: HttpRequest) -> HttpResponse:
    """The machines this person answers for, and those they stand in for."""
    mine = me(request).identity_id
    shown = Identity.objects.none()
    if mine is not None:
        answered = Q(owner=mine) | Q(deputy=mine) | Q(stand_in=mine)
        shown = Identity.objects.machines().filter(answered).select_related("owner", "deputy", "stand_in")
    found = Paginator(shown.order_by("name", "id"), PER_PAGE).get_page(request.GET.get("page"))
    return page(request, "accounts/my_machines.html", {"identities": found, "mine": mine})


def me(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware let nobody else through."""
    return cast(User, request.user)


def _back(request: HttpRequest, otherwise: str) -> str:
    """Where the person came from, if that is a page of ours."""
    wanted = request.POST.get("next", "")
    # redirect() would take a word without a slash for the name of a page.
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, {request.get_host()})
    return wanted if is_ours else otherwise
