"""`python -m portal.run`: one process starts everything, says where to go, and ends everything.

The commands of the portal are played by a small `manage.py` here; PostgreSQL and the web server are real.
"""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Timer

import pytest

from portal.postgres import RUNTIME, Cluster
from portal.run import Signals, free_port, shared_environment, static_fingerprint
from portal.testing import CHECKOUT, ground
from tests.processes import has_ended

RUN = "import sys; from pathlib import Path; from portal.run import main; sys.exit(main(Path(sys.argv[1])))"
WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the portal"]
"""
MANAGE = """
import os, signal, sys
command = sys.argv[1]
print(" ".join(sys.argv[1:]), "by", os.environ["DATABASE_URL"].split("@")[0].split("/")[-1], flush=True)
if os.environ.get("CRASH") == command:
    sys.exit("alas, " + command)
if command in {"worker", "clock"} or os.environ.get("HANG") == command:
    print("pid", os.getpid(), flush=True)
    signal.pause()
"""
PATIENCE = 60  # seconds, then a run that hangs is killed and its test fails


class Run:
    """A runner in a process of its own, and what it has said so far."""

    def __init__(self, checkout: Path, env: dict[str, str]) -> None:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_"))
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(checkout)],
            cwd=CHECKOUT,
            env=clean | {"PORT": "0"} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""
        self.alarm = Timer(PATIENCE, self.process.kill)
        self.alarm.start()

    def until(self, text: str) -> str:
        """Read on until a line holds `text`, and give that line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if text in line:
                return line
        pytest.fail(f"the runner ended without saying {text!r}:\n{self.said}")

    def end(self, number: int | None = None) -> int:
        """Send a signal if one is given, read to the end, and give the exit code."""
        if number is not None:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        self.process.stdout.close()
        code = self.process.wait()
        self.alarm.cancel()
        return code

    def pids(self) -> list[int]:
        """The process ids of worker and clock, as soon as both have told theirs."""
        while len(re.findall(r"\| pid (\d+)", self.said)) < 2:
            self.until("| pid")
        return [int(pid) for pid in re.findall(r"\| pid (\d+)", self.said)]


@pytest.fixture
def checkout() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="portal run ", dir=ground.parent) as made:
        folder = Path(made)
        (folder / "portal").mkdir()
        (folder / "portal" / "__init__.py").touch()
        (folder / "portal" / "wsgi.py").write_text(WSGI)
        (folder / "manage.py").write_text(MANAGE)
        yield folder
        Cluster(folder).discard()


@pytest.fixture
def start(checkout: Path) -> Iterator[Callable[..., Run]]:
    """Start a runner in the checkout; whatever is left of it at the end of the test is ended."""
    runs: list[Run] = []

    def begin(**env: str) -> Run:
        runs.append(Run(checkout, env))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)
        run.alarm.cancel()


@pytest.mark.skipif(sys.platform != "linux", reason="waits with a Linux call")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_everything_starts_and_one_signal_ends_it(
    start: Callable[..., Run], checkout: Path, number: int
) -> None:
    run = start()
    address = re.search(r"http://localhost:\d+/", run.until("ready after"))
    assert address
    assert run.until("demo --sign-ins")
    with urllib.request.urlopen(address[0].replace("localhost", "127.0.0.1")) as answer:
        assert answer.read() == b"the portal"
    for words in (
        r"migrate .*by portal_app",
        r"collectstatic",
        r"demo --if-empty",
        r"PostgreSQL \d+ is up \(\d",
    ):
        assert re.search(words, run.said), words
    shared = shared_environment(checkout)
    assert shared["DATABASE_URL"] == Cluster(checkout).url(RUNTIME)
    assert shared["PORTAL_DEMO"] == "1"
    key = checkout / "var" / "secret-key"
    assert shared["PORTAL_SECRET_KEY"] == key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text()) >= 50

    pids = run.pids()
    assert run.end(number) == 0
    assert "stopped" in run.said
    assert all(has_ended(pid) for pid in pids)
    assert not Cluster(checkout).socket.exists()
    assert shared_environment(checkout) == {}


