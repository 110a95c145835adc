"""GitHub: webhooks, by what they are told and by how often an answer lists them."""

import json

from accounts.connectors.github import CONNECTOR
from accounts.connectors.records import Account, Credential, Grant
from tests.connectors.saas_reading import names_before_use, read


def hook(number: int) -> dict[str, object]:
    return {"id": number, "active": True, "config": {"url": f"http://x.example/{number}"}}


def test_webhooks_of_one_place_receive_the_same_events_and_one_listed_twice_is_one() -> None:
    answers = {"repos/acme/r/hooks": [hook(1), hook(2)], "repos/acme/r/hooks?page=2": [hook(1)]}
    found = read(CONNECTOR, json.dumps(answers).encode())
    assert names_before_use(found)
    assert [one.external_id for one in found.of(Account)] == ["hook/1", "hook/2"]
    assert [one.account for one in found.of(Grant)] == ["hook/1", "hook/2"]
    assert [one.account for one in found.of(Credential)] == ["hook/1", "hook/2"]
