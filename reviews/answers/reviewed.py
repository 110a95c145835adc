"""What was decided last about a grant, for whoever asks who may enter and whether anybody has looked."""

from collections.abc import Sequence

from accounts.ports import ReviewedFact, reviewed
from reviews.models import ReviewItem


@reviewed.answered_by("decisions")
def last_decided(grants: Sequence[int]) -> dict[int, ReviewedFact]:
    """The decision that stands in the latest campaign that has one; what was undone does not count."""
    decided = ReviewItem.objects.filter(grant_id__in=grants, decided_at__isnull=False).exclude(verdict="")
    latest = decided.order_by("grant_id", "-decided_at", "-pk").distinct("grant_id")
    rows = latest.values_list("grant_id", "decided_at", "verdict", "campaign__code")
    return {
        grant: ReviewedFact(at, verdict, campaign)
        for grant, at, verdict, campaign in rows
        if grant is not None and at is not None
    }