def test_the_second_start_keeps_the_key_and_collects_nothing(
    start: Callable[..., Run], checkout: Path
) -> None:
    database = "postgresql://somebody@elsewhere/portal"
    first = start(DATABASE_URL=database)
    first.until("ready after")
    first.end(signal.SIGINT)
    key = (checkout / "var" / "secret-key").read_text()
    (checkout / "var" / "static").mkdir()
    (checkout / "var" / "static" / "collected.css").touch()
    second = start(DATABASE_URL=database)
    second.until("ready after")
    second.end(signal.SIGINT)
    assert (checkout / "var" / "secret-key").read_text() == key
    assert "collectstatic" in first.said
    assert "collectstatic" not in second.said
    # A database that somebody named gets no demonstration unless it is asked for.
    assert "demo" not in first.said


@pytest.mark.skipif(sys.platform != "linux", reason="waits with a Linux call")
def test_a_killed_runner_takes_everything_along(start: Callable[..., Run], checkout: Path) -> None:
    run = start()
    run.until("ready after")
    pids = run.pids()
    run.process.kill()
    run.end()
    assert all(has_ended(pid) for pid in pids)
    again = start()
    again.until("ready after")
    assert again.end(signal.SIGINT) == 0


def test_a_part_that_crashes_ends_the_rest_with_its_last_lines(start: Callable[..., Run]) -> None:
    run = start(DATABASE_URL="postgresql://somebody@elsewhere/portal", CRASH="worker")
    assert run.end() == 1
    assert "worker ended with exit code 1, so the rest is stopped. Its last lines:" in run.said
    assert run.said.count("alas, worker") == 2


def test_the_end_of_postgresql_ends_the_rest_with_its_last_lines(
    start: Callable[..., Run], checkout: Path
) -> None:
    run = start()
    run.until("ready after")
    server = int((Cluster(checkout).data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(server, signal.SIGINT)
    assert run.end() == 1
    assert "PostgreSQL ended, so the rest is stopped. Its last lines:" in run.said
    assert "received fast shutdown request" in run.said


def test_a_failing_migration_stops_the_start(start: Callable[..., Run]) -> None:
    run = start(DATABASE_URL="postgresql://somebody@elsewhere/portal", CRASH="migrate")
    assert run.end() == 1
    assert "alas, migrate" in run.said
    assert "migrate failed with exit code 1" in run.said
    assert "worker" not in run.said


def test_ctrl_c_during_set_up_is_noticed(start: Callable[..., Run]) -> None:
    run = start(DATABASE_URL="postgresql://somebody@elsewhere/portal", HANG="migrate")
    run.until("| pid")
    assert run.end(signal.SIGINT) == 130
    assert "SIGINT: stopping" in run.said


def test_a_taken_port_gives_one_line(start: Callable[..., Run]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = start(PORT=str(port))
        assert run.end() == 1
    assert run.said.count("\n") == 1
    assert f"port {port} on 127.0.0.1 can't be used" in run.said
    assert f"PORT={port + 1} make run" in run.said


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"PORT": "http"}, "PORT=http: say a number"),
        ({"PORT": "70000"}, "PORT=70000: say a number"),
        ({"HOST": "no such host"}, "HOST=no such host is no address"),
    ],
)
def test_an_address_that_can_t_be_gives_one_line(
    start: Callable[..., Run], env: dict[str, str], message: str
) -> None:
    run = start(**env)
    assert run.end() == 1
    assert run.said.count("\n") == 1
    assert message in run.said


def test_a_folder_that_can_t_be_used_gives_one_line(start: Callable[..., Run], checkout: Path) -> None:
    (checkout / "var").touch()
    run = start()
    assert run.end() == 1
    assert run.said.count("\n") == 1
    assert f"can't use {checkout / 'var'}" in run.said


def test_port_0_finds_a_free_one() -> None:
    assert free_port("127.0.0.1", "0") > 0


def test_static_files_are_collected_again_after_a_change(checkout: Path) -> None:
    before = static_fingerprint(checkout)
    (checkout / "var" / "static").mkdir(parents=True)
    assert static_fingerprint(checkout) == before
    (checkout / "portal" / "static").mkdir()
    (checkout / "portal" / "static" / "new.css").write_text("body {}")
    after = static_fingerprint(checkout)
    assert before != after
    assert static_fingerprint(checkout) == after


def test_a_signal_is_told_once(request: pytest.FixtureRequest) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        request.addfinalizer(partial(signal.signal, number, signal.getsignal(number)))
    request.addfinalizer(partial(signal.set_wakeup_fd, -1))
    signals = Signals()
    os.kill(os.getpid(), signal.SIGTERM)
    assert signals.wait(5)
    assert signals.name == "SIGTERM"
    assert not signals.wait(0)
