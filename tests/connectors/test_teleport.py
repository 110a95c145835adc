"""Teleport's roles, users, bots and access lists: who may act as which account where, until when."""

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from accounts.connectors.admission import admit
from accounts.connectors.records import (
    Account,
    Entitlement,
    Grant,
    Header,
    Inclusion,
    Record,
    Rejected,
    Unreadable,
)
from accounts.connectors.teleport import CONNECTOR
from accounts.connectors.teleport.conditions import matches, selector_of, trait_of

ROOT = Path(__file__).parents[2]
DATA = (ROOT / "tests" / "data" / "teleport" / "resources.yaml").read_bytes()
SAMPLES = ROOT.parent / "shared" / "samples"
T = TypeVar("T")


def kept(data: bytes) -> bytes:
    pieces: list[bytes] = []
    admit(BytesIO(data), CONNECTOR, {}, pieces.append)
    return b"".join(pieces)


def read(data: bytes, options: dict[str, str] | None = None) -> tuple[Header, list[Record]]:
    header, records = CONNECTOR.read(BytesIO(kept(data)), options or {})
    return header, list(records)


def of(records: list[Record], kind: type[T]) -> list[T]:
    return [one for one in records if isinstance(one, kind)]


def role(allow: dict[str, Any], name: str = "one", **more: Any) -> dict[str, Any]:
    return {"kind": "role", "version": "v7", "metadata": {"name": name}, "spec": {"allow": allow, **more}}


def rights(*made: dict[str, Any]) -> dict[str, Entitlement]:
    _, records = read(json.dumps(list(made)).encode())
    return {one.external_id: one for one in of(records, Entitlement)}


def test_people_and_bots() -> None:
    _, records = read(DATA)
    by_name = {one.name: one for one in of(records, Account)}
    assert list(by_name) == ["aiko", "dana@example.com", "bot-ci", "petra", "sso-only@example.com"]
    aiko = by_name["aiko"]
    assert (aiko.email, aiko.is_enabled, aiko.expires_at) == ("aiko@example.com", True, None)
    assert aiko.created_at == datetime(2024, 2, 1, 9, 0, 0, 123456, tzinfo=UTC)
    assert aiko.hints == (("creator", "root-admin"),)
    dana = by_name["dana@example.com"]
    assert (dana.email, dana.is_enabled) == ("dana@example.com", False)
    assert dana.expires_at == datetime(2026, 12, 31, tzinfo=UTC)
    bot = by_name["bot-ci"]
    assert (bot.kind, bot.identity_kind, bot.identity_key) == ("machine", "bot", "ci")


def test_who_holds_what() -> None:
    _, records = read(DATA)
    held = {(one.account, one.entitlement, one.is_eligible, one.via) for one in of(records, Grant)}
    assert held == {
        ("aiko", "role:dev", False, None),
        ("aiko", "role:core-admin", False, None),
        ("aiko", "role:gone", False, None),
        # Her own traits make these of the template in core-admin.
        ("aiko", "role:core-admin#ssh:aiko", False, "role:core-admin"),
        ("aiko", "role:core-admin#ssh:root", False, "role:core-admin"),
        # What dev lets her ask for, and she does not hold.
        ("aiko", "role:db-ledger", True, None),
        ("dana@example.com", "role:reviewer", False, None),
        ("bot-ci", "role:bot-ci", False, None),
        ("bot-ci", "role:dev", False, None),
        ("bot-ci", "role:core-admin", True, None),
        ("bot-ci", "role:db-ledger", True, None),
        ("petra", "list:7f1c#owners", False, None),
        ("aiko", "list:7f1c", False, None),
        ("sso-only@example.com", "list:9a2d", False, None),
    }
    (boxed,) = [one for one in of(records, Grant) if one.entitlement == "list:7f1c"]
    assert boxed.starts_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert boxed.ends_at == datetime(2026, 11, 30, tzinfo=UTC)


def test_what_brings_what() -> None:
    _, records = read(DATA)
    assert {(one.parent, one.child) for one in of(records, Inclusion)} == {
        ("role:core-admin", "role:core-admin#ssh:root"),
        ("role:core-admin", "role:core-admin#ssh:{{internal.logins}}"),
        ("role:core-admin", "role:core-admin#k8s-group:system:masters"),
        ("role:dev", "role:dev#ssh:ubuntu"),
        ("role:dev", "role:dev#db:*"),
        ("role:reviewer", "role:reviewer#impersonate"),
        ("role:reviewer", "role:reviewer#review"),
        ("role:reviewer", "role:reviewer#rules"),
        ("role:editor", "role:editor#admin"),
        ("role:nowhere", "role:nowhere#ssh:root"),
        ("role:db-ledger", "role:db-ledger#db:ledger"),
        ("list:7f1c", "role:core-admin"),
        ("list:7f1c#owners", "role:reviewer"),
        ("list:9a2d", "list:7f1c"),  # a list in a list
        ("list:9a2d", "list:7f1c#owners"),
    }


