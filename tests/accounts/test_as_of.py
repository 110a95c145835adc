"""The page *who had what*: two days, two answers; what was known then; files; what each person may see."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from accounts.models import Grant, ImportRun, Inclusion, SystemShare
from accounts.views import as_of
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.users.models import User
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of, user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))


class World:
    """CORE: aiko is in Nested Ops, which is in Domain Admins; a reading in May, June and July."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.core = inventory.system("CORE", owner=identity_of(people.tomas))
        self.source = inventory.source(self.core)
        self.may, self.june, self.july = (inventory.run(self.source, at) for at in (MAY, JUNE, JULY))
        self.ops, self.admins = (
            inventory.entitlement(self.core, name, kind="group", first_run=self.may, privileged=privileged)
            for name, privileged in (("Nested Ops", None), ("Domain Admins", True))
        )
        self.aiko = inventory.account(self.core, identity_of(people.aiko), "aiko.adm", first_run=self.may)
        self.bond = self.held(inventory.inclusion(self.ops, self.admins, None), self.may)
        self.grant = inventory.grant(self.aiko, self.ops, None, known_from_run=self.may)

    def held(self, row: Any, known_from: ImportRun) -> Any:
        type(row).objects.filter(pk=row.pk).update(known_from_run=known_from)
        return row

    def end(self, row: Grant | Inclusion, by: ImportRun) -> None:
        held = DateTimeTZRange(row.held.lower, by.taken_at)
        type(row)._default_manager.filter(pk=row.pk).update(held=held, known_to_run=by)


@pytest.fixture
def world(people: People) -> World:
    return World(people)


def ask(client: Client, **query: object) -> Any:
    told: dict[str, Any] = {
        name: f"{at:%Y-%m-%dT%H:%MZ}" if isinstance(at, datetime) else at for name, at in query.items()
    }
    return client.get(reverse("as_of"), told)


def ways(answer: Any) -> set[str]:
    return {" → ".join(step.name for step in line.way) for line in answer.context["lines"]}


def test_a_day_before_and_a_day_after_have_different_answers(world: World, as_: As) -> None:
    world.end(world.grant, world.july)
    ines = as_(world.people.ines)
    before, after = ask(ines, at=JUNE + DAY), ask(ines, at=JULY + DAY)
    assert ways(before) == {"Nested Ops", "Nested Ops → Domain Admins"}
    assert "not here: remove from group Nested Ops" in before.text
    assert ways(after) == set()
    assert "nobody had what you ask about" not in after.text  # it was not asked of anybody
    assert "No right of that moment is yours to see." in after.text


def test_what_was_known_then_can_be_asked(world: World, as_: As) -> None:
    """The July reading says in July that it had ended; in June everybody thought it was held."""
    world.end(world.grant, world.july)
    ImportRun.objects.filter(pk=world.july.pk).update(applied_at=JULY + 9 * DAY)
    asked, ines = JULY + DAY, as_(world.people.ines)
    assert ways(ask(ines, at=asked)) == set()
    then = ask(ines, at=asked, known_at=JULY + 2 * DAY)
    assert ways(then) == {"Nested Ops", "Nested Ops → Domain Admins"}
    assert "As the portal would have answered on 3 Jul 2026, 00:00" in then.text


def test_before_the_first_reading_it_is_empty_and_says_so(world: World, as_: As) -> None:
    ines = as_(world.people.ines)
    page = ask(ines, at=MAY - DAY)
    assert ways(page) == set()
    assert "the first reading was taken on 1 May 2026, 00:00" in page.text
    perhaps = ask(ines, at=MAY - DAY, perhaps=1)
    assert ways(perhaps) == {"Nested Ops", "Nested Ops → Domain Admins"}
    assert {line.right.is_certain for line in perhaps.context["lines"]} == {False}
    assert "not certain" in perhaps.text
    assert "nothing was known" in ask(ines, at=JUNE, known_at=MAY - DAY).text


