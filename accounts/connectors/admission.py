"""Admission: a file is written down without its secrets, while it streams past, with both digests.

What the sink received is worthless when this raises: the caller throws it away.
"""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO, cast

from accounts.connectors.connector import Connector, Cut, Options, Sink
from accounts.connectors.records import Unreadable
from accounts.connectors.text import Readable


@dataclass(frozen=True, slots=True)
class Admitted:
    """The two files by digest and size (bytes), and what the second lacks. `rows` and totals: tables only."""

    original_sha256: str
    original_size: int
    admitted_sha256: str
    admitted_size: int
    cut: tuple[Cut, ...]
    lines: int
    rows: int | None = None
    control_total: int | None = None


def admit(
    stream: Readable, connector: Connector, mapping: Options, sink: Sink, limit: int | None = None
) -> Admitted:
    """Hand the file as admitted (UTF-8) to `sink` piece by piece; more than `limit` bytes are refused."""
    original, admitted = _Digested(stream, limit), _Digesting(sink)
    kept = connector.admit(original, mapping, admitted)
    while original.read(64 * 1024):
        pass
    return Admitted(
        original.digest.hexdigest(),
        original.size,
        admitted.digest.hexdigest(),
        admitted.size,
        kept.cut,
        kept.lines,
        kept.rows,
        kept.control_total,
    )


class _Digested:
    """The original, hashed and counted while it is read."""

    def __init__(self, stream: Readable, limit: int | None) -> None:
        self._stream, self._limit = stream, limit
        self._is_handed_out = False
        self.digest, self.size = hashlib.sha256(), 0

    def rewound(self) -> BinaryIO | None:
        """The file itself, hashed to its end, for a format that is read back and forth (ZIP).

        None if it can't be sought, or what was read of it did not begin at its start.
        """
        seekable = getattr(self._stream, "seekable", None)
        if seekable is None or not seekable():
            return None
        file = cast(BinaryIO, self._stream)
        if file.tell() != self.size:
            return None
        while self.read(64 * 1024):
            pass
        self._is_handed_out = True
        file.seek(0)
        return file

    def read(self, size: int, /) -> bytes:
        if self._is_handed_out:
            return b""
        data = self._stream.read(size)
        self.digest.update(data)
        self.size += len(data)
        if self._limit is not None and self.size > self._limit:
            raise Unreadable(
                "too_large",
                f"The file is larger than the limit of {self._limit:,} bytes. Export it in parts, or ask for "
                "a higher limit.",
            )
        return data


class _Digesting:
    """The sink, hashed and counted while it is filled."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.digest, self.size = hashlib.sha256(), 0

    def __call__(self, data: bytes) -> None:
        self.digest.update(data)
        self.size += len(data)
        self._sink(data)
