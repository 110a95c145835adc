"""Sessions of JumpServer; the files are our own, after what its code (koko, apps/terminal) writes."""

import gzip
import io
import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings

from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Summary
from sessions_app.formats.lines import Limits, Source
from sessions_app.formats.parts import Part, in_memory
from sessions_app.formats.registry import BUNDLES, FORMATS, read, read_parts, sniff
from tests.formats import test_guacamole
from tests.formats.test_flat_memory_of_formats import Endless, behind, blocks, peak_of
from tests.formats.test_hostile_files import changed, changes, drain
from tests.formats.test_parts import tar

SID = "0b5c1e9a-1111-4222-8333-444455556666"
SESSION: dict[str, Any] = {
    "id": SID, "user": "Dana(dana)", "asset": "web1(192.0.2.4)", "account": "root(root)", "protocol": "ssh",
    "type": {"value": "normal", "label": "Normal"}, "login_from": {"value": "WT", "label": "Web Terminal"},
    "remote_addr": "192.0.2.9", "date_start": "2026/11/24 10:00:00 +0800",
    "date_end": "2026/11/24 10:05:30 +0800", "terminal_display": "koko", "comment": None,
    "is_success": True, "org_id": "", "secret": "hunter2",
}  # fmt: skip
START = datetime(2026, 11, 24, 2, 0, 0, tzinfo=UTC)
CAST = (
    b'{"version": 2, "width": 80, "height": 40, "timestamp": 1795485601, "env": {"TERM": "xterm"}}\n'
    b'[0.5, "o", "$ "]\n[3.0, "o", "id\\r\\n"]\n[9.0, "o", "$ "]\n'
)
OLD = b'{"0.500000":"$ ","1.250000":"a","1.250000":"b","2.000000":"\xe6\xbc\xa2\\u001b[0m","0.000000":""}'


def commands(*rows: tuple[int, str, int]) -> list[dict[str, Any]]:
    start = int(START.timestamp())
    return [
        {"user": "Dana", "asset": "web1", "account": "root", "input": text, "output": "hunter2",
         "session": SID, "risk_level": risk, "timestamp": start + at}
        for at, text, risk in rows
    ]  # fmt: skip


ROWS = commands((2, "id", 0), (200, "rm -rf /", 5))


class Together:
    """Files read as one recording, to its end."""

    def __init__(self, files: dict[str, bytes]) -> None:
        reading = read_parts([in_memory(name, data) for name, data in files.items()])
        assert isinstance(reading, Reading)
        self.header: RecordingHeader = reading.header
        self.events: list[Event] = list(reading)
        self.summary: Summary = reading.summary()

    @property
    def facts(self) -> list[tuple[float, str, str]]:
        return [(round(event.at, 3), event.code, event.data) for event in self.events]

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.summary.warnings]


def files(**more: bytes | None) -> dict[str, bytes]:
    found: dict[str, bytes | None] = {
        "replay": gzip.compress(CAST, mtime=0), "session": json.dumps(SESSION).encode(), **more
    }  # fmt: skip
    names = {"replay": f"{SID}.cast.gz", "session": f"{SID}.json"}
    return {names.get(name, name): data for name, data in found.items() if data is not None}


def test_the_tar_of_a_session() -> None:
    reading = read(BytesIO(tar(files())))
    assert isinstance(reading, Reading)
    events = list(reading)
    header, summary = reading.header, reading.summary()
    assert (header.format, header.cols, header.rows, header.term) == ("jumpserver", 80, 40, "xterm")
    assert (header.user, header.run_as, header.host) == ("Dana(dana)", "root(root)", "web1(192.0.2.4)")
    assert (header.external_id, header.started_at, header.duration) == (SID, START, 330.0)
    facts = header.facts
    assert (facts["source_address"], facts["protocol"], facts["replay"]) == ("192.0.2.9", "ssh", "asciicast")
    assert (facts["login_from"], facts["ended_at"]) == ("Web Terminal", "2026-11-24T02:05:30+00:00")
    assert "hunter2" not in repr(header)
    assert [event.data for event in events] == ["$ ", "id\r\n", "$ "]
    assert (summary.duration, summary.warnings) == (9.0, ())


@pytest.mark.parametrize(
    "rows", [json.dumps(ROWS).encode(), b"\n".join(json.dumps(row).encode() for row in reversed(ROWS))]
)
def test_commands_stand_where_their_time_is(rows: bytes) -> None:
    found = Together(files(commands=rows))
    assert found.facts == [
        (0.5, "o", "$ "), (2.0, "c", "id"), (3.0, "o", "id\r\n"), (9.0, "o", "$ "),
        (200.0, "c", "rm -rf /"), (200.0, "m", "JumpServer rejected this command"),
    ]  # fmt: skip
    assert (found.summary.commands, found.codes) == (2, [])
    assert "hunter2" not in repr(found.events)
    alone = Together(files(session=None, commands=rows))
    assert alone.header.user is None
    assert alone.summary.commands == 2


def test_the_older_replay() -> None:
    for data in (OLD, gzip.compress(OLD)):
        assert sniff(data) == "jumpserver_replay"
        reading = read(BytesIO(data))
        assert isinstance(reading, Reading)
        assert [(event.at, event.data) for event in reading] == [
            (0.5, "$ "), (1.25, "a"), (1.25, "b"), (2.0, "漢\x1b[0m"),
        ]  # fmt: skip
        assert reading.summary().warnings == ()
    assert [found.key for found in FORMATS if found.recognises(OLD, "x.cast")] == ["jumpserver_replay"]
    found = Together({f"{SID}.replay.gz": gzip.compress(OLD), f"{SID}.json": json.dumps(SESSION).encode()})
    assert (found.header.facts["replay"], found.summary.output_events) == ("jumpserver_replay", 4)


