"""Start a process that ends when its parent does, however the parent ends.

Linux has a signal for it, asked for between fork and exec. Elsewhere a small shell waits for the end
of a pipe that only the parent holds open, and sends the signal then.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

HAS_DEATH_SIGNAL = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
# Loaded here, because between fork and exec nothing may be imported or loaded.
_libc = ctypes.CDLL(None) if HAS_DEATH_SIGNAL else None


def start(
    command: Sequence[str | Path],
    *,
    dying: signal.Signals,
    cwd: Path | str,
    env: dict[str, str],
    output: int | IO[bytes],
    pass_fds: Sequence[int] = (),
    user: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it gets the signal `dying` when this thread's process dies.

    On Linux the signal is tied to the *thread* that starts the child, so call this from the main one.
    `user` is (uid, gid) to step down to.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if _libc is not None and HAS_DEATH_SIGNAL:
            _libc.prctl(PR_SET_PDEATHSIG, dying, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the request was in place
            os._exit(1)

    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=before_exec,  # noqa: PLW1509 - it calls nothing that another thread could hold a lock of
        pass_fds=pass_fds,
        user=user[0] if user else None,
        group=user[1] if user else None,
        extra_groups=[] if user else None,
    )
    if not HAS_DEATH_SIGNAL:
        _watch(process.pid, dying)
    return process


def release(process: subprocess.Popen[bytes]) -> None:
    """Forget a child that has ended, so that nothing signals its number when another process gets it."""
    if (held := _held.pop(process.pid, None)) is not None:
        os.write(held, b"ended\n")
        os.close(held)


def _watch(pid: int, dying: signal.Signals) -> None:
    """Let a shell send the signal when the pipe's end in this process is closed by its death."""
    reading, held = os.pipe()
    subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _ || kill -"$2" "$1"', "sh", str(pid), str(int(dying))],
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(reading)
    _held[pid] = held


_held: dict[int, int] = {}
