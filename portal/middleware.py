"""What surrounds every request: an id, the content security policy, and refusals that help."""

import re
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from portal.audit.versions import Conflict
from portal.request_id import current
from portal.ui import render

Handler = Callable[[HttpRequest], HttpResponse]
ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id(get_response: Handler) -> Handler:
    """Take the id a proxy gave, if it is harmless, else make one; answer with it."""

    def handle(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        chosen = given if ACCEPTABLE.fullmatch(given) else uuid4().hex
        request.request_id = chosen  # type: ignore[attr-defined]  # read by ui/render.py for error pages
        token = current.set(chosen)
        try:
            response = get_response(request)
        finally:
            current.reset(token)
        response["X-Request-ID"] = chosen
        return response

    return handle


def no_nul(get_response: Handler) -> Handler:
    """A NUL in an address is never a question; PostgreSQL would refuse the text later and less clearly."""

    def handle(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            explanation = _("The address holds a character that no name can have. Go back and try again.")
            return render.problem(request, 400, _("That address can't be read"), explanation)
        return get_response(request)

    return handle


def no_nul_cookies(get_response: Handler) -> Handler:
    """A cookie with a NUL is none of ours; the session would look for it in the database."""

    def handle(request: HttpRequest) -> HttpResponse:
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if "\x00" not in value}
        return get_response(request)

    return handle


def content_security_policy(get_response: Handler) -> Handler:
    """Nothing inline, nothing from elsewhere; and what was private stays out of shared caches."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith(settings.STATIC_URL):
            response.setdefault("Cache-Control", "private, no-store")
        return response

    return handle


class RefusalMiddleware:
    """A service refuses with ValidationError or Conflict; here it becomes a page that says so, not a 500."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass through."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """422 for what a service refused, 409 for what somebody else changed meanwhile."""
        if isinstance(exception, Conflict):
            return render.conflict(request, what_changed(exception))
        if isinstance(exception, ValidationError):
            return render.problem(request, 422, _("That was not possible"), " ".join(exception.messages))
        return None


def what_changed(conflict: Conflict) -> str:
    """The last act on the row, for the one who was slower."""
    if conflict.event is None:
        return _("Somebody changed it since you opened the page.")
    return _("Since you opened the page: %(verb)s at %(at)s.") % {
        "verb": conflict.event.verb.replace(".", " ").replace("_", " "),
        "at": f"{conflict.event.at:%H:%M:%S} UTC",
    }
