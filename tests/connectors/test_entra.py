"""Entra ID: a tenant counted by hand: who is who, who holds what, and what it allows."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from accounts.connectors.entra import CONNECTOR
from accounts.connectors.records import Account, Credential, Entitlement
from tests.connectors.api_reading import Import, own, run

GLOBAL = "62e90394-69f5-4237-9190-012177145e10"
USERS = "fe930be7-5e62-47db-91af-98c3a49a38b1"
REPORTS = "4a5d8f65-41da-4de4-8968-e035b65339cf"
CONTEXT = "https://graph.microsoft.com/v1.0/$metadata#"


@pytest.fixture(scope="module")
def tenant() -> Import:
    return run(CONNECTOR, own(CONNECTOR, "tenant.json"))


def test_the_tenant_by_count(tenant: Import) -> None:
    # 5 users, 5 service principals, one registration without one, and one member who is not listed.
    assert len(tenant.of(Account)) == 12
    # 4 groups; 4 roles and one of them for a unit; one application permission, 3 delegated scopes, one
    # ownership; 2 federated trusts.
    assert Counter(one.kind for one in tenant.of(Entitlement)) == {
        "group": 4,
        "role": 5,
        "right": 5,
        "act_as": 2,
    }
    # 4 secrets and keys of registrations (its certificate stands there twice), one of the managed identity,
    # two federated, one password.
    assert Counter(one.kind for one in tenant.of(Credential)) == {
        "secret": 3,
        "certificate": 2,
        "federated": 2,
        "password": 1,
    }
    assert tenant.rejected == [(145, "unknown_principal")]
    assert tenant.header.system_reference == "7a1f0000-0000-4000-8000-00000000aaaa"


def test_people_as_they_stand_in_the_directory(tenant: Import) -> None:
    ada = tenant.account("u-ada")
    assert (ada.name, ada.identity_kind, ada.kind) == ("ada.lind@nordhaven.example", "human", "personal")
    assert (ada.employee_number, ada.email, ada.line) == ("1001", "ada.lind@nordhaven.example", 11)
    # The later of the two, with more digits than Python keeps.
    assert ada.last_used_at == datetime(2026, 3, 2, 7, 0, 0, 123456, UTC)
    assert ada.last_used_source == "Entra signInActivity.lastNonInteractiveSignInDateTime"
    ben = tenant.account("u-ben")
    assert (ben.is_enabled, ben.created_at, ben.last_used_at, ben.email) == (False, None, None, None)
    assert tenant.account("u-guest").identity_kind == "human"
    assert tenant.account("u-scan").identity_kind == "service"
    assert tenant.account("u-agent").identity_kind == "agent"


@pytest.mark.parametrize(
    ("key", "kind", "hints"),
    [
        ("sp-graph", "integration", {"vendor": "Microsoft"}),
        (
            "sp-pay",
            "service",
            {
                "owner": "ada.lind@nordhaven.example",
                "purpose": "Deploys the payment service",
                "environment": "prod",
            },
        ),
        ("sp-survey", "integration", {"vendor": "Lumen AB"}),
        ("sp-mi", "workload", {}),
        ("sp-agent", "agent", {"sponsor": "ada.lind@nordhaven.example"}),
        ("reg-lone", "service", {}),
    ],
)
def test_machines_by_their_kind(tenant: Import, key: str, kind: str, hints: dict[str, str]) -> None:
    account = tenant.account(key)
    assert (account.kind, account.identity_kind, dict(account.hints)) == ("machine", kind, hints)
    assert account.identity_key == account.name


def test_groups_say_where_they_are_left(tenant: Import) -> None:
    assert tenant.right("g-all").removable_at == "membership rule of the group in Entra ID"
    assert 'user.userType -eq "Member"' in (tenant.right("g-all").plain_words or "")
    assert tenant.right("g-sync").removable_at == "on-premises Active Directory"
    admins = tenant.right("g-admins")
    assert (admins.removable_at, admins.owner, admins.is_privileged) == (None, "ben@nordhaven.example", True)
    assert (admins.because or "").startswith("Through Global Administrator: ")
    assert tenant.right("g-sync").is_privileged is None


def test_who_holds_what(tenant: Import) -> None:
    assert tenant.included == {("g-admins", "g-all"), ("g-admins", GLOBAL)}
    assert tenant.held == {
        ("u-ada", "g-admins"),
        ("u-ada", "g-all"),
        ("u-elsewhere", "g-all"),
        ("u-ben", "g-admins#owner"),
        ("u-ben", "g-pim"),
        ("u-ben", f"{USERS}@/administrativeUnits/au-north"),
        ("u-ben", GLOBAL),
        ("u-ada", REPORTS),
        ("u-ada", "custom-1"),
        ("u-ada", USERS),
        ("sp-pay", "sp-graph/9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"),
        ("sp-survey", "sp-graph/delegated/openid/all"),
        ("sp-survey", "sp-graph/delegated/Mail.ReadWrite/all"),
        ("sp-survey", "sp-graph/delegated/User.Read/each"),
    }


def test_standing_activated_and_eligible_are_told_apart(tenant: Import) -> None:
    activated = tenant.grant("u-ada", "custom-1")
    assert not activated.is_eligible
    assert activated.ends_at == datetime(2026, 3, 2, 16, tzinfo=UTC)
    eligible = tenant.grant("u-ben", GLOBAL)
    assert (eligible.is_eligible, eligible.via) == (True, None)
    assert eligible.ends_at == datetime(2026, 12, 31, tzinfo=UTC)
    through = tenant.grant("u-ada", USERS)
    assert (through.is_eligible, through.via, through.ends_at) == (True, "g-admins", None)
    assert tenant.grant("u-ben", "g-pim").is_eligible
    assert not tenant.grant("u-ada", "g-admins").is_eligible
    assert "come through a group" in tenant.note("(memberType): 1")


@pytest.mark.parametrize(
    ("key", "is_privileged", "words"),
    [
        (GLOBAL, True, "manages everything in Entra ID"),
        (f"{USERS}@/administrativeUnits/au-north", True, "Limited to the administrative unit au-north"),
        (REPORTS, False, "does not label this role privileged"),
        ("custom-1", True, "adds credentials to applications"),
        ("sp-graph/9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8", True, "gives every role"),
        ("sp-graph/delegated/Mail.ReadWrite/all", True, "in the name of everybody"),
        ("sp-graph/delegated/openid/all", False, "only tells who signed in"),
        ("sp-graph/delegated/User.Read/each", False, "reads and changes nothing"),
        ("sp-pay#federated:f-2", True, "wildcard"),
    ],
)
def test_rights_by_what_they_allow(tenant: Import, key: str, is_privileged: bool, words: str) -> None:
    right = tenant.right(key)
    assert right.is_privileged is is_privileged
    assert words in (right.because or "")


def test_a_trust_without_one_subject_is_marked(tenant: Import) -> None:
    assert tenant.right("sp-pay#federated:f-2").marks == ("oidc_without_sub",)
    named = tenant.right("sp-pay#federated:f-1")
    assert (named.marks, named.acts_as, named.is_privileged) == ((), "sp-pay", None)


def test_credentials_are_told_by_what_is_public(tenant: Import) -> None:
    made = {(one.account, one.kind, one.fingerprint): one for one in tenant.of(Credential)}
    secret = made["sp-pay", "secret", "11111111-2222-4333-8444-555555555555"]
    assert secret.created_at == datetime(2024, 5, 1, tzinfo=UTC)
    assert secret.expires_at == datetime(2299, 12, 31, tzinfo=UTC)
    # The same certificate in base64 and in hex: it is seen that two use it.
    thumbprint = "DE6AB8C24AA6D05DBDA9B0AEF3D54A18D3CBA1B2"
    assert ("sp-pay", "certificate", thumbprint) in made
    assert ("sp-mi", "certificate", thumbprint) in made
    assert made["u-ada", "password", "password"].rotated_at == datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def test_no_secret_is_kept_and_lines_stay(tenant: Import) -> None:
    whole = own(CONNECTOR, "tenant.json")
    for secret in (b"x7Q8Q~", b'"x7Q"', b"Winter-2026", b"TUlJQy4uLg"):
        assert secret in whole
        assert secret not in tenant.data
        assert secret.decode() not in repr((tenant.header, tenant.records, tenant.admitted))
    assert {"hint", "secretText", "passwordProfile", "key"} <= set(tenant.cut)
    assert tenant.data.count(b"\n") == whole.count(b"\n")
    assert run(CONNECTOR, tenant.data).records == tenant.records


def test_what_is_known_apart_from_records_is_said(tenant: Import) -> None:
    assert "without their service principal" in tenant.note("Registrations")
    assert "on-premises Active Directory" in tenant.note("Users that are kept")
    assert tenant.note("Devices and contacts").endswith(": 1.")
