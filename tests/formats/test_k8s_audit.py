"""The audit log of Kubernetes: facts of the samples were read with jq; other events are as its API says."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sessions_app.formats.registry import FORMATS
from tests.formats.test_cloudtrail import Log

Load = Callable[[str], bytes]


def event(number: int, verb: str = "get", **more: Any) -> dict[str, Any]:
    """One call, `number` minutes after noon."""
    at = f"2026-11-24T{12 + number // 60:02}:{number % 60:02}:00.123456789Z"
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"00000000-0000-0000-0000-{number:012}",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/prod/secrets/db",
        "verb": verb,
        "user": {"username": "alice", "groups": ["ops"]},
        "sourceIPs": ["203.0.113.9", "192.0.2.7"],
        "objectRef": {"resource": "secrets", "namespace": "prod", "name": "db", "apiVersion": "v1"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": at,
        "stageTimestamp": at,
        "annotations": {"authorization.k8s.io/decision": "allow"},
        **more,
    }


def container(number: int, kind: str, query: str, **more: Any) -> dict[str, Any]:
    reference = {"resource": "pods", "namespace": "prod", "name": "web-1", "subresource": kind}
    uri = f"/api/v1/namespaces/prod/pods/web-1/{kind}?{query}"
    return event(number, "create", objectRef=reference, requestURI=uri, **more)


def lines(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in events)


@pytest.mark.parametrize(
    ("name", "action", "target", "user", "started"),
    [
        (
            "exec_pod",
            "create pods/exec",
            "default/nginx-deployment-7998647bdf-phvq7",
            "minikube-user",
            902914,
        ),
        (
            "create_clusterrolebinding",
            "create clusterrolebindings",
            "some-reader-binding",
            "minikube-user",
            286399,
        ),
        ("create_serviceaccount", "create serviceaccounts", "default/myacct", "minikube-user", 135026),
        (
            "create_cluster_role_wildcard_verbs",
            "create clusterroles",
            "some-reader",
            "minikube-user",
            741516,
        ),
        ("some-user_creates_namespace_foo", "create namespaces", "foo", "some-user", 736141),
    ],
)
def test_samples(name: str, action: str, target: str, user: str, started: int, sample: Load) -> None:
    data = sample(f"k8s-audit/{name}.json")
    assert [one.key for one in FORMATS if one.recognises(data[:65536], "x.cast")] == ["k8s_audit"]
    found = Log(gzip.compress(data))
    (entry,) = found.entries
    assert (entry.action, entry.target, entry.is_allowed) == (action, target, True)
    (session,) = found.sessions
    assert (session.user, session.started_at and session.started_at.microsecond) == (user, started)
    assert session.facts["source_address"] == "192.168.99.1"
    assert found.notices == []


def test_an_exec_is_a_session_with_its_command(sample: Load) -> None:
    found = Log(sample("k8s-audit/exec_pod.json"))
    (session,) = found.sessions
    assert (found.entries[0].command, session.commands, session.is_interactive) == ("bash", 1, True)
    assert session.facts["container"] == "nginx1"
    assert session.started_at == datetime(2018, 10, 26, 13, 38, 34, 902914, tzinfo=UTC)


def test_the_parties_of_a_binding(sample: Load) -> None:
    (entry,) = Log(sample("k8s-audit/create_clusterrolebinding.json")).entries
    assert (entry.facts["role"], entry.facts["subjects"]) == (
        "ClusterRole/system:basic-user",
        "User/minikube",
    )


def test_stages_of_an_exec_are_one_session_and_its_command_is_told_once() -> None:
    query = "command=sh&command=-c&command=rm+-rf+%2Fsrv%2F%24X&container=app&stdin=true&tty=false"
    stages = [
        container(1, "exec", query, stage="RequestReceived"),
        container(1, "exec", query, stage="ResponseStarted"),
        container(1, "exec", query, stage="ResponseComplete", stageTimestamp="2026-11-24T12:09:00Z"),
        container(1, "exec", query, stage="ResponseComplete"),
    ]
    found = Log(lines(*stages))
    (session,) = found.sessions
    assert [one.command for one in found.entries] == ["sh -c 'rm -rf /srv/$X'", None, None]
    assert (session.entries, session.commands, session.is_interactive) == (3, 1, False)
    assert session.ended_at == datetime(2026, 11, 24, 12, 9, tzinfo=UTC)
    assert found.notices == [(4, "repeated_event")]


def test_a_debug_container_tells_its_command_and_not_its_environment() -> None:
    added = {
        "name": "debugger",
        "image": "busybox",
        "command": ["sh", "-c", "id"],
        "targetContainerName": "app",
        "env": [{"name": "TOKEN", "value": "hunter2"}],
    }
    body = {"spec": {"ephemeralContainers": [{"command": ["old"]}, added]}}
    found = Log(lines(container(1, "ephemeralcontainers", "", requestObject=body)))
    (session,) = found.sessions
    assert (found.entries[0].command, session.facts["image"]) == ("sh -c id", "busybox")
    assert "hunter2" not in repr([found.entries, found.sessions])


def test_each_attach_and_port_forward_is_a_session() -> None:
    calls = [container(1, "attach", "stdin=true&tty=true"), container(2, "portforward", "ports=8080")]
    found = Log(lines(*calls))
    assert [one.facts["kind"] for one in found.sessions] == ["attach", "portforward"]
    assert [one.is_interactive for one in found.sessions] == [True, None]
    assert found.sessions[1].facts["ports"] == "8080"


def test_other_calls_belong_together_by_user_address_and_silence() -> None:
    elsewhere = event(3, sourceIPs=["192.0.2.8"])
    as_bob = event(4, impersonatedUser={"username": "bob"})
    found = Log(lines(event(1), event(2), elsewhere, as_bob, event(120)))
    assert [(one.user, one.run_as, one.entries) for one in found.sessions] == [
        ("alice", None, 2),
        ("alice", None, 1),
        ("alice", "bob", 1),
        ("alice", None, 1),
    ]
    assert {one.source_address for one in found.entries} == {"192.0.2.7", "192.0.2.8"}


def test_parts_of_the_cluster_have_no_session_and_service_accounts_have() -> None:
    node = event(1, user={"username": "system:node:a"})
    account = event(2, user={"username": "system:serviceaccount:ci:deploy", "groups": 7})
    found = Log(lines(node, account))
    (session,) = found.sessions
    assert (session.user, session.facts["service_account"]) == ("system:serviceaccount:ci:deploy", "yes")


@pytest.mark.parametrize(
    ("more", "is_allowed"),
    [
        ({"annotations": {"authorization.k8s.io/decision": "forbid"}}, False),
        ({"annotations": None, "responseStatus": {"code": 403, "reason": "Forbidden"}}, False),
        ({"annotations": None, "responseStatus": {"code": 201}}, True),
        ({"annotations": None, "responseStatus": {"code": 500}}, None),
        ({"annotations": {"authorization.k8s.io/decision": ["x"]}, "responseStatus": None}, None),
    ],
)
def test_decisions(more: dict[str, Any], is_allowed: bool | None) -> None:
    assert Log(lines(event(1, **more))).entries[0].is_allowed is is_allowed


def test_bodies_of_secrets_are_never_kept() -> None:
    body = {"kind": "Secret", "data": {"password": "hunter2"}, "stringData": {"x": "hunter2"}}
    found = Log(lines(event(1, "create", requestObject=body, responseObject=body)))
    assert "hunter2" not in repr([found.entries, found.sessions])


@pytest.mark.parametrize(
    "data",
    [
        json.dumps({"kind": "EventList", "apiVersion": "x", "metadata": {}, "items": [event(1), event(2)]}),
        json.dumps([event(1), event(2)], indent=2),
        "\n".join(json.dumps({"stream": "stdout", "log": json.dumps(event(n))}) for n in (1, 2)),
        json.dumps({"events": [{"message": json.dumps(event(n))} for n in (1, 2)]}),
    ],
)
def test_ways_in_which_events_come(data: str) -> None:
    assert [one.key for one in FORMATS if one.recognises(data.encode(), "")] == ["k8s_audit"]
    found = Log(data.encode())
    assert (len(found.entries), found.notices) == (2, [])


def test_damage() -> None:
    whole = lines(event(1), event(2))
    assert Log(whole[:-30]).notices == [(2, "truncated")]
    assert Log(lines(event(1)) + b'{"kind":"Event"}\n\xff\xfe{\n').notices == [
        (2, "not_an_event"),
        (3, "wrong_encoding"),
        (3, "bad_json"),
    ]
    many = "&".join(f"command={n}" for n in range(5000))
    assert Log(lines(container(1, "exec", many))).entries[0].command is None
