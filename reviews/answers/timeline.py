"""What reviews tell of an identity: every decision about its access, undone ones too."""

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Identity
from accounts.models.timeline import Told, told
from accounts.ports import timeline
from portal.users.models import User
from reviews.models import Decision, ReviewItem


@timeline.answered_by("decisions")
def decisions(identity: Identity, user: User) -> list[Told]:
    """As far as this person may see the items; who decided stands on the item's page."""
    items = ReviewItem.objects.visible_to(user).filter(subject_id=identity.pk)
    rows = Decision.objects.filter(item__in=items)
    name = Concat("item__campaign__code", Value("/"), Cast("item__number", CharField()))
    return [
        told(rows, at=F("at"), code="decision", name=name, detail=F("verdict"), page="item", key=F("item_id"))
    ]
