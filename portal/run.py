"""`python -m portal.run`: the whole portal in the foreground, from one command.

It starts PostgreSQL (unless DATABASE_URL names one), migrates, collects static files, builds the
demonstration, then runs web, worker and clock until Ctrl-C, a SIGTERM, or the end of one of them.
However this process ends, its children end with it.
"""

import hashlib
import http.client
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import FrameType

from portal.postgres import OWNER, RUNTIME, Cluster, ClusterError, child, running_url

ROOT = Path(__file__).resolve().parent.parent
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDS_WITHIN = 10.0  # seconds a child has after SIGTERM
STARTS_WITHIN = 60.0  # seconds until the web server must answer
LAST_LINES = 20
# What commands in another terminal must share with the running portal.
SHARED = ("DATABASE_URL", "DATABASE_OWNER_URL", "PORTAL_SECRET_KEY", "PORTAL_DEMO", "PORT")
ENVIRONMENT_FILE = "environment.json"


class Refused(Exception):
    """The portal can't start; the message is one line that says what to do."""


class Interrupted(Exception):
    """Somebody asked for the end while something was being set up."""


class Signals:
    """Ctrl-C and its relatives: noted at any moment, acted on only where the runner waits."""

    def __init__(self) -> None:
        self.name = ""
        self._is_new = False
        self._reading, writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGINT:
                signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a child's end wakes the runner too

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.name, self._is_new = signal.Signals(number).name, True

    def wait(self, seconds: float) -> bool:
        """Sleep, but not past a signal; says whether the end was asked for since the last look."""
        if not self._is_new:
            select.select([self._reading], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._reading, 4096)
        asked, self._is_new = self._is_new, False
        return asked


class Part:
    """One child process; its output goes to the terminal behind its name, the last lines are kept."""

    def __init__(
        self, name: str, command: list[str], checkout: Path, env: dict[str, str], is_quiet: bool = False
    ) -> None:
        self.name = name
        self.lines: deque[str] = deque(maxlen=LAST_LINES if not is_quiet else None)
        self._is_quiet = is_quiet
        self.process = child.start(
            command, dying=signal.SIGTERM, cwd=checkout, env=env, output=subprocess.PIPE
        )
        self._pump = threading.Thread(target=self._read, daemon=True)
        self._pump.start()

    def _read(self) -> None:
        for raw in self.process.stdout or ():
            line = raw.decode(errors="replace").rstrip()
            self.lines.append(line)
            if not self._is_quiet:
                say(line, self.name)

    def end(self, signals: Signals) -> None:
        """SIGTERM first; after ten seconds, or at a second Ctrl-C, whatever is left is killed."""
        deadline = time.monotonic() + ENDS_WITHIN
        if self.process.poll() is None:
            self.process.terminate()
        while self.process.poll() is None:
            if signals.wait(0.2) or time.monotonic() > deadline:
                say(f"{self.name} does not end by itself: killed")
                break
        self.collect()

    def collect(self) -> None:
        """Kill what is left of the child's session, and read its output to the end."""
        with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says it with the second
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        child.release(self.process)
        self._pump.join(2)
        if self.process.stdout and not self._pump.is_alive():
            self.process.stdout.close()


def say(message: str, name: str = "portal") -> None:
    """One line on the terminal behind the name of who says it; a terminal that is gone hinders nothing."""
    with suppress(OSError):
        sys.stdout.write(f"{name:9}| {message}\n")
        sys.stdout.flush()


