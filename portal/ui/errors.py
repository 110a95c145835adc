"""What the portal says when something went wrong; `portal.urls` and the settings name these as handlers."""

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import requires_csrf_token

from portal.ui import render


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 where the form was larger than the portal reads."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    return render.wrong(request, "400.html", 400)


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: it exists for this person, but the act is not theirs. A reason that was given is shown."""
    reason = str(exception) if isinstance(exception, PermissionDenied) else ""
    return render.wrong(request, "403.html", 403, {"reason": reason})


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django calls it so
    """404: not there, or not for this person to know of; both read the same."""
    return render.wrong(request, "404.html", 404)


@requires_csrf_token
def too_large(request: HttpRequest, limit: str = "") -> HttpResponse:
    """413: more bytes than the limit in the settings; nothing was kept."""
    return render.wrong(request, "413.html", 413, {"limit": limit})


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """500, drawn without database, session and context processors."""
    return render.wrong(request, "500.html", 500, bare=True)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django calls it so
    """403 because the form was too old, or did not come from the portal (CSRF_FAILURE_VIEW)."""
    return render.wrong(request, "403_csrf.html", 403, {"again": render.came_from(request)}, bare=True)
