"""Don't know is no decision: the line goes to somebody who may decide on it, with a reason."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts.models import CaseLine, Identity, OffboardingCase
from portal import moment
from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.outbox.models import Message
from reviews.answers.open_reviews import open_reviews, settle_review
from reviews.models import Assignment, ReviewItem
from reviews.services import decisions
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import identity_of
from tests.factories.reviews import Bank, facts_of, grant_behind, item_of, reviewer_user, share_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(bank: Bank) -> ReviewItem:
    """One of two lines of Tomas."""
    return (
        ReviewItem.objects.select_related("campaign")
        .filter(campaign=bank.launched_with(2))
        .earliest("number")
    )


def test_it_moves_the_line_and_both_counters_and_tells_the_next_reviewer(
    bank: Bank, item: ReviewItem
) -> None:
    leon = identity_of(bank.leon)
    decisions.pass_on(item, to=leon, reason="Leon runs the service.", by=bank.everybody.tomas)
    item.refresh_from_db()
    assert item.assignment.reviewer == leon
    assert (item.verdict, item.ordinal) == ("", 0)
    assert [share_of(item.campaign, who).total for who in (bank.tomas, leon)] == [1, 1]
    facts = facts_of(Event.objects.about(item).get(verb="item.passed_on"))
    assert (facts["from"], facts["to"]) == (str(bank.tomas.pk), str(leon.pk))
    assert facts["reason"] == "Leon runs the service."
    mail = Message.objects.get(to="leon@nordhaven.test")
    assert "passed on" in mail.subject
    decisions.record(item, verdict="certify", ordinal=0, by=bank.leon)


def test_not_to_oneself_to_the_subject_to_strangers_or_to_who_has_signed_off(
    bank: Bank, item: ReviewItem
) -> None:
    tomas = bank.everybody.tomas
    subject = grant_behind(item).account.identity
    assert subject is not None
    reviewer_user("Somebody Else")
    for to, words in (
        (bank.tomas, "That is you"),
        (subject, "can’t review"),
        (bank.hire("Nobody"), "can’t review"),
    ):
        with pytest.raises(ValidationError, match=words):
            decisions.pass_on(item, to=to, reason="?", by=tomas)
    with pytest.raises(ValidationError, match="Say why"):
        decisions.pass_on(item, to=identity_of(bank.leon), reason=" ", by=tomas)
    done = Assignment.objects.create(
        campaign=item.campaign, reviewer=identity_of(bank.leon), signed_off_at=moment.now()
    )
    with pytest.raises(ValidationError, match="signed off already"):
        decisions.pass_on(item, to=done.reviewer, reason="?", by=tomas)


def test_not_to_the_person_whose_access_it_is(bank: Bank) -> None:
    pia = reviewer_user("Pia Secret", manager=bank.tomas)
    item = item_of_launched(bank, identity_of(pia))
    with pytest.raises(ValidationError, match="the access of Pia Secret"):
        decisions.pass_on(item, to=identity_of(pia), reason="She knows.", by=bank.everybody.tomas)


def item_of_launched(bank: Bank, identity: Identity) -> ReviewItem:
    """The item over one person's one right."""
    grant = bank.grant(identity)
    return item_of(bank.launched(), grant)


def test_not_what_is_decided_and_not_by_somebody_else(bank: Bank, item: ReviewItem) -> None:
    leon = identity_of(bank.leon)
    with pytest.raises(PermissionDenied):
        decisions.pass_on(item, to=leon, reason="?", by=bank.everybody.ines)
    decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    with pytest.raises(ValidationError, match="decided already"):
        decisions.pass_on(item, to=leon, reason="?", by=bank.everybody.tomas)


def test_by_form_with_people_who_are_likely_to_know(bank: Bank, item: ReviewItem, as_: As) -> None:
    url, client = reverse("item_pass_on", args=[item.pk]), as_(bank.everybody.tomas)
    page = client.get(url).content.decode()
    assert "Leon Weiss" in page
    assert "Farid Azimi" not in page
    refused = client.post(url, {"to": "nobody@nowhere.test", "reason": "?"})
    assert "Nobody here fits" in refused.content.decode()
    assert client.post(url, {"to": "Leon Weiss", "reason": "He knows."}).status_code == 302
    item.refresh_from_db()
    assert item.assignment.reviewer == identity_of(bank.leon)
    # It is not theirs any more, so it does not exist for them.
    assert client.get(url).status_code == 404


class TestLeaver:
    """A reviewer who leaves: what is undecided goes up, what they decided stays."""

    def line(self, leaver: Identity, share: Assignment) -> CaseLine:
        case = OffboardingCase.objects.create(
            code="OFF-2026-01",
            identity=leaver,
            reason="other",
            local_time="2026-10-06T16:00",
            zone="UTC",
            effective_at=moment.now(),
            started_by_id=leaver.pk,
            created_at=moment.now(),
            state="running",
        )
        return CaseLine.objects.create(
            case=case,
            kind="open_reviews",
            subject_type="reviews.assignment",
            subject_id=str(share.pk),
            label="x",
            disposition="pass_on",
        )

    def test_what_they_hold_is_said_without_changing_anything(self, bank: Bank, item: ReviewItem) -> None:
        (held,) = open_reviews(bank.tomas)
        assert held.subject == share_of(item.campaign, bank.tomas)
        assert open_reviews(identity_of(bank.leon)) == []
        assert item.assignment.reviewer == bank.tomas

    def test_undecided_lines_go_to_their_manager_and_decided_ones_stay(
        self, bank: Bank, item: ReviewItem
    ) -> None:
        boss = reviewer_user("Petra Lindqvist")
        Identity.objects.filter(pk=bank.tomas.pk).update(manager=identity_of(boss))
        decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
        share = share_of(item.campaign, bank.tomas)
        settled = settle_review(self.line(bank.tomas, share), moment.now(), PORTAL)
        assert settled is not None
        assert settled.is_done
        assert "Petra Lindqvist" in settled.outcome
        share.refresh_from_db()
        assert (share.total, share.decided) == (1, 1)
        assert share_of(item.campaign, identity_of(boss)).total == 1
        assert open_reviews(bank.tomas) == []

    def test_without_a_manager_they_go_to_the_fallback(self, bank: Bank, item: ReviewItem) -> None:
        settle_review(self.line(bank.tomas, share_of(item.campaign, bank.tomas)), moment.now(), PORTAL)
        assert share_of(item.campaign, bank.ines).total == 2

    def test_a_line_that_nobody_may_take_stays_and_is_said(self, bank: Bank) -> None:
        grant = bank.grant(bank.ines, bank.right())
        Identity.objects.filter(pk=bank.ines.pk).update(manager=bank.tomas)
        campaign = bank.launched()
        settled = settle_review(self.line(bank.tomas, share_of(campaign, bank.tomas)), moment.now(), PORTAL)
        assert settled is not None
        assert not settled.is_done
        assert item_of(campaign, grant).assignment.reviewer == bank.tomas

    def test_another_kind_of_line_is_not_its_business(self, bank: Bank, item: ReviewItem) -> None:
        line = self.line(bank.tomas, share_of(item.campaign, bank.tomas))
        line.kind = "grant"
        assert settle_review(line, moment.now(), PORTAL) is None
        assert inventory.identity("Unused").status == "active"
