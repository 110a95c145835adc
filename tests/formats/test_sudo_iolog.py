"""Recordings of sudo: the facts are those of sudoreplay 1.9.13 and of awk over the timing files."""

import gzip
import io
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings

from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Summary
from sessions_app.formats.parts import in_memory
from sessions_app.formats.registry import BUNDLES, FORMATS, read, read_parts, sniff
from tests.formats.test_flat_memory_of_formats import Endless, blocks, peak_of
from tests.formats.test_hostile_files import changed, changes, drain

Load = Callable[[str], bytes]
STREAMS = ("log", "timing", "ttyin", "ttyout")
SESSION = (*STREAMS, "log.json", "stdin", "stdout", "stderr")
LOG = b"1645151020:millert:root::/dev/pts/3:24:80\n/home/millert\n/usr/bin/passwd bob\n"
JSON = (
    b'{"timestamp": {"seconds": 1645151020, "nanoseconds": 500000000}, "submituser": "dana",'
    b' "runuser": "db", "command": "/usr/bin/mysql", "runargv": ["mysql", "-u", "a b"],'
    b' "submithost": "web1", "ttyname": "/dev/pts/1", "submitcwd": "/tmp", "lines": 24, "columns": 80,'
    b' "runenv": ["TOKEN=hunter2"], "exit_value": 3, "uuid": "u-1", "peeraddr": "192.0.2.7"}'
)


class Together:
    """Files read as one recording, to its end."""

    def __init__(self, files: dict[str, bytes]) -> None:
        reading = read_parts([in_memory(name, data) for name, data in files.items()])
        assert isinstance(reading, Reading)
        self.header: RecordingHeader = reading.header
        self.events: list[Event] = list(reading)
        self.summary: Summary = reading.summary()

    def text(self, code: str = "o") -> str:
        return "".join(event.data for event in self.events if event.code == code)

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.summary.warnings]


def folder(sample: Load, name: str, files: tuple[str, ...]) -> dict[str, bytes]:
    return {file: sample(f"sudo-iolog/{name}/{file}") for file in files}


def small(**changes_of: bytes | None) -> dict[str, bytes]:
    files: dict[str, bytes | None] = {
        "log": LOG,
        "timing": b"4 0.5 10\n3 0.5 8\n4 0.25 2\n5 0.25 40 120\n7 1.0 TSTP\n7 2.0 18\n3 0.1 2\n4 0.1 3\n",
        "ttyin": b"hunter2\rls",
        "ttyout": b"Password: \r\nabc",
    }
    files |= {name.replace("__", "."): data for name, data in changes_of.items()}
    return {name: data for name, data in files.items() if data is not None}


@pytest.mark.parametrize(
    ("name", "files", "version", "duration", "outputs", "inputs", "size"),
    [
        ("filter-test1", STREAMS, 1, 11.499702078, 9, 35, 142),
        ("sudo1913-session01", SESSION, 2, 3.26255858, 98, 86, 621),
    ],
)
def test_samples(
    name: str, files: tuple[str, ...], version: int, duration: float, outputs: int, inputs: int,
    size: int, sample: Load,
) -> None:  # fmt: skip
    found = Together(folder(sample, name, files))
    header, summary = found.header, found.summary
    assert (header.format, header.version, header.cols, header.rows) == ("sudo_iolog", version, 80, 24)
    assert summary.duration == pytest.approx(duration, abs=1e-6)
    assert (summary.output_events, summary.input_events, summary.output_bytes) == (outputs, inputs, size)
    assert (summary.warnings, summary.gap_count, summary.is_truncated) == ((), 0, False)


def test_who_the_samples_tell_of(sample: Load) -> None:
    found = Together(folder(sample, "sudo1913-session01", SESSION)).header
    assert (found.user, found.run_as, found.host) == ("root", "root", "bastion1.example.test")
    assert (found.command, found.facts["tty"], found.facts["cwd"]) == (
        "/srv/rec/.sh",
        "/dev/pts/0",
        "/srv/rec",
    )
    assert found.started_at == datetime(2026, 11, 24, 9, 3, 15, 540325, UTC)
    assert found.env == {}
    found = Together(folder(sample, "filter-test1", STREAMS)).header
    assert (found.user, found.run_as, found.command) == ("millert", "root", "/usr/bin/passwd")
    assert found.started_at == datetime(2022, 2, 18, 2, 23, 40, tzinfo=UTC)


