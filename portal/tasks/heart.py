"""The heart of a worker process: as long as it beats, the jobs it holds are not given to another."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.utils.crypto import get_random_string

from portal.tasks.models import Lease

BEAT = timedelta(seconds=5)
# A beat may be missed by a paused machine or a job that holds the interpreter; a dead worker misses them all.
LOST_AFTER = timedelta(seconds=60)

logger = logging.getLogger(__name__)


class Heart:
    """Renews the leases of the jobs this process runs, from a thread with a connection of its own."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self._held: set[UUID] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def holding(self, task_id: UUID) -> Iterator[None]:
        """Keep the lease of `task_id` fresh inside."""
        with self._lock:
            self._held.add(task_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(task_id)

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT.total_seconds())
            with self._lock:
                held = set(self._held)
                if not held:
                    self._thread = None
                    return
            try:
                Lease.objects.filter(task_id__in=held, worker=self.worker).update(seen_at=Now())
            except DatabaseError:
                logger.warning("a heartbeat did not reach the database")
            finally:
                connection.close()


def worker_name() -> str:
    """A name no other worker has: processes of a fleet may share their number."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{get_random_string(8)}"


_hearts: dict[int, Heart] = {}


def of_this_process() -> Heart:
    """The heart of this process; a forked child gets its own, because threads do not survive a fork."""
    return _hearts.setdefault(os.getpid(), Heart(worker_name()))
