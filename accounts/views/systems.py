"""Systems, the accounts on them, and single grants."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms.inventory import LinkForm, MemberForm, ShareForm, SystemForm, VersionForm
from accounts.models import (
    Account,
    Credential,
    Grant,
    Identity,
    Membership,
    Revocation,
    Source,
    System,
    SystemShare,
)
from accounts.services import identities, memberships, systems
from accounts.views.identities import PER_PAGE, me, people
from portal import moment
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm


@require_GET
def system_list(request: HttpRequest) -> HttpResponse:
    """Every system with what is on it."""
    shown = System.objects.visible_to(request.user).select_related("owner", "deputy").by_code()
    # What somebody may not see is not counted for them either.
    present = Q(accounts__in=Account.objects.visible_to(request.user).present())
    shown = shown.annotate(
        account_count=Count("accounts", filter=present, distinct=True),
        orphan_count=Count("accounts", filter=present & Q(accounts__identity=None), distinct=True),
    )
    found = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    standing = dict(
        Grant.objects.visible_to(request.user)
        .standing()
        .filter(system__in=[system.pk for system in found])
        .values_list("system")
        .annotate(n=Count("pk"))
        .values_list("system", "n")
    )
    for system in found:
        system.standing_count = standing.get(system.pk, 0)  # type: ignore[attr-defined]  # for the template
    context = {"systems": found, "may_import": allowed(request.user, Perm.INVENTORY_IMPORT)}
    return page(request, "accounts/system_list.html", context)


@require_GET
def system(request: HttpRequest, code: str) -> HttpResponse:
    """One system: who answers for it, its sources, and its accounts."""
    shown = get_object_or_404(
        System.objects.visible_to(request.user).select_related("owner", "deputy"), code=code
    )
    words, only = request.GET.get("q", "").strip(), request.GET.get("only", "")
    accounts = Account.objects.visible_to(request.user).filter(system=shown).select_related("identity")
    accounts = (
        accounts.orphaned() if only == "orphans" else accounts if only == "gone" else accounts.present()
    )
    if only == "gone":
        accounts = accounts.exclude(gone_run=None)
    if words:
        accounts = accounts.filter(Q(name__icontains=words) | Q(identity__name__icontains=words))
    held = Q(grants__in=Grant.objects.visible_to(request.user).held())
    accounts = accounts.annotate(
        held=Count("grants", filter=held),
        privileged=Count("grants", filter=held & Q(grants__entitlement__carries_privilege=True)),
    )
    sources = Source.objects.visible_to(request.user).filter(system=shown)
    context = {
        "shown": shown,
        "accounts": Paginator(accounts.order_by("name", "id"), PER_PAGE).get_page(request.GET.get("page")),
        "sources": sources.order_by("name"),
        "sees_sources": allowed(request.user, Perm.INVENTORY_VIEW) or sources.exists(),
        "carriers": shown.carriers.order_by("name"),
        "words": words,
        "only": only,
        "share_form": ShareForm() if allowed(request.user, Perm.INVENTORY_MANAGE) else None,
        "shares": SystemShare.objects.filter(content_object=shown, until__gt=moment.now()).select_related(
            "user"
        ),
        "may_edit": allowed(request.user, Perm.INVENTORY_MANAGE),
    }
    return page(request, "accounts/system.html", context)


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


@require_GET
def orphan_list(request: HttpRequest) -> HttpResponse:
    """Accounts that belong to nobody known, the privileged first."""
    require(request.user, Perm.INVENTORY_VIEW)
    shown = Account.objects.visible_to(request.user).orphaned().select_related("system")
    chosen = request.GET.get("system", "")
    if chosen:
        shown = shown.filter(system__code=chosen)
    privileged = Q(grants__held__upper_inf=True, grants__entitlement__carries_privilege=True)
    shown = shown.annotate(privileged=Count("grants", filter=privileged)).order_by(
        "-privileged", "system__code", "name", "id"
    )
    context = {
        "accounts": Paginator(shown, PER_PAGE).get_page(request.GET.get("page")),
        "systems": System.objects.visible_to(request.user).by_code(),
        "chosen": chosen,
        "may_link": allowed(request.user, Perm.INVENTORY_MANAGE),
    }
    return page(request, "accounts/orphan_list.html", context)


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
    grants = (
        Grant.objects.visible_to(request.user)
        .filter(account=shown)
        .select_related("entitlement", "via", "use")
    )
    context = {
        "shown": shown,
        "form": form if may_link else None,
        "people": people() if may_link else [],
        "grants": grants.held().order_by("-entitlement__carries_privilege", "entitlement__name"),
        "past": grants.filter(held__upper_inf=False)[:50],
        "credentials": Credential.objects.visible_to(request.user)
        .filter(account=shown)
        .order_by("gone_run_id", "kind"),
        "member_form": MemberForm(initial={"version": shown.version})
        if may_link and shown.kind in memberships.KINDS
        else None,
        "memberships": _members(shown, me(request)),
        "may_see_sessions": allowed(request.user, Perm.SESSION_VIEW),
    }
    return page(request, "accounts/account.html", context)


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


@require_GET
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    """One right of one account, from when to when, and what is to become of it."""
    shown = get_object_or_404(
        Grant.objects.visible_to(request.user).select_related(
            "system",
            "account__identity",
            "entitlement",
            "via",
            "known_from_run__source",
            "known_to_run__source",
            "use",
        ),
        pk=pk,
    )
    context = {
        "shown": shown,
        "revocations": Revocation.objects.visible_to(request.user)
        .filter(grant=shown)
        .order_by("-decided_at"),
        "may_see_sessions": allowed(request.user, Perm.SESSION_VIEW),
    }
    return page(request, "accounts/grant.html", context)
