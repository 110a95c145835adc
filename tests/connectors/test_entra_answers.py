"""Entra ID: the shapes in which answers are saved, what they prove, and what is refused."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.connectors.entra import CONNECTOR
from accounts.connectors.records import Account, Grant, Rejected, Unreadable
from tests.connectors.api_reading import own, refusal, run, strangers

GLOBAL = "62e90394-69f5-4237-9190-012177145e10"
CONTEXT = "https://graph.microsoft.com/v1.0/$metadata#"


def users(*rows: dict[str, Any], **envelope: object) -> dict[str, Any]:
    return {"@odata.context": f"{CONTEXT}users", **envelope, "value": list(rows)}


def user(key: str, **more: object) -> dict[str, Any]:
    return {"id": key, "userPrincipalName": f"{key}@x.example", "accountEnabled": True, **more}


def test_the_same_answers_in_other_wrappings() -> None:
    rows = [user("a"), user("b", accountEnabled=False)]
    wanted = {("a", True), ("b", False)}
    pascal = [{"Id": one["id"], "UserPrincipalName": one["userPrincipalName"],
               "AccountEnabled": one["accountEnabled"]} for one in rows]  # fmt: skip
    page = users(*rows)
    for data in (
        json.dumps(page).encode(),
        json.dumps(page, indent=4).encode().replace(b"\n", b"\r\n"),
        json.dumps(rows).encode(),
        b"\xef\xbb\xbf" + json.dumps(rows, indent=1).encode(),
        json.dumps(page).encode("utf-16"),
        "\n".join(map(json.dumps, rows)).encode(),
        "\n".join(json.dumps(one, indent=2) for one in rows).encode(),
        json.dumps({"users": rows}).encode(),
        json.dumps({"users": page}).encode(),
        json.dumps([users(rows[0]), users(rows[1])]).encode(),
        (json.dumps(users(rows[0])) + json.dumps(users(rows[1]))).encode(),
        json.dumps({"responses": [{"id": "1", "status": 200, "body": page}]}).encode(),
        json.dumps({"https://graph.microsoft.com/v1.0/users?$top=2": page}).encode(),
        json.dumps({"url": "https://graph.microsoft.com/v1.0/users", "body": page}).encode(),
        json.dumps(pascal).encode(),
    ):
        done = run(CONNECTOR, data)
        assert {(one.external_id, one.is_enabled) for one in done.of(Account)} == wanted, data
        assert done.rejected == []
    assert [one.external_id for one in run(CONNECTOR, users(rows[0])["value"][0]).of(Account)] == ["a"]


def test_members_are_found_however_they_are_saved() -> None:
    group = {"id": "g", "displayName": "G", "groupTypes": [], "securityEnabled": True}
    member = {"@odata.type": "#microsoft.graph.user", "id": "a"}
    for bundle in (
        {"groups": [group], "groupMembers": {"g": [member]}},
        {"groups": [{**group, "members": [member]}]},
        {"groups": [group], "/groups/g/members": {"value": [member]}},
        {
            "groups": [group],
            "https://graph.microsoft.com/beta/groups/g/members/microsoft.graph.user": [member],
        },
    ):
        done = run(CONNECTOR, {"users": [user("a")], **bundle})
        assert done.held == {("a", "g")}, bundle
        assert done.rejected == []


def test_directory_roles_with_their_members() -> None:
    role = {"id": "r", "roleTemplateId": GLOBAL, "displayName": "Global Administrator"}
    lists = {"users": [user("a")], "directoryRoles": [role], "/directoryRoles/r/members": [{"id": "a"}]}
    done = run(CONNECTOR, lists)
    assert done.held == {("a", GLOBAL)}
    assert done.right(GLOBAL).is_privileged


def test_a_schedule_says_when_it_ends() -> None:
    schedule = {
        "id": "s", "principalId": "a", "roleDefinitionId": GLOBAL, "directoryScopeId": "/",
        "assignmentType": "Assigned", "memberType": "Direct", "status": "Provisioned",
        "scheduleInfo": {"startDateTime": "2026-01-01T00:00:00Z",
                         "expiration": {"type": "afterDateTime", "endDateTime": "2026-02-01T00:00:00Z"}},
    }  # fmt: skip
    done = run(CONNECTOR, {"users": [user("a")], "roleAssignmentSchedules": [schedule]})
    assert done.grant("a", GLOBAL).ends_at == datetime(2026, 2, 1, tzinfo=UTC)
    assert done.right(GLOBAL).name == "Global Administrator"


def test_whoever_is_expanded_is_known() -> None:
    assignment = {
        "id": "x", "principalId": "z", "roleDefinitionId": GLOBAL, "directoryScopeId": "/",
        "principal": {"@odata.type": "#microsoft.graph.servicePrincipal", "id": "z", "displayName": "Robot"},
        "roleDefinition": {"id": GLOBAL, "displayName": "Global Administrator", "isBuiltIn": True},
    }  # fmt: skip
    done = run(CONNECTOR, [assignment])
    assert (done.account("z").name, done.account("z").kind) == ("Robot", "machine")
    assert done.held == {("z", GLOBAL)}


def test_groups_in_a_circle_are_inclusions() -> None:
    def group(key: str, member: str) -> dict[str, Any]:
        return {"id": key, "displayName": key, "securityEnabled": True,
                "members": [{"@odata.type": "#microsoft.graph.group", "id": member}]}  # fmt: skip

    eligible = {"id": "e", "principalId": "g", "roleDefinitionId": GLOBAL, "memberType": "Direct",
                "roleEligibilityScheduleId": "s"}  # fmt: skip
    done = run(CONNECTOR, {"groups": [group("g", "h"), group("h", "g")], "eligible": [eligible]})
    assert done.included == {("g", "h"), ("h", "g")}
    assert "of which the file names no members: 1" in done.note("Eligible assignments")


def test_full_is_only_what_is_proven() -> None:
    whole = {
        "/v1.0/users": users(user("a")),
        "/v1.0/servicePrincipals": {"@odata.context": f"{CONTEXT}servicePrincipals", "value": []},
    }
    done = run(CONNECTOR, whole)
    assert done.header.is_full
    assert done.header.covers == {"account"}
    # Users alone do not prove that a service principal is gone.
    assert not run(CONNECTOR, users(user("a"))).header.is_full


@pytest.mark.parametrize(
    ("pages", "is_full", "words"),
    [
        ({"/v1.0/users": users(user("a"), **{"@odata.nextLink": "https://g/v1.0/users?$skiptoken=2"})}, False,
         "a page follows"),
        ({"/v1.0/users": users(user("a"), **{"@odata.nextLink": "https://g/v1.0/users?$skiptoken=2"}),
          "/v1.0/users?$skiptoken=2": users(user("b"))}, True, ""),
        ({"/v1.0/users?$filter=accountEnabled": users(user("a"))}, False, "$filter"),
        ({"users": [user("a")]}, False, "bare list"),
    ],
)  # fmt: skip
def test_pages_that_lead_on(pages: dict[str, Any], is_full: bool, words: str) -> None:
    machines = {"@odata.context": f"{CONTEXT}servicePrincipals", "value": []}
    done = run(CONNECTOR, {**pages, "/v1.0/servicePrincipals": machines})
    assert done.header.is_full is is_full
    if words:
        assert done.note(words)


def test_joined_pages_need_a_word_of_the_source() -> None:
    machines = {"@odata.context": f"{CONTEXT}servicePrincipals", "value": []}
    joined = [users(user("a"), **{"@odata.nextLink": "https://g/v1.0/users?$skiptoken=2"}), users(user("b")),
              machines]  # fmt: skip
    assert not run(CONNECTOR, joined).header.is_full
    assert run(CONNECTOR, joined, {"complete": "yes"}).header.is_full
    assert not run(CONNECTOR, [*joined[:1], machines], {"complete": "yes"}).header.is_full
    assert not run(CONNECTOR, [*joined[1:]], {"complete": "no"}).header.is_full


def test_members_without_their_group_are_asked_for() -> None:
    lost = {"@odata.context": f"{CONTEXT}directoryObjects", "value": [{"id": "a"}]}
    done = run(CONNECTOR, [users(user("a")), lost])
    assert [code for _, code in done.rejected] == ["unknown_parent"]
    assert "/groups/<id>/members" in done.of(Rejected)[0].reason


def test_a_failed_request_is_no_empty_list() -> None:
    batch = {"responses": [
        {"id": "1", "status": 200, "body": users(user("a"))},
        {"id": "2", "status": 403, "body": {"error": {"code": "Denied", "message": "x"}}},
    ]}  # fmt: skip
    done = run(CONNECTOR, batch)
    assert [code for _, code in done.rejected] == ["failed_request"]
    assert not done.header.is_full
    refused = refusal(CONNECTOR, {"error": {"code": "Authorization_RequestDenied", "message": "No"}})
    assert refused.code == "failed_request"


def test_duplicates_count_once_and_differences_are_told() -> None:
    done = run(
        CONNECTOR, {"users": [user("a"), user("a"), user("a", accountEnabled=False)] + [user("b")] * 5}
    )
    assert [one.external_id for one in done.of(Account)] == ["a", "b"]
    assert [code for _, code in done.rejected] == ["duplicate_id"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not_text"),
        (b"dn: uid=x\n", "not_json"),
        (b'{"value": [', "truncated"),
        (json.dumps(users(user("a")), indent=1).encode()[:-9], "truncated"),
        (json.dumps(users(user("a"))).encode()[:-9], "truncated"),
        (b'{"id": "a", "id": "b"}', "duplicate_key"),
        (b'[{"id": NaN}]', "not_json"),
        (b'[{"id": "\\u0000"}]', "nul"),
        (b'[{"id": "\\ud800"}]', "nul"),
        (b'[{"id": ' + b"9" * 5000 + b"}]", "not_json"),
        (b'{"value": ' + b"[" * 100_000, "too_deep"),
        (b"[]", "wrong_json"),
        (b'{"Contents": []}', "wrong_json"),
        (b'{"UserDetailList": [{"UserName": "x"}]}', "wrong_json"),
        (b'[{"id": 1}] trailing', "not_json"),
        ("[{“id”: 1}]".encode("cp1252"), "wrong_encoding"),
    ],
)
def test_what_is_not_this_format_is_refused(data: bytes, code: str) -> None:
    assert refusal(CONNECTOR, data).code == code


def test_a_file_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.connectors.api.admit.LIMIT", 100)
    monkeypatch.setattr("accounts.connectors.entra.LIMIT", 100)
    assert refusal(CONNECTOR, users(*(user(str(n)) for n in range(9)))).code == "too_large"


def test_names_are_data_whatever_they_are() -> None:
    hostile = "\u202eevil\u2028=cmd|' /C calc'!A0<script>\x1b[31m__proto__"
    done = run(
        CONNECTOR, {"users": [user("a", displayName=hostile), {"id": "__proto__", "userPrincipalName": "p"}]}
    )
    assert done.account("a").display_name == hostile
    assert done.account("__proto__").name == "p"
    long = run(CONNECTOR, {"users": [user("a", userPrincipalName="x" * 1_000_000)]})
    assert [code for _, code in long.rejected] == ["name_too_long"]
    assert all(len(one.excerpt) <= 200 for one in long.of(Rejected))


def test_the_content_tells_the_format_and_not_the_name() -> None:
    assert CONNECTOR.sniff(own(CONNECTOR, "tenant.json"), "x") == 1.0
    assert CONNECTOR.sniff(json.dumps([user("a")]).encode(), "x") == 0.9
    assert CONNECTOR.sniff(json.dumps([user("a")]).encode("utf-16"), "x") == 0.9
    assert CONNECTOR.sniff(b"{}", "entra-users.json") == 0.0


@pytest.mark.parametrize("path", strangers("entra"), ids=lambda path: path.name)
def test_other_files_are_left_to_others(path: Path) -> None:
    assert CONNECTOR.sniff(path.read_bytes()[:65536], path.name) == 0.0


def test_random_text_is_nothing() -> None:
    words = random.Random(7)
    for _ in range(50):
        assert CONNECTOR.sniff(bytes(words.randrange(32, 127) for _ in range(400)), "x") == 0.0


NAMES = st.sampled_from(
    [
        *(
            "id",
            "value",
            "users",
            "groups",
            "members",
            "/v1.0/groups/g/members",
            "@odata.type",
            "appId",
            "owners",
        ),
        *("@odata.context", "@odata.nextLink", "passwordCredentials", "keyId", "principalId", "appRoleId"),
        *("roleDefinitionId", "directoryScopeId", "servicePrincipalType", "appRoles", "scope", "consentType"),
        *(
            "clientId",
            "resourceId",
            "issuer",
            "subject",
            "scheduleInfo",
            "memberType",
            "body",
            "status",
            "url",
        ),
        *("signInActivity", "claimsMatchingExpression", "customKeyIdentifier", "keyCredentials", "groupId"),
    ]
)
TEXTS = st.sampled_from(
    [
        "a",
        "g",
        "",
        "2026-01-01T00:00:00Z",
        f"{CONTEXT}users",
        "#microsoft.graph.group",
        "Direct",
        "*",
        "==",
        GLOBAL,
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(value=VALUES)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        done = run(CONNECTOR, [value, user("a"), {"id": "g", "groupTypes": []}])
    except Unreadable:
        return
    assert "a" in {one.external_id for one in done.of(Account)}
    assert all(one.reason and len(one.excerpt) <= 200 for one in done.of(Rejected))
    assert all(one.starts_at is None or one.starts_at.tzinfo for one in done.of(Grant))
