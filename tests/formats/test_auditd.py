"""The audit log: facts of the samples were counted by hand; other lines are as a kernel of today writes."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import pytest

from sessions_app.formats import read, sniff
from sessions_app.formats.events import NotReadable, Summary
from sessions_app.formats.logs import Entry, LogReading, LogSession

Load = Callable[[str], bytes]

SYSCALL = (
    b"type=SYSCALL msg=audit(1600000000.%03d:%d): arch=c000003e syscall=59 success=%s exit=%d a0=1 items=2 "
    b"ppid=1 "
    b'pid=2 auid=%d uid=0 gid=0 euid=0 tty=pts1 ses=%d comm="%s" exe="/usr/bin/%s" key="exec"\n'
)


class Log:
    """A log of calls, read to its end."""

    def __init__(self, data: bytes) -> None:
        reading = read(BytesIO(data))
        assert isinstance(reading, LogReading)
        self.entries: list[Entry] = list(reading)
        self.sessions: list[LogSession] = reading.sessions
        self.summary: Summary = reading.summary()
        self.host = reading.header.host

    @property
    def notices(self) -> list[tuple[int, str]]:
        return [(notice.line, notice.code) for notice in self.summary.warnings]


def ran(serial: int, execve: bytes, *, auid: int = 1000, ses: int = 5, success: bytes = b"yes") -> bytes:
    call = SYSCALL % (serial, serial, success, 0 if success == b"yes" else -13, auid, ses, b"cat", b"cat")
    return call + b"type=EXECVE msg=audit(1600000000.%03d:%d): " % (serial, serial) + execve + b"\n"


def test_the_creation_of_a_user(sample: Load) -> None:
    found = Log(sample("auditd/beats-useradd.log"))
    assert sniff(sample("auditd/beats-useradd.log")) == "auditd"
    assert [entry.action for entry in found.entries] == [
        *["ADD_GROUP"] * 3,
        "ADD_USER",
        "USER_ACCT",
        "USER_CHAUTHTOK",
        "USER_AUTH",
        "USER_ACCT",
    ]
    (session,) = found.sessions
    assert (session.user, session.run_as, session.external_id, session.entries) == ("1000", "0", "14", 8)
    assert session.started_at == datetime(2021, 1, 17, 17, 12, 33, 686000, tzinfo=UTC)
    assert session.is_interactive
    assert found.entries[3].facts["op"] == "adding user"
    assert (found.entries[5].target, found.entries[5].is_allowed) == ("charlie", True)
    assert found.summary.duration == pytest.approx(4.492)
    assert found.notices == []


def test_an_event_of_four_lines_and_daemons_without_a_session(sample: Load) -> None:
    found = Log(sample("auditd/auparse-test.log"))
    assert (len(found.entries), found.sessions) == (7, [])
    first = found.entries[0]
    assert (first.action, first.target, first.is_allowed, first.outcome) == (
        "AVC",
        "maildrop",
        False,
        "exit -13",
    )
    assert first.reference == "1170021493.977:293"
    assert first.facts["cwd"] == "/var/spool/postfix"


@pytest.mark.parametrize(
    ("execve", "command"),
    [
        (b'argc=2 a0="cat" a1="/etc/shadow"', "cat /etc/shadow"),
        (b'argc=2 a0="echo" a1=' + b"two words; rm".hex().upper().encode(), "echo 'two words; rm'"),
        (b'argc=2 a0="echo" a1=' + "grün".encode().hex().encode(), "echo 'grün'"),
        (b'argc=3 a0="x" a1="ABCD" a2=""', "x ABCD ''"),
        (b'argc=3 a0="x" a1_len=9 a1[0]=C3 a1[1]=BC20 a2="y"', "x 'ü ' y"),
        (b'argc=12 a0="x" a10="k" a2="b" a1="a"', "x a b k"),
        (b'argc=2 a0="x" a1=1B5B324A00FF', "x '\ufffd[2J\ufffd\ufffd'"),
        (b"argc=0", None),
    ],
)
def test_arguments_quoted_hexadecimal_and_in_pieces(execve: bytes, command: str | None) -> None:
    (entry,) = Log(ran(7, execve)).entries
    assert (entry.action, entry.command, entry.target) == ("EXECVE", command, "/usr/bin/cat")
    assert (entry.is_allowed, entry.outcome, entry.facts["key"]) == (True, "exit 0", "exec")


def test_interleaved_events_keep_their_lines_and_sessions_their_calls() -> None:
    one, two = (
        ran(1, b'argc=1 a0="one"').splitlines(True),
        ran(2, b'argc=1 a0="two"', auid=1001).splitlines(True),
    )
    daemon = ran(3, b'argc=1 a0="three"', auid=4294967295, ses=4294967295, success=b"no")
    found = Log(b"".join([one[0], two[0], daemon, two[1], one[1]]))
    assert [entry.command for entry in found.entries] == ["one", "two", "three"]
    assert [(one.user, one.commands) for one in found.sessions] == [("1000", 1), ("1001", 1)]
    assert (found.entries[2].session, found.entries[2].is_allowed) == ("", False)


def test_names_that_auditd_adds_and_the_node() -> None:
    line = ran(1, b'argc=1 a0="id"').replace(
        b'key="exec"', b'key="exec"\x1dSYSCALL=execve AUID="alice" UID="root"'
    )
    found = Log(b"".join(b"node=web-1 " + one for one in line.splitlines(True)))
    (session,) = found.sessions
    assert (session.user, session.run_as, session.host, found.host) == ("alice", "root", "web-1", "web-1")
    assert found.entries[0].facts["syscall"] == "execve"


def test_keystrokes_are_counted_and_never_kept() -> None:
    typed = b"hunter2\r".hex().upper().encode()
    line = b'type=TTY msg=audit(1600000000.001:1): tty pid=1 uid=0 auid=1000 ses=5 comm="bash" data=' + typed
    found = Log(line + b"\n")
    assert (found.entries[0].action, found.entries[0].facts["keystrokes"]) == ("TTY", "8")
    shown = repr([found.entries, found.sessions, found.summary])
    assert "hunter2" not in shown
    assert typed.decode() not in shown


def test_a_command_of_sudo() -> None:
    line = (
        b"type=USER_CMD msg=audit(1600000000.001:9): pid=1 uid=1000 auid=1000 ses=5 subj=unconfined "
        b'msg=\'cwd="/root" cmd='
        + b"rm -rf /srv".hex().encode()
        + b' exe="/usr/bin/sudo" terminal=pts/0 res=failed\'\n'
    )
    (entry,) = Log(line).entries
    assert (entry.command, entry.is_allowed, entry.facts["cwd"]) == ("rm -rf /srv", False, "/root")


def test_what_ausearch_puts_between_and_what_is_damaged() -> None:
    good = ran(1, b'argc=1 a0="a"')
    found = Log(
        b"----\ntime->Mon Sep 13\n" + good + b"rubbish\n" + ran(2, b'argc=1 a0="b"') + b"type=CWD msg=aud"
    )
    assert [entry.command for entry in found.entries] == ["a", "b"]
    assert found.notices == [(5, "not_an_event"), (8, "truncated")]
    absurd = good.replace(b"1600000000", b"999999999999")
    assert Log(absurd).entries[0].at is None


def test_an_interpreted_log_is_refused_with_the_way_out() -> None:
    line = b"type=SYSCALL msg=audit(11/24/2026 09:03:15.123:293) : arch=x86_64 syscall=execve\n"
    with pytest.raises(NotReadable) as caught:
        read(BytesIO(line))
    assert caught.value.code == "interpreted_log"
    assert "--raw" in caught.value.message


def test_a_great_event_is_given_out_in_pieces_and_not_held() -> None:
    line = b'type=PATH msg=audit(1600000000.001:1): item=0 name="' + b"x" * 900_000 + b'"\n'
    found = Log(ran(1, b'argc=1 a0="a"') + line * 12)
    assert [entry.command for entry in found.entries] == ["a"]
