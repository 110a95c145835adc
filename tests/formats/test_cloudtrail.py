"""CloudTrail: facts of the samples were counted with jq; other events are as AWS documents them."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest

from sessions_app.formats import read, sniff
from sessions_app.formats.events import NotReadable, Summary
from sessions_app.formats.logs import Entry, LogReading, LogSession
from sessions_app.formats.registry import FORMATS

Load = Callable[[str], bytes]

SAMPLES = "cloudtrail"
BENJAMIN = "218007301253_CloudTrail_us-east-1_20230710T11"
ROLE = "arn:aws:iam::111122223333:role/Admin"


class Log:
    """A log of calls, read to its end."""

    def __init__(self, data: bytes) -> None:
        reading = read(BytesIO(data))
        assert isinstance(reading, LogReading)
        self.format = reading.header.format
        self.entries: list[Entry] = list(reading)
        self.sessions: list[LogSession] = reading.sessions
        self.summary: Summary = reading.summary()

    @property
    def notices(self) -> list[tuple[int, str]]:
        return [(notice.line, notice.code) for notice in self.summary.warnings]


def event(number: int, name: str = "GetObject", **more: Any) -> dict[str, Any]:
    """One call of an IAM user, `number` minutes after noon."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAX",
            "arn": "arn:aws:iam::111122223333:user/alice",
            "accountId": "111122223333",
            "accessKeyId": "AKIAALICE",
            "userName": "alice",
        },
        "eventTime": f"2026-11-24T{12 + number // 60:02}:{number % 60:02}:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.7",
        "eventID": f"00000000-0000-0000-0000-{number:012}",
        **more,
    }


def role(access_key: str, session_name: str, arn: str = ROLE, **context: Any) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": f"AROAX:{session_name}",
        "arn": arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + f"/{session_name}",
        "accountId": "111122223333",
        "accessKeyId": access_key,
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": arn, "principalId": "AROAX", "userName": "Admin"},
            "attributes": {"creationDate": "2026-11-24T12:00:00Z", "mfaAuthenticated": "true"},
            **context,
        },
    }


def assumed(number: int, access_key: str, **more: Any) -> dict[str, Any]:
    return event(
        number,
        "AssumeRole",
        eventSource="sts.amazonaws.com",
        requestParameters={"roleArn": ROLE, "roleSessionName": "x", "externalId": "hunter2"},
        responseElements={"credentials": {"accessKeyId": access_key, "sessionToken": "hunter2"}},
        **more,
    )


def delivered(*events: dict[str, Any]) -> bytes:
    return json.dumps({"Records": events}).encode()


@pytest.mark.parametrize(
    ("name", "calls", "sessions", "duration", "user"),
    [
        (f"{BENJAMIN}45Z_7xgocspSowgK0Gto.json", 29, {16, 1, 11}, 58, "benjamin"),
        (f"{BENJAMIN}50Z_1vnLavRRp0ek1mP4.json", 2, {1}, 0, "benjamin"),
        ("aws.defense-evasion.cloudtrail-delete.json", 1, {1}, 0, "christophe"),
        ("aws.execution.ssm-start-session.json", 29, {29}, 29, "christophe"),
        ("aws.persistence.iam-create-admin-user.json", 3, {3}, 0, "christophe"),
        (
            "aws.initial-access.console-login-without-mfa.json",
            1,
            {1},
            0,
            "stratus-red-team-nmfalu-jfzdtsvchl",
        ),
    ],
)
def test_samples(name: str, calls: int, sessions: set[int], duration: int, user: str, sample: Load) -> None:
    data = sample(f"{SAMPLES}/{name}")
    assert [one.key for one in FORMATS if one.recognises(data[:65536], "x.log")] == ["cloudtrail"]
    assert sniff(gzip.compress(data)) == "cloudtrail"
    found = Log(gzip.compress(data))
    assert (found.summary.output_events, found.summary.duration) == (calls, duration)
    assert {one.entries for one in found.sessions} == sessions
    assert {one.user for one in found.sessions} == {user}
    assert found.notices == []


