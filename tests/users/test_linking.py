"""A user who was there before HR's first reading becomes somebody in the inventory afterwards."""

import pytest

from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.users import linking, services
from portal.users.models import User
from tests.factories import inventory

pytestmark = pytest.mark.django_db


def early(email: str = "mikael@nordhaven.example") -> User:
    return services.create(email=email, name="Mikael Strand", roles=[], actor=PORTAL)


def test_the_one_with_the_address_is_linked_and_it_is_recorded() -> None:
    user = early()
    assert not linking.link(user, actor=PORTAL)
    person = inventory.identity("Mikael Strand", email="Mikael@nordhaven.example")
    assert linking.link(user, actor=PORTAL)
    user.refresh_from_db()
    assert user.identity_id == person.pk
    assert Event.objects.get(verb="user.linked").payload.facts == {"identity": str(person.pk)}


def test_two_with_the_address_are_nobody() -> None:
    user = early()
    for _ in range(2):
        inventory.identity(email="mikael@nordhaven.example")
    assert not linking.link(user, actor=PORTAL)


def test_whoever_is_another_user_already_is_not_taken() -> None:
    person = inventory.identity(email="mikael@nordhaven.example")
    services.create(email="m@elsewhere.example", name="M", roles=[], identity_id=person.pk, actor=PORTAL)
    assert not linking.link(early(), actor=PORTAL)


def test_a_link_that_stands_is_not_moved() -> None:
    first = inventory.identity()
    user = services.create(
        email="mikael@nordhaven.example", name="M", roles=[], identity_id=first.pk, actor=PORTAL
    )
    inventory.identity(email="mikael@nordhaven.example")
    assert not linking.link(user, actor=PORTAL)
    user.refresh_from_db()
    assert user.identity_id == first.pk
