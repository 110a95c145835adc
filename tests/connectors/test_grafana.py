"""Grafana: users, service accounts, their roles, teams and tokens."""

import json
from datetime import UTC, datetime

import pytest

from accounts.connectors.grafana import CONNECTOR
from accounts.connectors.records import Account, Credential, Rejected
from tests.connectors.saas_reading import NOT_THIS, names_before_use, own, read, refused, sample, sniffs_only

MINE = ("saas-api-cassettes/grafana.yaml", "data/grafana/organization.json")


def test_the_recorded_organization() -> None:
    found = read(CONNECTOR, sample("saas-api-cassettes/grafana.yaml"))
    assert found.of(Account) == [
        Account(
            external_id="1",
            name="admin@example.com",
            line=2,
            display_name="Admin User",
            kind="personal",
            identity_kind="human",
            email="admin@example.com",
            is_enabled=True,
            last_used_at=datetime(2026, 5, 20, 10, tzinfo=UTC),
            last_used_source="Grafana lastSeenAt",
        ),
        Account(
            external_id="2",
            name="viewer@example.com",
            line=2,
            display_name="Viewer User",
            kind="personal",
            identity_kind="human",
            is_enabled=False,
        ),
    ]
    assert found.grants == [("1", "org#Admin"), ("2", "org#Viewer")]
    assert {one.name: one.is_privileged for one in found.rights.values()} == {"Admin": True, "Viewer": False}
    assert found.header.system_reference == "grafana.example.com"
    assert not found.header.is_full
    assert any("service accounts" in note for note in found.header.notes)


def test_service_accounts_and_their_tokens() -> None:
    found = read(CONNECTOR, own("grafana/organization.json"))
    assert names_before_use(found)
    machine = found.accounts["7"]
    assert (machine.name, machine.kind, machine.identity_kind) == ("sa-1-ci", "machine", "service")
    assert found.grants == [
        ("1", "org#Admin"),
        ("3", "org#Editor"),
        ("1", "server#admin"),
        ("7", "org#Admin"),
        ("3", "team/5"),
    ]
    assert [(one.fingerprint, one.is_active, one.expires_at) for one in found.of(Credential)] == [
        ("service account token 70", True, None),
        ("service account token 71", False, datetime(2023, 1, 1, tzinfo=UTC)),
    ]
    # Ten years before the account was made is how Grafana writes never.
    assert found.accounts["1"].last_used_at is None


def test_saved_lists_can_be_said_to_be_complete() -> None:
    data = own("grafana/organization.json")
    assert not read(CONNECTOR, data).header.is_full
    assert read(CONNECTOR, data, {"complete": "yes"}).header.is_full
    assert not read(CONNECTOR, data, {"complete": "no"}).header.is_full


def test_a_part_of_the_service_accounts_is_no_whole() -> None:
    changed = own("grafana/organization.json").replace(
        b'"totalCount": 1, "serviceAccounts"', b'"totalCount": 9, "serviceAccounts"'
    )
    header = read(CONNECTOR, changed, {"complete": "yes"}).header
    assert not header.is_full
    assert any("1 of 9" in note for note in header.notes)


def test_broken_users_are_rejected_and_the_rest_is_read() -> None:
    users = [
        {"userId": 1, "login": "a", "role": "Viewer", "lastSeenAt": ""},
        "text",
        {"login": "no number", "role": "x"},
    ]
    found = read(CONNECTOR, json.dumps(users).encode())
    assert [one.code for one in found.of(Rejected)] == ["broken_item", "broken_item"]
    assert found.grants == [("1", "org#Viewer")]


@pytest.mark.parametrize(("data", "code"), NOT_THIS)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    assert refused(CONNECTOR, data).code == code


def test_it_knows_its_own_files_only() -> None:
    sniffs_only(CONNECTOR, MINE)