@pytest.mark.parametrize(
    ("data", "codes", "is_truncated", "events"),
    [
        (OLD[:40], ["truncated"], True, 2),
        (OLD[:27], ["truncated"], True, 1),
        (b'{"1.0":"a","2.0":5,"x":"b","3.0":"c"}', ["bad_data", "bad_time"], False, 2),
        (b'{"1.0":"a" rubbish and more of it that is no JSON', ["bad_json"], False, 1),
        (b'{"2.0":"a","1.0":"b","-5":"c"}', ["time_backwards", "time_negative"], False, 3),
        (b'{"1.0":"a","99999999999999999999":"b"}', ["time_absurd"], False, 2),
        (b'{"1.0":"\xff\\ud800"} more', ["trailing_bytes"], False, 1),
    ],
)
def test_damage_of_the_older_replay(data: bytes, codes: list[str], is_truncated: bool, events: int) -> None:
    reading = read(BytesIO(data))
    assert len(list(reading)) == events
    summary = reading.summary()
    assert ([notice.code for notice in summary.warnings], summary.is_truncated) == (codes, is_truncated)


def test_a_document_may_only_be_so_large() -> None:
    with pytest.raises(NotReadable) as caught:
        list(read(BytesIO(OLD * 50), Limits(document=1000)))
    assert caught.value.code == "document_too_large"


def test_a_video_is_kept_and_not_parsed() -> None:
    video = b"\0\0\0\x18ftypmp42" + b"\0" * 50
    found = Together({f"{SID}.replay.mp4": video, **files(replay=None, commands=json.dumps(ROWS).encode())})
    assert [event.code for event in found.events] == ["g", "c", "c", "m"]
    assert (found.codes, found.summary.gap_count, found.header.user) == (["not_parsed"], 1, "Dana(dana)")
    with pytest.raises(NotReadable) as caught:
        read(BytesIO(video))
    assert caught.value.code == "not_parsed"


def test_a_replay_in_parts() -> None:
    guacamole = test_guacamole.recording()
    parts = {f"{SID}.{number}.part.gz": gzip.compress(guacamole) for number in range(2)}
    manifest = json.dumps({"files": [{"name": name, "size": 5} for name in parts]}).encode()
    one = read(BytesIO(guacamole)).finish()
    found = Together({f"{SID}.replay.json": manifest, **parts, f"{SID}.json": files()[f"{SID}.json"]})
    assert found.header.facts["replay"] == "guacamole"
    assert found.summary.duration == pytest.approx(2 * one.duration)
    assert sum(found.summary.other_events.values()) == 2 * sum(one.other_events.values())
    without = dict(list(parts.items())[:1])
    found = Together({f"{SID}.replay.json": manifest, **without})
    assert (found.codes[:1], found.summary.gap_count) == (["not_parsed"], 1)
    with pytest.raises(NotReadable, match="manifest"):
        read(BytesIO(manifest))


@pytest.mark.parametrize(
    ("more", "codes", "gaps"),
    [
        ({"commands": b'[{"input": "a", "timestamp": 1795485602, "session": "s"}, {"input": 5}, 7]'}, 2, 0),
        ({"commands": b'[{"input": "a", "timestamp": 1e300, "session": "s"}'}, 2, 0),
        ({"commands": b'{"input": "a", "timestamp": -5, "session": "s"}\n{"inp'}, 2, 0),
        ({"session": json.dumps(SESSION | {"date_start": "soon"}).encode()}, 1, 0),
        ({"replay": b'{"version": 2\n', "commands": json.dumps(ROWS).encode()}, 2, 1),
        ({"notes": b"words"}, 1, 0),
    ],
)
def test_damage(more: dict[str, bytes], codes: int, gaps: int) -> None:
    found = Together(files(**more))
    assert (len(found.codes), found.summary.gap_count) == (codes, gaps)


def test_one_bundle_alone_claims_it() -> None:
    heads = {name: Source(io.BytesIO(data)).peek(65536) for name, data in files().items()}
    assert [bundle.key for bundle in BUNDLES if bundle.recognises(heads)] == ["jumpserver"]


def test_memory_is_flat_and_blanks_cost_little() -> None:
    lines = blocks(lambda _: b'[1.0, "o", "some words of output"]\n')
    cast = Part(f"{SID}.cast", lambda: Endless(behind(CAST, lines)))  # type: ignore[arg-type, return-value]
    session = in_memory(f"{SID}.json", json.dumps(SESSION).encode())

    def count() -> int:
        return sum(1 for _ in read_parts([cast, session]))

    found, peak = peak_of(count)
    assert found > 50_000
    assert peak < 2 * 1024 * 1024
    blank = [in_memory(name, b" " * 70_000) for name in ("a.json", "b")]
    with pytest.raises(NotReadable):
        read_parts(blank)


@given(changes, changes, changes)
@settings(max_examples=200, deadline=None)
def test_changed_files(
    session: list[tuple[str, float, bytes]],
    rows: list[tuple[str, float, bytes]],
    replay: list[tuple[str, float, bytes]],
) -> None:
    found = files(
        session=changed(json.dumps(SESSION).encode(), session),
        commands=changed(json.dumps(ROWS).encode(), rows),
        replay=changed(CAST, replay),
    )
    parts = [in_memory(name, data) for name, data in found.items()]
    drain(lambda: read_parts(parts))
    drain(lambda: read(BytesIO(changed(OLD, replay))))
