"""Pages of an account and of a grant: inherited rights, where they end, how privilege stands, act-as."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse

from accounts.models import Grant, Revocation
from accounts.models.effective import Moment, follow
from accounts.models.held_rights import named
from accounts.services import revocations
from accounts.services.revocations import Cause
from portal import moment
from portal.audit.services import PORTAL
from portal.users.models import User
from tests.conftest import As
from tests.factories import inventory
from tests.factories import reviews as bank_factory
from tests.factories.people import People
from tests.factories.reviews import Bank

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def bank(people: People) -> Bank:
    return bank_factory.bank(people)


@pytest.fixture
def nested(bank: Bank) -> Grant:
    """aiko.adm is in Nested Ops, which brings Domain Admins."""
    ops = bank.right("Nested Ops", kind="group", privileged=None)
    inventory.inclusion(ops, bank.right("Domain Admins", kind="group", because="may change every account"))
    return inventory.grant(bank.account(bank.hire("Aiko Admin"), name="aiko.adm"), ops)


def page(as_: As, user: User, name: str, key: object) -> Any:
    return as_(user).get(reverse(name, args=[key]))


def test_an_account_shows_what_is_inherited_and_where_it_ends(bank: Bank, as_: As, nested: Grant) -> None:
    text = page(as_, bank.everybody.ines, "account", nested.account_id).text
    assert "through Nested Ops" in text
    assert "not here: remove from group Nested Ops" in text
    assert f"{reverse('as_of')}?account={nested.account_id}" in text


def test_an_account_shows_what_lets_others_act_as_it(bank: Bank, as_: As, nested: Grant) -> None:
    jump = inventory.entitlement(
        inventory.system("JUMP"), "root-on-core", kind="act_as", acts_as=nested.account, reach="ssh"
    )
    text = page(as_, bank.everybody.ines, "account", nested.account_id).text
    assert "root-on-core" in text
    assert f"{reverse('as_of')}?right={jump.pk}" in text
    # Leon owns the system of the account, not the gateway.
    assert "root-on-core" not in page(as_, bank.leon, "account", nested.account_id).text


def test_rights_held_before_stand_apart(bank: Bank, as_: As, nested: Grant) -> None:
    ended = DateTimeTZRange(None, moment.now() - DAY)
    Grant.objects.filter(pk=nested.pk).update(held=ended, known_to_run=bank.reading)
    text = page(as_, bank.everybody.ines, "account", nested.account_id).text
    assert "Rights held before" in text
    assert "Domain Admins" not in text
    assert page(as_, bank.everybody.ines, "grant", nested.pk).status_code == 200


def test_a_grant_says_what_comes_with_it(bank: Bank, as_: As, nested: Grant) -> None:
    text = page(as_, bank.everybody.ines, "grant", nested.pk).text
    assert "What comes with it, and goes with it" in text
    assert "Domain Admins" in text
    assert "it brings Domain Admins" in text


def test_a_grant_says_by_what_other_way_the_account_has_it(bank: Bank, as_: As, nested: Grant) -> None:
    domain = nested.entitlement.brings.get().child
    direct = inventory.grant(nested.account, domain)
    text = page(as_, bank.everybody.ines, "grant", direct.pk).text
    assert "the account still has it" in text
    assert "through Nested Ops" in text
    assert "the account still has it" not in page(as_, bank.everybody.ines, "grant", nested.pk).text


@pytest.mark.parametrize(
    ("fields", "marks", "state"),
    [
        ({}, [], "standing"),
        ({"is_eligible": True}, [], "eligible"),
        ({"ends_at": 30 * DAY}, [], "time_boxed"),
        ({"ends_at": 91 * DAY}, [], "standing"),
        ({"ends_at": 8 * HOUR}, ["admin"], "time_boxed"),
        ({"ends_at": 30 * DAY}, ["admin"], "standing"),
        ({"is_eligible": True, "ends_at": 8 * HOUR}, ["admin"], "eligible"),
    ],
)
def test_standing_eligible_and_time_boxed(
    bank: Bank, as_: As, fields: dict[str, Any], marks: list[str], state: str
) -> None:
    """An administrator's right may last a day, any other privileged one 90."""
    since = moment.now()
    if "ends_at" in fields:
        fields = fields | {"ends_at": since + fields["ends_at"]}
    account = bank.account(bank.hire())
    grant = inventory.grant(account, bank.right(marks=marks), since, **fields)
    (line,) = named(follow(Grant.objects.filter(pk=grant.pk)))
    assert line.state == state
    words = {
        "standing": "usable now without a fresh approval",
        "eligible": "somebody has to switch it on each time",
        "time_boxed": "it ends within the longest time",
    }
    text = page(as_, bank.everybody.ines, "grant", grant.pk).text
    assert [key for key, said in words.items() if said in text] == [state]
    same = {"standing": "standing", "eligible": "eligible", "time_boxed": "time_boxed"}[state]
    assert getattr(Grant.objects, same)().filter(pk=grant.pk).exists()  # lists say the same


