"""GitLab: what its answers say of people, groups, projects, keys and tokens."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.connectors.gitlab import CONNECTOR
from accounts.connectors.records import Account, Credential, Grant, Rejected, Unreadable
from tests.connectors.saas_reading import NOT_THIS, names_before_use, own, read, refused, sample, sniffs_only

MINE = ("saas-api-cassettes/gitlab.yaml", "data/gitlab/instance.json")
DAY = datetime(2026, 12, 31, tzinfo=UTC)


def test_the_recorded_group() -> None:
    """One member of the group 12345, an owner (access_level 50)."""
    found = read(CONNECTOR, sample("saas-api-cassettes/gitlab.yaml"))
    assert found.of(Account) == [
        Account(
            external_id="1000001",
            name="jane.doe",
            line=2,
            display_name="Jane Doe",
            kind="personal",
            identity_kind="human",
            is_enabled=True,
        )
    ]
    assert found.of(Grant) == [Grant("1000001", "group/12345#50", 2)]
    owner = found.rights["group/12345#50"]
    assert (owner.name, owner.is_privileged, owner.marks) == ("Owner of 12345", True, ("admin", "iam_write"))
    assert found.counts == {
        "Account": 1,
        "Entitlement": 1,
        "Inclusion": 0,
        "Grant": 1,
        "Credential": 0,
        "Rejected": 0,
    }
    assert found.header.system_reference == "gitlab.com"
    assert found.header.taken_at == datetime(2026, 5, 8, 16, 39, 15, tzinfo=UTC)
    assert not found.header.is_full
    assert b"_cfuvid" not in found.data
    assert "set-cookie" in {cut.name for cut in found.admitted.cut}


def test_people_of_an_instance() -> None:
    found = read(CONNECTOR, own("gitlab/instance.json"))
    assert names_before_use(found)
    people = {key: one for key, one in found.accounts.items() if key.isdigit()}
    assert {one.name: (one.identity_kind, one.is_enabled) for one in people.values()} == {
        "root": ("human", True),
        "dkovac": ("human", True),
        "gone": ("human", False),
        "project_51_bot_4ffca233d8298ea1": ("bot", True),
    }
    assert people["1"].last_used_at == datetime(2026, 9, 30, tzinfo=UTC)  # the later of two
    assert ("1", "instance#admin") in found.grants
    assert found.credential("1", "password").weakness == "Signs in without a second factor"
    # Signs in elsewhere, so that a second factor is not GitLab's to ask for.
    assert found.credential("2", "saml: dana.kovac@example.com").kind == "federated"
    assert [one.fingerprint for one in found.of(Credential) if one.account == "2"] == [
        "saml: dana.kovac@example.com",
        "personal access token 5",
    ]


def test_members_and_what_their_level_brings() -> None:
    found = read(CONNECTOR, own("gitlab/instance.json"))
    members = [
        one
        for one in found.of(Grant)
        if one.entitlement.startswith(("group/", "project/")) and one.account.isdigit()
    ]
    assert [(one.account, one.entitlement, one.ends_at) for one in members] == [
        ("2", "group/10#50", None),
        # dkovac in nordhaven/payments is the same person by nordhaven above it.
        ("3", "group/11#30", DAY),
        ("1", "group/20#40", None),
        ("90", "project/51#40", datetime(2026, 10, 1, tzinfo=UTC)),
    ]
    assert found.inclusions == {
        ("group/10#50", "group/11#50"),
        ("group/11#50", "project/51#50"),
        ("group/11#30", "project/51#30"),
        # Contractors were invited to the project as developers: a maintainer there is a developer here.
        ("group/20#40", "project/51#30"),
    }
    assert found.rights["project/51#40"].is_privileged
    assert found.rights["project/51#30"].is_privileged is False


def test_an_invited_group_brings_its_levels_to_the_groups_below() -> None:
    groups = [
        {
            "id": 1,
            "full_path": "a",
            "parent_id": None,
            "visibility": "private",
            "shared_with_groups": [{"group_id": 3, "group_full_path": "c", "group_access_level": 20}],
        },
        {"id": 2, "full_path": "a/b", "parent_id": 1, "visibility": "private"},
        {"id": 3, "full_path": "c", "parent_id": 2, "visibility": "private"},
    ]
    found = read(CONNECTOR, json.dumps({"groups": groups}).encode())
    # The levels of c are not in the file, so at least the one of the invitation; a circle ends.
    assert found.inclusions == {
        ("group/3#20", "group/1#20"),
        ("group/1#20", "group/2#20"),
        ("group/2#20", "group/3#20"),
    }
    assert names_before_use(found)


@pytest.mark.parametrize(
    ("account", "fingerprint", "facts"),
    [
        (
            "1",
            "personal access token 4",
            {
                "is_active": True,
                "expires_at": None,
                "last_used_at": datetime(2021, 10, 6, 17, 58, 37, 550000, UTC),
            },
        ),
        (
            "2",
            "personal access token 5",
            {"is_active": False, "expires_at": datetime(2020, 7, 23, tzinfo=UTC)},
        ),
        (
            "90",
            "project access token 42",
            {"is_active": True, "expires_at": datetime(2026, 10, 1, tzinfo=UTC)},
        ),
        ("deploy-key/8", "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA", {"kind": "ssh_key"}),
        ("deploy-token/6", "deploy token 6", {"kind": "token", "is_active": True}),
        (
            "ci/project/51",
            "DB_PASSWORD (production)",
            {
                "kind": "secret",
                "storage": "GitLab CI/CD variable",
                "weakness": "Not masked, so job logs may show it",
            },
        ),
    ],
)
def test_credentials(account: str, fingerprint: str, facts: dict[str, object]) -> None:
    one = read(CONNECTOR, own("gitlab/instance.json")).credential(account, fingerprint)
    assert {name: getattr(one, name) for name in facts} == facts


def test_scopes_of_tokens_that_work() -> None:
    found = read(CONNECTOR, own("gitlab/instance.json"))
    scopes = {(account, right) for account, right in found.grants if right.startswith("token-scope/")}
    # The revoked token of dkovac gives nothing any more.
    assert scopes == {
        ("1", "token-scope/api"),
        ("1", "token-scope/sudo"),
        ("90", "token-scope/write_repository"),
    }
    assert found.rights["token-scope/sudo"].marks == ("impersonate",)
    assert found.rights["token-scope/api"].is_privileged
    assert found.rights["token-scope/write_repository"].is_privileged is False


def test_machines_reach_their_project_only() -> None:
    found = read(CONNECTOR, own("gitlab/instance.json"))
    assert ("deploy-key/8", "project/51#push") in found.grants
    assert ("deploy-token/6", "project/51#read_registry") in found.grants
    assert found.accounts["deploy-token/6"].expires_at == datetime(2026, 12, 1, tzinfo=UTC)


def test_secrets_are_cut() -> None:
    found = read(CONNECTOR, own("gitlab/instance.json"))
    for secret in (b"hunter2", b"s3cr3tRunners", b"eu-north-1"):
        assert secret in own("gitlab/instance.json")
        assert secret not in found.data
    assert found.data.count(b"\n") == own("gitlab/instance.json").count(b"\n")
    assert "runners_token" in {cut.name for cut in found.admitted.cut}


def recording(*pages: tuple[str, object]) -> bytes:
    made = [{"url": f"https://git.example.com/api/v4/{path}", "body": body} for path, body in pages]
    return json.dumps({"pages": made}).encode()


USER = {"id": 1, "username": "a", "state": "active", "access_level": 30}
WHOLE: tuple[tuple[str, Any], ...] = (
    ("users", [USER]),
    ("groups", [{"id": 5, "full_path": "g", "parent_id": None, "visibility": "private"}]),
    ("projects", []),
    ("groups/5/members", [USER]),
    ("personal_access_tokens", []),
    ("deploy_keys", []),
)


def test_a_recording_of_everything_is_full() -> None:
    found = read(CONNECTOR, recording(*WHOLE))
    assert found.header.is_full
    assert found.header.system_reference == "git.example.com"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (recording(*WHOLE[1:]), "no list of users"),
        (recording(*WHOLE[:3], *WHOLE[4:]), "members of g"),
        (recording(*WHOLE, ("users?search=a", [USER])), "asked for with search"),
        (recording(*WHOLE, ("projects/1/variables", [{}])), "could not be read"),
    ],
)
def test_a_part_proves_no_absence(data: bytes, words: str) -> None:
    header = read(CONNECTOR, data).header
    assert not header.is_full
    assert any(words in note for note in header.notes)


def test_members_without_their_group_are_told() -> None:
    found = read(CONNECTOR, json.dumps([USER]).encode())
    assert [one.code for one in found.of(Rejected)] == ["unknown_place"]
    assert [one.name for one in found.of(Account)] == ["a"]


@pytest.mark.parametrize(("data", "code"), NOT_THIS)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    assert refused(CONNECTOR, data).code == code


def test_it_knows_its_own_files_only() -> None:
    sniffs_only(CONNECTOR, MINE)


WORDS = st.sampled_from(
    [
        "id",
        "username",
        "access_level",
        "scopes",
        "user_id",
        "key",
        "title",
        "full_path",
        "parent_id",
        "shared_with_groups",
        "group_id",
        "group_access_level",
        "namespace",
        "name",
        "member_role",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "g/h", "2026-99-99", "", "api"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=15,
)


@settings(max_examples=80, deadline=None)
@given(
    body=VALUES,
    path=st.sampled_from(
        [
            "users",
            "groups",
            "projects",
            "groups/1/members",
            "projects/1/access_tokens",
            "deploy_keys",
            "personal_access_tokens",
            "projects/1/variables",
        ]
    ),
)
def test_any_answer_is_read_or_refused(body: object, path: str) -> None:
    try:
        found = read(CONNECTOR, recording((path, body)))
    except Unreadable:
        return
    assert names_before_use(found)
