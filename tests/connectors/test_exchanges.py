"""Recorded HTTP exchanges: every format becomes pages, and nothing secret stays in what is written."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.connectors.connector import Cut
from accounts.connectors.exchanges import Page, admit_exchanges, is_exchanges, unwrapped
from accounts.connectors.exchanges.answers import UNSAID, Answer, admit_answers, answers, doubt
from accounts.connectors.records import Unreadable

Read = Callable[[str], bytes]
DATA = Path(__file__).parents[1] / "data" / "exchanges"
GITHUB = "https://api.github.com"


def own(name: str) -> str:
    return (DATA / name).read_text()


def admitted(text: str, about: frozenset[str] = frozenset()) -> tuple[str, tuple[Cut, ...]]:
    pieces: list[bytes] = []
    kept = admit_exchanges(text, pieces.append, about)
    data = b"".join(pieces).decode()
    assert kept.lines == data.count("\n")
    return data, kept.cut


# The line is that of the "- id: 0" of the exchange, or of the brace that opens it.
@pytest.mark.parametrize(
    ("name", "pages"),
    [
        (
            "saas-api-cassettes/github.yaml",
            [
                (4, f"{GITHUB}/orgs/acme-corp/members?per_page=100", False),
                (78, f"{GITHUB}/orgs/acme-corp/members?filter=2fa_disabled&per_page=100", False),
                (155, f"{GITHUB}/orgs/acme-corp/memberships/jdoe", False),
                (226, f"{GITHUB}/users/jdoe", False),
            ],
        ),
        (
            "saas-api-cassettes/okta.yaml",
            [
                (10, "https://acme.okta.com/api/v1/users?limit=200", True),
                (45, "https://acme.okta.com/api/v1/users?after=00ucursorpage2example&limit=200", False),
            ],
        ),
        (
            "saas-api-cassettes/gitlab.yaml",
            [(4, "https://gitlab.com/api/v4/groups/12345/members/all?per_page=100", False)],
        ),
        ("saas-api-cassettes/slack.yaml", [(4, "https://slack.com/api/users.list?limit=200", False)]),
        (
            "saas-api-cassettes/grafana.yaml",
            [
                (4, "https://grafana.example.com/api/org/users?page=1&perpage=100", False),
                (34, "https://grafana.example.com/api/org", False),
            ],
        ),
        ("github/get-organization.json", [(2, f"{GITHUB}/orgs/octokit-fixture-org", False)]),
    ],
)
def test_the_samples_page_by_page(sample: Read, name: str, pages: list[tuple[int, str, bool]]) -> None:
    text = sample(name).decode()
    assert is_exchanges(text[:65536])
    found = unwrapped(text)
    assert [(one.line, one.url, one.next_link) for one in found] == pages
    assert {(one.method, one.status) for one in found} == {("GET", 200)}
    data, _ = admitted(text)
    again = unwrapped(data)
    assert [(one.url, one.next_url, one.taken_at) for one in again] == [
        (one.url, one.next_url, one.taken_at) for one in found
    ]
    assert [one.line for one in again] == list(range(2, len(pages) + 2))


def test_a_cassette_of_vcrpy() -> None:
    first, second = unwrapped(own("vcrpy.yaml"))
    assert first.next_url == "https://api.example.com/people?page=2"
    assert first.taken_at == datetime(2026, 3, 26, 13, 20, 24, tzinfo=UTC)
    assert json.loads(second.body) == [{"id": 2, "name": "Dana"}]  # gzip in base64
    assert (first.line, second.line) == (2, 24)


def test_a_har_file_keeps_its_json_only() -> None:
    found = unwrapped(own("browser.har"))
    assert [(one.status, one.broken) for one in found] == [(200, ""), (200, "no JSON"), (403, "")]
    assert found[0].taken_at == datetime(2026, 3, 26, 13, 20, 24, 123000, tzinfo=UTC)
    data, cut = admitted(own("browser.har"))
    assert [one.url for one in unwrapped(data)] == [
        "https://api.example.com/people",
        "https://api.example.com/groups",
    ]
    assert Cut("answers that are no JSON", "unmapped", 1) in cut


def test_secrets_of_a_recording_are_cut() -> None:
    data, cut = admitted(own("vcrpy.yaml"))
    for secret in ("s3cr3t", "hunter2", "session=", "Bearer"):
        assert secret not in data
    assert {one.name for one in cut if one.kind == "secret_name"} == {
        "authorization",
        "cookie",
        "access_token",
        "password",
    }
    data, _ = admitted(own("browser.har"))
    assert "s3cr3t" not in data


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"secrets": [{"name": "DB", "created_at": "x"}]}, True),
        ({"secrets": {"total_count": 1, "secrets": [{"name": "DB"}]}}, True),
        ({"secrets": "hunter2hunter2"}, False),
        ({"secrets": ["hunter2hunter2"]}, False),
        ({"secrets": {"DB": "hunter2hunter2"}}, False),
        ({"permissions": {"secrets": "write"}}, True),
        ({"permissions": {"secrets": "hunter2hunter2"}}, False),
        ({"token": None, "has_token": True}, True),
        ({"password": "read"}, False),
    ],
)
def test_lists_about_secrets_stay_and_secrets_go(value: dict[str, object], kept: bool) -> None:
    pages = json.dumps({"pages": [{"url": "https://a.example/x", "body": value}]})
    data, _ = admitted(pages, frozenset({"secrets"}))
    assert (json.loads(data)["pages"][0]["body"] == value) is kept
    assert "hunter2" not in data


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:pw-s3cr3t@a.example/x", "https://a.example/x"),
        ("https://a.example/x?private_token=s3cr3t&page=2", "https://a.example/x?private_token=&page=2"),
        ("https://a.example/x?pageToken=abc", "https://a.example/x?pageToken=abc"),
        ("https://hooks.slack.com/services/T0/B0/s3cr3t", "https://hooks.slack.com"),
        ("https://a.example/x?q=ghp_" + "a" * 36, "https://a.example/x?q="),
    ],
)
def test_addresses_lose_what_opens_something(url: str, kept: str) -> None:
    data, _ = admitted(json.dumps({"pages": [{"url": "https://a.example", "body": {"url": url}}]}))
    assert json.loads(data)["pages"][0]["body"] == {"url": kept}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("interactions:\n  - request: {}\n", "no_exchange"),
        ("interactions: []\n", "no_exchange"),
        (
            "interactions:\n  - request: {url: 'https://a', method: GET}\n    response: {body: x}\n",
            "no_exchange",
        ),
        ("version: 2\n", "not_exchanges"),
        ("a: &a [x]\ninteractions: [*a]\n", "yaml_alias"),
        ("interactions:\n - 'unclosed\n", "truncated"),
        ("a: 1\na: 2\n", "duplicate_key"),
        ("[" * 200, "truncated"),
        ("a: " + "[" * 200 + "]" * 200, "too_deep"),
        ("a: b: c\nd: e\n", "not_yaml"),
        ('[{"scope": "x"}]', "no_exchange"),
        ('{"log": {"entries": [{"request": {}}]}}', "no_exchange"),
        ('{"log": {"entries": []}}', "no_exchange"),
        ('{"nothing": 1}', "not_exchanges"),
        ('{"pages": [{"url": 1, "body": []}]}', "no_exchange"),
        ('{"pages": [{"url": "x", "body": []}', "truncated"),
        ("a: !!python/object/apply:os.system ['true']\n", "not_exchanges"),
        (
            "interactions:\n - request: {url: u}\n   response: {code: 200, body: !!binary '%%%'}\n",
            "not_base64",
        ),
    ],
)
def test_what_is_no_recording_is_refused(text: str, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        unwrapped(text)
    assert refused.value.code == code
    assert str(refused.value)


def test_a_cut_off_sample_is_refused(sample: Read) -> None:
    text = sample("saas-api-cassettes/github.yaml").decode()
    with pytest.raises(Unreadable):
        unwrapped(text[: len(text) // 2])


def test_a_broken_answer_is_told_and_the_rest_is_read() -> None:
    page = {"request": {"method": "GET", "url": "https://a.example/x"}}
    broken = {**page, "response": {"status": 200, "body": '[{"id": 1'}}
    whole = {**page, "response": {"status": 200, "body": "[]"}}
    data, _ = admitted(json.dumps({"interactions": [broken, whole]}))
    first, second = unwrapped(data)
    assert (first.body, first.broken, second.broken) == ("", "the JSON is cut off", "")
    assert [one.code for one in answers(data).rejected] == ["broken_answer"]


def test_what_is_not_a_recording_by_its_beginning(sample: Read) -> None:
    for name in (
        "scim/rfc7643-8.4-group.json",
        "k8s-rbac/cluster-autoscaler-rbac.yaml",
        "hr-csv/midpoint-hr.csv",
    ):
        assert not is_exchanges(sample(name).decode())
    assert not is_exchanges('{"pages": 3}')


def page(url: str, items: int, next_url: str = "", first: int = 0) -> Answer:
    text = json.dumps(
        {"pages": [{"url": url, "next": next_url, "body": [{"id": first + n} for n in range(items)]}]}
    )
    return answers(text).found[0]


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([page("https://a/x", 3)], None),
        ([page("https://a/x?page=1", 3, "https://a/x?page=2"), page("https://a/x?page=2", 1)], None),
        ([page("https://a/x", 3, "https://a/x?page=2")], "a page follows that is not in the file"),
        ([page("https://a/x?page=2", 3)], "its first page is not in the file"),
        (
            [page("https://a/x", 3, "https://a/x?page=2"), page("https://a/x?page=3", 3)],
            "a page follows that is not in the file",
        ),
        ([page("https://a/x?per_page=3", 3)], "its only page is full, and nothing says that none followed"),
        ([Answer(1, lists={"": [(1, {"id": 1})]})], UNSAID),
        ([Answer(1, lists={"": [(1, {"id": 1})]}, value={"total_count": 1})], None),
        ([Answer(1, lists={"": [(1, {"id": 1})]}, value={"total_count": 7})], "1 of 7 are in the file"),
        (
            # The same page twice does not stand for the second one.
            [Answer(1, lists={"": [(1, {"id": 1})]}, value={"total_count": 2})] * 2,
            "1 of 2 are in the file",
        ),
    ],
)
def test_whether_all_pages_of_a_listing_are_there(pages: list[Answer], why: str | None) -> None:
    assert doubt(pages, "", 30) == why


def test_saved_json_keeps_its_lines_when_secrets_are_cut() -> None:
    text = '{\n"/a": [\n{"id": 1,\n "password": "hunter2hunter2"},\n{"id": 2}\n]\n}\n'
    pieces: list[bytes] = []
    kept = admit_answers(text, pieces.append)
    data = b"".join(pieces).decode()
    assert [cut.name for cut in kept.cut] == ["password"]
    assert "hunter2" not in data
    (one,) = answers(data).found
    assert [(line, item) for line, item in one.lists[""]] == [(3, {"id": 1}), (5, {"id": 2})]


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ('[{"id": 1}, {"id": 2}]', [[1, 2]]),
        ('[[{"id": 1}], [{"id": 2}]]', [[1, 2]]),  # pages joined by --slurp
        ('[{"id": 1}]\n[{"id": 2}]', [[1], [2]]),  # pages on end
        ('{"https://a.example/x": [{"id": 1}], "/y": [{"id": 2}]}', [[1], [2]]),
    ],
)
def test_the_ways_to_save_json(text: str, lists: list[list[int]]) -> None:
    found = [
        [item["id"] for _, item in one.lists[""] if isinstance(item, dict)] for one in answers(text).found
    ]
    assert found == lists


def test_a_page_says_whether_more_follows() -> None:
    assert Page("GET", "u", 200, "", 1, "https://a/x?page=2").next_link
    assert not Page("GET", "u", 200, "", 1).next_link
