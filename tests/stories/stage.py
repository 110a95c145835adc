"""The portal as an organisation runs it: web, worker and clock, on a database of their own."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from portal.postgres import child
from portal.run import free_port
from portal.testing.databases import CommittedDatabase

ROOT = Path(__file__).resolve().parents[2]
ORGANISATION = "Nordhaven Bank"
ANSWERS_WITHIN = 60  # seconds until the web server must answer


class Stage:
    """Three processes; whatever they say goes to one file each, outside of the portal's own folder."""

    def __init__(self, database: CommittedDatabase, folder: Path) -> None:
        self.database = database
        self.data, self.logs, self.temporary = folder / "data", folder / "logs", folder / "temporary"
        for one in (self.data, self.logs, self.temporary):
            one.mkdir()
        self.port = free_port("127.0.0.1", "0")
        self.address = f"http://localhost:{self.port}"
        self._parts: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What its processes see."""
        return {
            **self.database.environment,
            "PORTAL_DATA": str(self.data),
            "PORTAL_ORGANISATION": ORGANISATION,
            "PORT": str(self.port),
            "TMPDIR": str(self.temporary),
            "PYTHONUNBUFFERED": "1",
        }

    def start(self) -> None:
        """Start everything and wait for the first answer."""
        web = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)]
        web += ["--workers", "1", "--blocking-threads", "4", "--log-level", "warning", "--no-ws"]
        self._start("web", "-m", *web, "portal.wsgi:application")
        self._start("worker", "manage.py", "worker", "--pause", "0.2")
        # A clock that ticks every second: nobody wants to wait for the hour longer than they must.
        self._start("clock", "manage.py", "clock", "--every", "1")
        self._wait_for_the_web()

    def stop(self) -> None:
        """End what was started, who asks before who works."""
        for process in self._parts.values():
            if process.poll() is None:
                process.terminate()
        for process in self._parts.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            child.release(process)

    def complaints(self) -> list[str]:
        """Lines that no good run writes."""
        return [
            f"{name}: {line}"
            for name in self._parts
            for line in self._log(name).read_text(errors="replace").splitlines()
            if line.startswith(("ERROR", "CRITICAL", "Traceback")) or "failed" in line.lower()
        ]

    def files(self) -> Iterator[Path]:
        """Every file that the portal wrote, temporary ones too, and what its processes said."""
        for folder in (self.data, self.logs, self.temporary):
            yield from (path for path in folder.rglob("*") if path.is_file())

    def _start(self, name: str, *arguments: str) -> None:
        with self._log(name).open("wb") as log:
            command = [sys.executable, *arguments]
            self._parts[name] = child.start(
                command, dying=signal.SIGTERM, cwd=ROOT, env=self.environment, output=log
            )

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _wait_for_the_web(self) -> None:
        for _try in range(ANSWERS_WITHIN * 10):
            try:
                with urllib.request.urlopen(f"{self.address}/sign-in/login/", timeout=30):
                    return
            except urllib.error.URLError:
                self._check_alive()
        raise AssertionError(f"the web server did not answer: {self._log('web').read_text()[-2000:]}")

    def _check_alive(self) -> None:
        """Wait a moment for an early end of the web server: the one thing that can't be waited out."""
        try:
            code = self._parts["web"].wait(0.1)
        except subprocess.TimeoutExpired:
            return
        raise AssertionError(f"the web server ended with {code}: {self._log('web').read_text()[-2000:]}")
