"""What raises no question is applied without hands, where a person said so; everything else waits for one."""

from datetime import datetime
from typing import Any

import pytest

from accounts.models import Grant, ImportRun, Source
from accounts.services import feeds
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from tests.factories import readings
from tests.factories.readings import day

pytestmark = pytest.mark.django_db

CORE = "account,entitlement\n" + "".join(f"user{number},reader\n" for number in range(40))
PUSHED = ImportRun.Provenance.PUSHED


@pytest.fixture
def core() -> Source:
    made = readings.source(readings.system())
    return feeds.edit(
        made, every_hours=24, inbox="core", pull=None, applies_by_itself=True, version=None, by=readings.iam()
    )


def came(source: Source, text: str = CORE, taken_at: datetime | None = None, **fields: Any) -> ImportRun:
    """A reading that a machine pushed, after the clock looked at it."""
    run = readings.previewed(source, text, taken_at or day(0), **({"provenance": PUSHED} | fields))
    feeds.apply_ready()
    drain()
    return readings.fresh(run)


@pytest.mark.parametrize("way", [PUSHED, ImportRun.Provenance.SIGNED, ImportRun.Provenance.INBOX, "pulled"])
def test_a_feed_that_raises_no_question_is_applied_by_the_portal(core: Source, way: Any) -> None:
    run = came(core, provenance=way)
    assert (run.state, run.applied_by_id) == (ImportRun.State.APPLIED, None)
    assert Grant.objects.held().count() == 40
    assert Event.objects.about(run).get(verb=Verb.IMPORT_APPLIED).actor_kind == "portal"


def test_the_next_one_shows_its_few_changes_without_hands_too(core: Source) -> None:
    came(core)
    run = came(core, CORE.replace("user1,reader\n", ""), day(1))
    assert run.state == ImportRun.State.APPLIED
    assert Grant.objects.held().count() == 39


def test_a_file_sent_by_hand_waits_for_a_person(core: Source) -> None:
    run = came(core, provenance=ImportRun.Provenance.UPLOADED)
    assert run.state == ImportRun.State.PREVIEWED


def test_a_source_in_quarantine_waits_for_a_person(core: Source) -> None:
    Source.objects.update(released_at=None)
    core.refresh_from_db()
    assert came(core).state == ImportRun.State.PREVIEWED


def test_where_nobody_said_so_it_waits_for_a_person(core: Source) -> None:
    source = feeds.edit(
        core,
        every_hours=24,
        inbox="core",
        pull=None,
        applies_by_itself=False,
        version=None,
        by=readings.iam(),
    )
    assert came(source).state == ImportRun.State.PREVIEWED


def test_a_fuse_waits_for_a_second_person(core: Source) -> None:
    came(core)
    half = "account,entitlement\n" + "".join(f"user{number},reader\n" for number in range(15))
    run = came(core, half, day(1))
    assert run.preview["fuse"]
    assert run.state == ImportRun.State.PREVIEWED
    assert Grant.objects.held().count() == 40


def test_a_rejected_row_waits_for_a_person(core: Source) -> None:
    run = came(core, CORE + "broken,reader,too,many\n")
    assert run.rejected == 1
    assert run.state == ImportRun.State.PREVIEWED


def test_a_count_that_differs_waits_for_a_person(core: Source) -> None:
    assert came(core, source_count=41).state == ImportRun.State.PREVIEWED


def test_an_unknown_moment_waits_for_a_person(core: Source) -> None:
    run = readings.previewed(core, CORE, provenance=PUSHED)
    feeds.apply_ready()
    assert readings.fresh(run).state == ImportRun.State.PREVIEWED


def test_a_part_waits_for_a_person() -> None:
    made = readings.source(readings.system(), mapping={})
    part = feeds.edit(
        made, every_hours=24, inbox="core", pull=None, applies_by_itself=True, version=None, by=readings.iam()
    )
    run = came(part)
    assert not run.is_complete
    assert run.state == ImportRun.State.PREVIEWED


def test_an_old_reading_that_comes_late_waits_for_a_person(core: Source) -> None:
    came(core, taken_at=day(5))
    run = came(core, CORE.replace("user1,reader\n", ""), day(1))
    assert run.state == ImportRun.State.PREVIEWED
    assert Grant.objects.held().count() == 40


def test_readings_are_applied_in_the_order_in_which_they_came(core: Source) -> None:
    first = readings.previewed(core, CORE, day(0), provenance=PUSHED)
    second = readings.previewed(core, CORE, day(1), provenance=PUSHED)
    for _ in range(3):  # the second waits for the first, and is held against the record once more
        feeds.apply_ready()
        drain()
    assert readings.fresh(first).state == readings.fresh(second).state == ImportRun.State.APPLIED