def test_between_the_last_sight_and_the_first_absence_it_is_not_certain(world: World, as_: As) -> None:
    world.end(world.grant, world.july)
    ines = as_(world.people.ines)
    seen, gap = ask(ines, at=JUNE - DAY), ask(ines, at=JUNE + DAY)
    assert {line.right.doubt for line in seen.context["lines"]} == {""}
    assert {line.right.doubt for line in gap.context["lines"]} == {"end"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"system": "CORE"}, 2), ({"system": "NONE"}, 0), ({"account": "AIKO"}, 2), ({"account": "x"}, 0),
        ({"identity": "aiko m"}, 2), ({"identity": "nobody"}, 0), ({"right": "domain"}, 1),
        ({"right": "ops"}, 1), ({"right": "none such"}, 0), ({"account": "9" * 30}, 0),
        ({"after": "nonsense.x"}, 2), ({"after": "1.2"}, 2), ({"right": "' OR 1=1 --"}, 0),
    ],
)  # fmt: skip
def test_filters(world: World, as_: As, query: dict[str, str], found: int) -> None:
    answer = ask(as_(world.people.ines), **query)
    assert answer.status_code == 200
    assert len(answer.context["lines"]) == found


def test_links_name_what_they_mean_by_its_key(world: World, as_: As) -> None:
    keys = {"identity": world.aiko.identity_id, "account": world.aiko.pk, "right": world.admins.pk}
    answer = ask(as_(world.people.ines), **keys)
    assert ways(answer) == {"Nested Ops → Domain Admins"}
    assert [str(meant) for meant in answer.context["asked"].chosen.values()] == [
        "Aiko Mori", "aiko.adm", "Domain Admins"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"at": "yesterday"}, "is no moment"),
        ({"at": "2026-03-29T02:30", "zone": "Europe/Berlin"}, "There is no 02:30"),
        ({"at": "2025-10-26T02:30", "zone": "Europe/Berlin"}, "Say it in the zone UTC"),
        ({"at": "2026-05-03T14:00", "zone": "Middle/Earth"}, "is no time zone"),
        ({"at": "2999-01-01T00:00Z"}, "has not come"),
        ({"known_at": "2026-02-30T00:00"}, "is no moment"),
    ],
)
def test_what_cant_be_asked_is_said(world: World, as_: As, query: dict[str, str], said: str) -> None:
    answer = ask(as_(world.people.ines), **query)
    assert answer.status_code == 200
    assert said in answer.text
    assert "lines" not in answer.context


def test_the_hour_on_the_wall_counts(world: World, as_: As) -> None:
    """Midnight of 1 May in Berlin is before the reading, which was taken at midnight in UTC."""
    ines = as_(world.people.ines)
    assert ways(ask(ines, at="2026-05-01T00:30", zone="Europe/Berlin")) == set()
    assert ways(ask(ines, at="2026-05-01T00:30", zone="UTC")) != set()


def test_pages_follow_each_other_without_gaps(world: World, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    for _number in range(4):
        account = inventory.account(world.core, name=f"account{_number}", first_run=world.may)
        inventory.grant(account, world.ops, MAY, known_from_run=world.may)
        inventory.grant(account, world.admins, MAY, known_from_run=world.may)
    ines = as_(world.people.ines)
    whole = [as_of.words_of(line.right) for line in ask(ines).context["lines"]]
    assert len(whole) == 2 + 4 * 3
    monkeypatch.setattr(as_of, "PER_PAGE", 3)
    seen: list[str] = []
    after = ""
    while True:
        answer = ask(ines, after=after)
        seen += [as_of.words_of(line.right) for line in answer.context["lines"]]
        if not (after := answer.context["after"]):
            break
    assert seen == whole


def test_the_files_hold_every_row_and_nothing_that_runs(world: World, as_: As) -> None:
    evil = inventory.account(world.core, name="=cmd|' /C calc'!A0", first_run=world.may)
    inventory.grant(evil, world.admins, MAY, known_from_run=world.may)
    ines = as_(world.people.ines)
    text = ask(ines, at=JUNE, export="csv").getvalue().decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["account"], row["right"], row["through"]) for row in rows] == [
        ("aiko.adm", "Nested Ops", ""), ("aiko.adm", "Domain Admins", "Nested Ops"),
        ("'=cmd|' /C calc'!A0", "Domain Admins", ""),
    ]  # fmt: skip
    assert {row["at"] for row in rows} == {"2026-06-01T00:00:00Z"}
    assert (rows[1]["removable"], rows[1]["state"]) == ("not here: remove from group Nested Ops", "standing")
    book = load_workbook(io.BytesIO(ask(ines, at=JUNE, export="xlsx").getvalue()), read_only=True)
    sheet = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    assert [dict(zip(sheet[0], row, strict=False))["account"] for row in sheet[1:]] == [
        "aiko.adm", "aiko.adm", "'=cmd|' /C calc'!A0"
    ]  # fmt: skip


