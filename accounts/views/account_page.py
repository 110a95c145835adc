"""One account: whose it is, what it holds and brings, and who knows its secret."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.inventory import LinkForm, MemberForm, VersionForm
from accounts.models import Account, Credential, Entitlement, Grant, Identity, Membership, System
from accounts.services import identities, memberships
from accounts.views.identities import me, people
from accounts.views.identity_page import riskiest
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm

PAST = 50


@require_http_methods(["GET", "POST"])
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """One account, and the form that says whose it is."""
    shown = get_object_or_404(
        Account.objects.visible_to(request.user).select_related("system", "identity", "gone_run"), pk=pk
    )
    may_link = allowed(request.user, Perm.INVENTORY_MANAGE)
    form = LinkForm(request.POST or None, initial={"version": shown.version})
    if request.method == "POST":
        require(request.user, Perm.INVENTORY_MANAGE)
        if form.is_valid():
            given = form.cleaned_data
            identities.link_account(
                shown, given["identity"], version=given["version"], actor=me(request).actor
            )
            messages.success(
                request,
                _("%(account)s belongs to %(name)s.") % {"account": shown.name, "name": given["identity"]},
            )
            return redirect("account", shown.pk)
    context = _context(shown, me(request)) | {
        "form": form if may_link else None,
        "people": people() if may_link else [],
        "member_form": MemberForm(initial={"version": shown.version})
        if may_link and shown.kind in memberships.KINDS
        else None,
    }
    return page(request, "accounts/account.html", context)


def _context(shown: Account, user: User) -> dict[str, Any]:
    grants = Grant.objects.visible_to(user).filter(account=shown)
    lines, has_more = riskiest(grants, {shown.pk: shown})
    gone = grants.filter(held__upper_inf=False).select_related("entitlement", "via", "known_to_run__source")
    acting = Entitlement.objects.filter(acts_as=shown, system__in=System.objects.visible_to(user))
    alone = shown.kind in {Account.Kind.PERSONAL, Account.Kind.MACHINE, Account.Kind.ROLE}
    return {
        "shown": shown,
        "shown_key": str(shown.pk),
        "lines": lines,
        "has_more": has_more,
        "past": gone.order_by("-pk")[:PAST],
        "credentials": Credential.objects.visible_to(user)
        .filter(account=shown)
        .order_by("gone_run_id", "kind"),
        "acting": acting.select_related("system").order_by("system__code", "name")[:PAST],
        "memberships": [] if alone else _members(shown, user),
        "may_see_sessions": allowed(user, Perm.SESSION_VIEW),
        "may_see_inventory": allowed(user, Perm.INVENTORY_VIEW),
    }


def _members(shown: Account, user: User) -> QuerySet[Membership]:
    """Who knows its secret: everybody, for those who answer for the system; else whom one may see anyway."""
    running = shown.memberships.filter(during__upper_inf=True).select_related("identity")
    if user.identity_id in {shown.system.owner_id, shown.system.deputy_id} - {None}:
        return running
    return running.filter(identity__in=Identity.objects.visible_to(user))


@require_POST
def account_member_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Name a person who knows the secret of a shared account, or keeps an emergency one."""
    shown = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    require(request.user, Perm.INVENTORY_MANAGE)
    form = MemberForm(request.POST)
    if not form.is_valid():
        raise ValidationError([error for errors in form.errors.values() for error in errors])
    member = form.cleaned_data["member"]
    memberships.add(shown, member, version=form.cleaned_data["version"], actor=me(request).actor)
    messages.success(request, _("%(name)s is a member now.") % {"name": member})
    return redirect("account", shown.pk)


@require_POST
def account_member_end(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    """From now on they are no member; what they know stays known until the secret is rotated."""
    shown = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    require(request.user, Perm.INVENTORY_MANAGE)
    membership = get_object_or_404(shown.memberships.filter(during__upper_inf=True), pk=member)
    form = VersionForm(request.POST)
    version = form.cleaned_data["version"] if form.is_valid() else 0
    memberships.end(membership, version=version, actor=me(request).actor)
    messages.success(request, _("%(name)s is no member any more.") % {"name": membership.identity})
    return redirect("account", shown.pk)


@require_POST
def account_unlink(request: HttpRequest, pk: int) -> HttpResponse:
    """The account belongs to nobody known again."""
    shown = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    require(request.user, Perm.INVENTORY_MANAGE)
    form = VersionForm(request.POST)
    version = form.cleaned_data["version"] if form.is_valid() else 0
    identities.unlink_account(shown, version=version, actor=me(request).actor)
    messages.success(request, _("%(account)s is an orphan again.") % {"account": shown.name})
    return redirect("account", shown.pk)
