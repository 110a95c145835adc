"""The pytest plug-in of the project (`-p portal.testing`): tests run on a PostgreSQL of their own.

A throw-away cluster starts before the settings are read and ends with the run; xdist workers share it.
PORTAL_PG=wheel|system chooses its version. A DATABASE_URL in the environment is never touched.

An ordinary test (`django_db`) runs as the runtime role in a transaction that is rolled back. A test
that commits, uses threads, or runs a server or a worker takes the fixture `committed_db`, a fresh copy
of the migrated database. Nothing is ever flushed: even the owner may not truncate the log.
"""

import os
import secrets
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from portal.postgres import OWNER, RUNTIME, Cluster, ClusterError
from portal.testing import databases

PREFIX = "portal-test-"
SETTLED = 60.0  # seconds; a lock file younger than that may belong to a run that is about to lock it
CHECKOUT = Path(__file__).resolve().parents[2]


class Ground:
    """What one test run stands on: a folder with the cluster and the portal's data, removed at the end."""

    def __init__(self) -> None:
        # As root the server runs as another user, which can't enter a private TMPDIR.
        self.parent = Path("/var/tmp" if os.geteuid() == 0 else tempfile.gettempdir())  # noqa: S108
        self.folder: Path | None = None
        self.cluster: Cluster | None = None

    def prepare(self) -> None:
        """Start the cluster and tell the settings about it."""
        self._sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self.parent))
        self.folder.chmod(0o711)
        self.cluster = _cluster_in(self.folder).start()
        os.environ |= {
            "PORTAL_TEST_CLUSTER": str(self.folder),
            "DATABASE_URL": self.cluster.url(RUNTIME),
            "DATABASE_OWNER_URL": self.cluster.url(OWNER),
            "PORTAL_SECRET_KEY": secrets.token_urlsafe(50),
            "PORTAL_DEBUG": "0",
            "PORTAL_DEMO": "0",
            "PORTAL_SIMULATED_CLOCK": "1",
            "PORTAL_DATA": str(self.folder / "data"),
        }

    def remove(self) -> None:
        """Stop the cluster and remove everything."""
        if self.cluster is not None:
            self.cluster.discard()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what killed runs left behind; a run that is alive holds its cluster's lock."""
        for folder in self.parent.glob(f"{PREFIX}*"):
            with suppress(FileNotFoundError):  # another run may be sweeping, too
                age = time.time() - (folder / "cluster" / "lock").stat().st_mtime
                is_ours = folder.stat().st_uid == os.geteuid()
                if is_ours and age > SETTLED and _cluster_in(folder).discard():
                    shutil.rmtree(folder, ignore_errors=True)


def _cluster_in(folder: Path) -> Cluster:
    return Cluster(folder, "test", durable=False, home=folder / "cluster")


ground = Ground()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before anything reads the settings."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        # Files are per worker, so that one worker's sweep can't take another's uploads.
        os.environ["PORTAL_DATA"] = f"{os.environ['PORTAL_DATA']}-{worker}"
        return
    early_config.add_cleanup(ground.remove)
    try:
        ground.prepare()
    except ClusterError as error:
        raise pytest.UsageError(f"the tests need PostgreSQL: {error}") from error


def pytest_configure(config: pytest.Config) -> None:
    """Take the place of pytest-django's own databases: what is registered later wins."""
    config.pluginmanager.register(databases, "portal-databases")
