"""The work list: what to remove per system and day, ready commands, many reported at once, a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Revocation, RevocationCause, System
from accounts.services import revocations
from accounts.services.revocations import Cause
from accounts.views.work_list import safe_cell
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.conftest import As
from tests.factories import inventory, leaver
from tests.factories.leaver import Leaver
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db
AT = datetime(2026, 10, 6, 9, 0, tzinfo=UTC)
CAUSE = Cause(RevocationCause.Kind.DECISION, "4711", "CAM-2026-03/37")
LIST = "/revocations/"


@pytest.fixture
def dana(people: People) -> Leaver:
    return leaver.dana(people)


def asked(dana: Leaver, people: People, at: datetime = AT) -> Revocation:
    with moment.simulated(at):
        return revocations.decide_and_request(
            dana.grant, act=Revocation.Act.REMOVE, cause=CAUSE, actor=people.tomas.actor
        )


def body(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(answer).removeprefix("\ufeff"))))


def test_who_carries_out_sees_what_to_remove_and_not_why(people: People, as_: As, dana: Leaver) -> None:
    removal = asked(dana, people)
    for url in (LIST, reverse("revocation", args=[removal.pk]), f"{LIST}work-list.csv"):
        answer = as_(people.aiko).get(url)
        text = body(answer) if url.endswith("csv") else answer.text
        assert answer.status_code == 200
        assert "Take “LEDGER_ADMIN” away from dkovac." in text
        for why in ("CAM-2026-03", "4711", "Tomas Brandt", "review decision"):
            assert why not in text


def test_who_watches_sees_why(people: People, as_: As, dana: Leaver) -> None:
    page = as_(people.ines).get(reverse("revocation", args=[asked(dana, people).pk])).text
    assert "CAM-2026-03/37" in page
    assert "Tomas Brandt" in page


@pytest.mark.parametrize(
    ("who", "list_status", "page_status"),
    [
        ("ines", 200, 200),
        ("mikael", 200, 200),
        ("aiko", 200, 200),
        ("ruth", 403, 404),
        ("farid", 403, 404),
        ("elena", 403, 404),
        ("tomas", 403, 404),
        ("omar", 403, 404),
    ],
)
def test_who_may_look(
    people: People, as_: As, dana: Leaver, who: str, list_status: int, page_status: int
) -> None:
    client, removal = as_(people.by_role[who]), asked(dana, people)
    assert client.get(LIST).status_code == list_status
    assert client.get(f"{LIST}work-list.csv").status_code == list_status
    assert client.get(reverse("revocation", args=[removal.pk])).status_code == page_status


def test_an_owner_looks_after_their_system_without_a_role(people: People, as_: As, dana: Leaver) -> None:
    System.objects.filter(pk=dana.core.pk).update(owner=identity_of(people.tomas))
    removal = asked(dana, people)
    client = as_(people.tomas)
    assert "LEDGER_ADMIN" in client.get(LIST).text
    answer = client.post(f"{LIST}done/", {"pick": f"{removal.pk}:{removal.version}"})
    assert answer.status_code == 302
    removal.refresh_from_db()
    assert removal.state == Revocation.State.REPORTED


def test_removals_of_other_systems_are_not_there(people: People, as_: As, dana: Leaver) -> None:
    other = inventory.system("DIR")
    grant = inventory.grant(
        inventory.account(other, None, "zz"), inventory.entitlement(other, "DOMAIN_ADMIN")
    )
    hidden = revocations.decide_and_request(
        grant, act=Revocation.Act.REMOVE, cause=CAUSE, actor=people.ines.actor
    )
    client = as_(people.aiko)
    assert "DOMAIN_ADMIN" not in client.get(f"{LIST}?state=all").text
    assert "DOMAIN_ADMIN" not in body(client.get(f"{LIST}work-list.csv?state=all"))
    assert client.post(f"{LIST}done/", {"pick": f"{hidden.pk}:1"}).status_code == 404


def test_lists_are_per_system_and_day_with_what_is_overdue(people: People, as_: As, dana: Leaver) -> None:
    asked(dana, people)
    with moment.simulated(AT + timedelta(days=3)):
        page = as_(people.aiko).get(LIST).text
    assert "CORE · due 8 Oct 2026" in page
    assert "overdue" in page
    with moment.simulated(AT):
        assert "Nothing waits" in as_(people.aiko).get(f"{LIST}?overdue=1").text


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("", True),
        ("?state=todo", True),
        ("?state=reported", False),
        ("?state=verified", False),
        ("?system=CORE", True),
        ("?system=DIR", True),  # not one of theirs: no filter
        ("?state=nonsense&page=x", True),
        ("?system=' OR 1=1 --&overdue=", True),
    ],
)
def test_filters(people: People, as_: As, dana: Leaver, query: str, is_there: bool) -> None:
    asked(dana, people)
    answer = as_(people.aiko).get(LIST + query)
    assert answer.status_code == 200
    assert ("LEDGER_ADMIN" in answer.text) is is_there


def test_many_are_reported_at_once_with_their_ticket(people: People, as_: As, dana: Leaver) -> None:
    removals = [asked(dana, people), _more(dana, people, "AUDIT_ADMIN"), _more(dana, people, "BATCH_ADMIN")]
    answer = as_(people.aiko).post(
        f"{LIST}done/",
        {
            "pick": [f"{one.pk}:{one.version}" for one in removals],
            "ticket": "OPS-4471",
            "next": f"{LIST}?x=1",
        },
    )
    assert answer["Location"] == f"{LIST}?x=1"
    assert set(Revocation.objects.values_list("state", "ticket", "reported_by_id")) == {
        ("reported", "OPS-4471", people.aiko.pk)
    }
    assert Event.objects.filter(verb=Verb.REVOCATION_REPORTED, actor_id=str(people.aiko.pk)).count() == 3


def test_a_whole_list_is_reported_with_one_button(people: People, as_: As, dana: Leaver) -> None:
    removals = [asked(dana, people), _more(dana, people, "AUDIT_ADMIN")]
    client = as_(people.aiko)
    assert "Report all 2 of this list done" in client.get(LIST).text
    shown = [f"{one.pk}:{one.version}" for one in removals]
    assert client.post(f"{LIST}done/", {"all": "0", "shown-0": shown, "shown-1": ["x"]}).status_code == 302
    assert Revocation.objects.filter(state="reported").count() == 2


def test_one_that_changed_meanwhile_stops_all(people: People, as_: As, dana: Leaver) -> None:
    one, other = asked(dana, people), _more(dana, people, "AUDIT_ADMIN")
    seen = [f"{one.pk}:{one.version}", f"{other.pk}:{other.version}"]
    revocations.impossible(other, version=None, because="needed", by=people.aiko)
    answer = as_(people.aiko).post(f"{LIST}done/", {"pick": seen})
    assert answer.status_code == 409
    assert not Revocation.objects.filter(state="reported").exists()


@pytest.mark.parametrize(
    "pick", [[], ["nonsense"], ["'; DROP TABLE x:1"], ["00000000-0000-0000-0000-000000000000"]]
)
def test_bad_picks_change_nothing_and_say_so(people: People, as_: As, dana: Leaver, pick: list[str]) -> None:
    asked(dana, people)
    client = as_(people.aiko)
    assert client.post(f"{LIST}done/", {"pick": pick, "next": "https://evil.test/"})["Location"] == LIST
    assert "notice bad" in client.get(LIST).text
    assert Revocation.objects.get().state == "requested"


@pytest.mark.parametrize("who", ["ines", "mikael"])
def test_who_watches_does_not_report(people: People, as_: As, dana: Leaver, who: str) -> None:
    removal = asked(dana, people)
    client = as_(people.by_role[who])
    assert client.post(f"{LIST}done/", {"pick": f"{removal.pk}:{removal.version}"}).status_code == 403
    url = reverse("revocation_impossible", args=[removal.pk])
    assert client.post(url, {"version": removal.version, "because": "no"}).status_code == 403
    assert "Report ticked rows" not in client.get(LIST).text


def test_cells_are_never_formulas(people: People, as_: As, dana: Leaver) -> None:
    for name in ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx", "\rx", "  =1+1"):
        account = inventory.account(dana.core, None, name, first_run=dana.account.first_run)
        revocations.decide_and_request(
            account, act=Revocation.Act.DISABLE, cause=CAUSE, actor=people.ines.actor
        )
    found = rows(as_(people.aiko).get(f"{LIST}work-list.csv"))
    assert len(found) == 7
    for row in found:
        for cell in row.values():
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert {row["System"] for row in found} == {"CORE"}


@pytest.mark.parametrize(
    ("text", "cell"),
    [("plain", "plain"), ("", ""), ("=1", "'=1"), ("\0=1", "'=1"), ("a\0b", "ab"), (" @x", "' @x")],
)
def test_a_cell(text: str, cell: str) -> None:
    assert safe_cell(text) == cell


def test_hostile_names_stay_text(people: People, as_: As, dana: Leaver) -> None:
    account = inventory.account(
        dana.core, None, "<script>alert(1)</script>", first_run=dana.account.first_run
    )
    removal = revocations.decide_and_request(
        account, act=Revocation.Act.DISABLE, cause=CAUSE, actor=people.ines.actor
    )
    for url in (LIST, reverse("revocation", args=[removal.pk])):
        assert "<script>alert" not in as_(people.aiko).get(url).text


def test_latency_shows_both_ends(people: People, as_: As, dana: Leaver) -> None:
    _proven(dana, people, hours=[(2, 10), (4, 20), (6, 30)])
    with moment.simulated(AT + timedelta(days=5)):
        page = as_(people.ines).get(LIST).text
    assert "How long it takes" in page
    assert "4 h · 5 h 48 min" in page  # last seen, p50 and p95
    assert "20 h · 1 d 5 h" in page  # first proven absent
    with moment.simulated(AT + timedelta(days=200)):
        assert "How long it takes" not in as_(people.ines).get(LIST).text


def test_the_list_takes_the_same_queries_for_2_and_for_60(
    people: People, as_: As, dana: Leaver, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        _more(dana, people, f"RIGHT_{number}")
    client = as_(people.aiko)
    with django_assert_max_num_queries(20):
        assert client.get(LIST).status_code == 200


def _more(dana: Leaver, people: People, right: str) -> Revocation:
    entitlement = inventory.entitlement(dana.core, right, first_run=dana.account.first_run)
    grant = inventory.grant(dana.account, entitlement)
    with moment.simulated(AT):
        return revocations.decide_and_request(
            grant, act=Revocation.Act.REMOVE, cause=CAUSE, actor=people.tomas.actor
        )


def _proven(dana: Leaver, people: People, hours: Iterable[tuple[int, int]]) -> None:
    run = leaver.reading(dana.core, AT + timedelta(days=2))
    for number, (seen, proven) in enumerate(hours):
        removal = _more(dana, people, f"PROVEN_{number}")
        Revocation.objects.filter(pk=removal.pk).update(
            state="verified",
            last_seen_at=AT + timedelta(hours=seen),
            verified_at=AT + timedelta(hours=proven),
            verified_run=run,
        )


def test_the_work_list_as_a_file_stands_in_the_log(people: People, as_: As, dana: Leaver) -> None:
    asked(dana, people)
    found = rows(as_(people.aiko).get(f"{LIST}work-list.csv?state=all&system=CORE&overdue="))
    event = Event.objects.get(verb=Verb.LIST_EXPORTED)
    facts = event.facts
    assert (event.actor_id, facts["page"], facts["rows"]) == (
        str(people.aiko.pk),
        "revocation_list",
        len(found),
    )
    assert facts["query"] == {"state": "all", "system": "CORE"}
