"""The screens of sessions and recorders. Facts are for those who may see; watching needs a purpose."""

from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from accounts.models import System
from portal import moment
from portal.audit.versions import as_seen
from portal.ui import render
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm
from portal.vault.services import Altered
from sessions_app.forms import CoverageForm, RecorderForm, SessionFilter, UploadForm, WatchForm
from sessions_app.models import Coverage, Recorder, RecorderQuerySet, Recording, Session, SessionQuerySet
from sessions_app.services import intake, playback, recorders

SESSIONS_A_PAGE = 50
RECORDERS_A_PAGE = 50


class Request(HttpRequest):
    """A request that came past the sign-in, which every view here stands behind."""

    user: User


class Delivered(NamedTuple):
    """A recording and who brought it."""

    recording: Recording
    by: User | None


# The list


@require_safe
def session_list(request: Request) -> HttpResponse:
    """Sessions, newest first, by what the filters say; commands and words for those who may watch."""
    visible = Session.objects.visible_to(request.user)
    may_watch = allowed(request.user, Perm.RECORDING_WATCH)
    form = SessionFilter(
        request.GET, may_watch=may_watch, systems=System.objects.filter(sessions__in=visible)
    )
    rows = _filtered(visible, form).newest_first().select_related("system", "identity", "account", "acted_as")
    context = {
        "form": form,
        "page": Paginator(rows.prefetch_related("recordings__blob"), SESSIONS_A_PAGE).get_page(
            request.GET.get("page")
        ),
        "is_filtered": any(form.cleaned_data.values()),
        # A part of another page, which says itself of what the sessions are.
        "is_panel": render.wants_fragment(request),
        "since": form.cleaned_data.get("since"),
        "may_upload": allowed(request.user, Perm.RECORDING_UPLOAD),
        "held": Recording.objects.held().filter(session__in=visible).count(),
    }
    return render.page(
        request, "sessions_app/session_list.html", context, fragment="sessions_app/_sessions.html"
    )


def _filtered(rows: SessionQuerySet, form: SessionFilter) -> SessionQuerySet:
    """The rows that the filters let through; one that can't be read says so and filters nothing."""
    form.is_valid()
    said = form.cleaned_data
    if said.get("who"):
        rows = rows.under_name(said["who"])
    if said.get("recording"):
        rows = rows.with_recording(said["recording"])
    if said.get("recorder"):
        rows = rows.filter(recorder__code=said["recorder"])
    if said.get("words"):
        rows = rows.saying(said["words"])
    if said.get("command"):
        rows = rows.running(said["command"])
    if said.get("since"):
        rows = rows.filter(started_at__date__gte=said["since"])
    if said.get("until"):
        rows = rows.filter(started_at__date__lte=said["until"])
    exact = {
        name: said[name] for name in ("system", "match", "identity", "account", "grant") if said.get(name)
    }
    return rows.filter(**exact)


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: Request) -> HttpResponse:
    """A recording by hand."""
    require(request.user, Perm.RECORDING_UPLOAD)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            recording = intake.receive(**form.delivery, by=request.user)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            _say_received(request, recording)
            return redirect("session", code=recording.session.code)
    status = 422 if form.errors else 200
    return render.page(request, "sessions_app/upload.html", {"form": form}, status=status)


def _say_received(request: Request, recording: Recording) -> None:
    code = recording.session.code
    if recording.is_repeat:
        words = _("These bytes are filed as %(code)s already. Nothing was added.")
        messages.info(request, words % {"code": code})
    elif recording.is_held:
        messages.warning(
            request, _("Received as %(code)s. %(why)s") % {"code": code, "why": recording.reason}
        )
    else:
        messages.success(request, _("Received as %(code)s. It is being read.") % {"code": code})


# One session


