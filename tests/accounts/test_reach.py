"""Who can open a privileged session on a system, by every path: derived here, as tables of who and how."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Account, Entitlement, Grant, GrantUse, Identity, Membership, System, reach
from accounts.models.reach import Asked, Path, paths
from tests.factories import inventory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 10, 6, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class World:
    """CORE runs on core01 and core02; JUMP is the gateway before it."""

    def __init__(self) -> None:
        self.core = inventory.system("CORE", name="Core banking", hosts=["core01", "core02"])
        self.jump = inventory.system("JUMP", is_gateway=True)
        self.root = inventory.account(self.core, name="root", kind=Account.Kind.ROLE)

    def person(self, name: str, system: System | None = None, **fields: Any) -> Account:
        """A person with an account."""
        return inventory.account(
            system or self.jump, inventory.identity(name), f"{name.lower()}-{system or 'jump'}", **fields
        )

    def door(self, name: str, system: System | None = None, **fields: Any) -> Entitlement:
        """A right to act as somebody."""
        values: dict[str, Any] = {"kind": "act_as", "privileged": True} | fields
        return inventory.entitlement(system or self.jump, name, **values)

    def ways(self, account: str = "", host: str = "", **more: Any) -> set[tuple[str, str, str]]:
        """Who, by what, and as whom."""
        return {told(path) for path in self.paths(account, host, **more)}

    def paths(self, account: str = "", host: str = "", **more: Any) -> list[Path]:
        return paths(Asked(more.pop("system", self.core), account, host, **more), AT)


def told(path: Path) -> tuple[str, str, str]:
    names = reach.names_of([path])
    way = " > ".join(step.name for step in names.of(path.steps[1:])) or path.way
    as_whom = path.target_name + (f"@{path.place}" if path.place else "")
    return path.identity_name or path.account_name, way, as_whom


@pytest.fixture
def world(db: None) -> World:
    return World()


def test_a_right_to_act_as_the_account_held_directly_or_through_groups(world: World) -> None:
    door = world.door("become root", acts_as=world.root)
    admins, nested = (
        world.door(name, kind="group", privileged=None) for name in ("Linux admins", "Nested operations")
    )
    inventory.inclusion(admins, door)
    inventory.inclusion(nested, admins)
    inventory.grant(world.person("Aiko"), door)
    inventory.grant(world.person("Felix"), nested)
    assert world.ways("root", "core01") == {
        ("Aiko", "become root", "root"),
        ("Felix", "Nested operations > Linux admins > become root", "root"),
    }


def test_a_chain_names_every_hop_and_a_circle_ends(world: World) -> None:
    steps = [inventory.account(world.jump, name=name, kind=Account.Kind.ROLE) for name in ("one", "two")]
    first, second = (world.door(f"become {one.name}", acts_as=one) for one in steps)
    last = world.door("become root", acts_as=world.root)
    inventory.grant(world.person("Aiko"), first)
    inventory.grant(steps[0], second)
    inventory.grant(steps[1], last)
    inventory.grant(steps[1], first)  # back to where it began
    assert ("Aiko", "become one > one > become two > two > become root", "root") in world.ways("root")
    [path] = [one for one in world.paths("root") if one.identity_name == "Aiko"]
    assert len(path.grants) == 3


def test_a_chain_that_is_too_long_ends(world: World) -> None:
    beyond = world.root
    for number in range(reach.MOST_HOPS + 1):
        door = world.door(f"hop {number}", acts_as=beyond)
        beyond = inventory.account(world.jump, name=f"role {number}", kind=Account.Kind.ROLE)
        inventory.grant(beyond, door)
    names = {path.account_name for path in world.paths("root")}
    assert names == {f"role {number}" for number in range(reach.MOST_HOPS)}


def test_the_account_itself_its_members_and_its_custodians(world: World) -> None:
    right = inventory.entitlement(world.core, "LEDGER_ADMIN", reach="database")
    own = world.person("Dana", world.core)
    inventory.grant(own, right)
    inventory.grant(inventory.account(world.core, name="lost"), right)
    machine = inventory.account(
        world.core, inventory.identity("svc-backup", "service"), "svc-backup", kind=Account.Kind.MACHINE
    )
    inventory.grant(machine, right)
    shared = inventory.account(world.core, name="opsdesk", kind=Account.Kind.SHARED)
    inventory.grant(shared, right)
    for name in ("Petra", "Samir"):
        Membership.objects.create(
            account=shared, identity=inventory.identity(name), during=DateTimeTZRange(AT - DAY, None)
        )
    inventory.grant(
        world.person("Omar", world.core), inventory.entitlement(world.core, "READ", privileged=False)
    )
    found = world.paths()
    assert {(path.identity_name, path.who, path.target_name) for path in found} == {
        ("Dana", "people", "dana-CORE"),
        (None, "nobody", "lost"),
        ("svc-backup", "machines", "svc-backup"),
        ("Petra", "people", "opsdesk"),
        ("Samir", "people", "opsdesk"),
    }
    assert {path.reaches for path in found} == {("database",)}


def test_a_role_is_its_own_way_only_where_a_secret_opens_it(world: World) -> None:
    assert world.ways("root") == set()
    inventory.credential(world.root, "mfa_device")
    inventory.credential(world.root, "password", expires_at=AT - DAY)
    assert world.ways("root") == set()
    inventory.credential(world.root, "ssh_key")
    [path] = world.paths("root")
    assert (path.way, path.opened_by, path.who) == ("own", ("ssh_key",), "nobody")


@pytest.mark.parametrize(
    ("fields", "fits", "as_whom"),
    [
        ({"acts_as_name": "root", "acts_on_name": "CORE01"}, "placed", "root@core01"),
        ({"acts_as_name": "root@core01"}, "placed", "root@core01"),
        ({"acts_as_name": "root on core01"}, "placed", "root@core01"),
        ({"name": "root@core01"}, "words", "root@core01"),
        ({"acts_on_name": "core01"}, "placed", "@core01"),
        ({"acts_on_name": "servers app=core01|web02"}, "words", ""),
        ({"acts_on_name": "core01.bank.example"}, "words", ""),
        ({"acts_on_name": "all servers"}, "everywhere", ""),
        ({"name": "use the accounts of safe LNX-CORE01-ROOT", "reach": "safe"}, "words", ""),
        ({"acts_as_name": "ALL except oracle", "acts_on_name": "core01"}, "placed", "@core01"),
    ],
)
def test_rights_that_name_no_account_or_only_words(
    world: World, fields: dict[str, Any], fits: str, as_whom: str
) -> None:
    fields = {"name": "a door"} | fields
    inventory.grant(world.person("Aiko"), world.door(**fields))
    [path] = world.paths("root", "core01")
    assert (path.fits, told(path)[2]) == (fits, as_whom)
    assert path.is_sure == (fits in {"named", "placed"})


@pytest.mark.parametrize(
    "fields",
    [
        {"acts_as_name": "oracle", "acts_on_name": "core01"},
        {"acts_as_name": "root", "acts_on_name": "core02"},
        {"acts_as_name": "ALL except root", "acts_on_name": "core01"},
        {"acts_on_name": "servers app=web01"},
        {"acts_on_name": "core011"},
        {"acts_as_name": "root", "acts_on_name": "core01", "privileged": False},
        {"name": "use the accounts of safe PAYMENTS", "reach": "safe"},
    ],
)
def test_rights_that_lead_elsewhere(world: World, fields: dict[str, Any]) -> None:
    inventory.grant(world.person("Aiko"), world.door(**({"name": "a door"} | fields)))
    assert world.ways("root", "core01") == set()


def test_a_known_account_is_found_behind_a_name_and_hosts_are_told_apart(world: World) -> None:
    for host in ("core01", "core02"):
        inventory.grant(
            world.person(host), world.door(f"root on {host}", acts_as=world.root, acts_on_name=host)
        )
    inventory.grant(world.person("Both"), world.door("root", acts_as_name="root", acts_on_name="CORE"))
    assert {way[0] for way in world.ways("root", "core01")} == {"core01", "Both"}
    assert {way[0] for way in world.ways("root")} == {"core01", "core02", "Both"}
    assert {path.target_id for path in world.paths("root")} == {world.root.pk}


def test_what_is_not_known_to_be_privileged_counts_and_what_is_known_not_to_be_does_not(world: World) -> None:
    for name, privileged in (("unknown", None), ("no", False), ("yes", True)):
        inventory.grant(world.person(name), world.door(name, acts_as=world.root, privileged=privileged))
    assert {path.identity_name: path.is_privileged for path in world.paths()} == {
        "unknown": None,
        "yes": True,
    }
    assert {path.identity_name for path in world.paths(with_unprivileged=True)} == {"unknown", "no", "yes"}


def test_who_cannot_sign_in_does_not_count(world: World) -> None:
    door = world.door("become root", acts_as=world.root)
    inventory.grant(world.person("Off", is_enabled=False), door)
    inventory.grant(world.person("Over", expires_at=AT - DAY), door)
    gone = inventory.grant(world.person("Gone"), door)
    Account.objects.filter(pk=gone.account_id).update(gone_run=gone.known_from_run)
    ended = inventory.grant(world.person("Ended"), door)
    Grant.objects.filter(pk=ended.pk).update(
        held=DateTimeTZRange(AT - 9 * DAY, AT - DAY), known_to_run=ended.known_from_run
    )
    inventory.grant(world.person("There"), door)
    assert {way[0] for way in world.ways()} == {"There"}


def test_standing_eligible_and_time_boxed(world: World) -> None:
    door = world.door("become root", acts_as=world.root)
    admin = world.door("become admin", acts_as=world.root, marks=["admin"])
    begun = AT - timedelta(hours=1)
    for name, right, fields in (
        ("always", door, {}),
        ("asks", door, {"is_eligible": True}),
        ("quarter", door, {"ends_at": begun + 80 * DAY}),
        ("year", door, {"ends_at": begun + 365 * DAY}),
        ("shift", admin, {"ends_at": begun + timedelta(hours=8)}),
        ("too long", admin, {"ends_at": begun + 80 * DAY}),
        ("overdue", door, {"ends_at": AT - timedelta(minutes=1)}),
    ):
        inventory.grant(world.person(name), right, begun, **fields)
    assert {path.identity_name: path.state for path in world.paths()} == {
        "always": "standing",
        "asks": "eligible",
        "quarter": "time_boxed",
        "year": "standing",
        "shift": "time_boxed",
        "too long": "standing",
        "overdue": "standing",
    }


def test_filters_narrow_in_the_database(world: World) -> None:
    inventory.grant(world.person("Aiko"), world.door("by ssh", acts_as=world.root, reach="ssh"))
    machine = inventory.account(world.jump, inventory.identity("svc-patch", "service"), "svc-patch")
    inventory.grant(machine, world.door("by sudo", acts_as=world.root, reach="sudo"))
    inventory.credential(world.root, "password")
    assert {way[0] for way in world.ways(reach="sudo")} == {"svc-patch"}
    assert {way[0] for way in world.ways(reach="own")} == {"root"}
    assert {way[0] for way in world.ways(who="people")} == {"Aiko"}
    assert {way[0] for way in world.ways(who="machines")} == {"svc-patch"}
    assert len(paths(Asked(world.core), AT, most=2)) == 2
    assert sum(len(part) for part in reach.streamed(Asked(world.core), AT, batch=2)) == 3


def test_a_password_that_is_seen_is_used_where_the_gateway_does_not_see(world: World) -> None:
    for name, marks in (("use", []), ("see", ["secrets_read"])):
        inventory.grant(world.person(name), world.door(name, acts_as=world.root, marks=marks))
    seen_by = {path.identity_name: path.seen_by for path in world.paths()}
    assert seen_by == {"use": (world.jump.pk,), "see": ()}


def test_the_last_use_of_a_chain_is_known_only_if_each_link_is(world: World) -> None:
    step = inventory.account(world.jump, name="step", kind=Account.Kind.ROLE)
    first = inventory.grant(world.person("Aiko"), world.door("step", acts_as=step))
    last = inventory.grant(step, world.door("root", acts_as=world.root))
    GrantUse.objects.create(grant=first, last_used_at=AT - DAY)
    assert [path.last_used_at for path in world.paths() if path.identity_name] == [None]
    GrantUse.objects.create(grant=last, last_used_at=AT - 9 * DAY)
    assert [path.last_used_at for path in world.paths() if path.identity_name] == [AT - 9 * DAY]


@pytest.mark.parametrize(
    ("kind", "rhythm", "days", "needed"),
    [
        ("human", "", 20, True),
        ("human", "", 100, False),
        ("human", "", None, None),
        ("service", "yearly", 200, True),
        ("service", "daily", 20, False),
        ("service", "", 20, True),
        ("service", "", 200, None),
        ("service", "emergency", None, True),
    ],
)
def test_still_needed_is_judged_against_the_rhythm(
    world: World, kind: str, rhythm: str, days: int | None, needed: bool | None
) -> None:
    identity = inventory.identity("Somebody", kind, rhythm=rhythm)
    grant = inventory.grant(inventory.account(world.jump, identity), world.door("root", acts_as=world.root))
    if days is not None:
        GrantUse.objects.create(grant=grant, last_used_at=AT - days * DAY)
    [path] = world.paths()
    assert path.is_needed(path.last_used_at, AT) is needed


def test_the_grants_of_every_path_are_staged_gateways_included(world: World) -> None:
    mine = inventory.grant(world.person("Dana", world.core), inventory.entitlement(world.core))
    there = inventory.grant(world.person("Aiko"), world.door("root", acts_as=world.root))
    inventory.grant(world.person("Omar"), inventory.entitlement(world.jump))
    reach.stage([world.core], AT)
    with connection.cursor() as cursor:
        cursor.execute("SELECT grant_id, system_id FROM staging_reach")
        assert set(cursor.fetchall()) == {(mine.pk, world.core.pk), (there.pk, world.jump.pk)}


def test_nobody_at_all(world: World) -> None:
    assert world.ways() == set()
    assert reach.names_of([]).of([1]) == []
    assert Identity.objects.count() == 0
