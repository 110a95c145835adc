"""Whose account it is: linked where it is sure, a doubt where it is not, and never changed by a reading."""

from datetime import UTC, datetime

import pytest

from accounts.models import Account, Identity, Source
from accounts.services import identities
from tests.factories import inventory, readings
from tests.factories.readings import applied, day, previewed

pytestmark = pytest.mark.django_db

HR = "employee number,name,email,start date,end date,status\n"
JOHN = "1,John Smith,jsmith@bank.test,2010-01-01,,active\n"
JOHN_LEFT = "1,John Smith,john@old.test,2010-01-01,2025-05-31,left\n"
JON = "2,Jon Smith,jon.smith@bank.test,2026-01-01,,active\n"
ACCOUNTS = "account,employee number,email,created,kind\n"


@pytest.fixture
def hr() -> Source:
    return readings.source()


@pytest.fixture
def core() -> Source:
    return readings.source(readings.system())


def account(name: str = "jsmith") -> Account:
    return Account.objects.get(name=name)


def person(name: str) -> Identity:
    return Identity.objects.get(name=name)


@pytest.mark.parametrize(
    ("row", "method"),
    [
        ("jsmith,1,,,\n", "number"),
        ("jsmith,,JSmith@bank.test,,\n", "email"),
        ("jsmith,1,jsmith@bank.test,,\n", "number"),
    ],
)
def test_it_is_linked_by_number_then_by_address(hr: Source, core: Source, row: str, method: str) -> None:
    applied(hr, HR + JOHN, day(1))
    run = previewed(core, ACCOUNTS + row, day(1))
    assert run.preview["links"] == {method: 1}
    readings.apply(run)
    assert (account().identity, account().match_method, account().doubt) == (person("John Smith"), method, "")


def test_people_who_come_later_get_the_accounts_that_waited(hr: Source, core: Source) -> None:
    applied(core, ACCOUNTS + "jsmith,1,,,\n", day(1))
    assert account().identity is None
    applied(hr, HR + JOHN, day(1))
    assert account().identity == person("John Smith")


def test_a_leavers_account_is_theirs(hr: Source, core: Source) -> None:
    applied(hr, HR + JOHN_LEFT, day(1))
    applied(core, ACCOUNTS + "jsmith,1,,,\n", day(1))
    assert account().identity == person("John Smith")


def test_a_recycled_login_stays_with_the_leaver_and_is_doubted(hr: Source, core: Source) -> None:
    applied(hr, HR + JOHN, day(1))
    applied(core, ACCOUNTS + "jsmith,1,,,\n", day(1))
    applied(hr, HR + JOHN_LEFT + JON, day(2))
    run = previewed(core, ACCOUNTS + "jsmith,2,,,\n", day(3))
    assert run.preview["links"] == {"recycled": 1}
    readings.apply(run)
    assert (account().identity, account().doubt) == (person("John Smith"), Account.Doubt.RECYCLED)


def test_a_new_account_with_a_leavers_login_is_doubted(hr: Source, core: Source) -> None:
    applied(hr, HR + JOHN, day(1))
    applied(core, "account id,account,employee number\nguid-1,jsmith,1\n", day(1))
    applied(hr, HR + JOHN_LEFT + JON, day(2))
    applied(core, "account id,account,employee number\nguid-2,JSmith,2\n", day(3))
    new = Account.objects.get(external_id="guid-2")
    assert (new.identity, new.doubt) == (None, Account.Doubt.RECYCLED)


def test_an_address_of_a_leaver_and_of_another_is_doubted(hr: Source, core: Source) -> None:
    applied(hr, HR + JOHN_LEFT.replace("john@old.test", "jsmith@bank.test"), day(1))
    applied(
        hr,
        HR + JOHN_LEFT.replace("john@old.test", "jsmith@bank.test") + JON.replace("jon.smith", "jsmith"),
        day(2),
    )
    applied(core, ACCOUNTS + "jsmith,,jsmith@bank.test,,\n", day(2))
    assert (account().identity, account().doubt) == (None, Account.Doubt.RECYCLED)


