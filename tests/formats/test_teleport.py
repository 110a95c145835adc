"""Teleport: the sample is read by hand; the other events are those of its documents and its source."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sessions_app.formats.events import NotReadable
from sessions_app.formats.registry import FORMATS
from tests.formats.conftest import Read
from tests.formats.test_cloudtrail import Log

Load = Callable[[str], bytes]
ReadAll = Callable[..., Read]

SID = "9b6ec731-80f7-4751-9154-4214ecdc812a"


def event(number: int, name: str, code: str = "T2000I", **more: Any) -> dict[str, Any]:
    """One event, `number` seconds after noon."""
    return {
        "ei": number,
        "event": name,
        "uid": f"00000000-0000-0000-0000-{number:012}",
        "code": code,
        "time": f"2026-11-24T12:{number // 60:02}:{number % 60:02}.500Z",
        "cluster_name": "teleport.example.com",
        "user": "joe",
        "login": "root",
        "sid": SID,
        "server_hostname": "db-1",
        "addr.remote": "192.0.2.7:56544",
        **more,
    }


def started(**more: Any) -> dict[str, Any]:
    own = {"size": "80:25", "session_recording": "node", "proto": "ssh", **more}
    return event(0, "session.start", **own)


def shown(number: int, data: Any, **more: Any) -> dict[str, Any]:
    size = len(data) if isinstance(data, bytes) else 0
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    own = {"ci": number, "bytes": size, "ms": number * 700, "offset": 0, "data": text, **more}
    return {"event": "print", "time": "2026-11-24T12:00:01Z", **own}


def lines(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in events)


def played(*events: dict[str, Any]) -> bytes:
    return b"[\n" + b",\n".join(json.dumps(one, indent=4).encode() for one in events) + b"\n]\n"


def test_the_sample(sample: Load) -> None:
    data = sample("teleport/teleport-doc-session-command.jsonl")
    assert [one.key for one in FORMATS if one.recognises(data, "x.log")] == ["teleport_events"]
    found = Log(data)
    (entry,), (session,) = found.entries, found.sessions
    assert (entry.action, entry.command, entry.outcome) == ("session.command", "ping google.com", "exit 0")
    assert entry.at == datetime(2020, 1, 13, 18, 5, 53, 919000, tzinfo=UTC)
    assert (session.key, session.user, session.run_as) == (
        "44c6cea8-362f-11ea-83aa-125400432324",
        "benarent",
        "root",
    )
    assert (session.commands, found.notices) == (1, [])


def test_what_a_session_tells() -> None:
    start = started(
        user_kind=2,
        bot_name="deployer",
        access_requests=["a-1", "a-2"],
        with_mfa="5f3a",
        trusted_device={"device_id": "d-1", "asset_tag": "LT-7", "credential_id": "hunter2"},
    )
    end = event(
        9, "session.end", "T2004I", interactive=True, participants=["joe", "eve"], enhanced_recording=True
    )
    found = Log(played(start, event(3, "exec", "T3002I", command="ls -l", exitCode="1"), end))
    (session,) = found.sessions
    facts = session.facts
    assert (session.user, session.run_as, session.host) == ("joe", "root", "db-1")
    assert (facts["user_kind"], facts["bot_name"], facts["access_requests"]) == (
        "bot",
        "deployer",
        "a-1, a-2",
    )
    assert (facts["mfa"], facts["device"], facts["session_recording"]) == ("yes", "LT-7 d-1", "node")
    assert (facts["participants"], facts["enhanced_recording"]) == ("joe, eve", "yes")
    assert [(one.command, one.outcome) for one in found.entries][1] == ("ls -l", "exit 1")
    assert "hunter2" not in repr(found.sessions)


def test_a_query_is_a_command_and_a_refused_session_is_refused() -> None:
    own = {"db_user": "admin", "db_name": "shop", "db_service": "pg", "login": None, "server_hostname": None}
    query = event(1, "db.session.query", "TDB02I", db_query="DROP TABLE users", **own)
    refused = event(2, "db.session.start", "TDB00W", success=False, error="access denied", **own)
    found = Log(lines(query, refused))
    (session,) = found.sessions
    assert (session.run_as, session.host, session.refused) == ("admin", "pg", 1)
    assert (found.entries[0].command, found.entries[0].target) == ("DROP TABLE users", "shop")
    assert found.entries[1].outcome == "access denied"


def test_who_joins_or_watches_is_not_the_user_of_a_session() -> None:
    watched = event(1, "session.recording.access", "T2012I", user="auditor")
    joined = event(2, "session.join", "T2001I", user="eve")
    found = Log(lines(watched, joined, started()))
    (session,) = found.sessions
    assert session.user == "joe"
    assert [one.facts.get("participant") for one in found.entries] == ["auditor", "eve", None]


def test_events_without_a_session_and_repeated_ones() -> None:
    login = event(1, "user.login", "T1000I", sid=None, success=True)
    found = Log(lines(login, login))
    assert (found.sessions, found.notices) == ([], [(2, "repeated_event")])


def test_pieces_of_a_screen_without_their_data_are_only_counted() -> None:
    without = [shown(number, None) for number in range(3)]
    for one in without:
        del one["data"]
    found = Log(lines(started(session_recording="off"), *without))
    assert len(found.entries) == 1
    assert found.sessions[0].facts["session_recording"] == "off"
    assert found.notices == [(4, "no_screen")]


def test_a_session_is_played(read_all: ReadAll) -> None:
    data = played(
        started(),
        shown(0, "grün $ ".encode()[:3]),
        shown(1, "grün $ ".encode()[3:]),
        event(2, "resize", "T2002I", size="168:44"),
        event(3, "session.command", "T4000I", program="ls", argv=["-l", "a b"]),
        shown(2, b"x\xff"),
        event(4, "session.join", "T2001I", user="eve"),
        event(5, "session.end", "T2004I"),
    )
    assert [one.key for one in FORMATS if one.recognises(data[:65536], "")] == ["teleport_play"]
    found = read_all(data)
    header = found.header
    assert (header.cols, header.rows, header.user, header.run_as, header.host) == (
        80,
        25,
        "joe",
        "root",
        "db-1",
    )
    assert (header.external_id, header.started_at) == (
        SID,
        datetime(2026, 11, 24, 12, 0, 0, 500000, tzinfo=UTC),
    )
    assert [(at, code, text) for at, code, text, _ in found.facts] == [
        (0.0, "o", "gr"),
        (0.7, "o", "ün $ "),
        (2.0, "r", "168x44"),
        (3.0, "c", "ls -l 'a b'"),
        (1.4, "o", "x\ufffd"),
        (4.0, "m", "eve joined"),
    ]
    assert found.notices == []


def test_missing_pieces_are_gaps_and_repeated_ones_are_left_out(read_all: ReadAll) -> None:
    data = lines(started(), shown(0, b"a"), shown(0, b"a"), shown(3, b"b"), shown(4, None))
    found = read_all(data)
    assert [event.code for event in found.events] == ["o", "g", "o", "g"]
    assert found.summary.gap_count == 2
    assert found.notices == [(3, "repeated_event"), (5, "no_screen")]


def test_text_is_told_from_base64_by_its_length(read_all: ReadAll) -> None:
    found = read_all(lines(started(), shown(0, "date", bytes=4), shown(1, "$ ls", bytes=4)))
    assert [event.data for event in found.events] == ["date", "$ ls"]


@pytest.mark.parametrize("milliseconds", [-5, 1e300, "x", None, True])
def test_times_that_are_none(milliseconds: Any, read_all: ReadAll) -> None:
    found = read_all(lines(started(), shown(0, b"a"), shown(1, b"b", ms=milliseconds)))
    assert found.events[0].data == "a"
    assert found.notices


def test_two_sessions_in_one_file_are_refused(read_all: ReadAll) -> None:
    other = event(1, "session.start", sid="another")
    with pytest.raises(NotReadable) as caught:
        read_all(lines(started(), shown(0, b"a"), other))
    assert (caught.value.code, caught.value.line) == ("several_recordings", 3)


def test_a_cut_recording_keeps_what_is_readable(read_all: ReadAll) -> None:
    found = read_all(played(started(), shown(0, b"a"), shown(1, b"b"))[:-40])
    assert ([event.data for event in found.events], found.summary.is_truncated) == (["a"], True)
