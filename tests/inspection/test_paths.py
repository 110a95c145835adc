"""Files, folders, links in circles, and whatever else a path may lead to."""

import os
import socket
from pathlib import Path

import pytest
from django.conf import settings

from tests.inspection.asking import file, inspect, table


def test_folders_are_read_in_an_order_that_stays(tmp_path: Path) -> None:
    for name in ("b/z.csv", "b/a.csv", "a.csv", "c/d/e.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"account\nann\n")
    found = inspect(tmp_path, tmp_path / "a.csv")
    assert [Path(one["path"]).relative_to(tmp_path).as_posix() for one in found] == [
        "a.csv", "b/a.csv", "b/z.csv", "c/d/e.csv", "a.csv",
    ]  # fmt: skip


def test_links_in_circles_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    file(tmp_path / "in", b"account\nann\n")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    (tmp_path / "other").symlink_to(tmp_path / "in")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    found = {Path(one["path"]).name: one for one in inspect(tmp_path, exit_code=1)}
    assert set(found) == {"export.csv", "self", "gone"}
    assert found["export.csv"]["accounts"] == 1
    assert found["gone"]["problems"] == ["This is a link to something that is not there."]
    assert "Too many levels of symbolic links" in found["self"]["problems"][0]


def test_pipes_sockets_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        found = inspect(tmp_path, "/dev/null", exit_code=1)
    assert [one["problems"] for one in found] == [
        [f"This is {what}, not a file. Save what it gives as a file."]
        for what in ("a named pipe", "a socket", "a device")
    ]


def test_an_empty_folder_and_a_wrong_path_are_told(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    found = inspect(tmp_path, tmp_path / "none.csv", exit_code=1)
    assert [one["problems"][0] for one in found] == [
        "The folder holds no file.",
        "There is no such file or folder. Check the path.",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    file(tmp_path, b"account\nann\n").chmod(0)
    (one,) = inspect(tmp_path, exit_code=1)
    assert "may not read it" in one["problems"][0]


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = file(tmp_path, b"account\nann\n")
    with huge.open("r+b") as opened:
        opened.truncate(settings.PORTAL_UPLOAD_LIMIT + 1)
    assert huge.stat().st_blocks * 512 < 1 << 20
    (one,) = inspect(huge, exit_code=1)
    assert "and the portal takes 1,073,741,824" in one["problems"][0]


def test_names_that_are_no_text_and_steer_terminals(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\x1b[2J\xff.csv")).write_bytes(b"account\nann\n")
    (one,) = inspect(tmp_path)
    assert one["path"].endswith("\x1b[2J\\xff.csv")
    assert "\x1b" not in table(tmp_path)
    assert "\\x1b[2J" in table(tmp_path)