@require_safe
def session(request: Request, code: str) -> HttpResponse:
    """Facts, chain, recordings; the replay for those who gave a purpose. Asked by htmx: is it read?"""
    found = _visible(request, code)
    if render.wants_fragment(request):
        return _still_waiting(request, found)
    playback.open_facts(found, by=request.user)
    return _page(request, found, WatchForm())


@require_POST
def watch(request: Request, code: str) -> HttpResponse:
    """Open the recordings to this person, for the purpose they give."""
    found = _visible(request, code)
    require(request.user, Perm.RECORDING_WATCH, found)
    form = WatchForm(request.POST)
    if form.is_valid():
        playback.watch(found, purpose=form.cleaned_data["purpose"], by=request.user)
        to = "session_transcript" if "transcript" in request.POST else "session"
        return redirect(f"{reverse(to, args=[found.code])}#replay")
    return _page(request, found, form, status=422)


@require_safe
def transcript(request: Request, code: str) -> HttpResponse:
    """What the screen showed, as text; it is content, so it needs a purpose like watching."""
    found = _visible(request, code)
    require(request.user, Perm.RECORDING_WATCH, found)
    until = playback.watching_until(found, by=request.user)
    recordings = list(found.recordings.sealed().order_by("received_at"))
    chosen = _chosen(request, recordings)
    context: dict[str, Any] = {
        "session": found,
        "recordings": recordings,
        "chosen": chosen,
        "watching_until": until,
        "watch_form": WatchForm(),
    }
    if until and chosen:
        context["page"] = Paginator(chosen.chunks.order_by("number"), 1).get_page(request.GET.get("page"))
    return render.page(request, "sessions_app/transcript.html", context)


@require_GET
def play(request: Request, code: str, key: UUID) -> HttpResponseBase:
    """The copy for the player, to whoever gave a purpose for this session within the last hours."""
    found = _visible(request, code)
    require(request.user, Perm.RECORDING_WATCH, found)
    recording = get_object_or_404(found.recordings.sealed().select_related("blob"), pk=key)
    if playback.watching_until(found, by=request.user) is None:
        raise PermissionDenied(_("Say on the page of the session what you watch it for."))
    try:
        lines = playback.copy(recording)
    except Altered:
        words = _(
            "The vault no longer holds the bytes that were sealed. Tell whoever runs the portal at once."
        )
        return render.problem(request, 409, _("This recording was altered"), words)
    return StreamingHttpResponse(lines, content_type="application/x-asciicast")


def _visible(request: Request, code: str) -> Session:
    related = ("system", "recorder", "account", "identity", "accountable", "grant__entitlement", "acted_as")
    return get_object_or_404(Session.objects.visible_to(request.user).select_related(*related), code=code)


def _chosen(request: Request, recordings: list[Recording]) -> Recording | None:
    """The recording that the address names, else the first."""
    wanted = request.GET.get("recording", "")
    return next((one for one in recordings if str(one.pk) == wanted), recordings[0] if recordings else None)


def _page(request: Request, found: Session, form: WatchForm, *, status: int = 200) -> HttpResponse:
    recordings = list(found.recordings.select_related("blob").order_by("received_at"))
    sealed = [one for one in recordings if one.state == Recording.State.SEALED]
    may_watch = allowed(request.user, Perm.RECORDING_WATCH, found)
    until = playback.watching_until(found, by=request.user) if may_watch else None
    chosen = _chosen(request, sealed)
    people = User.objects.in_bulk({one.delivered_by_id for one in recordings})
    context = {
        "session": found,
        "recordings": [Delivered(one, people.get(one.delivered_by_id)) for one in recordings],
        "sealed": sealed,
        "chosen": chosen,
        "told": playback.told(chosen) if chosen else [],
        # What was typed is content, like the picture.
        "commands": playback.commands(chosen, found.started_at) if chosen and until else None,
        "start": _seconds(request),
        "is_held": any(one.is_held for one in recordings),
        "is_waiting": any(one.is_waiting for one in recordings),
        "may_watch": may_watch,
        "watching_until": until,
        "watch_form": form,
        "sees_people": allowed(request.user, Perm.PERSON_VIEW),
        "sees_recorders": allowed(request.user, Perm.SESSION_VIEW),
        "sees_inventory": allowed(request.user, Perm.INVENTORY_VIEW),
    }
    return render.page(request, "sessions_app/session.html", context, status=status)


