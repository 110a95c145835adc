"""Through a review somebody sees what they judge, and no more; an auditor what was shared, while it is."""

from datetime import timedelta

import pytest

from accounts.models import Account, Credential, Grant, Identity, Revocation, System
from portal import moment
from portal.users.models import User
from reviews.models import Assignment, Campaign, ReviewItem
from reviews.services import campaigns, decisions
from sessions_app.models import Recording, Session
from tests.factories import inventory
from tests.factories.people import identity_of
from tests.factories.reviews import Bank, days_ago, reviewer_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(bank: Bank) -> Grant:
    """What Tomas reviews; Petra reviews something else in the same campaign."""
    petra = reviewer_user("Petra Lindqvist")
    bank.grant(bank.hire("Other", manager=identity_of(petra)))
    return bank.grant(bank.hire("Pia"))


def test_a_reviewer_sees_the_rows_behind_their_lines_and_nobody_elses(bank: Bank, grant: Grant) -> None:
    bank.launched()
    tomas = bank.everybody.tomas
    assert list(Grant.objects.visible_to(tomas)) == [grant]
    assert list(Account.objects.visible_to(tomas)) == [grant.account]
    assert list(System.objects.visible_to(tomas)) == [bank.system]
    assert grant.account.identity in Identity.objects.visible_to(tomas)
    assert ReviewItem.objects.visible_to(tomas).count() == Assignment.objects.visible_to(tomas).count() == 1
    # Others' shares of the same campaign, and so the campaign as a whole, are not theirs to see.
    assert not Campaign.objects.visible_to(tomas).exists()


def test_a_draft_shows_nobody_anything(bank: Bank, grant: Grant) -> None:
    bank.campaign()
    assert not Grant.objects.visible_to(bank.everybody.tomas).exists()


def test_sessions_of_the_period_and_what_was_linked(bank: Bank, grant: Grant) -> None:
    campaign, tomas = bank.launched(), bank.everybody.tomas
    inside, before = (
        Session.objects.create(
            code=code, system=bank.system, account=grant.account, started_at=days_ago(days)
        )
        for code, days in (("SES-1", 10), ("SES-2", 120))
    )
    elsewhere = bank.grant(bank.hire(manager=None)).account
    Session.objects.create(code="SES-3", system=bank.system, account=elsewhere, started_at=days_ago(1))
    assert list(Session.objects.visible_to(tomas)) == [inside]
    assert before not in Session.objects.visible_to(tomas)
    assert not Recording.objects.visible_to(tomas).exists()
    item = ReviewItem.objects.get(campaign=campaign, grant_id=grant.pk)
    decisions.record(item, verdict="revoke", ordinal=0, by=tomas)
    assert list(Revocation.objects.visible_to(tomas)) == [Revocation.objects.get()]
    campaign.refresh_from_db()
    campaigns.close(
        campaign, version=campaign.version, statement="Seen.", exception="Over.", by=bank.everybody.ines
    )
    assert list(Session.objects.visible_to(tomas)) == [inside]


def test_an_auditor_sees_a_shared_campaign_until_the_share_ends(bank: Bank, grant: Grant) -> None:
    account = bank.grant(bank.machine("svc", owner=bank.tomas)).account
    inventory.credential(account)
    campaign, elena = bank.launched(), bank.everybody.elena
    everything: tuple[type[Campaign | ReviewItem | Grant | Credential | System], ...] = (
        Campaign,
        ReviewItem,
        Grant,
        Credential,
        System,
    )

    def seen(user: User) -> list[int]:
        return [model.objects.visible_to(user).count() for model in everything]

    assert seen(elena) == [0, 0, 0, 0, 0]
    until = moment.now() + timedelta(days=2)
    campaigns.share(campaign, user=elena, until=until, by=bank.everybody.ines)
    assert seen(elena) == [1, 4, 3, 1, 1]
    assert bank.tomas in Identity.objects.visible_to(elena)
    with moment.simulated(until + timedelta(seconds=1)):
        assert seen(elena) == [0, 0, 0, 0, 0]


def test_the_outsider_sees_nothing(bank: Bank, grant: Grant) -> None:
    bank.launched()
    for model in (Campaign, Assignment, ReviewItem, Grant, Account, System, Session):
        assert not model.objects.visible_to(bank.everybody.omar).exists()
