"""What HR readings say differently: who came, moved and left, and what follows from a missing row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.forms.merging import DismissForm
from accounts.models import Identity, ImportRun, OffboardingCase, PersonChange, Source
from accounts.services import joiners
from accounts.views.identities import me
from accounts.views.paging import Piece, key_of, piece
from portal import moment
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm

Kind = PersonChange.Kind
LOOKED_BACK = 30  # readings to choose from
SEEN_WITH = frozenset({Perm.OFFBOARDING_MANAGE, Perm.OFFBOARDING_VIEW, Perm.INVENTORY_IMPORT})


@dataclass(slots=True)
class Row:
    """One change in words: what each field was and is, and of a leaver where that stands."""

    change: PersonChange
    fields: list[tuple[str, str, str]] = field(default_factory=list)  # label, before, after
    state: str = ""  # proposed, dismissed, left, back, planned, running
    case: OffboardingCase | None = None


@require_GET
def hr_changes(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One reading of an HR source against the one before it, one kind of change at a time."""
    user = me(request)
    if not _may_see(user):
        raise Http404
    source = get_object_or_404(Source.objects.filter(system=None), pk=pk)
    runs = list(source.runs.all().applied().order_by("-applied_at")[:LOOKED_BACK])
    run = _chosen(source, runs, request.GET.get("run", ""))
    seen = PersonChange.objects.visible_to(user).filter(run=run)
    counts = seen.counted()
    kind = _kind(request.GET.get("kind", ""), counts)
    found = _piece(seen.of_kind(kind), request.GET.get("after", ""))
    context = {
        "source": source,
        "run": run,
        "runs": runs,
        "tabs": [(one, counts.get(one, 0)) for one in Kind],
        "kind": kind,
        "found": found,
        "rows": rows_of(found.rows, user),
        "is_first_reading": run is not None and not counts and _is_first(run),
        "many_movers": joiners.MANY_MOVERS if counts.get(Kind.MOVED, 0) > joiners.MANY_MOVERS else 0,
        "campaign_url": _campaign_url(run, user),
        **_acts(user),
    }
    return page(request, "accounts/hr_changes.html", context)


@require_GET
def leaver_list(request: HttpRequest) -> HttpResponse:
    """Everybody whose row is missing and about whom nothing was said, over all HR sources."""
    user = me(request)
    if not _may_see(user):
        raise PermissionDenied(_("What HR readings say is for HR, compliance and IAM."))
    waiting = PersonChange.objects.visible_to(user).proposals().without_case_for(user)
    found = _piece(waiting, request.GET.get("after", ""))
    today = waiting.filter(run__applied_at__gt=moment.now() - joiners.DAY).count()
    context = {
        "found": found,
        "rows": rows_of(found.rows, user),
        "count": waiting.count(),
        "many": today if joiners.is_many(today, Identity.objects.human().active().count()) else 0,
        "sources": Source.objects.filter(system=None).order_by("name"),
        **_acts(user),
    }
    return page(request, "accounts/leaver_list.html", context)


@require_http_methods(["GET", "POST"])
def leaver_dismiss(request: HttpRequest, pk: UUID) -> HttpResponse:
    """HR says that the missing row is no leaver."""
    user = me(request)
    seen = PersonChange.objects.visible_to(user) if _may_see(user) else PersonChange.objects.none()
    shown = get_object_or_404(seen.filter(is_proposed=True).select_related("identity", "run__source"), pk=pk)
    require(user, Perm.OFFBOARDING_MANAGE)
    form = DismissForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            joiners.dismiss(shown.pk, because=form.cleaned_data["because"], by=user)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Noted: the missing row is no leaver."))
            return redirect("leaver_list")
    context = {"form": form, "change": shown}
    return page(request, "accounts/leaver_dismiss.html", context, status=422 if form.errors else 200)