def test_an_account_older_than_the_first_day_is_doubted(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    applied(core, ACCOUNTS + "jsmith,2,,2019-05-01,\njon2,2,,2026-01-01,\n", day(1))
    assert (account().identity, account().doubt) == (None, Account.Doubt.OLDER)
    assert account("jon2").identity == person("Jon Smith")


def test_an_unknown_first_day_is_no_doubt(hr: Source, core: Source) -> None:
    applied(hr, "employee number,name\n2,Jon Smith\n", day(1))
    applied(core, ACCOUNTS + "jsmith,2,,2019-05-01,\n", day(1))
    assert account().identity == person("Jon Smith")


@pytest.mark.parametrize(
    "row", ["x,,desk@bank.test,,\n", "x,1,bo@bank.test,,\n"], ids=["two people", "contradiction"]
)
def test_more_than_one_person_is_a_doubt(hr: Source, core: Source, row: str) -> None:
    people = "1,Ann Low,desk@bank.test,,,\n2,Bo High,bo@bank.test,,,\n3,Cy Mid,desk@bank.test,,,\n"
    applied(hr, HR + people, day(1))
    applied(core, ACCOUNTS + row, day(1))
    assert (account("x").identity, account("x").doubt) == (None, Account.Doubt.AMBIGUOUS)


def test_an_address_tells_two_companies_same_numbers_apart(hr: Source, core: Source) -> None:
    applied(hr, HR + JOHN, day(1))
    applied(readings.source(employer="Fjordpay"), HR + "1,Ola Nord,ola@fjordpay.test,,,\n", day(1))
    applied(core, ACCOUNTS + "ola,1,ola@fjordpay.test,,\nwho,1,,,\n", day(1))
    assert account("ola").identity == person("Ola Nord")
    assert (account("who").identity, account("who").doubt) == (None, Account.Doubt.AMBIGUOUS)


@pytest.mark.parametrize("kind", ["shared", "emergency", "service account"])
def test_an_owners_address_on_another_kind_of_account_links_nobody(
    hr: Source, core: Source, kind: str
) -> None:
    applied(hr, HR + JOHN, day(1))
    applied(core, ACCOUNTS + f"opsdesk,,jsmith@bank.test,,{kind}\n", day(1))
    assert account("opsdesk").identity is None


def test_a_link_that_stands_is_not_changed(hr: Source, core: Source) -> None:
    applied(hr, HR + JOHN + JON, day(1))
    applied(core, ACCOUNTS + "jsmith,1,,,\n", day(1))
    applied(core, ACCOUNTS + "jsmith,2,,,\n", day(2))
    assert (account().identity, account().doubt) == (person("John Smith"), Account.Doubt.AMBIGUOUS)
    applied(core, ACCOUNTS + "jsmith,1,,,\n", day(3))
    assert account().doubt == ""


def test_what_was_taken_away_by_hand_is_not_given_back(hr: Source, core: Source) -> None:
    applied(hr, HR + JOHN, day(1))
    applied(core, ACCOUNTS + "jsmith,1,,,\n", day(1))
    identities.unlink_account(account(), version=None, actor=readings.iam().actor)
    applied(core, ACCOUNTS + "jsmith,1,,,\n", day(2))
    assert account().identity is None


def test_a_hand_made_link_is_left_alone(hr: Source, core: Source) -> None:
    applied(hr, HR + JOHN + JON, day(1))
    applied(core, ACCOUNTS + "jsmith,,,,\n", day(1))
    identities.link_account(account(), person("Jon Smith"), version=None, actor=readings.iam().actor)
    before = Account.objects.values().get()
    applied(core, ACCOUNTS + "jsmith,1,,,\n", day(2))
    assert Account.objects.values().get() | {"employee_number": "", "version": 0} == before | {"version": 0}


def test_two_machines_of_one_name_are_a_doubt(core: Source) -> None:
    for _ in range(2):
        inventory.identity("svc-x", kind="service", created_at=datetime(2025, 1, 1, tzinfo=UTC))
    applied(core, "account,identity,identity kind\nsvc,svc-x,service\n", day(1))
    assert (account("svc").identity, account("svc").doubt) == (None, Account.Doubt.AMBIGUOUS)