def test_passwords_of_the_sample_stand_in_no_event(sample: Load) -> None:
    found = Together(folder(sample, "filter-test1", STREAMS))
    assert sample("sudo-iolog/filter-test1/ttyin").startswith(b"A new password?\r")
    assert re.sub(r"\*+", "*", found.text("i")) == "*\r*\r*"
    assert "A new" not in found.text("i")
    assert found.text() == sample("sudo-iolog/filter-test1/ttyout").decode()
    blind = Together({k: v for k, v in folder(sample, "filter-test1", STREAMS).items() if k != "ttyout"})
    assert set(blind.text("i")) == {"*", "\r"}
    assert (blind.codes, blind.summary.gap_count) == (["missing_file", "input_masked"], 1)


@pytest.mark.skipif(shutil.which("sudoreplay") is None, reason="sudoreplay is not installed")
@pytest.mark.parametrize(("name", "files"), [("filter-test1", STREAMS), ("sudo1913-session01", SESSION)])
def test_the_output_is_that_of_sudoreplay(
    name: str, files: tuple[str, ...], sample: Load, tmp_path: Path
) -> None:
    place = tmp_path / "00/00/01"
    place.mkdir(parents=True)
    for file, data in folder(sample, name, files).items():
        (place / file).write_bytes(data)
    command = ["sudoreplay", "-d", str(tmp_path), "-n", "-m", "0.001", "000001"]
    replayed = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()
    found = Together(folder(sample, name, files)).text()
    assert found.replace("\r", "").strip() in replayed.replace("\r", "")


def test_archives_and_names_of_folders(sample: Load) -> None:
    files = folder(sample, "sudo1913-session01", SESSION)
    expected = Together(files).events
    kept = io.BytesIO()
    with tarfile.open(fileobj=kept, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"./00/00/01/{name}")
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    assert list(read(BytesIO(kept.getvalue()))) == expected
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as packed:
        packed.writestr("README.txt", "words of somebody")
        for name, data in files.items():
            packed.writestr(f"rec/{name}", data)
    reading = read(BytesIO(kept.getvalue()))
    assert list(reading) == expected
    assert [notice.code for notice in reading.summary().warnings] == ["extra_file"]


@pytest.mark.parametrize(
    ("name", "version", "user", "command"),
    [
        ("log_json/id.json", 2, "millert", "/usr/bin/id"),
        ("log_json/ls.json", 2, "millert", "/bin/ls"),
        ("log_json/printenv.json", 2, "testdude", "/usr/bin/printenv"),
        ("log_legacy/id.log", 1, "millert", "/usr/bin/id"),
        ("log_legacy/vi.log", 1, "alice", "/usr/bin/vi /etc/nsswitch.conf"),
    ],
)
def test_a_log_file_alone(name: str, version: int, user: str, command: str, sample: Load) -> None:
    data = sample(f"sudo-iolog/{name}")
    for called in ("", "log", "x.cast"):
        assert [found.key for found in FORMATS if found.recognises(data[:65536], called)] == [
            "sudo_iolog_info"
        ]
    assert sniff(data) == "sudo_iolog_info"
    reading = read(BytesIO(data))
    assert isinstance(reading, Reading)
    events = list(reading)
    header, summary = reading.header, reading.summary()
    assert (header.version, header.user, header.run_as, header.command) == (version, user, "root", command)
    assert (header.cols, header.rows) == (80, 24)
    assert ([event.code for event in events], summary.gap_count) == (["g"], 1)
    assert [notice.code for notice in summary.warnings] == ["metadata_only"]
    assert "KRB5CCNAME" not in repr(header)