def rows_of(changes: Sequence[PersonChange], user: User) -> list[Row]:
    """In words; a leaver's state as far as this user may know it."""
    keys = {
        key
        for change in changes
        for said in (change.before, change.after)
        if (key := key_of(said.get("manager", "")))
    }
    managers = Identity.objects.only("name").in_bulk(keys) if keys else {}
    rows = [Row(change, _fields(change, managers)) for change in changes]
    leaving = [row for row in rows if row.change.kind == Kind.LEFT]
    if leaving:
        _tell_states(leaving, user)
    return rows


def _fields(change: PersonChange, managers: dict[UUID, Identity]) -> list[tuple[str, str, str]]:
    labels = {"unit": _("Unit"), "title": _("Job title"), "manager": _("Manager")}
    return [
        (label, _said(change.before, name, managers), _said(change.after, name, managers))
        for name, label in labels.items()
        if name in change.before or name in change.after
    ]


def _said(said: dict[str, Any], name: str, managers: dict[UUID, Identity]) -> str:
    value = str(said.get(name, ""))
    if name != "manager" or not value:
        return value
    key = key_of(value)
    return managers[key].name if key in managers else _("somebody unknown")


def _tell_states(leaving: list[Row], user: User) -> None:
    """Nobody learns of a case by it who may know of none: to them the row stays proposed."""
    people = [row.change.identity_id for row in leaving]
    known = OffboardingCase.objects.visible_to(user).open().filter(identity__in=people)
    cases = {case.identity_id: case for case in known}
    keys = [row.change.pk for row in leaving]
    waiting = set(PersonChange.objects.filter(pk__in=keys).proposals().values_list("pk", flat=True))
    for row in leaving:
        change = row.change
        row.case = cases.get(change.identity_id) if change.identity_id else None
        if row.case is not None:
            row.state = row.case.state
        elif change.dismissed_at is not None:
            row.state = "dismissed"
        elif change.identity is not None and change.identity.status == Identity.Status.LEFT:
            row.state = "left"
        else:
            row.state = "proposed" if change.pk in waiting else "back"


def _may_see(user: User) -> bool:
    return user.may(Perm.PERSON_VIEW) and bool(SEEN_WITH & user.permissions)


def _chosen(source: Source, runs: list[ImportRun], key: str) -> ImportRun | None:
    """The reading that was asked for, else the last one; None where none is part of the record."""
    if not key:
        return runs[0] if runs else None
    wanted = key_of(key)
    listed = next((run for run in runs if run.pk == wanted), None)
    return listed or get_object_or_404(source.runs.all().applied(), pk=wanted)


def _kind(wanted: str, counts: dict[str, int]) -> PersonChange.Kind:
    if wanted in Kind.values:
        return Kind(wanted)
    return next((one for one in Kind if counts.get(one)), Kind.JOINED)


def _piece(shown: Any, after: str) -> Piece[PersonChange]:
    """By name; units by their old one, which the key stands for."""
    named = shown.annotate(folded=Lower("identity__name")).select_related("identity", "run__source")
    if after and named.filter(pk=key_of(after), folded=None).exists():
        return piece(named, after, "id")
    has_names = not named.filter(identity=None).exists()
    return piece(named, after, "folded", "id") if has_names else piece(named, after, "id")


def _is_first(run: ImportRun) -> bool:
    earlier = ImportRun.objects.applied().filter(source=run.source_id, applied_at__lt=run.applied_at)
    return not earlier.exists()


def _campaign_url(run: ImportRun | None, user: User) -> str:
    if run is None or not allowed(user, Perm.CAMPAIGN_MANAGE):
        return ""
    return f"{reverse('campaign_new')}?movers={run.pk}"


def _acts(user: User) -> dict[str, bool]:
    return {
        "may_offboard": allowed(user, Perm.OFFBOARDING_MANAGE),
        "may_see_runs": allowed(user, Perm.INVENTORY_VIEW),
    }
