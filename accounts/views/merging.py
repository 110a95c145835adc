"""Two identities that are one, and one that is two: looked at side by side before anything moves."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms.merging import MergeForm, SplitForm
from accounts.models import Account, Identity
from accounts.services import merging, splitting
from accounts.services.merging import Moving
from accounts.views.identities import me
from accounts.views.paging import key_of
from portal.ui.render import page
from portal.users.guards import require
from portal.users.models import User
from portal.users.permissions import Perm

FOUND = 20  # of a search


@require_http_methods(["GET", "POST"])
def identity_merge(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Choose the duplicate, see what would move, and merge."""
    user = me(request)
    kept = get_object_or_404(Identity.objects.visible_to(user).select_related("manager"), pk=pk)
    require(user, Perm.INVENTORY_MANAGE)
    form = MergeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        duplicate = _other(user, form.cleaned_data["other"])
        merging.merge(
            kept,
            duplicate,
            version=form.cleaned_data["version"],
            duplicate_version=form.cleaned_data["other_version"],
            by=user,
        )
        words = _("%(duplicate)s is part of %(name)s now.") % {"duplicate": duplicate.name, "name": kept.name}
        messages.success(request, words)
        return redirect("identity", kept.pk)
    if request.method == "POST":
        raise ValidationError(_("The form is incomplete. Open the page again."))
    context = {"kept": kept, **_chosen(request, kept, user)}
    return page(request, "accounts/identity_merge.html", context)


def _chosen(request: HttpRequest, kept: Identity, user: User) -> dict[str, Any]:
    """The two side by side, once the other one was chosen; before, who it might be."""
    visible = Identity.objects.visible_to(user)
    if key := request.GET.get("other", ""):
        other = _other(user, key_of(key))
        initial = {"version": kept.version, "other": other.pk, "other_version": other.version}
        return {
            "other": other,
            "sides": [
                (one, Moving.of(one), list(one.engagements.select_related("source"))) for one in (kept, other)
            ],
            "refused": merging.why_not(kept, other, user),
            "form": MergeForm(initial=initial),
        }
    words = request.GET.get("q", "").strip()[:100]
    sort = visible.human() if kept.is_human else visible.machines()
    found = sort.standing().matching(words).exclude(pk=kept.pk) if words else Identity.objects.none()
    return {
        "q": words,
        "found": list(found.order_by("name", "pk")[:FOUND]),
        "alike": list(visible.like(kept).order_by("name", "pk")[:FOUND]),
    }


def _other(user: User, key: UUID | None) -> Identity:
    return get_object_or_404(Identity.objects.visible_to(user).select_related("manager"), pk=key)


@require_http_methods(["GET", "POST"])
def identity_split(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Choose what is somebody else's, say who that is, look, and split."""
    user = me(request)
    whole = get_object_or_404(Identity.objects.visible_to(user), pk=pk)
    require(user, Perm.INVENTORY_MANAGE)
    accounts = Account.objects.visible_to(user).filter(identity=whole).select_related("system")
    form = SplitForm(request.POST or None, whole=whole, accounts=accounts, initial={"version": whole.version})
    is_looked_at = request.POST.get("step") == "split"
    part = None
    if request.method == "POST" and form.is_valid():
        if not is_looked_at:
            return page(request, "accounts/identity_split.html", _preview(whole, form))
        part = _split(form, whole, user)
    if part is not None:
        messages.success(request, _("Split: they are two now."))
        return redirect("identity", part.pk)
    context = {"whole": whole, "form": form}
    return page(request, "accounts/identity_split.html", context, status=422 if form.errors else 200)


def _preview(whole: Identity, form: SplitForm) -> dict[str, Any]:
    """What goes and what stays; the form is sent again as it was."""
    given = form.cleaned_data
    goes = {
        "engagements": [one.pk for one in given.get("engagements", ())],
        "accounts": [one.pk for one in given["accounts"]],
    }
    sent = [
        (bound.html_name, value)
        for bound in form
        for value in (bound.value() if isinstance(bound.value(), list) else [bound.value()])
        if value not in (None, "")
    ]
    into = given.get("into")
    return {
        "whole": whole,
        "sent": sent,
        "part_name": into.name if into else given["name"],
        "is_again": into is not None,
        "going": _named(whole, goes, stays=False),
        "staying": _named(whole, goes, stays=True),
    }


def _named(whole: Identity, goes: dict[str, list[int]], *, stays: bool) -> list[str]:
    """Engagements, then accounts, by name."""
    engagements = whole.engagements.select_related("source").order_by("pk")
    accounts = whole.accounts.select_related("system").order_by("system__code", "name", "pk")
    lines = [
        f"{one.number}, {one.employer or one.source.name}"
        for one in engagements
        if (one.pk in goes["engagements"]) is not stays
    ]
    lines += [
        f"{account.name}, {account.system.code}"
        for account in accounts
        if (account.pk in goes["accounts"]) is not stays
    ]
    return lines


def _split(form: SplitForm, whole: Identity, user: User) -> Identity | None:
    given = form.cleaned_data
    try:
        return splitting.split(
            whole,
            name=given["name"],
            email=given.get("email", ""),
            engagements=[one.pk for one in given.get("engagements", ())],
            accounts=[one.pk for one in given["accounts"]],
            into=given.get("into"),
            version=given["version"],
            by=user,
        )
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return None
