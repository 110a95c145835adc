"""The rail: what somebody may open. It shows no door that would answer 403."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts.models import Identity, ImportRun, Revocation
from portal.users.models import Approval, User
from portal.users.permissions import Perm
from portal.users.roles import LABELS, Role
from reviews.models import Assignment, Campaign

Count = Callable[[User], int]


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the rail; it shows itself to whoever holds one of the permissions, or has rows in it."""

    label: Any
    url_name: str
    perms: frozenset[Perm] = frozenset()
    count: Count | None = None
    # For those without a role: shown when the count is not zero.
    by_rows: Count | None = None

    def shown_to(self, user: User) -> bool:
        """By role, or because something waits there."""
        if self.perms & user.permissions:
            return True
        return self.by_rows is not None and bool(self.by_rows(user))


@dataclass(frozen=True, slots=True)
class Link:
    """A place as the template draws it."""

    label: Any
    url: str
    count: int | None
    is_current: bool


def _my_shares(user: User) -> int:
    return Assignment.objects.of_reviewer(user.identity_id).count() if user.identity_id else 0


def _my_open_shares(user: User) -> int:
    if user.identity_id is None:
        return 0
    return sum(share.left for share in Assignment.objects.of_reviewer(user.identity_id).open())


def _my_machines(user: User) -> int:
    return Identity.objects.answered_for_by(user.identity_id).count() if user.identity_id else 0


def _to_carry_out(user: User) -> int:
    waiting = Revocation.objects.visible_to(user).to_carry_out()
    if Perm.REVOCATION_VIEW not in user.permissions:
        waiting = waiting.carried_out_by(user.identity_id)  # a reviewer sees their own, but carries out none
    return waiting.count()


def _shared_campaigns(user: User) -> int:
    return Campaign.objects.visible_to(user).count()


def _open_imports(user: User) -> int:
    return ImportRun.objects.visible_to(user).open().count()


def _waiting_approvals(user: User) -> int:
    return Approval.objects.waiting().exclude(asked_by=user).count()


PLACES = [
    Place(_("Home"), "home", frozenset(Perm), by_rows=lambda _user: 1),
    Place(_("My reviews"), "my_reviews", count=_my_open_shares, by_rows=_my_shares),
    Place(_("My machine identities"), "my_machines", by_rows=_my_machines),
    Place(_("Campaigns"), "campaign_list", frozenset({Perm.CAMPAIGN_VIEW}), by_rows=_shared_campaigns),
    Place(_("Evidence packs"), "pack_list", frozenset({Perm.PACK_VIEW}), by_rows=_shared_campaigns),
    Place(
        _("Removals"),
        "revocation_list",
        frozenset({Perm.REVOCATION_VIEW, Perm.REVOCATION_CARRY_OUT}),
        _to_carry_out,
        _to_carry_out,
    ),
    Place(_("Offboarding"), "offboarding_list", frozenset({Perm.OFFBOARDING_VIEW, Perm.OFFBOARDING_MANAGE})),
    Place(_("Sessions"), "session_list", frozenset({Perm.SESSION_VIEW})),
    Place(_("Identities"), "identity_list", frozenset({Perm.PERSON_VIEW})),
    Place(_("Systems"), "system_list", frozenset({Perm.INVENTORY_VIEW})),
    Place(_("Sources"), "source_list", frozenset({Perm.INVENTORY_VIEW}), _open_imports),
    Place(_("Recorders"), "recorder_list", frozenset({Perm.RECORDER_MANAGE})),
    Place(_("Audit trail"), "trail", frozenset({Perm.AUDIT_VIEW})),
    Place(_("Approvals"), "approval_list", frozenset({Perm.APPROVAL_DECIDE}), _waiting_approvals),
    Place(_("Portal users"), "user_list", frozenset({Perm.USER_MANAGE})),
    Place(_("Tokens"), "token_list", frozenset({Perm.TOKEN_MANAGE})),
]


def links(request: HttpRequest) -> list[Link]:
    """The rail of this request's user."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return []
    found = []
    for place in PLACES:
        if not place.shown_to(user):
            continue
        url = reverse(place.url_name)
        here = request.path == url if url == "/" else request.path.startswith(url)
        found.append(Link(place.label, url, (place.count(user) or None) if place.count else None, here))
    return found


def my_line(request: HttpRequest) -> str:
    """Under the name at the foot of the rail: the hats this person wears, else nothing."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return ""
    return ", ".join(str(LABELS[role]) for role in Role if role.value in user.roles)


def context(request: HttpRequest) -> dict[str, Any]:
    """For every template; the rail asks the database only where a page draws it."""
    return {
        "navigation": SimpleLazyObject(lambda: links(request)),
        "organisation_name": settings.ORGANISATION,
        "is_demo": settings.DEMO,
        "my_line": my_line(request),
    }
