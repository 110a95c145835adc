"""The rail: where one is, also on pages whose address is their own, and counts that can be renewed."""

import pytest
from django.test import RequestFactory
from django.urls import reverse

from portal.navigation import links
from portal.users.models import User
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People

pytestmark = pytest.mark.django_db


def here(user: User, path: str) -> list[str]:
    """Where the rail says that somebody is."""
    request = RequestFactory().get(path)
    request.user = user
    return [link.key for link in links(request) if link.is_current]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/", "home"),
        ("/sources/", "source_list"),
        ("/imports/new/", "source_list"),
        ("/orphans/", "identity_list"),
        ("/unowned/", "identity_list"),
        ("/systems/CORE/", "system_list"),
        ("/accounts/7/", "system_list"),
        ("/grants/7/", "system_list"),
    ],
)
def test_every_page_has_its_place(people: People, path: str, place: str) -> None:
    assert here(people.mikael, path) == [place]


def test_a_place_that_counts_has_room_for_its_count(people: People, as_: As) -> None:
    inventory.system("CORE")
    page = as_(people.mikael).get(reverse("system_list")).text
    # Empty where nothing waits, so that an answer of htmx finds it; once in the rail, once in the drawer.
    assert page.count('<span class="count count-source_list"></span>') == 2
    assert "count-system_list" not in page
