"""Building: only where it was asked for, only into an empty database, and on from where it stopped."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from portal.audit.services import PORTAL
from portal.demo import build, timeline
from portal.demo.calendar import Calendar
from portal.testing.databases import CommittedDatabase
from portal.users import services
from portal.users.models import User
from portal.users.roles import Role


@pytest.mark.parametrize("options", [{}, {"if_empty": True}, {"sign_ins": True}])
@pytest.mark.django_db
def test_a_portal_that_is_no_demonstration_refuses(options: dict[str, bool]) -> None:
    with pytest.raises(CommandError, match="PORTAL_DEMO=1"):
        call_command("demo", **options, stdout=StringIO())
    assert not User.objects.exists()


@pytest.mark.django_db
def test_where_somebody_works_already_nothing_is_built(as_demo: None) -> None:
    services.create(email="a@b.example", name="Somebody", roles=[Role.IAM], actor=PORTAL)
    with pytest.raises(CommandError, match="empty"):
        call_command("demo", stdout=StringIO())
    out = StringIO()
    call_command("demo", if_empty=True, stdout=out)
    assert "not built here" in out.getvalue()
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_before_it_is_built_nobody_can_sign_in(as_demo: None) -> None:
    out = StringIO()
    call_command("demo", sign_ins=True, stdout=out)
    assert "nobody" in out.getvalue()


def test_an_interrupted_building_goes_on_where_it_stopped(
    committed_db: CommittedDatabase, as_demo: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = timeline.acts()[:3]

    def power_fails(calendar: Calendar) -> None:
        three[2].perform(calendar)
        raise KeyboardInterrupt

    broken = timeline.Act(three[2].day, three[2].clock, three[2].words, power_fails)
    monkeypatch.setattr(timeline, "acts", lambda: [*three[:2], broken])
    with pytest.raises(KeyboardInterrupt):
        build.build(lambda _line: None)
    stopped = build.stand()
    assert stopped is not None
    assert (stopped.done, stopped.is_whole) == (2, False)
    assert User.objects.count() == 1, "an act is whole or not at all"

    monkeypatch.setattr(timeline, "acts", lambda: three)
    said: list[str] = []
    assert build.build(said.append)
    assert said[0] == "going on after act 2 of 3"
    stand = build.stand()
    assert stand is not None
    assert stand.is_whole
    assert stand.begun_at == stopped.begun_at, "the calendar counts from the first beginning"
    assert User.objects.count() > 20


def test_another_version_of_the_story_says_what_to_do(
    committed_db: CommittedDatabase, as_demo: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = timeline.acts()

    def stop(_calendar: Calendar) -> None:
        raise KeyboardInterrupt

    stopping = timeline.Act(acts[1].day, acts[1].clock, "stop", stop)
    monkeypatch.setattr(timeline, "acts", lambda: [acts[0], stopping])
    with pytest.raises(KeyboardInterrupt):
        build.build(lambda _line: None)
    monkeypatch.setattr(timeline, "acts", lambda: acts)
    with pytest.raises(CommandError, match="older version"):
        call_command("demo", if_empty=True, stdout=StringIO())


def test_the_demonstrations_log_has_an_origin_of_its_own() -> None:
    def origin(demo: str) -> str:
        env = {**os.environ, "PORTAL_DEMO": demo}
        code = "from portal import settings; print(settings.LOG_ORIGIN)"
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert origin("1") == "demo.invalid/portal"
    assert origin("0") != origin("1")


@pytest.mark.django_db
def test_the_clock_of_the_story_needs_its_setting(settings: Settings, as_demo: None) -> None:
    settings.PORTAL_SIMULATED_CLOCK = False
    with pytest.raises(Exception, match="simulated clock"):
        build.build(lambda _line: None)
    assert not User.objects.exists()
