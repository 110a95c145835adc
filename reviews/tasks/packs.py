"""The task that builds a pack: claims the row by its state and calls the engine."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from portal import moment
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.tasks.jobs import GiveUp, job
from portal.vault.services import Altered
from reviews.models import EvidencePack
from reviews.packs.bag import Broken
from reviews.packs.build import build

State = EvidencePack.State
OPEN = (State.REQUESTED, State.BUILDING)
# What is being built is left alone for so long; after that its worker has died.
STUCK_AFTER = timedelta(minutes=10)


def give_up(reason: str, pack_id: str) -> None:
    """No attempt is left: the row says so, and its page shows it."""
    at = moment.now()
    with transaction.atomic():
        failed = {"state": State.FAILED, "state_at": at, "error": reason, "version": F("version") + 1}
        if EvidencePack.objects.filter(pk=pack_id, state__in=OPEN).update(**failed):
            pack = EvidencePack.objects.get(pk=pack_id)
            facts = {"because": reason}
            record(Verb.PACK_FAILED, pack, actor=PORTAL, stream=pack.campaign_id, at=at, facts=facts)


@job(attempts=3, on_exhausted=give_up)
def build_pack(pack_id: str) -> None:
    """Build it; a second delivery of the message finds the row claimed and does nothing."""
    at = moment.now()
    is_free = Q(state=State.REQUESTED) | Q(state=State.BUILDING, state_at__lte=at - STUCK_AFTER)
    with transaction.atomic():
        pack = (
            EvidencePack.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(is_free, pk=pack_id)
            .select_related("campaign")
            .first()
        )
        if pack is None:
            return
        EvidencePack.objects.filter(pk=pack.pk).update(state=State.BUILDING, state_at=at)
    try:
        blob, count = build(pack)
    except (Broken, Altered) as broken:
        raise GiveUp(str(broken)) from broken
    except Exception:
        # The next attempt has to find it free.
        EvidencePack.objects.filter(pk=pack.pk, state=State.BUILDING).update(state=State.REQUESTED)
        raise
    with transaction.atomic():
        ready = {"state": State.READY, "built_at": moment.now(), "blob": blob, "sha256": blob.hexdigest}
        ready |= {"size": blob.size, "file_count": count, "error": "", "version": F("version") + 1}
        if EvidencePack.objects.filter(pk=pack.pk, state=State.BUILDING).update(**ready):
            facts = {"sha256": blob.hexdigest, "size": blob.size, "files": count}
            record(Verb.PACK_BUILT, pack, actor=PORTAL, stream=pack.campaign_id, facts=facts)
