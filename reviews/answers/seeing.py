"""Why somebody without a role may see a row: it is in their share of a review, or in a shared campaign."""

from datetime import timedelta
from typing import Any

from django.db.models import (
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)

from accounts.models import Account, Credential, Grant, Identity, Revocation, System
from portal import moment
from portal.users.guards import any_of
from portal.users.models import User
from portal.users.ports import reasons_to_see
from reviews.models import Assignment, Campaign, CampaignShare, EvidenceLink, ReviewItem
from sessions_app.models import Recording, Session

Keys = QuerySet[Any, Any]
KEY = "through a review"


def _campaigns(user: User) -> Keys:
    """Campaigns that were shared with them, as long as the share lasts."""
    return CampaignShare.objects.filter(user=user, until__gt=moment.now()).values("content_object")


def _shares(user: User) -> QuerySet[Assignment]:
    """Their own shares, and all shares of campaigns shared with them."""
    seen = Q(campaign__in=_campaigns(user))
    if user.identity_id is not None:
        seen |= Q(reviewer=user.identity_id)
    return Assignment.objects.filter(seen).exclude(campaign__state=Campaign.State.DRAFT)


def _items(user: User) -> QuerySet[ReviewItem]:
    return ReviewItem.objects.filter(assignment__in=_shares(user).values("pk"))


@reasons_to_see[Campaign].answered_by(KEY)
def campaigns(user: User) -> Keys:
    """Shared ones. A reviewer sees their share, not how others decide."""
    launched = Campaign.objects.exclude(state=Campaign.State.DRAFT)
    return launched.filter(pk__in=_campaigns(user)).values("pk")


@reasons_to_see[Assignment].answered_by(KEY)
def shares(user: User) -> Keys:
    """Their own, and those of shared campaigns."""
    return _shares(user).values("pk")


@reasons_to_see[ReviewItem].answered_by(KEY)
def items(user: User) -> Keys:
    """Of those shares."""
    return _items(user).values("pk")


@reasons_to_see[Identity].answered_by(KEY)
def identities(user: User) -> Keys:
    """Whose access they review or who answers for it; in a shared campaign also who reviews."""
    about = _items(user)
    reviewing = Assignment.objects.filter(campaign__in=_campaigns(user)).values("reviewer")
    return any_of([about.values("subject_id"), about.values("accountable_id"), reviewing])


@reasons_to_see[Account].answered_by(KEY)
def accounts(user: User) -> Keys:
    """Which the items are about."""
    return _items(user).values("account_id")


@reasons_to_see[Grant].answered_by(KEY)
def grants(user: User) -> Keys:
    """Which the items judge."""
    return _items(user).filter(grant_id__isnull=False).values("grant_id")


@reasons_to_see[Credential].answered_by(KEY)
def credentials(user: User) -> Keys:
    """Which the items judge."""
    return _items(user).filter(credential_id__isnull=False).values("credential_id")


@reasons_to_see[System].answered_by(KEY)
def systems(user: User) -> Keys:
    """Where those are."""
    return _items(user).values("system_id")


@reasons_to_see[Revocation].answered_by(KEY)
def revocations(user: User) -> Keys:
    """Of what the items judge: whoever decided sees how far the removal is."""
    about = _items(user)
    return Revocation.objects.filter(
        Q(grant__in=about.filter(grant_id__isnull=False).values("grant_id"))
        | Q(credential__in=about.filter(credential_id__isnull=False).values("credential_id"))
        | Q(account__in=about.filter(verdict="shut_down").values("account_id"))
    ).values("pk")


def _sessions(user: User) -> QuerySet[Session]:
    """What stands beside their lines: while a review runs the period's sessions, later the linked ones."""
    linked = EvidenceLink.objects.filter(decision__item__in=_items(user).values("pk")).values("session_id")
    if user.identity_id is None:
        return Session.objects.filter(pk__in=linked)
    days = F("campaign__evidence_days") * Value(timedelta(days=1), output_field=DurationField())
    beside = ReviewItem.objects.filter(
        assignment__reviewer=user.identity_id,
        campaign__state=Campaign.State.LAUNCHED,
        account_id=OuterRef("account_id"),
        campaign__launched_at__lte=ExpressionWrapper(
            OuterRef("started_at") + days, output_field=DateTimeField()
        ),
    )
    return Session.objects.filter(Q(pk__in=linked) | Exists(beside))


@reasons_to_see[Session].answered_by(KEY)
def sessions(user: User) -> Keys:
    """The facts, so that a decision can rest on them; watching is a permission of its own."""
    return _sessions(user).values("pk")


@reasons_to_see[Recording].answered_by(KEY)
def recordings(user: User) -> Keys:
    """Of those sessions: digest and state, not the content."""
    return Recording.objects.filter(session__in=_sessions(user)).values("pk")
