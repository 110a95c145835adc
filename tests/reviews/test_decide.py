"""Deciding: one act writes the decision, what stood beside it, the counters, the removal and one event."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Grant, Identity, Revocation, RevocationCause
from portal import moment
from portal.audit.models import Event
from portal.audit.versions import Conflict
from reviews.models import Assignment, Decision, ReviewItem, Shown
from reviews.services import campaigns, decisions
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import identity_of
from tests.factories.reviews import Bank, facts_of, item_of, reviewer_user, share_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(bank: Bank) -> ReviewItem:
    """One privileged right of one of Tomas's people."""
    grant = bank.grant(bank.hire("Pia"), bank.right("root"))
    return item_of(bank.launched(), grant)


def fresh(item: ReviewItem) -> ReviewItem:
    """The item as it is now."""
    return ReviewItem.objects.select_related("campaign", "assignment").get(pk=item.pk)


def test_keeping_needs_no_reason_and_changes_nothing_on_the_system(bank: Bank, item: ReviewItem) -> None:
    decision = decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    now = fresh(item)
    assert (now.verdict, now.ordinal, now.decided_at) == ("certify", 1, decision.at)
    assert (now.assignment.decided, now.assignment.revoked) == (1, 0)
    assert not Revocation.objects.exists()
    assert (decision.by_user, decision.by_identity) == (bank.everybody.tomas.pk, bank.tomas.pk)


def test_removing_decides_a_revocation_that_is_not_requested_yet(bank: Bank, item: ReviewItem) -> None:
    decision = decisions.record(item, verdict="revoke", ordinal=0, by=bank.everybody.tomas)
    decision.refresh_from_db()
    (revocation,) = Revocation.objects.all()
    assert (revocation.grant_id, revocation.act, revocation.state) == (item.grant_id, "remove", "decided")
    cause = RevocationCause.objects.get(revocation=revocation)
    assert (cause.kind, cause.reference, cause.label) == (
        "decision",
        str(decision.pk),
        "CAM-2026-01/1".replace("2026", f"{moment.now():%Y}"),
    )
    assert decision.reason == "No longer needed in the role"
    assert decision.subject_id == item.subject_id
    assert fresh(item).assignment.revoked == 1


def test_one_event_about_the_item_in_the_campaigns_stream(bank: Bank, item: ReviewItem) -> None:
    decision = decisions.record(
        item, verdict="revoke", ordinal=0, by=bank.everybody.tomas, reason="Left the desk"
    )
    (event,) = Event.objects.about(item).filter(verb="decision.recorded")
    facts = facts_of(event)
    assert event.stream == item.campaign_id
    assert event.actor_id == str(bank.everybody.tomas.pk)
    assert facts["reason"] == "Left the desk"
    assert facts["shown"] == bytes(decision.shown).hex()
    assert facts["revocation"] == str(Revocation.objects.get().pk)


def test_changing_ones_mind_is_the_next_decision_and_the_first_stays(bank: Bank, item: ReviewItem) -> None:
    tomas = bank.everybody.tomas
    decisions.record(item, verdict="revoke", ordinal=0, by=tomas)
    decisions.record(item, verdict="limit", ordinal=1, by=tomas)
    assert list(Decision.objects.order_by("ordinal").values_list("ordinal", "verdict")) == [
        (1, "revoke"),
        (2, "limit"),
    ]
    assert sorted(Revocation.objects.values_list("act", "state")) == [
        ("limit", "decided"),
        ("remove", "withdrawn"),
    ]
    share = fresh(item).assignment
    assert (share.decided, share.revoked) == (1, 0)


def test_another_reason_keeps_the_one_removal_and_its_cause(bank: Bank, item: ReviewItem) -> None:
    tomas = bank.everybody.tomas
    decisions.record(item, verdict="revoke", ordinal=0, by=tomas)
    removal, cause = Revocation.objects.get(), RevocationCause.objects.get()
    second = decisions.record(item, verdict="revoke", ordinal=1, by=tomas, reason="Left the desk")
    assert Revocation.objects.get().pk == removal.pk
    kept = RevocationCause.objects.get()
    assert (kept.pk, kept.reference, kept.withdrawn_at) == (cause.pk, str(second.pk), None)
    events = Event.objects.about(removal).values_list("verb", flat=True)
    assert list(events) == ["revocation.decided"]
    facts = facts_of(Event.objects.about(item).newest_first()[0])
    assert (facts["revocation"], facts["reason"]) == (str(removal.pk), "Left the desk")
    decisions.undo(item, ordinal=2, by=tomas)
    assert Revocation.objects.get().state == "withdrawn"