def test_a_session_of_systems_manager_names_its_machine(sample: Load) -> None:
    found = Log(sample(f"{SAMPLES}/aws.execution.ssm-start-session.json"))
    started = [one for one in found.entries if one.action == "ssm:StartSession"]
    assert [one.target for one in started] == [
        "i-eA1d1296c1dE3Aa1f",
        "i-d0b6DCBA8984dE148",
        "i-d3720C7af6fCfF2B2",
    ]
    ended = [one.target for one in found.entries if one.action == "ssm:TerminateSession"]
    assert {one.facts["sessionId"] for one in started} == set(ended)
    assert "tokenValue" not in repr(found.entries)
    assert "wss://" not in repr(found.entries)


def test_a_sign_in_at_the_console_without_mfa(sample: Load) -> None:
    (session,) = Log(sample(f"{SAMPLES}/aws.initial-access.console-login-without-mfa.json")).sessions
    assert (session.facts["mfa"], session.facts["console"], session.is_interactive) == ("no", "yes", True)
    assert (session.host, session.started_at) == (
        "562283505220",
        datetime(2024, 8, 2, 8, 53, 24, tzinfo=UTC),
    )


def test_a_service_in_somebodys_name_is_no_session(sample: Load) -> None:
    found = Log(sample(f"{SAMPLES}/{BENJAMIN}50Z_1vnLavRRp0ek1mP4.json"))
    assert [one.session == "" for one in found.entries] == [False, True]
    assert found.entries[1].facts["invoked_by"] == "health.amazonaws.com"
    assert found.sessions[0].facts["mfa"] == "yes"


WRAPPED: list[Callable[[list[dict[str, Any]]], bytes]] = [
    lambda events: json.dumps({"Records": events}).encode(),
    lambda events: json.dumps({"NextToken": "x", "Records": events, "More": {"a": [1]}}, indent=2).encode(),
    lambda events: json.dumps(events).encode(),
    lambda events: json.dumps(events, indent=4).encode(),
    lambda events: b"".join(json.dumps(one).encode() + b"\n" for one in events),
    lambda events: b"\xef\xbb\xbf" + b"\r\n\r\n".join(json.dumps(one).encode() for one in events),
    lambda events: b"\n".join(json.dumps(one, indent=2).encode() for one in events),
    lambda events: b"".join(json.dumps({"Records": [one]}).encode() + b"\n" for one in events),
    lambda events: json.dumps(
        {"Events": [{"EventId": "1", "CloudTrailEvent": json.dumps(one)} for one in events]}
    ).encode(),
    lambda events: json.dumps(
        {"events": [{"timestamp": 1, "message": json.dumps(one)} for one in events], "searched": []}
    ).encode(),
    lambda events: b"\n".join(
        json.dumps({"detail-type": "AWS API Call via CloudTrail", "detail": one}).encode() for one in events
    ),
]


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_ways_in_which_events_come(wrapped: Callable[[list[dict[str, Any]]], bytes]) -> None:
    data = wrapped([event(1), event(2), event(3)])
    assert [one.key for one in FORMATS if one.recognises(data[:65536], "")] == ["cloudtrail"]
    found = Log(data)
    assert [one.reference for one in found.entries] == [event(number)["eventID"] for number in (1, 2, 3)]
    assert found.notices == []


def test_an_hour_of_silence_ends_a_session_whatever_the_order() -> None:
    for events in ([0, 59, 119, 180], [180, 119, 59, 0]):
        found = Log(delivered(*map(event, events)))
        assert sorted(one.entries for one in found.sessions) == [1, 3]


def test_a_sign_in_at_the_console_begins_a_session_and_another_key_is_one() -> None:
    login = event(2, "ConsoleLogin", eventSource="signin.amazonaws.com")
    other = event(3)
    other["userIdentity"] = {**other["userIdentity"], "accessKeyId": "AKIAOTHER"}
    assert [one.entries for one in Log(delivered(event(1), login, other)).sessions] == [1, 1, 1]


