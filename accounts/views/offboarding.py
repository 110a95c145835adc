"""Offboarding: HR plans and sees states and counts; compliance sees every line by name once it has begun."""

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms.offboarding import RescheduleForm, ScheduleForm, SearchForm
from accounts.forms.revocations import VersionForm
from accounts.models import CaseLine, Identity, OffboardingCase
from accounts.services import offboarding
from accounts.views import offboarding_page
from portal import moment
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm

PER_PAGE = 50
FOUND_AT_MOST = 20
State = OffboardingCase.State


@require_GET
def offboarding_list(request: HttpRequest) -> HttpResponse:
    """Every case this person may know of, the next hour first."""
    if not {Perm.OFFBOARDING_VIEW, Perm.OFFBOARDING_MANAGE} & me(request).permissions:
        raise PermissionDenied(_("Offboardings are for HR and compliance."))
    chosen = request.GET.get("state", "")
    cases = OffboardingCase.objects.visible_to(request.user).select_related("identity")
    shown = cases.filter(state=chosen) if chosen in State.values else cases
    if chosen == "":
        shown = cases.open()
    found = Paginator(shown.order_by("-begun_at", "effective_at", "pk"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    counted = CaseLine.objects.filter(case__in=[case.pk for case in found]).counted()
    context = {
        "cases": [(case, offboarding_page.totals(case, counted)) for case in found],
        "page": found,
        "chosen": chosen,
        "states": State.choices,
        "may_plan": allowed(request.user, Perm.OFFBOARDING_MANAGE),
    }
    return page(request, "accounts/offboarding_list.html", context)


@require_http_methods(["GET", "POST"])
def offboarding_new(request: HttpRequest) -> HttpResponse:
    """Person, hour, confirmation. All by POST: nothing of it stands in an address, a log or a history."""
    require(request.user, Perm.OFFBOARDING_MANAGE)
    step = request.POST.get("step", "")
    if step == "search":
        return _search(request)
    if step not in ("choose", "hour", "back", "plan"):
        return page(request, "accounts/offboarding_new.html", {"form": SearchForm(), "step": "search"})
    person = get_object_or_404(_may_leave(request), pk=_key(request.POST.get("identity", "")))
    if step == "choose":
        return _ask_hour(request, person, ScheduleForm(initial={"zone": settings.TIME_ZONE}))
    form = ScheduleForm(request.POST)
    if step == "back" or not form.is_valid():
        return _ask_hour(request, person, form)
    return _confirm(request, person, form) if step == "hour" else _plan(request, person, form)


def _search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.POST)
    found: list[Identity] = []
    if form.is_valid():
        people = _may_leave(request).matching(form.cleaned_data["q"]).prefetch_related("engagements")
        found = list(people.order_by("name", "pk")[: FOUND_AT_MOST + 1])
    context = {
        "form": form,
        "step": "search",
        "found": found[:FOUND_AT_MOST],
        "more": len(found) > FOUND_AT_MOST,
        "searched": form.is_valid(),
    }
    return page(request, "accounts/offboarding_new.html", context)


def _ask_hour(request: HttpRequest, person: Identity, form: ScheduleForm) -> HttpResponse:
    context = {"step": "hour", "person": person, "form": form, **offboarding_page.preview(person)}
    return page(request, "accounts/offboarding_new.html", context)


def _confirm(request: HttpRequest, person: Identity, form: ScheduleForm) -> HttpResponse:
    context = {
        "step": "plan",
        "person": person,
        "form": form,
        "effective_at": form.cleaned_data["effective_at"],
        "is_past": form.cleaned_data["effective_at"] <= moment.now(),
        "reason": OffboardingCase.Reason(form.cleaned_data["reason"]).label,
        "sent": [(bound.html_name, bound.value()) for bound in form],
        **offboarding_page.preview(person),
    }
    return page(request, "accounts/offboarding_new.html", context)


def _plan(request: HttpRequest, person: Identity, form: ScheduleForm) -> HttpResponse:
    given = form.cleaned_data
    try:
        case = offboarding.schedule(
            person,
            reason=OffboardingCase.Reason(given["reason"]),
            local_time=given["local_time"],
            zone=given["zone"],
            which=given.get("which", ""),
            actor=me(request).actor,
        )
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return _ask_hour(request, person, form)
    messages.success(request, _("It is planned, and confidential until its hour."))
    return redirect("offboarding", case.code)


@require_GET
def offboarding_case(request: HttpRequest, code: str) -> HttpResponse:
    """One case: kinds, counts and states for HR; every line by name for compliance."""
    case = _case(request, code)
    return page(request, "accounts/offboarding.html", offboarding_page.context(me(request), case))


@require_http_methods(["GET", "POST"])
def offboarding_hour(request: HttpRequest, code: str) -> HttpResponse:
    """Choose another hour while it is planned."""
    case = _case(request, code)
    require(request.user, Perm.OFFBOARDING_MANAGE)
    form = RescheduleForm.of(case, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            offboarding.reschedule(
                case,
                local_time=given["local_time"],
                zone=given["zone"],
                which=given.get("which", ""),
                version=given["version"],
                actor=me(request).actor,
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("The hour is changed."))
            return redirect("offboarding", case.code)
    return page(request, "accounts/offboarding_hour.html", {"case": case, "form": form})


@require_http_methods(["GET", "POST"])
def offboarding_cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Nothing happens at the hour."""
    case = _case(request, code)
    require(request.user, Perm.OFFBOARDING_MANAGE)
    form = VersionForm(request.POST or None, initial={"version": case.version})
    if request.method == "POST" and form.is_valid():
        offboarding.cancel(case, version=form.cleaned_data["version"], actor=me(request).actor)
        messages.success(request, _("It is cancelled; nothing was changed and nobody was told."))
        return redirect("offboarding", case.code)
    return page(request, "accounts/offboarding_cancel.html", {"case": case, "form": form})


@require_POST
def offboarding_close(request: HttpRequest, code: str) -> HttpResponse:
    """Everything is proven or excepted: end the case."""
    case = _case(request, code)
    if not allowed(request.user, Perm.OFFBOARDING_MANAGE):
        require(request.user, Perm.OFFBOARDING_EXCEPT)
    form = VersionForm(request.POST)
    version = form.cleaned_data["version"] if form.is_valid() else 0
    offboarding.close(case, version=version, actor=me(request).actor)
    messages.success(request, _("The case is closed: everything is proven or excepted."))
    return redirect("offboarding", case.code)


def me(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware let nobody else through."""
    return cast("User", request.user)


def _case(request: HttpRequest, code: str) -> OffboardingCase:
    cases = OffboardingCase.objects.visible_to(request.user).select_related("identity")
    return get_object_or_404(cases, code=code)


def _may_leave(request: HttpRequest) -> Any:
    """People who are here, but not whoever asks: nobody plans, or learns of, their own leaving."""
    people = Identity.objects.visible_to(request.user).human().active()
    return people.exclude(Q(pk=me(request).identity_id))


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
