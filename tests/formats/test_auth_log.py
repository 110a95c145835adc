"""Logs of signing in: the facts of the samples were counted by hand."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sessions_app.formats import sniff
from tests.formats.test_auditd import Log

Load = Callable[[str], bytes]

HOUR = b"2026-11-24T09:%02d:%02d.5+01:00 "


def lines(*texts: str) -> bytes:
    return b"".join(
        HOUR % (number // 60, number % 60) + text.encode("utf-8", "surrogateescape") + b"\n"
        for number, text in enumerate(texts)
    )


def test_a_log_of_beats(sample: Load) -> None:
    found = Log(sample("auth-log/beats-auth-test.log"))
    assert sniff(sample("auth-log/beats-auth-test.log")) == "auth_log"
    allowed = [entry.is_allowed for entry in found.entries]
    assert allowed == [True, True, False, False, True, None, True, False, True, True]
    assert [(one.user, one.run_as, one.commands, one.refused) for one in found.sessions] == [
        ("vagrant", None, 0, 0),
        ("vagrant", None, 0, 0),
        ("vagrant", "root", 1, 0),
        ("vagrant", "root", 1, 0),
        ("tsg", "root", 1, 1),
    ]
    assert found.entries[0].source_address == "10.0.2.2"
    assert found.entries[0].facts["written"] == "Feb 21 21:54:44"
    assert {entry.at for entry in found.entries} == {None}
    assert found.notices == [(1, "time_without_year")]
    assert "test" not in repr(found.entries[2])  # the name that was typed


def test_the_log_file_of_sudo_with_its_wrapped_lines(sample: Load) -> None:
    found = Log(sample("auth-log/sudo1913-logfile.log"))
    assert [entry.line for entry in found.entries] == [1, 3, 5, 7, 9, 11]
    assert [entry.command for entry in found.entries] == ["/srv/rec/.sh", None] * 3
    assert [entry.outcome for entry in found.entries] == [None, "exit 0"] * 3
    (session,) = found.sessions
    assert (session.user, session.run_as, session.entries, session.commands) == ("root", "root", 6, 3)


def test_events_of_sudo(sample: Load) -> None:
    found = Log(sample("auth-log/sudo-eventlog/test1.json.in"))
    (entry,), (session,) = found.entries, found.sessions
    assert entry.at == datetime(2023, 3, 1, 2, 44, 33, 93789, tzinfo=UTC)
    assert (entry.command, entry.outcome, entry.source_address) == (
        "/usr/bin/ci -u 'aliases\n'",
        "exit 1",
        "172.30.200.2",
    )
    assert (session.user, session.run_as, session.host) == ("millert", "root", "xerxes.sudo.ws")
    assert "bogus" not in repr([found.entries, found.sessions])
    assert "SUDO_COMMAND" not in repr([found.entries, found.sessions])
    plain = Log(sample("auth-log/sudo-eventlog/test1.json.out.ok"))
    assert (plain.entries[0].at, plain.sessions[0].user) == (None, "millert")
    bare = Log(sample("auth-log/sudo-eventlog/test1.sudo.out.ok"))
    assert [entry.command for entry in bare.entries] == ["/usr/bin/ci -u aliases#012", None]
    assert "bogus" not in repr(bare.entries)


def test_a_session_of_sshd_from_its_start_to_its_end() -> None:
    found = Log(
        lines(
            "web sshd[70]: Failed password for alice from 192.0.2.1 port 4 ssh2",
            "web sshd[70]: Accepted publickey for alice from 192.0.2.1 port 4 ssh2: ED25519 SHA256:abc",
            "web sshd[70]: pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)",
            "web sshd[71]: Disconnected from user alice 192.0.2.1 port 4",
            "web sshd[70]: pam_unix(sshd:session): session closed for user alice",
            "web sshd[70]: Accepted password for bob from 192.0.2.2 port 5 ssh2",
        )
    )
    first, second = found.sessions
    assert (first.user, first.host, first.entries, first.refused) == ("alice", "web", 3, 0)
    assert first.started_at == datetime(2026, 11, 24, 8, 0, 1, 500000, tzinfo=UTC)
    assert first.ended_at == datetime(2026, 11, 24, 8, 0, 4, 500000, tzinfo=UTC)
    assert first.facts["key"] == "ED25519 SHA256:abc"
    assert (second.user, second.entries) == ("bob", 1)
    assert found.entries[0].session == ""
    assert found.notices == []


def test_names_typed_by_mistake_are_not_kept() -> None:
    found = Log(
        lines(
            "web sshd[1]: Invalid user hunter2 from 192.0.2.1 port 4",
            "web sshd[1]: Failed password for invalid user hunter2 from 192.0.2.1 port 4 ssh2",
            "web sshd[1]: Failed password for invalid user hunter2 from 6.6.6.6 from 192.0.2.1 port 4 ssh2",
            "web sshd[1]: input_userauth_request: invalid user hunter2 [preauth]",
        )
    )
    assert [entry.is_allowed for entry in found.entries] == [False, False, False]
    assert "hunter2" not in repr([found.entries, found.sessions, found.summary])
    assert found.notices == [(4, "other_lines")]


def test_what_pam_says_of_a_command_belongs_to_it() -> None:
    found = Log(
        lines(
            "web sudo[8]:    alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/bash",
            "web sudo[8]: pam_unix(sudo:session): session opened for user root(uid=0) by alice(uid=1000)",
            "web sudo[8]: pam_unix(sudo:session): session closed for user root",
            "web su[9]: (to root) bob on pts/1",
            "web su[9]: pam_unix(su:session): session opened for user root(uid=0) by bob(uid=1001)",
            "web CRON[7]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
        )
    )
    assert [(one.user, one.run_as, one.entries) for one in found.sessions] == [
        ("alice", "root", 3),
        ("bob", "root", 2),
    ]
    assert found.entries[-1].session == ""


def test_an_end_that_a_command_only_pretends() -> None:
    sudo = "web sudo: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND="
    found = Log(lines(sudo + "/bin/rm x ; EXIT=0", sudo + "/bin/ls", sudo + "/bin/ls ; EXIT=2"))
    assert [entry.command for entry in found.entries] == ["/bin/rm x ; EXIT=0", "/bin/ls", None]
    assert found.entries[2].outcome == "exit 2"
    assert found.sessions[0].commands == 2


@pytest.mark.parametrize(
    ("text", "action", "user", "target", "is_allowed"),
    [
        ("h su[3]: (to root) alice on pts/1", "su", "alice", "root", True),
        ("h su[3]: FAILED SU (to root) alice on pts/1", "su", "alice", "root", False),
        ("h su: Successful su for root by alice", "su", "alice", "root", True),
        (
            "h systemd-logind[1]: New session 12 of user alice.",
            "systemd-logind: new session",
            "alice",
            None,
            None,
        ),
        (
            "h sudo: alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
            "sudo",
            "alice",
            "root",
            False,
        ),
    ],
)
def test_other_programs(
    text: str, action: str, user: str, target: str | None, is_allowed: bool | None
) -> None:
    (entry,) = Log(lines(text)).entries
    assert (entry.action, entry.target, entry.is_allowed) == (action, target, is_allowed)
    assert user in repr([entry, Log(lines(text)).sessions])


def event(kind: str, **values: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uuid": "u-1",
        "submituser": "alice",
        "runuser": "root",
        "submithost": "web",
        "ttyname": "/dev/pts/0",
    }
    found |= {"command": "/bin/ls", "runargv": ["ls", "-l"], "runenv": ["TOKEN=secret"]}
    found |= {"server_time": {"seconds": 1600000000, "nanoseconds": 0}}
    return {"sudo": {kind: found | values}}


def test_the_json_log_of_sudo_in_lines_in_a_document_and_in_syslog() -> None:
    events = [event("accept"), event("exit", exit_value=3), event("reject", uuid="u-2", reason="not allowed")]
    by_line = b"".join(json.dumps(one).encode() + b"\n" for one in events)
    document = b",\n".join(json.dumps(one, indent=1).encode() for one in events)
    syslog = lines(*[f"web sudo[9]: @cee:{json.dumps(one)}" for one in events])
    for data in (by_line, document, syslog, syslog + lines("web sshd[1]: Invalid user x from 192.0.2.1")):
        found = Log(data)
        assert [entry.command for entry in found.entries[:3]] == ["/bin/ls -l", None, "/bin/ls -l"]
        assert [entry.outcome for entry in found.entries[:3]] == [None, "exit 3", "not allowed"]
        assert [(one.entries, one.refused) for one in found.sessions] == [(2, 0), (1, 1)]
        assert "secret" not in repr([found.entries, found.sessions])
    cut = Log(by_line[:-20])
    assert (len(cut.entries), cut.summary.is_truncated) == (2, True)


def test_damage() -> None:
    good = "web sshd[70]: Accepted password for bob from 192.0.2.2 port 5 ssh2"
    found = Log(lines(good) + b"rubbish\n" + lines(good, "web kernel: hello") + b"2026-11-24T09:00")
    assert len(found.entries) == 2
    assert found.notices == [(2, "not_a_log_line"), (5, "truncated"), (5, "other_lines")]
    weird = Log(lines("web sshd[1]: Accepted password for b\udcffb from 192.0.2.2 port 5 ssh2: \x1b[2J\x00"))
    assert "\x1b" not in weird.entries[0].facts["key"]
    assert weird.sessions[0].user == "b\ufffdb"
