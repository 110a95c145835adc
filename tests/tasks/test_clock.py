"""The clock: what is due runs once, failures stop nothing, and only one clock acts."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from portal.tasks import schedule
from portal.tasks.models import ClockEntry
from portal.tasks.schedule import Entry, every, tick
from portal.tasks.ticking import ADVISORY_LOCK, Clock
from tests.tasks.conftest import EngineUnderTest

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, datetime]]:
    """A schedule of one entry each minute and one each hour, that notes its calls."""
    noted: list[tuple[str, datetime]] = []
    monkeypatch.setattr(schedule, "ENTRIES", {})

    @every(minutes=1)
    def each_minute(at: datetime) -> None:
        noted.append(("minute", at))

    @every(minutes=60)
    def each_hour(at: datetime) -> None:
        noted.append(("hour", at))

    return noted


@pytest.mark.django_db
def test_each_entry_runs_when_its_interval_is_over_and_gets_the_moment(
    calls: list[tuple[str, datetime]],
) -> None:
    for minutes in (0, 0, 1, 30, 60):
        tick(NOON + minutes * MINUTE)
    assert [(name, (at - NOON) // MINUTE) for name, at in calls] == [
        ("minute", 0),
        ("hour", 0),
        ("minute", 1),
        ("minute", 30),
        ("minute", 60),
        ("hour", 60),
    ]


@pytest.mark.django_db
def test_a_clock_that_was_set_back_is_not_waited_for(calls: list[tuple[str, datetime]]) -> None:
    tick(NOON + timedelta(days=365))
    tick(NOON)
    assert [at for name, at in calls if name == "hour"] == [NOON + timedelta(days=365), NOON]


@pytest.mark.django_db
def test_an_entry_that_fails_stops_no_other_and_is_tried_again_soon(
    calls: list[tuple[str, datetime]], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(at: datetime) -> None:
        raise RuntimeError("alas")

    entries = {"daily": Entry("daily", timedelta(days=1), fail), **schedule.ENTRIES}
    assert len(tick(NOON, entries=entries)) == 2
    assert "the clock's daily failed" in caplog.text
    row = ClockEntry.objects.get(name="daily")
    assert (row.failed_at, row.due_at) == (NOON, NOON + schedule.SOON)


@pytest.mark.django_db
def test_an_interval_and_a_single_registration_are_asked_for(calls: list[tuple[str, datetime]]) -> None:
    with pytest.raises(ImproperlyConfigured, match="needs minutes or seconds"):
        every()
    act = schedule.ENTRIES[next(iter(schedule.ENTRIES))].act
    with pytest.raises(ImproperlyConfigured, match="registered with the clock twice"):
        every(minutes=1)(act)


def test_a_second_clock_stands_by_until_the_first_is_gone(
    embedded: EngineUnderTest, calls: list[tuple[str, datetime]]
) -> None:
    first, second = Clock(pause=0), Clock(pause=0)
    assert first.tick()
    assert not second.tick()
    first.run(once=True)  # ends, and lets go
    assert second.tick()
    second.run(once=True)


def test_the_clock_gives_jobs_of_dead_workers_back_and_ends_on_sigterm(embedded: EngineUnderTest) -> None:
    assert embedded.run("clock", "--once").wait() == 0
    assert ClockEntry.objects.filter(name="portal.tasks.clock.return_lost_jobs", failed_at=None).exists()
    with embedded.run("clock", "--every", "30") as clock:
        while not _is_locked():
            assert clock.process.poll() is None
        assert clock.terminate() == 0


def test_every_clock_entry_of_the_portal_runs_on_an_empty_database(embedded: EngineUnderTest) -> None:
    assert set(tick(NOON)) == set(schedule.ENTRIES)


def _is_locked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
            " AND (classid::bigint << 32) + objid::bigint = %s",
            [ADVISORY_LOCK],
        )
        return bool(cursor.fetchone()[0])
