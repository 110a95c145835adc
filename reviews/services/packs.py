"""Verbs about evidence packs: asked for, released by a second person, built, fetched."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal import moment
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.tasks.jobs import enqueue_on_commit
from portal.users import services as users
from portal.users.models import Approval, User
from reviews.models import Campaign, EvidencePack, PackShare
from reviews.tasks.packs import build_pack

RELEASE = "release_recordings"
State = EvidencePack.State


@transaction.atomic
def request(campaign: Campaign, *, with_recordings: bool, reason: str = "", by: User) -> EvidencePack:
    """Ask for a pack of a launched campaign; one with recordings waits for a second person's release."""
    if campaign.state == Campaign.State.DRAFT:
        raise ValidationError(_("A draft has no population yet: launch the campaign first."))
    if with_recordings and not reason.strip():
        raise ValidationError(_("Say why the recordings must leave; a second person decides on it."))
    # The row lock serialises the numbering of this campaign's packs.
    Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    number, at = campaign.packs.count() + 1, moment.now()
    pack = EvidencePack.objects.create(
        code=f"{campaign.code}-P{number}",
        campaign=campaign,
        with_recordings=with_recordings,
        state_at=at,
        requested_by_id=by.pk,
        requested_at=at,
    )
    facts = {"campaign": campaign.code, "with_recordings": with_recordings}
    record(Verb.PACK_REQUESTED, pack, actor=by.actor, stream=campaign.pk, at=at, facts=facts)
    if with_recordings:
        users.ask(RELEASE, pack, reason=reason, by=by)
    else:
        enqueue_on_commit(build_pack, str(pack.pk))
    return pack


@transaction.atomic
def answer_release(pack: EvidencePack, verdict: Approval.Verdict, *, remark: str, by: User) -> None:
    """A second person releases the recordings into the pack, or refuses."""
    approval = Approval.objects.of(pack).waiting().filter(action=RELEASE).first()
    if approval is None:
        raise ValidationError(_("Nothing waits for a release here."))
    users.answer(approval, verdict, by=by, remark=remark)
    settle_release(pack, at=moment.now())


@transaction.atomic
def settle_release(pack: EvidencePack, *, at: datetime) -> None:
    """Go on with a pack whose release was answered, wherever that was done; safe to repeat."""
    approval = Approval.objects.of(pack).filter(action=RELEASE).exclude(decided_at=None).first()
    if approval is None or pack.state != State.REQUESTED or pack.release_id:
        return
    waiting = Q(state=State.REQUESTED, release=None)
    if approval.verdict == Approval.Verdict.GRANTED:
        change(pack, None, when=waiting, release=approval)
        facts = {"approval": approval.pk, "released_by": approval.decided_by_id}
        record(Verb.RECORDING_RELEASED, pack, actor=PORTAL, stream=pack.campaign_id, at=at, facts=facts)
        enqueue_on_commit(build_pack, str(pack.pk))
    else:
        error = _("The release of the recordings was refused.") + f" {approval.remark}"
        change(
            pack, None, when=waiting, state=State.FAILED, state_at=at, error=error.strip(), release=approval
        )
        refusal = {"approval": approval.pk, "because": "release refused"}
        record(Verb.PACK_FAILED, pack, actor=PORTAL, stream=pack.campaign_id, at=at, facts=refusal)


@transaction.atomic
def try_again(pack: EvidencePack, *, version: int, by: User) -> None:
    """Build a failed pack again from the same request."""
    at = moment.now()
    failed = Q(state=State.FAILED) & (Q(with_recordings=False) | Q(release__verdict=Approval.Verdict.GRANTED))
    change(pack, version, when=failed, state=State.REQUESTED, state_at=at, error="")
    facts = {"campaign": pack.campaign.code, "again": True}
    record(Verb.PACK_REQUESTED, pack, actor=by.actor, stream=pack.campaign_id, at=at, facts=facts)
    enqueue_on_commit(build_pack, str(pack.pk))


@transaction.atomic
def fetched(pack: EvidencePack, *, by: User) -> None:
    """Somebody took the file out: a disclosure, which has a line of its own in the log."""
    facts = {"sha256": pack.sha256, "with_recordings": pack.with_recordings}
    record(Verb.PACK_DOWNLOADED, pack, actor=by.actor, stream=pack.campaign_id, facts=facts)


@transaction.atomic
def share(pack: EvidencePack, user: User, *, until: datetime, by: User) -> PackShare:
    """Let somebody, such as an external auditor, fetch this one pack until then."""
    at = moment.now()
    if until <= at:
        raise ValidationError(_("The end of a share lies in the future."))
    made = PackShare.give(pack, user, until=until, by=by, at=at)
    facts = {"pack": pack.code, "user": user.pk, "until": until}
    record(Verb.CAMPAIGN_SHARED, pack, actor=by.actor, stream=pack.campaign_id, at=at, facts=facts)
    return made
