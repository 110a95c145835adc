"""Paths to the files under them, in the same order every time; nothing but regular files is opened.

Links are followed, and every folder is entered once, so that links that lead in circles come to an end.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotOpened(Exception):
    """Why an input can't be opened; the message is for people."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something to look at; `problem` says why it can't be, where that is known already."""

    path: str
    problem: str = ""

    @property
    def name(self) -> str:
        """The file's own name."""
        return Path(self.path).name

    @property
    def shown(self) -> str:
        """The path as text, whatever bytes it is made of."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


def under(path: str) -> Iterator[Input]:
    """The file itself, or every file in the folder and the folders in it."""
    seen: set[tuple[int, int]] = set()
    waiting = [path]
    is_empty = True
    while waiting:
        at = waiting.pop()
        try:
            status = Path(at).stat()
            if not stat.S_ISDIR(status.st_mode):
                is_empty = False
                yield Input(at)
                continue
            if (key := (status.st_dev, status.st_ino)) in seen:
                continue
            seen.add(key)
            with os.scandir(at) as entries:
                waiting += sorted((entry.path for entry in entries), key=os.fsencode, reverse=True)
        except OSError as error:
            is_empty = False
            yield Input(at, _words(error))
    if is_empty:
        yield Input(path, "The folder holds no file.")


@contextmanager
def opened(one: Input, limit: int) -> Iterator[BinaryIO]:
    """The file, if it is a regular one of at most `limit` bytes. Raises NotOpened."""
    if one.problem:
        raise NotOpened(one.problem)
    try:
        # Without waiting: a pipe that took the file's place must not stop everything.
        handle = os.open(one.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise NotOpened(_kind(one.path) or _words(error)) from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise NotOpened(_kind(one.path) or "This is no file.")
        if status.st_size > limit:
            raise NotOpened(
                f"The file has {status.st_size:,} bytes, and the portal takes {limit:,}. Export it in parts, "
                "or raise PORTAL_UPLOAD_LIMIT."
            )
        yield file


def _kind(path: str) -> str:
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return ""
    what = next((words for is_kind, words in _KINDS if is_kind(mode)), "")
    return f"This is {what}, not a file. Save what it gives as a file." if what else ""


def _words(error: OSError) -> str:
    match error:
        case FileNotFoundError() if error.filename and Path(error.filename).is_symlink():
            return "This is a link to something that is not there."
        case FileNotFoundError():
            return "There is no such file or folder. Check the path."
        case PermissionError():
            return "This user may not read it. Run the command as one who may, or change its permissions."
    return f"It can't be opened: {error.strerror or type(error).__name__}."