def _seconds(request: Request) -> float | None:
    """Where in the recording the address leads to."""
    try:
        at = float(request.GET.get("t", ""))
    except ValueError:
        return None
    return at if 0 <= at < 1e9 else None


def _still_waiting(request: Request, found: Session) -> HttpResponse:
    """What the page asks every two seconds: the same line again, or the whole page once all is read."""
    if any(one.is_waiting for one in found.recordings.all()):
        return render.page(request, "sessions_app/_waiting.html", {"session": found})
    response = HttpResponse()
    response["HX-Refresh"] = "true"
    return response


# Recorders


@require_safe
def recorder_list(request: Request) -> HttpResponse:
    """Where recordings come from, what is covered, and who is still alive."""
    rows = Recorder.objects.visible_to(request.user).with_current_coverage(moment.now()).order_by("code")
    context = {
        "page": Paginator(rows.select_related("identity__owner"), RECORDERS_A_PAGE).get_page(
            request.GET.get("page")
        ),
        "may_manage": allowed(request.user, Perm.RECORDER_MANAGE),
    }
    return render.page(request, "sessions_app/recorder_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def recorder_new(request: Request) -> HttpResponse:
    """Connect a recorder, with its notice record."""
    require(request.user, Perm.RECORDER_MANAGE)
    form = RecorderForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = recorders.connect(**form.connection, actor=request.user.actor)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(
                request, _("Connected. Issue a token to its portal user, so that it can deliver.")
            )
            return redirect("recorder", code=made.code)
    return render.page(
        request, "sessions_app/recorder_new.html", {"form": form}, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
def recorder(request: Request, code: str) -> HttpResponse:
    """The notice record and the coverage of one recorder; posting adds a system."""
    found = _visible_recorder(request, code)
    form = CoverageForm(request.POST or None)
    if request.method == "POST":
        require(request.user, Perm.RECORDER_MANAGE, found)
        if form.is_valid():
            try:
                recorders.cover(
                    found,
                    **form.cleaned_data,
                    version=as_seen(request.POST.get("version")),
                    actor=request.user.actor,
                )
            except ValidationError as refusal:
                form.add_error(None, refusal)
            else:
                messages.success(request, _("Covered. What was held for it is looked at again."))
                return redirect("recorder", code=found.code)
    context = {
        "recorder": found,
        "form": form,
        "coverages": found.coverages.select_related("system").order_by("system__code", "during"),
        "held": Recording.objects.held().filter(session__recorder=found).count(),
        "may_manage": allowed(request.user, Perm.RECORDER_MANAGE),
        "now": moment.now(),
    }
    return render.page(request, "sessions_app/recorder.html", context, status=422 if form.errors else 200)


@require_POST
def coverage_end(request: Request, code: str, key: int) -> HttpResponse:
    """It no longer records that system."""
    found = _visible_recorder(request, code)
    require(request.user, Perm.RECORDER_MANAGE, found)
    coverage = get_object_or_404(
        Coverage.objects.select_related("recorder", "system"), recorder=found, pk=key
    )
    version = as_seen(request.POST.get("version"))
    recorders.stop_covering(coverage, version=version, actor=request.user.actor)
    messages.success(request, _("Ended. What begins from now on is held unprocessed."))
    return redirect("recorder", code=found.code)


def _visible_recorder(request: Request, code: str) -> Recorder:
    rows: RecorderQuerySet = Recorder.objects.visible_to(request.user).select_related(
        "identity__owner", "user"
    )
    return get_object_or_404(rows, code=code)