@pytest.mark.parametrize(
    ("key", "acts_as", "acts_on", "reach", "is_privileged", "marks"),
    [
        ("core-admin#ssh:root", "root", "core01", "ssh", True, ()),
        ("core-admin#ssh:{{internal.logins}}", None, "core01", "ssh", None, ()),
        (
            "core-admin#k8s-group:system:masters",
            "system:masters",
            "all Kubernetes clusters",
            "exec",
            True,
            ("admin", "exec"),
        ),
        ("dev#ssh:ubuntu", "ubuntu", "servers env=dev|test, team=*", "ssh", None, ()),
        ("dev#db:*", None, "databases env=dev", "database", True, ("wildcard",)),
        ("nowhere#ssh:root", "root", None, None, False, ()),
        (
            "db-ledger#db:ledger",
            "ledger",
            'databases where labels["system"] == "ledger"',
            "database",
            None,
            (),
        ),
    ],
)
def test_rights_to_act_as_an_account(
    key: str,
    acts_as: str | None,
    acts_on: str | None,
    reach: str | None,
    is_privileged: bool | None,
    marks: tuple[str, ...],
) -> None:
    _, records = read(DATA)
    (door,) = [one for one in of(records, Entitlement) if one.external_id == f"role:{key}"]
    assert (door.kind, door.acts_as, door.acts_on, door.reach) == ("act_as", acts_as, acts_on, reach)
    assert (door.is_privileged, door.marks) == (is_privileged, marks)
    assert door.because


def test_roles_and_lists_in_words() -> None:
    _, records = read(DATA)
    by_key = {one.external_id: one for one in of(records, Entitlement)}
    admin = by_key["role:core-admin"]
    assert admin.is_privileged is True
    assert admin.plain_words == (
        "Administers the core banking hosts. A sign-in lasts at most 8h0m0s. Recording of sessions: default "
        "strict, ssh strict. Asks for a second factor for each session: true."
    )
    assert by_key["role:reviewer"].is_privileged is True
    assert by_key["role:nowhere"].is_privileged is False
    assert by_key["role:reviewer#impersonate"].marks == ("impersonate",)
    assert by_key["role:reviewer#rules"].marks == ("iam_write",)
    assert by_key["role:editor#admin"].marks == ("admin", "wildcard")
    people = by_key["list:7f1c"]
    assert (people.name, people.kind, people.owner) == ("Core administrators", "group", "petra, 9a2d")
    assert "Counts only for members who have the roles dev" in (people.plain_words or "")
    assert "Its next review is on 2027-01-01" in (people.plain_words or "")
    assert by_key["role:gone"].is_privileged is None  # only named


def test_secrets_and_what_tells_nothing_are_cut() -> None:
    for data in (kept(DATA), kept(json.dumps(list(yaml.safe_load_all(DATA)), default=str).encode())):
        assert b"$2a$10$" not in data
        assert b"secret-join-token" not in data
        assert b"LS0tLS1" not in data
        assert b"dXNlcg==" not in data
        assert b"core-admin" in data
    assert kept(DATA).count(b"\n") == DATA.count(b"\n")
    header, _ = read(DATA)
    assert any("1 token, 1 cert_authority" in note for note in header.notes)


@pytest.mark.parametrize(
    "write",
    [
        lambda made: json.dumps(made, indent=2),
        lambda made: "\n".join(json.dumps(one) for one in made),
        lambda made: "\n".join(json.dumps(one, indent=1) for one in made),
        lambda made: json.dumps({"items": made}),
        yaml.safe_dump,
        yaml.safe_dump_all,
    ],
)
def test_other_ways_to_write_the_same(write: Any) -> None:
    made = list(yaml.safe_load_all(DATA))
    _, same = read(write(json.loads(json.dumps(made, default=str))).encode())
    _, records = read(DATA)

    def facts(found: list[Record]) -> set[tuple[object, ...]]:
        return {(one.account, one.entitlement) for one in of(found, Grant)} | {
            (one.parent, one.child) for one in of(found, Inclusion)
        }

    assert facts(same) == facts(records)


def test_resources_of_the_operator() -> None:
    made = [
        {
            "apiVersion": "resources.teleport.dev/v1",
            "kind": "TeleportRoleV7",
            "metadata": {"name": "ops"},
            "spec": {"allow": {"logins": ["root"], "node_labels": {"*": "*"}}},
        },
        {
            "apiVersion": "resources.teleport.dev/v2",
            "kind": "TeleportUser",
            "metadata": {"name": "u"},
            "spec": {"roles": ["ops"]},
        },
        {
            "kind": "access_list",
            "header": {"metadata": {"name": "l"}},
            "spec": {"grants": {"roles": ["ops"]}},
        },
    ]
    _, records = read(yaml.safe_dump_all(made).encode())
    assert [(one.account, one.entitlement) for one in of(records, Grant)] == [("u", "role:ops")]
    assert ("list:l", "role:ops") in {(one.parent, one.child) for one in of(records, Inclusion)}


