"""Commands are found in recordings of real shells, from output alone; input only makes them surer.

The lists of expected commands were written by hand from the keys that were sent.
"""

import importlib.util
import json
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import pytest

from sessions_app.formats import read
from sessions_app.formats.commands import Command, extract
from sessions_app.formats.events import Event, Reading, RecordingHeader

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyghostty") is None, reason="the terminal engine is not installed"
)

OWN = Path(__file__).resolve().parents[1] / "data" / "formats" / "terminals"
EXPECTED: dict[str, list[list[object]]] = json.loads((OWN / "expected.json").read_text())
# A program that prints a prompt, waits, and prints a line behind it is believed without marks, a little.
FAKED = "bash-fake-nomarks"
SAMPLES = ["bash-git-colour-marks.cast", "bash-nomarks-colour.cast", "zsh-rprompt.cast"]
SECRET = "S3cretPw!"
HEADER = RecordingHeader("asciicast", 2, cols=80, rows=24)


def found(data: bytes, *, with_input: bool) -> list[Command]:
    reading = read(BytesIO(data))
    assert isinstance(reading, Reading)
    events = (event for event in reading if with_input or event.code != "i")
    return list(extract(events, reading.header))


def said(commands: Iterable[Command]) -> list[list[object]]:
    return [[command.text, command.aborted] for command in commands]


def shown(*outputs: str, header: RecordingHeader = HEADER) -> list[Command]:
    """What is found in outputs that come half a second apart."""
    return list(extract((Event(n / 2, "o", data, n) for n, data in enumerate(outputs, 1)), header))


