"""The copy for the browser: what the person saw, and nothing that could act on who watches it."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sessions_app.formats.events import Event, RecordingHeader
from sessions_app.formats.player import playable
from tests.formats.conftest import Read

HEADER = RecordingHeader("asciicast", 3, 100, 30, title="\x1b]0;x\x07<script>", command="x", env={"A": "b"})


def copy(events: Iterable[Event], header: RecordingHeader = HEADER) -> list[Any]:
    return [json.loads(line) for line in playable(header, events)]


def shown(written: str) -> str:
    """What is left of one piece of output, fed whole and character by character."""
    whole = "".join(data for _, _, data in copy([Event(1.0, "o", written, 2)])[1:])
    single = "".join(data for _, _, data in copy(Event(1.0, "o", each, 2) for each in written)[1:])
    assert whole == single
    return whole


def test_the_header_holds_the_size_alone() -> None:
    assert copy([]) == [{"version": 2, "width": 100, "height": 30}]
    assert copy([], RecordingHeader("asciicast", 1)) == [{"version": 2, "width": 80, "height": 24}]


def test_output_errors_resizes_and_markers_stay_and_input_goes() -> None:
    events = [
        Event(1.0, "o", "$ ", 2),
        Event(1.5, "i", "hunter2\r", 3),
        Event(2.0, "e", "denied\r\n", 4),
        Event(1.9, "r", "90x20", 5),
        Event(3.0, "m", "here\x1b]52;c;eA==\x07" + "x" * 500, 6),
        Event(4.0, "q", "unknown", 7),
        Event(5.0, "x", "0", 8),
    ]
    lines = copy(events)[1:]
    assert lines[:3] == [[1.0, "o", "$ "], [2.0, "o", "denied\r\n"], [2.0, "r", "90x20"]]
    assert lines[3][:2] == [3.0, "m"]
    assert lines[3][2].startswith("here\ufffd]52")
    assert len(lines[3][2]) == 200
    assert lines[4:] == [[5.0, "o", ""]], "the copy lasts as long as the session"
    assert "hunter2" not in json.dumps(lines)


@pytest.mark.parametrize(
    "written",
    [
        "\x1b]52;c;cm0gLXJmIC8=\x07",
        "\x1b]0;title\x1b\\",
        "\x1b]8;;http://example.org\x1b\\\x1b]8;;\x1b\\",
        "\x1b]1337;RemoteHost=root@core01\x07",
        "\x1bP+q544e\x1b\\",
        "\x1b_Gpayload\x1b\\",
        "\x1b^private\x1b\\",
        "\x1bXstring\x1b\\",
        "\x9d52;c;eA==\x9c",
        "\x90data\x9c",
        "\x1b[5n\x1b[6n\x1b[?6n",
        "\x1b[c\x1b[0c\x1b[>c\x1b[=c\x1bZ",
        "\x1b[?2026$p\x1b[>q\x1b[?u\x1b[x\x1b[1*y",
        "\x1b[8;9999;9999t\x1b[21t",
        "\x1b[4i\x1b[5i",
        "\x05\x07\x00\x7f",
        "\x9b6n\x9bc",
        "\x1b%G\x1b F",
        "\x1b[" + "1;" * 5000 + "m",
        "\x1b]52;c;never closed",
        "\x1b",
        "\x1b[31",
    ],
)
def test_what_acts_on_the_watcher_is_removed(written: str) -> None:
    assert shown(written) == ""
    assert shown("before" + written) == "before"


def test_nothing_new_comes_out_when_a_part_is_removed() -> None:
    assert shown("\x1b\x1b]0;x\x07]52;c;eA==\x07") == "]52;c;eA=="
    assert shown("\x1b[\x1b[5n6n") == "6n"
    assert shown("\x1b[3\x006n") == "6n"


@pytest.mark.parametrize(
    "written",
    [
        "plain text, ünï → 漢字\r\n",
        "\x1b[1;38;5;12mcolour\x1b[0m",
        "\x1b[4:3mcurly\x1b[m",
        "\x1b[?1049h\x1b[2J\x1b[H\x1b[1;24r\x1b[?1049l",
        "\x1b7\x1b8\x1bM\x1b(0lqk\x1b(B",
        "a\b\tb\x1b[K\x1b[3P\x1b[2@\x1b[4X",
        "\x1b[2 q\x1b[!p",
    ],
)
def test_what_draws_is_kept_to_the_byte(written: str) -> None:
    assert shown(written) == written


def test_numbers_are_bounded_and_eight_bit_becomes_seven() -> None:
    assert shown("-\x1b[99999999b") == "-\x1b[1000b"
    assert shown("\x9b31mred\x85") == "\x1b[31mred\x1bE"
    assert shown("lone \ud83d surrogate") == "lone \ufffd surrogate"


def test_markers_are_few_enough_for_a_browser() -> None:
    lines = copy(Event(float(n), "m", f"marker {n}", n) for n in range(5000))
    assert sum(line[1] == "m" for line in lines[1:]) == 1000


def test_the_copy_is_itself_a_recording_with_the_same_output(data: Callable[[str], bytes]) -> None:
    original = Read(data("session-v3.cast"))
    derived = Read("".join(playable(original.header, original.events)).encode())
    assert derived.summary.duration == original.summary.duration
    assert derived.summary.warnings == ()
    drawn = [(event.at, event.data) for event in original.events if event.code == "o"]
    assert [(event.at, event.data) for event in derived.events] == drawn
