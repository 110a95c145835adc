"""Views that people keep: the filter of a list under a name, for themselves alone."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import SavedView
from accounts.services import saved_views
from portal.audit.models import Event, Payload
from portal.users.models import User
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People

pytestmark = pytest.mark.django_db


def keep(
    as_: As, user: User, name: str = "Bots", query: str = "kind=bot&sort=-name", page: str = "identity_list"
) -> Any:
    form = {"name": name, "query": query, "page": page}
    return as_(user).post(reverse("saved_view_new"), form)


def test_a_view_is_kept_found_again_and_forgotten(people: People, as_: As) -> None:
    answer = keep(as_, people.mikael)
    assert answer["Location"] == f"{reverse('identity_list')}?kind=bot&sort=-name"
    client = as_(people.mikael)
    page = client.get(reverse("identity_list")).text
    assert f'{reverse("identity_list")}?kind=bot&amp;sort=-name">Bots</a>' in page
    assert "Bots" not in client.get(reverse("account_list")).text
    kept = SavedView.objects.get()
    client.post(reverse("saved_view_delete", args=[kept.pk]))
    assert not SavedView.objects.exists()


def test_keeping_and_forgetting_stand_in_the_log_without_names(people: People, as_: As) -> None:
    keep(as_, people.mikael, "Access of Dana", "q=Dana")
    as_(people.mikael).post(reverse("saved_view_delete", args=[SavedView.objects.get().pk]))
    events = Event.objects.filter(verb__startswith="view.").order_by("pk")
    assert [event.verb for event in events] == ["view.saved", "view.deleted"]
    assert [Payload.objects.get(event=event).facts for event in events] == [{"page": "identity_list"}] * 2


def test_the_same_name_means_the_new_filter(people: People, as_: As) -> None:
    keep(as_, people.mikael)
    keep(as_, people.mikael, query="kind=agent")
    assert SavedView.objects.get().query == "kind=agent"


def test_only_what_the_list_understands_is_kept(people: People, as_: As) -> None:
    inventory.system("CORE")
    keep(as_, people.mikael, query="kind=bot&after=xyz&export=csv&evil=//x&page=3&sort=nonsense")
    assert SavedView.objects.get().query == "kind=bot"


def test_others_neither_see_nor_forget_it(people: People, as_: As) -> None:
    keep(as_, people.mikael)
    kept = SavedView.objects.get()
    assert "Bots" not in as_(people.ines).get(reverse("identity_list")).text
    assert as_(people.ines).post(reverse("saved_view_delete", args=[kept.pk])).status_code == 404
    assert SavedView.objects.exists()


@pytest.mark.parametrize("page", ["", "home", "trail", "../x", "identity"])
def test_there_are_no_views_of_other_pages(people: People, as_: As, page: str) -> None:
    assert keep(as_, people.mikael, page=page).status_code == 404
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "query"), [("", "kind=bot"), ("x" * 81, "kind=bot"), ("long", "q=" + "é" * 190)]
)
def test_refusals_are_said_and_keep_nothing(people: People, as_: As, name: str, query: str) -> None:
    client = as_(people.mikael)
    form = {"name": name, "query": query, "page": "identity_list"}
    answer = client.post(reverse("saved_view_new"), form, follow=True)
    assert answer.status_code == 200
    assert not SavedView.objects.exists()
    assert 'class="notice bad"' in answer.text


def test_there_is_an_end_of_keeping(people: People, monkeypatch: pytest.MonkeyPatch, as_: As) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    for name in ("a", "b", "c"):
        keep(as_, people.mikael, name)
    assert SavedView.objects.count() == 2
    keep(as_, people.mikael, "b", "kind=agent")  # a kept one can still be changed
    assert SavedView.objects.get(name="b").query == "kind=agent"


def test_it_needs_a_form_of_our_own(people: People, as_: As) -> None:
    assert as_(people.mikael).get(reverse("saved_view_new")).status_code == 405