def test_whole_only_if_somebody_says_so() -> None:
    assert not read(DATA)[0].is_full
    header, _ = read(DATA, {"complete": "yes", "cluster": "tele.example"})
    assert header.is_full
    assert header.system_reference == "tele.example"
    assert header.covers == {"account", "entitlement", "grant", "inclusion"}
    alone, _ = read(json.dumps(role({"logins": ["root"]})).encode(), {"complete": "yes"})
    assert (alone.is_full, alone.covers) == (False, frozenset())


def test_every_grant_comes_after_what_it_names() -> None:
    _, records = read(DATA)
    known: set[str] = set()
    for one in records:
        if isinstance(one, Grant):
            assert {one.account, one.entitlement} <= known
        elif isinstance(one, Inclusion):
            assert {one.parent, one.child} <= known
        elif isinstance(one, Account | Entitlement):
            assert one.external_id not in known
            known.add(one.external_id)


def test_sudo_on_the_host_makes_any_login_privileged() -> None:
    allow = {"logins": ["ops"], "node_labels": {"*": "*"}, "host_sudoers": ["ALL=(ALL) NOPASSWD: ALL"]}
    door = rights(role(allow))["role:one#ssh:ops"]
    assert (door.is_privileged, door.marks) == (True, ("unconfined",))
    grouped = {"logins": ["ops"], "node_labels": {"*": "*"}, "host_groups": ["docker"]}
    assert rights(role(grouped))["role:one#ssh:ops"].is_privileged


def test_what_deny_takes_away() -> None:
    allow = {"logins": ["root"], "node_labels": {"env": "prod"}}
    assert "role:one#ssh:root" not in rights(role(allow, deny={"logins": ["*"]}))
    nowhere = rights(role(allow, deny={"node_labels": {"*": "*"}}))["role:one#ssh:root"]
    assert (nowhere.reach, nowhere.is_privileged) == (None, False)
    said = rights(role(allow, deny={"node_labels": {"env": "prod"}}))["role:one"].plain_words or ""
    assert "deny rules" in said


@pytest.mark.parametrize(
    ("pattern", "name", "does"),
    [
        ("db-*", "db-ledger", True),
        ("db-*", "web", False),
        ("*", "anything", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "aXc", False),
        ("^db-.*$", "db-ledger", True),
        ("^db-.*$", "web", False),
        ("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", False),
        ("db", "db", True),
        ("", "db", False),
    ],
)
def test_patterns_of_roles(pattern: str, name: str, does: bool) -> None:
    assert matches(name, [pattern]) is does


def test_conditions_in_words() -> None:
    assert selector_of({"node_labels": {"*": ["*"]}}, "node", "servers").is_everything
    assert selector_of({}, "node", "servers").is_nothing
    many = selector_of({"node_labels": {f"k{n}": "v" for n in range(9)}}, "node", "servers")
    assert many.words == "servers k0=v, k1=v, k2=v, k3=v and 5 more labels"
    assert len(selector_of({"node_labels": {"k": "v" * 900}}, "node", "servers").words) == 200
    assert trait_of('{{external["user.logins"]}}') == "user.logins"
    assert trait_of("{{email.local(external.email)}}") is None


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ({"kind": "role", "metadata": {}, "spec": {}}, "no_name"),
        ({"kind": "role", "metadata": {"name": "x" * 300}}, "no_name"),
        ({"kind": "access_list_member", "metadata": {"name": "m"}, "spec": {"name": "ana"}}, "no_name"),
        ({"metadata": {"name": "x"}}, "no_resource"),
        ("text", "no_resource"),
        (role({"logins": ["other"]}), "duplicate_resource"),
    ],
)
def test_what_cannot_be_read_is_told(resource: object, code: str) -> None:
    made = yaml.safe_dump_all([role({"logins": ["root"]}), resource])
    header, records = read(made.encode(), {"complete": "yes"})
    (refused,) = of(records, Rejected)
    assert refused.code == code
    assert refused.line > 1
    assert not header.is_full


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        b"just text",
        b"kind: Role\nmetadata: {name: x}\n",
        b"kind: token\nmetadata: {name: x}\n",
        b"kind: role\nkind: user\n",
        b"kind: role\nmetadata: {name: x}\nspec: {allow: {logins: [root",
        b'[{"kind": "role"',
        b"a: &a [x]\nb: [*a, *a]\nc: *missing\n",
        b"kind: role\nmetadata: !!python/object:os.system {}\n",
    ],
)
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        kept(data)
    assert str(refused.value)


def test_sniff() -> None:
    assert CONNECTOR.sniff(DATA, "x") >= 0.9
    assert CONNECTOR.sniff(json.dumps([role({"logins": ["root"]})]).encode(), "x") >= 0.9
    assert CONNECTOR.sniff(json.dumps(role({"logins": ["root"]}), indent=1).encode(), "x") >= 0.9
    assert CONNECTOR.sniff(b"kind: Role\nmetadata:\n  name: x\nspec: {}\n", "roles.yaml") == 0.0
    assert CONNECTOR.sniff(b"kind: role", "teleport.yaml") == 0.0


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
def test_samples_of_others_are_not_taken() -> None:
    for path in SAMPLES.rglob("*"):
        if path.is_file():
            assert CONNECTOR.sniff(path.read_bytes()[:65536], path.name) == 0.0, path
