"""Workers and clocks in processes of their own, listened to line by line."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from threading import Timer
from types import TracebackType
from typing import Self

from portal.testing import CHECKOUT

PATIENCE = 60  # seconds, then a program that hangs is killed and its test fails


class Program:
    """`manage.py …` as a child; killed at the latest when the test ends."""

    def __init__(self, *arguments: str, env: Mapping[str, str]) -> None:
        self.heard: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env={**env, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._watchdog = Timer(PATIENCE, self.kill)
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def expect(self, beginning: str) -> list[str]:
        """Read up to a line that begins like this; returns its words."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.heard.append(line)
            if line.startswith(beginning):
                return line.split()
        raise AssertionError(f"never heard “{beginning}”, only:\n{''.join(self.heard)}")

    def tell(self, line: str) -> None:
        """Write to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def terminate(self) -> int:
        """SIGTERM, and wait for its end."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end by itself."""
        output, _ = self.process.communicate(timeout=PATIENCE)
        self.heard.append(output)
        self._watchdog.cancel()
        return self.process.returncode

    def kill(self) -> None:
        """`kill -9` of it and of all its children."""
        self._watchdog.cancel()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
