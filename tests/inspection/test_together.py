"""Files that are one recording together, and files that two families of formats claim."""

import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portal.inspection import bundles
from sessions_app.formats import script_log
from tests.connectors import workbooks
from tests.formats import test_boundary_bsr, test_jumpserver, test_sudo_iolog
from tests.inspection.asking import DATA, SAMPLES, file, inspect, table

OWN = DATA / "formats"
CSV = b"account,entitlement\nann,READ\nbob,READ\n"
CLASSIC = {
    "out": b'Script started on 2026-11-24 09:02:16+00:00 [COMMAND="sh"]\nabc',
    "tm": b"0.5 1\n1.5 2\n",
}
CAST = b'{"version": 2, "width": 80, "height": 24}\n'


def put(folder: Path, **files: bytes) -> Path:
    """A folder with these files; "__" stands for a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder


def tree(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def short(found: list[dict[str, Any]]) -> list[tuple[str | None, str, list[str]]]:
    """Format, and the names of the path and of the paths, of each."""
    return [
        (one["format"], Path(one["path"]).name, [Path(path).name for path in one.get("paths", [])])
        for one in found
    ]


def test_recordings_of_one_kind_in_one_folder_are_told_apart_by_their_names() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the samples are not beside this checkout")
    assert short(inspect(SAMPLES / "typescript")) == [
        ("script", "adv3.in", ["adv3.in", "adv3.out", "adv3.tm"]),
        ("script", "classic1.out", ["classic1.out", "classic1.tm"]),
    ]


def test_what_lies_beside_a_recording_is_looked_at_by_itself(tmp_path: Path) -> None:
    put(tmp_path, typescript=CLASSIC["out"], timing=CLASSIC["tm"], accounts__csv=CSV, note__md=b"Read me.\n")
    found = inspect(tmp_path)
    assert short(found) == [
        ("csv_accounts", "accounts.csv", []),
        ("plain_text", "note.md", []),
        ("script", "timing", ["timing", "typescript"]),
    ]
    assert (found[0]["accounts"], found[2]["duration_s"]) == (2, 2.0)
    assert not [problem for problem in found[2]["problems"] if "no part of the recording" in problem]


def test_a_folder_that_is_a_recording_is_called_by_its_name(tmp_path: Path) -> None:
    put(tmp_path / "00" / "01", **test_sudo_iolog.small())
    put(tmp_path / "00" / "02", **test_sudo_iolog.small(), accounts__csv=CSV)
    found = inspect(tmp_path)
    assert short(found) == [
        ("sudo_iolog", "01", ["log", "timing", "ttyin", "ttyout"]),
        ("csv_accounts", "accounts.csv", []),
        ("sudo_iolog", "log", ["log", "timing", "ttyin", "ttyout"]),
    ]
    assert found[0]["paths"] == [
        str(tmp_path / "00" / "01" / name) for name in ("log", "timing", "ttyin", "ttyout")
    ]


def test_folders_of_a_recording_that_has_some_belong_to_it(tmp_path: Path) -> None:
    tree(tmp_path, test_boundary_bsr.files())
    (one,) = inspect(tmp_path)
    assert (one["format"], Path(one["path"]).name, len(one["paths"])) == ("boundary_bsr", "sr_1.bsr", 5)
    assert (one["user"], one["run_as"], one["duration_s"]) == ("dana", "root", 60.0)
    assert one["gaps"][0]["reason"].startswith("What went over the wire is not parsed")
    # What is no part of it is not swallowed.
    put(tmp_path / "sudo", **test_sudo_iolog.small())
    put(tmp_path / "sudo" / "more", accounts__csv=CSV)
    assert [row[:2] for row in short(inspect(tmp_path / "sudo"))] == [
        ("sudo_iolog", "log"),
        ("csv_accounts", "accounts.csv"),
    ]


def test_paths_given_one_by_one_belong_together_wherever_they_lie(tmp_path: Path) -> None:
    out = file(put(tmp_path / "a"), CLASSIC["out"], "typescript")
    timing = file(put(tmp_path / "b"), CLASSIC["tm"], "timing")
    csv = file(tmp_path, CSV, "accounts.csv")
    found = inspect(timing, csv, out)
    assert short(found) == [
        ("script", "timing", ["timing", "typescript"]),
        ("csv_accounts", "accounts.csv", []),
    ]
    assert found[0]["paths"] == [str(timing), str(out)]
    assert [row[0] for row in short(inspect(timing, exit_code=1))] == [None]
    # Of two recordings those of one folder are meant.
    both = [put(tmp_path / name, out=CLASSIC["out"], tm=CLASSIC["tm"]) for name in ("c", "d")]
    found = inspect(*(folder / name for name in ("out", "tm") for folder in both))
    assert [one["paths"] for one in found] == [[str(folder / "out"), str(folder / "tm")] for folder in both]


def test_a_fault_of_a_format_does_not_hide_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_heads: object) -> bool:
        raise KeyError("hunter2")

    monkeypatch.setattr(bundles, "BUNDLES", [replace(script_log.FORMAT, recognises=fail)])
    put(tmp_path, a__csv=CSV, b__cast=CAST + b'[1.5, "o", "x"]\n')
    assert [one["format"] for one in inspect(tmp_path)] == ["csv_accounts", "asciicast"]


def test_a_session_of_jumpserver_in_its_parts(tmp_path: Path) -> None:
    sid = test_jumpserver.SID
    tree(
        tmp_path,
        {
            f"{sid}.json": json.dumps(test_jumpserver.SESSION).encode(),
            f"{sid}.cast": test_jumpserver.CAST,
            "other.cast.part": b"x",
        },
    )
    found = inspect(tmp_path, exit_code=1)
    assert [one["format"] for one in found] == ["jumpserver", None]
    assert (found[0]["user"], found[0]["host"]) == ("Dana(dana)", "web1(192.0.2.4)")
    assert "hunter2" not in json.dumps(found)


def test_an_archive_holds_one_recording(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in test_sudo_iolog.small().items():
            entry = tarfile.TarInfo(f"00/00/01/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    (one,) = inspect(file(tmp_path, packed.getvalue(), "01.tgz"))
    assert (one["format"], one["user"], one["duration_s"]) == ("sudo_iolog", "millert", 4.7)
    assert "paths" not in one
    shutil.make_archive(str(tmp_path / "nothing"), "zip", put(tmp_path / "n", a=b"1", b=b"2"))
    (one,) = inspect(tmp_path / "nothing.zip", exit_code=1)
    assert one["problems"][0].startswith("Not read as “archive of a recording”: None of the 2 files")
    book = file(tmp_path, workbooks.of_rows(["shoe", "size"], ["red", "42"]), "shoes.xlsx")
    (one,) = inspect(book, exit_code=1)
    assert "archive of a recording" not in one["problems"][0]


# --- what two families claim ------------------------------------------------------------------------


def test_a_recording_that_shows_an_inventory_is_a_recording(tmp_path: Path) -> None:
    inventories = sorted(
        path
        for name in ("entra", "github", "google_workspace", "jumpserver", "okta", "scim", "teleport", "ldif")
        for path in (DATA / name).iterdir()
    )
    for place, path in enumerate(inventories):
        shown = "$ cat it\n" + path.read_text()[:40_000]
        event = json.dumps([1.0, "o", shown], ensure_ascii=False).encode()
        file(tmp_path, CAST + event + b"\n", f"{place}-{path.name}.cast")
        file(tmp_path, CLASSIC["out"] + shown.encode(), f"{place}-{path.name}.log")
    found = inspect(tmp_path)
    assert len(found) == 2 * len(inventories) > 10
    assert {one["format"] for one in found} == {"asciicast", "typescript"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"employee number,name,hired\n1,J\xfcrgen Maier,\n", "Not read as “HR export"),
        (b"apiVersion: v1\nkind: Shoes\nitems: five\n", "YAML"),
        (b"---\nname: no recording at all\n", "YAML"),
        (b"version: 1\n\nann: none\n", "LDIF"),
        (b"shoe,size and more\nred,42\n", "a table of 2 columns"),
    ],
)
def test_what_is_no_recording_is_not_read_as_text(tmp_path: Path, data: bytes, words: str) -> None:
    (one,) = inspect(file(tmp_path, data, "x"), exit_code=1)
    assert one["format"] is None
    assert words in one["problems"][0]


def test_text_is_read_where_nobody_knows_more_of_it(tmp_path: Path) -> None:
    (one,) = inspect(file(tmp_path, b"$ ls\nnotes\n$ exit\n", "session.log"))
    assert (one["format"], one["duration_s"], one["output_events"]) == ("plain_text", None, 3)
    assert {command["at_s"] for command in one["commands"]} <= {None}


def test_each_family_has_a_table(tmp_path: Path) -> None:
    put(tmp_path, a__csv=CSV, b__cast=CAST + b'[1.5, "o", "x"]\n', c__bin=b"")
    told = table(tmp_path)
    first, second = told.split("\n\n")[:2]
    assert [line.split()[-1] for line in first.splitlines()[1:]] == [
        str(tmp_path / "a.csv"),
        str(tmp_path / "c.bin"),
    ]
    assert second.splitlines()[0].split()[:3] == ["seconds", "size", "output"]
    assert second.splitlines()[1].split()[:4] == ["1.5", "80x24", "1", "0"]
    assert told.endswith("1 of 3 could not be read.")
