"""Progress bars: a job reports, a page reads.

Inside a worker, reports go through a connection of their own, so that they are seen at once and stay
when the job's transaction does not. Anywhere else they are written where the caller stands.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.db import connection

from portal import moment
from portal.tasks.models import Progress

SECONDS_BETWEEN_WRITES = 0.25


class _Aside:
    """Writes from a second thread, which has a connection of its own; both start with the first report."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._written: dict[str, float] = {}

    def write(self, key: str, done: int, total: int | None, note: str) -> None:
        if (
            done != total
            and time.monotonic() - self._written.get(key, float("-inf")) < SECONDS_BETWEEN_WRITES
        ):
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="progress")
        self._thread.submit(_write, key, done, total, note, moment.now()).result()
        self._written[key] = time.monotonic()

    def close(self) -> None:
        if self._thread is not None:
            # Looked up over there: here `connection` is this thread's own, which that one may not touch.
            self._thread.submit(lambda: connection.close()).result()  # noqa: PLW0108
            self._thread.shutdown()


_aside: ContextVar[_Aside | None] = ContextVar("progress_aside", default=None)


def report(key: str, done: int, total: int | None = None, *, note: str = "") -> None:
    """Say that `done` of `total` is reached under `key`; cheap enough to call for every row."""
    within = done if total is None else min(done, total)
    if aside := _aside.get():
        aside.write(key, within, total, note)
    else:
        _write(key, within, total, note, moment.now())


def of(key: str) -> Progress | None:
    """The last report under `key`."""
    return Progress.objects.filter(key=key).first()


def forget(key: str) -> None:
    """Nobody will ask for `key` again."""
    Progress.objects.filter(key=key).delete()


@contextmanager
def apart() -> Iterator[None]:
    """Reports inside are written outside the transactions inside; workers wrap each job in it."""
    aside = _Aside()
    token = _aside.set(aside)
    try:
        yield
    finally:
        _aside.reset(token)
        aside.close()


def _write(key: str, done: int, total: int | None, note: str, at: datetime) -> None:
    Progress.objects.bulk_create(
        [Progress(key=key, done=done, total=total, note=note, updated_at=at)],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["done", "total", "note", "updated_at"],
    )
