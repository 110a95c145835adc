"""Undo is a decision with the next ordinal; the removal it asked for is withdrawn."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import Revocation, RevocationCause
from portal.audit.models import Event
from portal.audit.versions import Conflict
from reviews.models import Decision, ReviewItem
from reviews.services import decisions
from tests.conftest import As
from tests.factories.reviews import Bank, share_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(bank: Bank) -> ReviewItem:
    """An item that was decided to go."""
    campaign = bank.launched_with(1)
    found = ReviewItem.objects.get(campaign=campaign)
    decisions.record(found, verdict="revoke", ordinal=0, by=bank.everybody.tomas)
    return found


def test_it_takes_back_verdict_counters_and_removal_and_keeps_the_history(
    bank: Bank, item: ReviewItem
) -> None:
    taken_back = decisions.undo(item, ordinal=1, by=bank.everybody.tomas)
    item.refresh_from_db()
    assert (item.verdict, item.ordinal, item.decided_at) == ("", 2, None)
    assert (taken_back.verdict, taken_back.ordinal) == ("withdraw", 2)
    share = share_of(item.campaign, bank.tomas)
    assert (share.decided, share.revoked) == (0, 0)
    assert Revocation.objects.get().state == "withdrawn"
    assert Decision.objects.filter(item=item).count() == 2
    assert Event.objects.about(item).filter(verb="decision.withdrawn").count() == 1


def test_another_cause_keeps_the_removal_alive(bank: Bank, item: ReviewItem) -> None:
    RevocationCause.objects.create(revocation=Revocation.objects.get(), kind="case", reference="OFF-2026-01")
    decisions.undo(item, ordinal=1, by=bank.everybody.tomas)
    assert Revocation.objects.get().state == "decided"


def test_undoing_what_is_not_decided_or_was_changed_is_a_conflict(bank: Bank, item: ReviewItem) -> None:
    with pytest.raises(Conflict):
        decisions.undo(item, ordinal=0, by=bank.everybody.tomas)
    decisions.undo(item, ordinal=1, by=bank.everybody.tomas)
    with pytest.raises(Conflict):
        decisions.undo(item, ordinal=2, by=bank.everybody.tomas)


def test_not_after_the_sign_off(bank: Bank, item: ReviewItem) -> None:
    share = share_of(item.campaign, bank.tomas)
    decisions.sign_off(share, version=share.version, statement="Seen.", by=bank.everybody.tomas)
    with pytest.raises(ValidationError, match="signed off"):
        decisions.undo(item, ordinal=1, by=bank.everybody.tomas)
    assert Revocation.objects.get().state == "requested"


def test_by_form(bank: Bank, item: ReviewItem, as_: As) -> None:
    url, client = reverse("item_undo", args=[item.pk]), as_(bank.everybody.tomas)
    assert client.post(url, {}).status_code == 422
    assert client.post(url, {"ordinal": 1}).status_code == 302
    item.refresh_from_db()
    assert item.verdict == ""
    assert as_(bank.everybody.omar).post(url, {"ordinal": 2}).status_code == 404
