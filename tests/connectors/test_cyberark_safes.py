"""Safe members of CyberArk: who uses, sees, administers and confirms, from wide and from listed columns."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pytest

from accounts.connectors.admission import admit
from accounts.connectors.cyberark_safes import CONNECTOR
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
DATA = (ROOT / "tests" / "data" / "cyberark_safes" / "members.csv").read_bytes()
SAMPLES = ROOT.parent / "shared" / "samples"
T = TypeVar("T")


def kept(data: bytes, options: dict[str, str] | None = None) -> bytes:
    pieces: list[bytes] = []
    admit(BytesIO(data), CONNECTOR, options or {}, pieces.append)
    return b"".join(pieces)


def read(data: bytes, options: dict[str, str] | None = None) -> tuple[Header, list[Record]]:
    header, records = CONNECTOR.read(BytesIO(kept(data, options)), options or {})
    return header, list(records)


def of(records: list[Record], kind: type[T]) -> list[T]:
    return [one for one in records if isinstance(one, kind)]


def test_who_holds_what() -> None:
    _, records = read(DATA)
    assert [(one.external_id, one.name, one.kind) for one in of(records, Account)] == [
        ("aiko", "aiko", None),
        ("passwordmanager", "PasswordManager", "machine"),
    ]
    assert {(one.account, one.entitlement) for one in of(records, Grant)} == {
        ("aiko", "safe:core-unix-root:use"),
        ("aiko", "safe:core-unix-root:look"),
        ("aiko", "safe:db-oracle:use"),
        ("aiko", "safe:db-oracle:retrieve"),
        ("passwordmanager", "safe:core-unix-root:retrieve"),
        ("passwordmanager", "safe:core-unix-root:unconfirmed"),
        ("passwordmanager", "safe:core-unix-root:change"),
        ("passwordmanager", "safe:core-unix-root:look"),
    }
    assert {(one.parent, one.child) for one in of(records, Inclusion)} == {
        ("group:unix admins", "safe:core-unix-root:use"),
        ("group:unix admins", "safe:core-unix-root:retrieve"),
        ("group:unix admins", "safe:core-unix-root:unconfirmed"),
        ("group:unix admins", "safe:core-unix-root:change"),  # UnlockAccounts
        ("group:unix admins", "safe:core-unix-root:look"),
        ("group:safe owners", "safe:core-unix-root:manage"),
        ("group:safe owners", "safe:core-unix-root:confirm"),
        ("group:safe owners", "safe:core-unix-root:look"),
    }


def test_until_when() -> None:
    _, records = read(DATA)
    ends = {one.entitlement: one.ends_at for one in of(records, Grant) if one.account == "aiko"}
    assert ends["safe:core-unix-root:use"] == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert ends["safe:db-oracle:use"] == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "kind", "reach", "is_privileged", "marks"),
    [
        ("use", "act_as", "safe", None, ()),
        ("retrieve", "act_as", "safe", True, ("secrets_read",)),
        ("manage", "right", None, True, ("admin", "iam_write")),
        ("unconfirmed", "right", None, True, ("unconfined",)),
        ("confirm", "right", None, True, ("iam_write",)),
        ("change", "right", None, None, ()),
        ("look", "right", None, False, ()),
    ],
)
def test_what_the_rights_are(
    key: str, kind: str, reach: str | None, is_privileged: bool | None, marks: tuple[str, ...]
) -> None:
    _, records = read(DATA)
    rights = {one.external_id: one for one in of(records, Entitlement)}
    right = rights[f"safe:core-unix-root:{key}"]
    assert (right.kind, right.reach, right.is_privileged, right.marks) == (kind, reach, is_privileged, marks)
    assert "Core-Unix-Root" in right.name
    assert "Core-Unix-Root" in (right.plain_words or "")
    assert right.because


def test_rows_that_cannot_be_read_are_told() -> None:
    header, records = read(DATA)
    assert [(one.line, one.code) for one in of(records, Rejected)] == [
        (8, "two_types"),
        (9, "duplicate_member"),
        (10, "unknown_word"),
    ]
    assert header.control_total == 8
    assert not header.is_full
    assert header.covers == {"entitlement", "grant", "inclusion"}


def test_every_right_and_member_comes_before_what_names_it() -> None:
    _, records = read(DATA)
    known: set[str] = set()
    for one in records:
        if isinstance(one, Grant):
            assert {one.account, one.entitlement} <= known
        elif isinstance(one, Inclusion):
            assert {one.parent, one.child} <= known
        elif isinstance(one, Account | Entitlement):
            known.add(one.external_id)


@pytest.mark.parametrize(
    "data",
    [
        b'SafeName;UserName;Permissions\nS1;bob;"@{useAccounts=True; addAccounts=False; manageSafe=True}"\n',
        b'"SafeName","UserName","Permissions"\n"S1","bob","{RestrictedRetrieve, ManageSafe}"\n',
        b"Safe,Member,Use,Retrieve,Manage Safe\nS1,bob,yes,no,TRUE\n",
        b"SMSafeName,SMMemberName,SMMemberType,SMUseAccounts,SMManageSafe\nS1,bob,User,1,1\n",
    ],
)
def test_other_spellings_of_the_same(data: bytes) -> None:
    _, records = read(data)
    assert of(records, Rejected) == []
    assert [(one.account, one.entitlement) for one in of(records, Grant)] == [
        ("bob", "safe:s1:use"),
        ("bob", "safe:s1:manage"),
    ]


def test_the_file_is_whole_only_if_somebody_says_so() -> None:
    data = b"Safe,MemberName,UseAccounts\nS1,bob,True\n"
    assert not read(data)[0].is_full
    assert read(data, {"complete": "yes"})[0].is_full
    cut = b"# complete: yes\n# total: 2\nSafe,MemberName,UseAccounts\nS1,bob,True\n"
    header, records = read(cut)
    assert not header.is_full
    assert [one.code for one in of(records, Rejected)] == ["control_total_differs"]


def test_secrets_beside_the_members_are_cut() -> None:
    assert b"hunter2" not in kept(b"Safe,MemberName,UseAccounts,Password\nS1,bob,True,hunter2\n")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\x89PNG", "not_text"),
        (b"Safe,MemberName\nS1,bob\n", "wrong_columns"),
        (b"Safe,UseAccounts\nS1,True\n", "wrong_columns"),
        (b"Safe,MemberName,UseAccounts\n", "no_rows"),
        (b'{"value": []}', "not_csv"),
        (b"Safe,MemberName,Retrieve Password\nS1,bob,True\n", "permission_like_secret"),
        (b'Safe,MemberName,UseAccounts\nS1,"bob,True\n', "broken_csv"),
    ],
)
def test_what_is_no_such_file_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        kept(data)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b",bob,User,True", "no_member"),
        (b"S1,,User,True", "no_member"),
        (b"S1,bob,Robot,True", "unknown_type"),
        (b"S1,bob,User,True,more", "ragged_row"),
        (b"S1," + b"b" * 300 + b",User,True", "too_long"),
    ],
)
def test_broken_rows(row: bytes, code: str) -> None:
    _, records = read(b"Safe,MemberName,MemberType,UseAccounts\nS0,ana,User,True\n" + row + b"\n")
    assert [(one.line, one.code) for one in of(records, Rejected)] == [(3, code)]
    assert len(of(records, Grant)) == 1


def test_sniff() -> None:
    assert CONNECTOR.sniff(DATA, "x") == 1.0
    assert CONNECTOR.sniff(b"SafeName,UserName,Permissions\n", "x") == 0.8
    assert CONNECTOR.sniff(b"account,name,entitlement\n", "safes.csv") == 0.0


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
def test_samples_of_others_are_not_taken() -> None:
    for path in SAMPLES.rglob("*"):
        if path.is_file():
            assert CONNECTOR.sniff(path.read_bytes()[:65536], path.name) == 0.0, path