def test_another_reason_asks_at_the_sign_off_once(bank: Bank, item: ReviewItem) -> None:
    tomas = bank.everybody.tomas
    decisions.record(item, verdict="revoke", ordinal=0, by=tomas)
    decisions.record(item, verdict="revoke", ordinal=1, by=tomas, reason="Left the desk")
    for other in ReviewItem.objects.filter(assignment=item.assignment_id, verdict=""):
        decisions.record(other, verdict="certify", ordinal=0, by=tomas)
    share = fresh(item).assignment
    decisions.sign_off(share, version=share.version, statement="Seen.", by=tomas)
    assert list(Revocation.objects.values_list("state", flat=True)) == ["requested"]


def test_another_reason_joins_what_a_case_asks_for_too(bank: Bank, item: ReviewItem) -> None:
    tomas = bank.everybody.tomas
    decisions.record(item, verdict="revoke", ordinal=0, by=tomas)
    removal = Revocation.objects.get()
    RevocationCause.objects.create(revocation=removal, kind="case", reference="OFF-2026-01")
    decisions.record(item, verdict="revoke", ordinal=1, by=tomas, reason="Left the desk")
    assert Revocation.objects.get().pk == removal.pk
    assert removal.causes.filter(withdrawn_at=None).count() == 2


def test_another_reason_for_a_removal_that_has_ended_asks_anew(bank: Bank, item: ReviewItem) -> None:
    tomas = bank.everybody.tomas
    decisions.record(item, verdict="revoke", ordinal=0, by=tomas)
    first = Revocation.objects.get()
    Revocation.objects.filter(pk=first.pk).update(state=Revocation.State.REAPPEARED)
    decisions.record(item, verdict="revoke", ordinal=1, by=tomas, reason="Left the desk")
    assert Revocation.objects.live().count() == 1
    assert Revocation.objects.live().get().pk != first.pk


def test_another_reason_keeps_the_end_of_a_limit_and_another_end_does_not(bank: Bank, as_: As) -> None:
    grant = bank.grant(bank.hire(), bank.right("operator"))
    item = item_of(bank.launched(), grant)
    url, client = reverse("item_decide", args=[item.pk]), as_(bank.everybody.tomas)
    client.post(url, {"ordinal": 0, "verdict": "limit"})
    removal, ends_at = Revocation.objects.get(), Decision.objects.get().ends_at
    assert ends_at is not None
    day = timezone.localtime(ends_at).date()
    said = {"ordinal": 1, "verdict": "limit", "reason": "Too broad for the task", "ends_on": day.isoformat()}
    assert client.post(url, said).status_code == 302
    assert Decision.objects.latest("ordinal").ends_at == ends_at
    assert Revocation.objects.get().pk == removal.pk
    sooner = (day - timedelta(days=5)).isoformat()
    assert client.post(url, {**said, "ordinal": 2, "ends_on": sooner}).status_code == 302
    assert sorted(Revocation.objects.values_list("state", flat=True)) == ["decided", "withdrawn"]


def test_who_was_slower_is_told_and_nothing_is_overwritten(bank: Bank, item: ReviewItem) -> None:
    decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    with pytest.raises(Conflict) as caught:
        decisions.record(item, verdict="revoke", ordinal=0, by=bank.everybody.tomas)
    assert caught.value.event is not None
    assert caught.value.event.verb == "decision.recorded"
    assert fresh(item).verdict == "certify"


def test_a_limit_ends_within_its_window(bank: Bank) -> None:
    person = bank.hire()
    plain, admin = (
        bank.grant(person, bank.right("operator")),
        bank.grant(person, bank.right("AdministratorAccess")),
    )
    campaign, tomas = bank.launched(), bank.everybody.tomas
    limited = decisions.record(item_of(campaign, plain), verdict="limit", ordinal=0, by=tomas)
    assert limited.ends_at == limited.at + timedelta(days=90)
    short = decisions.record(item_of(campaign, admin), verdict="limit", ordinal=0, by=tomas)
    assert short.ends_at == short.at + timedelta(hours=24)
    for ends_at in (moment.now() - timedelta(days=1), moment.now() + timedelta(days=91)):
        with pytest.raises(ValidationError, match="must be in the future and at most"):
            decisions.record(item_of(campaign, plain), verdict="limit", ordinal=1, ends_at=ends_at, by=tomas)
    assert "until" in RevocationCause.objects.earliest("pk").label


