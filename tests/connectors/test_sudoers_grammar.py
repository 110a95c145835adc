"""The grammar of sudoers, and what the commands of a rule amount to."""

from collections.abc import Callable

import pytest

from accounts.connectors.records import Rejected
from tests.connectors.sudoers_reading import Done, only, refusal

Read = Callable[[str], bytes]


# --- what it amounts to


@pytest.mark.parametrize(
    ("line", "is_privileged", "marks", "words"),
    [
        ("a ALL=ALL", True, ("admin", "wildcard", "unconfined"), "every command"),
        ("a ALL=(ALL, !root) ALL", True, ("wildcard", "unconfined"), "ALL except root may do"),
        ("a ALL=NOPASSWD: /bin/ls", True, ("unconfined",), "Runs as root: /bin/ls."),
        ("a ALL=/bin/bash", True, ("admin",), "is a shell"),
        ("a ALL=/bin/bash /opt/backup.sh", True, (), "/bin/bash /opt/backup.sh"),
        ("a ALL=/usr/bin/vi /etc/hosts", True, ("escalate",), "an editor that opens a shell"),
        ("a ALL=NOEXEC: /usr/bin/vi", True, ("escalate",), "may write other files"),
        ("a ALL=NOEXEC: /usr/bin/less", True, (), "/usr/bin/less"),
        ("a ALL=/usr/bin/less /var/log/x", True, ("escalate",), "a pager that opens a shell"),
        ("a ALL=/usr/bin/systemctl restart x", True, (), "systemctl restart x"),
        ("a ALL=/usr/bin/systemctl status x", True, ("escalate",), "a pager"),
        ("a ALL=/usr/bin/systemctl", True, ("escalate",), "a pager"),
        ("a ALL=/usr/bin/python3.11", True, ("escalate",), "programmes that the caller writes"),
        ("a ALL=/usr/bin/find", True, ("escalate",), "starts other programmes"),
        ("a ALL=/usr/bin/tee /etc/*", True, ("escalate",), "writes files"),
        ("a ALL=/usr/sbin/useradd", True, ("iam_write",), "changes accounts"),
        ("a ALL=/usr/bin/", True, ("wildcard", "admin"), "every programme"),
        ("a ALL=/opt/*/run", True, ("wildcard", "admin"), "every programme"),
        ("a ALL=^/usr/sbin/(group|user)(add|mod|del)$", True, ("wildcard", "admin"), "every programme"),
        ("a ALL=/bin/su -", True, ("admin",), "any account"),
        ("a ALL=/bin/su - root", True, ("admin",), "opens root"),
        ("a ALL=/bin/su - www", True, (), "session as www"),
        ("a ALL=sudoedit", True, ("escalate",), "every file"),
        ("a ALL=sudoedit /etc/motd", True, (), "edits /etc/motd"),
        ("a ALL=(#0) /bin/ls", True, (), "Runs as root"),
        ("a ALL=(oracle) /bin/sh", True, (), "Opens everything that oracle may do"),
        ("a ALL=(oracle) /bin/ls", None, (), "not in this file"),
        ("a ALL=(:disk) /bin/sh", None, (), "the caller"),
    ],
)
def test_what_a_rule_amounts_to(
    line: str, is_privileged: bool | None, marks: tuple[str, ...], words: str
) -> None:
    rule = only(line)
    assert rule.is_privileged is is_privileged
    assert rule.marks == marks
    assert words in (rule.because or "")


