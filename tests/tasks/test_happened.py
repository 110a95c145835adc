"""`happened`: told after the commit, once per event, and only where somebody answers."""

import pytest
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from portal import moment
from portal.audit.models import Event
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.tasks import ports, telling
from portal.tasks.models import Progress, Told
from portal.tasks.testing import drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def happened(monkeypatch: pytest.MonkeyPatch) -> ports.Happened:
    """The port, without the answers of the portal."""
    empty = ports.Happened()
    monkeypatch.setattr(telling, "happened", empty)
    return empty


@pytest.fixture
def told(happened: ports.Happened) -> list[int]:
    """An answer to one verb, and what it was asked."""
    heard: list[int] = []
    happened[Verb.IDENTITY_EDITED].answered_by("tests listen")(heard.append)
    return heard


def recorded(verb: Verb) -> Event:
    """An event about some row."""
    subject, _ = Progress.objects.get_or_create(key="subject", defaults={"updated_at": moment.now()})
    with transaction.atomic():
        event = record(verb, subject, actor=PORTAL, facts={})
        telling.tell(event)
    return event


def test_an_answer_hears_of_its_verb_only(told: list[int]) -> None:
    event = recorded(Verb.IDENTITY_EDITED)
    recorded(Verb.IDENTITY_CREATED)
    assert DBTaskResult.objects.count() == 1, "nobody answers the other verb"
    drain()
    assert told == [event.pk]


def test_an_event_is_told_once_however_often_its_task_runs(told: list[int]) -> None:
    event = recorded(Verb.IDENTITY_EDITED)
    telling.deliver.enqueue(event.pk)
    assert drain() == 2
    assert told == [event.pk]


def test_an_answer_that_fails_is_asked_again(happened: ports.Happened, told: list[int]) -> None:
    def fail_once(event_id: int) -> None:
        if len(told) == 1:
            raise RuntimeError("not yet")

    happened[Verb.IDENTITY_EDITED].answered_by("tests stumble")(fail_once)
    event = recorded(Verb.IDENTITY_EDITED)
    drain(raising=False)
    assert not Told.objects.exists()
    telling.deliver.call(event.pk)
    assert told == [event.pk, event.pk]
    assert Told.objects.get().event_id == event.pk


def test_who_answers_can_be_listed(happened: ports.Happened, told: list[int]) -> None:
    assert happened.answered == {"identity.edited": ["tests listen"]}
