"""GitHub: what its answers say of people, teams, repositories and machines."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.connectors.github import CONNECTOR
from accounts.connectors.github.rights import ssh_key
from accounts.connectors.records import Account, Credential, Grant, Inclusion, Rejected, Unreadable
from tests.connectors.saas_reading import NOT_THIS, names_before_use, own, read, refused, sample, sniffs_only

MINE = (
    "samples/github/get-organization.json",
    "saas-api-cassettes/github.yaml",
    "data/github/organization.json",
    "data/github/graphql.json",
)


def test_the_recorded_members() -> None:
    """One member, an owner by the membership; nobody without a second factor."""
    found = read(CONNECTOR, sample("saas-api-cassettes/github.yaml"))
    assert found.of(Account) == [
        Account(
            external_id="100001",
            name="jdoe",
            line=5,
            display_name="Jane Doe",
            kind="personal",
            identity_kind="human",
            created_at=datetime(2009, 5, 6, 20, 34, 11, tzinfo=UTC),
        )
    ]
    assert found.of(Grant) == [Grant("100001", "org/acme-corp#admin", 4)]
    assert found.rights["org/acme-corp#admin"].is_privileged
    assert found.counts == {
        "Account": 1,
        "Entitlement": 1,
        "Inclusion": 0,
        "Grant": 1,
        "Credential": 0,
        "Rejected": 0,
    }
    assert found.header.system_reference == "acme-corp"
    assert found.header.taken_at == datetime(2026, 3, 26, 13, 20, 24, tzinfo=UTC)
    assert not found.header.is_full  # no teams, no collaborators, no apps
    assert read(CONNECTOR, sample("saas-api-cassettes/github.yaml"), {"complete": "yes"}).header.is_full


def test_the_recorded_organization() -> None:
    """Every member reads every repository; nobody is named."""
    found = read(CONNECTOR, sample("github/get-organization.json"))
    org = "org/octokit-fixture-org"
    assert set(found.rights) == {f"{org}#member", f"{org}#base-read"}
    assert found.inclusions == {(f"{org}#member", f"{org}#base-read")}
    assert found.of(Account) == []
    assert found.header.system_reference == "octokit-fixture-org"
    assert any("does not require a second factor" in note for note in found.header.notes)
    assert b"0000000000000000000000000000000000000001" not in found.data  # the token of the request


def test_people_and_teams_of_an_organization() -> None:
    found = read(CONNECTOR, own("github/organization.json"))
    assert names_before_use(found)
    org = "org/nordhaven"
    people = {one.name: (key, one.identity_kind) for key, one in found.accounts.items() if key.isdigit()}
    assert people == {
        "aiko-t": ("101", "human"),
        "dkovac": ("102", "human"),
        "rmendes": ("103", "human"),
        "build-bot[bot]": ("104", "bot"),
        "lea-contract": ("201", "human"),
    }
    assert found.accounts["102"].email == "dana.kovac@example.com"
    assert [pair for pair in found.grants if pair[0] in ("101", "102", "103", "104", "201")] == [
        ("101", f"{org}#admin"),
        ("102", f"{org}#member"),
        ("103", f"{org}#member"),
        ("104", f"{org}#member"),
        ("201", f"{org}#outside"),
        ("102", "team/11"),
        # GitHub lists rmendes for Platform too, because SRE is below it.
        ("103", "team/12"),
        ("103", "team/12#maintainer"),
        ("201", "repo/902#push"),
        ("102", "repo/902#release-manager"),
    ]
    assert found.inclusions == {
        (f"{org}#member", f"{org}#base-read"),
        ("team/12", "team/11"),
        ("team/11", "repo/901#push"),
        ("team/12", "repo/901#admin"),
    }
    weak = found.credential("103", "password")
    assert weak.weakness == "Signs in without a second factor"


@pytest.mark.parametrize(
    ("key", "is_privileged", "words"),
    [
        ("org/nordhaven#admin", True, "every right"),
        ("org/nordhaven#member", False, "changes nothing"),
        ("team/11", False, "Through push on nordhaven/payments"),
        ("team/12", True, "Through admin on nordhaven/payments"),
        ("team/12#maintainer", True, "Decides who is in the team"),
        ("repo/901#admin", True, "who has access"),
        ("repo/901#push", False, "neither settings"),
        ("repo/902#release-manager", None, "not in the file"),
        ("app-permission/secrets:write/on all repositories", True, "secrets"),
        ("app-permission/administration:write/on chosen repositories", True, "deploy keys"),
        ("app-permission/members:read/in the organisation", False, "Only reads"),
    ],
)
def test_what_is_privileged_and_why(key: str, is_privileged: bool | None, words: str) -> None:
    right = read(CONNECTOR, own("github/organization.json")).rights[key]
    assert right.is_privileged is is_privileged
    assert words in (right.because or "")


def test_machines_of_an_organization() -> None:
    found = read(CONNECTOR, own("github/organization.json"))
    machines = {key: one for key, one in found.accounts.items() if not key.isdigit()}
    assert {key: (one.name, one.identity_kind, one.is_enabled) for key, one in machines.items()} == {
        "installation/301": ("snyk-io", "integration", True),
        "installation/302": ("old-importer", "integration", False),
        "deploy-key/7001": ("core01 deploy (nordhaven/payments)", "service", True),
        "deploy-key/7002": ("old mirror (nordhaven/payments)", "service", True),
        "hook/41": ("webhook to ci.example.com (nordhaven)", "integration", True),
        "actions/nordhaven": ("GitHub Actions of nordhaven", "workload", None),
        "actions/nordhaven/payments#production": (
            "GitHub Actions of nordhaven/payments, environment production",
            "workload",
            None,
        ),
    }
    assert machines["installation/301"].hints == (
        ("vendor", "snyk"),
        ("purpose", "Finds vulnerable dependencies"),
    )
    assert machines["deploy-key/7001"].hints == (("creator", "dkovac"),)
    assert machines["deploy-key/7001"].last_used_at == datetime(2026, 9, 1, 10, tzinfo=UTC)
    assert ("deploy-key/7001", "repo/901#push") in found.grants
    assert ("deploy-key/7002", "repo/901#pull") in found.grants


@pytest.mark.parametrize(
    ("account", "fingerprint", "facts"),
    [
        # What `ssh-keygen -lf` prints for the key.
        (
            "deploy-key/7001",
            "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA",
            {"kind": "ssh_key", "weakness": None, "is_active": True},
        ),
        (
            "deploy-key/7002",
            "SHA256:1yjiTsUIQYA2BFramifTMsUiX8HjinXkKMIj+/I+6cw",
            {"kind": "ssh_key", "weakness": "RSA 1024"},
        ),
        (
            "102",
            "fine-grained token 98716",
            {
                "kind": "token",
                "expires_at": datetime(2026, 11, 16, 8, 47, 9, tzinfo=UTC),
                "last_used_at": None,
            },
        ),
        (
            "103",
            "classic token 161195",
            {
                "kind": "token",
                "expires_at": None,
                "last_used_at": datetime(2026, 1, 26, 19, 6, 43, tzinfo=UTC),
            },
        ),
        (
            "actions/nordhaven",
            "AWS_SECRET_ACCESS_KEY",
            {
                "kind": "secret",
                "is_slot": True,
                "storage": "GitHub Actions secret",
                "rotated_at": datetime(2022, 2, 2, 2, 2, 2, tzinfo=UTC),
            },
        ),
        ("hook/41", "webhook", {"kind": "secret", "is_slot": True}),
    ],
)
def test_credentials(account: str, fingerprint: str, facts: dict[str, object]) -> None:
    one = read(CONNECTOR, own("github/organization.json")).credential(account, fingerprint)
    assert {name: getattr(one, name) for name in facts} == facts


def test_secrets_are_cut() -> None:
    found = read(CONNECTOR, own("github/organization.json"))
    for secret in (b"hook-s3cr3t", b"s3cr3t-in-address", b"71c3fc11"):
        assert secret in own("github/organization.json")
        assert secret not in found.data
        assert secret.decode() not in repr(found.records) + repr(found.header)
    assert found.data.count(b"\n") == own("github/organization.json").count(b"\n")
    assert b'"secrets": "write"' in found.data  # a permission that is called so


def recording(*pages: tuple[str, object], next_url: str = "") -> bytes:
    made = [{"url": f"https://api.github.com{path}", "body": body, "next": next_url} for path, body in pages]
    return json.dumps({"pages": made}).encode()


def person(login: str, number: int, **more: Any) -> dict[str, Any]:
    return {"login": login, "id": number, "node_id": f"U_{number}", "type": "User", **more}


def whole() -> tuple[tuple[str, object], ...]:
    return (
        ("/orgs/acme/members", [person("a", 1)]),
        (
            "/orgs/acme/memberships/a",
            {"role": "admin", "state": "active", "user": person("a", 1), "organization": {"login": "acme"}},
        ),
        ("/orgs/acme/outside_collaborators", []),
        ("/orgs/acme/teams", []),
        ("/orgs/acme/repos", []),
        ("/orgs/acme/hooks", []),
        ("/orgs/acme/actions/secrets", {"total_count": 0, "secrets": []}),
        ("/orgs/acme/personal-access-tokens", []),
        ("/orgs/acme/installations", {"total_count": 0, "installations": []}),
    )


def test_a_recording_of_everything_is_full() -> None:
    found = read(CONNECTOR, recording(*whole()))
    assert found.header.is_full
    assert found.grants == [("1", "org/acme#admin")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (recording(*whole()[1:]), "no list of members"),
        (recording(*whole()[:8]), "no list of installed apps"),
        (recording(*whole(), next_url="https://api.github.com/orgs/acme/members?page=2"), "a page follows"),
        (recording(*whole(), ("/orgs/acme/hooks", [{"config": {}}])), "could not be read"),
        (
            recording(*whole(), ("/orgs/acme/installations", {"total_count": 9, "installations": []})),
            "0 of 9",
        ),
    ],
)
def test_a_part_proves_no_absence(data: bytes, words: str) -> None:
    header = read(CONNECTOR, data).header
    assert not header.is_full
    assert any(words in note for note in header.notes)


def test_a_refused_request_is_told_by_line() -> None:
    made = {
        "pages": [
            {"url": "https://api.github.com/orgs/acme/hooks", "status": 403, "body": {"message": "no"}},
            {"url": "https://api.github.com/orgs/acme/members", "body": [person("a", 1)]},
        ]
    }
    found = read(CONNECTOR, json.dumps(made).encode(), {"complete": "yes"})
    assert [(one.line, one.code) for one in found.of(Rejected)] == [(2, "failed_request")]
    assert not found.header.is_full


def test_collaborators_with_effective_rights_are_not_held_twice() -> None:
    """Without affiliation=direct GitHub tells what a team gives as well."""
    repo = {"id": 9, "full_name": "acme/r", "owner": {"login": "acme"}, "permissions": {"push": True}}
    team = {"id": 5, "slug": "t", "name": "T", "privacy": "closed"}
    found = read(
        CONNECTOR,
        recording(
            ("/orgs/acme/teams", [team]),
            ("/orgs/acme/teams/t/members", [person("a", 1)]),
            ("/orgs/acme/teams/t/repos", [repo]),
            (
                "/repos/acme/r/collaborators",
                [
                    person("a", 1, permissions={"push": True, "pull": True}),
                    person("b", 2, permissions={"pull": True}),
                ],
            ),
        ),
    )
    assert found.grants == [("1", "team/5"), ("2", "repo/9#pull")]
    assert any("without affiliation=direct" in note for note in found.header.notes)


def test_teams_in_a_circle_end() -> None:
    a = {
        "id": 1,
        "slug": "a",
        "name": "A",
        "privacy": "closed",
        "parent": {"id": 2, "slug": "b", "name": "B"},
    }
    b = {
        "id": 2,
        "slug": "b",
        "name": "B",
        "privacy": "closed",
        "parent": {"id": 1, "slug": "a", "name": "A"},
    }
    found = read(CONNECTOR, recording(("/orgs/acme/teams", [a, b])))
    assert {(one.parent, one.child) for one in found.of(Inclusion)} == {
        ("team/1", "team/2"),
        ("team/2", "team/1"),
    }


def test_graphql_members() -> None:
    found = read(CONNECTOR, own("github/graphql.json"))
    assert found.grants == [("101", "org/nordhaven#admin"), ("102", "org/nordhaven#member")]
    assert found.accounts["102"].email == "dana.kovac@example.com"  # by single sign-on
    assert [one.account for one in found.of(Credential)] == ["102"]


@pytest.mark.parametrize(
    ("item", "code"),
    [("text", "broken_item"), ({"id": 3}, "broken_item"), ({"login": "", "id": 3}, "broken_item")],
)
def test_broken_items_are_rejected_and_the_rest_is_read(item: object, code: str) -> None:
    found = read(CONNECTOR, recording(("/orgs/acme/members", [item, person("a", 1)])))
    assert [one.code for one in found.of(Rejected)] == [code]
    assert [one.name for one in found.of(Account)] == ["a"]


@pytest.mark.parametrize(
    "written", [None, "", "no key", "ssh-rsa", "ssh-rsa %%%", "ssh-ed25519 AAAA", "ssh-rsa " + "A" * 7]
)
def test_a_text_that_is_no_public_key(written: object) -> None:
    made = ssh_key(written)
    assert made is None or made[1] is None


@pytest.mark.parametrize(("data", "code"), NOT_THIS)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    assert refused(CONNECTOR, data).code == code


def test_it_knows_its_own_files_only() -> None:
    sniffs_only(CONNECTOR, MINE)


KINDS = (
    "members",
    "teams",
    "outside_collaborators",
    "hooks",
    "repos",
    "installations",
    "personal-access-tokens",
)
WORDS = st.sampled_from(
    [
        "login",
        "id",
        "slug",
        "key",
        "config",
        "permissions",
        "full_name",
        "parent",
        "owner",
        "installations",
        "secrets",
        "app_slug",
        "url",
        "role",
        "user",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "acme/r", "admin", "", "ssh-rsa AAAA"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=80, deadline=None)
@given(kind=st.sampled_from(KINDS), body=VALUES)
def test_any_answer_is_read_or_refused(kind: str, body: object) -> None:
    try:
        found = read(CONNECTOR, recording((f"/orgs/acme/{kind}", body), (f"/repos/acme/r/{kind}", body)))
    except Unreadable:
        return
    assert names_before_use(found)
