"""Jobs: tasks that are tried again, the same on every engine.

`@job()` stands on a function in `tasks.py`, `.enqueue(id)` in a service.

Arguments are ids, never names or secrets: they stand readable in the queue.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

from django_tasks import DEFAULT_TASK_BACKEND_ALIAS, TaskResult, task_backends
from django_tasks.base import Task

from portal.tasks import inline

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS = 5
BACKOFF = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)

# UUIDs, numbers and codes such as CAM-2026-04 or audit.Event; no spaces, no “@”, so no name and no address.
ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/-]{0,99}")


class GiveUp(Exception):
    """Raised by a job that no further attempt can help; its text is the reason people read."""


class NotAnId(TypeError):
    """A job was given something else than ids."""


class Engine(Protocol):
    """What every engine adds to a django-tasks backend."""

    def enqueue_unless_waiting(self, job: "Job[..., Any]", args: Any, kwargs: Any) -> None:
        """Enqueue, unless the same job with the same ids is waiting or running."""

    def return_lost(self, at: datetime) -> int:
        """Give jobs whose worker or message got lost another chance; returns how many."""

    def forget_finished(self, before: datetime) -> int:
        """Delete results older than `before`; returns how many."""


@dataclass(frozen=True, kw_only=True)
class Job(Task[P, T]):
    """A task that knows how often it is tried, how long to wait between, and whom to tell at the end."""

    attempts: int = ATTEMPTS
    backoff: timedelta = BACKOFF
    on_exhausted: Callable[..., None] | None = None

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> TaskResult[T]:
        """Schedule; a transaction around it decides on every engine whether the job is ever seen."""
        check_ids(args, kwargs)
        return super().enqueue(*args, **kwargs)

    def wait_after(self, attempt: int) -> timedelta:
        """How long to wait after the `attempt`th try (1, 2, …) failed: doubled each time, an hour at most."""
        doublings: int = 2 ** min(attempt - 1, 20)
        return min(self.backoff * doublings, LONGEST_WAIT)

    def may_retry(self, error: BaseException | None, attempt: int) -> bool:
        """Whether another attempt is left after `error`; None stands for a worker that died."""
        return attempt < self.attempts and not isinstance(error, GiveUp)


@overload
def job(
    *, attempts: int = ..., backoff: timedelta = ..., queue: str = ...
) -> Callable[[Callable[P, T]], Job[P, T]]: ...


@overload
def job(
    *,
    attempts: int = ...,
    backoff: timedelta = ...,
    queue: str = ...,
    on_exhausted: Callable[Concatenate[str, P], None],
) -> Callable[[Callable[P, T]], Job[P, T]]: ...


def job(
    *,
    attempts: int = ATTEMPTS,
    backoff: timedelta = BACKOFF,
    queue: str = "default",
    on_exhausted: Callable[..., None] | None = None,
) -> Callable[[Callable[P, T]], Job[P, T]]:
    """Make a module-level function a job. `on_exhausted(reason, *ids)` is called once no attempt is left."""

    def make(function: Callable[P, T]) -> Job[P, T]:
        return Job(
            func=function, queue_name=queue, attempts=attempts, backoff=backoff, on_exhausted=on_exhausted
        )

    return make


def enqueue_on_commit(job: Job[P, T], *args: P.args, **kwargs: P.kwargs) -> None:
    """Schedule `job` for after the commit of the surrounding transaction; nothing runs when it rolls back."""
    check_ids(args, kwargs)
    if not inline.keep_back(job, args, kwargs):
        job.enqueue(*args, **kwargs)


def enqueue_unless_waiting(job: Job[P, T], *args: P.args, **kwargs: P.kwargs) -> None:
    """Like `enqueue_on_commit`, but not a second time: what the clock uses for everything overdue."""
    check_ids(args, kwargs)
    if not inline.keep_back(job, args, kwargs, once=True):
        engine().enqueue_unless_waiting(job, args, kwargs)


def engine() -> Engine:
    """The engine that settings chose."""
    return cast(Engine, task_backends[DEFAULT_TASK_BACKEND_ALIAS])


def check_ids(args: tuple[object, ...], kwargs: dict[str, object]) -> None:
    """Refuse anything that is not an id; queues and their logs are read by people who may not see more."""
    for value in (*args, *kwargs.values()):
        if not (value is None or isinstance(value, int) or (isinstance(value, str) and ID.fullmatch(value))):
            raise NotAnId(
                f"jobs take ids (numbers, UUIDs as text, codes), not a {type(value).__name__} of this form"
            )


def reason_for(error: BaseException) -> str:
    """Why a job failed, for its domain row. Only `GiveUp` speaks for people; other texts may hold data."""
    return str(error) if isinstance(error, GiveUp) else type(error).__name__
