"""tlog: the facts of the samples were derived with grep and jq, and its output with tlog-play."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sessions_app.formats import sniff
from sessions_app.formats.events import NotReadable
from tests.formats.conftest import Read

ReadAll = Callable[..., Read]
Load = Callable[[str], bytes]


def message(number: int = 1, **values: Any) -> dict[str, Any]:
    found = {"ver": "2.3", "host": "h", "rec": "r-1", "user": "u", "term": "xterm", "session": 7}
    found |= {"id": number, "pos": (number - 1) * 1000, "time": 1_600_000_000.5 + number - 1}
    found |= {"timing": "=80x24+100>2", "in_txt": "", "in_bin": [], "out_txt": "ab", "out_bin": []}
    return found | values


def lines(*messages: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in messages)


@pytest.mark.parametrize(
    ("name", "size", "duration", "events", "octets", "user", "host", "started"),
    [
        (
            "tlog/journal-good.txt",
            (103, 27),
            27.868,
            101,
            9722,
            "localuser1",
            "mytesthost.example.test",
            datetime(2018, 11, 28, 19, 26, 5, tzinfo=UTC),
        ),
        (
            "tlog/tool-tlog12-admin.json",
            (100, 30),
            3.236,
            90,
            571,
            "root",
            None,
            datetime(2026, 11, 24, 9, 5, 17, tzinfo=UTC),
        ),
    ],
)
def test_samples(
    name: str,
    size: tuple[int, int],
    duration: float,
    events: int,
    octets: int,
    user: str,
    host: str | None,
    started: datetime,
    sample: Load,
    read_all: ReadAll,
) -> None:
    found = read_all(sample(name))
    header, summary = found.header, found.summary
    assert (header.format, header.version, (header.cols, header.rows)) == ("tlog", 2, size)
    assert (header.user, header.host) == (user, host)
    assert header.started_at is not None
    assert header.started_at.replace(microsecond=0) == started
    assert summary.duration == pytest.approx(duration, abs=1e-6)
    assert (summary.output_events, summary.output_bytes, summary.input_events) == (events, octets, 0)
    assert (summary.gap_count, summary.unreadable_lines) == (0, 0)


def test_input_and_bytes_that_are_no_utf8(data: Load, read_all: ReadAll) -> None:
    """Recorded with tlog 12.1; `café` was typed with a stray byte behind it."""
    found = read_all(data("tlog-input.json"))
    typed = [event.data for event in found.events if event.code == "i"]
    assert typed == ["echo a\r", "printf '\\377\\376 bad'\r", "café ", "\ufffd", "\r", "exit 3\r"]
    assert "\ufffd\ufffd" in [event.data for event in found.events if event.code == "o"]
    assert found.notices == [(1, "size_unknown")]
    assert found.header.started_at == datetime(2026, 11, 24, 18, 25, 49, 606000, tzinfo=UTC)


def test_every_wrapping_gives_the_same_events(read_all: ReadAll) -> None:
    messages = [message(1), message(2, out_txt="cd")]
    texts = [json.dumps(one) for one in messages]
    entries = [
        {"__CURSOR": "c", "MESSAGE": text, "__REALTIME_TIMESTAMP": "1600000000000000"} for text in texts
    ]
    binary = [{"MESSAGE": list(text.encode()), "TLOG_REC": "r-1"} for text in texts]
    other = {"__CURSOR": "c", "MESSAGE": "Started something."}
    hits = {"hits": {"total": 2, "hits": [{"_source": one} for one in reversed(messages)]}}
    exported = b"".join(
        b"__CURSOR=c\nMESSAGE\n" + len(text).to_bytes(8, "little") + text.encode() + b"\n_PID=1\n\n"
        for text in texts
    )
    wrapped = {
        "file": lines(*messages),
        "journal": lines(entries[0], other, entries[1]),
        "journal, binary": lines(other, *binary),
        "cat": b"some words\n" + lines(messages[0]) + b"Started something.\n" + lines(messages[1]),
        "short": b"".join(b"Nov 28 13:26:04 host tlog-rec[15]: " + text.encode() + b"\n" for text in texts),
        "export": b"__CURSOR=c\nMESSAGE=Started.\n\n" + exported,
        "search": json.dumps(hits, indent=1).encode(),
        "hits by line": lines(*[{"_index": "x", "_source": one} for one in messages]),
        "list": json.dumps(messages).encode(),
        "packed": gzip.compress(lines(*messages), mtime=0),
    }
    for way, data in wrapped.items():
        assert sniff(data) == "tlog", way
        found = read_all(data)
        assert [(event.at, event.data) for event in found.events] == [(0.1, "ab"), (1.1, "cd")], way
        assert found.notices == [], way


def test_a_number_that_is_missing_is_a_gap(read_all: ReadAll) -> None:
    found = read_all(lines(message(2), message(3), message(7)))
    gaps = [(event.at, event.data) for event in found.events if event.code == "g"]
    assert gaps == [
        (1.0, "Message 1 of the recording is missing."),
        (6.0, "Messages 4 to 6 of the recording are missing."),
    ]
    assert found.summary.is_partly_readable
    assert found.header.started_at == datetime(2020, 9, 13, 12, 26, 40, 500000, tzinfo=UTC)


def test_messages_again_and_late(read_all: ReadAll) -> None:
    found = read_all(lines(message(1), message(1), message(3), message(2), message(2)))
    assert [event.code for event in found.events] == ["o", "g", "o", "o"]
    assert found.notices == [
        (2, "duplicate_message"),
        (4, "late_message"),
        (4, "time_backwards"),
        (4, "time_backwards"),
        (5, "duplicate_message"),
    ]


def test_several_recordings_are_named(read_all: ReadAll) -> None:
    with pytest.raises(NotReadable) as caught:
        read_all(lines(message(1), message(2), message(1, rec="r-2"), message(1, rec="typed password")))
    assert caught.value.code == "several_recordings"
    assert "r-1, r-2" in caught.value.message
    assert "TLOG_REC" in caught.value.message
    assert "typed password" not in caught.value.message


def test_a_password_without_echo_is_masked(read_all: ReadAll) -> None:
    timing = "=80x24>15+500<8+10<2"
    found = read_all(lines(message(1, timing=timing, out_txt="[sudo] Password", in_txt="hunter2\rls")))
    assert [event.data for event in found.events if event.code == "i"] == ["*******\r", "ls"]


@pytest.mark.parametrize(
    ("values", "texts", "codes"),
    [
        ({"timing": ">2>5"}, ["ab", ""], ["bad_timing"]),
        ({"timing": ">1"}, ["a", "b"], ["untimed_output"]),
        ({"timing": ">1 >1"}, ["a", "b"], ["bad_timing", "untimed_output"]),
        ({"timing": ">1+99999999999999>1"}, ["a", "b"], ["time_absurd"]),
        ({"timing": "=9999x9999>2"}, ["ab"], ["size_clamped"]),
        ({"timing": ">2", "out_txt": "\ud800x"}, ["\ud800x"], []),
        ({"timing": ">2", "out_txt": "\0x"}, ["\0x"], []),
        ({"timing": "]2/2", "out_bin": [200, 999]}, ["\ufffd?"], []),
        ({"timing": ">2", "out_bin": "x", "in_bin": {}}, ["ab"], []),
    ],
)
def test_timings_that_do_not_fit(
    values: dict[str, Any], texts: list[str], codes: list[str], read_all: ReadAll
) -> None:
    found = read_all(lines(message(1), message(2, **values)))
    assert [event.data for event in found.events if event.code == "o"][1:] == texts
    assert [code for _, code in found.notices] == codes


@pytest.mark.parametrize("bad", [b"lol", b"{", b'{"ver": "2.3", "rec": 1}', b"[" * 5000])
def test_a_line_that_is_no_message_is_passed_over(bad: bytes, read_all: ReadAll) -> None:
    found = read_all(lines(message(1)) + bad + b"\n" + lines(message(2)))
    assert [event.data for event in found.events] == ["ab", "ab"]
    found = read_all(lines(message(1), message(2))[:-9])
    assert ([event.data for event in found.events], found.summary.is_truncated) == (["ab"], True)


@pytest.mark.parametrize("version", ["3.0", "x", "0.1"])
def test_other_versions_are_refused(version: str, read_all: ReadAll) -> None:
    with pytest.raises(NotReadable) as caught:
        read_all(lines(message(1, ver="2.3"), message(2)).replace(b'"2.3"', json.dumps(version).encode()))
    assert caught.value.code in {"unsupported_version", "unknown_format"}
