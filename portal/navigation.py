"""The rail: what somebody may open. It shows no door that would answer 403.

It stands on every page, so what its places count is asked in one query for all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, IntegerField, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts.models import Application, ImportRun, Revocation, duties
from portal.users.models import Approval, User
from portal.users.permissions import Perm
from portal.users.roles import LABELS, Role
from reviews.models import Assignment, Campaign, Finding

# A number or a condition as the database finds it; None where this user has nothing to be counted.
Count = Callable[[User], Combinable | None]


class _Sum(Subquery):
    """The sum of the one column of some rows, 0 of none."""

    template = "(SELECT coalesce(sum(summed.n), 0) FROM (%(subquery)s) AS summed(n))"
    empty_result_set_value = 0

    def __init__(self, column: "QuerySet[Any, Any]") -> None:
        super().__init__(column.order_by(), IntegerField())


def _number_of(rows: "QuerySet[Any, Any]") -> _Sum:
    return _Sum(rows.values_list(Value(1)))


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the rail; it shows itself to whoever holds one of the permissions, or has rows in it."""

    label: Any
    url_name: str
    perms: frozenset[Perm] = frozenset()
    count: Count | None = None
    # For those without a role: shown when the count is not zero.
    by_rows: Count | None = None
    # Pages that belong to it and have an address of their own.
    also: tuple[str, ...] = ()

    def asks(self, user: User) -> dict[str, Combinable]:
        """What has to be counted to draw it for this user: by its own name, and by that of its rows."""
        is_open = bool(self.perms & user.permissions)
        counts = {self.url_name: self.count, self._rows: None if is_open else self.by_rows}
        if self.count is self.by_rows:
            del counts[self._rows]
        told = {name: count(user) for name, count in counts.items() if count is not None}
        return {name: one for name, one in told.items() if one is not None}

    def shown_to(self, user: User, found: Mapping[str, Any]) -> bool:
        """By role, or because something waits there."""
        if self.perms & user.permissions:
            return True
        return self.by_rows is not None and bool(
            found.get(self.url_name if self.count is self.by_rows else self._rows)
        )

    @property
    def _rows(self) -> str:
        return f"{self.url_name}_rows"

    def leads_to(self, path: str) -> bool:
        """Whether somebody who looks at `path` is in this place."""
        url = reverse(self.url_name)
        return path == url if url == "/" else path.startswith((url, *self.also))


@dataclass(frozen=True, slots=True)
class Link:
    """A place as the template draws it."""

    key: str
    label: Any
    url: str
    is_counted: bool
    count: int | None
    is_current: bool


def _always(_user: User) -> Combinable:
    return Value(1)


def _left_to_decide(user: User) -> Combinable | None:
    if not user.identity_id:
        return None
    return _Sum(
        Assignment.objects.of_reviewer(user.identity_id).open().values_list(F("total") - F("decided"))
    )


def _my_shares(user: User) -> Combinable | None:
    return Exists(Assignment.objects.of_reviewer(user.identity_id)) if user.identity_id else None


def _my_machines(user: User) -> Combinable | None:
    """Machines they answer for; one that waits for their word shows them the place, too."""
    return duties.concerns(user.identity_id) if user.identity_id else None


def _my_findings(user: User) -> Combinable | None:
    return Exists(Finding.objects.answered_for_by(user.identity_id).open()) if user.identity_id else None


def _my_applications(user: User) -> Combinable | None:
    return Exists(Application.objects.answered_for_by(user.identity_id)) if user.identity_id else None


def _to_carry_out(user: User) -> Combinable:
    waiting = Revocation.objects.visible_to(user).to_carry_out()
    if Perm.REVOCATION_VIEW not in user.permissions:
        waiting = waiting.carried_out_by(user.identity_id)  # a reviewer sees their own, but carries out none
    return _number_of(waiting)


def _shared_campaigns(user: User) -> Combinable:
    return Exists(Campaign.objects.visible_to(user))


def _open_imports(user: User) -> Combinable:
    return _number_of(ImportRun.objects.visible_to(user).open())


def _waiting_approvals(user: User) -> Combinable:
    return _number_of(Approval.objects.waiting().exclude(asked_by=user))


PLACES = [
    Place(_("Home"), "home", frozenset(Perm), by_rows=_always),
    Place(_("Where we stand"), "posture", frozenset({Perm.INVENTORY_VIEW})),
    Place(_("My reviews"), "my_reviews", count=_left_to_decide, by_rows=_my_shares, also=("/items/",)),
    Place(_("My machine identities"), "my_machines", by_rows=_my_machines, also=("/claims/",)),
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
    Place(
        _("Identities"),
        "identity_list",
        frozenset({Perm.PERSON_VIEW}),
        also=("/correlation/", "/orphans/", "/unowned/"),
    ),
    Place(_("Applications"), "application_list", frozenset({Perm.INVENTORY_VIEW}), by_rows=_my_applications),
    Place(
        _("Systems"),
        "system_list",
        frozenset({Perm.INVENTORY_VIEW}),
        also=("/accounts/", "/coverage/", "/credentials/", "/grants/"),
    ),
    Place(_("Rights"), "right_list", frozenset({Perm.INVENTORY_VIEW})),
    Place(_("Who may enter"), "reach_search", frozenset({Perm.INVENTORY_VIEW})),
    Place(_("Who had what"), "as_of", frozenset({Perm.INVENTORY_VIEW})),
    Place(_("Findings"), "finding_list", frozenset({Perm.INVENTORY_VIEW}), by_rows=_my_findings),
    Place(_("Rules"), "rule_list", frozenset({Perm.INVENTORY_VIEW}), also=("/controls/",)),
    Place(_("Sources"), "source_list", frozenset({Perm.INVENTORY_VIEW}), _open_imports, also=("/imports/",)),
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
    counts = _counts(user)
    found = []
    for place in PLACES:
        if not place.shown_to(user, counts):
            continue
        found.append(
            Link(
                key=place.url_name,
                label=place.label,
                url=reverse(place.url_name),
                is_counted=place.count is not None,
                count=counts.get(place.url_name) or None if place.count else None,
                is_current=place.leads_to(request.path),
            )
        )
    return found


def _counts(user: User) -> dict[str, Any]:
    """What all places count for this user, in one query."""
    asked = {name: one for place in PLACES for name, one in place.asks(user).items()}
    if not asked:
        return {}
    return dict(User.objects.filter(pk=user.pk).values(**asked).get())


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
