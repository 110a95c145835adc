"""Databases for tests: one migrated template per run, a copy of it per worker and per committing test."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

ALIASES = ("default", "owner")
TEMPLATE = "portal_template"
MIGRATING = 7_462_001  # the advisory lock of whoever makes the template
FORBIDDEN = {"transactional_db", "live_server", "django_db_reset_sequences", "django_db_serialized_rollback"}

_numbers = itertools.count(1)


@dataclass(frozen=True)
class CommittedDatabase:
    """A copy of the migrated database that one test may write to for good."""

    name: str
    url: str = field(init=False)
    owner_url: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _at("DATABASE_URL", self.name))
        object.__setattr__(self, "owner_url", _at("DATABASE_OWNER_URL", self.name))

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a server or a worker that a test starts on this copy."""
        return {**os.environ, "DATABASE_URL": self.url, "DATABASE_OWNER_URL": self.owner_url}


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Give this worker its copy; the first worker of the run migrates the template."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock(), _server() as server:
        server.execute("SET lock_timeout = 0")  # migrating may take longer than a test may wait
        server.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
            _make_template(server)
        server.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])
        server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    _point_at(name)


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[CommittedDatabase]:
    """A database for a test that commits, in this thread, in others, or in other processes.

    It takes the place of the ordinary one during the test, for both aliases, and is dropped afterwards.
    """
    copy = CommittedDatabase(f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(_numbers)}")
    with django_db_blocker.unblock():
        with _server() as server:
            server.execute(f"CREATE DATABASE {copy.name} TEMPLATE {TEMPLATE}")
        try:
            with _connected_to(copy.name):
                yield copy
        finally:
            with _server() as server:
                server.execute(f"DROP DATABASE {copy.name} WITH (FORCE)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse what would flush the database: the log's triggers would refuse it anyway, less clearly."""
    for item in items:
        marker = item.get_closest_marker("django_db")
        wanted = FORBIDDEN & set(getattr(item, "fixturenames", ()))
        if wanted or (marker and (marker.kwargs.get("transaction") or marker.args)):
            raise pytest.UsageError(
                f"{item.nodeid}: take the fixture committed_db; nothing here is ever flushed"
            )


def _make_template(server: psycopg.Connection) -> None:
    """Migrate a fresh database as the owner, then close it, so that it can be copied at any time."""
    making = f"{TEMPLATE}_new"
    server.execute(f"DROP DATABASE IF EXISTS {making} WITH (FORCE)")
    server.execute(f"CREATE DATABASE {making}")
    with _connected_to(making):
        call_command("migrate", interactive=False, verbosity=0)
    server.execute(f"ALTER DATABASE {making} RENAME TO {TEMPLATE}")
    server.execute(f"ALTER DATABASE {TEMPLATE} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    """Let both aliases mean this database, in this thread and in those started meanwhile.

    The connection objects are put aside, not reused: an ordinary test may have a transaction open on
    them, which goes on undisturbed afterwards.
    """
    aside = {alias: connections[alias] for alias in ALIASES}
    before = {alias: connections.settings[alias]["NAME"] for alias in ALIASES}
    for alias in ALIASES:
        connections.settings[alias]["NAME"] = name
        connections[alias] = connections.create_connection(alias)
    try:
        yield
    finally:
        for alias in ALIASES:
            connections[alias].close()
            connections.settings[alias]["NAME"] = before[alias]
            connections[alias] = aside[alias]


def _point_at(name: str) -> None:
    """Let both aliases mean this database for the rest of the run, here and in processes that tests start."""
    for alias in ALIASES:
        connections[alias].close()
        connections.settings[alias]["NAME"] = name
    for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[variable] = _at(variable, name)


def _server() -> psycopg.Connection:
    """The owner's connection beside all databases, for CREATE and DROP DATABASE."""
    return psycopg.connect(_at("DATABASE_OWNER_URL", "postgres"), autocommit=True)


def _at(variable: str, database: str) -> str:
    """The address in a variable, for another database."""
    return urlunsplit(urlsplit(os.environ[variable])._replace(path=f"/{database}"))
