"""Files that belong together: as they were given, or unpacked from a tar or a zip within limits.

A recorder that writes a folder (sudo) or packs several files (JumpServer) hands over one recording in parts.
Names in an archive are somebody else's: they are compared and shown, never used as paths; links, devices and
names that lead elsewhere refuse the archive. (OWASP File Upload Cheat Sheet; CWE-22, CWE-409.)
"""

import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import IO, BinaryIO, NoReturn, Self, cast

from sessions_app.formats.events import NotReadable
from sessions_app.formats.lines import BLOCK, Limits, Source

MAX_PARTS = 10_000
LONGEST_NAME = 1_024
MAX_ENTRIES = 2 * MAX_PARTS  # with folders
MAX_NAMES = 4 * 1024 * 1024  # bytes of an archive's own, between two files: names, attributes, maps
IN_MEMORY = 1024 * 1024
HEAD = 64 * 1024
_OF_DIRECTORY = b"PK\x01\x02"  # one for each entry of a zip
# What the libraries raise for archives that are not as they should be.
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    LookupError,
    OSError,
    RuntimeError,  # also RecursionError and NotImplementedError
)
_PACKED_AS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a recording: its name with "/" between folders, and how to read it from its start."""

    name: str
    open: Callable[[], BinaryIO]

    @property
    def base_name(self) -> str:
        """Without its folders."""
        return self.name.rpartition("/")[2]

    def head(self, size: int = HEAD) -> bytes:
        """Its first bytes, unpacked if it is gzip; empty if that cannot be done."""
        try:
            with self.open() as stream:
                return Source(stream).peek(size)
        except NotReadable:
            return b""


def in_memory(name: str, data: bytes) -> Part:
    """A part of bytes that are held already."""
    return Part(name, lambda: BytesIO(data))


def is_archive(head: bytes) -> bool:
    """Whether a file with these first (unpacked) bytes is a tar or a zip."""
    return head.startswith(b"PK\x03\x04") or head[257:262] == b"ustar"


def unpacked(source: Source) -> list[Part]:
    """The regular files of an archive, kept in one temporary file; raises NotReadable."""
    limits = source.limits
    is_zip = source.peek(4) == b"PK\x03\x04"
    kept = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115  # lives as long as its parts
    if not is_zip:
        return _split(kept, _of_tar(source), limits)
    whole = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
    entries, tail = 0, b""
    for block in source:
        whole.write(block)
        seen = tail + block
        entries, tail = entries + seen.count(_OF_DIRECTORY), seen[-len(_OF_DIRECTORY) + 1 :]
        if entries > 2 * MAX_ENTRIES:  # before a list of them is made
            _refuse(f"It holds more than {MAX_PARTS:,} files.")
    return _split(kept, _of_zip(whole, limits), limits)


def _split(kept: BinaryIO, files: Iterator[tuple[str, IO[bytes]]], limits: Limits) -> list[Part]:
    """Copy each file behind the one before."""
    parts: list[Part] = []
    names: set[str] = set()
    end = 0
    for name, file in files:
        if name in names:
            _refuse(f"It holds “{_shown(name)}” twice.")
        names.add(name)
        if len(parts) >= MAX_PARTS:
            _refuse(f"It holds more than {MAX_PARTS:,} files.")
        start = end
        while block := _next(file):
            end += len(block)
            if end > limits.unpacked:
                raise NotReadable(
                    "too_large",
                    f"Unpacked, the archive is larger than {limits.unpacked:,} bytes. Upload it in parts.",
                )
            kept.write(block)
        parts.append(_slice(kept, name, start, end))
    if not parts:
        _refuse("It holds no file.")
    return parts


def _next(file: IO[bytes]) -> bytes:
    try:
        return file.read(BLOCK)
    except _DAMAGE as error:
        _refuse(f"It is damaged: {type(error).__name__}.")


def _slice(kept: BinaryIO, name: str, start: int, end: int) -> Part:
    return Part(name, lambda: cast(BinaryIO, _Window(kept, start, end)))


class _Window:
    """A stretch of a file, read as a file of its own; several may be open at the same time."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._at, self._end = file, start, end

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; everything that is left when negative."""
        left = self._end - self._at
        self._file.seek(self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Its file stays open for the other parts."""


