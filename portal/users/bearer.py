"""The door for machines: a token in the Authorization header instead of a signed-in session."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from portal import moment
from portal.request_id import current
from portal.users.models import Token

P = ParamSpec("P")
Door = Callable[Concatenate[HttpRequest, P], HttpResponse]
MachineView = Callable[Concatenate[HttpRequest, Token, P], HttpResponse]


def refuse(status: int, code: str, message: str) -> JsonResponse:
    """A refusal a program can read: a stable code, words for its owner, and the request's id."""
    response = JsonResponse({"error": code, "message": message, "request_id": current.get()}, status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="portal"'
    return response


def token_required(scope: str) -> Callable[[MachineView[P]], Door[P]]:
    """The view gets the token as its second argument; 401 without a usable one, 403 without the scope.

    A token may be bound to single rows (`Token.bound_to`): the view looks which.
    No cookie is read, so no CSRF token is asked for. Unknown, expired, revoked and ended are one answer.
    """

    def decorate(view: MachineView[P]) -> Door[P]:
        @wraps(view)
        def door(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
            at = moment.now()
            token = None
            if kind.lower() == "bearer" and secret:
                digest = Token.digest_of(secret.strip())
                token = Token.objects.usable(at).select_related("user").filter(digest=digest).first()
            if token is None:
                return refuse(401, "token_refused", _("Send a valid token as “Authorization: Bearer …”."))
            if not token.opens(scope):
                return refuse(
                    403, "scope_missing", _("This token may not do that; it needs the scope %s.") % scope
                )
            Token.objects.filter(pk=token.pk).update(last_used_at=at)
            return view(request, token, *args, **kwargs)

        # No cookie is read at this door, so there is nothing a foreign page could ride on.
        return cast("Door[P]", csrf_exempt(login_not_required(door)))

    return decorate