def test_what_is_forbidden_is_got_round() -> None:
    assert "got round" in (only("a ALL=ALL, !/bin/su").risk or "")
    assert "matches spaces too" in (only("a ALL=/bin/cat /var/log/*").risk or "")
    assert only("a ALL=/bin/cat ^/var/log/[a-z]+$").risk is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Defaults !authenticate", "No password is asked for."),
        ("Defaults timestamp_timeout=0", "asked for every time"),
        ("Defaults timestamp_timeout=-1", "never again"),
        ("Defaults log_input, log_output", "records its output and input"),
        ("Defaults:%x,a log_output", "records its output"),
        ("Defaults@h1 use_pty", "terminal of its own"),
        ("Defaults>root targetpw", "that of the account it runs as, so it is shared"),
        ("Defaults!/bin/ls noexec", "may not start others"),
        ("Defaults runas_default=op", "as op on h1"),
        ("Defaults log_output\nDefaults !log_output", "switched off"),
        ("Defaults:b log_output", "Nothing in this file has sudo record it."),
        ("Defaults:ALL, !a log_output", "Nothing in this file has sudo record it."),
    ],
)
def test_settings_that_matter(line: str, words: str) -> None:
    assert words in (only(f"{line}\na h1 = /bin/ls").plain_words or "")


# --- the grammar


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("a h=(b) /bin/ls", "b on h: /bin/ls"),
        ("a\th\t=\t/bin/ls", "root on h: /bin/ls"),
        ('a h=/bin/ls ""', 'root on h: /bin/ls ""'),
        ("a h=/bin/chown x\\:y /z\\,\\=", "root on h: /bin/chown x:y /z,="),
        ("a fe80::1/64=/bin/ls", "root on fe80::1/64: /bin/ls"),
        ("CORP\\\\a h=/bin/ls", "root on h: /bin/ls"),
        ("a h=ROLE=r TYPE=t NOPASSWD: SETENV: /bin/ls", "root on h: /bin/ls (no password)"),
        ("a h=NOPASSWD : /bin/ls", "root on h: /bin/ls (no password)"),
        ("a h = !!/bin/ls", "root on h: /bin/ls"),
        ('a "h"=/bin/ls', "root on h: /bin/ls"),
        ("a h=/bin/grep ^a:b,c=$", "root on h: /bin/grep ^a:b,c=$"),
        ("a h=\\\n  /bin/ls \\\n  -l", "root on h: /bin/ls -l"),
        ("a h=/bin/ls \\#1", "root on h: /bin/ls #1"),
        ("Cmnd_Alias X = Y\nCmd_Alias Y = /bin/ls\na h = X", "root on h: /bin/ls"),
    ],
)
def test_forms_of_a_rule(line: str, name: str) -> None:
    assert only(line).name == name


@pytest.mark.parametrize(
    ("users", "accounts", "groups"),
    [
        ("a, b", ["a", "b"], []),
        ("#1000, %#27, %:admins", ["#1000"], ["%#27", "%:admins"]),
        ('"%dom users", "a b", %x\\ y, \\x41', ["a b", "A"], ["%dom users", "%x y"]),
        ("a, !a", [], []),
        ("!a, a", ["a"], []),
        ("ALL, !ALL, b", ["b"], []),
        ("CORP\\\\ana", ["CORP\\ana"], []),
    ],
)
def test_users_of_a_rule(users: str, accounts: list[str], groups: list[str]) -> None:
    done = Done(f"{users} h = /bin/ls\n".encode())
    assert (list(done.accounts), done.groups) == (accounts, groups)


def test_aliases_inside_aliases_and_denied_ones() -> None:
    done = Done(
        b"User_Alias IN = a, b\nUser_Alias OUT = IN, c, !b\nUser_Alias NOT = %g, !IN\n"
        b"OUT h = /bin/ls\nNOT h = /bin/cat\nIN, !OUT h = /bin/rm\n"
    )
    assert done.held("a") == ["root on h: /bin/ls"]
    assert done.held("c") == ["root on h: /bin/ls"]
    assert done.held("b") == ["root on h: /bin/rm"]  # !OUT holds !b, and so lets b in again
    assert [child for _, child in done.inclusions] == ["root on h: /bin/cat [not a; not b]"]


