"""Removals: the work list for those who carry them out, and the chain of each from decided to proven gone."""

from datetime import timedelta
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.forms.revocations import DoneForm, FilterForm, ImpossibleForm, VersionForm
from accounts.models import Revocation, System
from accounts.models.latency import latencies
from accounts.models.revocation import RevocationQuerySet
from accounts.services import exporting, revocations
from accounts.views import revocation_page
from accounts.views.work_list import HEADINGS, cells, groups, row, safe_cell
from portal import exports, moment
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm

PER_PAGE = 60
MEASURED = timedelta(days=90)
AT_ONCE = 500


@require_GET
def revocation_list(request: HttpRequest) -> HttpResponse:
    """What has to go, per system and day, and how far it is."""
    mine, form = _mine(request), FilterForm(request.GET)
    systems = list(System.objects.filter(pk__in=mine.values("system")).by_code())
    shown = _filtered(request, mine, form, systems).with_names()
    found = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    may, at = _may_report(request, list(found)), moment.now()
    rows = [row(one, at=at, may_carry_out=one.pk in may) for one in found]
    system = form.chosen_system(systems)
    numbers = _numbers(mine.filter(system=system) if system else mine)
    context = {
        "page": found,
        "groups": groups(rows),
        "may_report": any(one.may_report for one in rows),
        "systems": systems,
        "system": system,
        "chosen": form.chosen_state(_usual(request)),
        "overdue": form.only_overdue,
        "states": [(code, words, numbers[code]) for code, words in Revocation.State.choices],
        "numbers": numbers,
        "latencies": latencies(mine, at - MEASURED),
        "sees_all": allowed(request.user, Perm.REVOCATION_VIEW),
    }
    return page(request, "accounts/revocation_list.html", context)


@require_GET
def revocation_csv(request: HttpRequest) -> HttpResponseBase:
    """The same rows for a spreadsheet. What left stands in the log."""
    mine, form, at = _mine(request), FilterForm(request.GET), moment.now()
    systems = list(System.objects.filter(pk__in=mine.values("system")))
    shown = _filtered(request, mine, form, systems).with_names()
    system = form.chosen_system(systems)
    said = {"state": form.chosen_state(""), "system": system.code if system else ""}
    said["overdue"] = "yes" if form.only_overdue else ""
    query = {name: word for name, word in said.items() if word}
    told = exporting.told("revocation_list", form="csv", query=query, by=_me(request))
    # A spreadsheet takes it for UTF-8 by its first character.
    columns = ["\ufeff" + str(HEADINGS[0]), *map(str, HEADINGS[1:])]
    rows = (
        [safe_cell(cell) for cell in cells(row(one, at=at))] for one in shown.iterator(chunk_size=AT_ONCE)
    )
    return exports.write("csv", f"removals-{at:%Y-%m-%d}", columns, rows, tell=told)


@require_GET
def revocation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One removal from decided to proven gone."""
    shown = get_object_or_404(Revocation.objects.visible_to(request.user).with_names(), pk=pk)
    form = ImpossibleForm(initial={"version": shown.version})
    return page(request, "accounts/revocation.html", revocation_page.context(_me(request), shown, form))


@require_POST
def revocation_done(request: HttpRequest) -> HttpResponse:
    """Report rows done: those that are ticked, or all of one day's list."""
    whole = request.POST.get("all", "")
    picks = request.POST.getlist(f"shown-{whole}" if whole.isdigit() else "pick")
    form = DoneForm(request.POST, picks=picks)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect(_back(request))
    seen: dict[UUID, int] = form.cleaned_data["seen"]
    found = list(Revocation.objects.visible_to(request.user).filter(pk__in=seen))
    if len(found) != len(seen):
        raise Http404
    if len(_may_report(request, found)) != len(found):
        require(request.user, Perm.REVOCATION_CARRY_OUT)
    pairs = [(one, seen[one.pk]) for one in found]
    count = revocations.report_many(pairs, ticket=form.cleaned_data["ticket"], by=_me(request))
    words = ngettext("%d reported done.", "%d reported done.", count) % count
    messages.success(
        request, f"{words} {_('The next complete reading of the system shows whether it is gone.')}"
    )
    return redirect(_back(request))


