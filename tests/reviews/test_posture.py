"""Where the organisation stands: five numbers, people beside machines, the meter, each with its rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, GrantUse, Identity
from reviews.views.posture import Figure
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def shown(client: Client, **asked: str) -> dict[str, Any]:
    answer = client.get(reverse("posture"), asked)
    assert answer.status_code == 200
    return {key: answer.context[key] for key in ("figures", "parity", "trend", "sources", "by", "quarter")}


def figure(client: Client, place: int) -> Figure:
    found: Figure = shown(client)["figures"][place]
    return found


def held(identity: Identity | None, last_used: datetime | None = None, **fields: Any) -> Account:
    account = inventory.account(inventory.system(), identity, **fields)
    grant = inventory.grant(account, inventory.entitlement(account.system))
    if last_used:
        GrantUse.objects.create(grant=grant, last_used_at=last_used)
    return account


def test_an_empty_inventory_says_what_to_do(people: People, as_: As) -> None:
    answer = as_(people.ines).get(reverse("posture"))
    assert [one.count for one in answer.context["figures"]] == ["0", "0", "0", "0", "0"]
    assert "the meter begins with the first reading" in answer.content.decode()


def test_always_on_rights_are_told_apart_and_each_number_opens_its_rows(people: People, as_: As) -> None:
    held(inventory.identity(), NOW - timedelta(days=200))
    held(inventory.identity("svc-a", "service"), NOW)
    held(None)
    client = as_(people.ines)
    found = figure(client, 0)
    counts = {words: count for words, count, _url in found.sides}
    assert (found.count, counts) == (
        "3",
        {"person": 1, "machine": 1, "of nobody known": 1, "unused for 90 days": 1, "use unknown": 1},
    )
    for _words, count, url in (*found.sides, ("all", 3, found.url)):
        assert len(client.get(url).context["rows"]) == count


def test_who_left_and_can_still_act(people: People, as_: As) -> None:
    gone = inventory.identity("Alex Berg", status="left")
    held(gone)
    held(inventory.identity("svc-old", "service", status="left"), is_enabled=False)
    client = as_(people.ines)
    found = figure(client, 2)
    assert (found.count, found.is_bad) == ("1", True)
    assert [identity.pk for identity in client.get(found.url).context["rows"]] == [gone.pk]


def test_what_has_run_out_can_no_longer_act(people: People, as_: As) -> None:
    held(inventory.identity(status="left"), expires_at=NOW - timedelta(days=1))
    assert figure(as_(people.ines), 2).count == "0"


def test_people_stand_beside_machines(people: People, as_: As) -> None:
    held(inventory.identity(), NOW - timedelta(days=200))
    held(inventory.identity(), NOW)
    machine = held(inventory.identity("svc-a", "service"), NOW)
    inventory.credential(machine, created_at=NOW - timedelta(days=100))
    measures = {side.label: (side.people, side.machines) for side in shown(as_(people.ines))["parity"]}
    assert measures["Unused privilege"] == ("50 %", "0 %")
    assert measures["Credential age"] == (None, "100 days")
    assert measures["Reviewed in cadence"] == ("0 %", "0 %")


def test_the_meter_has_a_trend_and_its_largest_sources_lead_to_their_rights(people: People, as_: As) -> None:
    account = held(inventory.identity())
    client = as_(people.ines)
    found = shown(client)
    assert len(found["trend"]) == 6
    (source,) = found["sources"]
    assert [grant.account_id for grant in client.get(source.url).context["rows"]] == [account.pk]


@pytest.mark.parametrize("by", ["right", "system", "owner", "kind"])
def test_sources_can_be_asked_for_in_several_ways(people: People, as_: As, by: str) -> None:
    held(inventory.identity())
    client = as_(people.ines)
    (source,) = shown(client, by=by)["sources"]
    assert client.get(source.url).status_code == 200


@pytest.mark.parametrize("said", ["", "2026-9", "9999-1", "x", "2026-3'", "0000-1"])
def test_a_quarter_that_nobody_can_read_is_the_running_one_or_refused_softly(
    people: People, as_: As, said: str
) -> None:
    assert as_(people.ines).get(reverse("posture"), {"quarter": said, "by": said}).status_code == 200


def test_who_may_not_see_the_inventory_gets_no_numbers(people: People, as_: As) -> None:
    assert as_(people.ruth).get(reverse("posture")).status_code == 403
    assert as_(people.omar).get(reverse("posture")).status_code == 403


def test_it_costs_the_same_for_many_rows(people: People, as_: As, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        held(inventory.identity())
    client = as_(people.ines)
    client.get(reverse("posture"))
    with django_assert_max_num_queries(40):
        client.get(reverse("posture"))


def test_who_does_not_watch_over_removals_is_not_told_that_there_are_none(people: People, as_: As) -> None:
    shown = {who: figure(as_(getattr(people, who)), 1) for who in ("ines", "farid")}
    assert (shown["ines"].count, shown["farid"].count) == ("0", "–")
    assert shown["ines"].url
    assert (shown["farid"].url, shown["farid"].is_bad) == ("", False)
    assert "watch over removals" in shown["farid"].remark
