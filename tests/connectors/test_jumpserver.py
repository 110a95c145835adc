"""JumpServer's permissions: who may act as which account on which asset, until when."""

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pytest

from accounts.connectors.admission import admit
from accounts.connectors.jumpserver import CONNECTOR
from accounts.connectors.jumpserver.rights import MOST_PAIRS
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

ROOT = Path(__file__).parents[2]
DATA = (ROOT / "tests" / "data" / "jumpserver" / "permissions.json").read_bytes()
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


def permission(**more: Any) -> dict[str, Any]:
    return {
        "id": "p-1",
        "name": "One",
        "users": [{"id": "u-1", "name": "Ana"}],
        "user_groups": [],
        "assets": [{"id": "a-1", "name": "core01"}],
        "nodes": [],
        "accounts": ["root"],
        "actions": ["connect"],
        "is_active": True,
        **more,
    }


def test_people_and_machines() -> None:
    _, records = read(DATA)
    aiko, dana, scan = of(records, Account)
    assert aiko == Account(
        external_id="u-aiko",
        name="aiko",
        line=7,
        display_name="Aiko Mori",
        identity_kind="human",
        email="aiko@example.com",
        is_enabled=True,
        created_at=datetime(2022, 3, 1, 8, tzinfo=UTC),
        expires_at=datetime(2092, 3, 1, 8, tzinfo=UTC),
        last_used_at=datetime(2026, 10, 5, 6, 12, tzinfo=UTC),
        last_used_source="JumpServer last_login",
        hints=(("creator", "Administrator"),),
    )
    assert (dana.name, dana.last_used_at) == ("dana", None)
    assert (scan.kind, scan.identity_kind, scan.identity_key, scan.is_enabled, scan.email) == (
        "machine",
        "service",
        "svc-scan",
        False,
        None,
    )
    assert scan.hints == (("purpose", "Scans hosts for updates"),)


def test_who_holds_what() -> None:
    _, records = read(DATA)
    assert {(one.account, one.entitlement) for one in of(records, Grant)} == {
        ("u-aiko", "role:00000000-0000-0000-0000-000000000001"),
        ("u-aiko", "group:g-dba"),
        ("u-dana", "group:g-dba"),
        ("u-aiko", "permission:p-root"),
    }
    (boxed,) = [one for one in of(records, Grant) if one.entitlement == "permission:p-root"]
    assert boxed.starts_at == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert boxed.ends_at == datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)
    assert {(one.parent, one.child) for one in of(records, Inclusion)} == {
        ("permission:p-root", "root@a-core01"),
        ("group:g-dba", "permission:p-dba"),
        *(
            ("permission:p-dba", f"{account}@{asset}")
            for account in ("oracle", "@ALL")
            for asset in ("a-core02", "a-db", "n-1")
        ),
    }


def test_the_rights_to_act_as_an_account() -> None:
    _, records = read(DATA)
    doors = {one.external_id: one for one in of(records, Entitlement) if one.kind == "act_as"}
    root = doors["root@a-core01"]
    assert (root.acts_as, root.acts_on, root.reach, root.is_privileged) == ("root", "core01", "ssh", True)
    assert root.plain_words == "Opens a session on core01 as root."
    oracle = doors["oracle@a-core02"]
    assert (oracle.acts_as, oracle.acts_on, oracle.reach, oracle.is_privileged) == (
        "oracle",
        "core02",
        "console",
        None,
    )
    assert doors["oracle@a-db"].reach == "database"  # the file says that it is one
    anybody = doors["@ALL@n-1"]
    assert (anybody.acts_as, anybody.acts_on, anybody.is_privileged) == (None, "node /Default/DB", True)
    assert anybody.name == "any account that is kept for it on node /Default/DB"


def test_permissions_in_words() -> None:
    _, records = read(DATA)
    rights = {one.name: one for one in of(records, Entitlement)}
    root = rights["Root on core"]
    assert (root.kind, root.is_privileged) == ("role", True)
    assert root.plain_words == (
        "Opens sessions as root on core01. It was made from an approved ticket. It ends on 2026-12-31. "
        "Monthly patches"
    )
    off = rights["Old transfer"]
    assert off.is_privileged is False
    assert "opens no sessions" in (off.plain_words or "").lower()
    assert "switched off" in (off.plain_words or "")
    assert rights["SystemAdmin"].marks == ("admin",)
    assert rights["DBA"].plain_words == "Database administrators"


