"""What stood beside a decision is kept with it: each session by digest, or the fact that there was none."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse

from accounts.models import Grant
from portal import moment
from portal.audit import canonical
from portal.vault.models import Blob
from reviews.models import Decision, EvidenceLink, ReviewItem, Shown
from reviews.services import decisions
from sessions_app.models import Coverage, Recorder, Recording, Session, Viewing
from tests.conftest import As
from tests.factories.reviews import Bank, days_ago, item_of

pytestmark = pytest.mark.django_db


def recorder(bank: Bank, seen_days_ago: float | None = 0.1) -> Recorder:
    """One that covers the system."""
    made = Recorder.objects.create(
        code="rec-core", name="Core", last_seen_at=None if seen_days_ago is None else days_ago(seen_days_ago)
    )
    Coverage.objects.create(recorder=made, system=bank.system, during=DateTimeTZRange(days_ago(400), None))
    return made


def session(
    grant: Grant, code: str, days: float, *, match: str = "grant", of_grant: bool = True, **fields: Any
) -> Session:
    """A session under the grant's account."""
    return Session.objects.create(
        code=code,
        system=grant.system,
        account=grant.account,
        grant=grant if of_grant else None,
        match=match,
        started_at=days_ago(days),
        **fields,
    )


def sealed(of: Session, digest: str) -> Recording:
    """A recording that was read and kept."""
    blob = Blob.objects.create(
        sha256=bytes.fromhex(digest), size=1, storage_key=digest, created_at=moment.now()
    )
    return Recording.objects.create(
        session=of,
        blob=blob,
        sha256=digest,
        size=1,
        state="sealed",
        delivered_by_id=of.pk,
        received_at=moment.now(),
    )


@pytest.fixture
def grant(bank: Bank) -> Grant:
    """A privileged right of one of Tomas's people."""
    return bank.grant(bank.hire("Pia"), bank.right("root", plain_words="Become root"))


@pytest.fixture
def item(bank: Bank, grant: Grant) -> ReviewItem:
    """The item that judges it."""
    return item_of(bank.launched(), grant)


def shown(decision: Decision) -> dict[str, Any]:
    """What was on the screen, as it is kept."""
    body = bytes(Shown.objects.get(digest=decision.shown).body)
    facts: dict[str, Any] = json.loads(body)
    assert canonical.encode(facts) == body
    return facts


def test_each_session_of_the_period_is_linked_with_relation_digest_and_whether_it_was_opened(
    bank: Bank, grant: Grant, item: ReviewItem
) -> None:
    opened = session(grant, "SES-1", 3)
    sealed(opened, "ab" * 32)
    session(grant, "SES-2", 5, match="grant_ended", of_grant=False)
    session(grant, "SES-3", 7, match="grant", of_grant=False)
    session(grant, "SES-4", 91)
    at = moment.now()
    Viewing.objects.create(session=opened, kind="facts", user_id=bank.everybody.tomas.pk, at=at)
    Viewing.objects.create(session=opened, kind="facts", user_id=bank.everybody.ines.pk, at=days_ago(1))
    decision = decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    links = EvidenceLink.objects.filter(decision=decision).order_by("session_code")
    assert list(links.values_list("session_code", "relation", "sha256", "opened_at")) == [
        ("SES-1", "grant", "ab" * 32, at),
        ("SES-2", "outside", "", None),
        ("SES-3", "account", "", None),
    ]
    assert decision.coverage == "sessions"
    assert shown(decision)["sessions"] == [
        {"code": "SES-1", "relation": "grant", "sha256": "ab" * 32},
        {"code": "SES-2", "relation": "outside", "sha256": None},
        {"code": "SES-3", "relation": "account", "sha256": None},
    ]


def test_no_session_while_a_recorder_was_alive_is_a_fact_of_its_own(bank: Bank, item: ReviewItem) -> None:
    alive = recorder(bank)
    decision = decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    assert (decision.coverage, decision.recorder_seen_at) == ("no_session", alive.last_seen_at)
    assert shown(decision)["coverage"] == "no_session"
    assert not EvidenceLink.objects.exists()


def test_a_system_that_nobody_records_is_not_the_same(bank: Bank, item: ReviewItem) -> None:
    decision = decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    assert (decision.coverage, decision.recorder_seen_at) == ("not_recorded", None)


def test_what_was_shown_is_made_of_card_digests_never_of_names(bank: Bank, item: ReviewItem) -> None:
    decision = decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    facts = shown(decision)
    body = json.dumps(facts)
    assert facts["cards"]["subject"] == bytes(item.subject_card or b"").hex()
    assert facts["leaf"] == bytes(item.leaf).hex()
    assert not any(name in body for name in ("Pia", "root"))


def test_undo_keeps_what_stood_beside_it_too(bank: Bank, grant: Grant, item: ReviewItem) -> None:
    session(grant, "SES-1", 3)
    decisions.record(item, verdict="revoke", ordinal=0, by=bank.everybody.tomas)
    decisions.undo(item, ordinal=1, by=bank.everybody.tomas)
    assert EvidenceLink.objects.values_list("decision__ordinal").order_by("decision__ordinal").count() == 2


def test_opening_the_evidence_of_a_line_is_noted_for_its_reviewer_alone(
    bank: Bank, grant: Grant, item: ReviewItem, as_: As
) -> None:
    seen = session(grant, "SES-1", 3)
    url = reverse("item_evidence", args=[item.pk]) + "?open=1"
    answer = as_(bank.everybody.ines).get(url, headers={"HX-Request": "true"})
    assert "SES-1" in answer.content.decode()
    assert not Viewing.objects.exists()
    answer = as_(bank.everybody.tomas).get(url, headers={"HX-Request": "true"})
    assert 'class="evidence"' in answer.content.decode()
    viewing = Viewing.objects.get()
    assert (viewing.session, viewing.user_id, viewing.kind) == (seen, bank.everybody.tomas.pk, "facts")
    decision = decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    assert EvidenceLink.objects.get(decision=decision).opened_at == viewing.at


def test_without_a_script_evidence_is_the_items_own_page(bank: Bank, item: ReviewItem, as_: As) -> None:
    client = as_(bank.everybody.tomas)
    assert client.get(reverse("item_evidence", args=[item.pk]) + "?open=1")["Location"] == reverse(
        "item", args=[item.pk]
    )
    recorder(bank, seen_days_ago=None)
    text = client.get(reverse("item", args=[item.pk])).content.decode()
    assert "has never reported" in text


def test_the_line_tells_unknown_from_never_and_counts_sessions_outside(
    bank: Bank, grant: Grant, item: ReviewItem, as_: As
) -> None:
    session(grant, "SES-1", 3, ended_at=days_ago(3) + timedelta(minutes=38))
    session(grant, "SES-2", 5, match="no_grant", of_grant=False)
    text = as_(bank.everybody.tomas).get(reverse("assignment", args=[item.assignment_id])).content.decode()
    assert "2 sessions" in text
    assert "1 without a grant in force" in text
    assert "no source reports its use" in text
