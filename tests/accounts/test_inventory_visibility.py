"""What somebody without a role sees of the inventory: their rows, and nothing beside, counts included."""

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Membership
from tests.conftest import As
from tests.factories import inventory
from tests.factories import reviews as factory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(people: People) -> factory.Bank:
    return factory.bank(people)


def test_a_reviewer_sees_the_right_they_review_and_no_other_secret_of_the_account(
    people: People, as_: As, bank: factory.Bank
) -> None:
    grant = bank.grant(bank.hire("Dana Kovac"))
    inventory.credential(grant.account, fingerprint="AKIAUNREVIEWED")
    member = inventory.identity("Somebody Else")
    Membership.objects.create(
        account=grant.account, identity=member, during=DateTimeTZRange(inventory.LONG_AGO, None)
    )
    bank.launched()
    page = as_(people.tomas).get(reverse("account", args=[grant.account_id])).text
    assert grant.entitlement.name in page
    assert "AKIAUNREVIEWED" not in page
    assert "Somebody Else" not in page
    assert "AKIAUNREVIEWED" in as_(people.ines).get(reverse("account", args=[grant.account_id])).text


def test_a_reviewer_is_not_told_how_much_else_there_is(people: People, as_: As, bank: factory.Bank) -> None:
    bank.grant(bank.hire("Dana Kovac"))
    bank.launched()
    bank.grant(None)
    bank.grant(None)
    (shown,) = as_(people.tomas).get(reverse("system_list")).context["systems"]
    assert (shown.account_count, shown.orphan_count, shown.standing_count) == (1, 0, 1)
    (whole,) = as_(people.ines).get(reverse("system_list")).context["systems"]
    assert (whole.account_count, whole.orphan_count, whole.standing_count) == (3, 2, 3)


def test_sources_are_for_those_who_look_after_the_system(people: People, as_: As, bank: factory.Bank) -> None:
    name = bank.reading.source.name
    bank.grant(bank.hire("Dana Kovac"))
    bank.launched()
    url = reverse("system", args=[bank.system.code])
    assert name not in as_(people.tomas).get(url).text
    assert name in as_(people.ines).get(url).text


@pytest.mark.parametrize("name", ["identity_list", "unowned_list", "orphan_list", "my_machines", "trail"])
def test_lists_ask_the_same_number_of_questions_however_long_they_are(
    people: People,
    as_: As,
    bank: factory.Bank,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    name: str,
) -> None:
    owner = identity_of(people.mikael)
    for number in range(60):
        machine = bank.machine(f"svc-{number}", owner=owner if number % 2 else None)
        bank.account(machine if number % 3 else None, kind=Account.Kind.MACHINE)
    client = as_(people.ines if name == "trail" else people.mikael)
    with django_assert_max_num_queries(14):
        assert client.get(reverse(name)).status_code == 200
