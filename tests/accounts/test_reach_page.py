"""The page of who may enter: asked by host and account, narrowed, exported, and seen by whom it concerns."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Entitlement, Grant, System, SystemShare
from accounts.views.reach_rows import COLUMNS
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from sessions_app.models import Coverage, Recorder
from tests.conftest import As
from tests.factories import inventory
from tests.factories import people as factory
from tests.factories.people import People, identity_of
from tests.factories.reviews import Bank, item_of
from tests.factories.reviews import bank as make_bank
from tests.factories.sessions import sealed_session

pytestmark = pytest.mark.django_db
CAST = b'{"version": 2, "width": 80, "height": 24}\n[0.5, "o", "hello"]\n'


class World:
    """Leon owns CORE (core01); Aiko may act as root there through JUMP, Dana has the ledger herself."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.bank: Bank = make_bank(people)
        self.core = self.bank.system
        System.objects.filter(pk=self.core.pk).update(hosts=["core01", "core02"])
        self.core.refresh_from_db()
        self.jump = inventory.system("JUMP", is_gateway=True)
        self.root = self.bank.account(None, name="root", kind=Account.Kind.ROLE)
        self.door = self.through("root on core01", acts_on_name="core01")
        self.by_gateway = self.enter("Aiko Mori", self.door)
        self.by_herself = self.bank.grant(self.bank.hire("Dana Kovac"), self.bank.right("LEDGER_ADMIN"))

    def through(self, name: str, **fields: Any) -> Entitlement:
        return inventory.entitlement(
            self.jump, name, kind="act_as", acts_as_name="root", acts_as=self.root, reach="ssh", **fields
        )

    def enter(self, name: str, door: Entitlement, kind: str = "human") -> Grant:
        return inventory.grant(inventory.account(self.jump, inventory.identity(name, kind)), door)

    def record(self, system: System, seen_at: datetime | None) -> None:
        recorder = Recorder.objects.create(code=f"rec-{system.code}", name="Recorder", last_seen_at=seen_at)
        since = moment.now() - timedelta(days=9)
        Coverage.objects.create(recorder=recorder, system=system, during=DateTimeTZRange(since, None))

    def url(self, **query: str) -> str:
        return reverse("reach", args=["CORE"], query=query or None)


@pytest.fixture
def world(people: People) -> World:
    return World(people)


def shown(world: World, as_: As, **query: str) -> set[str]:
    """Who stands on the page."""
    text = as_(world.people.mikael).get(world.url(**query)).text
    return {name for name in ("Aiko Mori", "Dana Kovac", "svc-patch") if f">{name}<" in text}


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("root@core01", "?account=root&host=core01"),
        ("ROOT on CORE01", "?account=ROOT&host=core01"),
        ("root@core01.bank.example", "?account=root&host=core01"),
        ("root on CORE", "?account=root"),
        ("core02", "?host=core02"),
        ("core", ""),
        ("root", "?account=root"),
    ],
)
def test_the_question_leads_to_one_page(world: World, as_: As, words: str, where: str) -> None:
    answer = as_(world.people.mikael).get(reverse("reach_search"), {"q": words})
    assert (answer.status_code, answer["Location"]) == (302, world.url() + where)


def test_a_question_that_fits_more_or_nothing_says_so(world: World, as_: As) -> None:
    inventory.account(inventory.system("LAB"), name="root")
    client = as_(world.people.mikael)
    page = client.get(reverse("reach_search"), {"q": "root"}).text
    assert "Which one?" in page
    assert reverse("reach", args=["LAB"]) in page
    assert "is called “nothing@here”" in client.get(reverse("reach_search"), {"q": "nothing@here"}).text


def test_somebody_else_is_not_told_what_there_is(world: World, as_: As) -> None:
    for who in ("omar", "ruth", "aiko", "elena"):
        answer = as_(world.people.by_role[who]).get(reverse("reach_search"), {"q": "root@core01"})
        assert (answer.status_code, "CORE" in answer.text) == (200, False)
        assert (
            "Dana" not in as_(world.people.by_role[who]).get(reverse("reach_panel"), {"system": "CORE"}).text
        )


def test_who_can_get_root_on_core01(world: World, as_: As) -> None:
    machine = world.enter("svc-patch", world.door, "service")
    assert machine.account.name in as_(world.people.mikael).get(world.url(account="root", host="core01")).text
    assert shown(world, as_, account="root", host="core01") == {"Aiko Mori", "svc-patch"}
    assert shown(world, as_, account="root", host="core02") == set()
    assert shown(world, as_) == {"Aiko Mori", "Dana Kovac", "svc-patch"}


def test_recorded_but_never_reviewed_is_red(world: World, as_: As) -> None:
    world.record(world.jump, moment.now() - timedelta(hours=2))
    text = as_(world.people.mikael).get(world.url()).text
    assert text.count("never, and recorded") == 1  # Aiko's; CORE itself has no recorder
    assert shown(world, as_, recorded="recorded", reviewed="never") == {"Aiko Mori"}
    assert shown(world, as_, recorded="not_recorded") == {"Dana Kovac"}
    item = item_of(world.bank.launched(systems=[world.core, world.jump]), world.by_gateway)
    type(item).objects.filter(pk=item.pk).update(verdict="certify", decided_at=moment.now(), ordinal=1)
    assert shown(world, as_, recorded="recorded", reviewed="never") == set()
    assert shown(world, as_, reviewed="ever") == {"Aiko Mori"}
    assert item.campaign.code in as_(world.people.mikael).get(world.url()).text


