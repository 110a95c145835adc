"""Signing off: a reviewer's own act over counted results; from then on the share is a record."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from accounts.models import Grant, Revocation
from portal.audit import canonical
from portal.audit.models import Event
from portal.audit.versions import Conflict
from reviews.models import Assignment, Decision, ReviewItem, SignOff
from reviews.services import campaigns, decisions
from tests.conftest import As
from tests.factories import inventory
from tests.factories.reviews import Bank, facts_of, grant_behind, share_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def share(bank: Bank) -> Assignment:
    """Three lines: kept, removed, and one that nobody has decided."""
    campaign = bank.launched_with(3)
    items = list(ReviewItem.objects.filter(campaign=campaign).order_by("number"))
    decisions.record(items[0], verdict="certify", ordinal=0, by=bank.everybody.tomas)
    decisions.record(items[1], verdict="revoke", ordinal=0, by=bank.everybody.tomas)
    return share_of(campaign, bank.tomas)


def finish(bank: Bank, share: Assignment) -> Assignment:
    """Decide what is left."""
    for item in ReviewItem.objects.undecided().filter(assignment=share):
        decisions.record(item, verdict="limit", ordinal=item.ordinal, by=bank.everybody.tomas)
    share.refresh_from_db()
    return share


def test_it_counts_commits_and_asks_for_what_is_to_go(bank: Bank, share: Assignment) -> None:
    finish(bank, share)
    given = decisions.sign_off(share, version=share.version, statement="I looked.", by=bank.everybody.tomas)
    share.refresh_from_db()
    assert share.signed_off_at == given.at
    counts = given.counts
    assert (counts["certify"], counts["revoke"], counts["limit"], counts["undecided"], counts["total"]) == (
        1,
        1,
        1,
        0,
        3,
    )
    standing = Decision.objects.order_by("item__number")
    count, digest = canonical.digest_of_many(
        {
            "number": row.item.number,
            "ordinal": row.ordinal,
            "shown": row.shown,
            "v": 1,
            "verdict": row.verdict,
        }
        for row in standing
    )
    assert (count, bytes(given.decisions_digest)) == (3, digest)
    assert set(Revocation.objects.values_list("state", flat=True)) == {"requested"}
    event = Event.objects.about(share).get(verb="signoff.given")
    facts = facts_of(event)
    assert facts["decisions"] == {"count": 3, "sha256": digest.hex()}
    assert facts["requested"] == 2


def test_not_while_something_is_undecided(bank: Bank, share: Assignment) -> None:
    with pytest.raises(ValidationError, match="1 line is not decided"):
        decisions.sign_off(share, version=share.version, statement="I looked.", by=bank.everybody.tomas)
    assert not SignOff.objects.exists()


def test_what_a_reading_proved_gone_needs_no_decision_and_is_counted_apart(
    bank: Bank, share: Assignment
) -> None:
    left = ReviewItem.objects.undecided().get(assignment=share)
    reading = inventory.run(bank.reading.source)
    grant = grant_behind(left)
    Grant.objects.filter(pk=grant.pk).update(held=(grant.held.lower, reading.taken_at), known_to_run=reading)
    given = decisions.sign_off(share, version=share.version, statement="I looked.", by=bank.everybody.tomas)
    assert (given.counts["no_longer"], given.counts["undecided"], given.counts["total"]) == (1, 0, 3)
    left.refresh_from_db()
    assert (left.ended_as, left.ended_run) == ("no_longer", reading.pk)


def test_a_decision_made_since_the_page_was_read_is_a_conflict(bank: Bank, share: Assignment) -> None:
    seen = finish(bank, share).version
    item = ReviewItem.objects.filter(assignment=share).earliest("number")
    decisions.record(item, verdict="revoke", ordinal=item.ordinal, by=bank.everybody.tomas)
    with pytest.raises(Conflict):
        decisions.sign_off(share, version=seen, statement="I looked.", by=bank.everybody.tomas)


def test_once_and_only_by_the_reviewer_with_the_statement(bank: Bank, share: Assignment) -> None:
    finish(bank, share)
    with pytest.raises(PermissionDenied):
        decisions.sign_off(share, version=share.version, statement="I looked.", by=bank.everybody.ines)
    with pytest.raises(ValidationError, match="Confirm"):
        decisions.sign_off(share, version=share.version, statement=" ", by=bank.everybody.tomas)
    decisions.sign_off(share, version=share.version, statement="I looked.", by=bank.everybody.tomas)
    share.refresh_from_db()
    with pytest.raises(Conflict):
        decisions.sign_off(share, version=share.version, statement="Again.", by=bank.everybody.tomas)
    given = SignOff.objects.get()
    given.pk = None
    with pytest.raises(IntegrityError, match="sign_off_once_per_share"), transaction.atomic():
        given.save(force_insert=True)
    with pytest.raises(DatabaseError), transaction.atomic():
        SignOff.objects.update(statement="Other.")


def test_nothing_in_the_share_moves_afterwards(bank: Bank, share: Assignment) -> None:
    finish(bank, share)
    decisions.sign_off(share, version=share.version, statement="I looked.", by=bank.everybody.tomas)
    item = ReviewItem.objects.filter(assignment=share).earliest("number")
    with pytest.raises(ValidationError, match="signed off"):
        decisions.record(item, verdict="revoke", ordinal=item.ordinal, by=bank.everybody.tomas)
    assert campaigns.refresh_ended(item.campaign) == 0


def test_the_page_counts_lists_what_changes_and_takes_the_statement(
    bank: Bank, share: Assignment, as_: As
) -> None:
    url, client = reverse("sign_off", args=[share.pk]), as_(bank.everybody.tomas)
    assert "1 line is not decided yet" in client.get(url).content.decode()
    finish(bank, share)
    text = client.get(url).content.decode()
    assert "All 3 lines are decided" in text
    assert "At sign-off it goes to" in text
    unconfirmed = client.post(url, {"version": share.version})
    assert unconfirmed.status_code == 200
    assert "Confirm the statement" in unconfirmed.content.decode()
    assert client.post(url, {"version": share.version, "confirmed": "on"}).status_code == 302
    share.refresh_from_db()
    assert share.signed_off_at is not None
    assert SignOff.objects.get().statement.startswith("I have looked at each line.")


def test_the_page_is_the_reviewers(bank: Bank, share: Assignment, as_: As) -> None:
    url = reverse("sign_off", args=[share.pk])
    assert as_(bank.everybody.ines).get(url).status_code == 403
    assert as_(bank.everybody.omar).get(url).status_code == 404
    assert as_(bank.everybody.mikael).get(url).status_code == 404


def test_decisions_with_sessions_that_nobody_opened_are_said(bank: Bank, share: Assignment, as_: As) -> None:
    from_page = as_(bank.everybody.tomas).get(reverse("sign_off", args=[share.pk])).content.decode()
    assert "Sessions not opened" not in from_page