def test_a_sign_in_at_the_console_is_tied_to_the_sessions_made_at_that_moment() -> None:
    login = event(
        2,
        "ConsoleLogin",
        eventSource="signin.amazonaws.com",
        additionalEventData={"MFAUsed": "Yes"},
        responseElements={"ConsoleLogin": "Success"},
    )
    called = event(5)
    own = {"sessionContext": {"attributes": {"creationDate": "2026-11-24T12:02:01Z"}}}
    called["userIdentity"] = {**called["userIdentity"], "accessKeyId": "ASIAX", **own}
    for events in ([login, called], [called, login]):
        by_key = {one.facts["access_key"]: one for one in Log(delivered(*events)).sessions}
        assert by_key["ASIAX"].facts["signed_in"] == by_key["AKIAALICE"].key
        assert (by_key["ASIAX"].facts["mfa"], by_key["ASIAX"].facts["credential"]) == ("yes", "temporary")


def test_a_failed_sign_in_was_refused() -> None:
    failed = event(1, "ConsoleLogin", errorMessage="x", responseElements={"ConsoleLogin": "Failure"})
    (entry,) = Log(delivered(failed)).entries
    assert (entry.is_allowed, entry.outcome) == (False, "Failure")


@pytest.mark.parametrize(
    ("code", "is_allowed"),
    [
        (None, True),
        ("AccessDenied", False),
        ("AccessDeniedException", False),
        ("Client.UnauthorizedOperation", False),
        ("UnauthorizedOperation", False),
        ("NoSuchBucketPolicy", None),
        ("ThrottlingException", None),
        (17, None),
    ],
)
def test_what_was_refused(code: Any, is_allowed: bool | None) -> None:
    found = Log(delivered(event(1, errorCode=code)))
    assert found.entries[0].is_allowed is is_allowed
    assert found.sessions[0].refused == (is_allowed is False)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_chain_of_roles_leads_to_a_person_in_any_order(is_reversed: bool) -> None:
    deploy = "arn:aws:iam::444455556666:role/Deploy"
    events = [
        assumed(0, "ASIAONE"),
        event(1, userIdentity=role("ASIAONE", "botocore-session-1")),
        assumed(2, "ASIATWO", userIdentity=role("ASIAONE", "botocore-session-1")),
        event(3, userIdentity=role("ASIATWO", "chained", deploy)),
    ]
    found = Log(delivered(*(reversed(events) if is_reversed else events)))
    by_key = {one.facts["access_key"]: one for one in found.sessions}
    assert (by_key["AKIAALICE"].user, by_key["AKIAALICE"].run_as) == ("alice", None)
    first, second = by_key["ASIAONE"], by_key["ASIATWO"]
    assert (first.user, first.run_as, first.facts["mfa"]) == ("alice", ROLE, "yes")
    assert first.facts["assumed_by"] == "arn:aws:iam::111122223333:user/alice"
    assert first.facts["assumed_from"] == by_key["AKIAALICE"].key
    assert (second.user, second.run_as, second.facts["session_name"]) == ("alice", deploy, "chained")
    assert second.facts["chain"] == (
        "arn:aws:iam::111122223333:user/alice > "
        "arn:aws:sts::111122223333:assumed-role/Admin/botocore-session-1"
    )
    assert "hunter2" not in repr([found.entries, found.sessions])


def test_two_keys_that_issue_each_other_do_not_hang() -> None:
    events = [
        assumed(1, "ASIATWO", userIdentity=role("ASIAONE", "a")),
        assumed(2, "ASIAONE", userIdentity=role("ASIATWO", "b")),
    ]
    assert len(Log(delivered(*events)).sessions) == 2


def test_the_source_identity_says_who_it_was() -> None:
    called = event(1, userIdentity=role("ASIAONE", "build", sourceIdentity="bob"))
    (session,) = Log(delivered(called)).sessions
    assert (session.user, session.facts["source_identity"]) == ("bob", "bob")


