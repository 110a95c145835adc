"""Addresses for the tests of the face: the style guide, sign-in, and answers of each kind for htmx."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path

from portal.ui import errors, render

handler400 = "portal.ui.errors.bad_request"
handler403 = "portal.ui.errors.forbidden"
handler404 = "portal.ui.errors.not_found"
handler500 = "portal.ui.errors.server_error"


@login_not_required
def workbench(request: HttpRequest) -> HttpResponse:
    """A page whose buttons ask for each kind of answer."""
    return render.page(request, "ui_workbench.html", {"word": "first"}, fragment="ui_workbench_row.html")


@login_not_required
def answer(request: HttpRequest, name: str) -> HttpResponse:
    """One answer of each kind."""
    if name == "kept":
        messages.success(request, "Kept. Undo it until you sign off.")
        return render.page(request, "ui_workbench.html", {"word": "second"}, fragment="ui_workbench_row.html")
    if name == "conflict":
        return render.conflict(request, ["Samir Haddad decided Keep.", "<b>markup</b> stays text."])
    if name == "fault":
        raise RuntimeError("on purpose")
    if name == "whole":
        return render.page(request, "styleguide_review.html", {"rows": []})
    if name == "ended":
        return redirect("account_login")
    return errors.not_found(request)


@login_not_required
def login(request: HttpRequest) -> HttpResponse:
    """Stands in for the sign-in page, which asks the database for single sign-on."""
    return render.page(request, "door.html")


@login_not_required
def replay(request: HttpRequest, version: int) -> HttpResponse:
    """A page that replays a recording of this version of asciicast."""
    return render.page(request, "ui_replay.html", {"source": f"/recordings/{version}/"})


@login_not_required
def recording(request: HttpRequest, version: int) -> HttpResponse:
    """Three lines a minute apart; versions without an end are not there."""
    delays = [(0.5, "one\r\n"), (60.0, "two\r\n"), (60.0, "three\r\n"), (1.0, "end\r\n")]
    at = [sum(delay for delay, _ in delays[: index + 1]) for index in range(len(delays))]
    header = {"version": version, "width": 40, "height": 10, "term": {"cols": 40, "rows": 10}}
    if version == 1:
        return HttpResponse(json.dumps({**header, "stdout": delays}), content_type="application/json")
    if version == 2:
        lines = [[time, "o", words] for time, (_, words) in zip(at, delays, strict=True)]
    elif version == 3:
        lines = [[delay, "o", words] for delay, words in delays]
    else:
        return errors.not_found(request)
    return HttpResponse("\n".join(map(json.dumps, [header, *lines])), content_type="application/x-asciicast")


urlpatterns = [
    path("", include("portal.ui.urls")),
    path("sign-in/login/", login, name="account_login"),
    path("sign-in/", include("allauth.urls")),
    path("replay/<int:version>/", replay),
    path("recordings/<int:version>/", recording),
    path("workbench/", workbench, name="home"),
    path("answer/<str:name>/", answer, name="answer"),
]
