"""Recordings that other people's recorders wrote; the facts were read off the files by hand."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sessions_app.formats import sniff
from sessions_app.formats.player import playable
from sessions_app.formats.transcript import transcribe
from tests.formats.conftest import Read

Load = Callable[[str], bytes]


@pytest.mark.parametrize(
    ("name", "version", "size", "duration", "output_events", "output_bytes", "others"),
    [
        ("full-v1.json", 1, (100, 50), 10.500001, 3, 10, {}),
        ("full-v3.cast", 3, (100, 50), 13.400002, 3, 10, {"input_events": 1, "resizes": 1}),
        ("minimal-v2.cast", 2, (100, 50), 1.23, 1, 5, {}),
        ("markers.cast", 2, (80, 24), 2.0, 4, 26, {"markers": 2}),
        ("resizing.cast", 3, (80, 24), 2.1, 3, 12, {"resizes": 2, "exit_status": 0, "ended_cleanly": True}),
        ("input.cast", 2, (80, 24), 0.6, 2, 13, {"input_events": 2}),
        ("demo.cast", 2, (75, 18), 11.89348, 30, 3226, {"input_events": 9}),
        ("tool-asciinema24-admin.cast", 2, (100, 30), 3.298703, 102, 571, {"input_events": 86}),
    ],
)
def test_whole_recordings(
    name: str,
    version: int,
    size: tuple[int, int],
    duration: float,
    output_events: int,
    output_bytes: int,
    others: dict[str, object],
    sample: Load,
) -> None:
    data = sample(f"asciicast/{name}")
    found = Read(data)
    assert sniff(data[:1000]) == "asciicast"
    assert (found.header.version, (found.header.cols, found.header.rows)) == (version, size)
    assert found.summary.duration == pytest.approx(duration, abs=1e-9)
    assert (found.summary.output_events, found.summary.output_bytes) == (output_events, output_bytes)
    for attribute, value in others.items():
        assert getattr(found.summary, attribute) == value
    assert found.summary.warnings == ()


def test_the_header_of_a_real_recorder(sample: Load) -> None:
    header = Read(sample("asciicast/tool-asciinema24-admin.cast")).header
    assert header.started_at == datetime(2026, 11, 24, 9, 3, 31, tzinfo=UTC)
    assert (header.term, header.env["SHELL"], header.idle_time_limit) == ("xterm", "/bin/bash", 2.0)
    assert (header.title, header.command, header.duration) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "texts", "notices"),
    [
        ("v2-broken.cast", ["foo bar", "żółć jaźń"], [(3, "bad_json")]),
        ("v2-invalid-code.cast", ["foo bar"], [(3, "bad_code")]),
        ("v2-blank-lines.cast", ["foo bar", "baz qux", "żółć jaźń"], []),
        ("v2-no-events.cast", [], [(1, "no_events")]),
        ("v1-invalid-data.json", ["foo bar", "żółć jaźń"], [(8, "bad_data")]),
    ],
)
def test_odd_recordings(name: str, texts: list[str], notices: list[tuple[int, str]], sample: Load) -> None:
    found = Read(sample(f"asciicast-odd/{name}"))
    assert [event.data for event in found.events] == texts
    assert found.notices == notices
    assert found.summary.is_partly_readable == any(code.startswith("bad_") for _, code in notices)
    if len(texts) > 1:
        assert found.summary.duration == pytest.approx(8.456789)


def test_the_transcript_of_an_administrator(sample: Load) -> None:
    found = Read(sample("asciicast/tool-asciinema24-admin.cast"))
    lines = [(round(line.at, 3), line.text) for line in transcribe(found.events, cols=found.header.cols)]
    assert lines[:3] == [
        (0.01, "bastion# id"),
        (0.073, "uid=0(root) gid=0(root) groups=0(root)"),
        (0.074, "bastion# cat /etc/os-release | head -2"),
    ]
    assert lines[-2:] == [(2.976, "bastion# exit"), (3.299, "exit")]
    assert len(lines) == 15


def test_the_transcript_of_a_full_screen_program(sample: Load) -> None:
    found = Read(sample("asciicast/demo.cast"))
    lines = list(transcribe(found.events, cols=found.header.cols))
    assert [line.is_note for line in lines] == [False, True, False]
    assert lines[0].text == "~/c/a/asciinema (develop ↩☡=) vim"
    assert lines[1].text.startswith("⟦full-screen program from 2.9 s to 7.6 s")


@pytest.mark.parametrize(
    "name", ["bash-git-colour-marks.cast", "bash-nomarks-colour.cast", "zsh-rprompt.cast"]
)
def test_the_transcript_shows_every_command_and_no_hidden_password(name: str, sample: Load) -> None:
    expected = json.loads(sample("terminal-commands/expected.json"))[name]
    found = Read(sample(f"terminal-commands/{name}"))
    summary = found.summary
    assert summary.output_events == expected["output_events"]
    assert summary.input_events == expected["input_events"]
    assert summary.duration == pytest.approx(expected["duration_s"])
    lines = iter([line.text for line in transcribe(found.events, cols=found.header.cols)])
    for command in expected["commands"]:
        for typed in command["text"].split("\n"):
            assert any(typed in line for line in lines), f"{typed!r} is missing, or stands too early"
    text = "\n".join(line.text for line in transcribe(found.events, cols=found.header.cols))
    copy = "".join(playable(found.header, found.events))
    for secret in expected["never_show"]:
        assert secret not in text
        assert secret not in copy
    assert "\x1b]" not in json.dumps(copy)
    assert "\\u001b]" not in copy


def test_the_copy_asks_the_terminal_nothing(sample: Load) -> None:
    found = Read(sample("asciicast/demo.cast"))
    assert any("\x1b[6n" in event.data for event in found.events)
    copy = "".join(playable(found.header, found.events))
    for asked in ("\\u001b[6n", "\\u001b[>c", "$p", "\\u001b]"):
        assert asked not in copy
    assert "\\u001b[?1049h" in copy
    assert json.loads(copy.splitlines()[-1])[0] == pytest.approx(11.89348)
