"""What stands in an asciicast comes out of it: versions, times, sizes, codes."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import pytest

from sessions_app.formats import read
from sessions_app.formats.events import Reading
from tests.formats.conftest import Read

ReadAll = Callable[..., Read]
Load = Callable[[str], bytes]
Cast = Callable[..., bytes]


@pytest.mark.parametrize(
    ("name", "version", "started_at"),
    [
        ("session-v1.json", 1, None),
        ("session-v2.cast", 2, datetime(2025, 7, 1, 8, 0, tzinfo=UTC)),
        ("session-v3.cast", 3, datetime(2025, 7, 1, 8, 0, tzinfo=UTC)),
    ],
)
def test_the_three_versions_tell_the_same_session(
    name: str, version: int, started_at: datetime | None, read_all: ReadAll, data: Load
) -> None:
    found = read_all(data(name))
    header = found.header
    assert (header.format, header.version, header.cols, header.rows) == ("asciicast", version, 40, 12)
    assert (header.title, header.command) == ("Restart of the queue", "/bin/bash")
    assert (header.term, header.env["SHELL"]) == ("xterm-256color", "/bin/bash")
    assert header.started_at == started_at
    assert [(event.at, event.data) for event in found.events if event.code == "o"] == [
        (0.5, "core01$ "),
        (1.5, "systemctl restart queue"),
        (1.75, "\r\n"),
        (3.25, "\x1b[32mdone\x1b[0m\r\n"),
        (3.75, "core01$ exit\r\n"),
    ]
    assert (found.summary.duration, found.summary.output_events, found.summary.output_bytes) == (3.75, 5, 62)
    assert found.summary.warnings == ()
    assert not found.summary.is_partly_readable


def test_only_an_exit_event_proves_a_clean_end(read_all: ReadAll, data: Load) -> None:
    v2, v3 = read_all(data("session-v2.cast")).summary, read_all(data("session-v3.cast")).summary
    assert (v2.exit_status, v2.ended_cleanly) == (None, None)
    assert (v3.exit_status, v3.ended_cleanly) == (0, True)


def test_events_know_their_line(read_all: ReadAll, data: Load) -> None:
    assert [event.line for event in read_all(data("session-v1.json")).events] == [10, 11, 12, 13, 14]
    assert [event.line for event in read_all(data("session-v3.cast")).events] == [3, 4, 6, 7, 8, 9]


def test_a_gateway_is_read_as_it_writes(read_all: ReadAll, data: Load) -> None:
    """Standard error, a header per resize, codes of its own (Warpgate, JumpServer)."""
    found = read_all(data("gateway-v2.cast"))
    assert found.header.env == {"SHELL": "/bin/bash"}
    assert found.facts == [
        (0.1, "o", "oracle@core02$ ./export.sh\r\n", 2),
        (0.9, "e", "export.sh: permission denied\r\n", 3),
        (0.9, "r", "132x43", 4),
        (1.4, "q", '{"quality": 3}', 5),
        (1.6, "m", "before the second try", 6),
        (2.5, "o", "oracle@core02$ ", 7),
    ]
    summary = found.summary
    assert (summary.output_events, summary.markers, summary.resizes) == (3, 1, 1)
    assert summary.other_events == {"e": 1, "q": 1}
    assert found.notices == [(4, "repeated_header")]
    assert not summary.is_partly_readable


@pytest.mark.parametrize("level", [1, 9])
def test_gzip_is_the_same_recording(level: int, read_all: ReadAll, data: Load) -> None:
    plain = data("session-v3.cast")
    packed = gzip.compress(plain, level)
    assert read_all(packed).facts == read_all(plain).facts
    in_parts = gzip.compress(plain[:100]) + gzip.compress(plain[100:]) + b"\0" * 512
    assert read_all(in_parts).facts == read_all(plain).facts
    assert read_all(in_parts).notices == []


def test_bom_crlf_blank_lines_and_comments_are_no_damage(read_all: ReadAll, cast: Cast) -> None:
    plain = cast([1.0, "o", "a"], b"", b"# a comment", b"   ", [2.0, "o", "b"], newline=b"\r\n")
    found = read_all(b"\xef\xbb\xbf" + plain)
    assert found.facts == [(1.0, "o", "a", 2), (2.0, "o", "b", 6)]
    assert found.notices == []


def test_v1_with_its_frames_first_in_one_long_line(read_all: ReadAll) -> None:
    frame = b'[0.001, "' + b"x" * 100 + b'"], '
    data = b'{"stdout": [' + frame * 30_000 + b'[1.0, "end"]], "width": 80, "height": 24, "version": 1}'
    assert len(data) > 3 * 1024 * 1024
    found = read_all(data)
    assert (found.header.version, found.header.cols, len(found.events)) == (1, 80, 30_001)
    assert found.summary.duration == pytest.approx(31.0)


def test_a_line_of_one_mebibyte_is_read(read_all: ReadAll, cast: Cast) -> None:
    frame = b'[1.0, "o", ""]'
    line = frame[:-2] + b"x" * (1024 * 1024 - len(frame)) + frame[-2:]
    assert len(line) == 1024 * 1024
    assert read_all(cast(line, [2.0, "o", "after"])).summary.output_bytes == 1024 * 1024 - len(frame) + 5


def test_whole_numbers_and_exit_codes_as_numbers(read_all: ReadAll, cast: Cast) -> None:
    found = read_all(cast([1, "o", "a"], [2, "x", 130], version=3))
    assert found.facts == [(1.0, "o", "a", 2), (3.0, "x", "130", 3)]
    assert found.summary.exit_status == 130


def test_header_values_that_make_no_sense_become_unknown(read_all: ReadAll) -> None:
    header = (
        b'{"version": 2, "width": 0, "height": "24", "timestamp": 1751356800000, "duration": -1, "title": 7,'
        b' "command": "a\\u001b]0;x\\u0007\\u0000b\\ud800", "env": ["TERM"], "idle_time_limit": NaN,'
        b' "title": 8}\n'
    )
    found = read_all(header)
    assert (found.header.cols, found.header.rows, found.header.started_at) == (None, None, None)
    assert (found.header.duration, found.header.title, found.header.idle_time_limit) == (None, None, None)
    assert found.header.env == {}
    assert found.header.command == "a\ufffd]0;x\ufffd\ufffdb\ufffd"
    assert {code for _, code in found.notices} == {
        "bad_header_value",
        "bad_timestamp",
        "duplicate_key",
        "no_events",
        "size_unknown",
    }


def test_absurd_sizes_are_clamped_and_reported(read_all: ReadAll, cast: Cast) -> None:
    found = read_all(
        b'{"version": 3, "term": {"cols": 99999999, "rows": 24}}\n'
        b'[0.1, "r", "999999999x999999999"]\n[0.1, "r", "0x0"]\n'
        b'[0.1, "r", "99999999999x1"]\n[0.1, "r", "80x25"]\n'
    )
    assert (found.header.cols, found.header.rows) == (1000, 24)
    assert [event.data for event in found.events] == ["1000x500", "80x25"]
    assert found.notices == [
        (1, "size_clamped"),
        (2, "size_clamped"),
        (3, "size_unknown"),
        (4, "size_unknown"),
    ]


@pytest.mark.parametrize(
    ("version", "times", "expected", "codes"),
    [
        (2, b"1.0 0.5 2.0", [1.0, 0.5, 2.0], ["time_backwards"]),
        (2, b"1.0 -0.5 2.0", [1.0, 1.0, 2.0], ["time_negative"]),
        (2, b"1.0 NaN Infinity", [1.0, 1.0, 1.0], ["time_absurd", "time_absurd"]),
        (2, b"1.0 1e400 1751356800", [1.0, 1.0, 1.0], ["time_absurd", "time_absurd"]),
        (2, b"1.0 " + b"9" * 400 + b" 2", [1.0, 1.0, 2.0], ["time_absurd"]),
        (3, b"1.0 -0.5 2.0", [1.0, 1.0, 3.0], ["time_negative"]),
        (3, b"1.0 1e300 2.0", [1.0, 1.0, 3.0], ["time_absurd"]),
        (3, b"3e8 3e8 1.0", [3e8, 3e8, 3e8 + 1], ["time_absurd"]),
    ],
)
def test_times_that_are_none(
    version: int, times: bytes, expected: list[float], codes: list[str], read_all: ReadAll, cast: Cast
) -> None:
    found = read_all(cast(*[b'[%s, "o", "x"]' % time for time in times.split()], version=version))
    assert [event.at for event in found.events] == expected
    assert [code for _, code in found.notices] == codes
    assert found.summary.duration == max(expected)


def test_input_is_counted_and_events_after_the_exit_are_reported(read_all: ReadAll, cast: Cast) -> None:
    found = read_all(cast([1, "i", "ls\r"], [2, "x", "lost"], [3, "o", "a"], [4, "o", "b"]))
    assert found.summary.input_events == 1
    assert (found.summary.exit_status, found.summary.ended_cleanly) == (None, True)
    assert found.notices == [(3, "bad_exit_status"), (4, "after_exit")]


def test_notices_and_codes_stay_few(read_all: ReadAll, cast: Cast) -> None:
    found = read_all(cast(*[[-1, f"code{n}", ""] for n in range(500)]))
    assert found.summary.warning_counts == {"time_negative": 500}
    assert len(found.summary.warnings) == 20
    assert len(found.summary.other_events) == 51
    assert found.summary.other_events["…"] == 450


def test_the_header_comes_before_the_events_and_the_summary_grows_with_them(data: Load) -> None:
    reading = read(BytesIO(data("session-v2.cast")))
    assert isinstance(reading, Reading)
    assert reading.header.title == "Restart of the queue"
    assert reading.summary().output_events == 0
    assert next(iter(reading)).data == "core01$ "
    assert (reading.summary().output_events, reading.summary().duration) == (1, 0.5)
    assert reading.finish().output_events == 5