def test_equal_rules_are_one_right_wherever_they_stand() -> None:
    one = Done(b"a h = /bin/ls\nb h = /bin/ls\nDefaults log_output\n")
    other = Done(b"# moved\n\nb h=/bin/ls\n\na h = \\\n /bin/ls\n")
    assert list(one.rules) == list(other.rules) == ["root on h: /bin/ls"]
    assert {grant.account for grant in one.grants} == {"a", "b"}


def test_long_rules_keep_a_key_of_their_own() -> None:
    many = ", ".join(f"/opt/bin/programme-{n}" for n in range(200))
    done = Done(f"a h = {many}\nb h = {many}, /bin/ls\n".encode())
    first, second = done.rules.values()
    assert first.external_id != second.external_id
    assert max(len(key) for key in done.rules) <= 512
    assert max(len(one.name) for one in done.rules.values()) <= 256


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("hello world", "“=” is expected"),
        ("a h = ls", "a command"),
        ("a h = /bin/dd if=/x", "write “\\”"),
        ("a h = MISSING", "MISSING is not defined"),
        ("a h = (b /bin/ls", "“)” is expected"),
        ("a h = NOTAFTER=soon /bin/ls", "20261231235959Z"),
        ("User_Alias lower = a", "in capitals"),
        ("User_Alias ALL = a", "not ALL"),
        ("Cmnd_Alias A = A\na h = A", "contains itself"),
        ("User_Alias A = B\nUser_Alias B = A\nA h = /bin/ls", "contains itself"),
        ("User_Alias A = a\nUser_Alias A = b", "a second time"),
        ('"a h = /bin/ls', "quote is not closed"),
        ("Defaults =", "a setting"),
    ],
)
def test_what_cannot_be_read_is_rejected_and_the_rest_is_read(line: str, words: str) -> None:
    done = Done(f"root ALL = ALL\n{line}\nz h = /bin/ls\n".encode())
    assert done.held("z") == ["root on h: /bin/ls"]
    (rejected,) = [one for one in done.records if isinstance(one, Rejected)]
    assert rejected.line == 1 + line.count("\n") + 1
    assert rejected.code == "bad_statement"
    assert words in rejected.reason
    assert not done.header.is_full


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"# nothing\n\n", "no_rules"),
        (b"hello world\nmore words\n", "not_sudoers"),
        (b'{"a": 1}\n', "not_sudoers"),
        (b"\x89PNG\r\n\x1a\n", "not_text"),
        (b"root ALL=ALL\n\0", "nul"),
        (b"root ALL=\xff\n", "wrong_encoding"),
        (b"dn: cn=a,dc=x\nchangetype: delete\nobjectClass: sudoRole\n", "change_record"),
    ],
)
def test_what_is_no_policy_is_refused(data: bytes, code: str) -> None:
    assert refusal(data).code == code


def test_aliases_do_not_explode() -> None:
    lines = ["User_Alias A0 = a0, b0"] + [f"User_Alias A{n} = A{n - 1}, A{n - 1}, a{n}" for n in range(1, 90)]
    lines += ["Cmnd_Alias C0 = /bin/c0"] + [f"Cmnd_Alias C{n} = C{n - 1}, C{n - 1}" for n in range(1, 90)]
    done = Done("\n".join([*lines, "A89 h = C89"]).encode())
    assert len(done.accounts) == 91
    deep = ["User_Alias B0 = a"] + [f"User_Alias B{n} = B{n - 1}" for n in range(1, 3000)]
    assert [code for _, code in Done("\n".join([*deep, "B2999 h = /bin/ls"]).encode()).rejected] == [
        "bad_statement"
    ]


def test_a_rule_for_everybody_everywhere_as_anybody_is_refused_by_its_line() -> None:
    names = ", ".join(f"n{number}" for number in range(80))
    done = Done(f"a h = /bin/ls\n{names} {names} = /bin/ls\n".encode())
    assert done.rejected == [(2, "bad_statement")]
    assert list(done.accounts) == ["a"]
