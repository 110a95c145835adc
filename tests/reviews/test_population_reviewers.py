"""Who reviews what: managers of people, owners and system owners of machines, and nobody their own."""

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Identity, Membership
from portal.users.roles import Role
from reviews.services import campaigns, population
from tests.factories import inventory
from tests.factories.people import identity_of
from tests.factories.reviews import Bank, days_ago, reviewer_user

pytestmark = pytest.mark.django_db


def reviewer(bank: Bank, **fields: object) -> tuple[str, str]:
    """Name and rule of the one item's reviewer."""
    draft = bank.campaign(**{"privileged_only": False, **fields})
    campaigns.preview(draft)
    rows = population.page_of_items(draft, offset=0, limit=10)
    assert len(rows) == 1
    return rows[0]["reviewer"], rows[0]["reviewer_rule"]


def test_a_persons_access_goes_to_their_manager(bank: Bank) -> None:
    bank.grant(bank.hire("Pia"))
    assert reviewer(bank) == ("Tomas Brandt", "manager")


@pytest.mark.parametrize("status", [Identity.Status.LEFT, Identity.Status.ON_LEAVE])
def test_the_next_one_up_stands_in_for_a_manager_who_is_not_there(bank: Bank, status: str) -> None:
    above = inventory.identity("Petra")
    between = inventory.identity("Sven", manager=above, status=status)
    bank.grant(bank.hire("Pia", manager=between))
    assert reviewer(bank) == ("Petra", "manager_up")


def test_without_any_manager_it_falls_to_the_fallback(bank: Bank) -> None:
    bank.grant(bank.hire("Marguerite", manager=None))
    assert reviewer(bank) == ("Ines Falk", "fallback")


def test_managers_in_a_circle_end_at_the_fallback(bank: Bank) -> None:
    one, other = bank.hire("One", status="on_leave"), bank.hire("Other", status="on_leave")
    Identity.objects.filter(pk=one.pk).update(manager=other)
    Identity.objects.filter(pk=other.pk).update(manager=one)
    bank.grant(one)
    assert reviewer(bank) == ("Ines Falk", "fallback")


def test_the_fallbacks_own_access_goes_to_the_fallbacks_manager(bank: Bank) -> None:
    Identity.objects.filter(pk=bank.ines.pk).update(manager=None)
    boss = inventory.identity("Marguerite")
    nobody_above = bank.ines
    bank.grant(nobody_above)
    # Without a manager nobody may decide on it, and that is said rather than decided.
    draft = bank.campaign()
    assert campaigns.preview(draft).without_reviewer == 1
    Identity.objects.filter(pk=bank.ines.pk).update(manager=boss)
    assert reviewer(bank) == ("Marguerite", "manager")


def test_a_machines_unprivileged_right_is_attested_by_its_owner(bank: Bank) -> None:
    owner = inventory.identity("Dana")
    bank.grant(bank.machine("svc", owner=owner), bank.right(privileged=False))
    assert reviewer(bank) == ("Dana", "owner")


@pytest.mark.parametrize("privileged", [True, None])
def test_a_machines_privileged_right_is_decided_by_the_systems_owner(
    bank: Bank, privileged: bool | None
) -> None:
    bank.grant(bank.machine("svc", owner=inventory.identity("Dana")), bank.right(privileged=privileged))
    assert reviewer(bank) == ("Leon Weiss", "system_owner")


def test_a_system_owner_who_owns_the_machine_gives_way_to_their_manager(bank: Bank) -> None:
    boss = inventory.identity("Boss")
    leon = identity_of(bank.leon)
    Identity.objects.filter(pk=leon.pk).update(manager=boss)
    bank.grant(bank.machine("svc", owner=leon))
    assert reviewer(bank) == ("Boss", "system_owner_up")


def test_and_without_a_manager_to_the_fallback(bank: Bank) -> None:
    bank.grant(bank.machine("svc", owner=identity_of(bank.leon)))
    assert reviewer(bank) == ("Ines Falk", "fallback")


@pytest.mark.parametrize("status", [None, Identity.Status.LEFT])
def test_a_machine_whose_owner_is_missing_or_gone_goes_to_the_systems_owner(
    bank: Bank, status: str | None
) -> None:
    owner = inventory.identity("Gone", status=status) if status else None
    bank.grant(bank.machine("svc", owner=owner), bank.right(privileged=False))
    assert reviewer(bank) == ("Leon Weiss", "system_owner")


def test_an_orphan_account_goes_to_the_systems_owner(bank: Bank) -> None:
    bank.grant(None)
    assert reviewer(bank, kinds=["human"]) == ("Leon Weiss", "system_owner")


def test_a_member_of_a_shared_account_does_not_decide_on_it(bank: Bank) -> None:
    shared = bank.account(None, kind="shared")
    inventory.grant(shared, bank.right())
    leon = identity_of(bank.leon)
    Membership.objects.create(account=shared, identity=leon, during=DateTimeTZRange(days_ago(30), None))
    assert reviewer(bank) == ("Ines Falk", "fallback")


def test_access_of_an_iam_administrator_is_decided_outside_iam(bank: Bank) -> None:
    above = inventory.identity("Petra")
    head = reviewer_user("Hanna Head", Role.IAM, manager=above)
    admin = identity_of(bank.everybody.mikael)
    Identity.objects.filter(pk=admin.pk).update(manager=identity_of(head))
    bank.grant(admin)
    assert reviewer(bank) == ("Petra", "manager_up")
