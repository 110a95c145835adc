"""Reviews a leaver was to do: what is undecided is offered to somebody else, what they decided stays."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import CaseLine, Identity
from accounts.ports import KIND_WORDS, Holding, Settled, holdings, settle
from portal.audit.services import Actor
from reviews.models import Assignment, Campaign, ReviewItem
from reviews.services import passing

KIND = "open_reviews"
KIND_WORDS[KIND] = gettext_lazy("Reviews they have not finished")


@holdings.answered_by(KIND)
def open_reviews(leaver: Identity) -> list[Holding]:
    """Their shares of running campaigns in which something is undecided."""
    shares = Assignment.objects.of_reviewer(leaver.pk).open().select_related("campaign")
    return [
        Holding(KIND, share, f"{share.campaign.code}, {share.campaign.name}", CaseLine.Disposition.PASS_ON)
        for share in shares.filter(items__in=ReviewItem.objects.undecided()).distinct()
    ]


@settle.answered_by(KIND)
def settle_review(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Offer what is left to the next one up, or to the campaign's fallback."""
    share = Assignment.objects.select_related("campaign__fallback", "reviewer").filter(pk=line.subject_id)
    found = share.first() if line.kind == KIND else None
    if found is None:
        return None
    if found.signed_off_at is not None or found.campaign.state != Campaign.State.LAUNCHED:
        return Settled(True, _("There is nothing left to decide in it."))
    given = passing.pass_share_on(found, reason="The reviewer has left.", actor=actor, at=at)
    stuck = given.pop(None, 0)
    if stuck:
        return Settled(False, _("Nobody else may decide on %(count)d of its lines.") % {"count": stuck})
    names = ", ".join(sorted(taker.name for taker in given if taker is not None))
    count = sum(given.values())
    text = ngettext(
        "%(count)d line passed on to %(names)s.", "%(count)d lines passed on to %(names)s.", count
    )
    return Settled(True, text % {"count": count, "names": names})
