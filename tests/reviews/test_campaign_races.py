"""Decisions, sign-offs and closing at the same moment: whatever wins, the record is true."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connections, transaction

from portal.audit.versions import Conflict
from portal.testing.databases import CommittedDatabase
from reviews.models import Assignment, Campaign, Decision, ReviewItem, SignOff
from reviews.services import campaigns, decisions, results
from tests.factories import people
from tests.factories.reviews import Bank, share_of
from tests.factories.reviews import bank as make_bank


@pytest.fixture
def committed_bank(committed_db: CommittedDatabase) -> Bank:
    """A bank whose rows other threads can see."""
    return make_bank(people.everybody())


def at_once(*acts: Callable[[], object]) -> list[BaseException | None]:
    """Run them in threads that start together; what each raised."""
    gate = Barrier(len(acts))

    def run(act: Callable[[], object]) -> BaseException | None:
        gate.wait()
        try:
            act()
        except (Conflict, ValidationError) as refusal:
            return refusal
        finally:
            connections.close_all()
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def counters_are_true(campaign: Campaign) -> bool:
    """What the shares count is what the items say."""
    for share in Assignment.objects.filter(campaign=campaign):
        counts = results.counts(ReviewItem.objects.filter(assignment=share))
        decided = counts["total"] - counts["undecided"] - counts["no_longer"]
        if (share.total, share.decided, share.revoked) != (
            counts["total"] - counts["no_longer"],
            decided,
            counts["revoke"],
        ):
            return False
    return True


def test_two_decisions_on_what_both_saw_can_not_both_be_the_next(committed_bank: Bank) -> None:
    campaign = committed_bank.launched_with(1)
    item, tomas = ReviewItem.objects.get(campaign=campaign), committed_bank.everybody.tomas
    outcomes = at_once(
        lambda: decisions.record(item, verdict="certify", ordinal=0, by=tomas),
        lambda: decisions.record(item, verdict="revoke", ordinal=0, by=tomas),
    )
    assert [outcome is None for outcome in outcomes].count(True) == 1
    assert isinstance(next(outcome for outcome in outcomes if outcome), Conflict)
    assert Decision.objects.count() == 1
    assert counters_are_true(campaign)


def test_a_sign_off_never_misses_a_decision_made_beside_it(committed_bank: Bank) -> None:
    campaign = committed_bank.launched_with(2)
    tomas = committed_bank.everybody.tomas
    items = list(ReviewItem.objects.filter(campaign=campaign))
    for item in items:
        decisions.record(item, verdict="certify", ordinal=0, by=tomas)
    share = share_of(campaign, committed_bank.tomas)
    at_once(
        lambda: decisions.sign_off(share, version=share.version, statement="Seen.", by=tomas),
        lambda: decisions.record(items[0], verdict="revoke", ordinal=1, by=tomas),
    )
    given = SignOff.objects.filter(assignment=share).first()
    if given is not None:
        assert bytes(given.decisions_digest) == results.digest(ReviewItem.objects.filter(assignment=share))[1]
    else:
        items[0].refresh_from_db()
        assert items[0].verdict == "revoke"
    assert counters_are_true(campaign)


def test_closing_waits_for_decisions_and_nothing_is_decided_after_it(committed_bank: Bank) -> None:
    campaign = committed_bank.launched_with(3)
    everybody = committed_bank.everybody
    items = list(ReviewItem.objects.filter(campaign=campaign))
    at_once(
        lambda: campaigns.close(
            campaign,
            version=campaign.version,
            statement="Seen.",
            exception="Audit is over.",
            by=everybody.ines,
        ),
        *(
            lambda item=item: decisions.record(item, verdict="revoke", ordinal=0, by=everybody.tomas)
            for item in items
        ),
    )
    closed = Campaign.objects.get(pk=campaign.pk)
    given = SignOff.objects.get(kind="management")
    count, digest = results.digest(ReviewItem.objects.filter(campaign=campaign))
    assert closed.state == "closed"
    assert bytes(given.decisions_digest) == digest
    assert given.counts["revoke"] == count == Decision.objects.count()
    assert counters_are_true(campaign)


def test_two_who_pass_on_to_each_other_do_not_wait_for_each_other(committed_bank: Bank) -> None:
    campaign = committed_bank.launched_with(1)
    committed_bank.grant(committed_bank.machine("svc", owner=committed_bank.hire()))
    second = committed_bank.launched_with(1)
    tomas, leon = committed_bank.tomas, people.identity_of(committed_bank.leon)
    mine = ReviewItem.objects.filter(campaign=second, assignment__reviewer=tomas).earliest("number")
    theirs = ReviewItem.objects.filter(campaign=second, assignment__reviewer=leon).earliest("number")
    outcomes = at_once(
        lambda: decisions.pass_on(mine, to=leon, reason="?", by=committed_bank.everybody.tomas),
        lambda: decisions.pass_on(theirs, to=tomas, reason="?", by=committed_bank.leon),
    )
    assert outcomes == [None, None]
    assert counters_are_true(second)
    assert counters_are_true(campaign)


def test_campaigns_created_at_once_get_different_codes(committed_bank: Bank) -> None:
    at_once(*(committed_bank.campaign for _ in range(4)))
    codes = sorted(Campaign.objects.values_list("code", flat=True))
    assert [code[-2:] for code in codes] == ["01", "02", "03", "04"]


def test_the_preview_leaves_nothing_behind(committed_bank: Bank) -> None:
    committed_bank.grant(committed_bank.hire())
    draft = committed_bank.campaign()
    for _ in range(2):
        assert campaigns.preview(draft).total == 1
    with transaction.atomic():
        assert campaigns.preview(draft).total == 1
