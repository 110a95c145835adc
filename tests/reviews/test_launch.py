"""A launch freezes what the preview showed, commits to it, and tells the reviewers."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from accounts.models import Grant, GrantUse
from portal import moment
from portal.audit import canonical, merkle
from portal.audit.models import Event
from portal.audit.versions import Conflict
from portal.outbox.models import Message
from reviews.models import Assignment, Campaign, Exclusion, PopulationSource, ReviewItem, leaf
from reviews.services import campaigns, population
from tests.factories import inventory
from tests.factories.reviews import Bank, days_ago, facts_of, item_of

pytestmark = pytest.mark.django_db


def facts_about(campaign: Campaign, verb: str) -> dict[str, Any]:
    """The facts of the one event of this kind."""
    return facts_of(Event.objects.in_stream(campaign.pk).get(verb=verb))


def test_the_preview_is_what_is_frozen(bank: Bank) -> None:
    for _ in range(3):
        bank.grant(bank.hire())
    bank.grant(bank.machine(owner=bank.tomas))
    bank.grant(bank.hire(), bank.right(privileged=False))
    draft = bank.campaign()
    seen = campaigns.preview(draft)
    rows = population.page_of_items(draft, offset=0, limit=50)
    campaigns.launch(draft, version=draft.version, by=bank.everybody.ines, seen=seen.fingerprint)
    frozen = campaigns.preview(draft)
    assert frozen.is_frozen
    assert (frozen.total, frozen.by_system, frozen.by_kind) == (seen.total, seen.by_system, seen.by_kind)
    assert [(share.identity, share.count, share.rules) for share in frozen.reviewers] == [
        (share.identity, share.count, share.rules) for share in seen.reviewers
    ]
    assert frozen.left_out == seen.left_out
    assert population.page_of_items(draft, offset=0, limit=50) == rows


def test_items_are_numbered_and_each_leaf_is_the_canonical_line_of_its_frozen_columns(bank: Bank) -> None:
    quotes = inventory.grant(bank.account(bank.hire(), name="a\\b"), bank.right("r"), since=None)
    GrantUse.objects.create(
        grant=quotes, last_used_at=days_ago(3), source='Cloud"Trail" \\ \u20ac\u00fc\x01\n\x7f/'
    )
    bank.grant(bank.machine(owner=bank.tomas), bank.right(privileged=None))
    inventory.credential(bank.grant(bank.machine(owner=bank.tomas)).account)
    bank.grant(None)
    campaign = bank.launched(privileged_only=False)
    items = list(ReviewItem.objects.filter(campaign=campaign).order_by("number"))
    assert [item.number for item in items] == [1, 2, 3, 4, 5]
    for item in items:
        assert bytes(item.leaf) == leaf.item_leaf(item, campaign.code)
    assert campaign.population_root is not None
    assert bytes(campaign.population_root) == merkle.root(bytes(item.leaf) for item in items)


def test_the_event_commits_to_population_exclusions_shares_and_readings(bank: Bank) -> None:
    bank.grant(bank.hire())
    bank.grant(bank.hire(), bank.right(privileged=False))
    bank.account(bank.hire())
    campaign = bank.launched()
    facts = facts_about(campaign, "campaign.launched")
    excluded = Exclusion.objects.filter(campaign=campaign).order_by("kind", "subject_id")
    lines = [canonical.encode(leaf.facts(row, leaf.EXCLUSION)) + b"\n" for row in excluded]
    assert facts["items"] == 1
    assert facts["exclusions"] == {"count": 2, "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}
    count, digest = canonical.digest_of_many(
        {"items": share.total, "reviewer": share.reviewer_id, "v": 1}
        for share in Assignment.objects.filter(campaign=campaign).order_by("reviewer_id")
    )
    assert facts["assignments"] == {"count": count, "sha256": digest.hex()}
    assert campaign.population_root is not None
    assert facts["population_root"] == bytes(campaign.population_root).hex()
    (source,) = PopulationSource.objects.filter(campaign=campaign)
    assert (source.run, source.item_count, source.red) == (bank.reading, 1, "")


def test_since_last_use_and_reading_are_frozen_as_they_were(bank: Bank) -> None:
    grant = bank.grant(bank.hire())
    GrantUse.objects.create(grant=grant, last_used_at=days_ago(200), source="JUMP recorder")
    later = inventory.run(bank.reading.source, taken_at=moment.now())
    item = item_of(bank.launched(), grant)
    GrantUse.objects.filter(grant=grant).update(last_used_at=moment.now())
    item.refresh_from_db()
    assert item.since == inventory.LONG_AGO
    assert item.last_used_at is not None
    assert item.last_used_at < days_ago(199)
    assert (item.last_used_source, item.run_id) == ("JUMP recorder", later.pk)


def test_frozen_columns_can_not_be_changed_through_the_portals_own_connection(bank: Bank) -> None:
    item = item_of(bank.launched_with(1), Grant.objects.get())
    with pytest.raises(DatabaseError), transaction.atomic():
        ReviewItem.objects.filter(pk=item.pk).update(rank=0)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM reviews_reviewitem")


def test_one_event_and_one_mail_to_each_reviewer_with_counts_and_dates_only(bank: Bank) -> None:
    person = bank.hire("Pia Secret")
    bank.grant(person, bank.right("PAYROLL_ADMIN"))
    bank.grant(bank.machine("svc-secret", owner=bank.tomas))
    campaign = bank.launched(name="Secret name of the review")
    assert Event.objects.in_stream(campaign.pk).filter(verb="campaign.launched").count() == 1
    mails = Message.objects.order_by("to")
    assert [mail.to for mail in mails] == ["leon@nordhaven.test", "tomas@nordhaven.test"]
    for mail in mails:
        text = mail.subject + mail.body
        assert "1 item" in text
        assert not any(word in text for word in ("Secret", "PAYROLL", "svc", "CORE"))


def test_red_stops_a_launch_until_somebody_signs_an_exception(bank: Bank) -> None:
    bank.grant(bank.hire())
    type(bank.reading).objects.filter(pk=bank.reading.pk).update(rejected=2)
    draft = bank.campaign()
    with pytest.raises(ValidationError, match="red"):
        campaigns.launch(draft, version=draft.version, by=bank.everybody.ines)
    assert not ReviewItem.objects.exists()
    key = campaigns.preview(draft).reds[0].key
    reason = "Two rows of closed branches; checked by hand."
    campaigns.launch(draft, version=draft.version, by=bank.everybody.ines, exceptions={key: reason})
    (row,) = PopulationSource.objects.filter(campaign=draft)
    assert (row.red, row.exception_reason, row.exception_by_id) == ("rejects", reason, bank.everybody.ines.pk)
    assert facts_about(draft, "campaign.excepted")["reason"] == reason


def test_nothing_to_review_no_reviewer_and_a_past_due_date_stop_a_launch(bank: Bank) -> None:
    draft = bank.campaign()
    with pytest.raises(ValidationError, match="Nothing is in this review"):
        campaigns.launch(draft, version=draft.version, by=bank.everybody.ines)
    bank.grant(bank.ines)
    with pytest.raises(ValidationError, match="Nobody may decide on 1 item"):
        campaigns.launch(draft, version=draft.version, by=bank.everybody.ines)
    with (
        moment.simulated(moment.now() + timedelta(days=15)),
        pytest.raises(ValidationError, match="due date"),
    ):
        campaigns.launch(draft, version=draft.version, by=bank.everybody.ines)


def test_what_changed_since_it_was_looked_at_is_not_launched_unseen(bank: Bank) -> None:
    bank.grant(bank.hire())
    draft = bank.campaign()
    seen = campaigns.preview(draft).fingerprint
    bank.grant(bank.hire())
    with pytest.raises(ValidationError, match="has changed since"):
        campaigns.launch(draft, version=draft.version, by=bank.everybody.ines, seen=seen)


def test_launching_twice_is_a_conflict(bank: Bank) -> None:
    bank.grant(bank.hire())
    draft = bank.campaign()
    version = draft.version
    campaigns.launch(draft, version=version, by=bank.everybody.ines)
    with pytest.raises(Conflict):
        campaigns.launch(draft, version=version, by=bank.everybody.ines)


def test_changed_first_then_risk(bank: Bank) -> None:
    person = bank.hire()
    account = bank.account(person)
    used = inventory.grant(account, bank.right("used"))
    unused = inventory.grant(account, bank.right("unused"))
    harmless = inventory.grant(account, bank.right("harmless", privileged=False))
    GrantUse.objects.create(grant=used, last_used_at=days_ago(1))
    GrantUse.objects.create(grant=unused, last_used_at=days_ago(300))
    campaign = bank.launched(privileged_only=False)
    ordered = ReviewItem.objects.filter(campaign=campaign).in_order().values_list("grant_id", flat=True)
    assert list(ordered) == [unused.pk, used.pk, harmless.pk]
