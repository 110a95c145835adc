"""What follows from asserted rights, on any day and by any day's knowledge."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Entitlement, Grant, ImportRun, Inclusion
from accounts.models.effective import (
    END,
    LONGEST_WAY,
    MOST_WAYS,
    START,
    Moment,
    Place,
    as_of,
    follow,
    holders_of,
    rights_of,
)
from tests.factories import inventory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))


def ways(account: Account, moment: Moment = Moment()) -> set[tuple[str, ...]]:  # noqa: B008 - it is a tuple
    names = dict(Entitlement.objects.values_list("pk", "name"))
    return {tuple(names[key] for key in right.way) for right in rights_of([account.pk], moment)}


class Bank:
    """A system with a nest of groups: staff → admins → domain admins."""

    def __init__(self) -> None:
        self.system = inventory.system()
        self.staff, self.admins, self.domain = (
            inventory.entitlement(self.system, name, privileged=None, kind="group")
            for name in ("staff", "admins", "domain")
        )
        self.account = inventory.account(self.system, name="aiko")
        inventory.inclusion(self.staff, self.admins, MAY)
        inventory.inclusion(self.admins, self.domain, MAY)

    def reading(self, at: datetime) -> ImportRun:
        return inventory.run(inventory.source(self.system), at)

    def end(self, row: Grant | Inclusion, at: datetime, by: ImportRun) -> None:
        type(row)._default_manager.filter(pk=row.pk).update(
            held=DateTimeTZRange(row.held.lower, at), known_to_run=by
        )


@pytest.fixture
def bank() -> Bank:
    return Bank()


def test_a_right_comes_with_everything_that_it_brings_and_names_the_way(bank: Bank) -> None:
    grant = inventory.grant(bank.account, bank.staff, MAY)
    assert ways(bank.account) == {("staff",), ("staff", "admins"), ("staff", "admins", "domain")}
    (right,) = (right for right in rights_of([bank.account.pk]) if right.entitlement_id == bank.domain.pk)
    assert (right.is_inherited, right.granted_id, right.grant_id) == (True, bank.staff.pk, grant.pk)


def test_two_ways_to_one_right_are_two_answers(bank: Bank) -> None:
    inventory.grant(bank.account, bank.staff, MAY)
    inventory.grant(bank.account, bank.domain, MAY)
    assert ways(bank.account) >= {("domain",), ("staff", "admins", "domain")}


def test_groups_in_a_circle_end(bank: Bank) -> None:
    inventory.inclusion(bank.domain, bank.staff, MAY)
    inventory.grant(bank.account, bank.admins, MAY)
    assert ways(bank.account) == {("admins",), ("admins", "domain"), ("admins", "domain", "staff")}


def test_whoever_has_a_right_is_found_from_the_right(bank: Bank) -> None:
    other = inventory.account(bank.system, name="farid")
    inventory.grant(bank.account, bank.staff, MAY)
    inventory.grant(other, bank.domain, MAY)
    inventory.grant(inventory.account(bank.system), inventory.entitlement(bank.system), MAY)
    found = {(right.account_id, right.way) for right in holders_of([bank.domain.pk])}
    assert found == {
        (bank.account.pk, (bank.staff.pk, bank.admins.pk, bank.domain.pk)),
        (other.pk, (bank.domain.pk,)),
    }


def test_a_day_before_and_a_day_after_have_different_answers(bank: Bank) -> None:
    grant = inventory.grant(bank.account, bank.staff, MAY)
    bank.end(grant, JUNE, bank.reading(JUNE))
    assert ways(bank.account, Moment(JUNE - DAY)) == {
        ("staff",), ("staff", "admins"), ("staff", "admins", "domain")
    }  # fmt: skip
    assert ways(bank.account, Moment(JUNE + DAY)) == set()
    assert ways(bank.account) == set()


def test_what_a_group_brings_ends_for_its_members(bank: Bank) -> None:
    inventory.grant(bank.account, bank.admins, MAY)
    bank.end(Inclusion.objects.get(parent=bank.admins), JULY, bank.reading(JULY))
    assert ("admins", "domain") in ways(bank.account, Moment(JUNE))
    assert ways(bank.account, Moment(JULY + DAY)) == {("admins",)}


def test_it_began_when_the_last_part_of_the_way_began(bank: Bank) -> None:
    inventory.grant(bank.account, bank.staff, JUNE)
    assert ways(bank.account, Moment(JUNE - DAY)) == set()
    assert {right.since for right in rights_of([bank.account.pk])} == {JUNE}


def test_an_earlier_answer_can_be_given_again_by_what_was_known_then(bank: Bank) -> None:
    """In July a reading taken in June arrives late and ends a right that everybody had thought was held."""
    late = bank.reading(JUNE)
    ImportRun.objects.filter(pk=late.pk).update(applied_at=JULY)
    grant = inventory.grant(bank.account, bank.domain, MAY, known_from_run=bank.reading(MAY))
    bank.end(grant, JUNE, late)
    asked = JUNE + DAY
    assert ways(bank.account, Moment(asked)) == set()
    assert ways(bank.account, Moment(asked, known_at=JULY - DAY)) == {("domain",)}
    assert ways(bank.account, Moment(asked, known_at=JULY + DAY)) == set()
    assert ways(bank.account, Moment(asked, known_at=MAY - DAY)) == set()


def test_an_unknown_beginning_is_certain_only_from_the_reading_that_showed_it(bank: Bank) -> None:
    inventory.grant(bank.account, bank.domain, None, known_from_run=bank.reading(JUNE))
    before, after = (list(rights_of([bank.account.pk], Moment(at))) for at in (MAY, JUNE + DAY))
    assert [right.is_certain for right in before] == [False]
    assert [right.is_certain for right in after] == [True]


def test_eligible_rights_stay_eligible_along_the_way(bank: Bank) -> None:
    inventory.grant(bank.account, bank.staff, MAY, is_eligible=True, ends_at=JULY)
    assert {(right.is_eligible, right.ends_at) for right in rights_of([bank.account.pk])} == {(True, JULY)}


# --- nesting, circles, many ways -------------------------------------------------------------------------


def chain(bank: Bank, length: int) -> list[Entitlement]:
    links = [
        inventory.entitlement(bank.system, f"link{n:02}", first_run=bank.staff.first_run)
        for n in range(length)
    ]
    for parent, child in pairwise(links):
        inventory.inclusion(parent, child, MAY)
    return links


def test_a_way_is_as_long_as_it_may_be_and_no_longer(bank: Bank) -> None:
    links = chain(bank, LONGEST_WAY + 2)
    inventory.grant(bank.account, links[0], MAY)
    assert max(len(right.way) for right in rights_of([bank.account.pk])) == LONGEST_WAY


@pytest.mark.parametrize("size", [1, 2, 5])
def test_circles_of_any_size_end_in_both_directions(bank: Bank, size: int) -> None:
    links = chain(bank, size)
    Inclusion.objects.create(
        system=bank.system, parent=links[-1], child=links[0], held=DateTimeTZRange(MAY, None),
        known_from_run=bank.staff.first_run,
    )  # fmt: skip
    inventory.grant(bank.account, links[0], MAY)
    assert {right.entitlement_id for right in rights_of([bank.account.pk])} == {link.pk for link in links}
    for link in links:
        assert {right.account_id for right in holders_of([link.pk])} == {bank.account.pk}


def test_groups_that_share_members_do_not_multiply(bank: Bank) -> None:
    """Twelve layers of five groups, each in all of the next: 244 million ways, and 61 rights."""
    layers = [
        [inventory.entitlement(bank.system, f"{layer}-{n}", first_run=bank.staff.first_run) for n in range(5)]
        for layer in range(12)
    ]
    for above, below in pairwise(layers):
        for parent in above:
            for child in below:
                inventory.inclusion(parent, child, MAY)
    for first in layers[0]:
        inventory.inclusion(bank.staff, first, MAY)
    inventory.grant(bank.account, bank.staff, MAY)
    found = list(rights_of([bank.account.pk]))
    by_right = Counter(right.entitlement_id for right in found)
    assert {link.pk for layer in layers for link in layer} <= by_right.keys()
    assert max(by_right.values()) <= MOST_WAYS
    (last,) = {right.account_id for right in holders_of([layers[-1][0].pk])}
    assert last == bank.account.pk


def test_two_grants_of_one_right_are_told_apart(bank: Bank) -> None:
    standing = inventory.grant(bank.account, bank.admins, MAY)
    eligible = inventory.grant(bank.account, bank.admins, MAY, is_eligible=True)
    found = {(right.grant_id, right.is_eligible) for right in rights_of([bank.account.pk])}
    assert found == {(standing.pk, False), (eligible.pk, True)}


def test_only_wanted_rights_are_followed_to_their_end(bank: Bank) -> None:
    inventory.grant(bank.account, bank.staff, MAY)
    found = {right.way for right in holders_of([bank.admins.pk, bank.domain.pk])}
    assert found == {
        (bank.staff.pk, bank.admins.pk), (bank.staff.pk, bank.admins.pk, bank.domain.pk)
    }  # fmt: skip
    assert list(holders_of([])) == list(rights_of([])) == []


# --- when it was held, and when it was known -------------------------------------------------------------


def test_since_is_unknown_where_any_part_of_the_way_is(bank: Bank) -> None:
    Inclusion.objects.filter(parent=bank.staff).update(held=DateTimeTZRange(None, None))
    inventory.grant(bank.account, bank.staff, JUNE)
    since = {len(right.way): right.since for right in rights_of([bank.account.pk])}
    assert since == {1: JUNE, 2: None, 3: None}


def test_until_is_the_end_of_whatever_ended_first_as_far_as_known(bank: Bank) -> None:
    grant = inventory.grant(bank.account, bank.staff, MAY, known_from_run=bank.reading(MAY))
    first = Inclusion.objects.get(parent=bank.staff)
    Inclusion.objects.update(known_from_run=bank.reading(MAY))
    bank.end(grant, JULY, bank.reading(JULY))
    bank.end(first, JUNE, bank.reading(JUNE))

    def until(moment: Moment) -> dict[int, datetime | None]:
        return {len(right.way): right.until for right in rights_of([bank.account.pk], moment)}

    asked = JUNE - DAY
    assert until(Moment(asked)) == {1: JULY, 2: JUNE, 3: JUNE}
    assert until(Moment(asked, known_at=JUNE + DAY)) == {1: None, 2: JUNE, 3: JUNE}
    assert until(Moment(asked, known_at=asked)) == {1: None, 2: None, 3: None}


def test_a_correction_of_what_a_group_brings_changes_only_later_answers(bank: Bank) -> None:
    """In July a reading of June arrives: admins had not brought domain since then."""
    inventory.grant(bank.account, bank.admins, MAY, known_from_run=bank.reading(MAY))
    Inclusion.objects.update(known_from_run=bank.reading(MAY))
    late = bank.reading(JUNE)
    ImportRun.objects.filter(pk=late.pk).update(applied_at=JULY)
    bank.end(Inclusion.objects.get(parent=bank.admins), JUNE, late)
    asked = JUNE + DAY
    assert ways(bank.account, Moment(asked)) == {("admins",)}
    assert ways(bank.account, Moment(asked, known_at=JULY - DAY)) == {("admins",), ("admins", "domain")}


def test_what_came_to_be_known_late_was_not_known_before(bank: Bank) -> None:
    late = bank.reading(JULY)
    inventory.grant(bank.account, bank.domain, MAY, known_from_run=late)
    assert ways(bank.account, Moment(JUNE)) == {("domain",)}
    assert ways(bank.account, Moment(JUNE, known_at=JULY - DAY)) == set()
    assert ways(bank.account, Moment(JUNE, known_at=JULY)) == {("domain",)}


def test_knowledge_without_a_moment_is_about_now(bank: Bank) -> None:
    inventory.grant(bank.account, bank.domain, MAY, known_from_run=bank.reading(MAY))
    assert ways(bank.account, Moment(None, known_at=JUNE)) == {("domain",)}
    assert ways(bank.account, Moment(None, known_at=MAY - DAY)) == set()


@pytest.mark.parametrize("edge", [timedelta(0), -timedelta(microseconds=1)])
def test_the_first_moment_counts_and_the_last_does_not(bank: Bank, edge: timedelta) -> None:
    grant = inventory.grant(bank.account, bank.domain, JUNE)
    bank.end(grant, JULY, bank.reading(JULY))
    assert bool(ways(bank.account, Moment(JUNE + edge))) is not bool(edge)
    assert bool(ways(bank.account, Moment(JULY + edge))) is bool(edge)


def test_the_end_between_two_readings_is_not_certain(bank: Bank) -> None:
    source = inventory.source(bank.system)
    may, june, july = (inventory.run(source, at) for at in (MAY, JUNE, JULY))
    inventory.run(inventory.source(bank.system), JULY - DAY)  # another source says nothing of it
    inventory.run(source, JULY - DAY, is_complete=False)  # nor does one that does not list everything
    grant = inventory.grant(bank.account, bank.domain, MAY, known_from_run=may)
    bank.end(grant, JULY, july)

    def doubts(moment: Moment) -> set[str]:
        return {right.doubt for right in rights_of([bank.account.pk], moment)}

    assert doubts(Moment(JUNE - DAY)) == doubts(Moment(JUNE)) == {""}
    assert doubts(Moment(JUNE + DAY)) == {END}
    # In June nobody knew that it would end: it was certain then.
    assert doubts(Moment(JUNE + DAY, known_at=JUNE + 2 * DAY)) == {""}
    assert june.taken_at == JUNE


def test_a_doubt_anywhere_on_the_way_makes_the_right_doubtful(bank: Bank) -> None:
    Inclusion.objects.filter(parent=bank.admins).update(
        held=DateTimeTZRange(None, None), known_from_run=bank.reading(JUNE)
    )
    inventory.grant(bank.account, bank.admins, MAY)
    found = {len(right.way): right.doubt for right in rights_of([bank.account.pk], Moment(MAY + DAY))}
    assert found == {1: "", 2: START}


# --- pages, and what it costs ----------------------------------------------------------------------------


def test_after_any_place_comes_exactly_the_rest(bank: Bank) -> None:
    for number in range(5):
        account = inventory.account(bank.system, name=f"account{number}")
        inventory.grant(account, bank.staff, MAY)
        inventory.grant(account, bank.domain, MAY)
    whole = list(follow(Grant.objects.all()))
    assert len(whole) == 5 * 4
    for position, right in enumerate(whole):
        place = Place(right.account_id, right.grant_id, right.way)
        assert list(follow(Grant.objects.all(), after=place)) == whole[position + 1 :]
    assert list(follow(Grant.objects.all(), at_once=1)) == whole


def test_as_of_answers_for_everybody_or_for_some(bank: Bank) -> None:
    other = inventory.account(bank.system, name="farid")
    inventory.grant(bank.account, bank.domain, MAY)
    inventory.grant(other, bank.admins, MAY)
    assert {right.account_id for right in as_of(JUNE)} == {bank.account.pk, other.pk}
    assert {right.way for right in as_of(JUNE, rights=[bank.domain.pk])} == {
        (bank.domain.pk,), (bank.admins.pk, bank.domain.pk)
    }  # fmt: skip
    assert {right.account_id for right in as_of(JUNE, grants=Grant.objects.filter(account=other))} == {
        other.pk
    }
    assert list(as_of(MAY - DAY)) == []


@pytest.mark.parametrize("moment", [Moment(), Moment(JUNE), Moment(JUNE, JULY)])
def test_a_question_takes_two_queries_however_much_is_held(
    bank: Bank, moment: Moment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(40):
        inventory.grant(
            bank.account, inventory.entitlement(bank.system), MAY, known_from_run=bank.reading(MAY)
        )
    Inclusion.objects.update(known_from_run=bank.reading(MAY))
    inventory.grant(bank.account, bank.staff, MAY, known_from_run=bank.reading(MAY))
    with django_assert_num_queries(2):
        assert len(list(rights_of([bank.account.pk], moment))) > 40
    with django_assert_num_queries(3):
        assert len(list(holders_of([bank.domain.pk], moment))) == 1


@pytest.mark.parametrize("moment", [Moment(), Moment(JUNE), Moment(JUNE, JULY)])
def test_no_question_reads_whole_tables(bank: Bank, moment: Moment) -> None:
    """With sequential scans priced out, a plan that still has one had no index to use.

    Of runs there are few; hashing them all once is what newer servers do, and a good plan.
    """
    Inclusion.objects.update(known_from_run=bank.reading(MAY))
    inventory.grant(bank.account, bank.staff, MAY, known_from_run=bank.reading(MAY))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as asked:
        list(rights_of([bank.account.pk], moment))
        list(holders_of([bank.domain.pk], moment))
    plans = []
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    assert len(plans) == 5
    scanned = [set(re.findall(r"Seq Scan on (accounts_\w+)", plan)) for plan in plans]
    assert [tables for tables in scanned if tables - {"accounts_importrun"}] == []
