"""ttyrec: the facts of the sample are those of `ttytime` (3 s) and of a loop of `struct` over its frames."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sessions_app.formats import sniff
from sessions_app.formats.events import NotReadable
from tests.formats.conftest import Read

ReadAll = Callable[..., Read]
Load = Callable[[str], bytes]


def frames(*found: tuple[float, bytes], order: str = "<", start: int = 1_600_000_000) -> bytes:
    written = b""
    for at, data in found:
        seconds, microseconds = divmod(round(at * 1_000_000), 1_000_000)
        written += struct.pack(f"{order}III", start + seconds, microseconds, len(data)) + data
    return written


def test_a_recording_of_ttyrec(sample: Load, read_all: ReadAll) -> None:
    data = sample("ttyrec/tool-admin.ttyrec")
    found = read_all(data)
    assert sniff(data[:100]) == "ttyrec"
    assert found.header.started_at == datetime(2026, 11, 24, 9, 2, 39, 76906, tzinfo=UTC)
    assert (found.header.cols, found.header.rows) == (None, None)
    assert found.summary.duration == pytest.approx(3.261357, abs=1e-6)
    assert (found.summary.output_events, found.summary.output_bytes) == (104, 571)
    assert found.summary.warnings == ()


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(order: str, read_all: ReadAll) -> None:
    found = read_all(frames((0.25, b"a"), (1.5, b"\xc3"), (2.0, b"\xbc"), order=order))
    assert found.facts == [(0.0, "o", "a", 1), (1.25, "o", "", 2), (1.75, "o", "ü", 3)]


def test_times_from_zero_have_no_start(read_all: ReadAll) -> None:
    found = read_all(frames((0.0, b"a"), (1.5, b"b"), start=0))
    assert found.header.started_at is None
    assert found.summary.duration == 1.5


@pytest.mark.parametrize(
    ("cut", "texts"), [(1, ["first", "secon"]), (6, ["first", ""]), (7, ["first"]), (12, ["first"])]
)
def test_a_frame_that_is_cut(cut: int, texts: list[str], read_all: ReadAll) -> None:
    found = read_all(frames((0.0, b"first"), (1.0, b"second"))[:-cut])
    assert [event.data for event in found.events] == texts
    assert (found.notices, found.summary.is_truncated) == ([(2, "truncated")], True)


def test_damage_in_the_middle_ends_the_reading(read_all: ReadAll) -> None:
    good = frames((0.0, b"a"), (1.0, b"b"))
    found = read_all(good + b"\xff" * 30 + good)
    assert [event.data for event in found.events] == ["a", "b"]
    assert found.notices == [(3, "bad_frame")]
    assert found.summary.is_partly_readable
    assert "byte 26" in found.summary.warnings[0].reason
    assert read_all(good + b"\0" * 400).notices == [(3, "truncated")]


def test_times_that_run_backwards_are_left_as_written(read_all: ReadAll) -> None:
    found = read_all(frames((5.0, b"a"), (9.0, b"b"), (7.0, b"c")))
    assert [event.at for event in found.events] == [0.0, 4.0, 2.0]
    assert found.notices == [(3, "time_backwards")]
    early = read_all(frames((5.0, b"a"), (4.0, b"b")))
    assert early.notices == [(2, "time_negative")]


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 200,
        frames((0.0, b"a"))[:-1],
        struct.pack("<III", 1_600_000_000, 1_000_000, 1) + b"a" + frames((0.0, b"b")),
        struct.pack("<III", 1_600_000_000, 0, 2_000_000) + b"a" * 50,
        frames((0.0, b"a"), (1e9, b"b")),
        b"just words that are no frames at all\0\0\0",
    ],
)
def test_what_is_no_ttyrec(data: bytes, read_all: ReadAll) -> None:
    assert sniff(data) != "ttyrec"
    with pytest.raises(NotReadable):
        read_all(data)
