"""What every upload must keep to before a view sees it: it says its length, and is not over the limit."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from portal.vault.spool import OVERHEAD, REFUSED, UploadTooLarge


class LengthRequiredMiddleware:
    """411 for a body without a length, 413 for one over the limit, both with what to do.

    Servers hand a view no byte of a chunked body, so without the 411 an upload would seem to be empty.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or ""
        if "HTTP_TRANSFER_ENCODING" in request.META and not length:
            return _answer(
                request,
                411,
                _("The upload did not say how long it is"),
                _("Send it with a Content-Length header, as curl does when it is given a file, not a pipe."),
            )
        if length.isdecimal() and int(length) > settings.PORTAL_UPLOAD_LIMIT + OVERHEAD:
            return _too_large(request, UploadTooLarge(settings.PORTAL_UPLOAD_LIMIT))
        response = self.get_response(request)
        refusal = request.META.get(REFUSED)
        # A view that caught the refusal has answered by itself.
        if isinstance(refusal, UploadTooLarge) and response.status_code == 400:
            return _too_large(request, refusal)
        return response


def _too_large(request: HttpRequest, refusal: UploadTooLarge) -> HttpResponse:
    return _answer(request, 413, _("The upload is too large"), refusal.message)


def _answer(request: HttpRequest, status: int, what: str, do: str) -> HttpResponse:
    """A page for people, JSON for programs. Nobody has looked at the sign-in yet: the page must need none."""
    is_htmx = "HX-Request" in request.headers
    if not is_htmx and "text/html" not in request.headers.get("Accept", ""):
        return JsonResponse({"error": what, "do": do}, status=status)
    template = "components/_wrong.html" if is_htmx else "problem.html"
    page = {"heading": what, "explanation": do, "action_label": _("Go to the start"), "action_url": "/"}
    return HttpResponse(render_to_string(template, page), status=status)
