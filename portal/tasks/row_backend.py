"""The embedded engine: a task is a row that our worker claims; it commits with what caused it."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django_tasks import TaskResultStatus
from django_tasks_db.backend import DatabaseBackend
from django_tasks_db.models import DBTaskResult

from portal.tasks import running
from portal.tasks.jobs import Job


class RowBackend(DatabaseBackend):
    """django-tasks-db with what our engines add."""

    def enqueue_unless_waiting(self, job: Job[..., Any], args: Any, kwargs: Any) -> None:
        """See `portal.tasks.jobs.Engine`."""
        waiting = DBTaskResult.objects.filter(
            Q(status=TaskResultStatus.READY) | Q(status=TaskResultStatus.RUNNING),
            task_path=job.module_path,
            args_kwargs={"args": list(args), "kwargs": kwargs},
        )
        if not waiting.exists():
            job.enqueue(*args, **kwargs)

    def return_lost(self, at: datetime) -> int:  # noqa: ARG002  # every engine's signature
        """Running rows whose worker died are ready again, or failed when no attempt is left."""
        return len(running.return_lost())

    def forget_finished(self, before: datetime) -> int:
        """Delete finished rows; what they did stands on the domain rows and in the log."""
        finished = DBTaskResult.objects.filter(
            status__in=[TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED], finished_at__lt=before
        )
        deleted, _ = finished.delete()
        return deleted