class Runner:
    """Sets everything up and keeps it running."""

    def __init__(self, checkout: Path, env: dict[str, str], signals: Signals) -> None:
        self.checkout = checkout
        self.signals = signals
        self.cluster: Cluster | None = None
        self.parts: list[Part] = []
        self.env = env | {"PYTHONUNBUFFERED": "1"}
        # A database somebody names may be a real one: the demonstration goes there only if asked for.
        self.env.setdefault("PORTAL_DEMO", "0" if env.get("DATABASE_URL") else "1")
        self.host = env.get("HOST") or "127.0.0.1"
        self.port = 0
        self._environment_file = checkout / "var" / ENVIRONMENT_FILE

    def run(self) -> int:
        """The exit code: 0 after a stop that was asked for, 130 if that came during set-up, 1 otherwise."""
        began = time.monotonic()
        try:
            self.port = free_port(self.host, self.env.get("PORT") or "8000")
            self.env |= {"PORT": str(self.port), "PORTAL_SECRET_KEY": self._secret_key()}
            self._start_database()
            self._set_up()
            self._serve(began)
            return self._watch()
        except Interrupted:
            say(f"{self.signals.name}: stopping")
            return 130
        except (Refused, ClusterError) as error:
            say(str(error))
            return 1
        finally:
            self._stop()

    # --- set up --------------------------------------------------------------------------------------

    def _secret_key(self) -> str:
        """The key from the environment, or this folder's own, made once and readable by its owner only."""
        file = self.checkout / "var" / "secret-key"
        try:
            file.parent.mkdir(exist_ok=True)
            if not os.access(file.parent, os.W_OK):
                raise PermissionError(13, "not writable")
            if given := self.env.get("PORTAL_SECRET_KEY"):
                return given
            if named := self.env.get("PORTAL_SECRET_KEY_FILE"):
                return Path(named).read_text().strip()
            if not file.exists():
                _write_private(file, secrets.token_urlsafe(50))
            return file.read_text().strip()
        except OSError as error:
            where = error.filename or file.parent
            raise Refused(
                f"can't use {where}: {error.strerror}; start from a folder that this user owns."
            ) from None

    def _start_database(self) -> None:
        if self.env.get("DATABASE_URL"):
            say("using the database that DATABASE_URL names")
            return
        began = time.monotonic()
        self.cluster = Cluster(self.checkout)
        self.cluster.start()
        self.env |= {"DATABASE_URL": self.cluster.url(RUNTIME), "DATABASE_OWNER_URL": self.cluster.url(OWNER)}
        shared = json.dumps({name: self.env[name] for name in SHARED if name in self.env})
        _write_private(self._environment_file, shared)
        say(f"PostgreSQL {self.cluster.version} is up ({_since(began)}), its data are in {self.cluster.home}")

    def _set_up(self) -> None:
        self._step("migrate", "migrate", "--verbosity", "0", done="the database is migrated")
        self._collect_static()
        if self.env["PORTAL_DEMO"] != "0":
            self._step("demo", "demo", "--if-empty", done="the demonstration is there")

    def _collect_static(self) -> None:
        """Only when a source has changed since the last time."""
        stamp, target = self.checkout / "var" / "static.stamp", self.checkout / "var" / "static"
        current = static_fingerprint(self.checkout)
        if target.exists() and stamp.exists() and stamp.read_text() == current:
            return
        self._step(
            "static", "collectstatic", "--noinput", "--verbosity", "0", done="the static files are collected"
        )
        stamp.write_text(current)

    def _step(self, name: str, *arguments: str, done: str) -> None:
        """Run one command to its end; a failure stops the start."""
        began = time.monotonic()
        part = self._start(name, [sys.executable, "manage.py", *arguments])
        self._wait_for(part)
        if part.process.returncode:
            raise Refused(f"{name} failed with exit code {part.process.returncode}; its words are above.")
        say(f"{done} ({_since(began)})")

    def _start(self, name: str, command: list[str], is_quiet: bool = False) -> Part:
        part = Part(name, command, self.checkout, self.env, is_quiet)
        self.parts.append(part)
        return part

    def _wait_for(self, part: Part) -> None:
        while part.process.poll() is None:
            if self.signals.wait(0.2):
                raise Interrupted
        part.collect()
        self.parts.remove(part)

    # --- serve ---------------------------------------------------------------------------------------

    def _serve(self, began: float) -> None:
        """Start what runs for good, wait for the first answer, and say where to go."""
        sign_ins = None
        self._start("web", [sys.executable, "-m", "granian", *self._web_options(), "portal.wsgi:application"])
        # People wait for the web server, so the worker and the clock do not take its time to start.
        if self.env["PORTAL_DEMO"] != "0":
            sign_ins = self._start(
                "sign-ins", [sys.executable, "manage.py", "demo", "--sign-ins"], is_quiet=True
            )
            self._wait_for(sign_ins)
        if not self._web_answers(time.monotonic() + STARTS_WITHIN):
            return
        self._start("clock", [sys.executable, "manage.py", "clock"])
        self._start("worker", [sys.executable, "manage.py", "worker"])
        shown = "localhost" if self.host in {"127.0.0.1", "localhost", "::1"} else self.host
        say("")
        say(f"ready after {_since(began)}: http://{shown}:{self.port}/   (Ctrl-C ends it)")
        for line in sign_ins.lines if sign_ins else ():
            say(f"  {line}")

    def _web_options(self) -> list[str]:
        options = {
            "--interface": "wsgi",
            "--host": self.host,
            "--port": str(self.port),
            "--workers": "1",
            "--blocking-threads": str(min(8, 2 * (os.cpu_count() or 1))),
            "--workers-kill-timeout": "5",
            "--log-level": "warning",
        }
        return [word for pair in options.items() for word in pair] + ["--no-ws"]

    def _web_answers(self, deadline: float) -> bool:
        """Wait until the server answers anything at all; False if a part ends first, which `_watch` tells."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        while not any(part.process.poll() is not None for part in self.parts):
            connection = http.client.HTTPConnection(host, self.port, timeout=5)
            try:
                connection.request("GET", "/", headers={"Host": f"localhost:{self.port}"})
                connection.getresponse()
            except OSError:
                if self.signals.wait(0.1):
                    raise Interrupted from None
            else:
                return True
            finally:
                connection.close()
            if time.monotonic() > deadline:
                raise Refused(
                    f"the web server did not answer within {STARTS_WITHIN:.0f} s; its words are above."
                )
        return False

    def _watch(self) -> int:
        """Until somebody asks for the end, or a part ends by itself."""
        while True:
            if self.signals.wait(0.5):
                say(f"{self.signals.name}: stopping")
                return 0
            for part in self.parts:
                if (code := part.process.poll()) is not None:
                    part.collect()
                    self.parts.remove(part)
                    return self._report(f"{part.name} ended with exit code {code}", list(part.lines))
            if self.cluster and not self.cluster.is_running():
                return self._report("PostgreSQL ended", self.cluster.log_tail().splitlines())

    def _report(self, what: str, lines: list[str]) -> int:
        say(f"{what}, so the rest is stopped. Its last lines:")
        for line in lines:
            say(f"  {line}")
        return 1

    def _stop(self) -> None:
        """In order: who asks goes before who works, the database is last."""
        began = time.monotonic()
        was_running = bool(self.parts) or (self.cluster is not None and self.cluster.is_running())
        for part in self.parts:
            part.end(self.signals)
        if self.cluster:
            if self.cluster.is_running():
                self._environment_file.unlink(missing_ok=True)
            self.cluster.stop()
        if was_running:
            say(f"stopped ({_since(began)})")


def shared_environment(checkout: Path) -> dict[str, str]:
    """What the portal that runs in this folder gave its own commands; empty when none runs."""
    file = checkout / "var" / ENVIRONMENT_FILE
    if not file.exists() or not running_url(checkout, RUNTIME):
        return {}
    shared: dict[str, str] = json.loads(file.read_text())
    return shared


def free_port(host: str, wanted: str) -> int:
    """The port, if it can be had; asked first, because the web server says it less clearly. 0 finds one."""
    if not wanted.isascii() or not wanted.isdigit() or int(wanted) > 65535:
        raise Refused(f"PORT={wanted}: say a number from 1 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, int(wanted), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except socket.gaierror:
        raise Refused(f"HOST={host} is no address of this machine.") from None
    except PermissionError:
        raise Refused(f"port {wanted} needs root; choose another one: PORT=8000 make run") from None
    except OSError as error:
        again = f"choose another one: PORT={int(wanted) + 1} make run"
        raise Refused(f"port {wanted} on {host} can't be used ({error.strerror}); {again}") from None


def static_fingerprint(checkout: Path) -> str:
    """A digest that changes when a static file, the packages or the settings change."""
    found = hashlib.sha256()
    for name in ("requirements.lock", "package-lock.json", "portal/settings.py"):
        file = checkout / name
        found.update(file.read_bytes() if file.exists() else b"-")
    for folder in sorted(set(checkout.glob("*/static")) - {checkout / "var" / "static"}):
        for file in sorted(folder.rglob("*")):
            status = file.stat()
            found.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    found.update(str((checkout / "node_modules" / ".ok").exists()).encode())
    return found.hexdigest()


def _write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    making = file.with_name(f"{file.name}.new")
    making.unlink(missing_ok=True)
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
        new.write(text)
    making.replace(file)


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"


def main(checkout: Path = ROOT) -> int:
    """Run the portal of this checkout; gives the exit code."""
    return Runner(checkout, dict(os.environ), Signals()).run()


if __name__ == "__main__":
    sys.exit(main())
