"""Paths to what is looked at: the files under them, and those that belong together as one.

The order is the same every time, and nothing but regular files is opened. Links are followed, and every
folder is entered once, so that links that lead in circles come to an end.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Protocol

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

MOST_BELOW = 10_000  # files of one recording


class NotOpened(Exception):
    """Why an input can't be opened; the message is for people."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something to look at; `problem` says why it can't be, where that is known already.

    Of several files that belong together `files` names all, and `path` their folder or the first of them.
    """

    path: str
    problem: str = ""
    files: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's own name."""
        return Path(self.path).name

    @property
    def shown(self) -> str:
        """The path as text, whatever bytes it is made of."""
        return shown(self.path)


class Together(Protocol):
    """Who tells which files belong together."""

    def of(self, files: Sequence[str]) -> list[tuple[str, ...]]:
        """The groups of two and more among them; most files belong to none."""

    def is_whole(self, files: Sequence[str]) -> bool:
        """Whether the files of a folder, and of the folders in it, are one."""


def shown(path: str) -> str:
    """A path as text, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def given(paths: Iterable[str], together: Together) -> Iterator[Input]:
    """What the paths lead to, in their order: files named one after the other may belong together."""
    for is_folder, some in groupby(paths, _is_folder):
        if is_folder:
            for folder in some:
                yield from under(folder, together)
        else:
            yield from _joined(list(some), together)


def under(path: str, together: Together) -> Iterator[Input]:
    """The file itself, or everything in the folder and the folders in it."""
    seen: set[tuple[int, int]] = set()
    waiting = [Input(path)]
    is_empty = True
    while waiting:
        one = waiting.pop()
        if one.problem or one.files:
            is_empty = False
            yield one
            continue
        try:
            status = Path(one.path).stat()
            if not stat.S_ISDIR(status.st_mode):
                is_empty = False
                yield one
                continue
            if (key := (status.st_dev, status.st_ino)) in seen:
                continue
            seen.add(key)
            waiting += reversed(_inside(one.path, together))
        except OSError as error:
            is_empty = False
            yield Input(one.path, _words(error))
    if is_empty:
        yield Input(path, "The folder holds no file.")


def _inside(folder: str, together: Together) -> list[Input]:
    """What lies in a folder: files, files that are one, and folders."""
    with os.scandir(folder) as entries:
        paths = sorted((entry.path for entry in entries), key=os.fsencode)
    folders = [path for path in paths if _is_folder(path)]
    found = _joined(paths, together)
    alone = next((one for one in found if one.files), None)
    if alone is None or len(alone.files) + len(folders) < len(paths):
        return found
    if not folders:
        return [Input(folder, files=alone.files)]
    below = _below(folder)
    return [Input(folder, files=tuple(below))] if below and together.is_whole(below) else found


def _joined(paths: Sequence[str], together: Together) -> list[Input]:
    """Files that belong together take the place of the first of them."""
    files = list(dict.fromkeys(path for path in paths if stat.S_ISREG(_mode(path))))
    groups = {group[0]: group for group in together.of(files)} if len(files) > 1 else {}
    taken = {path for group in groups.values() for path in group}
    found = []
    for path in paths:
        if group := groups.pop(path, None):
            found.append(Input(path, files=group))
        elif path in taken:
            taken.remove(path)
        else:
            found.append(Input(path))
    return found


def _below(folder: str) -> list[str]:
    """The files of a folder and the folders in it; none if it holds links, or very many."""
    found: list[str] = []
    for at, folders, names in os.walk(folder):
        paths = [str(Path(at, name)) for name in names]
        is_plain = all(stat.S_ISREG(_mode(path)) for path in paths)
        if not is_plain or any(Path(at, name).is_symlink() for name in (*folders, *names)):
            return []
        found += paths
        if len(found) > MOST_BELOW:
            return []
    return sorted(found, key=os.fsencode)


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


def _mode(path: str) -> int:
    """What it is, following links; 0 where that can't be told."""
    try:
        return Path(path).stat().st_mode
    except OSError:
        return 0


def _is_folder(path: str) -> bool:
    return stat.S_ISDIR(_mode(path))


def _kind(path: str) -> str:
    mode = _mode(path)
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