def test_a_recorder_that_was_never_heard_of_is_unknown(world: World, as_: As) -> None:
    world.record(world.core, None)
    assert shown(world, as_, recorded="unknown") == {"Aiko Mori", "Dana Kovac"}


def test_the_last_session_counts_as_a_use(world: World, as_: As) -> None:
    assert shown(world, as_, unused="unknown") == {"Aiko Mori", "Dana Kovac"}
    sealed_session(world.by_gateway, CAST, started_at=moment.now() - timedelta(days=100))
    assert shown(world, as_, unused="yes") == {"Aiko Mori"}
    sealed_session(world.by_gateway, CAST, started_at=moment.now() - timedelta(days=1))
    assert shown(world, as_, unused="yes") == set()
    assert shown(world, as_, unused="unknown") == {"Dana Kovac"}


def test_filters_by_path_and_kind_and_nonsense_narrows_nothing(world: World, as_: As) -> None:
    world.enter("svc-patch", world.door, "service")
    assert shown(world, as_, way="own") == {"Dana Kovac"}
    assert shown(world, as_, way="ssh", who="machines") == {"svc-patch"}
    assert shown(world, as_, way="telepathy", who="%00", page="x") == {"Aiko Mori", "Dana Kovac", "svc-patch"}


def test_the_files_hold_every_row_of_the_filter(world: World, as_: As) -> None:
    world.enter("=cmd()", world.door)
    client = as_(world.people.mikael)
    answer = client.get(reverse("reach_csv", args=["CORE"]), {"account": "root", "host": "core01"})
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert {(row["who"], row["acting as"], row["path"], row["recorded"]) for row in rows} == {
        ("Aiko Mori", "root", "ssh", "not_recorded"),
        ("'=cmd()", "root", "ssh", "not_recorded"),
    }
    assert {row["decision"] for row in rows} == {"never"}
    said = Event.objects.get(verb=Verb.LIST_EXPORTED).payload.facts or {}
    assert (said["page"], said["rows"]) == ("reach", 2)
    assert said["query"] == {"system": "CORE", "account": "root", "host": "core01"}
    book = load_workbook(io.BytesIO(client.get(reverse("reach_xlsx", args=["CORE"])).getvalue()))
    cells = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    assert cells[0] == list(COLUMNS)
    assert len(cells) == 4


def test_the_owner_sees_every_way_into_their_system(world: World, as_: As) -> None:
    assert "Aiko Mori" in as_(world.bank.leon).get(world.url()).text
    assert as_(world.bank.leon).get(reverse("reach", args=["JUMP"])).status_code == 404


def test_an_auditor_sees_what_was_shared_and_how_much_is_not(world: World, as_: As) -> None:
    elena = world.people.elena
    SystemShare.give(
        world.core, elena, until=moment.now() + timedelta(days=9), by=world.people.mikael, at=moment.now()
    )
    text = as_(elena).get(world.url()).text
    assert "Dana Kovac" in text
    assert "Aiko Mori" not in text
    assert "1 more path begins at an account that you may not see" in text
    assert "Aiko Mori" not in as_(elena).get(reverse("reach_csv", args=["CORE"])).getvalue().decode()


def test_carriers_and_outsiders_do_not_see_it(world: World, as_: As) -> None:
    world.core.carriers.add(identity_of(world.people.aiko))
    assert as_(world.people.aiko).get(world.url()).status_code == 403
    for who in ("omar", "ruth", "elena"):
        assert as_(world.people.by_role[who]).get(world.url()).status_code == 404


def test_the_page_asks_few_questions_however_many_paths(
    world: World, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        world.enter(f"Person {number}", world.door)
    client = as_(world.people.mikael)
    with django_assert_max_num_queries(10):  # the eight of the page, and session and user before it
        page = client.get(world.url(), headers={"HX-Request": "true"})
    assert "Person 29" in page.text


def test_what_is_looked_at_before_a_recorder_is_connected(
    world: World, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = as_(world.people.mikael)
    form = client.get(reverse("recorder_new")).text
    assert reverse("reach_panel") in form
    with django_assert_max_num_queries(6):  # a panel's four, and session and user before it
        panel = client.get(
            reverse("reach_panel"), {"systems": ["CORE", "NONE"]}, headers={"HX-Request": "true"}
        ).text
    assert "Aiko Mori" in panel
    assert "Dana Kovac" in panel
    assert "<html" not in panel


def test_hosts_and_gateways_are_said_on_the_system(world: World, as_: As) -> None:
    client = as_(world.people.mikael)
    url = reverse("system_edit", args=["CORE"])
    assert 'value="core01, core02"' in client.get(url).text
    sent = {"name": "Core", "environment": "production", "removal_days": 2, "owner": "Leon Weiss"}
    sent |= {"version": world.core.version, "hosts": "Core03, core03,web-1.bank.example", "is_gateway": "on"}
    assert client.post(url, sent).status_code == 302
    world.core.refresh_from_db()
    assert (world.core.hosts, world.core.is_gateway) == (["core03", "web-1.bank.example"], True)
    # The right that led to core01 leads nowhere now, and back with the name.
    assert Entitlement.objects.get(pk=world.door.pk).acts_as_id is None
    client.post(url, sent | {"version": world.core.version, "hosts": "core01"})
    world.door.refresh_from_db()
    assert world.door.acts_as == world.root
    refused = client.post(url, sent | {"hosts": "core 01"})
    assert "“core 01” is no host name" in refused.text


def test_reader_cannot_change_hosts(world: World, as_: As) -> None:
    assert as_(world.people.farid).post(reverse("system_edit", args=["CORE"]), {}).status_code == 403
    assert factory.identity_of(world.people.farid).name == "Farid Azimi"