@pytest.mark.parametrize("name", ["timing/timing.1", "timing/timing.5"])
def test_a_timing_alone_is_refused(name: str, sample: Load) -> None:
    with pytest.raises(NotReadable) as caught:
        read(BytesIO(sample(f"sudo-iolog/{name}")))
    assert caught.value.code == "timing_alone"
    assert "ttyout" in caught.value.message


@pytest.mark.parametrize(("name", "resizes"), [("1", 1), ("5", 0)])
def test_timings_of_sudo_itself(name: str, resizes: int, sample: Load) -> None:
    timing = sample(f"sudo-iolog/timing/timing.{name}")
    wanted = dict.fromkeys((3, 4), 0)
    total = 0.0
    for line in timing.decode().splitlines():
        kind, delay, rest, *_ = line.split()
        total += float(delay)
        if int(kind) in wanted:
            wanted[int(kind)] += int(rest)
    found = Together({"log": LOG, "timing": timing, "ttyout": b"x" * wanted[4], "ttyin": b"y" * wanted[3]})
    assert found.summary.duration == pytest.approx(total)
    assert (found.summary.resizes, found.summary.warnings) == (resizes, ())
    assert found.summary.other_events["S"] == timing.count(b"\n7 ")
    assert (len(found.text()), len(found.text("i"))) == (wanted[4], wanted[3])
    if resizes:
        assert [event.data for event in found.events if event.code == "r"] == ["120x59"]


def test_every_kind_of_entry() -> None:
    found = Together(small())
    assert [(round(event.at, 3), event.code, event.data) for event in found.events] == [
        (0.5, "o", "Password: "), (1.0, "i", "*******\r"), (1.25, "o", "\r\n"), (1.5, "r", "120x40"),
        (2.5, "S", "SIGTSTP"), (4.5, "S", "18"), (4.6, "i", "ls"), (4.7, "o", "abc"),
    ]  # fmt: skip
    assert found.header.command == "/usr/bin/passwd bob"


def test_json_counts_more_than_the_three_lines_and_keeps_no_environment() -> None:
    found = Together(small(log__json=JSON))
    header = found.header
    assert (header.user, header.run_as, header.host, header.external_id) == ("dana", "db", "web1", "u-1")
    assert header.command == "/usr/bin/mysql -u 'a b'"
    assert (header.facts["source_address"], header.facts["cwd"]) == ("192.0.2.7", "/tmp")
    assert found.summary.exit_status == 3
    assert "hunter2" not in repr((header, found.events, found.summary))
    damaged = Together(small(log__json=JSON[:-9]))
    assert (damaged.header.user, damaged.codes) == ("millert", ["bad_header"])


def test_other_streams_packed_and_a_comma() -> None:
    files = {
        "log": LOG,
        "timing": gzip.compress(b"1 0,5 4\n2 0,5 3\n0 1 9\n1 0,25 2\n"),
        "stdout": gzip.compress("é\n漢".encode()),
        "stderr": b"bad",
        "stdin": b"some data",
    }
    found = Together(files)
    assert [(event.at, event.code, event.data) for event in found.events] == [
        (0.5, "o", "é\n"), (1.0, "e", "bad"), (2.0, "i", "some data"), (2.25, "o", "漢"),
    ]  # fmt: skip
    assert found.summary.warnings == ()


def test_typing_at_a_prompt_is_masked_beside_other_input() -> None:
    files = small(
        timing=b"4 0 10\n0 0 3\n3 0 8\n3 0 2\n", stdin=b"ab\n", ttyout=b"Password: ", ttyin=b"hunter2\rls"
    )
    found = Together(files)
    assert [event.data for event in found.events if event.code == "i"] == ["**\n", "*******\r", "ls"]


