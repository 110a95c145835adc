"""Why somebody may see a pack: it was shared with them and the share has not ended."""

from django.db.models import QuerySet

from portal import moment
from portal.users.models import User
from portal.users.ports import reasons_to_see
from reviews.models import EvidencePack, PackShare


@reasons_to_see[EvidencePack].answered_by("shared pack")
def shared_packs(user: User) -> "QuerySet[PackShare, object]":
    """Keys of packs shared with this user until later than now."""
    return PackShare.objects.filter(user=user, until__gt=moment.now()).values("content_object_id")