def test_what_left_as_a_file_stands_in_the_log(world: World, as_: As) -> None:
    ask(as_(world.people.ines), at=JUNE, system="CORE", export="csv").getvalue()
    event = Event.objects.get(verb=Verb.LIST_EXPORTED)
    assert event.facts["rows"] == 2
    assert event.facts["query"] == {"at": "2026-06-01T00:00:00+00:00", "system": "CORE"}


def test_the_file_of_a_day_is_the_page_of_that_day(world: World, as_: As) -> None:
    world.end(world.grant, world.july)
    ines = as_(world.people.ines)
    for at in (JUNE + DAY, JULY + DAY):
        rows = list(csv.DictReader(io.StringIO(ask(ines, at=at, export="csv").getvalue().decode())))
        assert len(rows) == len(ways(ask(ines, at=at)))


def test_each_sees_what_they_may(world: World, as_: As) -> None:
    people = world.people
    other = inventory.account(inventory.system("AWS"), identity_of(people.ines), "ines@aws")
    inventory.grant(other, inventory.entitlement(other.system, "Billing"), MAY)
    both, core = {"Nested Ops", "Nested Ops → Domain Admins", "Billing"}, {
        "Nested Ops", "Nested Ops → Domain Admins"
    }  # fmt: skip
    seen = {name: ways(ask(as_(one))) for name, one in people.by_role.items()}
    assert seen == {
        "ines": both, "mikael": both, "farid": both, "tomas": core, "aiko": core,
        "ruth": set(), "elena": set(), "omar": set(),
    }  # fmt: skip
    now = datetime.now(UTC)
    SystemShare.give(world.core, people.elena, until=now + DAY, by=people.ines, at=now)
    shared = ask(as_(people.elena))
    assert ways(shared) == core
    assert reverse("identity", args=[world.aiko.identity_id]) not in shared.text


def test_somebody_without_the_inventory_learns_no_names_of_rights(world: World, as_: As) -> None:
    outsider: User = user("Nobody Here")
    answer = ask(as_(outsider), right=world.admins.pk)
    assert answer.context["lines"] == []
    assert "Domain Admins" not in answer.text


def test_htmx_gets_the_rows_alone(world: World, as_: As) -> None:
    answer = as_(world.people.ines).get(reverse("as_of"), headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert "Domain Admins" in answer.text


def test_it_takes_the_same_queries_for_2_rows_and_for_50(
    world: World, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(300):
        account = inventory.account(world.core, name=f"account{number}", first_run=world.may)
        inventory.grant(account, world.ops, MAY, known_from_run=world.may)
    client = as_(world.people.ines)
    # Two of them find out who asks.
    with django_assert_max_num_queries(8 + 2):
        answer = client.get(
            reverse("as_of"), {"system": "CORE", "right": "domain"}, headers={"HX-Request": "true"}
        )
    assert len(answer.context["lines"]) == as_of.PER_PAGE
