"""Building the demonstration: act by act, each whole or not at all; an interrupted building goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection, transaction

from portal import moment
from portal.demo import timeline
from portal.demo.calendar import Calendar
from portal.tasks import progress
from portal.users.models import User

KEY = "demonstration"
ADVISORY_LOCK = 7_215_307_041  # two who build at once would play every act twice
Say = Callable[[str], object]


class Refused(Exception):
    """The demonstration is not built; the message is one line that says why."""


@dataclass(frozen=True)
class Stand:
    """How far the building has come, and the moment that its calendar counts from."""

    begun_at: datetime
    done: int
    total: int

    @property
    def is_whole(self) -> bool:
        """Every act was played."""
        return self.done >= self.total


def stand() -> Stand | None:
    """None where nobody has begun to build here."""
    found = progress.of(KEY)
    if found is None:
        return None
    return Stand(datetime.fromisoformat(found.note), found.done, found.total or len(timeline.acts()))


def refuse_unless_demo() -> None:
    """The demonstration goes only where it was asked for; its log has an origin of its own."""
    if not settings.DEMO:
        raise Refused(
            "this portal is no demonstration. Start one with PORTAL_DEMO=1 and a database of its own."
        )


def build(say: Say) -> bool:
    """Play what was not played yet; False where the demonstration is whole already."""
    refuse_unless_demo()
    acts = timeline.acts()
    with _alone():
        so_far = stand()
        if so_far is None:
            if User.objects.exists():
                raise Refused(
                    "somebody works with this database: the demonstration is built only into an empty one."
                )
            so_far = Stand(datetime.now(UTC).replace(microsecond=0), 0, len(acts))
        elif so_far.is_whole:
            return False
        elif so_far.total != len(acts):
            raise Refused(
                "an older version began to build here. Stop the portal, remove var/, and start again."
            )
        else:
            say(f"going on after act {so_far.done} of {so_far.total}")
        _play(acts, so_far, say)
    return True


def _play(acts: list[timeline.Act], so_far: Stand, say: Say) -> None:
    calendar = Calendar(so_far.begun_at)
    for number, act in enumerate(acts[so_far.done :], so_far.done + 1):
        say(f"{number:2} of {len(acts)} · {calendar.day(act.day):%d %b} · {act.words}")
        with transaction.atomic(), moment.simulated(calendar.at(act.day, act.clock)):
            act.perform(calendar)
            progress.report(KEY, number, len(acts), note=so_far.begun_at.isoformat())


@contextmanager
def _alone() -> Iterator[None]:
    """Holds the lock of this database for the session; a process that dies lets go of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        (taken,) = cursor.fetchone()
    if not taken:
        raise Refused("somebody is building the demonstration here already.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
