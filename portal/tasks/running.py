"""Running a task row: claim, call, settle. The embedded worker, Celery and the tests all come through here.

Every change is a conditional update: a worker that was given up for lost and comes back changes nothing.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from traceback import format_exception
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django_tasks import DEFAULT_TASK_BACKEND_ALIAS, TaskResultStatus, task_backends
from django_tasks.signals import task_finished, task_started
from django_tasks.utils import normalize_json
from django_tasks_db.models import DBTaskResult, get_date_max

from portal import moment
from portal.tasks import jobs, progress
from portal.tasks.heart import LOST_AFTER
from portal.tasks.jobs import Job
from portal.tasks.models import Lease

logger = logging.getLogger(__name__)

Row = DBTaskResult[..., Any]
Within = Callable[[], AbstractContextManager[Any]]


def ready(at: datetime) -> QuerySet[Row]:
    """Rows that may run at `at`, in the order in which they should."""
    due = Q(run_after=get_date_max()) | Q(run_after__lte=at)
    return DBTaskResult.objects.filter(
        due, status=TaskResultStatus.READY, backend_name=DEFAULT_TASK_BACKEND_ALIAS
    )


def claim(candidates: QuerySet[Row], *, worker: str, at: datetime) -> Row | None:
    """Take the first of `candidates` that nobody else is taking."""
    with transaction.atomic():
        row = candidates.select_for_update(skip_locked=True).first()
        if row is None:
            return None
        row.status, row.started_at, row.worker_ids = TaskResultStatus.RUNNING, at, [*row.worker_ids, worker]
        row.save(update_fields=["status", "started_at", "worker_ids"])
        Lease.objects.bulk_create(
            [Lease(task_id=row.pk, worker=worker)],
            update_conflicts=True,
            unique_fields=["task_id"],
            update_fields=["worker", "seen_at"],
        )
    return row


def run(row: Row, *, within: Within = progress.apart) -> Exception | None:
    """Call the claimed row's function inside `within`, settle the row, return what the function raised."""
    try:
        task: Any = row.task
        task_started.send(sender=type(task.get_backend()), task_result=row.task_result)
        with within():
            value = normalize_json(task.call(*row.args_kwargs["args"], **row.args_kwargs["kwargs"]))
    except Exception as error:  # noqa: BLE001  # whatever a job raises is settled on its row
        _settle_failure(row, error)
        return error
    except BaseException:
        # Stopped from outside, not failed: the attempt stays counted and another worker takes it up.
        _held(row).update(status=TaskResultStatus.READY, run_after=moment.now())
        raise
    _held(row).update(
        status=TaskResultStatus.SUCCESSFUL,
        finished_at=moment.now(),
        return_value=value,
        exception_class_path="",
        traceback="",
    )
    _announce(row)
    return None


def return_lost(*, lost_after: timedelta = LOST_AFTER) -> list[Row]:
    """Settle running rows whose worker gave no sign for `lost_after`; returns those that are ready again."""
    heard = Lease.objects.heard_of_within(lost_after).filter(task_id=OuterRef("pk"))
    lost = DBTaskResult.objects.filter(~Exists(heard), status=TaskResultStatus.RUNNING)
    again = []
    for row in lost.order_by("started_at"):
        logger.warning("task %s %s lost its worker %s", row.pk, row.task_path, row.worker_ids[-1])
        if _settle_failure(row, None):
            again.append(row)
    return again


def _settle_failure(row: Row, error: Exception | None) -> bool:
    """Ready again after its backoff, or failed for good; True when ready again. No error: its worker died."""
    attempt, at = len(row.worker_ids), moment.now()
    job = _job(row)
    account = {
        "exception_class_path": ""
        if error is None
        else f"{type(error).__module__}.{type(error).__qualname__}",
        "traceback": "the worker died" if error is None else "".join(format_exception(error)),
    }
    if job and job.may_retry(error, attempt):
        run_after = at + job.wait_after(attempt)
        if not _held(row).update(status=TaskResultStatus.READY, run_after=run_after, **account):
            return False
        row.status, row.run_after = TaskResultStatus.READY, run_after
        logger.warning(
            "task %s %s failed at attempt %d of %d (%s)",
            row.pk, row.task_path, attempt, job.attempts, type(error).__name__ if error else "worker died",
        )  # fmt: skip
        send_again(row)
        return True
    if _held(row).update(status=TaskResultStatus.FAILED, finished_at=at, **account):
        _announce(row)
        if job:
            tell_exhausted(job, error, row.args_kwargs["args"], row.args_kwargs["kwargs"])
    return False


def tell_exhausted(
    job: Job[..., Any], error: BaseException | None, args: list[Any], kwargs: dict[str, Any]
) -> None:
    """Call the job's `on_exhausted` in its own transaction; a mistake in it must not hide the failure."""
    if job.on_exhausted is None:
        return
    try:
        with transaction.atomic():
            job.on_exhausted("the worker died" if error is None else jobs.reason_for(error), *args, **kwargs)
    except Exception:
        logger.exception("what follows the last attempt of %s failed", job.module_path)


def send_again(row: Row) -> None:
    """Tell the engine's broker, if it has one, that the row waits again."""
    if send := getattr(task_backends[row.backend_name], "send", None):
        send(row)


def _held(row: Row) -> QuerySet[Row]:
    """The row, if this attempt still holds it."""
    return DBTaskResult.objects.filter(pk=row.pk, status=TaskResultStatus.RUNNING, worker_ids=row.worker_ids)


def _job(row: Row) -> Job[..., Any] | None:
    """The job of a row; None when its code is gone or it is an ordinary task."""
    try:
        task: Any = row.task  # typed as another Django’s task
    except Exception:  # noqa: BLE001  # whatever an import can raise
        return None
    return task if isinstance(task, Job) else None


def _announce(row: Row) -> None:
    row.refresh_from_db()
    try:
        result = row.task_result
    except Exception:  # the code behind the row is gone: there is nobody to announce it to
        logger.exception("task %s has no code: %s", row.pk, row.task_path)
        return
    task_finished.send(sender=type(result.task.get_backend()), task_result=result)
