"""The rail: where one is, also on pages whose address is their own, and counts that can be renewed."""

import pytest
from django.test import RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from portal.navigation import links
from portal.users.models import User
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

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


@pytest.mark.parametrize("who", ["mikael", "ines", "ruth", "tomas", "elena"])
def test_whatever_it_counts_is_one_question(
    people: People, who: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = RequestFactory().get("/")
    request.user = getattr(people, who)
    with django_assert_num_queries(1):
        assert links(request)


def test_places_without_a_permission_open_by_what_waits_there(people: People) -> None:
    def places(user: User) -> dict[str, int | None]:
        request = RequestFactory().get("/")
        request.user = user
        return {link.key: link.count for link in links(request)}

    nobody = people.tomas
    assert "my_machines" not in places(nobody)
    machine = inventory.identity("svc-pay", kind="service", owner=identity_of(nobody))
    assert machine.owner_id == nobody.identity_id
    assert {"my_machines", "identity_list"} & places(nobody).keys() == {"my_machines"}


def test_a_place_that_counts_has_room_for_its_count(people: People, as_: As) -> None:
    inventory.system("CORE")
    page = as_(people.mikael).get(reverse("system_list")).text
    # Empty where nothing waits, so that an answer of htmx finds it; once in the rail, once in the drawer.
    assert page.count('<span class="count count-source_list"></span>') == 2
    assert "count-system_list" not in page
