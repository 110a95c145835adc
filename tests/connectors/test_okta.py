"""Okta: the recorded sample and an organisation counted by hand, and what bare lists do not prove."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.connectors.okta import CONNECTOR
from accounts.connectors.records import Account, Credential, Entitlement, Rejected, Unreadable
from tests.connectors.api_reading import SAMPLES, Import, own, refusal, run, strangers

CASSETTE = SAMPLES / "saas-api-cassettes" / "okta.yaml"


@pytest.fixture(scope="module")
def org() -> Import:
    return run(CONNECTOR, own(CONNECTOR, "org.json"))


def user(key: str, **more: object) -> dict[str, Any]:
    return {
        "id": key,
        "status": "ACTIVE",
        "lastLogin": None,
        "profile": {"login": f"{key}@x.example"},
        **more,
    }


def test_the_recorded_sample() -> None:
    if not CASSETTE.is_file():
        pytest.skip("the samples are not beside this checkout")
    done = run(CONNECTOR, CASSETTE.read_bytes())
    # Two answers with 3 users and 1; the third has neither login nor mail and goes by its id.
    assert [(one.name, one.is_enabled, one.identity_kind) for one in done.of(Account)] == [
        ("alice@example.com", True, "human"),
        ("bob@example.com", False, "human"),
        ("00u3ccccccccccccc2h7", False, "human"),
        ("carol@example.com", False, "human"),
    ]
    alice = done.of(Account)[0]
    assert alice.created_at == datetime(2024, 1, 15, 10, tzinfo=UTC)
    assert alice.last_used_at == datetime(2026, 5, 20, 8, 30, tzinfo=UTC)
    assert done.rejected == []
    assert done.header.system_reference == "acme.okta.com"
    assert b"X-Rate-Limit" not in done.data
    assert CONNECTOR.sniff(CASSETTE.read_bytes()[:65536], "x") == 1.0
    # The headers lead from the first answer to the second and on to none, but applications are not there.
    assert not any("bare list" in note for note in done.header.notes)
    assert not done.header.is_full


def test_the_org_by_count(org: Import) -> None:
    # 4 users, 2 applications that sign in for themselves.
    assert len(org.of(Account)) == 6
    kinds = [one.kind for one in org.of(Entitlement)]
    # Super, read-only and custom role, and the help desk's for one group.
    assert (kinds.count("group"), kinds.count("role"), kinds.count("right")) == (3, 4, 3)
    assert org.rejected == [(51, "unknown_user")]
    assert org.header.system_reference == "nordhaven.okta.com"


@pytest.mark.parametrize(
    ("status", "is_enabled"),
    [
        ("ACTIVE", True),
        ("LOCKED_OUT", True),
        ("PASSWORD_EXPIRED", True),
        ("RECOVERY", True),
        ("PROVISIONED", True),
        ("STAGED", False),
        ("SUSPENDED", False),
        ("DEPROVISIONED", False),
        ("SOMETHING_NEW", None),
    ],
)
def test_a_status_says_whether_one_may_sign_in(status: str, is_enabled: bool | None) -> None:
    done = run(CONNECTOR, [user("a", status=status)])
    assert done.account("a").is_enabled is is_enabled


def test_people_and_machines(org: Import) -> None:
    ada = org.account("00uada")
    assert (ada.display_name, ada.employee_number, ada.identity_kind) == ("Ada Lind", "1001", "human")
    service = org.account("00usvc")
    assert (service.kind, service.identity_kind) == ("machine", "service")
    assert service.hints == (("purpose", "Pulls the system log"),)
    assert org.account("00ustg").identity_kind is None
    robot = org.account("0oasvc")
    assert (robot.identity_kind, robot.identity_key) == ("service", "Provisioning robot")
    assert robot.hints == (("purpose", "Creates accounts for HR"),)


def test_who_holds_what(org: Import) -> None:
    assert org.held == {
        ("00uada", "00gall"),
        ("00uben", "00gall"),
        ("00uada", "00gadm"),
        ("00uben", "role:HELP_DESK_ADMIN@r1"),
        ("00uben", "role:READ_ONLY_ADMIN"),
        ("00uben", "role:cr0deploy"),
        ("00uada", "app:0oaaws"),
    }
    # What comes through a group is left to the group.
    assert org.included == {("00gadm", "role:SUPER_ADMIN"), ("00gad", "app:0oaaws")}
    assert org.note("Admin roles of users that come through a group").endswith(": 1.")
    assert org.note("Assignments of applications that come through a group").endswith(": 1.")


@pytest.mark.parametrize(
    ("key", "is_privileged", "words"),
    [
        ("role:SUPER_ADMIN", True, "manages everything"),
        ("role:HELP_DESK_ADMIN@r1", True, "Limited to Everyone"),
        ("role:READ_ONLY_ADMIN", False, "changes nothing"),
        ("role:cr0deploy", None, ""),
        ("00gadm", True, "Through Super Administrator"),
        ("00gall", False, "Everybody is in it"),
        ("00gad", None, ""),
    ],
)
def test_rights_by_what_they_allow(org: Import, key: str, is_privileged: bool | None, words: str) -> None:
    right = org.right(key)
    assert right.is_privileged is is_privileged
    assert words in (right.because or "")


def test_where_a_group_is_left_and_how_an_application_lets_in(org: Import) -> None:
    assert org.right("00gad").removable_at == "on-premises Active Directory"
    assert org.right("00gadm").removable_at is None
    old = org.right("app:0oaold")
    assert old.marks == ("deprecated_auth",)
    assert "implicit, password" in (old.risk or "")


def test_credentials_are_told_by_what_is_public(org: Import) -> None:
    made = {(one.account, one.kind, one.fingerprint): one for one in org.of(Credential)}
    assert set(made) == {
        ("00uada", "password", "password"),
        ("0oasvc", "certificate", "key-2024"),
        ("0oaold", "secret", "client secret"),
        ("00usvc", "token", "00Tsiem"),
    }
    token = made["00usvc", "token", "00Tsiem"]
    assert token.expires_at == datetime(2026, 10, 20, tzinfo=UTC)
    assert "static secret" in (token.weakness or "")
    assert made["0oaold", "secret", "client secret"].is_slot


def test_no_secret_is_kept_and_lines_stay(org: Import) -> None:
    whole = own(CONNECTOR, "org.json")
    for secret in (b"Winter-2026!", b"First pet", b"Rex", b"9aVb7Tq2Wm4Xz8Lk", b"private-part", b"prime"):
        assert secret in whole
        assert secret not in org.data
        assert secret.decode() not in repr((org.header, org.records, org.admitted))
    assert org.data.count(b"\n") == whole.count(b"\n")
    assert org.cut == {"password": 1, "recovery_question": 1, "client_secret": 1, "d": 1, "p": 1}
    assert run(CONNECTOR, org.data).records == org.records


def test_bare_lists_do_not_prove_that_something_is_gone(org: Import) -> None:
    assert not org.header.is_full
    assert "header (Link)" in org.note("header")
    assert not run(
        CONNECTOR, own(CONNECTOR, "org.json"), {"complete": "yes"}
    ).header.is_full  # one was rejected
    whole: dict[str, list[dict[str, Any]]] = {"/api/v1/users": [user("a")], "/api/v1/apps": []}
    assert not run(CONNECTOR, whole).header.is_full
    done = run(CONNECTOR, whole, {"complete": "yes"})
    assert (done.header.is_full, done.header.covers) == (True, frozenset({"account"}))
    assert "filter=status" in done.note("No deactivated user")


def recording(*answers: tuple[str, object, str | None]) -> dict[str, object]:
    return {"pages": [
        {"method": "GET", "url": url, "status": 200, "next": following, "taken_at": None, "body": body}
        for url, body, following in answers
    ]}  # fmt: skip


def test_a_recording_with_its_headers_does() -> None:
    host = "https://x.okta.com/api/v1"
    first = (f"{host}/users?limit=1", [user("a")], f"{host}/users?after=a&limit=1")
    last = (f"{host}/users?after=a&limit=1", [user("b")], None)
    apps: tuple[str, object, None] = (f"{host}/apps", [], None)
    assert run(CONNECTOR, recording(first, last, apps)).header.is_full
    assert not run(CONNECTOR, recording(first, apps)).header.is_full
    assert not run(CONNECTOR, recording(last)).header.is_full


def test_other_wrappings_hold_the_same() -> None:
    rows = [user("a"), user("b")]
    for data in (
        json.dumps(rows).encode(),
        json.dumps(rows, indent=2).encode(),
        "\n".join(map(json.dumps, rows)).encode(),
        (json.dumps(rows[:1]) + "\n" + json.dumps(rows[1:])).encode(),
        json.dumps({"users": rows}).encode(),
        json.dumps({"/api/v1/users": rows}).encode(),
        json.dumps([rows[:1], rows[1:]]).encode(),
    ):
        assert [one.external_id for one in run(CONNECTOR, data).of(Account)] == ["a", "b"], data
    done = run(CONNECTOR, user("a"))
    assert [one.external_id for one in done.of(Account)] == ["a"]


def test_members_are_written_out_whole_and_so_are_known() -> None:
    group = {"id": "g", "type": "OKTA_GROUP", "profile": {"name": "G"}}
    done = run(CONNECTOR, {"groups": [group], "groupMembers": {"g": [user("a")]}})
    assert done.held == {("a", "g")}
    lost = run(CONNECTOR, {"groups": [group], "groupMembers": {"g": [{"id": "a"}], "other": [user("b")]}})
    assert sorted(code for _, code in lost.rejected) == ["unknown_group", "unknown_user"]


def test_roles_without_a_holder_are_asked_for() -> None:
    role = {"id": "r", "label": "Super Administrator", "type": "SUPER_ADMIN", "assignmentType": "USER"}
    done = run(CONNECTOR, [user("a"), role])
    assert [code for _, code in done.rejected] == ["unknown_holder"]
    assert "/api/v1/users/<id>/roles" in done.of(Rejected)[0].reason


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08", "not_text"),
        (b"name,login\na,b\n", "not_json"),
        (b'[{"id": "a", "status": ', "truncated"),
        (b"[]", "wrong_json"),
        (b'{"Contents": [{"a": 1}]}', "wrong_json"),
        (b'{"errorCode": "E0000011", "errorSummary": "Invalid token provided"}', "failed_request"),
        (b'[{"id": "a", "id": "b"}]', "duplicate_key"),
    ],
)
def test_what_is_not_this_format_is_refused(data: bytes, code: str) -> None:
    assert refusal(CONNECTOR, data).code == code


def test_the_content_tells_the_format_and_not_the_name() -> None:
    assert CONNECTOR.sniff(own(CONNECTOR, "org.json"), "x") == 1.0
    assert CONNECTOR.sniff(json.dumps([user("a")]).encode(), "x") == 0.9
    assert CONNECTOR.sniff(b"[]", "okta-users.json") == 0.0


@pytest.mark.parametrize("path", strangers("okta"), ids=lambda path: path.name)
def test_other_files_are_left_to_others(path: Path) -> None:
    assert CONNECTOR.sniff(path.read_bytes()[:65536], path.name) == 0.0


NAMES = st.sampled_from(
    [
        *(
            "id",
            "profile",
            "login",
            "credentials",
            "status",
            "type",
            "settings",
            "oauthClient",
            "jwks",
            "keys",
        ),
        *(
            "kid",
            "kty",
            "d",
            "grant_types",
            "_embedded",
            "targets",
            "groups",
            "/api/v1/groups/g/users",
            "url",
        ),
        *(
            "/api/v1/users/a/roles",
            "body",
            "next",
            "userId",
            "tokenWindow",
            "signOnMode",
            "client_id",
            "scope",
        ),
    ]
)
TEXTS = st.sampled_from(["a", "g", "OKTA_GROUP", "SUPER_ADMIN", "CUSTOM", "", "2026-01-01T00:00:00.000Z"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(value=VALUES)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        done = run(CONNECTOR, [value, user("a"), {"id": "g", "type": "OKTA_GROUP", "profile": {}}])
    except Unreadable:
        return
    assert "a" in {one.external_id for one in done.of(Account)}
    assert all(one.reason and len(one.excerpt) <= 200 for one in done.of(Rejected))