def test_the_usual_reason_comes_from_the_context(bank: Bank) -> None:
    person = bank.hire()
    grant = bank.grant(person)
    item = item_of(bank.launched(), grant)
    Identity.objects.filter(pk=person.pk).update(status=Identity.Status.LEFT)
    decision = decisions.record(item, verdict="revoke", ordinal=0, by=bank.everybody.tomas)
    assert decision.reason == "Left the organisation"


def test_credentials_are_rotated_and_machines_shut_down(bank: Bank) -> None:
    machine = bank.machine("svc", owner=bank.tomas)
    account = bank.grant(machine).account
    inventory.credential(account)
    campaign = bank.launched()
    key = ReviewItem.objects.get(campaign=campaign, kind="credential")
    grant = ReviewItem.objects.get(campaign=campaign, kind="grant")
    with pytest.raises(ValidationError, match="does not fit"):
        decisions.record(key, verdict="limit", ordinal=0, by=bank.leon)
    decisions.record(key, verdict="rotate", ordinal=0, by=bank.leon)
    decisions.record(grant, verdict="shut_down", ordinal=0, by=bank.leon)
    found = Revocation.objects.order_by("act").values_list("act", "credential_id", "account_id")
    assert list(found) == [("disable", None, account.pk), ("rotate", key.credential_id, None)]


def test_only_the_reviewer_decides(bank: Bank, item: ReviewItem) -> None:
    for somebody in (bank.everybody.ines, bank.everybody.omar, bank.everybody.mikael, bank.everybody.elena):
        with pytest.raises(PermissionDenied):
            decisions.record(item, verdict="certify", ordinal=0, by=somebody)


def test_nothing_moves_in_a_closed_campaign(bank: Bank, item: ReviewItem) -> None:
    campaign = item.campaign
    campaigns.close(
        campaign,
        version=campaign.version,
        statement="Seen.",
        exception="Audit is over.",
        by=bank.everybody.ines,
    )
    with pytest.raises(ValidationError, match="closed"):
        decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)


def test_decisions_shown_and_links_can_not_be_changed(bank: Bank, item: ReviewItem) -> None:
    decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    for model in (Decision, Shown):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        Decision.objects.update(verdict="revoke")


def test_by_form_without_a_script_it_comes_back_to_the_line(bank: Bank, item: ReviewItem, as_: As) -> None:
    url = reverse("item_decide", args=[item.pk])
    answer = as_(bank.everybody.tomas).post(
        f"{url}?group=system&show=undecided", {"ordinal": 0, "verdict": "revoke"}
    )
    assert answer.status_code == 302
    assert (
        answer["Location"]
        == reverse("assignment", args=[item.assignment_id]) + "?group=system&show=undecided#item-1"
    )
    assert fresh(item).verdict == "revoke"


