"""Portal users: made, given roles, ended."""

import pytest
from django.urls import reverse

from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.users.models import User
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db

NEW = {"kind": "person", "name": "Nadia Bauer", "email": "Nadia@Nordhaven.test", "roles": ["hr"]}


def test_an_administrator_makes_a_user_and_it_is_recorded(people: People, as_: As) -> None:
    nadia = inventory.identity("Nadia Bauer", email="nadia@nordhaven.test")
    response = as_(people.mikael).post(reverse("user_new"), NEW)
    made = User.objects.get(email="nadia@nordhaven.test")
    assert response["Location"] == reverse("user", args=[made.pk])
    assert (made.roles, made.identity_id) == (["hr"], nadia.pk)
    event = Event.objects.about(made).get(verb=Verb.USER_CREATED)
    assert event.actor_id == str(people.mikael.pk)
    assert event.facts["roles"] == ["hr"]


def test_the_same_address_twice_is_refused_with_words(people: People, as_: As) -> None:
    response = as_(people.mikael).post(reverse("user_new"), NEW | {"email": "TOMAS@nordhaven.test"})
    assert "already" in response.text
    assert User.objects.filter(email__iexact="tomas@nordhaven.test").count() == 1


@pytest.mark.parametrize("who", ["ines", "tomas", "ruth", "aiko", "farid", "elena", "omar"])
def test_nobody_else_gets_in(people: People, as_: As, who: str) -> None:
    client = as_(people.by_role[who])
    assert client.get(reverse("user_list")).status_code == 403
    assert client.post(reverse("user_new"), NEW).status_code == 403
    assert not User.objects.filter(email="nadia@nordhaven.test").exists()


def test_roles_are_changed_as_seen_or_not_at_all(people: People, as_: As) -> None:
    url = reverse("user", args=[people.tomas.pk])
    stale = as_(people.mikael).post(url, {"roles": ["hr"], "seen": "compliance"})
    assert stale.status_code == 409
    people.tomas.refresh_from_db()
    assert people.tomas.roles == []
    assert as_(people.mikael).post(url, {"roles": ["hr"], "seen": ""}).status_code == 302
    people.tomas.refresh_from_db()
    assert people.tomas.roles == ["hr"]


def test_nobody_changes_their_own_roles(people: People, as_: As) -> None:
    url = reverse("user", args=[people.mikael.pk])
    response = as_(people.mikael).post(url, {"roles": ["iam", "compliance"], "seen": "iam"})
    assert "your own roles" in response.text
    people.mikael.refresh_from_db()
    assert people.mikael.roles == ["iam"]


def test_ending_a_sign_in_ends_sessions_at_once(people: People, as_: As) -> None:
    tomas = as_(people.tomas)
    assert tomas.get(reverse("home")).status_code == 200
    as_(people.mikael).post(reverse("user_end", args=[people.tomas.pk]))
    assert tomas.get(reverse("home")).status_code == 302
    people.tomas.refresh_from_db()
    assert not people.tomas.is_active
    assert Event.objects.about(people.tomas).filter(verb=Verb.SIGN_IN_ENDED).exists()


def test_identity_of_somebody_else_is_not_taken(people: People, as_: As) -> None:
    taken = identity_of(people.tomas)
    inventory.identity("Second Tomas", email="second@nordhaven.test")
    as_(people.mikael).post(reverse("user_new"), NEW | {"email": "other@nordhaven.test"})
    assert User.objects.get(email="other@nordhaven.test").identity_id is None
    assert User.objects.filter(identity_id=taken.pk).count() == 1
