"""Passing items on: who does not know, or is leaving, lets somebody else decide. It is no decision."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from accounts.models import Identity
from portal import moment
from portal.audit.services import Actor, record, record_each
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict
from portal.users.models import User
from reviews.models import Assignment, Campaign, ReviewItem
from reviews.services import locks, notices, reviewers


@transaction.atomic
def pass_on(item: ReviewItem, *, to: Identity, reason: str, by: User) -> ReviewItem:
    """Give an undecided item to another reviewer, who is told; the reason stays in the log."""
    at = moment.now()
    locks.beside_others(item.campaign_id)
    item = ReviewItem.objects.select_related("campaign", "assignment").get(pk=item.pk)
    if by.identity_id is None or item.assignment.reviewer_id != by.identity_id:
        raise PermissionDenied(_("Only the reviewer of an item passes it on."))
    if not reason.strip():
        raise ValidationError(_("Say why you pass it on; the next reviewer reads it."))
    _check_next(item, to, at)
    share = _share_of(item.campaign, to)
    _hand([item], item.assignment, share)
    facts = _facts(item, to.pk, reason.strip())
    record(Verb.ITEM_PASSED_ON, item, actor=by.actor, at=at, stream=item.campaign_id, facts=facts)
    notices.passed_on([share], at)
    item.refresh_from_db()
    return item


def _check_next(item: ReviewItem, to: Identity, at: datetime) -> None:
    if item.verdict:
        raise ValidationError(_("This is decided already. Undo the decision first, then pass it on."))
    if item.ended_as:
        raise ValidationError(_("This no longer applies: a reading proved it gone."))
    if to.pk == item.assignment.reviewer_id:
        raise ValidationError(_("That is you. Choose somebody else."))
    if not Identity.objects.filter(reviewers.could_review(), pk=to.pk).exists():
        raise ValidationError(_("%(name)s can’t review: not here, or no portal user."), params={"name": to})
    if to.pk in reviewers.barred_of([item], at)[item.pk]:
        raise ValidationError(
            _("This is the access of %(name)s, or something they answer for. Choose somebody else."),
            params={"name": to},
        )


def _share_of(campaign: Campaign, reviewer: Identity) -> Assignment:
    """The reviewer's share, made when there is none; a share that was signed off takes nothing more."""
    share, _is_new = Assignment.objects.get_or_create(campaign=campaign, stage=1, reviewer=reviewer)
    if share.signed_off_at is not None:
        raise ValidationError(
            _("%(name)s has signed off already. Choose somebody else."), params={"name": reviewer}
        )
    return share


def _hand(items: Sequence[ReviewItem], giver: Assignment, taker: Assignment) -> None:
    """Move undecided items and the counters of both shares; neither may be signed off meanwhile."""
    keys = [item.pk for item in items]
    still = ReviewItem.objects.undecided().filter(pk__in=keys, assignment=giver)
    if still.update(assignment=taker) != len(keys):
        raise Conflict(items[0])
    # In one order everywhere, so that two who pass on to each other don't wait for each other.
    for share, change in sorted([(giver, -len(keys)), (taker, len(keys))], key=lambda pair: pair[0].pk):
        open_share = Assignment.objects.filter(Q(signed_off_at=None), pk=share.pk)
        if not open_share.update(total=F("total") + change, version=F("version") + 1):
            raise ValidationError(_("A share was signed off meanwhile; nothing was passed on."))
        share.refresh_from_db()


def _facts(item: ReviewItem, to: UUID, reason: str) -> dict[str, object]:
    return {
        "campaign": item.campaign.code,
        "item": item.number,
        "from": item.assignment.reviewer_id,
        "to": to,
        "reason": reason,
    }


@transaction.atomic
def pass_share_on(
    share: Assignment, *, reason: str, actor: Actor, at: datetime
) -> dict[Identity | None, int]:
    """Offer what is left of a share to the next one up, or to the fallback; what is decided stays.

    Returns how many went to whom; under None is what nobody may take, which stays where it is.
    """
    locks.beside_others(share.campaign_id)
    items = list(
        ReviewItem.objects.undecided().filter(assignment=share).select_related("campaign", "assignment")
    )
    barred = reviewers.barred_of(items, at)
    takers: dict[Identity | None, list[ReviewItem]] = {}
    for item in items:
        avoid = barred[item.pk] | {share.reviewer_id} | _signed_off(share.campaign)
        takers.setdefault(_taker(share, avoid), []).append(item)
    for taker, given in takers.items():
        if taker is None:
            continue
        target = _share_of(share.campaign, taker)
        _hand(given, share, target)
        record_each(
            Verb.ITEM_PASSED_ON,
            given,
            actor=actor,
            at=at,
            stream=share.campaign_id,
            facts=lambda item, to=taker.pk: _facts(item, to, reason),  # type: ignore[misc]  # mypy loses the default
        )
        notices.passed_on([target], at)
    return {taker: len(given) for taker, given in takers.items()}


def _taker(share: Assignment, avoid: set[UUID]) -> Identity | None:
    """The reviewer's next one up, else the fallback, else the fallback's next one up."""
    fallback = share.campaign.fallback
    candidates = [
        reviewers.next_up(share.reviewer, avoid),
        fallback if fallback.status == Identity.Status.ACTIVE and fallback.pk not in avoid else None,
        reviewers.next_up(fallback, avoid),
    ]
    present = [one for one in candidates if one is not None]
    able = Identity.objects.filter(reviewers.could_review(), pk__in=[one.pk for one in present])
    may = set(able.values_list("pk", flat=True))
    return next((one for one in present if one.pk in may), present[0] if present else None)


def _signed_off(campaign: Campaign) -> set[UUID]:
    done = Assignment.objects.filter(campaign=campaign, signed_off_at__isnull=False)
    return set(done.values_list("reviewer_id", flat=True))
