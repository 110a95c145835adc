"""The audit trail: compliance browses and filters every act; nobody else does."""

from datetime import timedelta

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Identity, OffboardingCase, Ownership
from accounts.services import case_lines, offboarding, ownership
from portal import moment
from portal.audit.models import Event
from portal.audit.services import record
from portal.audit.verbs import Verb
from reviews.views import trail_words
from tests.conftest import As
from tests.factories import inventory, leaver
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine(people: People) -> Identity:
    made = inventory.identity("svc-settlement", kind="service")
    owner = identity_of(people.tomas)
    ownership.name_owner(made, owner, role=Ownership.Role.OWNER, version=None, actor=people.mikael.actor)
    return made


def test_a_line_says_who_did_what_to_what(people: People, as_: As, machine: Identity) -> None:
    page = as_(people.ines).get(reverse("trail") + "?verb=owner.named").text
    for words in ("owner.named", "Mikael Strand", "svc-settlement"):
        assert words in page
    assert "user.created" not in page.split("<tbody>")[1]


def test_facts_are_words_of_the_other_pages_without_keys_and_stamps(
    people: People, as_: As, machine: Identity
) -> None:
    facts = {
        "verdict": "certify",
        "coverage": "not_recorded",
        "campaign": "CAM-2026-01",
        "decision": 4711,
        "recorder_seen_at": "2026-11-24T14:25:54.837367Z",
        "ends_at": "2027-02-22T14:26:19.648132Z",
        "until": "2026-12-08",
        "shown": "05" * 32,
        "is_complete": True,
    }
    event = record(Verb.DECISION_RECORDED, machine, actor=people.tomas.actor, facts=facts)
    words = dict(trail_words.facts(event))
    assert words == {
        "verdict": "Keep",
        "coverage": "not recorded",
        "ends": "22 Feb 2027, 14:26",
        "until": "8 Dec 2026",
        "is complete": "yes",
    }
    page = as_(people.ines).get(reverse("trail")).text.partition("<tbody>")[2]
    assert "2027-02-22T" not in page
    assert "4711" not in page
    # The line's own page keeps every fact as it is bound.
    assert (
        "2026-11-24T14:25:54.837367Z" in as_(people.ines).get(reverse("trail_event", args=[event.uid])).text
    )


def test_what_a_day_looks_like_and_is_none_stays_as_it_is(people: People, machine: Identity) -> None:
    event = record(Verb.DECISION_RECORDED, machine, actor=people.tomas.actor, facts={"until": "2026-02-31"})
    assert trail_words.facts(event) == [("until", "2026-02-31")]


def test_a_line_of_a_case_and_a_removal_are_named(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    line = case.lines.get(kind="machine", label="svc-fx")
    with moment.simulated(leaver.HOUR):
        tomorrow = moment.now().date() + timedelta(days=1)
        case_lines.except_line(line, because="Moves on Friday", until=tomorrow, version=None, by=people.ines)
    page = as_(people.ines).get(reverse("trail")).text.partition("<tbody>")[2]
    assert f"{case.code}: svc-fx" in page
    assert "LEDGER_ADMIN · CORE" in page
    assert "accounts.caseline" not in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", True),
        ("verb=owner.named", True),
        ("verb=campaign.launched", False),
        ("actor=mikael", True),
        ("actor=ruth", False),
        ("subject=accounts.identity", True),
        ("since=2000-01-01", True),
        ("until=2000-01-01", False),
        ("since=2099-01-01", False),
        ("since=not-a-day&until=2026-02-31", True),
        ("page=999", False),
    ],
)
def test_filters(people: People, as_: As, machine: Identity, query: str, shown: bool) -> None:
    response = as_(people.ines).get(f"{reverse('trail')}?{query}")
    assert response.status_code == 200
    rows = response.text.partition("<tbody>")[2]
    if query != "page=999":  # the last page is shown instead; whether it holds this line depends on the rest
        assert ("owner.named" in rows) is shown


def test_a_subject_has_its_own_trail(people: People, as_: As, machine: Identity) -> None:
    page = as_(people.ines).get(f"{reverse('trail')}?subject=accounts.identity:{machine.pk}").text
    assert page.partition("<tbody>")[2].count("<tr>") == 1


def test_one_line_shows_the_bytes_that_are_bound(people: People, as_: As, machine: Identity) -> None:
    event = Event.objects.about(machine).get()
    page = as_(people.ines).get(reverse("trail_event", args=[event.uid])).text
    assert bytes(event.commitment).hex() in page
    assert "&quot;verb&quot;:&quot;owner.named&quot;" in page


def test_the_number_of_queries_does_not_grow(
    people: People, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(40):
        made = inventory.identity(f"svc-{number}", kind="service")
        owner = identity_of(people.tomas)
        ownership.name_owner(made, owner, role=Ownership.Role.OWNER, version=None, actor=people.mikael.actor)
    client = as_(people.ines)
    with django_assert_max_num_queries(22):
        assert client.get(reverse("trail")).status_code == 200


@pytest.mark.parametrize("who", ["tomas", "ruth", "mikael", "aiko", "farid", "elena", "omar"])
def test_nobody_else_reads_it(people: People, as_: As, machine: Identity, who: str) -> None:
    client = as_(people.by_role[who])
    assert client.get(reverse("trail")).status_code == 403
    assert (
        client.get(reverse("trail_event", args=[Event.objects.about(machine).get().uid])).status_code == 403
    )


def test_a_planned_offboarding_is_not_even_hinted_at(people: People, as_: As) -> None:
    leaver = inventory.identity("Dana Kovac")
    case = offboarding.schedule(
        leaver,
        reason=OffboardingCase.Reason.DISMISSED,
        local_time=(moment.now() + timedelta(hours=3)).replace(tzinfo=None, second=0, microsecond=0),
        zone="UTC",
        actor=people.ruth.actor,
    )
    line = Event.objects.about(case).get()
    client = as_(people.ines)
    assert "offboarding.scheduled" not in client.get(reverse("trail")).text.partition("<tbody>")[2]
    assert client.get(reverse("trail_event", args=[line.uid])).status_code == 404
    offboarding.begin(case, at=moment.now() + timedelta(hours=4))
    assert "offboarding.scheduled" in client.get(reverse("trail")).text.partition("<tbody>")[2]
