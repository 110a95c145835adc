"""One identity: who answers for it, what it holds and how that came, and the panels of what was done."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from accounts.models import Account, Credential, Grant, Identity
from accounts.models.effective import first, follow
from accounts.models.entitlement import GrantQuerySet
from accounts.models.held_rights import Line, named
from accounts.views.identities import me
from portal.ui.render import page
from portal.users.guards import allowed
from portal.users.models import User
from portal.users.permissions import Perm

SHOWN = 25  # rights; all of them stand on a page of their own
LOOKED_AT = 400  # rights among which the privileged are put first
OWNED = 100

RELATED = (
    *("manager", "owner", "deputy", "stand_in", "application__owner", "application__deputy"),
    "application",
)


@require_GET
def identity(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The facts and what it holds now; its past, graph, sessions and findings come as panels."""
    user = me(request)
    shown = get_object_or_404(Identity.objects.visible_to(user).select_related(*RELATED), pk=pk)
    its = Account.objects.visible_to(user).filter(identity=shown).select_related("system", "gone_run")
    accounts = {account.pk: account for account in its.order_by("gone_run_id", "system__code", "name")}
    may_see_rights = allowed(user, Perm.INVENTORY_VIEW) or bool(accounts)
    context: dict[str, Any] = {
        "shown": shown,
        "accounts": list(accounts.values()),
        "may_see_rights": may_see_rights,
        "may_name": allowed(user, Perm.OWNER_NAME, shown) and not shown.is_human,
        "may_merge": allowed(user, Perm.INVENTORY_MANAGE),
        "may_edit": allowed(user, Perm.INVENTORY_MANAGE, shown) and not shown.is_human,
        "may_see_sessions": allowed(user, Perm.SESSION_VIEW) or user.identity_id in _answering(shown),
        "stands_in": shown.stand_in_id is not None and shown.stand_in_id == user.identity_id,
    }
    if may_see_rights:
        context |= _held(shown, accounts, user)
    context |= _of_person(shown, user) if shown.is_human else _of_machine(shown)
    return page(request, "accounts/identity.html", context)


def _held(shown: Identity, accounts: dict[int, Account], user: User) -> dict[str, Any]:
    grants = Grant.objects.visible_to(user).filter(account__identity=shown)
    lines, has_more = riskiest(grants, accounts)
    credentials = Credential.objects.visible_to(user).filter(account__identity=shown).present()
    return {
        "lines": lines,
        "has_more": has_more,
        "credentials": credentials.select_related("account__system").order_by("kind", "pk")[:OWNED],
    }


def riskiest(grants: GrantQuerySet, accounts: dict[int, Account]) -> tuple[list[Line], bool]:
    """The rights held now through these grants, the privileged first, and whether there are more."""
    rights, has_more = first(LOOKED_AT, follow(grants, at_once=LOOKED_AT + 1, is_scattered=True))
    lines = sorted(named(rights, accounts), key=_risk)
    return lines[:SHOWN], has_more or len(lines) > SHOWN


def _risk(line: Line) -> tuple[int, str, str, tuple[int, ...]]:
    what = line.entitlement
    rank = {True: 0, None: 1, False: 2}[what.privilege]
    return rank, line.account.system.code, what.name, line.right.way


def _of_person(shown: Identity, user: User) -> dict[str, Any]:
    owned = Identity.objects.visible_to(user).answered_for_by(shown.pk).select_related("application")
    return {
        "engagements": shown.engagements.select_related("source").order_by("-starts_on", "pk"),
        "owned": owned.order_by("name")[:OWNED],
    }


def _of_machine(shown: Identity) -> dict[str, Any]:
    return {"ownerships": shown.ownerships.select_related("holder").order_by("role", "-during")}


def _answering(shown: Identity) -> set[UUID]:
    """Whoever sees the sessions under its accounts without a role: itself, and who answers for it."""
    own = {shown.pk, shown.owner_id, shown.deputy_id, shown.stand_in_id}
    through = {shown.application.owner_id, shown.application.deputy_id} if shown.application else set()
    return {key for key in own | through if key is not None}
