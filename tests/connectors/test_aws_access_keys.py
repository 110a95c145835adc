"""Access keys as list-access-keys answers, for one user or many, with and without their account."""

import json
from io import BytesIO

import pytest

from accounts.connectors.admission import admit
from accounts.connectors.aws.access_keys import CONNECTOR
from accounts.connectors.records import Account, Credential, Header, Record, Rejected, Unreadable

ONE = {
    "AccessKeyMetadata": [
        {
            "UserName": "ci-deploy",
            "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "Status": "Active",
            "CreateDate": "2024-04-08T09:00:00+00:00",
        },
        {
            "UserName": "ci-deploy",
            "AccessKeyId": "AKIAI44QH8DHBEXAMPLE",
            "Status": "Inactive",
            "CreateDate": "2023-01-02T03:04:05Z",
        },
    ]
}
OTHER = {
    "AccessKeyMetadata": [
        {
            "UserName": "bob",
            "AccessKeyId": "AKIAZZZZZZZZZEXAMPLE",
            "Status": "Active",
            "CreateDate": "2025-01-01T00:00:00Z",
        }
    ]
}
USED = {
    "UserName": "bob",
    "AccessKeyLastUsed": {
        "Region": "eu-north-1",
        "ServiceName": "s3",
        "LastUsedDate": "2026-09-30T10:00:00Z",
    },
}


def kept(data: bytes) -> bytes:
    pieces: list[bytes] = []
    admit(BytesIO(data), CONNECTOR, {}, pieces.append)
    return b"".join(pieces)


def read(data: bytes, options: dict[str, str] | None = None) -> tuple[Header, list[Record]]:
    header, records = CONNECTOR.read(BytesIO(kept(data)), options or {})
    return header, list(records)


def keys(records: list[Record]) -> list[tuple[str, str, bool | None]]:
    return [(one.account, one.fingerprint, one.is_active) for one in records if isinstance(one, Credential)]


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(ONE, indent=2) + "\n" + json.dumps(OTHER, indent=2),
        json.dumps(ONE) + "\n" + json.dumps(OTHER) + "\n",
        json.dumps([ONE, OTHER], indent=1),
        json.dumps([*ONE["AccessKeyMetadata"], *OTHER["AccessKeyMetadata"]]),
    ],
)
def test_keys_of_several_users(data: str) -> None:
    header, records = read(data.encode())
    assert keys(records) == [
        ("ci-deploy", "AKIAIOSFODNN7EXAMPLE", True),
        ("ci-deploy", "AKIAI44QH8DHBEXAMPLE", False),
        ("bob", "AKIAZZZZZZZZZEXAMPLE", True),
    ]
    assert [one.name for one in records if isinstance(one, Account)] == ["ci-deploy", "bob"]
    assert not header.is_full
    assert any("option “account”" in note for note in header.notes)


def test_the_option_makes_them_the_users_of_an_account() -> None:
    header, records = read(json.dumps(OTHER).encode(), {"account": "111122223333"})
    assert header.system_reference == "111122223333"
    assert keys(records) == [("arn:aws:iam::111122223333:user/bob", "AKIAZZZZZZZZZEXAMPLE", True)]
    with pytest.raises(Unreadable, match="twelve digits"):
        read(json.dumps(OTHER).encode(), {"account": "prod"})


def test_last_use_is_of_the_key_if_there_is_one_only() -> None:
    _, records = read(
        "\n".join(map(json.dumps, (ONE, OTHER, USED, {**USED, "UserName": "ci-deploy"}))).encode()
    )
    used = {one.fingerprint: one.last_used_at for one in records if isinstance(one, Credential)}
    assert used["AKIAIOSFODNN7EXAMPLE"] is None  # one of two; the answer does not say which
    assert used["AKIAZZZZZZZZZEXAMPLE"] is not None
    assert all(one.last_used_at for one in records if isinstance(one, Account))


def test_a_page_says_that_it_is_one() -> None:
    header, _ = read(json.dumps({**ONE, "IsTruncated": True, "Marker": "m"}).encode())
    assert any("IsTruncated" in note for note in header.notes)


def test_the_secret_of_a_new_key_is_cut() -> None:
    made = {
        "AccessKey": {
            "UserName": "bob",
            "AccessKeyId": "AKIAZZZZZZZZZEXAMPLE",
            "Status": "Active",
            "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        }
    }
    data = kept(json.dumps({**ONE, "note": made}).encode())
    assert b"wJalrXUtnFEMI" not in data
    assert b"AKIAIOSFODNN7EXAMPLE" in data


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"AccessKeyId": "AKIAZZZZZZZZZEXAMPLE"}, "no_user"),
        ({"UserName": "bob", "AccessKeyId": "x", "Status": "Active"}, "no_key_id"),
        (OTHER["AccessKeyMetadata"][0], "duplicate_key_id"),
    ],
)
def test_what_cannot_be_read_is_told(item: dict[str, str], code: str) -> None:
    _, records = read(json.dumps({"AccessKeyMetadata": [OTHER["AccessKeyMetadata"][0], item]}).encode())
    assert [one.code for one in records if isinstance(one, Rejected)] == [code]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x89PNG\r\n", b"user,arn\n", b'{"AccessKeyMetadata": [', b'{"AccessKeyMetadata": [{"A": NaN}]}'],
)
def test_what_is_no_such_answer_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        kept(data)


def test_sniff() -> None:
    assert CONNECTOR.sniff(json.dumps(ONE, indent=1).encode(), "keys.json") == 1.0
    assert CONNECTOR.sniff(json.dumps(USED).encode(), "x") == 0.9
    assert CONNECTOR.sniff(b'{"UserDetailList": []}', "access-keys.json") == 0.0
    assert CONNECTOR.sniff(b"AccessKeyMetadata", "x") == 0.0
