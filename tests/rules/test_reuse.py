"""N8 and N9: one machine or one secret in several places."""

import pytest

from accounts.models import Account, System
from tests.factories import inventory
from tests.rules.conftest import Ask, fires, key_of, machine

pytestmark = pytest.mark.django_db


def test_one_identity_in_two_environments(ask: Ask, core: System, lab: System) -> None:
    made = machine(core)
    assert ask("N8.1") == {}
    other = inventory.account(lab, made)
    found = ask("N8.1")
    assert fires(found, made)
    assert found[str(made.pk)].facts == {"what": "identity"}
    Account.objects.filter(pk=other.pk).update(is_enabled=False)
    assert ask("N8.1") == {}


def test_two_systems_of_one_environment_are_fine(ask: Ask, core: System) -> None:
    made = machine(core)
    inventory.account(inventory.system("PAY"), made)
    assert ask("N8.1") == {}


def test_people_work_in_several_environments(ask: Ask, core: System, lab: System) -> None:
    dana = inventory.identity("Dana Kovac")
    inventory.account(core, dana)
    inventory.account(lab, dana)
    assert ask("N8.1") == {}


SHARED = [
    # kind, names a place only, environment of the other, in two environments?, one secret for several?
    ("access_key", False, "test", True, True),
    ("access_key", False, "production", False, True),
    ("ssh_key", False, "test", True, True),
    ("password", False, "test", False, False),
    ("secret", True, "test", False, False),
    ("federated", False, "test", False, False),
]


@pytest.mark.parametrize(("kind", "is_slot", "environment", "mixed", "shared"), SHARED)
def test_one_secret_in_two_places(
    ask: Ask, core: System, kind: str, is_slot: bool, environment: str, mixed: bool, shared: bool
) -> None:
    other = inventory.system("TWO", environment=environment)
    keys = [key_of(machine(where), kind, fingerprint="AKIASAME", is_slot=is_slot) for where in (core, other)]
    key_of(machine(core), kind, is_slot=is_slot)
    expected = {str(key.pk) for key in keys}
    assert set(ask("N8.1")) == (expected if mixed else set())
    assert set(ask("N9.2")) == (expected if shared else set())


def test_equal_fingerprints_of_two_kinds_are_two_secrets(ask: Ask, core: System) -> None:
    key_of(machine(core), "token", fingerprint="same")
    key_of(machine(core), "ssh_key", fingerprint="same")
    assert ask("N9.2") == {}


def test_one_identity_with_one_key_on_two_accounts_shares_it_with_nobody(ask: Ask, core: System) -> None:
    made = machine()
    for where in (core, inventory.system("TWO")):
        inventory.credential(inventory.account(where, made), "ssh_key", fingerprint="same")
    assert ask("N9.2") == {}


def test_a_key_shared_with_a_person_is_found_with_the_machine(ask: Ask, core: System) -> None:
    key = key_of(machine(core), "ssh_key", fingerprint="same")
    theirs = inventory.account(core, inventory.identity("Dana Kovac"))
    inventory.credential(theirs, "ssh_key", fingerprint="same")
    found = ask("N9.2")
    assert fires(found, key)
    assert found[str(key.pk)].facts == {"kind": "ssh_key", "others": 1}


@pytest.mark.parametrize(("consumers", "fired"), [([], False), (["a"], False), (["a", "b"], True)])
def test_consumers(ask: Ask, consumers: list[str], fired: bool) -> None:
    made = machine(consumers=consumers)
    assert fires(ask("N9.1"), made) is fired
    assert ask("N9.1", most=2) == {}
