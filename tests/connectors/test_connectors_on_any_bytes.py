"""Whatever comes in, a connector either reads it or refuses it in its own words."""

import contextlib
import json
from collections.abc import Iterator
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.connectors import REGISTRY
from accounts.connectors.admission import admit
from accounts.connectors.records import Record, Rejected, Unreadable
from accounts.connectors.sniffing import sniff

HEADERS = [
    "empNo,firstName,lastName,status,start date,manager,password",
    "account,name,entitlement,privileged,since,until,last used,kind",
    "record,account,entitlement,fingerprint,kind,created,via",
    "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_1_last_rotated",
]
CELLS = st.sampled_from(
    [
        *(
            "",
            "1",
            "a",
            "yes",
            "no",
            "true",
            "03/04/2026",
            "2026-01-01",
            "31.12.9999",
            "2026-99-99T25:61:61Z",
        ),
        *("grant", "account", "credential", "password", "arn:aws:iam::111122223333:user/a", "=1+1", "#"),
        *("arn:aws:iam::111122223333:root", '"', '"a\nb"', "# total: 3", " ", "-----BEGIN PRIVATE KEY-----"),
        *("\r", "\u2028", "\u0130", "\uff19", "\u0663"),
    ]
)
TABLES = st.builds(
    lambda header, rows, sign, end: (
        end.join([header, *(",".join(row) for row in rows)]).replace(",", sign).encode()
    ),
    st.sampled_from(HEADERS),
    st.lists(st.lists(CELLS, max_size=9), max_size=6),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
WORDS = st.sampled_from(
    [
        *("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies", "Arn", "UserName", "RoleName"),
        *("GroupName", "PolicyName", "Tags", "Key", "Value", "AttachedManagedPolicies", "PolicyArn"),
        *(
            "UserPolicyList",
            "PolicyDocument",
            "Statement",
            "Effect",
            "Action",
            "Resource",
            "Principal",
            "AWS",
        ),
        *("AssumeRolePolicyDocument", "GroupList", "Content", "password"),
    ]
)
ARNS = st.sampled_from(
    ["arn:aws:iam::111122223333:user/a", "arn:aws:iam::111122223333:role/b", "*", "a", "iam:*", "Allow", ""]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ARNS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)
OBJECTS = st.dictionaries(WORDS, VALUES, max_size=5)


def everything(key: str, data: bytes, mapping: dict[str, str]) -> Iterator[Record]:
    pieces: list[bytes] = []
    admit(BytesIO(data), REGISTRY[key], mapping, pieces.append)
    _, records = REGISTRY[key].read(BytesIO(b"".join(pieces)), mapping)
    yield from records


def attempt(key: str, data: bytes, mapping: dict[str, str] | None = None) -> None:
    with contextlib.suppress(Unreadable):
        for record in everything(key, data, mapping or {}):
            assert record.line >= 1
            if isinstance(record, Rejected):
                assert record.reason
                assert len(record.excerpt) <= 200


@pytest.mark.parametrize("key", sorted(REGISTRY))
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes(key: str, data: bytes) -> None:
    attempt(key, data)
    sniff(data, "file")


@pytest.mark.parametrize("key", ["hr_csv", "csv_accounts", "aws_credential_report"])
@settings(max_examples=120, deadline=None)
@given(data=TABLES)
def test_any_table(key: str, data: bytes) -> None:
    attempt(key, data)


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=100),
    encoding=st.sampled_from(["cp1252", "utf-16", "shift_jis", "gb18030", "euc-kr"]),
)
def test_any_bytes_in_a_named_encoding(data: bytes, encoding: str) -> None:
    attempt("hr_csv", b"number,name\n" + data, {"encoding": encoding})


@pytest.mark.parametrize("key", ["aws_authorization", "aws_credential_report"])
@settings(max_examples=120, deadline=None)
@given(value=OBJECTS)
def test_any_json(key: str, value: dict[str, object]) -> None:
    attempt(key, json.dumps(value).encode())


@settings(max_examples=80, deadline=None)
@given(items=st.lists(OBJECTS, max_size=3), name=st.sampled_from(["User", "Group", "Role"]))
def test_any_items_in_the_lists(items: list[dict[str, object]], name: str) -> None:
    arn = "arn:aws:iam::111122223333:user/"
    full = [{"Arn": arn + str(n), f"{name}Name": str(n), **item} for n, item in enumerate(items)]
    attempt("aws_authorization", json.dumps({f"{name}DetailList": full, "Policies": items}).encode())
