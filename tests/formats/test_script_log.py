"""Recordings of script(1): the facts are those of scriptreplay, and of awk over the timing files."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Summary
from sessions_app.formats.parts import in_memory
from sessions_app.formats.registry import read, read_parts, sniff

Load = Callable[[str], bytes]

STARTED = (
    b'Script started on 2026-11-24 09:02:16+00:00 [COMMAND="sh -c "x"" TERM="xterm" '
    b'COLUMNS="80" LINES="24"]\n'
)
DONE = b'\nScript done on 2026-11-24 09:02:20+00:00 [COMMAND_EXIT_CODE="7"]\n'


class Together:
    """Files read as one recording, to its end."""

    def __init__(self, **files: bytes) -> None:
        parts = [in_memory(name.replace("__", "."), data) for name, data in files.items()]
        reading = read_parts(parts)
        assert isinstance(reading, Reading)
        self.header: RecordingHeader = reading.header
        self.events: list[Event] = list(reading)
        self.summary: Summary = reading.summary()

    def text(self, code: str = "o") -> str:
        return "".join(event.data for event in self.events if event.code == code)


@pytest.mark.parametrize(
    ("stem", "ends", "version", "duration", "output", "inputs"),
    [
        ("classic1", ("tm", "out"), 1, 3.259622, 96, 0),
        ("adv3", ("tm", "out", "in"), 2, 4.750516, 134, 120),
    ],
)
def test_samples_of_the_recorder(
    stem: str, ends: tuple[str, ...], version: int, duration: float, output: int, inputs: int, sample: Load
) -> None:
    found = Together(**{f"{stem}__{end}": sample(f"typescript/{stem}.{end}") for end in ends})
    header, summary = found.header, found.summary
    assert (header.format, header.version, header.cols, header.rows) == ("script", version, 100, 30)
    assert (header.term, header.command, header.facts["tty"]) == ("xterm", "./.sh", "/dev/pts/0")
    assert header.started_at is not None
    assert header.started_at.date() == datetime(2026, 11, 24, tzinfo=UTC).date()
    assert summary.duration == pytest.approx(duration, abs=1e-6)
    assert (summary.output_events, summary.input_events, summary.exit_status) == (output, inputs, 0)
    assert summary.warnings == ()
    assert summary.ended_cleanly


@pytest.mark.skipif(shutil.which("scriptreplay") is None, reason="scriptreplay is not installed")
@pytest.mark.parametrize(("stem", "streams"), [("classic1", "O"), ("adv3", "OI")])
def test_the_streams_are_those_of_scriptreplay(stem: str, streams: str, sample: Load, tmp_path: Path) -> None:
    ends = {"O": "out", "I": "in"}
    files = {f"{stem}.{end}": sample(f"typescript/{stem}.{end}") for end in ("tm", *map(ends.get, streams))}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    found = Together(**{name.replace(".", "__"): data for name, data in files.items()})
    for stream in streams:
        command = ["scriptreplay", "-d", "10000", "-c", "never", "-t", f"{stem}.tm"]
        command += [f"-{stream}", f"{stem}.{ends[stream]}"]
        replayed = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60).stdout
        assert found.text(stream.lower()).strip() == replayed.decode("utf-8", "replace").strip()


@pytest.mark.parametrize(
    "names",
    [
        ("a", "b", "c"),
        ("z__log", "y__log", "x__log"),
        ("one__in", "two__out", "three__tm"),
    ],
)
def test_names_do_not_matter(names: tuple[str, ...], data: Load) -> None:
    files = [data(f"script-streams.{end}") for end in ("tm", "out", "in")]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        found = Together(**{name: files[place] for name, place in zip(names, order, strict=True)})
        assert (found.summary.output_events, found.summary.input_events) == (7, 4)
        assert found.text("i").startswith("echo a\n")


def test_a_resize_and_a_password_typed_without_echo(data: Load) -> None:
    apart = Together(
        **{f"script-streams__{end}": data(f"script-streams.{end}") for end in ("tm", "out", "in")}
    )
    both = Together(**{f"script-both__{end}": data(f"script-both.{end}") for end in ("tm", "io")})
    for found in (apart, both):
        assert [event.data for event in found.events if event.code == "r"] == ["120x40"]
        assert found.summary.exit_status == 3
        assert "hunter2" not in repr(found.events)
        assert "*******\n" in found.text("i")
        assert found.summary.warnings == ()
    assert apart.text() == both.text()


def test_a_missing_input_file_is_a_gap(data: Load) -> None:
    found = Together(**{f"script-streams__{end}": data(f"script-streams.{end}") for end in ("tm", "out")})
    assert (found.summary.gap_count, found.summary.input_events) == (1, 0)
    assert [notice.code for notice in found.summary.warnings] == ["missing_file"]
    assert found.summary.is_partly_readable
    assert (
        found.text()
        == Together(
            **{f"script-streams__{end}": data(f"script-streams.{end}") for end in ("tm", "out", "in")}
        ).text()
    )


def test_the_header_line_with_quotes_in_its_command() -> None:
    found = Together(t__tm=b"0.5 2\n0.25 1\n", t=STARTED + b"abc" + DONE)
    assert (found.header.command, found.header.cols, found.header.rows) == ('sh -c "x"', 80, 24)
    assert [(event.at, event.data) for event in found.events] == [(0.5, "ab"), (0.75, "c"), (0.75, "7")]
    assert found.summary.exit_status == 7


@pytest.mark.parametrize(
    ("line", "written", "at"),
    [
        (
            b'Script started on 2026-11-24 09:02:16+02:00 [TERM="x"]\n',
            None,
            datetime(2026, 11, 24, 7, 2, 16, tzinfo=UTC),
        ),
        (
            b"Skript gestartet um 2026-11-24 09:02:16+00:00 [<x>]\n",
            None,
            datetime(2026, 11, 24, 9, 2, 16, tzinfo=UTC),
        ),
        (b"Script started on Tue Nov 24 09:02:16 2026\n", "Tue Nov 24 09:02:16 2026", None),
        (b"Script started on 2026-11-24 09:02:16\n", "2026-11-24 09:02:16", None),
        (b"Script started on 0000-99-99 99:99:99+00:00\n", "0000-99-99 99:99:99+00:00", None),
    ],
)
def test_moments_have_a_zone_or_stay_as_written(
    line: bytes, written: str | None, at: datetime | None
) -> None:
    reading = read(BytesIO(line + b"hello\n" + DONE))
    assert reading.header.started_at == at
    assert reading.header.facts.get("started") == written


def test_a_typescript_alone_has_no_times(sample: Load) -> None:
    reading = read(BytesIO(sample("typescript/classic1.out")))
    assert isinstance(reading, Reading)
    events = list(reading)
    assert reading.header.format == "typescript"
    assert {event.at for event in events} == {0.0}
    assert (reading.summary().output_bytes, reading.summary().exit_status) == (571, 0)
    assert [notice.code for notice in reading.summary().warnings] == ["no_timing"]


def test_a_timing_alone_is_refused_with_words(sample: Load) -> None:
    for name in ("classic1.tm", "adv3.tm"):
        with pytest.raises(NotReadable) as caught:
            read(BytesIO(sample(f"typescript/{name}")))
        assert caught.value.code == "timing_alone"
        assert "together" in caught.value.message


@pytest.mark.parametrize(
    ("timing", "stream", "codes", "output"),
    [
        (b"0.5 2\n0.5 9\n", STARTED + b"abc", ["truncated", "truncated"], "abc"),  # the output ends too early
        (b"0.5 2\n", STARTED + b"abcdef" + DONE, ["truncated"], "abcdef"),  # the timing does
        (b"0.5 2\n0.5 1\n", STARTED + b"abc", ["truncated"], "abc"),  # script was killed
        (b"0.5 2\nlol\n0.5 1\n", STARTED + b"abc" + DONE, ["bad_timing"], "abc"),
        (b"0.5 2\n0.5 1\n0.0", STARTED + b"abc" + DONE, ["truncated"], "abc"),
        (b"0,5 2\n0,5 1\n", STARTED + b"abc" + DONE, [], "abc"),  # old, in a locale with a comma
        (b"0.5 2\r\n0.5 1\r\n", STARTED + b"abc" + DONE, [], "abc"),
        (b"0.5 2\n999999999999.0 1\n", STARTED + b"abc" + DONE, ["time_absurd"], "abc"),
        (b"0.5 999999999999999\n0.5 1\n", STARTED + b"abc", ["truncated", "truncated"], "abc"),
        (
            b"0.5 3\n",
            STARTED + b"abc\nScript done on 2026 [<max output size exceeded>]\n",
            ["ended_early"],
            "abc",
        ),
    ],
)
def test_damage(timing: bytes, stream: bytes, codes: list[str], output: str) -> None:
    found = Together(t__tm=timing, t=stream)
    assert [notice.code for notice in found.summary.warnings] == (
        codes if b"COLUMNS" in stream else ["size_unknown", *codes]
    )
    assert found.text() == output


def test_characters_cut_between_events_and_bytes_that_are_none() -> None:
    found = Together(t__tm=b"0.1 1\n0.1 1\n0.1 1\n0.1 2\n", t=STARTED + "ü".encode() + b"\xff\xf0\x9f" + DONE)
    assert [event.data for event in found.events][:4] == ["", "ü", "\ufffd", ""]
    assert found.text() == "ü\ufffd\ufffd"


def test_two_recordings_are_not_mixed_up(sample: Load) -> None:
    names = ("classic1.tm", "classic1.out", "adv3.tm", "adv3.out")
    with pytest.raises(NotReadable) as caught:
        Together(**{name.replace(".", "__"): sample(f"typescript/{name}") for name in names})
    assert caught.value.code == "several_recordings"


def test_a_file_that_does_not_belong_is_named() -> None:
    found = Together(t__tm=b"0.5 2\n0.5 1\n", t=STARTED + b"abc" + DONE, readme__txt=b"read me")
    assert [notice.code for notice in found.summary.warnings] == ["extra_file"]


def test_what_is_sniffed() -> None:
    assert sniff(STARTED) == "typescript"
    assert sniff(b"0.5 2\n0.5 1\n") == "typescript"
    assert sniff(b"Scripts are started on Monday, with words\n") == "plain_text"


def test_where_its_output_ends_too_early_all_input_after_it_is_masked() -> None:
    """Nobody can tell then which of it answered a prompt."""
    reading = read_parts(
        [
            in_memory("s.tm", b"O 0.100000 500\nI 0.100000 8\n"),
            in_memory("s.out", b"Script started on 2026-11-24 10:00:00+00:00\r\n$ "),
            in_memory("s.in", b"Script started on 2026-11-24 10:00:00+00:00\r\nhunter2\r"),
        ]
    )
    assert isinstance(reading, Reading)
    typed = [event.data for event in reading if event.code == "i"]
    assert "".join(typed) == "*******\r"
    assert "input_masked" in reading.summary().warning_counts
