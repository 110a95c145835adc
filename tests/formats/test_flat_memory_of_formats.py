"""Long recordings of every format are read without being held."""

import base64
import json
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count
from typing import Self

import pytest

from sessions_app.formats.lines import DEFAULT_LIMITS
from sessions_app.formats.parts import Part
from sessions_app.formats.registry import read, read_parts
from tests.formats import (
    test_auditd,
    test_auth_log,
    test_guacamole,
    test_powershell,
    test_tlog,
    test_warpgate,
)

SIZE = 3 * 1024 * 1024
BOUND = 2 * 1024 * 1024


class Endless:
    """Pieces made while they are read, up to a size."""

    def __init__(self, pieces: Iterator[bytes], size: int = SIZE) -> None:
        self._pieces, self._left, self._held = pieces, size, b""

    def read(self, size: int = 65536) -> bytes:
        """About as much as is asked for."""
        while len(self._held) < size and self._left > 0 and (piece := next(self._pieces, b"")):
            self._held += piece
            self._left -= len(piece)
        data, self._held = self._held[:size], self._held[size:]
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass


def blocks(make: Callable[[int], bytes], at_once: int = 200) -> Iterator[bytes]:
    numbers = count(1)
    while True:
        yield b"".join(make(next(numbers)) for _ in range(at_once))


def exported(number: int) -> bytes:
    return (
        b"__CURSOR=c\nMESSAGE="
        + test_tlog.lines(test_tlog.message(number, out_txt="ab" * 200))
        + b"_PID=1\n\n"
    )


def frame(number: int) -> bytes:
    return struct.pack("<III", 1_600_000_000 + number // 1000, number % 1000, 100) + b"x" * 100


def behind(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


WORDS = b"words of output, and more of them, in a line that is long enough\r\n"
MAKERS: dict[str, Callable[[], Iterator[bytes]]] = {
    "typescript": lambda: behind(b"Script started on 2026-11-24\n", blocks(lambda _: WORDS)),
    "ttyrec": lambda: blocks(frame),
    "tlog": lambda: blocks(lambda number: test_tlog.lines(test_tlog.message(number, out_txt="ab" * 200))),
    "tlog export": lambda: blocks(exported),
    "guacamole": lambda: behind(
        test_guacamole.recording(),
        blocks(
            lambda _: test_guacamole.instruction("blob", 1, "A" * 300) + test_guacamole.instruction("sync", 1)
        ),
    ),
    "warpgate": lambda: behind(
        test_warpgate.lines(test_warpgate.size(0, 80, 24)),
        blocks(
            lambda number: (
                json.dumps(
                    {"time": number, "stream": "Output", "data": base64.b64encode(WORDS).decode()}
                ).encode()
                + b"\n"
            )
        ),
    ),
    "auditd": lambda: blocks(
        lambda number: test_auditd.ran(1, b'argc=1 a0="cat"').replace(b":1)", b":%d)" % number)
    ),
    "auth_log": lambda: blocks(
        lambda number: test_auth_log.lines(
            f"web sshd[{number % 50}]: Accepted password for bob from 192.0.2.2 port 5 ssh2",
            f"web sshd[{number % 50}]: pam_unix(sshd:session): session closed for user bob",
        ).replace(b"Accepted", b"Failed")
    ),
    "powershell": lambda: behind(
        test_powershell.START.encode(), blocks(lambda number: b"PS C:\\>Get-Item %d\r\n" % number + WORDS)
    ),
    "plain_text": lambda: blocks(lambda _: WORDS),
}


def peak_of(drain: Callable[[], int]) -> tuple[int, int]:
    tracemalloc.start()
    try:
        found = drain()
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", MAKERS)
def test_one_file(name: str) -> None:
    def drain() -> int:
        reading = read(Endless(MAKERS[name]()))  # type: ignore[arg-type]  # a stream is read from, no more
        assert reading.header.format == name.split(maxsplit=1)[0]
        return sum(1 for _ in reading)

    found, peak = peak_of(drain)
    assert found >= SIZE // 65536
    assert peak < BOUND


def test_a_timing_with_its_streams() -> None:
    start = b'Script started on 2026-11-24 09:02:16+00:00 [TERM="x"]\n'
    timing = Part("t.tm", lambda: Endless(blocks(lambda _: b"O 0.001000 100\nI 0.001000 2\n"), SIZE // 8))  # type: ignore[arg-type, return-value]
    output = Part("t.out", lambda: Endless(behind(start, blocks(lambda _: b"x" * 100)), SIZE))  # type: ignore[arg-type, return-value]
    typed = Part("t.in", lambda: Endless(behind(start, blocks(lambda _: b"ab")), SIZE // 50))  # type: ignore[arg-type, return-value]

    def drain() -> int:
        return sum(1 for _ in read_parts([timing, output, typed], DEFAULT_LIMITS))

    found, peak = peak_of(drain)
    assert found > 25_000
    assert peak < BOUND
