"""What nobody reads, or what is nearly right: named with what is wrong, and no file hides another."""

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest

from accounts.connectors import REGISTRY
from portal.inspection import inputs, looking, sessions
from portal.inspection.bundles import Bundles
from portal.inspection.inputs import Input
from portal.inspection.readers import Attempt, Claim, Refused
from portal.inspection.registry import READERS
from portal.inspection.reports import InventoryReport
from sessions_app.formats.commands import Command
from sessions_app.formats.events import Event, Notice, RecordingHeader
from tests.inspection.asking import DATA, SAMPLES, counts, file, inspect, table


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xfa\x00\x01", "not UTF-8"),
        (b'{"shoes": []}', "This is JSON that no format here knows"),
        (b"<html></html>", "XML or HTML"),
        (b"shoe,size\nred,42\n", "a table of 2 columns whose names no format knows"),
        (b"1, 2.\n3\n\n4, 5, 6.\n", "text that no format here knows"),
    ],
)
def test_what_nobody_reads_is_named_with_the_formats_there_are(
    tmp_path: Path, data: bytes, words: str
) -> None:
    (one,) = inspect(file(tmp_path, data, "x"), exit_code=1)
    assert one["format"] is None
    assert words in one["problems"][0]
    assert one["problems"][1] == looking.formats(READERS)
    assert all(connector.label in one["problems"][1] for connector in REGISTRY.values())
    assert counts(one) == (0, 0, 0, 0, 0, 0, 0)


def test_a_file_that_is_nearly_right_says_where_it_is_wrong(tmp_path: Path) -> None:
    (one,) = inspect(file(tmp_path, b"employee number,name,hired\n1,J\xfcrgen,\n"), exit_code=1)
    assert one["format"] is None
    assert one["problems"] == [problem for problem in one["problems"] if problem.startswith("Not read as")]
    assert "“HR export" in one["problems"][0]
    assert "(line 2)" in one["problems"][0]


def test_the_next_likely_format_is_tried(tmp_path: Path) -> None:
    tried = []

    class Reader:
        formats = {"text": "Text", "first": "First", "second": "Second", "third": "Third", "sure": "Sure"}
        claims = (Claim.TEXT, Claim.LIKELY, Claim.LIKELY, Claim.LIKELY, Claim.INVENTORY)

        def attempts(self, opened: Any, one: Input) -> list[Attempt]:
            assert one.name == "export.csv"
            return [
                Attempt(key, label, claim, partial(self.read, opened, one.shown, key), InventoryReport)
                for (key, label), claim in zip(self.formats.items(), self.claims, strict=True)
            ]

        def read(self, opened: Any, path: str, key: str) -> InventoryReport:
            tried.append((key, opened.read(3)))
            if key in ("sure", "first"):
                raise Refused("it is not")
            return InventoryReport(path, format=key)

    report = looking.look(Input(str(file(tmp_path, b"abc"))), [Reader()])
    assert tried == [("sure", b"abc"), ("first", b"abc"), ("second", b"abc")]
    assert (report.format, report.problems) == ("second", [])


def test_a_fault_of_a_reader_does_not_hide_the_other_files(tmp_path: Path) -> None:
    class Reader:
        formats = {"x": "X"}

        def attempts(self, opened: Any, one: Input) -> list[Attempt]:
            return [Attempt("x", "X", Claim.INVENTORY, self.read, InventoryReport)]

        def read(self) -> InventoryReport:
            raise KeyError("hunter2")

    report = looking.look(Input(str(file(tmp_path, b"abc"))), [Reader()])
    assert report.format is None
    assert "failed with KeyError" in report.problems[0]
    assert "hunter2" not in report.problems[0]


class Unsearched:
    """In place of the search for commands, which has tests of its own and takes its time."""

    notices: tuple[Notice, ...] = ()

    def __init__(self, header: RecordingHeader) -> None:
        self.header = header

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing to end."""

    def watching(self, events: Iterable[Event]) -> Iterable[Event]:
        return events

    def found(self) -> list[Command]:
        return []

    finish = found


def test_nothing_crashes_on_any_file_we_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "Extraction", Unsearched)
    folders = [folder for folder in (DATA, SAMPLES) if folder.is_dir()]
    read = 0
    for folder in folders:
        expected = sorted(str(path) for path in folder.rglob("*") if path.is_file())
        found = [looking.look(one, READERS) for one in inputs.given([str(folder)], Bundles())]
        assert sorted(path for one in found for path in one.paths or [one.path]) == expected
        for one in found:
            assert not any("fault of the portal" in problem for problem in one.problems), one
            assert one.format or one.problems
            json.dumps(one.as_json())
            read += one.format is not None
    assert read >= 10


def test_the_table_has_a_line_each_and_the_problems_below(tmp_path: Path) -> None:
    file(tmp_path, b"account,password\nann,hunter2\n", "a.csv")
    file(tmp_path, b"", "b.csv")
    said = table(tmp_path)
    lines = said.splitlines()
    assert lines[0].split() == [
        "identities", "accounts", "rights", "grants", "credentials", "active", "keys", "inclusions",
        "rejected", "format", "file",
    ]  # fmt: skip
    assert lines[1].split() == ["1", "1", "0", "0", "0", "0", "0", "0", "csv_accounts", f"{tmp_path}/a.csv"]
    assert "cut: password (named like a secret, 1×)" in said
    assert "! The file is empty. Export it again." in said
    assert said.count("The portal reads:") == 1
    assert said.endswith("1 of 2 could not be read.")
