"""A protected name change: the earlier names are read nowhere any more, and no digest breaks."""

import pytest
from django.core.exceptions import ValidationError

from accounts.services import earlier_names
from portal.audit import cards
from portal.audit.models import Card, Event
from portal.audit.services import PORTAL
from tests.factories import inventory

pytestmark = pytest.mark.django_db


def test_earlier_cards_are_emptied_and_todays_stays() -> None:
    alex = inventory.identity("Alexandra Berg")
    earlier = bytes(alex.card or b"")
    alex.card = cards.write("identity", alex.pk, {"kind": "human", "name": "Alex Berg"})
    alex.save(update_fields=["card"])
    other = inventory.identity("Somebody else")
    assert earlier_names.seal(alex, version=alex.version, actor=PORTAL) == 1
    assert cards.read(earlier) is None
    assert cards.read(alex.card) == {"kind": "human", "name": "Alex Berg"}
    assert cards.read(other.card) is not None
    assert Card.objects.filter(digest=earlier).exists(), "what committed to it still finds it"
    assert Event.objects.filter(verb="identity.names_sealed", payload__facts__count=1).exists()


def test_machines_have_no_names_to_protect() -> None:
    machine = inventory.identity("svc-eod", "service")
    with pytest.raises(ValidationError, match="Only people"):
        earlier_names.seal(machine, version=machine.version, actor=PORTAL)
