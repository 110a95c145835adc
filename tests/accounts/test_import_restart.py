"""`kill -9` in the middle of a reading, and two readings at once: on real processes and connections."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from time import monotonic

import psycopg
import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts import reconciliation
from accounts.models import Account, Grant, ImportRun, Source
from accounts.services import imports
from portal import moment
from portal.audit.models import Event
from portal.tasks import inline
from portal.testing import CHECKOUT
from portal.testing.databases import CommittedDatabase
from tests.factories import readings
from tests.factories.readings import day

CORE = "account,entitlement\n" + "".join(f"a{number},R{number % 7}\n" for number in range(200))
State = ImportRun.State
PATIENCE = 60  # seconds


@pytest.fixture
def core(committed_db: CommittedDatabase) -> Source:
    return readings.source(readings.system())


@contextmanager
def held_up(database: CommittedDatabase, table: str) -> Iterator[psycopg.Connection]:
    """Whoever needs the table waits until the block is left."""
    with psycopg.connect(database.owner_url) as owner, owner.transaction():
        owner.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield owner


def until(is_so: Callable[[], bool]) -> None:
    end = monotonic() + PATIENCE
    while not is_so():
        assert monotonic() < end, "it never came to that"


def waits(watching: psycopg.Connection, kind: str) -> Callable[[], bool]:
    """Somebody waits for such a lock."""
    asked = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = %s)"
    return lambda: bool((watching.execute(asked, [kind]).fetchone() or [False])[0])


@contextmanager
def process(database: CommittedDatabase, act: str, run: ImportRun) -> Iterator["subprocess.Popen[bytes]"]:
    """The portal in a process of its own, doing one thing."""
    script = f"import django; django.setup(); from accounts import reconciliation as r; r.{act}({run.pk!r})"
    started = subprocess.Popen(
        [sys.executable, "-c", f"from uuid import UUID; {script}"],
        cwd=CHECKOUT,
        env={**database.environment, "DJANGO_SETTINGS_MODULE": "portal.settings"},
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def killed(database: CommittedDatabase, act: str, run: ImportRun, at: str) -> None:
    """Let a process come as far as the table `at`, and end it there with no chance to tidy up."""
    with psycopg.connect(database.owner_url, autocommit=True) as watching:
        with held_up(database, at), process(database, act, run) as at_work:
            until(waits(watching, "relation"))
            os.kill(at_work.pid, signal.SIGKILL)
            at_work.wait()
        # Its server process finds out when it may go on.
        gone = "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'accounts_grant'::regclass)"
        until(lambda: bool((watching.execute(gone).fetchone() or [False])[0]))


def waiting_tables() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'staging'::regnamespace")
        return int(cursor.fetchone()[0])


def test_killed_while_it_is_read_nothing_is_left_and_it_is_read_again(
    core: Source, committed_db: CommittedDatabase
) -> None:
    run = readings.received(core, CORE, day(1))
    killed(committed_db, "preview", run, "accounts_grant")
    run = readings.fresh(run)
    assert (run.state, run.counts, waiting_tables()) == (State.PREVIEWING, {}, 0)
    with inline.jobs():
        assert imports.resume(moment.now() + imports.STUCK_AFTER) == 1
    run = readings.fresh(run)
    assert (run.state, run.counts["grant"]["new"]) == (State.PREVIEWED, 200)
    assert readings.apply(run).state == State.APPLIED


def test_killed_while_it_is_written_nothing_is_written_and_it_is_written_again(
    core: Source, committed_db: CommittedDatabase
) -> None:
    run = readings.previewed(core, CORE, day(1))
    # Asked for, and its job lost with its worker.
    ImportRun.objects.filter(pk=run.pk).update(state=State.APPLYING, applied_by_id=readings.iam().pk)
    killed(committed_db, "apply", run, "accounts_grantuse")
    run = readings.fresh(run)
    assert run.state == State.APPLYING
    assert (Account.objects.count(), Grant.objects.count()) == (0, 0)
    assert not Event.objects.filter(verb="import.applied").exists()
    with inline.jobs():
        assert imports.resume(moment.now() + imports.STUCK_AFTER) == 1
    run = readings.fresh(run)
    assert (run.state, waiting_tables()) == (State.APPLIED, 0)
    assert (Account.objects.count(), Grant.objects.count()) == (200, 200)
    assert Event.objects.filter(verb="import.applied").count() == 1


def test_a_second_reading_of_a_source_is_refused_while_one_is_applied(
    core: Source, committed_db: CommittedDatabase
) -> None:
    first, second = readings.previewed(core, CORE, day(1)), readings.previewed(core, CORE, day(2))
    ImportRun.objects.filter(pk=first.pk).update(state=State.APPLYING)
    with (
        psycopg.connect(committed_db.owner_url, autocommit=True) as watching,
        held_up(committed_db, "accounts_grantuse"),
        process(committed_db, "apply", first),
    ):
        until(waits(watching, "relation"))
        with pytest.raises(ValidationError, match="Wait for it"):
            imports.apply(second, version=second.version, by=readings.iam())
    assert readings.fresh(second).state == State.PREVIEWED


def test_readings_of_two_sources_are_written_one_after_the_other(
    core: Source, committed_db: CommittedDatabase
) -> None:
    other = readings.source(core.system)
    first = readings.previewed(core, CORE, day(1))
    second = readings.previewed(other, CORE + "more,R1\n", day(2))
    ImportRun.objects.filter(pk__in=[first.pk, second.pk]).update(state=State.APPLYING)

    def apply_second() -> None:
        try:
            reconciliation.apply(second.pk)
        finally:
            connection.close()

    thread = Thread(target=apply_second)
    with psycopg.connect(committed_db.owner_url, autocommit=True) as watching, ExitStack() as later:
        with held_up(committed_db, "accounts_grantuse"):
            at_work = later.enter_context(process(committed_db, "apply", first))
            until(waits(watching, "relation"))
            thread.start()
            until(waits(watching, "advisory"))
            assert Account.objects.count() == 0
        assert at_work.wait(PATIENCE) == 0
        thread.join(PATIENCE)
    assert readings.fresh(first).state == State.APPLIED
    # The second one was looked at when nothing was known yet: it is shown again, not applied unseen.
    shown = readings.fresh(second)
    assert (shown.state, shown.counts["account"]["new"]) == (State.PREVIEWED, 1)
    assert readings.apply(shown).state == State.APPLIED
    assert (Account.objects.count(), Grant.objects.count()) == (201, 201)
