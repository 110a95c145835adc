"""The standing privilege meter against hours worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Grant, GrantUse
from accounts.models.meter import By, Quarter, Reading, meter
from tests.factories import inventory

pytestmark = pytest.mark.django_db
HOUR, DAY = 3600, 86_400
Q3 = Quarter(2026, 3)
NOW = datetime(2026, 11, 24, tzinfo=UTC)  # Q3 (92 days) is over


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def held(since: datetime | None, until: datetime | None = None, **fields: Any) -> Grant:
    """A privileged right of a person, as readings showed it."""
    marks = fields.pop("marks", [])
    owner = fields.pop("identity", None) or inventory.identity()
    account = inventory.account(fields.pop("system", None) or inventory.system(), owner)
    right = inventory.entitlement(account.system, marks=marks)
    shown = inventory.run(inventory.source(account.system), fields.pop("shown", None) or since or at(7, 1))
    grant = inventory.grant(account, right, since, known_from_run=shown, **fields)
    if until is not None:
        Grant.objects.filter(pk=grant.pk).update(held=DateTimeTZRange(since, until), known_to_run=shown)
    return grant


def read(quarter: Quarter = Q3, now: datetime = NOW, by: By = "total", **more: Any) -> Reading:
    (reading,) = meter([quarter], now=now, by=by, **more)
    return reading


def test_a_right_without_an_end_stands_the_whole_quarter() -> None:
    held(at(1, 1))
    found = read()
    assert (found.grants, found.standing, found.eligible, found.time_boxed) == (1, 92 * DAY, 0, 0)


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (at(6, 1), at(7, 11), 10),  # ended ten days into it
        (at(9, 21), None, 10),  # began ten days before its end
        (at(8, 1), at(8, 4), 3),  # within it
    ],
)
def test_only_what_lies_in_the_quarter_counts(since: datetime, until: datetime | None, days: int) -> None:
    held(since, until)
    assert read().standing == days * DAY


def test_a_quarter_that_is_not_over_counts_until_now() -> None:
    held(at(1, 1))
    assert read(Quarter(2026, 4), now=at(10, 3)).standing == 2 * DAY


def test_an_unknown_beginning_counts_from_the_reading_that_showed_it() -> None:
    held(None, shown=at(9, 26))
    assert read().standing == 5 * DAY


def test_an_end_within_the_window_is_time_boxed_and_what_outlives_it_stands() -> None:
    held(at(8, 1), at(8, 1, 12), ends_at=at(8, 1, 8), marks=["admin"])
    found = read()
    assert (found.time_boxed, found.standing) == (8 * HOUR, 4 * HOUR)


@pytest.mark.parametrize(("marks", "is_boxed"), [(["admin"], False), ([], True)])
def test_the_window_of_administrators_is_a_day_and_of_others_ninety(marks: list[str], is_boxed: bool) -> None:
    held(at(8, 1), at(8, 3), ends_at=at(8, 3), marks=marks)
    found = read()
    assert (found.time_boxed, found.standing) == ((2 * DAY, 0) if is_boxed else (0, 2 * DAY))


def test_an_end_a_year_away_is_no_time_box() -> None:
    held(at(7, 1), ends_at=at(7, 1) + timedelta(days=365))
    assert read().standing == 92 * DAY


def test_what_has_to_be_switched_on_is_eligible() -> None:
    held(at(7, 1), at(7, 2), is_eligible=True)
    found = read()
    assert (found.eligible, found.standing, found.use_unknown) == (DAY, 0, 0)


@pytest.mark.parametrize(
    ("last_use", "sort"),
    [(at(8, 1), "used"), (at(6, 30), "unused"), (at(10, 5), "use_unknown"), (None, "use_unknown")],
)
def test_used_is_a_last_use_within_the_quarter(last_use: datetime | None, sort: str) -> None:
    grant = held(at(7, 1), at(7, 2))
    if last_use:
        GrantUse.objects.create(grant=grant, last_used_at=last_use)
    found = read()
    assert {name: getattr(found, name) for name in ("used", "unused", "use_unknown")} == {
        **dict.fromkeys(("used", "unused", "use_unknown"), 0),
        sort: DAY,
    }


def test_what_is_not_privileged_is_not_measured() -> None:
    account = inventory.account(inventory.system())
    inventory.grant(account, inventory.entitlement(account.system, privileged=False), at(1, 1))
    assert meter([Q3], now=NOW) == []


def test_a_group_counts_when_it_brings_something_privileged() -> None:
    account = inventory.account(inventory.system())
    group = inventory.entitlement(account.system, privileged=None, kind="group")
    inventory.inclusion(group, inventory.entitlement(account.system))
    inventory.grant(account, group, at(9, 30))
    assert read().standing == DAY


def test_machines_stand_beside_people_and_answer_through_owner_application_or_system() -> None:
    leon = inventory.identity("Leon Weiss")
    held(at(9, 30), identity=inventory.identity("svc-a", "service", owner=leon))
    held(at(9, 29), identity=leon)
    held(at(9, 30), identity=inventory.identity("svc-b", "service"), system=inventory.system(owner=leon))
    kinds = {found.key: found.standing for found in meter([Q3], now=NOW, by="kind")}
    assert kinds == {"people": 2 * DAY, "machines": 2 * DAY}
    assert [(found.label, found.standing) for found in meter([Q3], now=NOW, by="owner")] == [
        ("Leon Weiss", 4 * DAY)
    ]


def test_the_largest_sources_come_first_and_systems_can_be_chosen() -> None:
    small, large = inventory.system("SMALL"), inventory.system("LARGE")
    held(at(9, 30), system=small)
    held(at(7, 1), system=large)
    assert [found.label for found in meter([Q3], now=NOW, by="system")] == ["LARGE", "SMALL"]
    assert [found.label for found in meter([Q3], now=NOW, by="system", systems=[small.pk])] == ["SMALL"]
    (largest,) = meter([Q3], now=NOW, by="right", most=1)
    assert largest.label.endswith("· LARGE")


def test_a_trend_has_a_reading_for_each_quarter_in_which_something_was_held() -> None:
    held(at(5, 1), at(7, 2))
    found = meter([Q3.later(-1), Q3, Q3.later(1)], now=NOW)
    assert [(str(one.quarter), one.standing) for one in found] == [("2026 Q2", 61 * DAY), ("2026 Q3", DAY)]


def test_quarters_are_counted_over_years() -> None:
    assert (Q3.later(2), Q3.later(-3), Quarter.of(at(12, 31))) == (
        Quarter(2027, 1),
        Quarter(2025, 4),
        Quarter(2026, 4),
    )
