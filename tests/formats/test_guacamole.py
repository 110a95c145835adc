"""Guacamole recordings: no sample is at hand; these are put together by the protocol reference."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sessions_app.formats import sniff
from sessions_app.formats.events import NotReadable
from sessions_app.formats.player import playable
from tests.formats.conftest import Read

ReadAll = Callable[..., Read]

START = 1_600_000_000_000


def instruction(*elements: object) -> bytes:
    return (",".join(f"{len(str(one))}.{one}" for one in elements) + ";").encode()


def recording(*extra: bytes) -> bytes:
    return b"".join(
        [
            instruction("size", 0, 1024, 768),
            instruction("name", "Wüsten-PC 日本"),
            instruction("sync", START),
            instruction("img", 1, 12, 0, "image/png", 0, 0),
            instruction("blob", 1, "QUJD" * 500),
            instruction("end", 1),
            instruction("sync", START + 500, 1),
            *extra,
            instruction("sync", START + 2500),
        ]
    )


def test_a_desktop(read_all: ReadAll) -> None:
    data = recording(
        instruction("mouse", 10, 20, 1, START + 700),
        instruction("key", 65307, 1, START + 800),
        instruction("key", 65307, 0, START + 900),
        instruction("size", 0, 1920, 1080),
        instruction("size", 3, 8, 8),
    )
    found = read_all(data)
    assert sniff(data[:200]) == "guacamole"
    header, summary = found.header, found.summary
    assert (header.cols, header.rows, dict(header.facts)) == (None, None, {"width": "1024", "height": "768"})
    assert (header.title, header.started_at) == (
        "Wüsten-PC 日本",
        datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC),
    )
    assert summary.duration == 2.5
    assert (summary.input_events, summary.output_events, summary.resizes) == (2, 0, 2)
    assert summary.other_events == {"frame": 3, "mouse": 1}
    assert [(event.at, event.data) for event in found.events if event.code == "i"] == [(0.8, ""), (0.9, "")]
    assert [event.data for event in found.events if event.code == "r"] == ["1024x768", "1920x1080"]
    assert found.notices == []
    assert list(playable(header, found.events))
    assert read_all(gzip.compress(data)).facts == found.facts


def test_keys_and_the_clipboard_are_never_kept(read_all: ReadAll) -> None:
    keys = [instruction("key", ord(letter), 1, START + 600) for letter in "hunter2"]
    clipboard = [
        instruction("clipboard", 7, "text/plain"),
        instruction("blob", 7, "aHVudGVyMg=="),
        instruction("end", 7),
    ]
    found = read_all(recording(*keys, *clipboard, instruction("file", 8, "text/csv", "salaries.csv")))
    shown = repr([found.header, found.events, found.summary])
    assert found.summary.input_events == 7
    for secret in ("aHVudGVyMg", "hunter2", "104", "117"):
        assert secret not in shown
    assert [event.data for event in found.events if event.code == "file"] == ["salaries.csv"]


def test_lengths_count_code_points(read_all: ReadAll) -> None:
    found = read_all(recording(instruction("msg", "日本語 😀;,5.x"), instruction("key", 1, 1, START + 600)))
    assert (found.notices, found.summary.input_events) == ([], 1)


@pytest.mark.parametrize("cut", [1, 2, 10, 20])
def test_a_recording_that_was_cut(cut: int, read_all: ReadAll) -> None:
    found = read_all(recording()[:-cut])
    assert (found.summary.duration, found.summary.is_truncated) == (0.5, True)
    assert found.notices == [(8, "truncated")]


@pytest.mark.parametrize(
    "damage",
    [b"9.key,1.1;", b"x;", b"99999999.abc;", b"4.sync,3.lol;", b"\xff\xfe;", b"3.key" + b",1.1" * 400 + b";"],
)
def test_damage_in_the_middle_is_left_out(damage: bytes, read_all: ReadAll) -> None:
    found = read_all(recording(damage))
    assert found.summary.unreadable_lines >= 1
    assert found.summary.duration in {0.5, 2.5}


@pytest.mark.parametrize("text", ["-5", "9" * 14, "1e3"])
def test_absurd_times(text: str, read_all: ReadAll) -> None:
    found = read_all(recording(instruction("sync", text)))
    assert found.summary.duration == 2.5
    assert found.summary.warning_counts.keys() <= {"bad_time", "time_absurd"}
    back = read_all(recording(instruction("sync", START - 5000)))
    assert back.notices == [(8, "time_negative")]


def test_absurd_sizes(read_all: ReadAll) -> None:
    data = recording().replace(b"4.1024,3.768", b"5.99999,1.0")
    found = read_all(data)
    assert (dict(found.header.facts), found.notices) == ({}, [(1, "size_unknown")])


def test_without_any_sync_it_is_refused(read_all: ReadAll) -> None:
    with pytest.raises(NotReadable) as caught:
        read_all(instruction("size", 0, 1024, 768) + instruction("nop"))
    assert caught.value.code == "no_sync"
