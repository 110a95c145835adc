"""H: what practice asks about people, and about accounts that belong to none."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Account, Identity, Membership, System
from portal import moment
from sessions_app.models import Coverage, Recorder
from tests.factories import inventory
from tests.factories.people import People
from tests.factories.reviews import bank as make_bank
from tests.factories.reviews import item_of
from tests.rules.conftest import Ask, ago, fires, machine

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("status", "account", "fired"),
    [
        ("left", {}, True),
        ("left", {"is_enabled": False}, False),
        ("left", {"is_enabled": True}, True),
        ("left", {"expires_at": ago(1)}, False),
        ("active", {}, False),
        ("on_leave", {}, False),
    ],
)
def test_a_leaver_can_act(ask: Ask, core: System, status: str, account: dict[str, Any], fired: bool) -> None:
    made = inventory.account(core, inventory.identity(status=status), **account)
    assert fires(ask("H1"), made) is fired


@pytest.mark.parametrize(
    ("kind", "right", "fired"),
    [
        ("", True, True),
        ("machine", True, True),
        ("", None, False),
        ("shared", True, False),
        ("role", True, False),
    ],
)
def test_privileged_orphans(ask: Ask, core: System, kind: str, right: bool | None, fired: bool) -> None:
    made = inventory.account(core, kind=kind)
    inventory.grant(made, inventory.entitlement(core, privileged=right))
    assert fires(ask("H2"), made) is fired
    linked = inventory.account(core, inventory.identity())
    inventory.grant(linked, inventory.entitlement(core))
    assert fires(ask("H2"), made) is fired


@pytest.mark.parametrize(("days", "fired"), [(89, False), (91, True), (None, False)])
def test_emergency_accounts_are_tried(ask: Ask, core: System, days: float | None, fired: bool) -> None:
    last = ago(days) if days else None
    made = inventory.account(core, kind=Account.Kind.EMERGENCY, last_used_at=last)
    inventory.account(core, last_used_at=ago(400))
    assert fires(ask("H3"), made) is fired


def member(account: Account, *, status: str = "active", until: Any = None) -> Identity:
    made = inventory.identity(status=status)
    Membership.objects.create(account=account, identity=made, during=DateTimeTZRange(ago(400), until))
    return made


@pytest.mark.parametrize(
    ("statuses", "fired"),
    [
        ([], True),
        (["active"], True),
        (["active", "active"], False),
        (["active", "left"], True),
        (["active", "on_leave"], False),
    ],
)
def test_two_custodians(ask: Ask, core: System, statuses: list[str], fired: bool) -> None:
    made = inventory.account(core, kind=Account.Kind.EMERGENCY)
    for status in statuses:
        member(made, status=status)
    assert fires(ask("H4"), made) is fired


@pytest.mark.parametrize(
    ("status", "ended", "rotated", "fired"),
    [
        ("left", None, None, True),  # still listed
        ("left", None, 1, True),
        ("left", 10, 11, True),
        ("left", 10, 9, False),
        ("left", 10, None, False),  # since when the secret is the same is unknown
        ("active", None, None, False),
    ],
)
def test_a_member_who_left(
    ask: Ask, core: System, status: str, ended: float | None, rotated: float | None, fired: bool
) -> None:
    made = inventory.account(core, kind=Account.Kind.SHARED)
    member(made, status=status, until=ago(ended) if ended else None)
    inventory.credential(made, "password", rotated_at=ago(rotated) if rotated else None)
    assert fires(ask("H5"), made) is fired


def covered(system: System, until: timedelta | None = None) -> None:
    recorder = Recorder.objects.create(code=f"rec-{system.code}", name="Recorder")
    end = moment.now() + until if until else None
    Coverage.objects.create(recorder=recorder, system=system, during=DateTimeTZRange(ago(100), end))


@pytest.mark.parametrize(
    ("fields", "recorded", "fired"),
    [
        ({"reach": "ssh"}, True, True),
        ({"kind": "act_as"}, True, True),
        ({}, True, False),
        ({"reach": "ssh"}, False, False),
    ],
)
def test_recorded_and_never_reviewed(
    ask: Ask, core: System, fields: dict[str, Any], recorded: bool, fired: bool
) -> None:
    made = inventory.account(core, inventory.identity())
    grant = inventory.grant(made, inventory.entitlement(core, **fields))
    covered(core, None if recorded else timedelta(days=-1))
    assert fires(ask("H6"), grant) is fired


def test_a_gateways_right_to_act_where_it_is_recorded(ask: Ask, core: System) -> None:
    jump = inventory.system("JUMP", is_gateway=True)
    root = inventory.account(core, name="root", kind="role")
    right = inventory.entitlement(jump, kind="act_as", acts_as=root)
    grant = inventory.grant(inventory.account(jump, inventory.identity()), right)
    covered(core)
    covered(jump)
    assert fires(ask("H6"), grant)


def test_a_review_settles_it(ask: Ask, people: People) -> None:
    bank = make_bank(people)
    grant = bank.grant(bank.hire(), bank.right(reach="ssh"))
    covered(bank.system)
    item = item_of(bank.launched(), grant)
    assert fires(ask("H6"), grant)
    type(item).objects.filter(pk=item.pk).update(verdict="certify", decided_at=moment.now())
    assert ask("H6") == {}


def test_a_machine_that_left_is_no_leaver(ask: Ask, core: System) -> None:
    machine(core, status="left")
    assert ask("H1") == {}