@pytest.mark.parametrize(
    ("changed_files", "codes", "is_truncated", "gaps"),
    [
        ({"ttyin": None}, ["missing_file"], False, 1),
        ({"ttyout": None}, ["missing_file", "input_masked"], False, 1),
        ({"timing": None}, ["missing_file"], False, 1),
        ({"log": None}, ["missing_file"], False, 0),
        ({"ttyout": b"Pass"}, ["truncated", "input_masked"], True, 0),
        ({"ttyin": b"hunter2\r"}, ["truncated"], True, 0),
        ({"ttyin": b"hunter2\rls and more"}, ["truncated"], True, 0),
        ({"ttyout": b"Password: \r\nabcdef"}, ["truncated"], True, 0),
        ({"timing": b"4 0.5 10\n3 0.5 8\n4 0.25"}, ["truncated"] * 3, True, 0),
        ({"timing": b"4 0.5 10\nrubbish\n3 0.5 10\n4 0 5\n"}, ["bad_timing", "input_masked"], False, 0),
        ({"timing": b"4 0.5 x\n3 0.5 10\n4 0 15\n"}, ["bad_timing", "input_masked"], False, 0),
        ({"timing": b"9 0.5 10\n3 0.5 10\n4 0 15\n"}, ["bad_timing", "input_masked"], False, 0),
        ({"timing": b"4 99999999999999999999 15\n3 0.5 10\n"}, ["time_absurd"], False, 0),
        ({"timing": b"5 0 0 80\n4 1 15\n3 0.5 10\n"}, ["size_unknown"], False, 0),
        ({"timing": b"5 0 9999 9999\n4 1 15\n3 0.5 10\n"}, ["size_clamped"], False, 0),
        ({"ttyout": gzip.compress(b"Password: \r\nabc")[:-8]}, ["truncated"], True, 0),
        (
            {"ttyout": gzip.compress(b"Password: \r\nabc", mtime=0)[:-13]},
            ["truncated", "input_masked"],
            True,
            0,
        ),
        ({"core": b"x"}, ["extra_file"], False, 0),
    ],
)
def test_damage(
    changed_files: dict[str, bytes | None], codes: list[str], is_truncated: bool, gaps: int
) -> None:
    found = Together(small(**changed_files))
    assert (found.codes, found.summary.is_truncated, found.summary.gap_count) == (codes, is_truncated, gaps)
    assert "hunter2" not in repr((found.events, found.summary))


def test_the_broken_timing_of_one_version_is_refused() -> None:
    with pytest.raises(NotReadable) as caught:
        Together(small(timing=b"4 0 10\n6 0 2\n"))
    assert (caught.value.code, caught.value.line) == ("unsupported_version", 2)


def test_several_recordings_are_not_mixed() -> None:
    files = {f"{number}/{name}": data for number in (1, 2) for name, data in small().items()}
    with pytest.raises(NotReadable) as caught:
        Together(files)
    assert caught.value.code == "several_recordings"
    assert [bundle.key for bundle in BUNDLES if bundle.recognises(small())] == ["sudo_iolog"]


@given(changes, changes, changes)
@settings(max_examples=200, deadline=None)
def test_changed_files(
    log: list[tuple[str, float, bytes]],
    timing: list[tuple[str, float, bytes]],
    output: list[tuple[str, float, bytes]],
) -> None:
    valid = small(log__json=JSON)
    files = valid | {
        "log.json": changed(valid["log.json"], log),
        "timing": changed(valid["timing"], timing),
        "ttyout": changed(valid["ttyout"], output),
        "ttyin": b"abc",
    }
    drain(lambda: read_parts([in_memory(name, data) for name, data in files.items()]))
    drain(lambda: read(BytesIO(changed(LOG, log))))


def test_memory_is_flat() -> None:
    from_pieces = {
        "timing": lambda: Endless(blocks(lambda _: b"4 0.001000000 100\n3 0.001 2\n"), 400_000),
        "ttyout": lambda: Endless(blocks(lambda _: b"x" * 100)),
        "ttyin": lambda: Endless(blocks(lambda _: b"ab"), 100_000),
    }
    parts = [in_memory("log", LOG)]
    parts += [type(parts[0])(name, make) for name, make in from_pieces.items()]  # type: ignore[arg-type]

    def count() -> int:
        return sum(1 for _ in read_parts(parts))

    found, peak = peak_of(count)
    assert found > 10_000
    assert peak < 2 * 1024 * 1024
