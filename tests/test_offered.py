"""What a person may not open is not offered to them: every link on a page that they get leads somewhere."""

import re
from html import unescape

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.access import everything
from tests.access.table import PEOPLE, TABLE
from tests.conftest import As
from tests.factories.people import People

LINK = re.compile(r'(?:href|hx-get)="(/[^"#]*)"')
# The pages on which systems, rights, ways in, findings and removals lead to one another; the rail is on each.
PAGES = [
    "account", "as_of", "control_list", "coverage", "finding", "finding_list", "grant", "identity_findings",
    "posture", "reach", "reach_search", "revocation", "right", "right_coverage", "right_list", "rule",
    "rule_list", "system", "system_coverage",
]  # fmt: skip
ELSEWHERE = ("/static/", "/sign-in/")


@pytest.mark.django_db
@pytest.mark.parametrize("person", PEOPLE[1:])
def test_every_link_of_a_page_may_be_opened(people: People, as_: As, person: str) -> None:
    arguments = everything.arguments(people)
    client, place = as_(people.by_role[person]), PEOPLE.index(person)
    offered: dict[str, str] = {}
    for name in PAGES:
        if TABLE[name, "GET"][place] == 200:
            page = client.get(reverse(name, args=arguments.get(name, []))).content.decode()
            offered |= {unescape(link): name for link in LINK.findall(page)}
    assert offered
    shut = {
        (name, link): status
        for link, name in offered.items()
        if not link.startswith(ELSEWHERE)
        and "export=" not in link
        and (status := answer(client, link)) >= 400
    }
    assert shut == {}


def answer(client: Client, link: str) -> int:
    """The status, and nothing of what the request did."""
    before = transaction.savepoint()
    try:
        return client.get(link).status_code
    finally:
        transaction.savepoint_rollback(before)
