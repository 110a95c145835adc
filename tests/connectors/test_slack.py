"""Slack: people, bots and roles of a workspace."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.connectors.records import Account, Credential, Rejected
from accounts.connectors.slack import CONNECTOR
from tests.connectors.saas_reading import NOT_THIS, names_before_use, own, read, refused, sample, sniffs_only

MINE = ("saas-api-cassettes/slack.yaml", "data/slack/users.json")


def test_the_recorded_workspace() -> None:
    """41 users: 10 people of whom 6 are deactivated, 30 apps and workflows, and Slackbot."""
    found = read(CONNECTOR, sample("saas-api-cassettes/slack.yaml"))
    accounts = found.of(Account)
    assert len(accounts) == 41
    assert Counter((one.identity_kind, one.is_enabled) for one in accounts) == {
        ("human", True): 4,
        ("human", False): 6,
        ("bot", True): 25,  # 24 and Slackbot
        ("bot", False): 6,
    }
    assert found.grants == [
        ("U00AAAAAA02", "role/owner"),  # alice
        ("U00AAAAAA03", "role/primary_owner"),  # bob
        ("U00AAAAAA06", "role/admin"),  # eve
        ("U00AAAAAA10", "role/member"),  # hank
    ]
    assert {one.name: one.is_privileged for one in found.rights.values()} == {
        "Owner": True,
        "Primary owner": True,
        "Administrator": True,
        "Member": False,
    }
    assert found.accounts["U00AAAAAA02"].email == "alice@example.com"
    assert found.accounts["USLACKBOT"].identity_kind == "bot"
    # has_2fa is false for each of the four.
    assert [one.weakness for one in found.of(Credential)] == ["Signs in without a second factor"] * 4
    assert names_before_use(found)


def test_the_recorded_workspace_is_whole() -> None:
    header = read(CONNECTOR, sample("saas-api-cassettes/slack.yaml")).header
    assert header.is_full  # next_cursor is empty
    assert header.system_reference == "T00AAAAAAA"
    assert header.taken_at == datetime(2026, 3, 26, 13, 35, 32, tzinfo=UTC)


def test_a_page_with_awkward_users() -> None:
    found = read(CONNECTOR, own("slack/users.json"))
    (guest,) = found.of(Account)
    assert guest.expires_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert found.grants == [("U1", "role/single_channel_guest")]
    assert [(one.line, one.code) for one in found.of(Rejected)] == [(3, "duplicate_id"), (4, "broken_item")]
    assert not found.header.is_full
    assert any("next_cursor" in note for note in found.header.notes)


def answer(number: int, cursor: str = "", **more: Any) -> str:
    member = {"id": f"U{number}", "name": f"n{number}", "deleted": False, "is_bot": False, **more}
    return json.dumps({"ok": True, "members": [member], "response_metadata": {"next_cursor": cursor}})


@pytest.mark.parametrize(
    ("data", "is_full"),
    [
        (answer(1), True),
        (answer(1, "x") + answer(2), True),
        (answer(1, "x"), False),
        (answer(1, "x") + answer(2, "y"), False),
        (answer(1, "x") + answer(1, "x") + answer(2), False),
        (answer(1) + '{"ok": false, "error": "missing_scope"}', False),
        (json.dumps([{"id": "U1", "is_bot": False, "deleted": False}]), False),
    ],
)
def test_whether_all_pages_are_there(data: str, is_full: bool) -> None:
    header = read(CONNECTOR, data.encode()).header
    assert header.is_full is is_full
    assert is_full or len(header.notes) > 1


def test_a_token_in_an_answer_is_cut() -> None:
    token = "xoxb-" + "1234567890" * 2
    found = read(CONNECTOR, answer(1, status=token).encode())
    assert token.encode() not in found.data


@pytest.mark.parametrize(("data", "code"), NOT_THIS)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    assert refused(CONNECTOR, data).code == code


def test_it_knows_its_own_files_only() -> None:
    sniffs_only(CONNECTOR, MINE)