def test_an_agreed_end_that_nobody_enforces_is_still_standing(bank: Bank, as_: As) -> None:
    grant = bank.grant(bank.hire())
    cause = Cause(kind="expiry", reference="test")  # type: ignore[arg-type]
    made = revocations.decide(grant, act=Revocation.Act.LIMIT, cause=cause, actor=PORTAL)
    Revocation.objects.filter(pk=made.pk).update(ends_at=moment.now() + DAY)
    text = page(as_, bank.everybody.ines, "grant", grant.pk).text
    assert "An end is agreed, not enforced" in text
    assert "usable now without a fresh approval, and without an end" in text


def test_an_end_that_passed_while_it_is_still_there_is_said(bank: Bank, as_: As) -> None:
    grant = inventory.grant(
        bank.account(bank.hire()), bank.right(), moment.now() - 9 * DAY, ends_at=moment.now() - DAY
    )
    text = page(as_, bank.everybody.ines, "grant", grant.pk).text
    assert "the last reading still shows it" in text
    assert "its end has passed and was not enforced" in text
    (line,) = named(follow(Grant.objects.filter(pk=grant.pk), Moment(moment.now() - 2 * DAY)))
    assert line.state == "time_boxed"  # as it was then


@pytest.mark.parametrize(
    ("kind", "elsewhere", "said"),
    [
        ("group", "", "not here: remove from group Outer"),
        ("role", "", "not here: take the role Outer away"),
        ("right", "", "not here: take Outer away"),
        ("group", "the HR system", "not here: remove from group Outer, in the HR system"),
    ],
)
def test_where_an_inherited_right_ends(bank: Bank, kind: str, elsewhere: str, said: str) -> None:
    outer = bank.right("Outer", kind=kind, removable_at=elsewhere)
    inventory.inclusion(outer, bank.right("Inner"))
    grant = inventory.grant(bank.account(None), outer)
    itself, inherited = named(follow(Grant.objects.filter(pk=grant.pk)))
    assert inherited.where_it_ends == said
    assert itself.where_it_ends == (f"not here: in {elsewhere}" if elsewhere else "here")
    assert (itself.is_removable_here, inherited.is_removable_here) == (not elsewhere, False)


def test_a_file_that_tells_only_of_the_inherited_right_is_understood(bank: Bank, as_: As) -> None:
    """`via` of a grant: what handed it on, although nothing says how that was granted."""
    grant = inventory.grant(bank.account(None), bank.right("Inner"), via=bank.right("Outer", kind="group"))
    (line,) = named(follow(Grant.objects.filter(pk=grant.pk)))
    assert (line.through, line.where_it_ends) == ("Outer", "not here: remove from group Outer")
    assert "through Outer: not removable here alone" in page(as_, bank.everybody.ines, "grant", grant.pk).text


def test_strangers_find_neither(bank: Bank, as_: As, nested: Grant) -> None:
    for name in ("ruth", "omar", "elena", "tomas"):
        assert page(as_, bank.everybody.by_role[name], "account", nested.account_id).status_code == 404
        assert page(as_, bank.everybody.by_role[name], "grant", nested.pk).status_code == 404


def test_a_reviewer_of_one_right_sees_that_right_alone(bank: Bank, as_: As, nested: Grant) -> None:
    """Tomas reviews Nested Ops in a campaign; what else the account holds is not his to see."""
    bank.launched()
    hidden = inventory.grant(nested.account, bank.right("Given Later"))
    tomas = bank.everybody.tomas
    text = page(as_, tomas, "account", nested.account_id).text
    assert "Domain Admins" in text
    assert "Given Later" not in text
    assert page(as_, tomas, "grant", hidden.pk).status_code == 404
