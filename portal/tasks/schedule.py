"""What the hour asks for: `@every(minutes=5)` in an app's `clock.py`, run by `manage.py clock`."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ImproperlyConfigured

from portal.tasks.models import ClockEntry

Act = Callable[[datetime], None]

# An entry that failed is tried again soon, even if it is asked for once a day.
SOON = timedelta(minutes=5)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One act that the hour asks for."""

    name: str
    interval: timedelta
    act: Act


ENTRIES: dict[str, Entry] = {}


def every(*, minutes: float = 0, seconds: float = 0) -> Callable[[Act], Act]:
    """Have the function called each interval with the moment of the tick: `def end_expired(at): ...`."""
    interval = timedelta(minutes=minutes, seconds=seconds)
    if interval <= timedelta():
        raise ImproperlyConfigured("@every needs minutes or seconds")

    def register(act: Act) -> Act:
        name = f"{act.__module__}.{act.__qualname__}"
        if name in ENTRIES:
            raise ImproperlyConfigured(f"{name} is registered with the clock twice")
        ENTRIES[name] = Entry(name, interval, act)
        return act

    return register


def tick(now: datetime, *, entries: dict[str, Entry] | None = None) -> list[str]:
    """Run what is due at `now` and return the names that ran well; one that fails stops no other."""
    ran = []
    for entry in (ENTRIES if entries is None else entries).values():
        if not _claim(entry, now):
            continue
        try:
            entry.act(now)
        except Exception:
            logger.exception("the clock's %s failed", entry.name)
            soon = min(entry.interval, SOON)
            ClockEntry.objects.filter(name=entry.name).update(due_at=now + soon, failed_at=now)
        else:
            ran.append(entry.name)
    return ran


def _claim(entry: Entry, now: datetime) -> bool:
    """Whether this clock is the one that runs `entry` now."""
    row = ClockEntry.objects.filter(name=entry.name)
    if not row.exists():
        ClockEntry.objects.bulk_create([ClockEntry(name=entry.name, due_at=now)], ignore_conflicts=True)
    return bool(row.due(now, interval=entry.interval).update(due_at=now + entry.interval, ran_at=now))