@pytest.mark.parametrize("with_input", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_give_their_commands(
    sample: Callable[[str], bytes], name: str, *, with_input: bool
) -> None:
    facts = json.loads(sample("terminal-commands/expected.json"))[name]
    commands = found(sample(f"terminal-commands/{name}"), with_input=with_input)
    assert said(commands) == [[one["text"], one.get("aborted", False)] for one in facts["commands"]]
    assert [one.at for one in commands] == sorted(one.at for one in commands)
    assert not [one for one in commands if any(secret in repr(one) for secret in facts["never_show"])]


@pytest.mark.parametrize("with_input", [False, True])
@pytest.mark.parametrize("name", [name for name in EXPECTED if name != FAKED])
def test_our_recordings_give_their_commands(name: str, *, with_input: bool) -> None:
    commands = found((OWN / f"{name}.cast.gz").read_bytes(), with_input=with_input)
    assert said(commands) == EXPECTED[name]
    assert SECRET not in repr(commands)


def test_a_prompt_that_a_program_fakes_is_low() -> None:
    commands = found((OWN / f"{FAKED}.cast.gz").read_bytes(), with_input=False)
    assert said(one for one in commands if one.confidence != "low") == EXPECTED[FAKED]
    assert {one.text for one in commands if one.confidence == "low"} == {"ls fake"}


def test_input_makes_what_stands_behind_a_prompt_surer() -> None:
    data = (OWN / "bash-kali-nomarks.cast.gz").read_bytes()
    alone, both = found(data, with_input=False), found(data, with_input=True)
    assert {one.confidence for one in alone} == {"medium", "low"}
    assert {one.confidence for one in both} == {"high", "medium"}


def test_methods_and_where_they_come_from() -> None:
    methods = {
        name: {one.method for one in found((OWN / f"{name}.cast.gz").read_bytes(), with_input=False)}
        for name in ("bash-plain-marks", "bash-hash-nomarks", "bash-osc133-nomarks")
    }
    assert methods == {
        "bash-plain-marks": {"paste"},
        "bash-hash-nomarks": {"prompt"},
        "bash-osc133-nomarks": {"osc133"},
    }


def test_a_shell_that_tells_its_line_is_believed_over_the_screen() -> None:
    commands = shown(
        "\x1b]633;A\x07me \x1b]633;B\x07",
        "make  \\\r\n> all\r\n",
        "\x1b]633;E;make\\x20\\x5c\\x0aall\\\\;nonce\x07\x1b]633;C\x07ok\r\n",
        "\x1b]133;A\x07me \x1b]133;B\x07",
        "ls -",
        "\r\n\x1b]133;C;cmdline_url=ls%20%2Dl\x1b\\total 0\r\n",
    )
    assert [(one.text, one.method, one.confidence) for one in commands] == [
        ("make \\\nall\\", "osc633", "high"),
        ("ls -l", "osc133", "high"),
    ]


def test_a_line_without_its_run_mark_was_aborted() -> None:
    commands = shown("\x1b]133;A\x07$ \x1b]133;B\x07", "rm x", "^C\r\n", "\x1b]133;A\x07$ \x1b]133;B\x07")
    assert said(commands) == [["rm x", True]]


def test_what_the_recorder_observed_is_not_listed_twice() -> None:
    marks = [
        Event(1.0, "o", "\x1b[?2004hme@box:~$ ", 1),
        Event(2.0, "o", "id", 2),
        Event(2.1, "o", "\r\n\x1b[?2004l\r", 3),
        Event(2.2, "c", "id", 4),
        Event(3.0, "c", "/usr/bin/cron", 5),
    ]
    commands = list(extract(marks, HEADER))
    assert [(one.text, one.method) for one in commands] == [("id", "recorder"), ("/usr/bin/cron", "recorder")]


def test_the_alternate_screen_is_left_out() -> None:
    commands = shown(
        "\x1b[?2004hme@box:~$ ",
        "vi",
        "\r\n\x1b[?2004l\r",
        "\x1b[?1049h\x1b[?2004hme@box:~$ ",
        "rm fake\r\n\x1b[?2004l\r",
        "\x1b[?1049l",
        "\x1b[?2004hme@box:~$ ",
    )
    assert said(commands) == [["vi", False]]


@pytest.mark.parametrize("size", [(None, None), (0, 0), (1, 1), (1000, 500)])
def test_sizes_that_no_terminal_has(size: tuple[int | None, int | None]) -> None:
    header = RecordingHeader("asciicast", 2, cols=size[0], rows=size[1])
    outputs = ("\x1b[?2004h$ ", "i", "d", "\r\n\x1b[?2004l\r", "\x1b[?2004h$ ")
    commands = shown(*outputs, header=header)
    assert [one.text.replace("\n", "") for one in commands] == ["id"]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_where_the_output_was_cut_into_events_does_not_matter(size: int) -> None:
    data = "\x1b]0;t\x07\x1b[?2004h\x1b[1mme@box\x1b[0m:~$ echo 漢字\r\n\x1b[?2004l\r漢字\r\n" * 3
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    events = (Event(n / 1000, "o", piece, n) for n, piece in enumerate(pieces))
    assert said(extract(events, HEADER)) == [["echo 漢字", False]] * 3


def test_a_recording_without_times_still_has_rows() -> None:
    rows = "user@host:~$ id\r\nuid=0\r\nuser@host:~$ cd /srv\r\nuser@host:/srv$ exit\r\n"
    commands = list(extract([Event(0.0, "o", rows, 1)], HEADER))
    assert said(commands) == [["id", False], ["cd /srv", False], ["exit", False]]
    assert {one.confidence for one in commands} == {"low"}


def test_progress_and_questions_are_no_commands() -> None:
    outputs = [
        "10% ",
        "\r50% ",
        "\r100% \r\n",
        "Password: ",
        "\r\n",
        "Continue? [y/N] ",
        "y\r\n",
        "# ",
        "x\r\n",
    ]
    assert shown(*outputs) == []


def test_a_prompt_of_no_known_shape_is_learned_when_it_comes_again() -> None:
    turns = ["ready: ", "ls", "\r\na b\r\nready: ", "id", "\r\nuid=0\r\nready: ", "exit", "\r\n"]
    commands = shown(*turns)
    assert [(one.text, one.confidence) for one in commands] == [("ls", "low"), ("id", "low"), ("exit", "low")]
    assert shown(*turns[:4], "\r\n") == []
