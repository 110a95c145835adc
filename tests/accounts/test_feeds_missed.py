"""A feed that does not come is missed once: its system's owner is told, and it shows where they look."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import ImportRun, Source, System
from accounts.services import feeds
from portal.audit.models import Event, Payload
from portal.audit.verbs import Verb
from portal.outbox.models import Message
from tests.conftest import As
from tests.factories import inventory
from tests.factories import people as factory
from tests.factories.people import People

pytestmark = pytest.mark.django_db

HOURS = timedelta(hours=1)


@pytest.fixture
def core(people: People) -> Source:
    """Of a system that Tomas owns; a reading is expected daily, and the last came two hours ago."""
    system = inventory.system("CORE", owner=factory.identity_of(people.tomas))
    source = inventory.source(system, name="CORE nightly", every_hours=24)
    inventory.run(source, timezone.now() - 2 * HOURS)
    return source


def late(source: Source) -> int:
    """The clock, 28 hours after the last reading is due."""
    return feeds.warn_of_missed(timezone.now() + 50 * HOURS)


def test_the_owner_is_told_once_with_counts_and_dates(core: Source, people: People) -> None:
    assert feeds.warn_of_missed(timezone.now()) == 0
    assert (late(core), late(core)) == (1, 0)
    message = Message.objects.get()
    assert message.to == "tomas@nordhaven.test"
    assert "every 24 hours" in message.body
    assert f"/sources/{core.pk}/" in message.body
    event = Event.objects.about(core).get(verb=Verb.SOURCE_MISSED)
    assert event.actor_kind == "portal"
    facts = Payload.objects.get(event=event).facts
    assert facts is not None
    assert facts["every_hours"] == 24


def test_a_reading_that_comes_ends_it_and_the_next_miss_is_told_anew(core: Source) -> None:
    late(core)
    inventory.run(core, timezone.now() + 51 * HOURS)
    feeds.warn_of_missed(timezone.now() + 52 * HOURS)
    core.refresh_from_db()
    assert core.missed_at is None
    assert feeds.warn_of_missed(timezone.now() + 99 * HOURS) == 1
    assert Message.objects.count() == 2


@pytest.mark.parametrize("state", [ImportRun.State.FAILED, ImportRun.State.DISCARDED])
def test_a_file_that_was_refused_is_no_reading(core: Source, state: str) -> None:
    inventory.run(core, timezone.now() + 49 * HOURS, state=state)
    assert late(core) == 1


def test_a_reading_that_waits_for_a_person_has_come(core: Source) -> None:
    inventory.run(core, timezone.now() + 49 * HOURS, state=ImportRun.State.PREVIEWED)
    assert late(core) == 0


def test_a_quarter_of_the_rhythm_is_forgiven(core: Source) -> None:
    assert feeds.warn_of_missed(timezone.now() + 27 * HOURS) == 0
    assert feeds.warn_of_missed(timezone.now() + 29 * HOURS) == 1


def test_without_a_rhythm_nothing_is_missed(core: Source) -> None:
    Source.objects.update(every_hours=None)
    assert late(core) == 0


@pytest.mark.parametrize("whose", ["nobody", "hr"])
def test_where_there_is_no_owner_those_who_keep_the_inventory_are_told(
    core: Source, people: People, whose: str
) -> None:
    if whose == "nobody":
        System.objects.update(owner=None)
    else:
        Source.objects.update(system=None)
    late(core)
    assert Message.objects.get().to == "mikael@nordhaven.test"


def test_owner_and_deputy_are_both_told(core: Source, people: People) -> None:
    System.objects.update(deputy=factory.identity_of(people.aiko))
    late(core)
    assert set(Message.objects.values_list("to", flat=True)) == {
        "tomas@nordhaven.test",
        "aiko@nordhaven.test",
    }


def test_it_shows_at_home_on_the_source_and_on_the_system(core: Source, people: People, as_: As) -> None:
    late(core)
    source_url = reverse("source", args=[core.pk])
    for who, link in ((people.tomas, source_url), (people.mikael, reverse("source_list") + "?only=missed")):
        home = as_(who).get(reverse("home"))
        assert "did not come" in home.text
        assert link in home.text
    for url in (source_url, reverse("system", args=["CORE"])):
        shown = as_(people.tomas).get(url).text
        assert "expected daily" in shown
        assert "missing" in shown
    listed = as_(people.mikael).get(reverse("source_list"), {"only": "missed"}).text
    assert "CORE nightly" in listed


def test_others_hear_nothing_of_it(core: Source, people: People, as_: As) -> None:
    late(core)
    assert "did not come" not in as_(people.omar).get(reverse("home")).text
    assert as_(people.omar).get(reverse("source", args=[core.pk])).status_code == 404


def test_nothing_missing_is_said_plainly(people: People, as_: As) -> None:
    assert "No feed is missing." in as_(people.mikael).get(reverse("source_list"), {"only": "missed"}).text


def test_the_words_of_a_rhythm() -> None:
    said: dict[Any, str] = {
        hours: Source(every_hours=hours).rhythm for hours in (None, 1, 5, 24, 48, 168, 50)
    }
    assert list(said.values()) == [
        "",
        "every hour",
        "every 5 hours",
        "daily",
        "every 2 days",
        "weekly",
        "every 50 hours",
    ]
