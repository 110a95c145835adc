"""What people tell of secrets: where one is kept and since when others may know it; readings leave that."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.services import credentials
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.factories import inventory
from tests.factories.people import People


def test_place_and_exposure_are_kept_and_told_in_the_log(people: People) -> None:
    key = inventory.credential(inventory.account(inventory.system("CORE")))
    seen = moment.now() - timedelta(days=2)
    told = credentials.tell(key, storage=" wiki ", exposed_at=seen, actor=people.farid.actor)
    assert (told.storage, told.exposed_at) == ("wiki", seen)
    event = Event.objects.about(key).get(verb=Verb.CREDENTIAL_TOLD)
    assert event.actor_id == str(people.farid.pk)
    assert event.facts["fields"] == ["exposed_at", "storage"]


def test_what_is_not_said_stays_and_nothing_new_is_no_event(people: People) -> None:
    key = inventory.credential(inventory.account(inventory.system("CORE")))
    credentials.tell(key, storage="wiki", actor=people.farid.actor)
    credentials.tell(key, storage="wiki", actor=people.farid.actor)
    seen = moment.now()
    told = credentials.tell(key, exposed_at=seen, actor=people.farid.actor)
    assert (told.storage, told.exposed_at) == ("wiki", seen)
    assert Event.objects.about(key).filter(verb=Verb.CREDENTIAL_TOLD).count() == 2


def test_an_exposure_to_come_is_refused(people: People) -> None:
    key = inventory.credential(inventory.account(inventory.system("CORE")))
    with pytest.raises(ValidationError, match="happened"):
        credentials.tell(key, exposed_at=moment.now() + timedelta(hours=1), actor=people.farid.actor)


def test_a_place_too_long_to_be_kept_is_refused(people: People) -> None:
    key = inventory.credential(inventory.account(inventory.system("CORE")))
    with pytest.raises(ValidationError):
        credentials.tell(key, storage="x" * 41, actor=people.farid.actor)
    key.refresh_from_db()
    assert not key.storage


def test_of_what_is_gone_nothing_is_told(people: People) -> None:
    key = inventory.credential(inventory.account(inventory.system("CORE")))
    key.gone_run = key.first_run
    key.save(update_fields=["gone_run"])
    with pytest.raises(ValidationError, match="gone"):
        credentials.tell(key, storage="wiki", actor=people.farid.actor)
