"""The Celery engine: the row is outbox and result, the message is its id, sent after the commit."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django_tasks_db.models import get_date_max

from portal import moment
from portal.tasks import heart, running
from portal.tasks.celery import app
from portal.tasks.models import Lease
from portal.tasks.row_backend import RowBackend

# What is due later than this is sent by the clock when its time comes: no broker should hold it so long.
SENT_AHEAD = timedelta(hours=1)
MISSED_AFTER = timedelta(seconds=60)
SENT_AGAIN_AFTER = timedelta(minutes=15)


class CeleryBackend(RowBackend):
    """Rows, and a message for each."""

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Write the row in the caller's transaction and send after its commit."""
        result: Any = super().enqueue(task, args, kwargs)
        self.send(result.db_result)
        return result

    def send(self, row: running.Row) -> None:
        """Tell the workers of `row`. A broker that is down fails nothing: the clock sends again."""
        eta = None if row.run_after == get_date_max() else row.run_after
        if eta is None or eta - moment.now() <= SENT_AHEAD:

            def send() -> None:
                run_row.apply_async((str(row.pk),), queue=row.queue_name, eta=eta)

            transaction.on_commit(send, robust=True)

    def return_lost(self, at: datetime) -> int:
        """Rows of dead workers, and rows whose message seems lost (at most every quarter of an hour)."""
        returned = super().return_lost(at)
        recently = Lease.objects.heard_of_within(SENT_AGAIN_AFTER).filter(task_id=OuterRef("pk"))
        missed = running.ready(at - MISSED_AFTER).filter(
            Q(run_after__lt=get_date_max()) | Q(enqueued_at__lte=at - MISSED_AFTER), ~Exists(recently)
        )
        rows = list(missed[:1000])
        for row in rows:
            self.send(row)
        Lease.objects.bulk_create(
            [Lease(task_id=row.pk) for row in rows],
            update_conflicts=True,
            unique_fields=["task_id"],
            update_fields=["worker", "seen_at"],
        )
        return returned + len(rows)


@app.task(name="portal.run_row")  # type: ignore[untyped-decorator]  # Celery has no types
def run_row(row_id: str) -> None:
    """Run the row if it is ready and nobody else has it; any other message about it is dropped."""
    at, own = moment.now(), heart.of_this_process()
    row = running.claim(running.ready(at).filter(pk=row_id), worker=own.worker, at=at)
    if row is not None:
        with own.holding(row.pk):
            running.run(row)