@require_POST
def revocation_impossible(request: HttpRequest, pk: UUID) -> HttpResponse:
    """It can't be done, because …"""
    shown = get_object_or_404(Revocation.objects.visible_to(request.user).with_names(), pk=pk)
    require(request.user, Perm.REVOCATION_CARRY_OUT, shown)
    form = ImpossibleForm(request.POST)
    if not form.is_valid():
        context = revocation_page.context(_me(request), shown, form)
        return page(request, "accounts/revocation.html", context)
    given = form.cleaned_data
    revocations.impossible(shown, version=given["version"], because=given["because"], by=_me(request))
    messages.success(request, _("It goes back to those who decided, with your reason."))
    return redirect("revocation", shown.pk)


@require_POST
def revocation_again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask once more for what came back, or was said to be impossible."""
    shown = get_object_or_404(Revocation.objects.visible_to(request.user), pk=pk)
    require(request.user, Perm.CAMPAIGN_MANAGE)
    form = VersionForm(request.POST)
    version = form.cleaned_data["version"] if form.is_valid() else 0
    asked = revocations.ask_again(shown, version=version, actor=_me(request).actor)
    messages.success(request, _("It is asked for again."))
    return redirect("revocation", asked.pk)


def _mine(request: HttpRequest) -> RevocationQuerySet:
    """What this person may see; 403 for those who have no removals to look after."""
    user = _me(request)
    if not revocation_page.may_open_list(user):
        raise PermissionDenied(_("Removals are for those who carry them out or watch over them."))
    return Revocation.objects.visible_to(user)


def _may_report(request: HttpRequest, found: list[Revocation]) -> set[UUID]:
    """Which of these this person may report on: all by role, else those of systems they look after."""
    keys = {one.pk for one in found}
    if allowed(request.user, Perm.REVOCATION_CARRY_OUT):
        return keys
    own = Revocation.objects.filter(pk__in=keys).carried_out_by(_me(request).identity_id)
    return set(own.values_list("pk", flat=True))


def _usual(request: HttpRequest) -> str:
    """Who carries out sees what is to do; who watches sees what is not proven."""
    return "unproven" if allowed(request.user, Perm.REVOCATION_VIEW) else "todo"


def _filtered(
    request: HttpRequest, mine: RevocationQuerySet, form: FilterForm, systems: list[System]
) -> RevocationQuerySet:
    state, system = form.chosen_state(_usual(request)), form.chosen_system(systems)
    shown = mine if system is None else mine.filter(system=system)
    if form.only_overdue:
        shown = shown.overdue(moment.now())
    elif state == "todo":
        shown = shown.to_carry_out()
    elif state == "unproven":
        shown = shown.unproven()
    elif state == "all":
        # What was taken back is nobody's work any more; the state of that name shows it.
        shown = shown.exclude(state=Revocation.State.WITHDRAWN)
    else:
        shown = shown.filter(state=state)
    return shown.order_by("system__code", F("due_at").asc(nulls_last=True), "decided_at", "pk")


def _numbers(mine: RevocationQuerySet) -> dict[str, int]:
    """How many stand in each state, and how many are overdue."""
    counted = dict(mine.order_by().values_list("state").annotate(count=Count("pk")))
    numbers = {state: counted.get(state, 0) for state in Revocation.State.values}
    return {**numbers, "overdue": mine.overdue(moment.now()).count()}


def _back(request: HttpRequest) -> str:
    """Where the form stood, if that is a page of ours."""
    wanted = request.POST.get("next", "")
    # redirect() would take a word without a slash for the name of a page.
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, {request.get_host()})
    return wanted if is_ours else reverse("revocation_list")


def _me(request: HttpRequest) -> User:
    return cast("User", request.user)
