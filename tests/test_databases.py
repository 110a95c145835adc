"""The databases that tests run on: rolled back, or a copy of one's own that is dropped."""

import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread
from types import SimpleNamespace

import psycopg
import pytest
from django.db import connection, connections

from portal.postgres import OWNER, RUNTIME
from portal.testing import CHECKOUT
from portal.testing.databases import CommittedDatabase, pytest_collection_modifyitems

WHO = "SELECT current_user, current_database()"


def ask(alias: str, question: str) -> tuple[object, ...] | None:
    with connections[alias].cursor() as cursor:
        cursor.execute(question)
        answer: tuple[object, ...] | None = cursor.fetchone()
    return answer


@pytest.fixture
def dropped_afterwards(django_db_setup: None) -> Iterator[list[str]]:
    """Names of databases that must be gone when `committed_db`, which is asked for later, has ended."""
    names: list[str] = []
    yield names
    server = os.environ["DATABASE_OWNER_URL"]
    with psycopg.connect(server) as owner:
        left = owner.execute("SELECT datname FROM pg_database WHERE datname = ANY(%s)", [names]).fetchall()
    assert names
    assert left == []


@pytest.mark.django_db
def test_an_ordinary_test_acts_as_the_runtime_role() -> None:
    assert ask("default", "SELECT current_user") == (RUNTIME,)


def test_what_is_committed_is_seen_by_threads_and_other_processes(
    dropped_afterwards: list[str], committed_db: CommittedDatabase
) -> None:
    dropped_afterwards.append(committed_db.name)
    assert ask("default", WHO) == (RUNTIME, committed_db.name)
    assert ask("owner", WHO) == (OWNER, committed_db.name)
    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TABLE left_here AS SELECT 42 AS answer")
        cursor.execute(f"GRANT SELECT ON left_here TO {RUNTIME}")

    answers: list[object] = []

    def look() -> None:
        answers.append(ask("default", "SELECT answer FROM left_here"))
        connection.close()

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert answers == [(42,)]

    look_too = "connect(environ['DATABASE_URL']).execute('TABLE left_here').fetchone()"
    script = f"from os import environ; from psycopg import connect; print({look_too})"
    other = subprocess.run(
        [sys.executable, "-c", script],
        cwd=CHECKOUT,
        env=committed_db.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout == "(42,)\n"


@pytest.mark.django_db
def test_a_copy_stands_beside_the_ordinary_transaction(request: pytest.FixtureRequest) -> None:
    ordinary = ask("default", WHO)
    ask("default", "SELECT set_config('portal.mark', 'open', true)")
    copy: CommittedDatabase = request.getfixturevalue("committed_db")
    assert ask("default", WHO) == (RUNTIME, copy.name) != ordinary
    assert not connection.in_atomic_block


@pytest.mark.parametrize(
    ("arguments", "fixtures"),
    [({"transaction": True}, []), ({}, ["live_server"]), ({}, ["transactional_db"])],
)
def test_what_would_flush_is_refused(arguments: dict[str, bool], fixtures: list[str]) -> None:
    marker = pytest.mark.django_db(**arguments).mark
    item = SimpleNamespace(nodeid="a test", fixturenames=fixtures, get_closest_marker=lambda _: marker)
    with pytest.raises(pytest.UsageError, match="a test: take the fixture committed_db"):
        pytest_collection_modifyitems([item])  # type: ignore[list-item]  # what the hook asks of an item
