"""A long recording is read, transcribed and copied without being held."""

import io
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from sessions_app.formats import read
from sessions_app.formats.events import Reading
from sessions_app.formats.player import playable
from sessions_app.formats.transcript import chunked, transcribe

SIZE = 8 * 1024 * 1024
BOUND = 2 * 1024 * 1024


class LongRecording(io.RawIOBase):
    """Lines made while they are read, so that the test itself holds nothing."""

    def __init__(self, line: bytes) -> None:
        self._header = b'{"version": 3, "term": {"cols": 120, "rows": 40}}\n'
        self._block = line * (65536 // len(line) + 1)
        self._left = SIZE

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._header:
            block, self._header = self._header, b""
            return block
        self._left -= len(self._block)
        return self._block if self._left > 0 else b""


def through(reading: Reading) -> Iterator[object]:
    return iter(reading)


def transcript(reading: Reading) -> Iterator[object]:
    return chunked(transcribe(reading, cols=reading.header.cols))


def copy(reading: Reading) -> Iterator[object]:
    return playable(reading.header, reading)


@pytest.mark.parametrize("derived", [through, transcript, copy])
def test_memory_is_flat(derived: Callable[[Reading], Iterator[object]]) -> None:
    words = b"words of output without a single line feed, \\u001b[1mon and on\\u001b[0m, " * 40
    line = b'[0.01, "o", "' + words + b'"]\n'
    tracemalloc.start()
    try:
        reading = read(LongRecording(line))  # type: ignore[arg-type]  # RawIOBase lacks BinaryIO's extras
        assert isinstance(reading, Reading)
        for _ in derived(reading):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reading.summary().output_bytes > SIZE // 2
    assert peak < BOUND