def test_what_the_file_proves() -> None:
    header, records = read(DATA)
    assert header.covers == {"account", "entitlement", "grant", "inclusion"}
    assert not header.is_full  # a user without id
    assert [(one.line, one.code) for one in of(records, Rejected)] == [(22, "broken_item")]
    whole = DATA.replace(b'{"name": "no id", "username"', b'{"id": "u-4", "name": "no id", "username"')
    assert read(whole)[0].is_full
    assert any("switched off" in note for note in read(whole)[0].notes)
    cut = whole.replace(b'"next": null', b'"next": "https://jump.example/api/v1/users/users/?offset=100"', 1)
    assert not read(cut)[0].is_full
    alone, _ = read(json.dumps([permission()]).encode())
    assert (alone.is_full, alone.covers) == (False, frozenset())


def test_secrets_are_cut() -> None:
    data = kept(DATA)
    assert b"JBSWY3DPEHPK3PXP" not in data
    assert b"ssh-ed25519" not in data
    assert data.count(b"\n") == DATA.count(b"\n")


def test_a_list_that_only_counts_is_told_and_the_permission_itself_says_more() -> None:
    counts = {
        key: value
        for key, value in permission().items()
        if key not in ("users", "user_groups", "assets", "nodes")
    } | {"users_amount": 1, "user_groups_amount": 0, "assets_amount": 1, "nodes_amount": 0}
    page = {"count": 1, "next": None, "previous": None, "results": [counts]}
    _, records = read(json.dumps(page).encode())
    (refused,) = of(records, Rejected)
    assert refused.code == "counts_only"
    assert "/api/v1/perms/asset-permissions/p-1/" in refused.reason
    both = {"/api/v1/perms/asset-permissions/": page, "/api/v1/perms/asset-permissions/p-1/": permission()}
    _, records = read(json.dumps(both).encode())
    assert of(records, Rejected) == []
    assert [one.account for one in of(records, Grant)] == ["u-1"]


def test_a_permission_over_very_many_assets_is_one_right_for_all_of_them() -> None:
    assets = [{"id": f"a-{n}", "name": f"host{n}"} for n in range(MOST_PAIRS + 1)]
    _, records = read(json.dumps([permission(assets=assets)]).encode())
    (door,) = [one for one in of(records, Entitlement) if one.kind == "act_as"]
    assert (door.acts_as, door.acts_on) == ("root", "5001 assets of One")


@pytest.mark.parametrize(
    ("more", "may"),
    [
        ({"actions": 1}, True),
        ({"actions": 30}, False),
        ({"actions": None}, True),
        ({"actions": ["all"]}, True),
        ({"actions": ["upload"]}, False),
    ],
)
def test_only_who_may_connect_opens_sessions(more: dict[str, Any], may: bool) -> None:
    _, records = read(json.dumps([permission(**more)]).encode())
    assert any(one.reach for one in of(records, Entitlement)) is may


def test_other_shapes_of_the_same() -> None:
    old = permission(accounts=None, system_users=["s-1"], system_users_display=["root(root)"], users=["u-1"])
    del old["accounts"]
    for data in (
        json.dumps(old),
        json.dumps([old]),
        json.dumps(old) + "\n" + json.dumps(permission(id="p-2")),
    ):
        _, records = read(data.encode())
        assert of(records, Grant)[0].account == "u-1"
    excepted = permission(accounts=["@ALL", "!root"])
    _, records = read(json.dumps([excepted]).encode())
    assert "Not as root." in (of(records, Entitlement)[0].plain_words or "")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        b"name,users\n",
        b'{"results": [{"id": "1", "name": "x"}]}',
        DATA[:900],
        b'[{"id": "1", "id": "2"}]',
        b'{"a": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_such_answer_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        kept(data)
    assert str(refused.value)


def test_sniff() -> None:
    assert CONNECTOR.sniff(json.dumps([permission()]).encode(), "x") == 1.0
    assert CONNECTOR.sniff(DATA, "x") == 1.0
    assert CONNECTOR.sniff(b'{"users": [], "groups": []}', "jumpserver.json") == 0.0


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
def test_samples_of_others_are_not_taken() -> None:
    for path in SAMPLES.rglob("*"):
        if path.is_file():
            assert CONNECTOR.sniff(path.read_bytes()[:65536], path.name) == 0.0, path
