"""N4 and N6: how machines prove who they are."""

from typing import Any

import pytest

from accounts.models import Source, System
from tests.factories import inventory
from tests.rules.conftest import Ask, account_of, fires, key_of, machine

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("key", "fired"),
    [
        ({"weakness": ""}, False),
        ({"weakness": "RSA 1024"}, True),
        ({"weakness": "RSA 1024", "is_active": False}, False),
        ({"weakness": "no sub", "kind": "federated"}, False),
    ],
)
def test_weak_ways(ask: Ask, core: System, key: dict[str, Any], fired: bool) -> None:
    secret = key_of(machine(core), **key)
    assert fires(ask("N4.1"), secret) is fired


def test_a_right_that_lets_in_by_an_old_way(ask: Ask, core: System) -> None:
    made = machine(core)
    group = inventory.entitlement(core, privileged=None)
    inventory.inclusion(group, inventory.entitlement(core, privileged=None, marks=["deprecated_auth"]))
    grant = inventory.grant(account_of(made), group)
    inventory.grant(account_of(made), inventory.entitlement(core))
    assert fires(ask("N4.1"), grant)


@pytest.mark.parametrize(
    ("connector", "kind", "fired"),
    [
        ("aws_authorization", "access_key", True),
        ("entra", "secret", True),
        ("kubernetes_rbac", "token", False),
        ("csv_accounts", "access_key", False),
        ("aws_authorization", "password", False),
    ],
)
def test_lasting_secrets_where_none_is_needed(
    ask: Ask, core: System, connector: str, kind: str, fired: bool
) -> None:
    Source.objects.create(name="more", system=core, connector=connector, created_at=inventory.LONG_AGO)
    secret = key_of(machine(core), kind)
    inventory.credential(inventory.account(core, inventory.identity("Dana")), kind)  # a person's
    assert fires(ask("N4.2"), secret) is fired


def test_where_others_are_federated_it_is_possible(ask: Ask, core: System, lab: System) -> None:
    secret = key_of(machine(core))
    key_of(machine(lab))
    assert ask("N4.2") == {}
    key_of(machine(core), "federated", is_slot=True)
    assert fires(ask("N4.2"), secret)


@pytest.mark.parametrize(
    ("name", "kind", "fired"),
    [
        ("ci-deploy-pay", "access_key", True),
        ("svc-Jenkins", "token", True),
        ("ci-deploy-pay", "password", False),
        ("svc-circus", "access_key", False),
        ("social-pricing", "access_key", False),
    ],
)
def test_pipelines(ask: Ask, core: System, name: str, kind: str, fired: bool) -> None:
    secret = key_of(machine(core, name=name), kind)
    assert fires(ask("N6.1"), secret) is fired


def test_what_else_tells_of_a_pipeline(ask: Ask, core: System) -> None:
    secret = key_of(machine(core, name="svc-7", consumers=["payments", "GitHub Actions"]))
    found = ask("N6.1")
    assert fires(found, secret)
    assert found[str(secret.pk)].facts["because"] == "actions"
    assert fires(ask("N6.1", words=["payments"]), secret)


@pytest.mark.parametrize(
    ("marks", "who"),
    [
        (["oidc_without_sub"], "any_workload"),
        (["open_trust", "oidc_without_sub"], "anybody"),
        (["external_trust"], None),
        ([], None),
    ],
)
def test_trust_without_a_subject(ask: Ask, core: System, marks: list[str], who: str | None) -> None:
    role = inventory.account(core, name="deploy", kind="role")
    door = inventory.entitlement(core, kind="act_as", acts_as=role, marks=marks)
    found = ask("N6.2")
    assert fires(found, door) is (who is not None)
    if who:
        assert found[str(door.pk)].facts == {"who": who}
        role.gone_run = role.first_run
        role.save(update_fields=["gone_run"])
        assert ask("N6.2") == {}
