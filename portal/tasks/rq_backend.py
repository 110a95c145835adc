"""The RQ engine: django-tasks-rq with retries, and jobs sent only after the commit."""

import hashlib
import json
import logging
from datetime import datetime
from types import TracebackType
from typing import Any, cast

import django_rq
from django.db import connections, transaction
from django.utils import timezone
from django_tasks import TaskResult, TaskResultStatus
from django_tasks.base import Task
from django_tasks.signals import task_enqueued
from django_tasks.utils import get_random_id
from django_tasks_rq.backend import Job as RQJob
from django_tasks_rq.backend import RQBackend, failed_callback, success_callback
from redis import Redis
from rq import Callback, Worker
from rq.exceptions import NoSuchJobError
from rq.job import JobStatus
from rq.registry import StartedJobRegistry

from portal.tasks import jobs, progress, running
from portal.tasks.engines import LONGEST_JOB_SECONDS, QUEUES, RQ_SERIALIZER

logger = logging.getLogger(__name__)


class RetryingJob(RQJob):
    """RQ's job, run like every other engine's."""

    def _execute(self) -> Any:
        with progress.apart():
            return super()._execute()

    @property
    def portal_job(self) -> jobs.Job[..., Any] | None:
        """Our job behind RQ's; None for an ordinary task."""
        return self.func if isinstance(self.func, jobs.Job) else None


class RetryingWorker(Worker):
    """RQ's worker calls no callback when the process that runs a job is killed; this one does."""

    def handle_work_horse_killed(self, job: Any, retpid: Any, ret_val: Any, rusage: Any) -> None:
        """Settle in the parent process."""
        super().handle_work_horse_killed(job, retpid, ret_val, rusage)  # type: ignore[no-untyped-call]  # RQ has none here
        _settle(job, None)
        # The next job runs in a fork, which may not inherit a connection.
        connections.close_all()


class RetryingRQBackend(RQBackend):
    """django-tasks-rq with what our engines add."""

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Send after the commit of the surrounding transaction, or at once where there is none."""
        self.validate_task(task)
        result: TaskResult[Any] = TaskResult(
            task=task,
            id=get_random_id(),
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )

        def send() -> None:
            self._send(result)

        # A broker that is down may not fail an act that is committed: the clock asks again for what is late.
        transaction.on_commit(send, robust=True)
        task_enqueued.send(type(self), task_result=result)
        return result

    def enqueue_unless_waiting(self, job: jobs.Job[..., Any], args: Any, kwargs: Any) -> None:
        """See `portal.tasks.jobs.Engine`."""

        def enqueue() -> None:
            if not django_rq.get_connection(job.queue_name).exists(_marker(job, args, kwargs)):
                job.enqueue(*args, **kwargs)

        transaction.on_commit(enqueue, robust=True)

    def return_lost(self, at: datetime) -> int:  # noqa: ARG002  # every engine's signature
        """Let RQ look for jobs whose worker gave no sign; its own workers do so every ten minutes only."""
        lost = 0
        for name in QUEUES:
            started = StartedJobRegistry(queue=django_rq.get_queue(name), job_class=RetryingJob)
            lost += len(started.get_expired_job_ids())
            started.cleanup()
        return lost

    def forget_finished(self, before: datetime) -> int:  # noqa: ARG002  # every engine's signature
        """RQ lets results expire by itself."""
        return 0

    def _send(self, result: TaskResult[Any]) -> None:
        task = result.task
        queue = django_rq.get_queue(task.queue_name)
        job = queue.create_job(
            task.module_path,
            args=tuple(result.args),
            kwargs=result.kwargs,
            job_id=result.id,
            status=JobStatus.SCHEDULED if task.run_after else JobStatus.QUEUED,
            on_failure=Callback(on_failure),
            on_success=Callback(on_success),
            meta={"backend_name": self.alias},
            failure_ttl=14 * 24 * 3600,
        )
        if isinstance(task, jobs.Job):
            job.retries_left = task.attempts - 1
            job.retry_intervals = [
                int(task.wait_after(n).total_seconds()) for n in range(1, task.attempts)
            ] or None
            marker = _marker(task, result.args, result.kwargs)
            queue.connection.set(marker, result.id, ex=LONGEST_JOB_SECONDS)
        if task.run_after is None:
            queue.enqueue_job(job)
        else:
            queue.schedule_job(job, task.run_after)

    def _get_job(self, result_id: str) -> RetryingJob | None:
        try:
            return cast(
                RetryingJob,
                RetryingJob.fetch(result_id, connection=django_rq.get_connection(), serializer=RQ_SERIALIZER),
            )
        except NoSuchJobError:
            return None


def on_success(job: RetryingJob, connection: Redis, result: Any) -> None:
    """RQ calls this by name in the worker."""
    _forget_marker(job)
    success_callback(job, connection, result)


def on_failure(
    job: RetryingJob,
    connection: Redis,
    error_class: type[Exception],
    error: Exception,
    traceback: TracebackType | None,
) -> None:
    """RQ calls this by name after each failed attempt, before it decides about the next."""
    if isinstance(error, jobs.GiveUp):
        job.retries_left = 0
    if not job.should_retry:
        failed_callback(job, connection, error_class, error, traceback)  # type: ignore[arg-type]  # None is fine
    _settle(job, error)


def _settle(job: RetryingJob, error: Exception | None) -> None:
    """Tell the job when no attempt is left."""
    if job.should_retry:
        return
    _forget_marker(job)
    if ours := job.portal_job:
        running.tell_exhausted(ours, error, list(job.args), job.kwargs)


def _marker(job: jobs.Job[..., Any], args: Any, kwargs: Any) -> str:
    """The key that says this job with these ids is waiting or running."""
    what = json.dumps([job.module_path, list(args), kwargs], sort_keys=True)
    return f"portal:waiting:{hashlib.sha256(what.encode()).hexdigest()}"


def _forget_marker(job: RetryingJob) -> None:
    if ours := job.portal_job:
        job.connection.delete(_marker(ours, job.args, job.kwargs))