def test_sessions_of_one_role_differ_by_name_key_and_creation() -> None:
    later = role("ASIAONE", "a")
    later["sessionContext"]["attributes"]["creationDate"] = "2026-11-24T13:00:00Z"
    who = [role("ASIAONE", "a"), role("ASIAONE", "b"), role("ASIATWO", "a"), later, role("ASIAONE", "a")]
    found = Log(delivered(*(event(number, userIdentity=one) for number, one in enumerate(who))))
    assert [one.entries for one in found.sessions] == [2, 1, 1, 1]


@pytest.mark.parametrize(
    ("identity", "user"),
    [
        ({"type": "Root", "arn": "arn:aws:iam::1:root", "accountId": "1", "principalId": "1"}, "root"),
        ({"type": "AWSAccount", "principalId": "AIDAY", "accountId": "9"}, "AIDAY"),
        ({"type": "SAMLUser", "principalId": "p:x", "userName": "carol@example.com"}, "carol@example.com"),
        ({"type": "IdentityCenterUser", "accountId": "1", "onBehalfOf": {"userId": "u-1"}}, "u-1"),
    ],
)
def test_other_kinds_of_identities(identity: dict[str, Any], user: str) -> None:
    (session,) = Log(delivered(event(1, userIdentity=identity))).sessions
    assert (session.user, session.facts["identity_type"]) == (user, identity["type"])


def test_services_have_no_sessions() -> None:
    service = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    found = Log(delivered(event(1, userIdentity=service), event(2, userIdentity=None)))
    assert (found.sessions, [one.session for one in found.entries]) == ([], ["", ""])


def test_only_listed_parameters_are_kept() -> None:
    parameters = {"userData": "hunter2", "bucketName": "b", "key": "k", "masterUserPassword": "hunter2"}
    (entry,) = Log(delivered(event(1, requestParameters=parameters))).entries
    assert (entry.target, entry.facts["bucketName"]) == ("b/k", "b")
    assert "hunter2" not in repr(entry)


def test_damage() -> None:
    lines = [json.dumps(event(number)).encode() for number in (1, 2)]
    found = Log(b"\n".join([lines[0], b"rubbish", b'{"x": 1}', b"[1]", lines[0], lines[1], lines[1][:99]]))
    assert [one.line for one in found.entries] == [1, 6]
    assert found.notices == [
        (2, "bad_json"),
        (3, "not_an_event"),
        (4, "not_an_object"),
        (5, "repeated_event"),
        (7, "truncated"),
    ]
    whole = delivered(event(1), event(2))
    cut = Log(whole[:-200])
    assert ([one.line for one in cut.entries], cut.notices) == ([1], [(2, "truncated")])
    assert Log(whole[:-2]).notices == [(2, "truncated")]
    packed = gzip.compress(b"".join(line + b"\n" for line in lines * 3000))
    assert Log(packed[:-9]).summary.is_truncated
    odd = delivered(event(1, eventTime="yesterday"), event(2, eventTime="0001-01-01T00:00:00+14:00"))
    assert [one.at for one in Log(odd).entries] == [None, None]


def test_one_call_of_many_megabytes_is_refused_with_its_place() -> None:
    long = json.dumps(event(2, userAgent="x" * 5_000_000)).encode()
    with pytest.raises(NotReadable) as caught:
        Log(b'{"Records":[' + json.dumps(event(1)).encode() + b"," + long + b"]}")
    assert (caught.value.code, caught.value.line) == ("line_too_long", 2)


@pytest.mark.parametrize(
    "value",
    [
        {"Records": []},
        {"Records": [event(1, eventSource="aws:s3")]},
        {"Records": [{"eventName": "x", "eventSource": "s3.amazonaws.com"}]},
        {"eventName": ["x"], "eventSource": "y", "eventVersion": "1"},
    ],
)
def test_what_only_looks_like_it(value: dict[str, Any]) -> None:
    assert sniff(json.dumps(value).encode(), "218_CloudTrail_x.json") is None
