"""Who had what on the systems of a campaign when it was launched, by what was known then.

The population is what was asked about; this is all that stood around it, rights inherited through groups
and roles included. Built at any later day it lists the same rights: what was known later is left out.
"""

from collections.abc import Iterator

from django.db.models import Q

from accounts.models import Grant
from accounts.models.effective import as_of
from accounts.models.held_rights import Line, named
from reviews.models import Campaign, ReviewItem

Row = dict[str, object]


def rows(campaign: Campaign) -> Iterator[Row]:
    """One for each right and way, in the order of account, grant and way; batches come and go."""
    if campaign.launched_at is None:  # a draft has no moment
        return
    of_items = ReviewItem.objects.filter(campaign=campaign).values("system_id")
    # Gateways are in a review of session reach without having been chosen.
    reviewed = Q(system__in=campaign.systems.values("pk")) | Q(system__in=of_items)
    held = as_of(campaign.launched_at, campaign.launched_at, grants=Grant.objects.filter(reviewed))
    for line in named(held):
        yield _row(line)


def _row(line: Line) -> Row:
    right, account = line.right, line.account
    return {
        "system": account.system.code,
        "account_id": account.pk,
        "account": account.name,
        "identity_id": account.identity_id,
        "entitlement_id": right.entitlement_id,
        "entitlement": line.entitlement.name,
        "is_privileged": line.entitlement.privilege,
        "grant_id": right.grant_id,
        "way": list(right.way),
        "through": [step.name for step in line.way[:-1]],
        "since": right.since,
        "ends_at": right.ends_at,
        "is_eligible": right.is_eligible,
        "doubt": right.doubt or None,
    }
