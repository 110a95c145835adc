"""Google Workspace: a customer counted by hand, nested groups, tokens, app passwords, what is proven."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.connectors.google_workspace import CONNECTOR
from accounts.connectors.records import Account, Credential, Entitlement, Rejected, Unreadable
from tests.connectors.api_reading import Import, own, refusal, run, strangers


@pytest.fixture(scope="module")
def customer() -> Import:
    return run(CONNECTOR, own(CONNECTOR, "customer.json"))


def user(key: str, **more: object) -> dict[str, Any]:
    return {"kind": "admin#directory#user", "id": key, "primaryEmail": f"{key}@x.example", **more}


def page(name: str, *rows: dict[str, Any], **more: object) -> dict[str, Any]:
    key = name if name in ("users", "groups", "members") else "items"
    return {"kind": f"admin#directory#{name}", **more, key: list(rows)}


def test_the_customer_by_count(customer: Import) -> None:
    # 3 users, a guest and a service account from a group, 2 applications.
    assert len(customer.of(Account)) == 7
    # 3 groups and everybody; 3 roles and one of them for a unit; 4 scopes and one group to manage.
    assert Counter(one.kind for one in customer.of(Entitlement)) == {"group": 4, "role": 4, "right": 5}
    assert Counter(one.kind for one in customer.of(Credential)) == {"ssh_key": 1, "token": 1, "password": 1}
    assert customer.rejected == [(47, "unknown_holder")]
    assert customer.header.system_reference == "C0nord"


def test_people_and_machines(customer: Import) -> None:
    ada, ben, scanner = customer.account("100"), customer.account("101"), customer.account("102")
    assert (ada.employee_number, ada.identity_kind, ada.is_enabled) == ("1001", "human", True)
    assert ada.last_used_at == datetime(2026, 3, 1, 7, tzinfo=UTC)
    # 1970 is how Google writes never.
    assert (ben.last_used_at, ben.last_used_source) == (None, None)
    assert (scanner.kind, scanner.identity_kind, scanner.is_enabled) == ("machine", "service", False)
    assert (customer.account("900").email, customer.account("900").identity_kind) == (
        "kim@lumen.example",
        None,
    )
    assert customer.account("901").identity_kind == "service"
    merge = customer.account("app:55.apps.googleusercontent.com")
    assert (merge.name, merge.identity_kind) == ("Mail merge", "integration")


def test_who_holds_what(customer: Import) -> None:
    people = {pair for pair in customer.held if not pair[0].startswith("app:")}
    assert people == {
        ("100", "g1"),
        ("100", "g1#manager"),
        ("900", "g1"),
        ("901", "g2"),
        ("100", "everybody"),
        ("101", "everybody"),
        ("102", "everybody"),
        ("100", "role:1"),
        ("101", "role:2@ou-staff"),
    }
    assert customer.included == {("g2", "g1"), ("everybody", "g2"), ("g1", "role:2")}
    mail = "scope:https://mail.google.com/ in the name of people who agreed"
    assert ("app:55.apps.googleusercontent.com", mail) in customer.held
    assert ("app:1122", "scope:https://www.googleapis.com/auth/drive as anybody") in customer.held


@pytest.mark.parametrize(
    ("key", "is_privileged", "words"),
    [
        ("role:1", True, "manages everything"),
        ("role:2", True, "resets passwords"),
        ("role:2@ou-staff", True, "Limited to the organisational unit ou-staff"),
        ("role:3", False, "No privilege of this role"),
        ("g1", True, "Through Password desk"),
        ("g2", True, "Through admins@nordhaven.example"),
        ("everybody", True, "Through all@nordhaven.example"),
        ("g3", None, ""),
        ("scope:https://mail.google.com/ in the name of people who agreed", True, "sends and deletes mail"),
        ("scope:https://www.googleapis.com/auth/drive as anybody", True, "as anybody, without asking"),
        ("scope:openid in the name of people who agreed", False, "only tells who signed in"),
    ],
)
def test_rights_by_what_they_allow(
    customer: Import, key: str, is_privileged: bool | None, words: str
) -> None:
    right = customer.right(key)
    assert right.is_privileged is is_privileged
    assert words in (right.because or "")


def test_credentials_are_told_by_what_is_public(customer: Import) -> None:
    made = {one.kind: one for one in customer.of(Credential)}
    password = made["password"]
    assert (password.account, password.weakness, password.is_slot) == ("101", "app password", True)
    assert password.created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert password.last_used_at is None
    assert (made["token"].account, made["token"].fingerprint) == ("101", "55.apps.googleusercontent.com")
    assert made["ssh_key"].expires_at == datetime(2027, 1, 1, tzinfo=UTC)


def test_no_secret_is_kept_and_lines_stay(customer: Import) -> None:
    whole = own(CONNECTOR, "customer.json")
    assert b"hunter2" in whole
    assert b"hunter2" not in customer.data
    assert customer.cut == {"password": 1, "hashFunction": 1}
    assert customer.data.count(b"\n") == whole.count(b"\n")
    assert run(CONNECTOR, customer.data).records == customer.records


def test_administrators_are_known_without_assignments() -> None:
    done = run(CONNECTOR, page("users", user("a", isAdmin=True), user("b", isDelegatedAdmin=True), user("c")))
    assert done.held == {("a", "role:super-admin"), ("b", "role:delegated-admin")}
    assert done.right("role:super-admin").is_privileged is True
    assert done.right("role:super-admin").reach == "console"
    assert done.right("role:delegated-admin").is_privileged is None


@pytest.mark.parametrize(
    ("state", "is_enabled"),
    [
        ({"suspended": False}, True),
        ({"suspended": True}, False),
        ({"suspended": False, "archived": True}, False),
        ({}, None),
    ],
)
def test_suspended_and_archived_users_may_not_sign_in(
    state: dict[str, bool], is_enabled: bool | None
) -> None:
    assert run(CONNECTOR, page("users", user("a", **state))).account("a").is_enabled is is_enabled


def test_a_group_tells_when_members_are_missing() -> None:
    group = {"kind": "admin#directory#group", "id": "g", "email": "g@x.example", "directMembersCount": "2"}
    member = {"kind": "admin#directory#member", "id": "a", "role": "MEMBER", "type": "USER"}
    base = {"/v1/users": page("users", user("a")), "/v1/groups": page("groups", group)}
    done = run(CONNECTOR, {**base, "/v1/groups/g@x.example/members": page("members", member)})
    assert done.held == {("a", "g")}
    assert done.note("not all in the file: 1")
    other = {**member, "id": "b", "email": "b@y.example"}
    whole = run(CONNECTOR, {**base, "/v1/groups/g@x.example/members": page("members", member, other)})
    assert not any("not all in the file" in note for note in whole.header.notes)


def test_members_without_their_group_are_asked_for() -> None:
    member = {"kind": "admin#directory#member", "id": "a", "role": "MEMBER", "type": "USER"}
    done = run(CONNECTOR, [page("users", user("a")), page("members", member)])
    assert [code for _, code in done.rejected] == ["unknown_parent"]
    assert "/groups/<group>/members" in done.of(Rejected)[0].reason


def test_the_user_of_a_token_may_stand_in_the_address() -> None:
    token = {"kind": "admin#directory#token", "clientId": "c", "displayText": "App", "scopes": ["openid"]}
    bundle = {"users": [user("a")], "/users/a@x.example/tokens": page("tokenList", token)}
    assert ("a", "token", "c") in {
        (one.account, one.kind, one.fingerprint) for one in run(CONNECTOR, bundle).of(Credential)
    }
    lost = run(CONNECTOR, {"users": [user("a")], "tokens": [{**token, "userKey": "nobody"}]})
    assert [code for _, code in lost.rejected] == ["unknown_user"]


def test_full_is_only_what_is_proven() -> None:
    tokens = {"/v1/users/a/tokens": page("tokenList")}
    done = run(CONNECTOR, {"/v1/users": page("users", user("a")), **tokens})
    assert (done.header.is_full, done.header.covers) == (True, frozenset({"account"}))
    more = {"/v1/users": page("users", user("a"), nextPageToken="t"), **tokens}
    assert not run(CONNECTOR, more).header.is_full
    both = {**more, "/v1/users?pageToken=t": page("users", user("b"))}
    assert run(CONNECTOR, both).header.is_full
    part = {"/v1/users?query=orgUnitPath=/Staff": page("users", user("a")), **tokens}
    assert not run(CONNECTOR, part).header.is_full


def test_other_wrappings_hold_the_same() -> None:
    rows = [user("a"), user("b")]
    bare = [{key: value for key, value in {**one, "isAdmin": False}.items() if key != "kind"} for one in rows]
    for data in (
        json.dumps(page("users", *rows)).encode(),
        json.dumps(page("users", *rows), indent=2).encode(),
        json.dumps(rows).encode(),
        "\n".join(map(json.dumps, bare)).encode(),
        json.dumps({"users": bare}).encode(),
        (json.dumps(page("users", rows[0])) + "\n" + json.dumps(page("users", rows[1]))).encode(),
    ):
        assert [one.external_id for one in run(CONNECTOR, data).of(Account)] == ["a", "b"], data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"PK\x03\x04", "not_text"),
        (b"primaryEmail,name\na@x,b\n", "not_json"),
        (b'{"kind": "admin#directory#users", "users": [', "truncated"),
        (b"[]", "wrong_json"),
        (b'{"Contents": [{"a": 1}]}', "wrong_json"),
        (b'{"error": {"code": 403, "message": "Not Authorized", "errors": []}}', "failed_request"),
    ],
)
def test_what_is_not_this_format_is_refused(data: bytes, code: str) -> None:
    assert refusal(CONNECTOR, data).code == code


def test_the_content_tells_the_format_and_not_the_name() -> None:
    assert CONNECTOR.sniff(own(CONNECTOR, "customer.json"), "x") == 1.0
    assert CONNECTOR.sniff(b'[{"primaryEmail": "a@x", "isAdmin": true}]', "x") == 0.9
    assert CONNECTOR.sniff(b"[]", "google_workspace.json") == 0.0


@pytest.mark.parametrize("path", strangers("google_workspace"), ids=lambda path: path.name)
def test_other_files_are_left_to_others(path: Path) -> None:
    assert CONNECTOR.sniff(path.read_bytes()[:65536], path.name) == 0.0


NAMES = st.sampled_from(
    [
        *(
            "kind",
            "id",
            "users",
            "groups",
            "members",
            "items",
            "primaryEmail",
            "email",
            "role",
            "type",
            "roleId",
        ),
        *("assignedTo", "scopeType", "orgUnitId", "clientId", "scopes", "userKey", "codeId", "creationTime"),
        *("/groups/g/members", "tokens", "asps", "externalIds", "name", "sshPublicKeys", "rolePrivileges"),
    ]
)
TEXTS = st.sampled_from(
    ["a", "g", "GROUP", "CUSTOMER", "", "admin#directory#member", "admin#directory#users", "9999999999999999"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(value=VALUES)
def test_any_json_is_read_or_refused(value: object) -> None:
    group = {"kind": "admin#directory#group", "id": "g", "email": "g@x.example"}
    try:
        done = run(CONNECTOR, [value, user("a"), group])
    except Unreadable:
        return
    assert "a" in {one.external_id for one in done.of(Account)}
    assert all(one.reason and len(one.excerpt) <= 200 for one in done.of(Rejected))
