"""From an hour on the wall to the instant it means, in zones that move their clocks."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from accounts.forms.offboarding import ScheduleForm
from accounts.models import OffboardingCase
from accounts.services import offboarding, wall_clock
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.factories import leaver
from tests.factories.people import People

# zone, on the wall, the UTC instants it means
TABLE = [
    ("Europe/Berlin", "2026-10-06T16:00", ["2026-10-06T14:00"]),
    ("Europe/Berlin", "2026-12-31T16:00", ["2026-12-31T15:00"]),
    ("Europe/Berlin", "2026-03-29T02:30", []),  # clocks go forward over it
    ("Europe/Berlin", "2026-03-29T01:59", ["2026-03-29T00:59"]),
    ("Europe/Berlin", "2026-03-29T03:00", ["2026-03-29T01:00"]),
    ("Europe/Berlin", "2026-10-25T02:30", ["2026-10-25T00:30", "2026-10-25T01:30"]),  # twice
    ("Europe/Berlin", "2026-10-25T03:00", ["2026-10-25T02:00"]),
    ("America/New_York", "2026-03-08T02:30", []),
    ("America/New_York", "2026-11-01T01:30", ["2026-11-01T05:30", "2026-11-01T06:30"]),
    ("Australia/Lord_Howe", "2026-04-05T01:45", ["2026-04-04T14:45", "2026-04-04T15:15"]),  # half an hour
    ("Australia/Lord_Howe", "2026-10-04T02:15", []),
    ("Australia/Melbourne", "2026-10-06T17:00", ["2026-10-06T06:00"]),
    ("Asia/Kolkata", "2026-10-06T16:00", ["2026-10-06T10:30"]),
    ("Pacific/Apia", "2011-12-30T12:00", []),  # a day that never was
    ("UTC", "2026-10-25T02:30", ["2026-10-25T02:30"]),
]


@pytest.mark.parametrize(("zone", "wall", "meant"), TABLE)
def test_what_a_wall_clock_means(zone: str, wall: str, meant: list[str]) -> None:
    found = wall_clock.instants(datetime.fromisoformat(wall), zone)
    assert found == [datetime.fromisoformat(one).replace(tzinfo=UTC) for one in meant]


def test_an_hour_that_never_comes_is_refused_with_its_neighbours() -> None:
    with pytest.raises(ValidationError, match="Say 01:30 or 03:30") as refusal:
        wall_clock.instant(datetime.fromisoformat("2026-03-29T02:30"), "Europe/Berlin")
    assert refusal.value.code == "nonexistent"


def test_an_hour_that_comes_twice_has_to_be_chosen() -> None:
    local = datetime.fromisoformat("2026-10-25T02:30")
    with pytest.raises(ValidationError, match="at 00:30 and again at 01:30 UTC") as refusal:
        wall_clock.instant(local, "Europe/Berlin")
    assert refusal.value.code == "ambiguous"
    first = wall_clock.instant(local, "Europe/Berlin", which="first")
    second = wall_clock.instant(local, "Europe/Berlin", which="second")
    assert (second - first).total_seconds() == 3600


@pytest.mark.parametrize(
    "zone", ["Middle/Earth", "", "../../etc/passwd", "/etc/localtime", "Europe/\0Berlin"]
)
def test_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="time zone"):
        wall_clock.instant(datetime.fromisoformat("2026-10-06T16:00"), zone)


@pytest.mark.parametrize(
    ("day", "hour", "field", "has_choice"),
    [
        ("2026-03-29", "02:30", "hour", False),
        ("2026-10-25", "02:30", "which", True),
        ("2026-10-25", "2:30", "which", True),
        ("2026-02-30", "02:30", "day", False),
        ("2026-10-06", "25:00", "hour", False),
    ],
)
def test_the_form_says_it_at_the_field(day: str, hour: str, field: str, has_choice: bool) -> None:
    form = ScheduleForm({"reason": "resigned", "day": day, "hour": hour, "zone": "Europe/Berlin"})
    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert ("which" in form.fields) is has_choice


@pytest.mark.django_db
def test_a_case_keeps_what_hr_said_and_the_instant(people: People) -> None:
    case = leaver.planned(leaver.dana(people), people.ruth)
    assert (case.local_time, case.zone) == ("2026-10-06T16:00", "Europe/Berlin")
    assert case.effective_at == leaver.HOUR


@pytest.mark.django_db
def test_the_instant_follows_when_a_zone_changes_its_rules(people: People) -> None:
    case = leaver.planned(leaver.dana(people), people.ruth)
    assert not offboarding.keep_to_the_wall(case, at=leaver.BEFORE)
    # As if the rules had been others when it was planned.
    OffboardingCase.objects.filter(pk=case.pk).update(effective_at=leaver.BEFORE)
    case.refresh_from_db()
    assert offboarding.keep_to_the_wall(case, at=leaver.BEFORE)
    case.refresh_from_db()
    assert case.effective_at == leaver.HOUR
    assert Event.objects.about(case).filter(verb=Verb.OFFBOARDING_RESCHEDULED, actor_kind="portal").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["2025-10-06", "2028-10-06"])
def test_slips_of_the_pen_are_refused(people: People, day: str) -> None:
    dana = leaver.dana(people)
    with moment.simulated(leaver.BEFORE), pytest.raises(ValidationError, match=r"month ago|year away"):
        offboarding.schedule(
            dana.person,
            reason=OffboardingCase.Reason.RESIGNED,
            local_time=datetime.fromisoformat(f"{day}T16:00"),
            zone="UTC",
            actor=people.ruth.actor,
        )
    assert not OffboardingCase.objects.exists()
