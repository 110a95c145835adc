"""Every URL × everybody: the one table that says who gets what. A URL without a row fails the test.

302 sends a stranger to the sign-in page; 404 is what does not exist for somebody; 403 exists for them, but
the act is not theirs. Forms are sent empty on purpose, and each request is rolled back: in a POST row 200
stands for every answer of an open door (200, 302, 409, 422).
"""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from tests.access import everything
from tests.access.table import PEOPLE, TABLE
from tests.conftest import As
from tests.factories.people import People

PARTS = 4  # so that several processes can share the work


def names(resolver: URLResolver | None = None) -> Iterator[str]:
    """Every named URL of ours; allauth's and the style guide's have tests of their own."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if not str(pattern.pattern).startswith("sign-in/") and pattern.app_name != "ui":
                yield from names(pattern)
        elif pattern.name:
            yield pattern.name


def test_every_url_has_a_row_and_every_row_a_url() -> None:
    assert {name for name, _method in TABLE} == set(names())


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_who_gets_what(people: People, as_: As, part: int) -> None:
    arguments = everything.arguments(people)
    clients = {name: Client() if name == "stranger" else as_(people.by_role[name]) for name in PEOPLE}
    wrong = {}
    for name, method in sorted(TABLE)[part::PARTS]:
        url = reverse(name, args=arguments.get(name, []))
        got = [
            answer(client, method, url, is_stranger=person == "stranger")
            for person, client in clients.items()
        ]
        if got != TABLE[name, method]:
            wrong[name, method] = {"got": got, "table": TABLE[name, method]}
    assert not wrong


def answer(client: Client, method: str, url: str, *, is_stranger: bool) -> int:
    """The status, and nothing of what the request did."""
    before = transaction.savepoint()
    try:
        status = client.get(url).status_code if method == "GET" else client.post(url, {}).status_code
    finally:
        transaction.savepoint_rollback(before)
    let_in = method == "POST" and not is_stranger and status in {200, 302, 409, 422}
    return 200 if let_in else status
