"""N5: more rights than needed, or for longer."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import Account, Grant, GrantUse, System
from reviews.views import finding_words
from tests.factories import inventory
from tests.factories.sessions import sealed_session
from tests.rules.conftest import Ask, account_of, ago, fires, machine, privileged

pytestmark = pytest.mark.django_db
CAST = b'{"version": 2, "width": 80, "height": 24}\n'


@pytest.mark.parametrize(
    ("days", "fields", "fired"),
    [
        (92, {}, True),
        (89, {}, False),
        (None, {}, False),
        (200, {"rhythm": "yearly"}, False),
        (400, {"rhythm": "yearly"}, True),
        (400, {"rhythm": "emergency"}, False),
        (400, {"status": "on_leave"}, False),
    ],
)
def test_a_right_nobody_uses(
    ask: Ask, core: System, days: float | None, fields: dict[str, Any], fired: bool
) -> None:
    grant = privileged(machine(core, **fields))
    if days:
        GrantUse.objects.create(grant=grant, last_used_at=ago(days))
    assert fires(ask("N5.1"), grant) is fired


def test_a_session_is_a_use(ask: Ask, core: System) -> None:
    grant = privileged(machine(core))
    GrantUse.objects.create(grant=grant, last_used_at=ago(200))
    sealed_session(grant, CAST, started_at=ago(30))
    assert ask("N5.1") == {}


@pytest.mark.parametrize("fields", [{"is_eligible": True}, {}])
def test_only_privileged_rights_in_force_are_unused(ask: Ask, core: System, fields: dict[str, Any]) -> None:
    made = account_of(machine(core))
    right = inventory.entitlement(core, privileged=bool(fields))
    GrantUse.objects.create(grant=inventory.grant(made, right, **fields), last_used_at=ago(200))
    assert ask("N5.1") == {}


# An end counts from when it began; where that is unknown, from the reading that showed it (yesterday).
STANDING = [
    # began days ago, ends in days, administrator, always on?
    (10, None, False, True),
    (10, 79, False, False),
    (10, 81, False, True),
    (0.1, 0.8, True, False),
    (0.1, 1.1, True, True),
    (None, 80, False, False),
    (None, 92, False, True),
    (None, None, False, True),
    (10, -1, False, True),  # the end has passed, and it is still held
    (10, -0.01, True, True),
    (None, -1, False, True),
]


@pytest.mark.parametrize(("began", "ends", "admin", "fired"), STANDING)
def test_always_on(
    ask: Ask, core: System, began: float | None, ends: float | None, admin: bool, fired: bool
) -> None:
    right = inventory.entitlement(core, marks=["admin"] if admin else [])
    since = ago(began) if began is not None else None
    end = ago(-ends) if ends is not None else None
    grant = inventory.grant(account_of(machine(core)), right, since=since, ends_at=end)
    assert fires(ask("N5.2"), grant) is fired
    # The meter and the lists agree.
    assert Grant.objects.standing().filter(pk=grant.pk).exists() is fired
    assert Grant.objects.time_boxed().filter(pk=grant.pk).exists() is not fired


@pytest.mark.parametrize(("ends", "said"), [(None, "no_end"), (ago(-400), "late_end"), (ago(1), "past_end")])
def test_why_it_is_always_on_is_said(ask: Ask, core: System, ends: datetime | None, said: str) -> None:
    grant = inventory.grant(
        account_of(machine(core)), inventory.entitlement(core), since=ago(10), ends_at=ends
    )
    assert (ask("N5.2")[str(grant.pk)].facts["end"]) == said
    assert finding_words.CODES["end"][said]


@pytest.mark.parametrize(
    ("account", "grant", "right"),
    [
        ({"kind": "emergency"}, {}, True),
        ({"is_enabled": False}, {}, True),
        ({"expires_at": ago(1)}, {}, True),
        ({}, {"is_eligible": True}, True),
        ({}, {}, None),
    ],
)
def test_what_is_not_always_on(
    ask: Ask, core: System, account: dict[str, Any], grant: dict[str, Any], right: bool | None
) -> None:
    made = inventory.account(core, inventory.identity(), **account)
    inventory.grant(made, inventory.entitlement(core, privileged=right), **grant)
    assert ask("N5.2") == {}


def test_people_and_machines_alike(ask: Ask, core: System) -> None:
    person = inventory.account(core, inventory.identity("Dana Kovac"))
    grants = [inventory.grant(person, inventory.entitlement(core)), privileged(machine(core))]
    found = ask("N5.2")
    assert [found[str(grant.pk)].is_human for grant in grants] == [True, False]
    assert all(one.is_privileged for one in found.values())


@pytest.mark.parametrize(
    ("marks", "human", "fired"),
    [
        (["admin"], False, True),
        (["wildcard"], False, True),
        (["admin"], True, False),
        (["exec"], False, False),
    ],
)
def test_everything(ask: Ask, core: System, marks: list[str], human: bool, fired: bool) -> None:
    made = inventory.identity(kind="human" if human else "service")
    right = inventory.entitlement(core, marks=marks)
    grant = inventory.grant(inventory.account(core, made), right)
    assert fires(ask("N5.3"), grant) is fired


def test_everything_through_groups_in_a_circle(ask: Ask, core: System) -> None:
    outer, inner = (inventory.entitlement(core, kind="group", privileged=None) for _ in range(2))
    inventory.inclusion(outer, inner)
    inventory.inclusion(inner, outer)
    inventory.inclusion(inner, inventory.entitlement(core, marks=["wildcard"]))
    grant = inventory.grant(account_of(machine(core)), outer)
    found = ask("N5.3")
    assert fires(found, grant)
    assert found[str(grant.pk)].facts == {"what": "wildcard"}


def test_a_machines_account_of_nobody_counts_as_a_machine(ask: Ask, core: System) -> None:
    made = inventory.account(core, kind=Account.Kind.MACHINE)
    grant = inventory.grant(made, inventory.entitlement(core, marks=["admin"]), since=ago(1))
    found = ask("N5.3", at=ago(0) + timedelta(hours=1))
    assert fires(found, grant)
    assert found[str(grant.pk)].is_human is False
