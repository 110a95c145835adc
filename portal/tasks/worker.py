"""The embedded engine's worker: one process, one job at a time; start as many as the machine bears."""

import logging
from collections.abc import Sequence

from django.db import InterfaceError, OperationalError, close_old_connections, connection

from portal import moment
from portal.tasks import heart, running
from portal.tasks.stopping import Stop

logger = logging.getLogger(__name__)


class Worker:
    """Claims ready rows, queue by queue in the order given, until it is told to stop."""

    def __init__(self, queues: Sequence[str], *, pause: float, batch: bool = False) -> None:
        self.queues, self.pause, self.batch = queues, pause, batch
        self.stop = Stop()

    def run(self) -> int:
        """Work until stopped, or in batch mode until nothing is ready; returns how many jobs ran."""
        ran = 0
        while not self.stop.is_asked:
            close_old_connections()
            try:
                found = self.run_one()
            except (OperationalError, InterfaceError):
                # A row that could not be settled has no heartbeat any more and comes back by itself.
                logger.exception("the worker lost the database")
                connection.close()
                self.stop.wait(self.pause)
                continue
            ran += found
            if not found:
                if self.batch:
                    break
                self.stop.wait(self.pause)
        return ran

    def run_one(self) -> bool:
        """Run one ready job; False when there is none."""
        own = heart.of_this_process()
        for queue in self.queues:
            at = moment.now()
            row = running.claim(running.ready(at).filter(queue_name=queue), worker=own.worker, at=at)
            if row is not None:
                with own.holding(row.pk):
                    running.run(row)
                return True
        return False
