"""What a benchmark stands on: a durable PostgreSQL of its own, and fresh copies of the migrated database."""

import itertools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connections

from portal.postgres import OWNER, RUNTIME, Cluster

CHECKOUT = Path(__file__).resolve().parent.parent
TEMPLATE = "bench_template"
ALIASES = ("default", "owner")
_numbers = itertools.count(1)


@contextmanager
def stand() -> Iterator[Path]:
    """Start the server, set Django up on it and migrate the template; all of it is gone afterwards.

    Gives the folder of it all, in which files can be put that shall be gone as well.

    Models may be imported only inside: the settings are read here. The server keeps its promises to the disk
    as in production (fsync, full pages), so that no figure owes anything to carelessness.
    """
    # As root the server runs as another user, which can't enter a private TMPDIR.
    parent = "/var/tmp" if os.geteuid() == 0 else tempfile.gettempdir()  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="portal-bench-", dir=parent))
    folder.chmod(0o711)
    cluster = Cluster(folder, "bench", home=folder / "cluster")
    try:
        cluster.start()
        os.environ |= {
            "PORTAL_TEST_CLUSTER": str(folder),
            "DATABASE_URL": cluster.url(RUNTIME),
            "DATABASE_OWNER_URL": cluster.url(OWNER),
            "PORTAL_SECRET_KEY": secrets.token_urlsafe(50),
            "PORTAL_DEBUG": "0",
            "PORTAL_DEMO": "0",
            "PORTAL_SIMULATED_CLOCK": "1",
            "PORTAL_DATA": str(folder / "data"),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
        }
        _migrate()
        yield folder
    finally:
        _close()
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database() -> Iterator[None]:
    """A copy of the migrated database, empty of rows, which both aliases mean meanwhile."""
    name = f"bench_{next(_numbers)}"
    with _server() as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    _point_at(name)
    try:
        yield
    finally:
        _close()
        with _server() as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def owner_connection() -> psycopg.Connection:
    """The owner on the database of the moment: for what a benchmark makes beside the portal's tables."""
    return psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)


def _migrate() -> None:
    with _server() as server:
        server.execute(f"CREATE DATABASE {TEMPLATE}")
    for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[variable] = _at(variable, TEMPLATE)
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    _close()
    with _server() as server:
        server.execute(f"ALTER DATABASE {TEMPLATE} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")


def _point_at(name: str) -> None:
    for alias in ALIASES:
        connections[alias].close()
        connections.settings[alias]["NAME"] = name
        connections[alias].settings_dict["NAME"] = name
    for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[variable] = _at(variable, name)


def _close() -> None:
    if apps.ready:
        connections.close_all()


def _server() -> psycopg.Connection:
    """The owner's connection beside all databases, for CREATE and DROP DATABASE."""
    return psycopg.connect(_at("DATABASE_OWNER_URL", "postgres"), autocommit=True)


def _at(variable: str, database: str) -> str:
    return urlunsplit(urlsplit(os.environ[variable])._replace(path=f"/{database}"))
