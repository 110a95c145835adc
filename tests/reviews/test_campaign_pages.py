"""Who sees which page, and that its cost does not grow with its rows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal import moment
from portal.users.models import User
from reviews.models import Assignment, Campaign, ReviewItem
from reviews.services import campaigns, decisions
from tests.conftest import As
from tests.factories.reviews import Bank, share_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(bank: Bank) -> Campaign:
    """A running one, shared with the auditor."""
    made = bank.launched_with(2)
    until = moment.now() + timedelta(days=30)
    campaigns.share(made, user=bank.everybody.elena, until=until, by=bank.everybody.ines)
    return made


def statuses(client: Client, campaign: Campaign, share: Assignment) -> dict[str, int]:
    """What each page answers."""
    item = ReviewItem.objects.filter(assignment=share).earliest("number")
    urls = {
        "campaign_list": reverse("campaign_list"),
        "campaign_new": reverse("campaign_new"),
        "my_reviews": reverse("my_reviews"),
        **{
            name: reverse(name, args=[campaign.code])
            for name in ("campaign", "campaign_preview", "campaign_items", "campaign_close")
        },
        **{name: reverse(name, args=[share.pk]) for name in ("assignment", "sign_off")},
        **{name: reverse(name, args=[item.pk]) for name in ("item", "item_pass_on")},
    }
    return {name: client.get(url).status_code for name, url in urls.items()}


NOTHING = {
    "campaign_list": 200,
    "campaign_new": 403,
    "my_reviews": 200,
    "campaign": 404,
    "campaign_preview": 404,
    "campaign_items": 404,
    "campaign_close": 404,
    "assignment": 404,
    "sign_off": 404,
    "item": 404,
    "item_pass_on": 404,
}
READS = NOTHING | {
    "campaign": 200,
    "campaign_preview": 200,
    "campaign_items": 200,
    "campaign_close": 403,
    "assignment": 200,
    "sign_off": 403,
    "item": 200,
    "item_pass_on": 403,
}
EXPECTED = {
    "ines": READS | {"campaign_new": 200, "campaign_close": 200},
    "elena": READS,
    "tomas": NOTHING | {"assignment": 200, "sign_off": 200, "item": 200, "item_pass_on": 200},
    "ruth": NOTHING,
    "mikael": NOTHING,
    "aiko": NOTHING,
    "farid": NOTHING,
    "omar": NOTHING,
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_who_sees_what(name: str, bank: Bank, campaign: Campaign, as_: As) -> None:
    user: User = bank.everybody.by_role[name]
    assert statuses(as_(user), campaign, share_of(campaign, bank.tomas)) == EXPECTED[name]


def test_nobody_without_signing_in(bank: Bank, campaign: Campaign) -> None:
    found = statuses(Client(), campaign, share_of(campaign, bank.tomas))
    assert set(found.values()) == {302}


def test_a_draft_is_compliances_alone(bank: Bank, as_: As) -> None:
    bank.grant(bank.hire())
    url = reverse("campaign_preview", args=[bank.campaign().code])
    assert as_(bank.everybody.ines).get(url).status_code == 200
    assert as_(bank.everybody.elena).get(url).status_code == 404
    assert as_(bank.everybody.tomas).get(url).status_code == 404


def cost(client: Client, url: str) -> int:
    """Queries of one page, the second time it is looked at."""
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_pages_cost_the_same_for_few_lines_and_many(bank: Bank, as_: As) -> None:
    client, ines = as_(bank.everybody.tomas), as_(bank.everybody.ines)
    costs = []
    for count in (3, 50):
        campaign = bank.launched_with(count)
        share = share_of(campaign, bank.tomas)
        for item in ReviewItem.objects.filter(assignment=share)[:2]:
            decisions.record(item, verdict="revoke", ordinal=0, by=bank.everybody.tomas)
        pages = [
            (client, reverse("assignment", args=[share.pk])),
            (client, reverse("sign_off", args=[share.pk])),
        ]
        pages += [
            (ines, reverse(name, args=[campaign.code]))
            for name in ("campaign", "campaign_items", "campaign_preview")
        ]
        costs.append([cost(who, url) for who, url in pages])
    assert costs[0] == costs[1]
    assert max(costs[0]) < 40


def test_lines_keep_their_place_while_they_are_decided(bank: Bank, as_: As) -> None:
    campaign = bank.launched_with(120)
    share = share_of(campaign, bank.tomas)
    url, client = reverse("assignment", args=[share.pk]), as_(bank.everybody.tomas)
    first = client.get(url + "?show=undecided").context
    for _label, row in first["rows"][:10]:
        decisions.record(row.item, verdict="certify", ordinal=0, by=bank.everybody.tomas)
    second = client.get(f"{url}?show=undecided&after={first['work'].last}").context
    shown = [row.item.number for _label, row in [*first["rows"], *second["rows"]]]
    assert len(shown) == len(set(shown)) == 100
    assert second["work"].has_before
    assert second["work"].has_after
    back = client.get(f"{url}?before={second['work'].first}").context
    assert [row.item.number for _label, row in back["rows"]] == [
        row.item.number for _label, row in first["rows"]
    ]


def test_lines_are_grouped_and_filtered(bank: Bank, as_: As) -> None:
    person = bank.hire("Pia")
    bank.grant(person, bank.right("root"))
    bank.grant(person, bank.right("reader", privileged=False))
    bank.grant(bank.hire("Bo"), bank.right("other"))
    campaign = bank.launched(privileged_only=False)
    url, client = reverse("assignment", args=[share_of(campaign, bank.tomas).pk]), as_(bank.everybody.tomas)

    def names(query: str) -> list[tuple[str, str]]:
        return [(row.name, row.title) for _label, row in client.get(url + query).context["rows"]]

    by_person = names("")
    assert [name for name, _title in by_person].count("Pia") == 2
    assert [name for name, _title in by_person] in (["Pia", "Pia", "Bo"], ["Bo", "Pia", "Pia"])
    assert sorted(title for _name, title in names("?show=privileged")) == ["other", "root"]
    assert len(names("?group=right&show=nonsense&after=x")) == 3


def test_an_empty_list_says_what_to_expect(bank: Bank, as_: As) -> None:
    text = as_(bank.everybody.omar).get(reverse("my_reviews")).content.decode()
    assert "never been asked" in text
    assert (
        "No campaign is shared with you"
        in as_(bank.everybody.omar).get(reverse("campaign_list")).content.decode()
    )
