"""What follows from a reading and is kept: what carries privilege, and whom a right acts as."""

import pytest

from accounts.models import Account, Entitlement, Grant
from tests.factories import inventory, readings
from tests.factories.readings import applied, day

pytestmark = pytest.mark.django_db

JUMP = "record,account,entitlement,kind,acts as\n"


def acted_as(name: str) -> Account | None:
    return Entitlement.objects.get(name=name).acts_as


def test_a_right_acts_as_the_account_that_its_key_or_else_its_name_says() -> None:
    core = readings.system("CORE")
    by_key = inventory.account(core, name="root")
    inventory.account(core, name="S-1-5", display_name="other")
    Account.objects.filter(external_id="S-1-5").update(name="ROOT")
    jump = readings.source(core, name="Jump", mapping={})
    applied(jump, f"{JUMP}entitlement,,be-root,act_as,root\nentitlement,,be-nobody,act_as,none\n")
    assert acted_as("be-root") == by_key  # not the one that is only called so
    assert acted_as("be-nobody") is None
    applied(jump, f"{JUMP}entitlement,,be-other,act_as,Root\n")
    assert acted_as("be-other") == by_key  # the first of those called so


def test_the_account_may_come_later_than_the_right() -> None:
    core = readings.source(readings.system("CORE"), mapping={})
    applied(core, f"{JUMP}entitlement,,be-oracle,act_as,oracle\n", day(1))
    assert acted_as("be-oracle") is None
    applied(core, f"{JUMP}account,oracle,,,\n", day(2))
    found = acted_as("be-oracle")
    assert found is not None
    assert found.name == "oracle"


def test_a_group_carries_what_it_brings_as_long_as_it_does() -> None:
    system = readings.system("DIR")
    core = readings.source(system, mapping={})
    applied(core, "account,entitlement,privileged\nann,admins,\nann,ROOT,yes\n", day(1))
    group, root = Entitlement.objects.get(name="admins"), Entitlement.objects.get(name="ROOT")
    assert not group.carries_privilege
    bond = inventory.inclusion(group, root)
    Entitlement.objects.filter(pk=group.pk).update(carries_privilege=False, privileged_through=None)
    run = applied(core, "account,entitlement,privileged\nann,admins,\nann,ROOT,yes\n", day(2))
    group.refresh_from_db()
    assert (group.carries_privilege, group.privileged_through) == (True, root)
    type(bond).objects.filter(pk=bond.pk).update(held=(day(1), day(2)), known_to_run=run)
    applied(core, "account,entitlement\nann,admins\n", day(3))
    group.refresh_from_db()
    assert (group.carries_privilege, group.privileged_through) == (False, None)
    assert Grant.objects.held().privileged().count() == 1