def test_by_htmx_the_line_and_the_bar_come_back(bank: Bank, item: ReviewItem, as_: As) -> None:
    url, client = reverse("item_decide", args=[item.pk]), as_(bank.everybody.tomas)
    answer = client.post(url, {"ordinal": 0, "verdict": "revoke"}, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="revoke" data-key="2" aria-pressed="true"' in text
    assert "at sign-off it goes to" in text
    assert 'hx-swap-oob="innerHTML:.standing"' in text
    assert "1 of 1" in text
    # Whatever else on the page counts what is left: the tab, and the rail, where nothing is left.
    assert '<span hx-swap-oob="innerHTML:.count-undecided">0</span>' in text
    assert '<span hx-swap-oob="innerHTML:.count-my_reviews"></span>' in text
    page = client.get(reverse("assignment", args=[item.assignment_id])).content.decode()
    assert page.count("count-undecided") == 1
    assert page.count("count-my_reviews") == 2
    late = client.post(url, {"ordinal": 0, "verdict": "certify"}, headers={"HX-Request": "true"})
    assert late.status_code == 409
    assert "decision recorded" in late.content.decode()


def test_pressing_what_is_pressed_keeps_the_reason_that_was_given(
    bank: Bank, item: ReviewItem, as_: As
) -> None:
    url, client = reverse("item_decide", args=[item.pk]), as_(bank.everybody.tomas)
    client.post(url, {"ordinal": 0, "verdict": "revoke", "own_reason": "Moved to another desk"})
    client.post(url, {"ordinal": 1, "verdict": "revoke"})
    assert list(Decision.objects.values_list("reason", flat=True)) == ["Moved to another desk"]


@pytest.mark.parametrize(
    "sent", [{}, {"ordinal": "x", "verdict": "revoke"}, {"ordinal": 0, "verdict": "approve"}]
)
def test_what_can_not_be_read_is_refused_in_words(
    bank: Bank, item: ReviewItem, as_: As, sent: dict[str, object]
) -> None:
    answer = as_(bank.everybody.tomas).post(reverse("item_decide", args=[item.pk]), sent)
    assert answer.status_code == 422
    assert not Decision.objects.exists()


def test_who_may_not_see_it_gets_404_and_who_may_only_read_403(bank: Bank, item: ReviewItem, as_: As) -> None:
    url = reverse("item_decide", args=[item.pk])
    sent = {"ordinal": 0, "verdict": "revoke"}
    assert as_(bank.everybody.omar).post(url, sent).status_code == 404
    assert as_(bank.everybody.ines).post(url, sent).status_code == 403
    assert as_(bank.everybody.ines).get(url).status_code == 405


def test_alike_decides_lines_of_one_right_in_one_batch(bank: Bank, as_: As) -> None:
    campaign = bank.launched_with(3)
    share = share_of(campaign, bank.tomas)
    seen = [f"{item.pk}:0" for item in ReviewItem.objects.filter(assignment=share)]
    url = reverse("decide_alike", args=[share.pk])
    answer = as_(bank.everybody.tomas).post(
        url, {"seen": seen, "verdict": "revoke", "reason": "Too broad for the task"}
    )
    assert answer.status_code == 302
    made = Decision.objects.all()
    assert {decision.batch for decision in made} == {made[0].batch}
    assert made[0].batch is not None
    assert {decision.reason for decision in made} == {"Too broad for the task"}
    share.refresh_from_db()
    assert (share.decided, share.revoked, Revocation.objects.count()) == (3, 3, 3)
    assert Event.objects.filter(verb="decision.recorded").count() == 3


def test_alike_refuses_different_rights_stale_lines_and_emergency_accounts(bank: Bank) -> None:
    tomas, right = bank.everybody.tomas, bank.right("one")
    grants = [bank.grant(bank.hire(), right), bank.grant(bank.hire(), bank.right("other"))]
    spare = bank.account(None, kind="emergency")
    emergency = [inventory.grant(spare, right)]
    campaign = bank.launched()
    share = share_of(campaign, bank.tomas)
    batch = campaign.pk
    seen = {item_of(campaign, grant).pk: 0 for grant in grants}
    with pytest.raises(ValidationError, match="different rights"):
        decisions.record_alike(share, seen, verdict="certify", batch=batch, by=tomas)
    with pytest.raises(ValidationError, match="Tick the lines"):
        decisions.record_alike(share, {}, verdict="certify", batch=batch, by=tomas)
    one = item_of(campaign, grants[0])
    with pytest.raises(Conflict):
        decisions.record_alike(share, {one.pk: 7}, verdict="certify", batch=batch, by=tomas)
    of_leon = share_of(campaign, identity_of(bank.leon))
    with pytest.raises(ValidationError, match="one by one"):
        decisions.record_alike(
            of_leon, {item_of(campaign, emergency[0]).pk: 0}, verdict="certify", batch=batch, by=bank.leon
        )
    assert not Decision.objects.exists()


def test_lines_of_somebody_elses_share_are_not_decided_with_mine(bank: Bank) -> None:
    other = reviewer_user("Petra Lindqvist")
    right = bank.right()
    theirs = bank.grant(bank.hire(manager=identity_of(other)), right)
    bank.grant(bank.hire(), right)
    campaign = bank.launched()
    share: Assignment = share_of(campaign, bank.tomas)
    with pytest.raises(ValidationError, match="not in your review"):
        decisions.record_alike(
            share,
            {item_of(campaign, theirs).pk: 0},
            verdict="certify",
            batch=campaign.pk,
            by=bank.everybody.tomas,
        )
    assert Grant.objects.held().count() == 2
