"""Packs that wait: a release answered elsewhere, a queue that lost the message."""

from datetime import datetime

from portal.tasks.jobs import enqueue_unless_waiting
from portal.tasks.schedule import every
from reviews.models import EvidencePack
from reviews.services import packs
from reviews.tasks.packs import STUCK_AFTER, build_pack


@every(seconds=30)
def go_on_with_packs(at: datetime) -> None:
    """Settle answered releases and enqueue again what nobody is building."""
    for pack in EvidencePack.objects.filter(
        state=EvidencePack.State.REQUESTED, release=None, with_recordings=True
    ):
        packs.settle_release(pack, at=at)
    ready = EvidencePack.objects.filter(state__in=[EvidencePack.State.REQUESTED, EvidencePack.State.BUILDING])
    stuck = ready.filter(state_at__lt=at - STUCK_AFTER).exclude(with_recordings=True, release=None)
    for pack in stuck:
        enqueue_unless_waiting(build_pack, str(pack.pk))
