"""How a view answers: a whole page, its fragment for htmx, or a page that says what went wrong."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import trigger_client_event
from django_htmx.middleware import HtmxDetails

_TONES = {"success": "good", "warning": "warn", "error": "bad"}


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page; a boosted link or a restored history entry wants the whole."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Answer with `template`, or with `fragment` alone where htmx asks for it.

    Messages that wait for the person are shown by the page; with a fragment they travel in a header and
    portal.js shows them, so that a view says them once, in the same way.
    """
    is_fragment = fragment is not None and wants_fragment(request)
    response = render(
        request, fragment if is_fragment and fragment else template, dict(context or {}), status=status
    )
    if is_fragment:
        _send_messages(request, response)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _send_messages(request: HttpRequest, response: HttpResponse) -> None:
    waiting = [
        {"text": str(message), "tone": _TONES.get(message.level_tag, "info")}
        for message in messages.get_messages(request)
    ]
    if waiting:
        trigger_client_event(response, "portal:say", {"messages": waiting})


def conflict(request: HttpRequest, what_changed: str | Iterable[str], *, again: str = "") -> HttpResponse:
    """409: somebody or something else was faster. Says what changed, and that nothing was saved."""
    changes = [what_changed] if isinstance(what_changed, str) else list(what_changed)
    return wrong(request, "409.html", 409, {"changes": changes, "again": again or came_from(request)})


def problem(
    request: HttpRequest,
    status: int,
    heading: str,
    explanation: str,
    *,
    action_label: str = "",
    action_url: str = "",
) -> HttpResponse:
    """Answer that something is not possible: what happened, why, and what to do instead."""
    context = {
        "heading": heading,
        "explanation": explanation,
        "action_label": action_label,
        "action_url": action_url,
    }
    return wrong(request, "problem.html", status, context)


def wrong(
    request: HttpRequest,
    template: str,
    status: int,
    context: Mapping[str, Any] | None = None,
    *,
    bare: bool = False,
) -> HttpResponse:
    """One answer in its two forms: a page, or the few lines that portal.js puts into a toast.

    `bare` draws it without request, session and context processors, because any of them may be the cause.
    """
    values = {**(context or {}), "request_id": request_id(request)}
    if wants_fragment(request):
        values["layout"] = "components/_wrong.html"
        template = values["layout"] if template == "problem.html" else template
    body = render_to_string(template, values, request=None if bare else request)
    response = HttpResponse(body, status=status)
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["HX-Request"])
    return response


def came_from(request: HttpRequest) -> str:
    """The page of the portal that a form was sent from; the start if it is not known to be ours."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    referer = request.headers.get("Referer", "")
    hosts = {request.get_host()}
    is_ours = url_has_allowed_host_and_scheme(referer, hosts, require_https=request.is_secure())
    return referer if is_ours else "/"


def request_id(request: HttpRequest) -> str:
    """The id under which this request stands in the log, or nothing if it has none."""
    return str(getattr(request, "request_id", "") or "")
