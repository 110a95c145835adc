"""A BagIt bag (RFC 8493, version 1.0) in a zip, written in one pass with SHA-256 manifests.

An ordinary zip and two text manifests: `bagit.py --validate` and `sha256sum -c` check it without us.
Names in the bag are made by us alone; order and times are fixed, so the same content gives the same bytes.
"""

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can say
PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class BagFile:
    """One payload file: its path below `data/`, its bytes in pieces, and whether compressing helps.

    `expected` is the SHA-256 a recording was kept under: what leaves must be what came.
    """

    path: str
    pieces: Callable[[], Iterable[bytes]]
    compress: bool = True
    expected: str = ""


class Broken(Exception):
    """A file would leave with other bytes than it came with; the pack is not built."""


@dataclass(slots=True)
class Bag:
    """Writes files as they come and the manifests at the end."""

    archive: zipfile.ZipFile
    root: str
    payload: dict[str, str] = field(default_factory=dict)
    octets: int = 0

    def add(self, file: BagFile) -> None:
        """Write one payload file and remember its digest."""
        if not SAFE.fullmatch(file.path) or file.path in self.payload:
            raise ValueError(f"not a path for a bag: {file.path!r}")
        digest, size = self._write(f"data/{file.path}", file.pieces(), compress=file.compress)
        if file.expected and digest != file.expected:
            raise Broken(f"{file.path}: kept under {file.expected}, but its bytes give {digest}")
        self.payload[file.path] = digest
        self.octets += size

    def finish(self, info: dict[str, str]) -> None:
        """Write the tag files: declaration, information, manifest of the payload, manifest of the tags."""
        lines = {"Payload-Oxum": f"{self.octets}.{len(self.payload)}", **info}
        tags = {
            "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "bag-info.txt": "".join(f"{key}: {_one_line(value)}\n" for key, value in sorted(lines.items())),
            "manifest-sha256.txt": "".join(
                f"{digest}  data/{path}\n" for path, digest in sorted(self.payload.items())
            ),
        }
        digests = {name: self._write(name, [text.encode()])[0] for name, text in tags.items()}
        listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
        self._write("tagmanifest-sha256.txt", [listing.encode()])

    def _write(self, name: str, pieces: Iterable[bytes], *, compress: bool = True) -> tuple[str, int]:
        entry = zipfile.ZipInfo(f"{self.root}/{name}", EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        entry.external_attr = 0o644 << 16
        running, size = hashlib.sha256(), 0
        with self.archive.open(entry, "w", force_zip64=True) as target:
            for piece in pieces:
                running.update(piece)
                size += len(piece)
                target.write(piece)
        return running.hexdigest(), size


def write(
    target: IO[bytes],
    root: str,
    files: Iterable[BagFile],
    info: dict[str, str],
    *,
    on_file: Callable[[int], None] = lambda _done: None,
) -> int:
    """Write a whole bag named `root` into `target`; returns the number of payload files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        bag = Bag(archive, root)
        for done, file in enumerate(files, start=1):
            bag.add(file)
            on_file(done)
        bag.finish(info)
        return len(bag.payload)


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """A file in pieces of a mebibyte, closed at the end."""
    with file:
        while piece := file.read(PIECE):
            yield piece


def text(lines: Iterable[str]) -> Callable[[], Iterator[bytes]]:
    """Lines as UTF-8, made when they are written."""
    return lambda: (line.encode() for line in lines)


def _one_line(value: str) -> str:
    """A tag's value is one line (RFC 8493 §2.2.2)."""
    return " ".join(value.split())
