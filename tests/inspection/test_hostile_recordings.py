"""Recordings that are empty, cut, damaged or made to harm, and what was typed unseen."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from portal.inspection import sessions
from sessions_app.formats.commands import Extraction
from tests.formats import test_sudo_iolog
from tests.inspection.asking import DATA, file, inspect, table
from tests.inspection.test_together import CAST, put

OWN = DATA / "formats"
SECRET = "hunter2"


def cast(*events: list[Any]) -> bytes:
    return CAST + b"".join(json.dumps(event).encode() + b"\n" for event in events)


def test_an_empty_file_and_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    found = inspect(file(tmp_path, b"", "session.cast"), tmp_path / "none", exit_code=1)
    assert [one["format"] for one in found] == [None, None]
    assert "The file is empty" in found[0]["problems"][0]
    assert found[1]["problems"] == ["The folder holds no file."]


def test_a_recording_that_is_cut_keeps_what_is_readable(tmp_path: Path) -> None:
    whole = (OWN / "session-v2.cast").read_bytes()
    (one,) = inspect(file(tmp_path, whole[:-9], "cut.cast"))
    assert (one["format"], one["output_events"]) == ("asciicast", 4)
    assert any("incomplete" in problem and "(line " in problem for problem in one["problems"])
    packed = (OWN / "terminals" / "zsh-plain.cast.gz").read_bytes()
    (one,) = inspect(file(tmp_path, packed[: len(packed) // 2], "cut.cast.gz"))
    assert 0 < one["output_events"] < 431
    assert any("gzip data end too early" in problem for problem in one["problems"])


def test_what_cannot_be_read_says_why_and_knows_nothing(tmp_path: Path) -> None:
    timing = (OWN / "script-streams.tm").read_bytes()
    packed = bytearray((OWN / "terminals" / "zsh-plain.cast.gz").read_bytes())
    packed[1000:1100] = bytes(100)
    found = inspect(
        file(tmp_path, timing, "alone.tm"),
        file(tmp_path, CAST[:20] + b'"9"}\n', "header.cast"),
        file(tmp_path, cast() + b"no\n" * 3, "lines.cast"),
        exit_code=1,
    )
    assert [one["format"] for one in found] == [None, None, None]
    for one, words in zip(found, ("Upload both files", "", "No event can be read"), strict=True):
        assert words in one["problems"][0]
    unknown = {name: value for name, value in found[0].items() if name not in ("path", "problems")}
    assert set(map(repr, unknown.values())) == {"None", "[]"}
    (one,) = inspect(file(tmp_path, bytes(packed), "damaged.cast.gz"), exit_code=1)
    assert one["problems"][0].startswith("Not read as “file packed with gzip”: The gzip data are damaged.")
    (one,) = inspect(file(tmp_path, b"\0\0\0\x20ftypisom" + bytes(200), "session.mp4"), exit_code=1)
    assert "This is a video (MP4): it can be kept, but not parsed." in one["problems"][0]
    assert one["duration_s"] is None


def test_a_gap_is_told(tmp_path: Path) -> None:
    (one,) = inspect(file(tmp_path, (OWN / "script-streams.tm").read_bytes(), "x.tm"),
                     file(tmp_path, (OWN / "script-streams.out").read_bytes(), "x.out"))  # fmt: skip
    assert one["paths"] == [str(tmp_path / "x.tm"), str(tmp_path / "x.out")]
    (gap,) = one["gaps"]
    assert "input is missing" in gap["reason"]
    assert gap["at_s"] == pytest.approx(0.296757)
    assert "gap at 0.3 s: " in table(tmp_path)


def test_absurd_values_are_unknown_or_told(tmp_path: Path) -> None:
    header = b'{"version": 2, "width": 999999999, "height": -5, "timestamp": 1e300}\n'
    (one,) = inspect(file(tmp_path, header + b'[1e999, "o", "x"]\n[-4, "o", "y"]\n[2, "o", "z"]\n', "x.cast"))
    assert (one["cols"], one["rows"], one["started_at"], one["duration_s"]) == (None, None, None, 2.0)
    assert len([problem for problem in one["problems"] if "(line " in problem]) >= 4
    assert json.loads(json.dumps(one, allow_nan=False)) == one


def test_very_many_problems_of_a_kind_are_counted(tmp_path: Path) -> None:
    events = [[1.0, "o", "x"]] * 50 + [[-1.0, "o", "x"]] * 45
    (one,) = inspect(file(tmp_path, cast(*events), "x.cast"))
    same = [problem for problem in one["problems"] if "The time is negative" in problem]
    assert len(same) == 21
    assert same[-1].startswith("25 more like this: ")


def test_control_characters_never_reach_the_terminal(tmp_path: Path) -> None:
    steering = "\x1b[2J\x1b]0;x\x07\x9b2J\u202e"
    shown = f"user@host:~$ ls{steering}\r\nuser@host:~$ echo \u202etxt\r\nuser@host:~$ "
    log = test_sudo_iolog.LOG.replace(b"millert", f"m{steering}".encode()).replace(b"bob", b"b\x1b[2Job")
    put(tmp_path / "x\x1b[2J", **test_sudo_iolog.small(log=log))
    file(tmp_path, cast([1.0, "o", shown], [2.0, "o", "\r\n$ "]), "a.cast")
    put(tmp_path, b__log=f'type=USER_CMD msg=audit(1.2:3): ses=1 auid=5 cmd="a{steering}"\n'.encode())
    told = table(tmp_path)
    assert not [letter for letter in told if ord(letter) < 32 and letter != "\n"]
    assert not set(told) & set("\x7f\x9b\u202e")
    for one in inspect(tmp_path):
        told = json.dumps({name: value for name, value in one.items() if not name.startswith("path")})
        assert "\\u001b" not in told
        assert "\\u009b" not in told


def test_what_was_typed_unseen_is_nowhere(tmp_path: Path) -> None:
    put(tmp_path / "sudo", **test_sudo_iolog.small())
    assert SECRET.encode() in (tmp_path / "sudo" / "ttyin").read_bytes()
    typed = [[1.0 + n / 10, "i", letter] for n, letter in enumerate(f"{SECRET}\r")]
    file(tmp_path, cast([0.5, "o", "Password: "], *typed, [3.0, "o", "\r\n$ "]), "a.cast")
    assert SECRET not in json.dumps(inspect(tmp_path)) + table(tmp_path)


def test_a_search_for_commands_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = partial(Extraction, program=("/bin/false",))
    monkeypatch.setattr(sessions, "Extraction", failing)
    (one,) = inspect(file(tmp_path, cast([1.0, "o", "$ "], [2.0, "o", "ls\r\n$ "]), "a.cast"))
    assert (one["output_events"], one["duration_s"], one["commands"]) == (2, 2.0, [])
    assert any("engine stopped" in problem for problem in one["problems"])


def test_a_file_of_several_that_may_not_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    put(tmp_path, **test_sudo_iolog.small())
    (one,) = inspect(tmp_path)
    assert one["format"] == "sudo_iolog"
    settings.PORTAL_UPLOAD_LIMIT = 60
    found = inspect(tmp_path, exit_code=1)
    refused = [one for one in found if any("the portal takes 60" in problem for problem in one["problems"])]
    assert [Path(one["path"]).name for one in refused] == ["log", "timing"]
