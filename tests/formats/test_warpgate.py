"""Warpgate's own recordings: no sample is at hand; these are put together by its source (terminal.rs)."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from sessions_app.formats import sniff
from tests.formats.conftest import Read

ReadAll = Callable[..., Read]


def data(time: Any, stream: str, octets: bytes) -> dict[str, Any]:
    return {"time": time, "stream": stream, "data": base64.b64encode(octets).decode()}


def size(time: float, cols: Any, rows: Any) -> dict[str, Any]:
    return {"time": time, "cols": cols, "rows": rows}


def lines(*found: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in found)


def test_both_directions(read_all: ReadAll) -> None:
    written = lines(
        size(0.0, 80, 24),
        data(0.5, "Output", b"$ \xc3"),
        data(0.75, "Output", b"\xbc"),
        data(1.0, "Input", b"ls\r"),
        data(1.5, "Error", b"oops"),
        size(2.0, 100, 30),
        data(2.5, "Output", b"Password: "),
        data(3.0, "Input", b"hunter2\r"),
    )
    found = read_all(written)
    assert sniff(written) == sniff(written[60:] if written[60:61] == b"{" else written) == "warpgate"
    assert (found.header.cols, found.header.rows) == (80, 24)
    assert found.facts == [
        (0.0, "r", "80x24", 1),
        (0.5, "o", "$ ", 2),
        (0.75, "o", "ü", 3),
        (1.0, "i", "ls\r", 4),
        (1.5, "e", "oops", 5),
        (2.0, "r", "100x30", 6),
        (2.5, "o", "Password: ", 7),
        (3.0, "i", "*******\r", 8),
    ]
    assert found.notices == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"lol\n", "not_an_event"),
        (b"[1, 2]\n", "not_an_event"),
        (lines(data("x", "Output", b"a")), "bad_time"),
        (lines(data(1.0, "Other", b"a")), "bad_data"),
        (b'{"time": 1.0, "stream": "Output", "data": "#"}\n', "bad_data"),
        (b'{"time": 1.0, "stream": "Output", "data": 5}\n', "bad_data"),
        (lines(data(-1.0, "Output", b"a")), "time_negative"),
        (lines(size(1.0, 0, "x")), "size_unknown"),
        (lines(size(1.0, 10**9, 10**9)), "size_clamped"),
    ],
)
def test_damage(line: bytes, code: str, read_all: ReadAll) -> None:
    found = read_all(
        lines(size(0.0, 80, 24), data(0.5, "Output", b"a")) + line + lines(data(2.0, "Output", b"b"))
    )
    assert found.notices == [(3, code)]
    assert [event.data for event in found.events if event.code == "o"][-1] == "b"


def test_a_line_that_was_cut(read_all: ReadAll) -> None:
    found = read_all(lines(size(0.0, 80, 24), data(0.5, "Output", b"a"))[:-5])
    assert found.notices == [(2, "truncated")]
