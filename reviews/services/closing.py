"""Closing a campaign: management acknowledges the counted results; from then on nothing in it moves."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Revocation
from accounts.services import revocations
from portal import moment
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change
from portal.users.models import User
from reviews.models import Assignment, Campaign, ReviewItem, SignOff
from reviews.services import ending, locks, results
from reviews.services.signing import caused_by, decided_in


@dataclass(frozen=True)
class Readiness:
    """What stands in the way of closing: red, and only a signed exception goes on with it."""

    open_shares: list[Assignment]
    counts: dict[str, int]
    unrequested: int

    @property
    def is_red(self) -> bool:
        """Something is undecided or not signed off."""
        return bool(self.open_shares or self.counts["undecided"])


def readiness(campaign: Campaign) -> Readiness:
    """How complete a running campaign is."""
    items = ReviewItem.objects.filter(campaign=campaign)
    return Readiness(list(_open_shares(campaign)), results.counts(items), decided_in(items).count())


def _open_shares(campaign: Campaign) -> "QuerySet[Assignment]":
    waiting = Assignment.objects.filter(campaign=campaign, total__gt=0, signed_off_at=None)
    return waiting.select_related("reviewer").order_by("reviewer__name", "pk")


@transaction.atomic
def close(campaign: Campaign, *, version: int, statement: str, by: User, exception: str = "") -> Campaign:
    """Close a running campaign with management's acknowledgement.

    Undecided items and open shares need `exception`, a reason that `by` signs. Removals decided in shares
    that nobody signed off are asked for now: the acknowledgement covers them.
    """
    at = moment.now()
    locks.alone(campaign.pk)
    if not Campaign.objects.filter(pk=campaign.pk, version=version, state=Campaign.State.LAUNCHED).exists():
        raise Conflict(campaign)
    campaign.refresh_from_db()
    ending.refresh_ended(campaign)
    items = ReviewItem.objects.filter(campaign=campaign)
    ready = readiness(campaign)
    _check(campaign, ready, statement, exception, by)
    if ready.is_red:
        facts: dict[str, object] = {
            "campaign": campaign.code,
            "undecided": ready.counts["undecided"],
            "open_shares": [share.reviewer_id for share in ready.open_shares],
            "reason": exception.strip(),
        }
        record(Verb.CAMPAIGN_EXCEPTED, campaign, actor=by.actor, at=at, stream=campaign.pk, facts=facts)
    count, digest = results.digest(items)
    SignOff.objects.create(
        campaign=campaign,
        kind=SignOff.Kind.MANAGEMENT,
        by_user=by.pk,
        by_identity=by.identity_id,
        by_card=by.card,
        counts=ready.counts,
        decisions_digest=digest,
        statement=statement.strip(),
        at=at,
    )
    asked = revocations.request(decided_in(items), actor=by.actor, at=at)
    change(
        campaign, version, when=Q(state=Campaign.State.LAUNCHED), state=Campaign.State.CLOSED, closed_at=at
    )
    facts = {
        "campaign": campaign.code,
        "counts": ready.counts,
        "decisions": {"count": count, "sha256": digest},
        "population_root": campaign.population_root,
        "exception": exception.strip() or None,
        "statement": statement.strip(),
        "requested": asked,
    }
    record(Verb.CAMPAIGN_CLOSED, campaign, actor=by.actor, at=at, stream=campaign.pk, facts=facts)
    return campaign


def _check(campaign: Campaign, ready: Readiness, statement: str, exception: str, by: User) -> None:
    if not statement.strip():
        raise ValidationError(_("Confirm the statement to close the campaign."))
    if ready.is_red and not exception.strip():
        raise ValidationError(
            _("Not everything is decided and signed off. Give a reason to close all the same.")
        )
    reviewers = set(
        Assignment.objects.filter(campaign=campaign, items__isnull=False).values_list(
            "reviewer_id", flat=True
        )
    )
    if reviewers == {by.identity_id}:
        raise ValidationError(
            _("You are this campaign’s only reviewer; somebody else has to acknowledge its results.")
        )


@dataclass(frozen=True)
class Ended:
    """What a campaign brought to an end, which is told before how complete it was."""

    proven_gone: int
    privileged_gone: int
    on_the_way: int
    not_possible: int
    reappeared: int
    kept: int
    total: int

    @property
    def nothing_ended(self) -> bool:
        """Everything kept and nothing ended: a question, not a success."""
        return bool(self.total) and self.kept == self.total


ENDING = (Revocation.Act.REMOVE, Revocation.Act.DISABLE)


def ended_by(campaign: Campaign) -> Ended:
    """Rights proven gone because of this campaign's decisions, and those still on their way.

    A limit that was set or a secret that was rotated is proven too, but nothing of it is gone.
    """
    items = ReviewItem.objects.filter(campaign=campaign)
    states = dict.fromkeys(Revocation.State.values, 0)
    gone = privileged = 0
    columns = ("state", "act", "grant__entitlement__carries_privilege")
    for state, act, is_privileged in caused_by(items).values_list(*columns):
        states[state] += 1
        if state == Revocation.State.VERIFIED and act in ENDING:
            gone += 1
            privileged += bool(is_privileged)
    counted = results.counts(items)
    return Ended(
        proven_gone=gone,
        privileged_gone=privileged,
        on_the_way=states["decided"] + states["requested"] + states["reported"],
        not_possible=states["impossible"],
        reappeared=states["reappeared"],
        kept=counted["certify"],
        total=counted["total"],
    )
