"""Who may see rows of the inventory without a role, and why: because they answer for them.

What somebody may see through a system they own also comes through it. A manager sees who their people are,
not what these hold.
"""

from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import (
    Account,
    Application,
    Credential,
    Entitlement,
    Grant,
    Identity,
    ImportRun,
    Revocation,
    Source,
    System,
    SystemShare,
)
from portal import moment
from portal.users.guards import any_of
from portal.users.models import User
from portal.users.ports import reasons_to_see

Keys = QuerySet[Any, Any]


def _systems(user: User) -> Keys:
    """Systems whose owner or deputy they are, or that were shared with them."""
    shared = SystemShare.objects.filter(user=user, until__gt=moment.now()).values("content_object")
    if user.identity_id is None:
        return shared
    found = System.objects.values("pk")
    return any_of([shared, found.filter(owner=user.identity_id), found.filter(deputy=user.identity_id)])


def _identities(user: User) -> Keys:
    """Themselves, and the machines they answer for or stand in for, also through an application."""
    if user.identity_id is None:
        return Identity.objects.none().values("pk")
    me, found = user.identity_id, Identity.objects.values("pk")
    mine = (found.filter(pk=me), found.filter(owner=me), found.filter(deputy=me), found.filter(stand_in=me))
    return any_of([*mine, found.filter(application__in=_applications(user))])


def _applications(user: User) -> Keys:
    if user.identity_id is None:
        return Application.objects.none().values("pk")
    return Application.objects.answered_for_by(user.identity_id).values("pk")


def _accounts(user: User) -> Keys:
    found = Account.objects.values("pk")
    return any_of([found.filter(identity__in=_identities(user)), found.filter(system__in=_systems(user))])


@reasons_to_see[Identity].answered_by("is it, or answers for it")
def own_identities(user: User) -> Keys:
    """Themselves and their machines."""
    return _identities(user)


@reasons_to_see[Identity].answered_by("is their manager")
def reports(user: User) -> Keys:
    """Their people, as far as HR facts go."""
    if user.identity_id is None:
        return Identity.objects.none().values("pk")
    return Identity.objects.filter(manager=user.identity_id).values("pk")


@reasons_to_see[Application].answered_by("answers for it")
def own_applications(user: User) -> Keys:
    """Owner, deputy, or standing in."""
    return _applications(user)


@reasons_to_see[System].answered_by("answers for it, or it was shared")
def own_systems(user: User) -> Keys:
    """Owner, deputy, or a share that has not ended."""
    return _systems(user)


@reasons_to_see[System].answered_by("carries out removals there")
def carried_systems(user: User) -> Keys:
    """Those who remove rights there."""
    if user.identity_id is None:
        return System.objects.none().values("pk")
    return System.objects.filter(carriers=user.identity_id).values("pk")


@reasons_to_see[Account].answered_by("answers for it")
def own_accounts(user: User) -> Keys:
    """Of themselves, their machines and their systems."""
    return _accounts(user)


@reasons_to_see[Entitlement].answered_by("owns it, or answers for its system")
def own_rights(user: User) -> Keys:
    """What may be held on systems they see, and rights that are theirs to explain."""
    mine = Q(system__in=_systems(user))
    if user.identity_id is not None:
        mine |= Q(owner=user.identity_id)
    return Entitlement.objects.filter(mine).values("pk")


@reasons_to_see[Grant].answered_by("answers for its account")
def own_grants(user: User) -> Keys:
    """Held by accounts they may see."""
    found = Grant.objects.values("pk")
    of_identities = found.filter(account__identity__in=_identities(user))
    return any_of([of_identities, found.filter(system__in=_systems(user))])


@reasons_to_see[Credential].answered_by("answers for its account")
def own_credentials(user: User) -> Keys:
    """Of accounts they may see."""
    return Credential.objects.filter(account__in=_accounts(user)).values("pk")


@reasons_to_see[Revocation].answered_by("carries it out, or answers for the system")
def to_carry_out(user: User) -> Keys:
    """Removals on systems that they carry out for or answer for: what goes, not why."""
    return Revocation.objects.carried_out_by(user.identity_id).values("pk")


@reasons_to_see[Source].answered_by("looks after the system")
def own_sources(user: User) -> Keys:
    """Where the records of their systems come from."""
    return Source.objects.filter(system__in=_looked_after(user)).values("pk")


@reasons_to_see[ImportRun].answered_by("looks after the system")
def own_readings(user: User) -> Keys:
    """Readings of their systems: those who carry out also confirm counts at the source."""
    return ImportRun.objects.filter(source__system__in=_looked_after(user)).values("pk")


def _looked_after(user: User) -> Keys:
    if user.identity_id is None:
        return System.objects.none().values("pk")
    return System.objects.looked_after_by(user.identity_id).values("pk")
