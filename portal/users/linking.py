"""Tying users to the inventory afterwards: the first administrator is there before HR's first reading."""

from uuid import UUID

from django.db import transaction

from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.users.models import User
from portal.users.ports import identity_by_email


def free_identity(email: str) -> UUID | None:
    """The one identity with this address, unless another user is it already."""
    for found in identity_by_email.ask(email).values():
        if found is not None and not User.objects.filter(identity_id=found).exists():
            return found
    return None


@transaction.atomic
def link(user: User, *, actor: Actor) -> bool:
    """Let the user be the identity with their address, so that rules about own access hold; False if none is.

    A link that stands is never moved.
    """
    identity = free_identity(user.email)
    if identity is None:
        return False
    if not User.objects.filter(pk=user.pk, identity_id=None).update(identity_id=identity):
        return False
    user.identity_id = identity
    record(Verb.USER_LINKED, user, actor=actor, facts={"identity": identity})
    return True
