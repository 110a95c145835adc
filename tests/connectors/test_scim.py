"""SCIM 2.0: users and groups from the examples of the RFC and from lists as services answer them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.connectors.records import Account, Credential, Entitlement, Grant, Rejected, Unreadable
from accounts.connectors.scim import CONNECTOR
from tests.connectors.saas_reading import NOT_THIS, names_before_use, own, read, refused, sample, sniffs_only

MINE = (
    "rfc7643-8.1-user-minimal.json",
    "rfc7643-8.3-enterprise_user.json",
    "rfc7643-8.4-group.json",
    "rfc7644-3.4.2-list_response-partial_attributes.json",
    "rfc7644-3.5.2.1-patch_op-add_members.json",  # known for SCIM, and refused in words
    "data/scim/lists.json",
)
BABS = "2819c223-7f76-453a-919d-413861904646"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        # One user with nothing but a name.
        ("rfc7643-8.1-user-minimal.json", (1, 0, 0, 0, 0)),
        # One user in three groups, with one certificate.
        ("rfc7643-8.3-enterprise_user.json", (1, 3, 0, 3, 1)),
        # One group with two members, who are named by it alone.
        ("rfc7643-8.4-group.json", (2, 1, 0, 2, 0)),
        ("rfc7644-3.4.2-list_response-partial_attributes.json", (2, 0, 0, 0, 0)),
    ],
)
def test_the_examples_by_count(name: str, counts: tuple[int, ...]) -> None:
    found = read(CONNECTOR, sample(f"scim/{name}"))
    assert tuple(found.counts.values()) == (*counts, 0)
    assert names_before_use(found)


def test_the_enterprise_user() -> None:
    found = read(CONNECTOR, sample("scim/rfc7643-8.3-enterprise_user.json"))
    assert found.of(Account) == [
        Account(
            external_id=BABS,
            name="bjensen@example.com",
            line=1,
            display_name="Babs Jensen",
            kind="personal",
            identity_kind="human",
            employee_number="701984",
            email="bjensen@example.com",
            is_enabled=True,
            created_at=datetime(2010, 1, 23, 4, 56, 22, tzinfo=UTC),
        )
    ]
    assert [one.name for one in found.of(Entitlement)] == ["Tour Guides", "Employees", "US Employees"]
    # `openssl x509 -noout -fingerprint -sha256 -dates` of the value: SHA-1 signature, ended in 2012.
    assert found.of(Credential) == [
        Credential(
            account=BABS,
            kind="certificate",
            fingerprint="94238bf6d4ffd74e167d8cbdb80c94a874d8d2e67fbe5fe10a80626a8c91f8c8",
            line=1,
            created_at=datetime(2011, 10, 22, 6, 24, 31, tzinfo=UTC),
            expires_at=datetime(2012, 10, 4, 6, 24, 31, tzinfo=UTC),
            weakness="SHA-1",
        )
    ]
    assert b"t1meMa$heen" not in found.data
    assert [(cut.name, cut.count) for cut in found.admitted.cut] == [("password", 1)]
    assert found.header.system_reference == "example.com"
    assert not found.header.is_full


def test_the_group() -> None:
    found = read(CONNECTOR, sample("scim/rfc7643-8.4-group.json"))
    group = "e9e30dba-f08f-4109-8486-d5c6a331660a"
    assert found.grants == [(BABS, group), ("902c246b-6245-4190-8e05-00816be7344a", group)]
    # Known by the group alone: no kind, no address.
    assert found.accounts[BABS] == Account(external_id=BABS, name="Babs Jensen", line=1)


def test_the_list_covers_its_accounts_only() -> None:
    header = read(CONNECTOR, sample("scim/rfc7644-3.4.2-list_response-partial_attributes.json")).header
    assert (header.is_full, header.covers) == (True, frozenset({"account"}))


def test_a_change_is_refused() -> None:
    error = refused(CONNECTOR, sample("scim/rfc7644-3.5.2.1-patch_op-add_members.json"))
    assert error.code == "change"
    assert "this is a change, not a listing" in str(error)


def test_users_and_groups_on_end() -> None:
    found = read(CONNECTOR, own("scim/lists.json"))
    assert names_before_use(found)
    dana, sync, ren = (found.accounts[key] for key in ("u1", "u2", "u3"))
    assert (dana.employee_number, dana.email, dana.is_enabled) == ("1042", "dana.kovac@example.com", True)
    assert (sync.kind, sync.identity_kind, sync.is_enabled) == ("machine", "service", False)
    assert (ren.name, ren.identity_kind) == ("Ren Ōta", None)
    assert found.grants == [
        ("u1", "g1"),
        ("u2", "g2"),
        ("u3", "g2"),
        ("u1", "role/approver"),
        ("u1", "right/vpn"),
    ]
    # Whoever is on call is in Payments too.
    assert found.inclusions == {("g2", "g1")}
    assert [(one.line, one.code) for one in found.of(Rejected)] == [(7, "unknown_member")]
    assert any("through another group" in note and note.endswith("1.") for note in found.header.notes)
    assert not found.header.is_full
    assert b"t0p-s3cr3t" not in found.data


def listed(*resources: dict[str, Any], total: int | None = None, **more: Any) -> dict[str, Any]:
    total = len(resources) if total is None else total
    return {"schemas": [LIST], "totalResults": total, "Resources": list(resources), **more}


def user(number: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "id": number, "userName": number, **more}


def group(number: str, *members: str) -> dict[str, Any]:
    return {
        "schemas": [USER.replace("User", "Group")],
        "id": number,
        "displayName": number,
        "members": [{"value": one} for one in members],
    }


ALL = frozenset({"account", "entitlement", "inclusion", "grant"})


@pytest.mark.parametrize(
    ("documents", "options", "covers"),
    [
        ([listed(user("a")), listed(group("g", "a"))], {}, ALL),
        ([listed(group("g"))], {}, frozenset({"entitlement", "inclusion"})),
        ([listed(user("a"), total=2)], {}, None),
        (
            [listed(user("a"), total=2, startIndex=1), listed(user("b"), total=2, startIndex=2)],
            {},
            {"account"},
        ),
        ([listed(user("a"), total=2), listed(user("a"), total=2)], {}, None),  # the same page twice
        ([user("a")], {}, None),
        ([user("a")], {"complete": "yes"}, ALL),
        ([listed(user("a"), total=2)], {"complete": "yes"}, frozenset({"entitlement", "inclusion"})),
        ([listed(user("a"))], {"complete": "no"}, None),
        ([listed(user("a"), {"id": 7})], {}, None),
    ],
)
def test_what_a_file_covers(
    documents: list[object], options: dict[str, str], covers: frozenset[str] | None
) -> None:
    data = "\n".join(json.dumps(one) for one in documents).encode()
    header = read(CONNECTOR, data, options).header
    assert (header.covers if header.is_full else None) == covers
    assert header.is_full or header.notes


def test_a_recording_with_a_filter_is_a_part() -> None:
    made = {
        "pages": [
            {"url": "https://idp.example.com/scim/v2/Users?filter=active+eq+true", "body": listed(user("a"))}
        ]
    }
    header = read(CONNECTOR, json.dumps(made).encode()).header
    assert not header.is_full
    assert any("filter" in note for note in header.notes)


def test_one_resource_a_line() -> None:
    data = "\n".join(json.dumps(user(number)) for number in "abc").encode()
    assert [(one.name, one.line) for one in read(CONNECTOR, data).of(Account)] == [
        ("a", 1),
        ("b", 2),
        ("c", 3),
    ]


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ("text", "broken_item"),
        ({"schemas": [USER], "userName": "x"}, "broken_item"),
        ({"schemas": ["urn:example:Device"], "id": "d"}, "broken_item"),
        (user("a", displayName="another"), "duplicate_id"),
        (user("b", groups=[{"display": "no value"}]), "broken_item"),
        (user("b", x509Certificates=[{"value": "bm8gY2VydGlmaWNhdGU="}]), "broken_certificate"),
        (user("b", x509Certificates=[{"value": "%%%"}]), "broken_certificate"),
        ({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "403"}, "failed_request"),
    ],
)
def test_broken_resources_are_rejected_and_the_rest_is_read(resource: object, code: str) -> None:
    found = read(CONNECTOR, json.dumps([user("a"), resource]).encode())
    assert [one.code for one in found.of(Rejected)] == [code]
    assert "a" in found.accounts


def test_a_group_in_itself_is_only_told() -> None:
    found = read(CONNECTOR, json.dumps([group("g", "g"), group("h", "g")]).encode())
    assert found.inclusions == {("g", "g"), ("g", "h")}
    assert found.of(Grant) == []


def test_a_bulk_request_among_users_is_refused() -> None:
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}
    assert refused(CONNECTOR, json.dumps([user("a"), bulk]).encode()).code == "change"


@pytest.mark.parametrize(("data", "code"), NOT_THIS)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    assert refused(CONNECTOR, data).code == code


def test_it_knows_its_own_files_only() -> None:
    sniffs_only(CONNECTOR, MINE)


WORDS = st.sampled_from(
    [
        "id",
        "userName",
        "displayName",
        "members",
        "value",
        "groups",
        "type",
        "roles",
        "emails",
        "schemas",
        "meta",
        "resourceType",
        "active",
        "x509Certificates",
        "Resources",
        "totalResults",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["a", "User", "Group", "", "indirect", USER, LIST]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=15,
)


@settings(max_examples=100, deadline=None)
@given(value=st.lists(st.dictionaries(WORDS, VALUES, max_size=6), max_size=3))
def test_any_resource_is_read_or_refused(value: list[object]) -> None:
    try:
        found = read(CONNECTOR, json.dumps(value).encode())
    except Unreadable:
        return
    assert names_before_use(found)
