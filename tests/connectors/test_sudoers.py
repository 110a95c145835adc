"""sudoers files and sudoRole entries: who may run what as whom, where."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import pytest

from accounts.connectors.admission import admit
from accounts.connectors.connector import Cut
from accounts.connectors.records import Account, Entitlement, Grant, Inclusion
from accounts.connectors.sudoers import CONNECTOR
from tests.connectors.sudoers_reading import DATA, SAMPLES, Done

Read = Callable[[str], bytes]


@pytest.fixture
def core01() -> Done:
    return Done((DATA / "core01.sudoers").read_bytes())


@pytest.fixture
def roles() -> Done:
    return Done((DATA / "roles.ldif").read_bytes())


# --- the sample, by facts read off it by hand


def test_the_sample_by_count(sample: Read) -> None:
    done = Done(sample("ldif/sudoers-sample.ldif"))
    # 23 entries: the defaults and 22 roles. 23 users by name, one group, one netgroup, and ALL.
    assert done.admitted.rows == 23
    assert len(done.accounts) == 23
    assert done.groups == ["%wheel", "+secretaries", "ALL"]
    # One rule for each account and host; those of root and %wheel are the same one.
    hosts = {"root": 1, "FULLTIMERS": 1, "PARTTIMERS": 1, "jack": 3, "lisa": 1, "operator": 1, "joe": 1}
    hosts |= {"pete": 3, "bob": 4 * 2, "bob_1": 3 * 2, "jim": 1, "+secretaries": 1, "fred": 2, "john": 3}
    hosts |= {"jen": 1, "jill": 4, "steve": 3, "matt": 1, "WEBADMIN": 1, "WEBADMIN_1": 1, "ALL": 3}
    assert len(done.rules) == sum(hosts.values()) == 47
    # Grants: one per user and rule; FULLTIMERS, PARTTIMERS and both WEBADMIN have 3 users.
    per_user = sum(hosts.values()) - hosts["+secretaries"] - hosts["ALL"] + 2 * 4
    assert len(done.grants) == per_user == 51
    assert Counter(group for group, _ in done.inclusions) == {"%wheel": 1, "+secretaries": 1, "ALL": 3}
    assert done.rejected == []
    assert done.header.system_reference == "dc=sudo,dc=ws"


@pytest.mark.parametrize(
    ("account", "name", "acts_as", "acts_on", "is_privileged", "marks"),
    [
        ("root", "any account on ALL: ALL", "root", "ALL", True, ("admin", "wildcard", "unconfined")),
        (
            "millert",
            "any account on ALL: ALL (no password)",
            "root",
            "ALL",
            True,
            ("admin", "wildcard", "unconfined"),
        ),
        ("lisa", "root on 128.138.0.0/255.255.0.0: ALL", "root", "128.138.0.0/255.255.0.0", True, None),
        ("joe", "root on ALL: /usr/bin/su operator", "root", "ALL", True, ()),
        ("bob", "operator on moet: ALL", "operator", "moet", True, ("wildcard", "unconfined")),
        ("jim", "root on +biglab: ALL", "root", "+biglab", True, None),
        ("fred", "oracle on ALL: ALL (no password)", "oracle", "ALL", True, None),
        (
            "jen",
            "root on ALL except primary, mail, www, ns: ALL",
            "root",
            "ALL except primary, mail, www, ns",
            True,
            None,
        ),
        (
            "steve",
            "operator on 128.138.242.0: /usr/local/op_commands/",
            "operator",
            "128.138.242.0",
            None,
            ("wildcard",),
        ),
        ("matt", "root on valkyrie: /usr/bin/kill, /usr/bin/top", "root", "valkyrie", True, ()),
        ("wim", "www on www: ALL", "www", "www", True, None),
        (
            "pete",
            "root on boa: /usr/bin/passwd ^[a-zA-Z0-9_]+$, !/usr/bin/passwd root",
            "root",
            "boa",
            True,
            ("iam_write",),
        ),
    ],
)
def test_rules_of_the_sample(
    sample: Read,
    account: str,
    name: str,
    acts_as: str,
    acts_on: str,
    is_privileged: bool | None,
    marks: tuple[str, ...] | None,
) -> None:
    done = Done(sample("ldif/sudoers-sample.ldif"))
    assert name in done.held(account)
    (rule,) = [one for one in done.rules.values() if one.name == name]
    assert (rule.kind, rule.reach) == ("act_as", "sudo")
    assert (rule.acts_as, rule.acts_on, rule.is_privileged) == (acts_as, acts_on, is_privileged)
    assert marks is None or rule.marks == marks


# --- a file


def test_who_holds_what(core01: Done) -> None:
    assert {name: core01.held(name) for name in core01.accounts} == {
        "root": ["any account on ALL: ALL"],
        "carl": ["root on core01: /usr/bin/vim (no password)"],  # Defaults:carl !authenticate
        "dana": [
            "oracle on core02: ALL (no password)",
            "oracle on core03: ALL (no password)",
            "postgres on core02: ALL (no password)",
            "postgres on core03: ALL (no password)",
            "root on core02: /usr/bin/systemctl restart core",
            "root on core03: /usr/bin/systemctl restart core",
        ],
        "#1005": [
            (
                "root on ALL except core02, core03: /usr/bin/less, /usr/bin/more, "
                "/usr/bin/tail -f /var/log/*, !/usr/bin/less /var/log/secure"
            )
        ],
        "tim o": ["root on core01: /sbin/reboot"],
        "web": [
            "www-data with group www-data on web01: /usr/bin/su - deploy",
            "root on web02: sudoedit /etc/nginx/nginx.conf",
        ],
        "backup": ["root on ALL: /usr/bin/mysqldump -u root -pwithheld core, /opt/dump --password=withheld"],
    }
    assert core01.accounts["root"].kind == "role"
    assert core01.rejected == []


def test_groups_bring_rules(core01: Done) -> None:
    assert core01.groups == ["%wheel", "%dbadmins", "+oncall", "%domain users", "ALL"]
    assert Counter(group for group, _ in core01.inclusions) == {
        "%wheel": 1,
        "%dbadmins": 6,
        "+oncall": 1,
        "%domain users": 1,
        "ALL": 1,
    }
    # !erik takes him out of %dbadmins, and out of nothing that names dana.
    assert all("not erik" in child for group, child in core01.inclusions if group == "%dbadmins")
    assert (
        "ALL",
        "root on ALL: /usr/bin/passwd [A-Za-z]*, !/usr/bin/passwd root [no password; not guest]",
    ) in (core01.inclusions)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("any account on ALL: ALL", "as any account (root too) on every host that has these rules."),
        ("any account on ALL: ALL", "asked for again after 15 minutes. sudo records its output."),
        ("oracle on core02: ALL [no password]", "sudo does not record it: that is switched off."),
        ("postgres on core02: ALL [no password]", "No password is asked for. sudo records its output."),
        ("www-data with group www-data on web01: /usr/bin/su - deploy", "Only from a terminal (requiretty)."),
        ("root on web02: sudoedit /etc/nginx/nginx.conf", "sudo records its input."),
        ("root on core02: /usr/bin/systemctl restart core [digest]", "a given checksum"),
        ("root on core01: /sbin/reboot [TIMEOUT=2h]", "TIMEOUT is 2h."),
        (
            "caller with group reports on core01: /usr/bin/cat /srv/reports/* [noexec]",
            "as oneself with the group",
        ),
    ],
)
def test_rules_in_words(core01: Done, key: str, words: str) -> None:
    assert words in (core01.rules[key].plain_words or "")


def test_a_rule_for_a_time_ends_by_itself(core01: Done) -> None:
    (grant,) = [one for one in core01.grants if one.account == "tim o"]
    assert grant.starts_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert grant.ends_at == datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)  # +0100 in the file


def test_a_group_as_target_is_a_right_and_no_other_account(core01: Done) -> None:
    rule = core01.rules["caller with group reports on core01: /usr/bin/cat /srv/reports/* [noexec]"]
    assert (rule.kind, rule.acts_as, rule.is_privileged) == ("right", None, None)


def test_what_is_not_in_the_file_is_noted(core01: Done) -> None:
    notes = " ".join(core01.header.notes)
    assert "/etc/sudoers.d, /etc/sudoers.local" in notes
    assert "only forbid: 1" in notes
    assert not core01.header.is_full
    assert not Done((DATA / "core01.sudoers").read_bytes(), {"complete": "yes"}).header.is_full
    assert Done(b"root ALL=(ALL) ALL\n", {"complete": "yes"}).header.is_full


def test_remarks_and_passwords_are_cut(core01: Done) -> None:
    assert "sesame" not in core01.everything()
    assert core01.admitted.cut == (Cut("remark", "comment", 2), Cut("argument", "secret_value", 2))
    assert core01.data.count(b"\n") == (DATA / "core01.sudoers").read_bytes().count(b"\n")


@pytest.mark.parametrize(
    "line",
    [
        "# sesame-1",
        "a ALL = /bin/ls # sesame-1",
        "a ALL = /bin/ls, \\\n  /bin/cat # sesame-1",
        "a ALL = /opt/x --token sesame-1",
        "a ALL = /usr/bin/mysql -u root -psesame-1",
        "a ALL = /usr/bin/env PGPASSWORD\\=sesame-1 /usr/bin/psql",
        "a ALL = /usr/bin/curl https\\://u\\:sesame-1@host/",
    ],
)
def test_no_secret_is_kept(line: str) -> None:
    pieces: list[bytes] = []
    data = f"root ALL=(ALL) ALL\n{line}\n".encode()
    admitted = admit(BytesIO(data), CONNECTOR, {}, pieces.append)
    kept = b"".join(pieces)
    assert b"sesame-1" not in kept
    assert admitted.cut
    assert kept.count(b"\n") == data.count(b"\n")


# --- directory entries


def test_roles_of_a_directory(roles: Done) -> None:
    assert sorted(roles.accounts) == ["#1005", "dana"]
    assert roles.held("dana") == ["oracle with group dba on core02: ALL, !/bin/sh (no password)"]
    assert roles.held("#1005") == ["caller on ALL except core03: /usr/bin/id"]
    (grant,) = [one for one in roles.grants if one.account == "dana"]
    # Of two ends the later one counts.
    assert (grant.starts_at, grant.ends_at) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
    )
    rule = roles.rules[grant.entitlement]
    assert (rule.acts_as, rule.acts_on, rule.is_privileged) == ("oracle", "core02", True)
    assert "sudo records its output. It keeps the caller's terminal" in (rule.plain_words or "")
    assert roles.rejected == [(42, "bad_rule"), (55, "bad_rule")]
    assert roles.header.system_reference == "dc=corp,dc=example"


def test_a_term_of_a_group_stands_in_the_right(roles: Done) -> None:
    ((group, child),) = roles.inclusions
    assert group == "%dbadmins"
    words = roles.rules[child].plain_words or ""
    assert "Not for erik." in words
    assert "until 2026-12-31 23:59 UTC only" in words


def test_entries_of_other_kinds_are_noted(roles: Done) -> None:
    assert any("no sudoRole: 1" in note for note in roles.header.notes)
    assert any("only forbid: 1" in note for note in roles.header.notes)


def test_everything_named_was_handed_over_before(core01: Done, roles: Done) -> None:
    for done in (core01, roles):
        known: set[str] = set()
        for one in done.records:
            if isinstance(one, Account | Entitlement):
                assert one.external_id not in known
                known.add(one.external_id)
            elif isinstance(one, Grant):
                assert {one.account, one.entitlement} <= known
            elif isinstance(one, Inclusion):
                assert {one.parent, one.child} <= known


# --- recognising


def test_sudoers_is_recognised() -> None:
    assert CONNECTOR.sniff((DATA / "core01.sudoers").read_bytes(), "x") == 1.0
    assert CONNECTOR.sniff((DATA / "roles.ldif").read_bytes(), "x") == 1.0
    assert CONNECTOR.sniff(b"%admin ALL=(ALL) NOPASSWD: ALL\n", "90-cloud") == 1.0
    assert CONNECTOR.sniff(b"Defaults env_reset\n#includedir /etc/sudoers.d\n", "x") == 1.0


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0\1",
        b"a,b\n1,2\n",
        b'{"ALL": 1}',
        b"[Service]\nExecStart = /bin/x\nUser = ALL\n",
        b"export PATH=/usr/bin\nx=(a b)\nfoo = (1)\n",
        b"Defaults are what most people keep.\nThey say so.\n",
        b"dn: dc=x\nobjectClass: domain\n",
        b"kind: Role\nrules:\n- verbs: [ALL]\n",
        b"a," * 20_000 + b"= (",
    ],
)
def test_nothing_else_is(head: bytes) -> None:
    assert CONNECTOR.sniff(head, "notes.txt") == 0.0


def test_only_sudo_rules_of_the_samples_are_recognised() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the samples are not beside this checkout")
    found = {
        path.relative_to(SAMPLES).as_posix(): sure
        for path in SAMPLES.rglob("*")
        if path.is_file() and (sure := CONNECTOR.sniff(path.read_bytes()[: 64 * 1024], path.name)) > 0
    }
    assert found == {"ldif/sudoers-sample.ldif": 1.0}
