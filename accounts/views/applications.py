"""Applications: what is run, who answers for it, and which machines belong to it."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms.inventory import VersionForm
from accounts.forms.ownership import ApplicationFacts, ApplicationForm, AssignForm, NewApplicationForm
from accounts.models import Application, Identity
from accounts.services import applications, ownership
from accounts.views.identities import me, people
from accounts.views.paging import key_of, piece
from portal.audit.versions import as_seen
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.permissions import Perm


@require_GET
def application_list(request: HttpRequest) -> HttpResponse:
    """Every application with who answers for it, and how many machines that is."""
    words, only = request.GET.get("q", "").strip(), request.GET.get("only", "")
    shown = Application.objects.visible_to(request.user)
    if words:
        shown = shown.filter(Q(name__icontains=words) | Q(description__icontains=words))
    retired = shown.filter(status=Application.Status.RETIRED)
    shown = retired if only == "retired" else shown.active()
    if only == "unowned":
        shown = shown.filter(Q(owner=None) | Q(owner__status=Identity.Status.LEFT))
    there = Q(machines__in=Identity.objects.machines().active())
    found = piece(
        shown.annotate(machine_count=Count("machines", filter=there), folded=Lower("name")).select_related(
            "owner", "deputy", "stand_in"
        ),
        request.GET.get("after", ""),
        "folded",
        "id",
    )
    context = {
        "found": found,
        "count": shown.count(),
        "words": words,
        "only": only,
        "may_create": allowed(request.user, Perm.INVENTORY_MANAGE),
    }
    return page(request, "accounts/application_list.html", context)


@require_GET
def application(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One application, its owners with history, and its machines."""
    shown = get_object_or_404(_seen(request), pk=pk)
    machines = Identity.objects.visible_to(request.user).machines().active().filter(application=shown)
    may_assign = allowed(request.user, Perm.INVENTORY_MANAGE)
    context = {
        "shown": shown,
        "machines": piece(
            machines.select_related("owner", "deputy"), request.GET.get("after", ""), "name", "id"
        ),
        "count": machines.count(),
        "ownerships": shown.ownerships.select_related("holder").order_by("role", "-during")[:50],
        "may_edit": allowed(request.user, Perm.INVENTORY_MANAGE, shown),
        "may_assign": may_assign,
        "assigning": AssignForm() if may_assign else None,
        "stands_in": shown.stand_in_id is not None and shown.stand_in_id == me(request).identity_id,
    }
    return page(request, "accounts/application.html", context)


@require_http_methods(["GET", "POST"])
def application_new(request: HttpRequest) -> HttpResponse:
    """Another application."""
    require(request.user, Perm.INVENTORY_MANAGE)
    form = NewApplicationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = applications.create(actor=me(request).actor, **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(
                request, _("%(name)s is known. Say which machines belong to it.") % {"name": made}
            )
            return redirect("application", made.pk)
    return page(request, "accounts/application_form.html", {"form": form, "people": people()})


@require_http_methods(["GET", "POST"])
def application_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what is known of it; its owner says what it does and who is behind them."""
    shown = get_object_or_404(_seen(request), pk=pk)
    require(request.user, Perm.INVENTORY_MANAGE, shown)
    keeps = allowed(request.user, Perm.INVENTORY_MANAGE)
    form = (ApplicationForm if keeps else ApplicationFacts)(request.POST or None, initial=_initial(shown))
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            applications.edit(shown, given, version=given.pop("version"), actor=me(request).actor)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("application", shown.pk)
    context = {"shown": shown, "form": form, "people": people()}
    return page(request, "accounts/application_form.html", context)


@require_POST
def application_assign(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let machines belong to it by name, or the ticked ones no longer."""
    shown = get_object_or_404(_seen(request), pk=pk)
    require(request.user, Perm.INVENTORY_MANAGE)
    if request.POST.get("act") == "leave":
        keys = [key for text in request.POST.getlist("row") if (key := key_of(text))]
        there = shown.machines.filter(pk__in=keys).values_list("pk", flat=True)
        count = applications.assign(set(there), None, actor=me(request).actor)
        words = ngettext(
            "%(count)d machine belongs to it no more.", "%(count)d machines belong to it no more.", count
        )
    else:
        form = AssignForm(request.POST)
        if not form.is_valid():
            raise ValidationError([error for errors in form.errors.values() for error in errors])
        count = applications.assign(form.cleaned_data["machines"], shown, actor=me(request).actor)
        words = ngettext(
            "%(count)d machine belongs to it now.", "%(count)d machines belong to it now.", count
        )
    messages.success(request, words % {"count": count})
    return redirect("application", shown.pk)


@require_POST
def application_retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    """It is run no more."""
    shown = get_object_or_404(_seen(request), pk=pk)
    require(request.user, Perm.INVENTORY_MANAGE)
    form = VersionForm(request.POST)
    applications.retire(
        shown, version=form.cleaned_data["version"] if form.is_valid() else 0, actor=me(request).actor
    )
    messages.success(request, _("%(name)s is retired.") % {"name": shown})
    return redirect("application", shown.pk)


@require_POST
def application_accept(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whoever stands in accepts: this application is mine."""
    shown = get_object_or_404(_seen(request), pk=pk)
    if me(request).identity_id not in {shown.stand_in_id, shown.owner_id} - {None}:
        raise PermissionDenied(_("Only whoever stands in for it, or was named its owner, can accept it."))
    ownership.accept(shown, version=as_seen(request.POST.get("version")), by=me(request))
    messages.success(request, _("You own %(name)s now. Name a deputy next.") % {"name": shown})
    return redirect("application", shown.pk)


def _seen(request: HttpRequest) -> "QuerySet[Application]":
    return Application.objects.visible_to(request.user).select_related("owner", "deputy", "stand_in")


def _initial(shown: Application) -> dict[str, object]:
    return {
        "version": shown.version,
        "name": shown.name,
        "description": shown.description,
        "environment": shown.environment,
        "owner": (shown.owner.email or shown.owner.name) if shown.owner else "",
        "deputy": (shown.deputy.email or shown.deputy.name) if shown.deputy else "",
    }
