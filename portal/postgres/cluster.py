"""One private PostgreSQL cluster: where it lives, how it is made, started and stopped.

It listens on a socket in a private folder only, and lets in its own operating-system user (and root
where root started it) by peer authentication. Two roles sign in: the owner, which migrates, and the
runtime role, which owns nothing.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

import psycopg

from portal.postgres import binaries, child
from portal.postgres.refusal import ClusterError

OWNER = "portal"
RUNTIME = "portal_app"
DATABASE = "portal"
# Where root keeps clusters: PostgreSQL runs as another user there, which can't enter root's folders.
STORES = (Path("/var/lib/portal"), Path("/var/tmp/portal"))  # noqa: S108 - checked for its owner before use
STEP_DOWN_TO = ("postgres", "nobody")
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "logging_collector": "off",
    "unix_socket_permissions": "0700",
    # Pages ask small questions that the planner takes for large ones; compiling them takes longer than they.
    "jit": "off",
}
# A cluster that is thrown away needs no care for power cuts and no vacuum beside the tests; there, two
# connections of one thread that wait for each other shall fail rather than hang.
NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "lock_timeout": "30s",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
LOG_LIMIT = 5_000_000  # bytes, then it moves to log.old
LOCK_PATIENCE = 5.0  # seconds


class Cluster:
    """The cluster called `name` of one checkout.

    `home` overrides the folder it lives in. `durable=False` is for tests. One process at a time can run
    it: the server inherits a locked descriptor, so whoever gets the lock knows that no server is alive.
    """

    def __init__(
        self, checkout: Path, name: str = "main", durable: bool = True, home: Path | None = None
    ) -> None:
        self.durable = durable
        self.is_root = os.geteuid() == 0
        self.uid, self.gid = _step_down() if self.is_root else (os.geteuid(), os.getegid())
        key = hashlib.sha256(f"{checkout.resolve()}\0{name}".encode()).hexdigest()[:12]
        self.home = home or (_store(key) / key if self.is_root else checkout / "var" / f"pg-{name}")
        self.data = self.home / "data"
        # Short however deep the checkout lies: a socket's path may have 107 bytes.
        self.socket = Path(f"/tmp/.portal-{self.uid}-{key}")  # noqa: S108 - made 0700 and checked for its owner
        self.binaries: binaries.Binaries | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._log_begins = 0

    def url(self, role: str, database: str = DATABASE) -> str:
        """The address of a database for one of the two roles."""
        return f"postgresql://{role}@/{database}?host={self.socket}"

    @property
    def version(self) -> int:
        """The major version of the server."""
        return self._programmes.version

    @property
    def _programmes(self) -> binaries.Binaries:
        if self.binaries is None:
            self.binaries = binaries.choose(self._made_by())
        return self.binaries

    def _made_by(self) -> int | None:
        """Which major version made the data, if there are any."""
        marker = self.data / "PG_VERSION"
        return int(marker.read_text()) if marker.exists() else None

    def log_tail(self, size: int = 2000) -> str:
        """The last words of the server since this start."""
        log = self.home / "log"
        return log.read_bytes()[self._log_begins :][-size:].decode(errors="replace") if log.exists() else ""

    # --- start ---------------------------------------------------------------------------------------

    def start(self, patience: float = 60) -> Self:
        """Make the cluster if it isn't there, start it, and wait until it answers (seconds of `patience`)."""
        try:
            self._prepare()
            self.process = self._launch()
            self._wait_until_ready(self.process, time.monotonic() + patience)
            self._make_roles()
        except OSError as error:
            self.stop()
            raise ClusterError(
                f"PostgreSQL can't be started in {self.home}: {error.strerror or error}"
            ) from error
        except psycopg.Error as error:
            self.stop()
            raise ClusterError(f"PostgreSQL in {self.home} does not let its owner in: {error}") from error
        except ClusterError:
            self.stop()
            raise
        return self

    def _prepare(self) -> None:
        _name_of(self.uid)
        for parent in reversed(self.home.parents):
            parent.mkdir(mode=0o755, exist_ok=True)
        self._own(self.home)
        if self.is_root and (stop := binaries.barrier(self.home, self.uid, self.gid)):
            raise ClusterError(
                f"the user that runs PostgreSQL (uid {self.uid}) can't enter {stop}; choose another folder."
            )
        self._take_lock()
        self._own(self.socket)  # behind the lock: whoever stops removes it, and lets go of the lock last
        if self.is_root:
            self.binaries = binaries.reachable(self._programmes, self.uid, self.gid, _store())
        if self._made_by() is None:
            self._initialise()
        self._let_in()

    def _own(self, folder: Path) -> None:
        """Make a folder that only the server's user may enter; one that somebody else made is refused."""
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {self.uid, os.geteuid()}:
            raise ClusterError(
                f"{folder} belongs to somebody else (uid {status.st_uid}); remove it, then start again."
            )
        folder.chmod(0o700)
        self._give(folder)

    def _give(self, path: Path) -> None:
        if self.is_root:
            os.chown(path, self.uid, self.gid)

    def _take_lock(self) -> None:
        """Hold the lock; a predecessor that was killed needs a moment to let go of it."""
        self._lock = (self.home / "lock").open("a")
        end = time.monotonic() + LOCK_PATIENCE
        while not _locked(self._lock, fcntl.LOCK_EX):
            if time.monotonic() > end:
                self._lock.close()
                self._lock = None
                raise ClusterError(
                    f"the database of this folder is already running (lock {self.home / 'lock'}): "
                    f"stop the other portal first."
                )
            time.sleep(0.05)

    def _initialise(self) -> None:
        """Run initdb beside the final place, so that a half-made cluster is never taken for one."""
        making = self.home / "data.new"
        shutil.rmtree(making, ignore_errors=True)
        locale = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
        options = [f"--locale={locale}"]
        if self.version >= 17:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options += ["--data-checksums"] if self.durable else ["--no-sync"]
        options += ["--encoding=UTF8", f"--username={OWNER}", "--auth-local=peer", "--auth-host=reject"]
        made = subprocess.run(
            [self._programmes["initdb"], "--pgdata", making, *options],
            capture_output=True,
            text=True,
            cwd="/",
            env=self._environment(),
            user=self.uid if self.is_root else None,
            group=self.gid if self.is_root else None,
            extra_groups=[] if self.is_root else None,
            check=False,
        )
        if made.returncode:
            raise ClusterError(f"initdb failed in {self.home}:\n{made.stdout}{made.stderr}")
        making.rename(self.data)

    def _let_in(self) -> None:
        """Write who may sign in, at every start: the users that run this may have changed their names."""
        people = {_name_of(os.geteuid()), _name_of(self.uid)}
        quoted = [name.replace('"', '""') for name in sorted(people)]
        maps = [f'portal "{name}" {role}\n' for name in quoted for role in (OWNER, RUNTIME)]
        for name, text in {
            "pg_hba.conf": "local all all peer map=portal\n",
            "pg_ident.conf": "".join(maps),
        }.items():
            file = self.data / name
            file.write_text(text)
            self._give(file)

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

    def _launch(self) -> subprocess.Popen[bytes]:
        """Start the server as a child that ends with this process."""
        if self._lock is None:
            raise ClusterError("the lock must be held before the server starts")
        # The lock proves that no server is alive, so whatever one left behind is stale.
        for left in (self.data / "postmaster.pid", *self.socket.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)
        settings = (
            SETTINGS | {"unix_socket_directories": str(self.socket)} | ({} if self.durable else NOT_DURABLE)
        )
        log = self.home / "log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".old"))
        with log.open("ab") as output:
            self._log_begins = output.tell()
            return child.start(
                [
                    self._programmes["postgres"],
                    "-D",
                    self.data,
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                dying=signal.SIGINT,  # a fast shutdown
                cwd="/",
                env=self._environment(),
                output=output,
                pass_fds=[self._lock.fileno()],
                user=(self.uid, self.gid) if self.is_root else None,
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes], end: float) -> None:
        """Until the server's own file says that it takes connections."""
        while not _is_ready(self.data, process.pid):
            if process.poll() is not None:
                raise ClusterError(
                    f"PostgreSQL did not start (exit code {process.returncode}):\n{self.log_tail()}"
                )
            if time.monotonic() > end:
                raise ClusterError(f"PostgreSQL was not ready in time:\n{self.log_tail()}")
            time.sleep(0.02)

    def _make_roles(self) -> None:
        """The runtime role and the database, at the first start (and after one that was interrupted)."""
        with psycopg.connect(self.url(OWNER, "postgres"), autocommit=True) as server:
            if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [RUNTIME]).fetchone():
                server.execute(f"CREATE ROLE {RUNTIME} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    # --- stop ----------------------------------------------------------------------------------------

    def is_running(self) -> bool:
        """Is the server that this object started alive?"""
        return self.process is not None and self.process.poll() is None

    def stop(self, patience: float = 20) -> None:
        """Shut the server down, in order first; harmless when nothing runs."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGINT)
                try:
                    self.process.wait(patience)
                except subprocess.TimeoutExpired:
                    self.process.send_signal(signal.SIGQUIT)
                    self.process.wait()
            child.release(self.process)
            self.process = None
        if self._lock is not None:
            shutil.rmtree(self.socket, ignore_errors=True)
            self._lock.close()
            self._lock = None

    def discard(self) -> bool:
        """Remove a cluster with all its data, unless somebody runs it; says whether it is gone."""
        if self.process is not None:
            self.stop()
        if is_running(self.home):
            return False
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.socket, ignore_errors=True)
        return True


def running_url(checkout: Path, role: str) -> str | None:
    """The address of this checkout's cluster if it is up (a runner in another terminal), else None."""
    try:
        cluster = Cluster(checkout)
        return cluster.url(role) if is_running(cluster.home) and _is_ready(cluster.data) else None
    except (ClusterError, OSError):
        return None


def is_running(home: Path) -> bool:
    """Does somebody hold the lock of the cluster that lives in `home`?"""
    try:
        with (home / "lock").open() as lock:
            return not _locked(lock, fcntl.LOCK_SH)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _locked(lock: IO[str], kind: int) -> bool:
    """Try to lock without waiting."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_ready(data: Path, pid: int | None = None) -> bool:
    """Does the server's file (first line its pid, eighth its state) say that it takes connections?"""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready" and pid in (None, int(lines[0]))


def _name_of(uid: int) -> str:
    """PostgreSQL and its peer authentication know users by name only."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise ClusterError(
            f"the user id {uid} has no name on this machine, and PostgreSQL refuses to run so. "
            f"Run as a user that is listed in /etc/passwd, or set DATABASE_URL and DATABASE_OWNER_URL."
        ) from None


def _step_down() -> tuple[int, int]:
    """Whom PostgreSQL runs as when root starts it: it refuses root."""
    for name in STEP_DOWN_TO:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return user.pw_uid, user.pw_gid
    raise ClusterError(
        f"root can't run PostgreSQL, and there is no user {' or '.join(STEP_DOWN_TO)} to step down to. "
        f"Run as a normal user, or set DATABASE_URL and DATABASE_OWNER_URL."
    )


def _store(key: str = "") -> Path:
    """Root's folder of clusters and programmes: the one that holds this key, else the first to be had."""
    for store in STORES:
        if _is_roots(store) and (store / key).exists():
            return store
    for store in STORES:
        with suppress(OSError):
            store.mkdir(mode=0o755, exist_ok=True)
            if _is_roots(store) and os.access(store, os.W_OK):
                return store
    places = " nor ".join(map(str, STORES))
    raise ClusterError(f"root can write neither {places}; set DATABASE_URL and DATABASE_OWNER_URL.")


def _is_roots(folder: Path) -> bool:
    """Is it root's alone? Everybody may make a folder beside it in /var/tmp."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022
