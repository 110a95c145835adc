"""The engine works in a child: whatever it does, what came before stays and the reader lives."""

import importlib.util
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app.formats.commands import Command, Extraction
from sessions_app.formats.commands.extraction import Patience
from sessions_app.formats.events import Event, RecordingHeader

HEADER = RecordingHeader("asciicast", 2, cols=80, rows=24)
HAS_ENGINE = importlib.util.find_spec("pyghostty") is not None
needs_engine = pytest.mark.skipif(not HAS_ENGINE, reason="the terminal engine is not installed")
IMPATIENT = Patience(start=10.0, frame=0.5)

READ_FRAME = """
import sys, time, os, json
def frame():
    size = int.from_bytes(sys.stdin.buffer.read(4), "big")
    return sys.stdin.buffer.read(size)
def say(value):
    print(json.dumps(value), flush=True)
"""
FOUND = '{"commands": [[1.0, "id", "paste", "high", False, 3, "$"]]}'.replace("False", "false")


def child(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", READ_FRAME + script)


def frames(count: int) -> Iterator[Event]:
    """Events of which each is a frame, and one line that the shell tells at the end."""
    for number in range(count):
        yield Event(float(number), "o", "x" * 300_000, number)
    yield Event(float(count), "o", "\x1b]633;E;whoami\x07", count)


def run(program: tuple[str, ...], events: Iterator[Event]) -> tuple[list[Command], list[str]]:
    with Extraction(HEADER, patience=IMPATIENT, program=program) as extraction:
        for event in events:
            extraction.take(event)
        return extraction.finish(), [notice.code for notice in extraction.notices]


def test_without_the_engine_what_was_told_is_still_found() -> None:
    commands, notices = run(child('say({"engine": False})'), frames(2))
    assert [(one.text, one.method) for one in commands] == [("whoami", "osc633")]
    assert notices == ["engine_missing"]


@pytest.mark.parametrize(
    "end",
    [
        "os._exit(9)",
        "time.sleep(60)",
        "print('no json', flush=True); time.sleep(60)",
        "say([1]); time.sleep(60)",
        "say({'commands': 5}); time.sleep(60)",
        "say({'commands': [['x']]}); time.sleep(60)",
        "say({'commands': [[1.0, 'x', 'magic', 'high', False, 1, '']]}); time.sleep(60)",
        "print('[' * 100000, flush=True); time.sleep(60)",
    ],
)
def test_a_child_that_dies_hangs_or_lies(end: str) -> None:
    script = f"say({{'engine': True}}); frame(); frame(); print({FOUND!r}, flush=True); frame(); {end}"
    commands, notices = run(child(script), frames(4))
    assert [(one.text, one.method) for one in commands] == [("id", "paste"), ("whoami", "osc633")]
    assert notices == ["engine_stopped"]


def test_a_child_that_cannot_start() -> None:
    commands, notices = run(("/nonexistent/python",), frames(1))
    assert [one.text for one in commands] == ["whoami"]
    assert notices == ["engine_stopped"]


def test_texts_of_the_child_are_made_safe() -> None:
    answer = json.dumps(
        {"commands": [[1.0, "a\x1b[1m\x00\ud800\u202eb", "paste", "high", False, 3, "\x07$"]]}
    )
    answers = f"print({answer!r}, flush=True); frame(); say({{'commands': []}})"
    script = f"say({{'engine': True}}); frame(); frame(); {answers}"
    commands, _ = run(child(script), iter([Event(0.0, "o", "x", 1)]))
    assert [one.text for one in commands] == ["a\ufffd[1m\ufffd\ufffd\ufffdb"]
    assert commands[0].prompt == "\ufffd$"


@needs_engine
def test_the_child_has_limits_and_none_of_our_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DJANGO_SECRET_KEY", "do-not-pass-on")
    with Extraction(HEADER) as extraction:
        extraction.take(Event(0.0, "o", "x" * 300_000, 1))
        extraction.take(Event(0.1, "o", "x" * 300_000, 1))
        process = extraction._child
        assert process is not None
        if not Path(f"/proc/{process.pid}/limits").exists():
            pytest.skip("no /proc here")
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert f"Max address space         {1024**3}" in limits
    assert "Max core file size        0" in limits
    assert b"do-not-pass-on" not in environment
    assert process.returncode is not None


pieces = st.sampled_from(
    [
        *"[]P_\\?;5hlmncACDGHJK@Xbtq$ (0>#%",
        *["2004", "1049", "9999", "133;", "633;E;", "text", "漢", "e\u0301", "\ud800", "\u202e", "⏎", "^C"],
        *"\x1b\x07\x18\x9b\x9d\x9c\x90\r\n\b\t\x00",
        *["\x1b[", "\x1b]", "\x1b[?2004h", "\x1b[?2004l\r", "\r\n", "user@host:~$ ", "$ ", "> ", "echo x"],
        *["\x1b[?1049h", "\x1b[?1049l", "\x1b]133;A\x07", "\x1b]133;B\x07", "\x1b]133;C\x07", "\x1bc"],
        *["\x1b[2J\x1b[H", "\x1b[3J", "A" * 300, "\x1b[1000C", "\x1b[65535b", "\x1b[99999;99999H"],
        *["\x1b[5;2r", "\x1bM", "\x1b[100000000L", "\x1b[100000000S", "\x1b]633;E;a\\x00\\x0a\x07"],
    ]
)
outputs = st.tuples(st.just("o"), st.lists(pieces, max_size=30).map("".join))
inputs = st.tuples(st.just("i"), st.sampled_from(["\x03", "\r", "ls", "\x7f", "\x1b[200~"]))
resizes = st.tuples(st.just("r"), st.sampled_from(["1x1", "2x500", "1000x1", "80x24"]))
told = st.tuples(st.just("c"), st.sampled_from(["ls", "\ud800\x00"]))
recordings = st.lists(
    st.tuples(st.sampled_from([0.0, 0.001, 1.0]), st.one_of(outputs, inputs, resizes, told)), max_size=30
)


@needs_engine
@settings(max_examples=200, deadline=None)
@given(recordings, st.sampled_from([None, 0, 1, 80, 1000]))
def test_hostile_output(recording: list[tuple[float, tuple[str, str]]], cols: int | None) -> None:
    """In this process, so that two hundred of them take no minutes: an exception would be one of ours."""
    ladder = importlib.import_module("sessions_app.formats.commands.ladder").Ladder(cols, 24)
    now = 0.0
    for number, (gap, (code, data)) in enumerate(recording):
        now += gap
        match code:
            case "o":
                ladder.output(now, data, number)
            case "i":
                ladder.input(data)
            case "r":
                ladder.resize(*map(int, data.split("x")))
            case _:
                ladder.recorded(now, data, number)
    ladder.end()
    for command in ladder.accepted.ready:
        assert command.text == command.text.strip() != ""
        assert len(command.text) <= 16 * 1024


@needs_engine
def test_a_long_recording_in_little_memory() -> None:
    """Prompts, lines and bursts; the child's memory is read while it works."""
    rows = "".join(f"{random.Random(1).random()} row {number}\r\n" for number in range(2_000))
    with Extraction(HEADER) as extraction:
        count, peak = 0, 0
        for number in range(0, 1_000, 4):
            for gap, data in enumerate(("\x1b[?2004hme@box:~$ ", "id", "\r\n\x1b[?2004l\r", rows)):
                extraction.take(Event(number + gap / 10, "o", data, number))
            count += len(extraction.found())
            process = extraction._child
            if process is not None and Path(f"/proc/{process.pid}/status").exists() and number % 100 == 0:
                peak = max(peak, _resident(process.pid))
        count += len(extraction.finish())
    assert count == 250
    assert peak < 128 * 1024


def _resident(pid: int) -> int:
    """Kilobytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


@needs_engine
def test_where_nothing_is_recognised_that_is_said() -> None:
    with Extraction(HEADER) as extraction:
        extraction.take(Event(0.0, "o", "words\r\nand more words\r\n", 2))
        assert extraction.finish() == []
    assert [notice.code for notice in extraction.notices] == ["commands_not_recoverable"]
