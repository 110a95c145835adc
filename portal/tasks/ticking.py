"""The clock process: ticks, and makes sure that only one clock acts at a time."""

import logging

from django.db import DEFAULT_DB_ALIAS, DatabaseError, close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from portal import moment
from portal.tasks import schedule
from portal.tasks.stopping import Stop

# Any number will do, as long as nothing else in the database locks on it.
ADVISORY_LOCK = 7_215_307_014

logger = logging.getLogger(__name__)


class Clock:
    """Ticks every `pause` seconds while it holds the lock.

    The lock belongs to a connection of its own, so a clock that is killed frees it at once. Behind a pooler
    that shares sessions it proves nothing; then the conditional claim of each entry still keeps acts single.
    """

    def __init__(self, *, pause: float) -> None:
        self.pause = pause
        self.stop = Stop()
        self._session: BaseDatabaseWrapper | None = None

    def run(self, *, once: bool = False) -> None:
        """Tick until stopped, or one time."""
        try:
            while not self.stop.is_asked:
                close_old_connections()
                try:
                    self.tick()
                except DatabaseError:
                    logger.exception("the clock lost the database")
                    self._let_go()
                if once:
                    break
                self.stop.wait(self.pause)
        finally:
            self._let_go()

    def tick(self) -> bool:
        """One tick; False when another clock holds the lock."""
        if not self._is_mine():
            return False
        schedule.tick(moment.now())
        return True

    def _is_mine(self) -> bool:
        if self._session is not None:
            with self._session.cursor() as cursor:  # raises when the session, and the lock with it, is gone
                cursor.execute("SELECT 1")
            return True
        session = connections.create_connection(DEFAULT_DB_ALIAS)
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
            (taken,) = cursor.fetchone()
        if taken:
            self._session = session
        else:
            session.close()
        return bool(taken)

    def _let_go(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
