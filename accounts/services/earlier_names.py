"""A protected name change: the record shows the name of today, and the earlier ones are sealed for good."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Identity
from portal import moment
from portal.audit import cards
from portal.audit.models import Card
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import change


@transaction.atomic
def seal(identity: Identity, *, version: int | None, actor: Actor) -> int:
    """Empty every card with an earlier name of a person; evidence keeps its digests. Returns how many."""
    at = moment.now()
    if not identity.is_human:
        raise ValidationError(_("Only people have names to protect."))
    change(identity, version)
    earlier = Card.objects.filter(type="identity", subject_id=str(identity.pk), body__isnull=False)
    if identity.card is not None:
        earlier = earlier.exclude(digest=identity.card)
    digests = [bytes(digest) for digest in earlier.values_list("digest", flat=True)]
    for digest in digests:
        cards.erase(digest)
    facts = {"count": len(digests), "card": identity.card}
    record(Verb.IDENTITY_NAMES_SEALED, identity, actor=actor, at=at, facts=facts)
    return len(digests)
