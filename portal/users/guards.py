"""Fetching is the permission check: `visible_to` first (404), then `require` (403)."""

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db import models
from django.utils.translation import gettext as _

from portal.users.models import User
from portal.users.permissions import Perm
from portal.users.ports import reasons_to_see

M = TypeVar("M", bound=models.Model)
Keys = models.QuerySet[Any, Any]


class VisibleQuerySet(models.QuerySet[M]):
    """A queryset that can be narrowed to what somebody may see.

    `seen_with` names the permission that shows every row; without it a row needs a reason, asked of the
    port `reasons_to_see[Model]`.
    """

    seen_with: ClassVar[Perm]

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The rows this user may see; an anonymous or ended user sees none."""
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        if self.seen_with in user.permissions:
            return self
        reasons = list(reasons_to_see[self.model].ask(user).values())
        return self.filter(Among(models.F("pk"), ArraySubquery(any_of(reasons)))) if reasons else self.none()


class Among(models.Func):
    """`key = ANY (ARRAY (…))`: the keys are found first, and each row by its key.

    What somebody sees then costs as much as they see. With `IN (…)` PostgreSQL guesses how many keys there
    are, and takes the whole table for few of them.
    """

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


def any_of(keys: Iterable[Keys]) -> Keys:
    """Keys that are in one of these querysets: appended, because an OR between several reads whole tables."""
    first, *others = (found.order_by() for found in keys)
    return first.union(*others, all=True) if others else first


@runtime_checkable
class Grants(Protocol):
    """A row that gives rights of its own, such as an item to its reviewer."""

    def granted_to(self, user: User) -> frozenset[Perm]:
        """What this user may do with this row beyond their roles."""


def allowed(user: User | AnonymousUser, perm: Perm, on: Any = None) -> bool:
    """May they, by role or through the row?"""
    if not isinstance(user, User) or not user.is_active:
        return False
    return perm in user.permissions or (isinstance(on, Grants) and perm in on.granted_to(user))


def require(user: User | AnonymousUser, perm: Perm, on: Any = None) -> None:
    """Refuse with 403 unless allowed; call it after the row was fetched through `visible_to`."""
    if not allowed(user, perm, on):
        raise PermissionDenied(_("Your roles do not include this: %(perm)s.") % {"perm": perm.value})