class _Blocks:
    """A source as a file that can only be read forwards, as tarfile wants it.

    `names_left` bounds what is read while it looks for the next file, as that is held in memory.
    """

    def __init__(self, source: Source) -> None:
        self._blocks, self._left = iter(source), b""
        self.names_left: int | None = MAX_NAMES

    def read(self, size: int = BLOCK) -> bytes:
        """Exactly `size` bytes unless the end comes first."""
        found, length = [], 0
        while length < size and (block := self._left or next(self._blocks, b"")):
            taken, self._left = block[: size - length], block[size - length :]
            found.append(taken)
            length += len(taken)
        if self.names_left is not None:
            self.names_left -= length
            if self.names_left < 0:
                _refuse("The names and attributes in it are too long.")
        return b"".join(found)


class _Entry(tarfile.TarInfo):
    """A header of a tar; tarfile would take a damaged one for the end, and hide what follows."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """As read; raises NotReadable."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if not buf or (len(buf) == tarfile.BLOCKSIZE and not any(buf)):
                raise  # the end
            _refuse(f"It is damaged: {type(error).__name__}.")


def _of_tar(source: Source) -> Iterator[tuple[str, IO[bytes]]]:
    blocks = _Blocks(source)
    entries = 0
    try:
        with tarfile.open(
            fileobj=cast(IO[bytes], blocks), mode="r|", errors="replace", tarinfo=_Entry
        ) as archive:
            while entry := archive.next():
                entries += 1
                if entries > MAX_ENTRIES:
                    _refuse(f"It holds more than {MAX_PARTS:,} files.")
                blocks.names_left = None
                file = None if entry.isdir() else _file_of(archive, entry)
                if file is not None:
                    yield _safe(entry.name), file
                blocks.names_left = MAX_NAMES
    except _DAMAGE as error:
        _refuse(f"It is damaged: {type(error).__name__}.")


def _file_of(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes] | None:
    if not entry.isreg():
        _refuse(f"“{_shown(entry.name)}” in it is no file but a link or a device.")
    if entry.issparse():  # a few bytes may stand for any number of them
        _refuse(f"“{_shown(entry.name)}” in it has holes.")
    return archive.extractfile(entry)


def _of_zip(whole: BinaryIO, limits: Limits) -> Iterator[tuple[str, IO[bytes]]]:
    try:
        with zipfile.ZipFile(whole) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_PARTS:
                _refuse(f"It holds more than {MAX_PARTS:,} files.")
            for entry in entries:
                if entry.flag_bits & 0x1:
                    _refuse("It is encrypted. Unpack it first.")
                if (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000):
                    _refuse(f"“{_shown(entry.filename)}” in it is no file but a link or a device.")
                if entry.compress_type not in _PACKED_AS:
                    _refuse(f"“{_shown(entry.filename)}” in it is packed in a way that is not read.")
                big = entry.file_size > limits.ratio_from
                if big and entry.file_size > limits.ratio * max(entry.compress_size, 1):
                    raise NotReadable(
                        "unpacks_too_much",
                        f"“{_shown(entry.filename)}” grows to more than {limits.ratio} times its size. "
                        "If it is a real recording, upload it unpacked.",
                    )
                with archive.open(entry) as file:
                    yield _safe(entry.filename), file
    except _DAMAGE as error:
        _refuse(f"It is damaged: {type(error).__name__}.")


def _safe(name: str) -> str:
    """The name with its leading "./" gone; one that leads out of the archive refuses it."""
    steps = [step for step in name.replace("\\", "/").split("/") if step not in ("", ".")]
    is_elsewhere = name.startswith(("/", "\\")) or name[1:2] == ":" or ".." in steps
    if is_elsewhere or not steps or len(name) > LONGEST_NAME or "\0" in name:
        _refuse(f"The name “{_shown(name)}” in it leads elsewhere.")
    return "/".join(steps)


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in name[:100])


def _refuse(why: str) -> NoReturn:
    raise NotReadable("archive_refused", f"The archive can't be taken. {why} Pack the recording again.")


def common_folder(parts: Sequence[Part]) -> str:
    """The folder that all parts lie in, with its "/"; empty when there is none."""
    folders = [part.name.split("/")[:-1] for part in parts]
    shared: list[str] = []
    for steps in zip(*folders, strict=False):
        if len(set(steps)) > 1:
            break
        shared.append(steps[0])
    return "".join(f"{step}/" for step in shared)
