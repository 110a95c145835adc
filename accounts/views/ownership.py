"""Who answers for one machine, and what is known of it."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.inventory import IdentityFacts, IdentityForm, NewIdentityForm, OwnerForm
from accounts.models import Identity, Ownership, OwnershipClaim
from accounts.services import claims, identities, ownership
from accounts.views.identities import me, people
from portal.audit.versions import as_seen
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm


@require_http_methods(["GET", "POST"])
def identity_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what is known of a machine; its owner says what it is for, IAM also what it is called."""
    shown = get_object_or_404(_machines(request), pk=pk)
    require(request.user, Perm.INVENTORY_MANAGE, shown)
    keeps = allowed(request.user, Perm.INVENTORY_MANAGE)
    fields = sorted(identities.EDITABLE) if keeps else list(identities.TOLD)
    form = (IdentityForm if keeps else IdentityFacts)(
        request.POST or None, initial={name: getattr(shown, name) for name in [*fields, "version"]}
    )
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in fields}
        identities.edit(shown, values, version=form.cleaned_data["version"], actor=me(request).actor)
        messages.success(request, _("Saved."))
        return redirect("identity", shown.pk)
    context = {"shown": shown, "form": form}
    return page(request, "accounts/identity_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def identity_new(request: HttpRequest) -> HttpResponse:
    """A machine that no import brought."""
    require(request.user, Perm.INVENTORY_MANAGE)
    form = NewIdentityForm(request.POST or None, initial={"kind": Identity.Kind.SERVICE})
    if request.method == "POST" and form.is_valid():
        made = identities.create(actor=me(request).actor, **form.cleaned_data)
        messages.success(
            request, _("%(name)s is in the inventory. Name its owner next.") % {"name": made.name}
        )
        return redirect("identity", made.pk)
    return page(request, "accounts/identity_form.html", {"form": form})


@require_http_methods(["GET", "POST"])
def identity_owner(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Name the owner and the deputy of a machine; an owner hands it on, and keeps it until that is taken."""
    shown = get_object_or_404(_machines(request), pk=pk)
    require(request.user, Perm.OWNER_NAME, shown)
    names = allowed(request.user, Perm.OWNER_NAME)
    form = OwnerForm(
        request.POST or None, initial={"version": shown.version, "owner": request.GET.get("owner", "")}
    )
    if request.method == "POST" and form.is_valid():
        asked = _name(shown, form, me(request), directly=names)
        words = (
            _("%(name)s is asked for it. It stays yours until they accept.") % {"name": asked}
            if asked
            else _("%(name)s has somebody who answers for it.") % {"name": shown.name}
        )
        messages.success(request, words)
        return redirect(_back(request, reverse("identity", args=[shown.pk])))
    context = {"shown": shown, "form": form, "people": people(), "names": names}
    return page(request, "accounts/identity_owner.html", context)


@transaction.atomic
def _name(shown: Identity, form: OwnerForm, by: User, *, directly: bool) -> Identity | None:
    """Name them; whoever has to accept first is returned."""
    version = form.cleaned_data["version"]
    for role in (Ownership.Role.OWNER, Ownership.Role.DEPUTY):
        holder = form.cleaned_data[role.value]
        if not holder or holder.pk == getattr(shown, f"{role.value}_id"):
            continue
        if role == Ownership.Role.DEPUTY or directly:
            ownership.name_owner(shown, holder, role=role, version=version, actor=by.actor)
            version = shown.version
    to = form.cleaned_data["owner"]
    if directly or not to or to.pk == shown.owner_id:
        return None
    claims.say(shown, answer=OwnershipClaim.Answer.ASK, ask=to, version=version, by=by)
    return to if isinstance(to, Identity) else None


@require_POST
def identity_accept(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whoever stands in accepts: this machine is mine."""
    shown = get_object_or_404(_machines(request), pk=pk)
    if me(request).identity_id not in {shown.stand_in_id, shown.owner_id} - {None}:
        raise PermissionDenied(_("Only whoever stands in for it, or was named its owner, can accept it."))
    ownership.accept(shown, version=as_seen(request.POST.get("version")), by=me(request))
    messages.success(request, _("You own %(name)s now. Name a deputy next.") % {"name": shown.name})
    return redirect("identity", shown.pk)


def _machines(request: HttpRequest) -> "QuerySet[Identity]":
    return Identity.objects.visible_to(request.user).machines().select_related("application")


def _back(request: HttpRequest, otherwise: str) -> str:
    """Where the person came from, if that is a page of ours."""
    wanted = request.POST.get("next", "")
    # redirect() would take a word without a slash for the name of a page.
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, {request.get_host()})
    return wanted if is_ours else otherwise
