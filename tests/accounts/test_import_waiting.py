"""Rows of a reading between its preview and its end: used as they are, read again where not whole."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts import reconciliation
from accounts.models import Account, Grant, ImportRun
from accounts.reconciliation import staging
from accounts.services import imports
from portal import moment
from portal.tasks.testing import drain
from portal.vault import store
from tests.factories import readings
from tests.factories.readings import applied, day, previewed

pytestmark = pytest.mark.django_db

CORE = "account,entitlement\na,READ\nb,READ\nc,\n"
State = ImportRun.State


def tables() -> set[str]:
    """What waits, of whatever reading."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace")
        return {name for (name,) in cursor.fetchall()}


def emptied(run: ImportRun) -> None:
    """As PostgreSQL leaves unlogged tables after a crash."""
    with connection.cursor() as cursor:
        for kind in ("account", "entitlement", "grant"):
            cursor.execute(f"DELETE FROM staging.{kind}_{run.pk.hex}")


def test_what_was_read_for_the_preview_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run = previewed(readings.source(readings.system()), CORE)
    assert {f"{staged.kind}_{run.pk.hex}" for staged in staging.KINDS.values()} == tables()

    def read_again(*_: object, **__: object) -> None:
        raise AssertionError("the file is read a second time")

    monkeypatch.setattr(staging, "load", read_again)
    assert readings.apply(run).state == State.APPLIED
    assert tables() == set()


@pytest.mark.parametrize("how", ["discarded", "refused"])
def test_nothing_waits_any_longer_when_it_ended(how: str) -> None:
    run = previewed(readings.source(readings.system()), CORE)
    assert tables()
    if how == "discarded":
        imports.discard(run, version=run.version, by=readings.iam())
    else:
        reconciliation.fail(run.pk, "no")
        assert tables()  # it is ready to apply: nothing of it failed
        ImportRun.objects.filter(pk=run.pk).update(state=State.APPLYING)
        reconciliation.fail(run.pk, "no")
    assert tables() == set()


def test_emptied_tables_do_not_say_that_everything_is_gone() -> None:
    core = readings.source(readings.system())
    applied(core, CORE, day(1))
    run = previewed(core, CORE + "d,READ\n", day(2))
    emptied(run)
    assert readings.apply(run).state == State.APPLIED
    assert Account.objects.present().count() == 4
    assert Grant.objects.held().count() == 3


def test_lost_tables_are_read_again() -> None:
    run = previewed(readings.source(readings.system()), CORE)
    reconciliation.drop(run.pk)
    assert readings.apply(run).state == State.APPLIED
    assert Account.objects.count() == 3


def test_rows_that_wait_are_worth_nothing_without_the_file_they_came_from() -> None:
    run = previewed(readings.source(readings.system()), CORE)
    path = store.path_of(run.blob.storage_key)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"READ", b"RULE"))
    imports.apply(run, version=run.version, by=readings.iam())
    drain()
    run = readings.fresh(run)
    assert run.state == State.FAILED
    assert "tell security" in run.error
    assert Account.objects.count() == 0
    assert tables() == set()


def test_the_clock_sweeps_what_nobody_waits_for() -> None:
    core = readings.source(readings.system())
    run, now = previewed(core, CORE), moment.now()
    assert reconciliation.sweep(now) == 0
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNLOGGED TABLE staging.grant_0123456789abcdef0123456789abcdef ()")
        cursor.execute("CREATE UNLOGGED TABLE staging.something_else ()")
    assert reconciliation.sweep(now) == 1
    assert reconciliation.sweep(now + timedelta(days=8)) == 1
    assert tables() == {"something_else"}
    assert readings.apply(run).state == State.APPLIED
