"""One folder of the inbox, reached from its own descriptor: no name in it leads anywhere else.

A file is complete when a slip `<name>.done` lies beside it, or when nothing about it has changed for a while;
of the two times that count, the kernel alone sets the one (`ctime`).
"""

import hashlib
import io
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from django.utils.translation import gettext as _

DONE, REFUSED = "done", "refused"
SLIP = ".done"
# Names under which files are written before they are renamed; they are left alone.
BEGUN = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".swp")
LONGEST_NAME = 180  # bytes
MOST_NAMES = 10_000  # that one look goes through
_MOMENT = "%Y%m%dT%H%M%S"
_SETTLED = re.compile(r"(?:\d+-)?(\d{8}T\d{6}Z)-")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: opening a pipe that nobody writes to would wait for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotTaken(Exception):
    """A file is refused as it lies there; the text is for whoever sent it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Lying:
    """A name in the folder, and whether a slip says that it is complete."""

    name: str
    changed_at: float  # seconds since the epoch
    has_slip: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """A plain file and what it was when it was opened."""

    file: io.BufferedReader
    size: int
    changed_at: float

    def digest(self) -> str:
        """SHA-256 in hex; the file is at its beginning again afterwards."""
        found = hashlib.file_digest(self.file, "sha256").hexdigest()
        self.file.seek(0)
        return found

    @property
    def has_changed(self) -> bool:
        """Somebody is still writing."""
        now = os.fstat(self.file.fileno())
        return (now.st_size, max(now.st_mtime, now.st_ctime)) != (self.size, self.changed_at)


class Folder:
    """Open while it is looked at; `opened` makes it, and the two folders inside, if they are missing."""

    def __init__(self, root: int) -> None:
        self._root = root

    @classmethod
    @contextmanager
    def opened(cls, inbox: Path, name: str) -> Iterator["Folder"]:
        """The folder `name` of the inbox; raises OSError if it is none, or a link to somewhere else."""
        inbox.mkdir(mode=0o750, parents=True, exist_ok=True)
        above = os.open(inbox, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            root = _inside(above, name)
        finally:
            os.close(above)
        try:
            yield cls(root)
        finally:
            os.close(root)

    def complete(self, *, before: float, now: float) -> list[Lying]:
        """What may be taken: with a slip, or unchanged since `before`; the longest waiting first."""
        found, slips = [], set()
        with os.scandir(self._root) as entries:
            for entry in islice(entries, MOST_NAMES):
                if entry.name.endswith(SLIP):
                    slips.add(entry.name.removesuffix(SLIP))
                elif not _is_left_alone(entry.name):
                    with suppress(FileNotFoundError):
                        about = entry.stat(follow_symlinks=False)
                        found.append((about.st_mtime, entry.name, max(about.st_mtime, about.st_ctime)))
        lying = [Lying(name, changed_at, name in slips) for _age, name, changed_at in sorted(found)]
        return [one for one in lying if one.changed_at <= (now if one.has_slip else before)]

    @contextmanager
    def file(self, name: str, *, limit: int) -> Iterator[Opened]:
        """The file of this name, if it is a plain one; raises NotTaken."""
        if not is_plain(name):
            raise NotTaken(
                "odd_name",
                _("Its name has characters that can't be seen, or is too long. Send it under a plain name."),
            )
        try:
            _refuse_others(os.stat(name, dir_fd=self._root, follow_symlinks=False), limit)
            descriptor = os.open(name, _FILE, dir_fd=self._root)
        except FileNotFoundError:
            raise
        except OSError as error:
            words = _("The portal can't open it (%(why)s).") % {"why": error.strerror}
            raise NotTaken("unreadable", words) from None
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(file.fileno())
            _refuse_others(about, limit)  # what was looked at may have been replaced since
            yield Opened(file, about.st_size, max(about.st_mtime, about.st_ctime))

    def settle(self, name: str, into: str, *, at: datetime, why: str = "", is_kept: bool = True) -> None:
        """Put a file and its slip away; `why` becomes a text beside it. One that is not kept is deleted."""
        target = _inside(self._root, into)
        try:
            shown = self._free(target, f"{at.astimezone(UTC):{_MOMENT}}Z-{shown_name(name)}")
            for suffix in ("", SLIP):
                with suppress(FileNotFoundError):
                    if is_kept:
                        os.rename(
                            f"{name}{suffix}", f"{shown}{suffix}", src_dir_fd=self._root, dst_dir_fd=target
                        )
                    else:
                        os.unlink(f"{name}{suffix}", dir_fd=self._root)
            if why:
                _write(target, f"{shown}.txt", why)
        finally:
            os.close(target)

    def empty(self, of: str, *, before: datetime) -> int:
        """Delete what was put away in `of` before that, by the moment in its name; how many files it was.

        Whatever else lies there is not ours, and stays. Texts and slips go with their file and do not count.
        """
        target, gone = _inside(self._root, of), 0
        try:
            with os.scandir(target) as entries:
                names = [entry.name for entry in islice(entries, MOST_NAMES)]
            for name in names:
                if (put_away := _put_away(name)) is not None and put_away < before:
                    _delete(name, target)
                    gone += not name.endswith((SLIP, ".txt"))
        finally:
            os.close(target)
        return gone

    @staticmethod
    def _free(target: int, wanted: str) -> str:
        """A name that is not taken there."""
        number, name = 1, wanted
        while _exists(target, name) or _exists(target, f"{name}.txt"):
            number += 1
            name = f"{number}-{wanted}"
        return name


def is_plain(name: str) -> bool:
    """Text that can be seen, short, and no path."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # bytes that are no text
        return False
    return name.isprintable() and not set(name) & set("/\\") and size <= LONGEST_NAME


def shown_name(name: str) -> str:
    """The name, or one made of its digest if it should not be written anywhere."""
    return name if is_plain(name) else f"unnamed-{hashlib.sha256(os.fsencode(name)).hexdigest()[:12]}"


def _put_away(name: str) -> datetime | None:
    """The moment that `settle` wrote before a name; None for what it did not write."""
    found = _SETTLED.match(name)
    try:
        return datetime.strptime(found[1], f"{_MOMENT}%z") if found else None
    except ValueError:
        return None


def _delete(name: str, folder: int) -> None:
    """A file, link, pipe or device by its name there; a folder that was refused, with all that is in it."""
    with suppress(FileNotFoundError):
        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(about.st_mode):
            shutil.rmtree(name, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)


def _is_left_alone(name: str) -> bool:
    return name in (DONE, REFUSED) or name.startswith((".", "~")) or name.lower().endswith(BEGUN)


def _refuse_others(about: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise NotTaken(
            "no_file",
            _("This is no plain file but a link, folder, pipe or device. Send the file itself."),
        )
    if about.st_nlink > 1:
        raise NotTaken("linked", _("The file has a second name somewhere (a hard link). Send a copy of it."))
    if about.st_size > limit:
        raise NotTaken(
            "too_large",
            _("The file is larger than the limit of %(limit)s bytes. Export it in parts.")
            % {"limit": f"{limit:,}"},
        )


def _inside(above: int, name: str) -> int:
    """The descriptor of a folder in another one, made if it is missing."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o770, dir_fd=above)
    return os.open(name, _DIRECTORY, dir_fd=above)


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _write(folder: int, name: str, words: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o640, dir_fd=folder), "w", encoding="utf-8") as file:
        file.write(words + "\n")
