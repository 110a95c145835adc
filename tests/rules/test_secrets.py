"""N2 and N7: secrets that others may know, and secrets that live too long."""

from typing import Any

import pytest

from accounts.models import Account, System
from tests.factories import inventory
from tests.rules.conftest import Ask, account_of, ago, fires, key_of, machine, privileged

pytestmark = pytest.mark.django_db


def made_with(core: System, key: dict[str, Any], **fields: Any) -> tuple[Any, Any]:
    made = machine(core, **fields)
    return made, key_of(made, **key)


EXPOSED: list[tuple[dict[str, Any], bool]] = [
    ({"exposed_at": None, "created_at": ago(9)}, False),
    ({"exposed_at": ago(5), "created_at": ago(9)}, True),
    ({"exposed_at": ago(5), "created_at": ago(9), "rotated_at": ago(4)}, False),
    ({"exposed_at": ago(5), "created_at": ago(9), "rotated_at": ago(6)}, True),
    ({"exposed_at": ago(5)}, True),  # nobody knows since when it is the same: it was seen, that is known
    ({"exposed_at": ago(5), "is_active": False}, False),
]


@pytest.mark.parametrize(("key", "fired"), EXPOSED)
def test_exposed_and_the_same(ask: Ask, core: System, key: dict[str, Any], fired: bool) -> None:
    _, secret = made_with(core, key)
    assert fires(ask("N2.2"), secret) is fired


@pytest.mark.parametrize(
    ("storage", "fired"),
    [
        ("", False),
        ("code", True),
        ("Git repository of the team", True),
        ("shared FILE on X:", True),
        ("vault", False),
        ("file in the vault", False),
        ("GitHub Actions secret", False),
        ("Kubernetes Secret pay/core", False),
        ("profile", False),
    ],
)
def test_where_secrets_do_not_belong(ask: Ask, core: System, storage: str, fired: bool) -> None:
    _, secret = made_with(core, {"storage": storage})
    assert fires(ask("N2.3"), secret) is fired


def test_places_are_a_setting(ask: Ask, core: System) -> None:
    _, secret = made_with(core, {"storage": "locker 7"})
    assert ask("N2.3") == {}
    assert fires(ask("N2.3", places=["Locker"]), secret)


AGE: list[tuple[str, bool, dict[str, Any], bool]] = [
    # kind, of a privileged account, times, too old?
    ("access_key", False, {"created_at": ago(364)}, False),
    ("access_key", False, {"created_at": ago(366)}, True),
    ("access_key", True, {"created_at": ago(89)}, False),
    ("access_key", True, {"created_at": ago(91)}, True),
    ("access_key", True, {"created_at": ago(912), "rotated_at": ago(20)}, False),
    ("ssh_key", False, {"created_at": ago(366)}, True),
    ("password", False, {"created_at": ago(366)}, True),
    ("certificate", False, {"created_at": ago(912)}, False),
    ("federated", False, {"created_at": ago(912)}, False),
    ("mfa_device", False, {"created_at": ago(912)}, False),
    ("access_key", False, {}, False),
    ("access_key", False, {"created_at": ago(912), "is_active": False}, False),
]


@pytest.mark.parametrize(("kind", "is_privileged", "key", "fired"), AGE)
def test_age(
    ask: Ask, core: System, kind: str, is_privileged: bool, key: dict[str, Any], fired: bool
) -> None:
    made, secret = made_with(core, {"kind": kind, **key})
    if is_privileged:
        privileged(made)
    assert fires(ask("N7.1"), secret) is fired


def test_a_persons_password_is_no_key(ask: Ask, core: System) -> None:
    theirs = inventory.account(core, inventory.identity("Dana Kovac"))
    inventory.credential(theirs, "password", created_at=ago(900))
    key = inventory.credential(theirs, "access_key", created_at=ago(900))
    assert fires(ask("N7.1"), key)


def test_what_cannot_be_used_is_not_too_old(ask: Ask, core: System) -> None:
    made, _ = made_with(core, {"created_at": ago(900)})
    Account.objects.filter(identity=made).update(is_enabled=False)
    assert ask("N7.1") == {}


END: list[tuple[str, dict[str, Any], bool]] = [
    ("access_key", {}, True),
    ("token", {}, True),
    ("password", {}, False),
    ("certificate", {}, False),
    ("token", {"created_at": ago(0), "expires_at": ago(-364)}, False),
    ("token", {"created_at": ago(0), "expires_at": ago(-366)}, True),
    ("certificate", {"created_at": ago(0), "expires_at": ago(-366)}, True),
    ("token", {"expires_at": ago(-3_000)}, False),  # since when is unknown
]


@pytest.mark.parametrize(("kind", "key", "fired"), END)
def test_an_end(ask: Ask, core: System, kind: str, key: dict[str, Any], fired: bool) -> None:
    _, secret = made_with(core, {"kind": kind, **key})
    assert fires(ask("N7.2"), secret) is fired


ENDING: list[tuple[dict[str, Any], bool]] = [
    ({"expires_at": ago(-31), "last_used_at": ago(2)}, False),
    ({"expires_at": ago(-29), "last_used_at": ago(2)}, True),
    ({"expires_at": ago(5), "last_used_at": ago(2)}, True),
    ({"expires_at": ago(-9), "last_used_at": ago(33)}, False),
    ({"expires_at": ago(-9), "last_used_at": None}, False),
    ({"expires_at": None, "last_used_at": ago(2)}, False),
]


@pytest.mark.parametrize(("key", "fired"), ENDING)
def test_ends_and_is_used(ask: Ask, core: System, key: dict[str, Any], fired: bool) -> None:
    _, secret = made_with(core, key)
    assert fires(ask("N7.3"), secret) is fired


def test_severity_rises_with_privilege_and_production(ask: Ask, core: System, lab: System) -> None:
    found = {}
    for name, system, is_privileged in [
        ("lab", lab, False),
        ("lab+", lab, True),
        ("core", core, False),
        ("core+", core, True),
    ]:
        made, secret = made_with(system, {"created_at": ago(912)})
        if is_privileged:
            inventory.grant(account_of(made), inventory.entitlement(system))
        found[name] = str(secret.pk)
    severities = {name: ask("N7.1")[key].severity for name, key in found.items()}
    assert severities == {"lab": "low", "lab+": "medium", "core": "medium", "core+": "high"}
