"""Who may decide on an item, and who is asked next when somebody may not or is not there."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import Account, Identity, Membership
from portal.users.models import User
from reviews.models import ReviewItem

# Longer chains of managers are circles or mistakes of the HR file.
HIGHEST = 40


def barred_of(items: Iterable[ReviewItem], at: datetime) -> dict[int, set[UUID]]:
    """For each item by key: who must not decide on it, because it is their own access or one they share.

    The owner of a machine attests what is known not to be privileged, and decides on nothing else of it.
    """
    items = list(items)
    shared: dict[int, set[UUID]] = {}
    accounts = {item.account_id for item in items}
    members = Membership.objects.filter(account__in=accounts, during__contains=at)
    # Whoever holds the account now counts as well: two records of one person may have become one since.
    holders = Account.objects.filter(pk__in=accounts, identity__isnull=False).values_list("pk", "identity_id")
    for account_id, identity_id in members.values_list("account_id", "identity_id").union(holders):
        shared.setdefault(account_id, set()).add(identity_id)
    found = {}
    for item in items:
        own = {item.subject_id} if item.subject_id else set()
        if (
            item.accountable_id
            and item.subject_kind != Identity.Kind.HUMAN
            and item.is_privileged is not False
        ):
            own.add(item.accountable_id)
        found[item.pk] = own | shared.get(item.account_id, set())
    return found


def next_up(identity: Identity, avoid: Collection[UUID] = ()) -> Identity | None:
    """The first manager above who can review and is not to be avoided; None at the top or in a circle.

    Somebody who can't sign in comes last: with them a line would lie where nobody can decide it.
    """
    chain, seen = [], {identity.pk}
    above = identity.manager
    while above is not None and above.pk not in seen and len(seen) < HIGHEST:
        if above.status == Identity.Status.ACTIVE and above.pk not in avoid:
            chain.append(above)
        seen.add(above.pk)
        above = above.manager
    able = Identity.objects.filter(could_review(), pk__in=[one.pk for one in chain])
    may = set(able.values_list("pk", flat=True))
    return next((one for one in chain if one.pk in may), chain[0] if chain else None)


def could_review() -> "Q":
    """People who are there and can sign in."""
    can_sign_in = User.objects.filter(is_active=True, identity_id__isnull=False).values("identity_id")
    return Q(kind=Identity.Kind.HUMAN, status=Identity.Status.ACTIVE, pk__in=can_sign_in)


def address_of(identities: Collection[UUID]) -> dict[UUID, str]:
    """Where each can be written to: the portal user's address, else the inventory's. Some have none."""
    found = dict(Identity.objects.filter(pk__in=identities).exclude(email="").values_list("pk", "email"))
    users = User.objects.filter(identity_id__in=identities, is_active=True, kind=User.Kind.PERSON)
    found.update({key: email for key, email in users.values_list("identity_id", "email") if key})
    return found
