"""Where the bytes lie: files named by their digest, never by anything from outside. Knows no rows.

PORTAL_DATA/vault/ab/cd/abcd…    kept
PORTAL_DATA/vault/incoming/      being written; renamed into place when complete
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Self

from django.conf import settings

PIECE = 1 << 20
KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}")


class TooLarge(ValueError):
    """More bytes came than `limit` allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class Incoming:
    """A file being received: hashed while written, gone unless it is put in place."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self._digest = hashlib.sha256()
        folder = root() / "incoming"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
        self._path, self._file = Path(name), os.fdopen(handle, "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def receive(self, chunks: Iterable[bytes]) -> None:
        """Write and hash all of `chunks`; after it the bytes are on disk, whatever happens to the machine."""
        for chunk in chunks:
            self.size += len(chunk)
            if self.size > self.limit:
                raise TooLarge(self.limit)
            self._digest.update(chunk)
            self._file.write(chunk)
        self._file.flush()
        os.fsync(self._file.fileno())

    @property
    def sha256(self) -> bytes:
        """The digest of what was received."""
        return self._digest.digest()

    def put_in_place(self) -> str:
        """Rename to its digest and return the storage key.

        The same bytes again replace the old file, which heals one that was altered.
        """
        key = key_for(self.sha256)
        place = path_of(key)
        for folder in (place.parent.parent, place.parent):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
                _sync(folder.parent)
        self._path.replace(place)
        _sync(place.parent)
        return key


def root() -> Path:
    """The vault's folder."""
    return Path(settings.PORTAL_DATA) / "vault"


def key_for(sha256: bytes) -> str:
    """`ab/cd/abcd…`: 65,536 folders keep each of them short."""
    name = sha256.hex()
    return f"{name[:2]}/{name[2:4]}/{name}"


def path_of(key: str) -> Path:
    """The file of a storage key; a key of any other form never reaches the file system."""
    if not KEY.fullmatch(key):
        raise ValueError("not a storage key of the vault")
    return root() / key


def open_hashed(key: str) -> tuple[BinaryIO, bytes]:
    """The file at its beginning and the digest of what it holds now."""
    file = path_of(key).open("rb")
    try:
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, digest


def left_incoming(before: datetime) -> Iterator[Path]:
    """Files whose upload ended without them, last written before `before`."""
    yield from _older(root().glob("incoming/*"), before)


def kept(before: datetime) -> Iterator[Path]:
    """Files in place, last written before `before`."""
    yield from _older(root().glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"), before)


def _older(paths: Iterable[Path], before: datetime) -> Iterator[Path]:
    for path in paths:
        try:
            if path.stat().st_mtime < before.timestamp():
                yield path
        except FileNotFoundError:  # put in place or removed meanwhile
            continue


def _sync(folder: Path) -> None:
    """A new name is only safe once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
