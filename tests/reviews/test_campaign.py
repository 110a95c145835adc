"""The life of a campaign: drafted, edited with a version, chased, shared, closed with an acknowledgement."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts.models import Grant, Revocation
from portal import moment
from portal.audit.models import Event
from portal.audit.versions import Conflict
from portal.outbox.models import Message
from reviews.models import Campaign, CampaignShare, ReviewItem, SignOff
from reviews.services import campaigns, closing, decisions, limits
from tests.conftest import As
from tests.factories import inventory
from tests.factories.reviews import KINDS, Bank, days_ago, facts_of, grant_behind, share_of

pytestmark = pytest.mark.django_db


def verbs(campaign: Campaign) -> list[str]:
    """What the log says about it, in order."""
    return list(Event.objects.in_stream(campaign.pk).order_by("pk").values_list("verb", flat=True))


def decide_all(bank: Bank, campaign: Campaign, verdict: str = "certify") -> None:
    """Tomas decides and signs off."""
    share = share_of(campaign, bank.tomas)
    for item in ReviewItem.objects.undecided().filter(assignment=share):
        decisions.record(item, verdict=verdict, ordinal=item.ordinal, by=bank.everybody.tomas)
    share.refresh_from_db()
    decisions.sign_off(share, version=share.version, statement="I looked.", by=bank.everybody.tomas)


def close(bank: Bank, campaign: Campaign, exception: str = "") -> Campaign:
    """As it stands now."""
    campaign.refresh_from_db()
    return campaigns.close(
        campaign,
        version=campaign.version,
        statement="Acknowledged.",
        exception=exception,
        by=bank.everybody.ines,
    )


class TestDraft:
    """Before launch."""

    def test_codes_count_up_within_their_year(self, bank: Bank) -> None:
        year = timezone.localtime(moment.now()).year
        assert [bank.campaign().code for _ in range(2)] == [f"CAM-{year}-01", f"CAM-{year}-02"]

    def test_an_impossible_scope_is_refused(self, bank: Bank) -> None:
        for fields, words in (
            ({"systems": []}, "at least one system"),
            ({"kinds": []}, "at least one kind"),
            ({"due_at": days_ago(1)}, "in the future"),
            ({"fallback": bank.machine()}, "must be a person"),
            ({"fallback": inventory.identity(status="left")}, "must be a person"),
        ):
            with pytest.raises(ValidationError, match=words):
                bank.campaign(**fields)

    def test_editing_carries_the_version_and_ends_with_the_launch(self, bank: Bank) -> None:
        bank.grant(bank.hire())
        draft = bank.campaign()
        values = {
            "name": "Other",
            "kinds": ["service", "human"],
            "fallback": bank.tomas,
            "due_at": draft.due_at,
        }
        campaigns.edit(draft, version=1, by=bank.everybody.ines, systems=[bank.system], **values)
        draft.refresh_from_db()
        assert (draft.name, draft.kinds, draft.version) == ("Other", ["human", "service"], 2)
        with pytest.raises(Conflict):
            campaigns.edit(draft, version=1, by=bank.everybody.ines, systems=[bank.system], **values)
        campaigns.launch(draft, version=2, by=bank.everybody.ines)
        with pytest.raises(ValidationError, match="was launched"):
            campaigns.edit(
                draft, version=draft.version, by=bank.everybody.ines, systems=[bank.system], **values
            )

    def test_by_form_it_is_created_looked_at_and_launched(self, bank: Bank, as_: As) -> None:
        bank.grant(bank.hire())
        client = as_(bank.everybody.ines)
        due = (timezone.localtime(moment.now()) + timedelta(days=10)).date()
        sent = {
            "name": "Q3",
            "systems": [str(bank.system.pk)],
            "kinds": KINDS,
            "privileged_only": "on",
            "fallback": "Ines Falk",
            "due_on": due.isoformat(),
            "evidence_days": 90,
        }
        wrong = client.post(reverse("campaign_new"), sent | {"fallback": "Nobody", "due_on": "2020-01-01"})
        assert "Nobody here fits" in wrong.content.decode()
        assert "in the future" in wrong.content.decode()
        made = client.post(reverse("campaign_new"), sent)
        campaign = Campaign.objects.get()
        assert made["Location"] == reverse("campaign_preview", args=[campaign.code])
        assert timezone.localtime(campaign.due_at).date() == due
        found = campaigns.preview(campaign)
        launch = reverse("campaign_launch", args=[campaign.code])
        stale = client.post(launch, {"version": campaign.version, "seen": "1-0"})
        assert "has changed since" in stale.content.decode()
        done = client.post(launch, {"version": campaign.version, "seen": found.fingerprint})
        assert done["Location"] == reverse("campaign", args=[campaign.code])
        campaign.refresh_from_db()
        assert campaign.state == "launched"

    def test_a_red_source_asks_for_its_reason_on_the_page(self, bank: Bank, as_: As) -> None:
        bank.grant(bank.hire())
        type(bank.reading).objects.filter(pk=bank.reading.pk).update(rejected=1)
        campaign = bank.campaign()
        found, client = campaigns.preview(campaign), as_(bank.everybody.ines)
        sent = {"version": campaign.version, "seen": found.fingerprint}
        url = reverse("campaign_launch", args=[campaign.code])
        assert client.post(url, sent).status_code == 200
        assert client.post(url, sent | {f"exception-{found.reds[0].key}": "Known."}).status_code == 302


class TestRunning:
    """While reviewers decide."""

    def test_chasing_writes_to_the_late_once_a_day(self, bank: Bank) -> None:
        campaign = bank.launched_with(1)
        Message.objects.all().delete()
        assert campaigns.chase(campaign, by=bank.everybody.ines) == 1
        assert campaigns.chase(campaign, by=bank.everybody.ines) == 1
        assert Message.objects.count() == 1
        assert verbs(campaign).count("campaign.chased") == 2
        decide_all(bank, campaign)
        assert campaigns.chase(campaign, by=bank.everybody.ines) == 0

    def test_reminders_go_once_before_the_due_date_and_once_when_it_has_come(self, bank: Bank) -> None:
        campaign = bank.launched_with(1)
        Message.objects.all().delete()
        campaigns.remind(campaign.due_at - timedelta(days=4))
        assert not Message.objects.exists()
        for days in (2, 1, 0, -1, -5):
            campaigns.remind(campaign.due_at - timedelta(days=days))
        subjects = Message.objects.order_by("pk").values_list("subject", flat=True)
        assert list(subjects) == ["A review is due soon", "A review is due"]

    def test_who_has_signed_off_is_not_reminded(self, bank: Bank) -> None:
        campaign = bank.launched_with(1)
        decide_all(bank, campaign)
        Message.objects.all().delete()
        campaigns.remind(campaign.due_at)
        assert not Message.objects.exists()

    def test_an_address_that_is_none_holds_up_nobody(self, bank: Bank) -> None:
        boss = inventory.identity("Broken", email="not an address")
        bank.grant(bank.hire(manager=boss))
        bank.launched_with(1)
        assert Message.objects.filter(to="tomas@nordhaven.test").exists()

    def test_what_a_reading_proves_gone_ends_by_itself(self, bank: Bank) -> None:
        campaign = bank.launched_with(3)
        first = ReviewItem.objects.filter(campaign=campaign).earliest("number")
        decided = ReviewItem.objects.filter(campaign=campaign).latest("number")
        decisions.record(decided, verdict="certify", ordinal=0, by=bank.everybody.tomas)
        reading = inventory.run(bank.reading.source)
        for item in (first, decided):
            grant = grant_behind(item)
            Grant.objects.filter(pk=grant.pk).update(
                held=(grant.held.lower, moment.now()), known_to_run=reading
            )
        assert campaigns.refresh_ended(campaign) == 1
        assert campaigns.refresh_ended(campaign) == 0
        share = share_of(campaign, bank.tomas)
        assert (share.total, share.decided, campaign.item_count) == (2, 1, 3)
        decided.refresh_from_db()
        assert (decided.ended_as, decided.verdict) == ("", "certify")
        assert verbs(campaign).count("item.ended") == 1

    def test_a_limit_is_asked_to_end_when_its_day_has_come(self, bank: Bank) -> None:
        campaign = bank.launched_with(1)
        decide_all(bank, campaign, "limit")
        ends_at = moment.now() + timedelta(days=90)
        assert limits.end_due(ends_at - timedelta(hours=1)) == 0
        assert limits.end_due(ends_at) == 1
        assert limits.end_due(ends_at) == 0
        revocation = Revocation.objects.get()
        assert (revocation.act, revocation.state) == ("remove", "requested")
        assert set(revocation.causes.values_list("kind", flat=True)) == {"decision", "expiry"}

    def test_it_is_shared_until_a_day_and_only_then_seen(self, bank: Bank, as_: As) -> None:
        campaign, elena = bank.launched_with(1), bank.everybody.elena
        url, client = reverse("campaign", args=[campaign.code]), as_(elena)
        assert client.get(url).status_code == 404
        until = moment.now() + timedelta(days=30)
        campaigns.share(campaign, user=elena, until=until, by=bank.everybody.ines)
        campaigns.share(campaign, user=elena, until=until, by=bank.everybody.ines)
        assert CampaignShare.objects.count() == 1
        assert client.get(url).status_code == 200
        assert client.post(reverse("campaign_chase", args=[campaign.code])).status_code == 403
        with moment.simulated(until + timedelta(seconds=1)):
            assert client.get(url).status_code == 404
        campaigns.unshare(campaign, user=elena, by=bank.everybody.ines)
        assert client.get(url).status_code == 404
        assert verbs(campaign)[-1] == "share.ended"

    def test_a_share_has_an_end_within_a_year_and_a_draft_has_none(self, bank: Bank) -> None:
        campaign = bank.launched_with(1)
        for until in (days_ago(1), moment.now() + timedelta(days=400)):
            with pytest.raises(ValidationError, match="at most a year"):
                campaigns.share(campaign, user=bank.everybody.elena, until=until, by=bank.everybody.ines)
        with pytest.raises(ValidationError, match="draft"):
            campaigns.share(
                bank.campaign(),
                user=bank.everybody.elena,
                until=moment.now() + timedelta(days=1),
                by=bank.everybody.ines,
            )


class TestClosing:
    """The end."""

    def test_complete_it_closes_with_an_acknowledgement(self, bank: Bank) -> None:
        campaign = bank.launched_with(2)
        decide_all(bank, campaign)
        close(bank, campaign)
        assert (campaign.state, campaign.closed_at is not None) == ("closed", True)
        given = SignOff.objects.get(kind="management")
        assert (given.by_user, given.counts["certify"]) == (bank.everybody.ines.pk, 2)
        assert verbs(campaign)[-1] == "campaign.closed"
        facts = facts_of(Event.objects.in_stream(campaign.pk).latest("pk"))
        assert facts["counts"]["total"] == 2
        assert facts["decisions"]["count"] == 2
        assert facts["decisions"]["sha256"] == bytes(given.decisions_digest).hex()

    def test_incomplete_it_needs_a_signed_exception_and_asks_for_what_was_decided(self, bank: Bank) -> None:
        campaign = bank.launched_with(2)
        item = ReviewItem.objects.filter(campaign=campaign).earliest("number")
        decisions.record(item, verdict="revoke", ordinal=0, by=bank.everybody.tomas)
        with pytest.raises(ValidationError, match="Not everything"):
            close(bank, campaign)
        close(bank, campaign, exception="The reviewer is in hospital.")
        assert Revocation.objects.get().state == "requested"
        event = Event.objects.in_stream(campaign.pk).get(verb="campaign.excepted")
        facts = facts_of(event)
        assert (facts["undecided"], facts["reason"]) == (1, "The reviewer is in hospital.")

    def test_its_only_reviewer_does_not_acknowledge_it(self, bank: Bank) -> None:
        bank.grant(bank.hire(manager=None))
        campaign = bank.launched()
        item = ReviewItem.objects.get(campaign=campaign)
        decisions.record(item, verdict="certify", ordinal=0, by=bank.everybody.ines)
        share = share_of(campaign, bank.ines)
        decisions.sign_off(share, version=share.version, statement="Seen.", by=bank.everybody.ines)
        with pytest.raises(ValidationError, match="only reviewer"):
            close(bank, campaign)

    def test_what_it_ended_is_told_before_how_complete_it_was(self, bank: Bank, as_: As) -> None:
        campaign = bank.launched_with(2)
        decide_all(bank, campaign, "revoke")
        close(bank, campaign)
        first = Revocation.objects.earliest("pk")
        Revocation.objects.filter(pk=first.pk).update(
            state="verified", verified_at=moment.now(), verified_run=bank.reading
        )
        ended = closing.ended_by(campaign)
        assert (ended.proven_gone, ended.privileged_gone, ended.on_the_way) == (1, 1, 1)
        text = as_(bank.everybody.ines).get(reverse("campaign", args=[campaign.code])).content.decode()
        assert text.index("Proven gone because of it") < text.index("Reviewers")

    def test_everything_kept_is_a_question(self, bank: Bank, as_: As) -> None:
        campaign = bank.launched_with(1)
        decide_all(bank, campaign)
        close(bank, campaign)
        text = as_(bank.everybody.ines).get(reverse("campaign", args=[campaign.code])).content.decode()
        assert "Was all of it needed?" in text

    def test_the_next_one_says_what_is_new_the_same_and_back(self, bank: Bank) -> None:
        campaign = bank.launched_with(2)
        kept, removed = ReviewItem.objects.filter(campaign=campaign).order_by("number")
        decisions.record(kept, verdict="certify", ordinal=0, by=bank.everybody.tomas)
        decisions.record(removed, verdict="revoke", ordinal=0, by=bank.everybody.tomas)
        close(bank, campaign, exception="Test of the next.")
        old = grant_behind(removed)
        Grant.objects.filter(pk=old.pk).update(
            held=(old.held.lower, moment.now()), known_to_run=inventory.run(bank.reading.source)
        )
        back = inventory.grant(old.account, old.entitlement)
        new = bank.grant(bank.hire())
        following = bank.launched()
        deltas = dict(ReviewItem.objects.filter(campaign=following).values_list("grant_id", "delta"))
        assert deltas == {kept.grant_id: "same", back.pk: "back", new.pk: "new"}
        first = ReviewItem.objects.filter(campaign=following).in_order().first()
        assert first is not None
        assert first.grant_id == back.pk

    def test_by_form(self, bank: Bank, as_: As) -> None:
        campaign, client = bank.launched_with(1), as_(bank.everybody.ines)
        url = reverse("campaign_close", args=[campaign.code])
        assert "It is not complete" in client.get(url).content.decode()
        campaign.refresh_from_db()
        sent = {"version": campaign.version, "confirmed": "on"}
        assert client.post(url, sent).status_code == 200
        assert client.post(url, sent | {"exception": "Audit is over."}).status_code == 302
        assert client.get(url).status_code == 422
        assert as_(bank.everybody.mikael).get(url).status_code == 404
