"""Session Manager: messages as amazon-ssm-agent builds them, and what a terminal showed."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sessions_app.formats import sniff
from sessions_app.formats.events import NotReadable
from sessions_app.formats.registry import FORMATS
from tests.formats.conftest import Read

ReadAll = Callable[..., Read]

NAME = "alice-0f3a1b2c3d4e5f607.log"


def message(second: int, *shown: Any, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.0",
        "eventTime": f"2026-11-24T12:00:{second:02}Z",
        "awsRegion": "eu-central-1",
        "target": {"id": "i-0123456789abcdef0"},
        "userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/Admin/alice"},
        "runAsUser": "ssm-user",
        "sessionId": "alice-0f3a1b2c3d4e5f607",
        "sessionData": list(shown),
        **more,
    }


def lines(*messages: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in messages)


def test_a_streamed_log(read_all: ReadAll) -> None:
    data = lines(message(1, "sh-4.2$ id", "uid=1001"), message(3, "sh-4.2$ exit"))
    assert [one.key for one in FORMATS if one.recognises(data, "")] == ["ssm"]
    found = read_all(gzip.compress(data))
    header = found.header
    assert (header.user, header.run_as, header.host, header.external_id) == (
        "alice",
        "ssm-user",
        "i-0123456789abcdef0",
        "alice-0f3a1b2c3d4e5f607",
    )
    assert header.started_at == datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC)
    assert found.facts == [
        (0.0, "o", "sh-4.2$ id\r\nuid=1001\r\n", 1),
        (2.0, "o", "sh-4.2$ exit\r\n", 2),
    ]
    assert found.notices == [(1, "coarse_timing")]


def test_as_cloudwatch_answers(read_all: ReadAll) -> None:
    events = [{"timestamp": 1, "message": json.dumps(message(n, f"line {n}"))} for n in (1, 2)]
    data = json.dumps({"events": events, "nextForwardToken": "f/1"}, indent=1).encode()
    assert sniff(data) == "ssm"
    assert [event.data for event in read_all(data).events] == ["line 1\r\n", "line 2\r\n"]


def test_odd_messages(read_all: ReadAll) -> None:
    data = lines(
        message(5, "a", eventId="1"),
        message(5, "a", eventId="1"),
        message(2, "b", 7, None),
        message(6, eventTime="never"),
        {"x": 1},
    )
    found = read_all(data)
    assert [(event.at, event.data) for event in found.events] == [(0.0, "a\r\n"), (0.0, "b\r\n")]
    assert [code for _, code in found.notices] == [
        "coarse_timing",
        "repeated_event",
        "time_backwards",
        "bad_timestamp",
        "not_an_event",
    ]


def test_several_sessions_are_refused(read_all: ReadAll) -> None:
    with pytest.raises(NotReadable) as caught:
        read_all(lines(message(1, "a"), message(2, "b", sessionId="bob-1")))
    assert (caught.value.code, caught.value.line) == ("several_recordings", 2)


def test_what_the_terminal_showed(read_all: ReadAll) -> None:
    data = "\r\nsh-5.2$ \x1b[?2004hecho grün\r\ngrün\r\nsh-5.2$ exit\r\n".encode()
    assert [one.key for one in FORMATS if one.recognises(data, "")] == ["ssm"]
    found = read_all(data)
    assert "".join(event.data for event in found.events) == data.decode()
    assert (found.summary.duration, found.notices) == (0, [(1, "no_timing")])


def test_a_name_helps_with_other_shells_and_scripts_own_header_comes_first() -> None:
    shell = b"root@web-1:~# id\r\nuid=0(root)\r\n"
    assert (sniff(shell, NAME), sniff(shell, "notes.log")) == ("ssm", "plain_text")
    assert sniff(b"just words of a letter\n", NAME) == "plain_text"
    script = b"Script started on 2026-11-24 12:00:00+00:00\n" + shell
    assert sniff(script, NAME) == "typescript"
