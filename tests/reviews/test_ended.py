"""What a campaign says it ended: what is proven gone, not whatever was proven."""

import pytest

from accounts.models import Revocation
from portal import moment
from reviews.services import closing, decisions
from tests.factories import reviews as factory
from tests.factories.people import People

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("act", "gone"),
    [("remove", 1), ("disable", 1), ("limit", 0), ("rotate", 0)],
)
def test_only_what_is_gone_counts_as_ended(people: People, act: str, gone: int) -> None:
    bank = factory.bank(people)
    grant = bank.grant(bank.hire())
    campaign = bank.launched()
    decisions.record(
        factory.item_of(campaign, grant), verdict="revoke", reason="left", ordinal=0, by=people.tomas
    )
    proven = {"act": act, "state": "verified", "verified_at": moment.now(), "verified_run": bank.reading}
    assert Revocation.objects.update(**proven) == 1
    ended = closing.ended_by(campaign)
    assert (ended.proven_gone, ended.privileged_gone) == (gone, gone)
