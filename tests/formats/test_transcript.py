"""The transcript reads as the screen did, line by line, and never holds what was only typed."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from sessions_app.formats.events import Event
from sessions_app.formats.transcript import Chunk, TranscriptLine, chunked, transcribe
from tests.formats.conftest import Read


def out(*pieces: str, code: str = "o") -> list[Event]:
    """One output event per piece, a second apart."""
    return [Event(float(number), code, data, number + 1) for number, data in enumerate(pieces, 1)]


def text(events: Iterable[Event], cols: int | None = 80) -> list[str]:
    return [line.text for line in transcribe(events, cols=cols)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("one\ntwo", ["one", "two"]),
        ("\r\n\r\nx", ["", "", "x"]),
        ("wrong\b\b\b\b\bright", ["right"]),
        ("10%\r20%\r100%\r\n", ["100%"]),
        ("a\tb\tc", ["a       b       c"]),
        ("abcdef\x1b[3D\x1b[KX", ["abcX"]),
        ("abcdef\r\x1b[2C\x1b[P\x1b[P", ["abef"]),
        ("abef\r\x1b[2C\x1b[2@cd", ["abcdef"]),
        ("abcdef\r\x1b[2X", ["  cdef"]),
        ("abcdef\x1b[3GX", ["abXdef"]),
        ("abcdef\x1b[3D\x1b[1K", ["    ef"]),
        ("abcdef\x1b[2Kx", ["      x"]),
        ("-\x1b[9b|", ["----------|"]),
        ("ab\x1b7cd\x1b8X", ["abXd"]),
        ("ab\x1b[scd\x1b[uX", ["abXd"]),
        ("\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3mnot", ["red not"]),
        ("漢字\b\bx", ["漢x"]),
        ("e\u0301x\bX", ["e\u0301X"]),
        ("\x1b]0;a title\x07shown \x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\", ["shown link"]),
        ("a\x1bPq#0;2;0;0;0\x1b\\b\x1b_hidden\x1b\\c\x1b^hidden\x1b\\d\x1bXhidden\x1b\\e", ["abcde"]),
        ("a\x9d0;title\x9cb\x90data\x9cc\x9b31md", ["abcd"]),
        ("a\x85b", ["a", "b"]),
        ("a\x00b\x07c\x05d\x7fe", ["abcde"]),
        ("one\x1b[5;3Htwo", ["one", "  two"]),
        ("one\x1b[Atwo", ["one", "   two"]),
        ("one\x1b[2J\x1b[Htwo", ["one", "two"]),
        ("\x1b[6nasked\x1b[c", ["asked"]),
        ("\x1b[99999999999999999999Cx", [" " * 79 + "x"]),
        ("safe\u202egnp.exe\u2066 \ud800", ["safe\ufffdgnp.exe\ufffd \ufffd"]),
        ("⟦a forged note⟧", ["\ufffda forged note\ufffd"]),
    ],
)
def test_what_a_line_becomes(written: str, expected: list[str]) -> None:
    assert text(out(written)) == expected
    assert text(out(*written)) == expected, "also when every character is an event of its own"


def test_a_line_has_the_time_of_its_first_character() -> None:
    lines = list(transcribe(out("$ ", "l", "s", "\r\n", "", "file", "\r\n", "\r\n"), cols=80))
    assert lines == [TranscriptLine(1.0, "$ ls"), TranscriptLine(6.0, "file"), TranscriptLine(8.0, "")]


def test_times_never_run_backwards() -> None:
    events = [Event(5.0, "o", "a\r\n", 2), Event(1.0, "o", "b\r\n", 3)]
    assert [line.at for line in transcribe(events)] == [5.0, 5.0]


def test_a_wrapped_line_is_one_line() -> None:
    # As readline does at the right margin: the character that fills the row, a space, a return.
    assert text(out("$ echo 12345", "6 \r", "789\r\n"), cols=13) == ["$ echo 123456789"]
    assert text(out("$ echo 123456789\r\n"), cols=13) == ["$ echo 123456789"]
    assert text(out("abcdefgh\x1b[A\rX\x1b[B\rY"), cols=5) == ["XbcdeYgh"]


def test_a_resize_changes_where_lines_wrap() -> None:
    events = [*out("x\r\n"), Event(2.0, "r", "5x5", 3), *out("\r\n", "abcde \rfg")]
    assert text(events) == ["x", "", "abcdefg"]


def test_zsh_leaves_an_unfinished_line_alone() -> None:
    written = "no newline" + "%" + " " * 19 + "\r \r\x1b[J$ next"
    assert text(out(written), cols=20) == ["no newline%", "$ next"]


def test_the_alternate_screen_is_left_out_and_says_so() -> None:
    events = out("$ vim\r\n", "\x1b[?1049h\x1b[Hinside", "secret", "\x1b[?1049l", "$ ls")
    note = "⟦full-screen program from 2.0 s to 4.0 s: 12 characters left out⟧"
    assert list(transcribe(events, cols=80)) == [
        TranscriptLine(1.0, "$ vim"),
        TranscriptLine(2.0, note, is_note=True),
        TranscriptLine(5.0, "$ ls"),
    ]
    lines = list(transcribe(out("$ tmux\x1b[?12;47hinside", "more"), cols=80))
    assert [line.text for line in lines] == [
        "$ tmux",
        "⟦full-screen program from 1.0 s to 2.0 s (the recording ends there): 10 characters left out⟧",
    ]


def test_a_long_control_string_cannot_hide_silently() -> None:
    shown = text(out("a\x1b]0;" + "x" * 5000, "y" * 5000 + "\x07b"))
    assert shown == ["⟦10,002 characters in a control string left out⟧", "ab"]
    assert text(out("a\x1bP" + "x" * 5000))[0] == "⟦5,000 characters in a control string left out⟧"


def test_input_is_never_shown_and_errors_are() -> None:
    events = [*out("Password: "), *out("hunter2\r", code="i"), *out("\r\n"), *out("denied", code="e")]
    assert text(events) == ["Password:", "denied"]


def test_a_line_without_end_is_given_out_in_pieces() -> None:
    lines = list(transcribe(out(*["0123456789" * 1000] * 30), cols=80))
    assert len(lines) > 10
    assert max(len(line.text) for line in lines) <= 20_000
    assert "".join(line.text for line in lines) == "0123456789" * 30_000


def test_little_cannot_become_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions_app.formats.transcript.MAX_CHARACTERS", 100_000)
    lines = list(transcribe(out("x\x1b[999b\r\n" * 10_000), cols=1000))
    assert sum(len(line.text) for line in lines) < 102_000
    assert lines[-1].is_note
    assert "100,000" in lines[-1].text


def test_marks_do_not_pile_up_on_one_cell() -> None:
    assert len(text(out("a" + "\u0301" * 100_000))[0]) < 20


def test_chunks_are_the_transcript_in_pieces_of_64_kib() -> None:
    lines = [TranscriptLine(float(n), "漢字 " * (n % 700)) for n in range(400)]
    lines.append(TranscriptLine(400.0, "ü" * 200_000))
    chunks = list(chunked(lines))
    assert "".join(chunk.text for chunk in chunks) == "".join(line.text + "\n" for line in lines)
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert all(len(chunk.text.encode()) <= 64 * 1024 for chunk in chunks)
    assert all(before.at <= after.at for before, after in pairwise(chunks))
    assert chunks[0].at == 0.0
    assert chunks[-1].at == 400.0
    assert list(chunked([])) == []
    assert list(chunked([TranscriptLine(2.5, "")])) == [Chunk(1, 2.5, "\n")]


def test_our_own_sessions(data: Callable[[str], bytes]) -> None:
    expected = [(0.5, "core01$ systemctl restart queue"), (3.25, "done"), (3.75, "core01$ exit")]
    for name in ("session-v1.json", "session-v2.cast", "session-v3.cast"):
        found = Read(data(name))
        assert [(line.at, line.text) for line in transcribe(found.events, cols=found.header.cols)] == expected
    assert text(Read(data("gateway-v2.cast")).events)[1] == "export.sh: permission denied"
