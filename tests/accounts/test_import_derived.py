"""What follows from a reading and is kept: what carries privilege, and whom a right acts as."""

import pytest

from accounts.models import Account, Entitlement, Grant, System
from accounts.models.reach import Asked, paths
from accounts.services import systems
from portal.audit.services import PORTAL
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


def jump_and_core() -> tuple[System, Account]:
    """A gateway, and root on a system that runs on core01."""
    jump, core = readings.system("JUMP"), readings.system("CORE")
    for one, told in ((core, {"hosts": ["core01", "core02"]}), (jump, {"is_gateway": True})):
        System.objects.filter(pk=one.pk).update(**told)
        one.refresh_from_db()
    return jump, inventory.account(core, name="root", kind="role")


@pytest.mark.parametrize("said", ["root@core01", "ROOT@Core02", "root on core01", "root @ core01"])
def test_account_and_place_in_one_word_are_read_as_session_reach_reads_them(said: str) -> None:
    jump, root = jump_and_core()
    source = readings.source(jump, mapping={})
    applied(source, f"account,entitlement,entitlement kind,acts as\nann,be-root,act_as,{said}\n")
    assert acted_as("be-root") == root
    [path] = [one for one in paths(Asked(root.system, "root"), day(9)) if one.account_name == "ann"]
    assert (path.fits, path.target_id, path.place) == (
        "named",
        root.pk,
        said.rsplit(maxsplit=1)[-1].rsplit("@", maxsplit=1)[-1].lower(),
    )


@pytest.mark.parametrize("said", ["root@elsewhere", "nobody@core01", "root@core01@core02", "@core01"])
def test_a_word_that_names_no_account_that_is_known_leads_to_none(said: str) -> None:
    jump, _root = jump_and_core()
    applied(
        readings.source(jump, mapping={}),
        f"account,entitlement,entitlement kind,acts as\nann,x,act_as,{said}\n",
    )
    assert acted_as("x") is None


def test_an_account_whose_own_name_has_an_at_sign_is_taken_whole() -> None:
    jump, _root = jump_and_core()
    own = inventory.account(jump, name="root@core01")
    applied(
        readings.source(jump, mapping={}),
        "account,entitlement,entitlement kind,acts as\nann,x,act_as,root@core01\n",
    )
    assert acted_as("x") == own
    assert [one.fits for one in paths(Asked(jump, host="jump"), day(9)) if one.account_name == "ann"] == [
        "named"
    ]


def test_a_right_that_names_a_place_alone_counts_for_any_account_there() -> None:
    jump, root = jump_and_core()
    applied(
        readings.source(jump, mapping={}),
        "account,entitlement,entitlement kind,acts on,privileged\nann,open core,act_as,core01,yes\n",
    )
    assert acted_as("open core") is None
    [path] = [one for one in paths(Asked(root.system, "root"), day(9)) if one.account_name == "ann"]
    assert (path.fits, path.target_id, path.target_name, path.place) == ("placed", None, "", "core01")


def test_all_hosts_of_a_system_are_here_and_all_hosts_behind_a_gateway_are_no_place() -> None:
    jump, root = jump_and_core()
    inventory.account(jump, name="root", kind="role")
    rows = "account,entitlement,entitlement kind,acts as,acts on\nann,any root,act_as,root,ALL\n"
    applied(readings.source(root.system, mapping={}), rows)
    assert acted_as("any root") == root
    Entitlement.objects.filter(name="any root").update(name="of core")
    applied(readings.source(jump, mapping={}), rows)
    assert acted_as("any root") is None


def test_a_right_that_acts_as_nobody_any_more_leads_nowhere() -> None:
    jump, root = jump_and_core()
    source = readings.source(jump, mapping={})
    applied(source, "account,entitlement,entitlement kind,acts as\nann,x,act_as,root@core01\n", day(1))
    assert acted_as("x") == root
    applied(source, "account,entitlement,entitlement kind,because\nann,x,act_as,it was closed\n", day(2))
    assert acted_as("x") is None


def test_a_host_with_another_name_matches_the_words_again() -> None:
    jump, root = jump_and_core()
    applied(
        readings.source(jump, mapping={}),
        "account,entitlement,entitlement kind,acts as\nann,x,act_as,root@core09\nann,y,act_as,root@core01\n",
    )
    assert (acted_as("x"), acted_as("y")) == (None, root)
    core = System.objects.get(code="CORE")
    systems.edit(
        core, name=core.name, environment=core.environment, removal_days=core.removal_days, owner=None,
        deputy=None, carriers=[], version=core.version, actor=PORTAL, hosts=["core09"],
    )  # fmt: skip
    assert (acted_as("x"), acted_as("y")) == (root, None)
