"""Running jobs where they are scheduled: for a command that plays many acts, each on the last one's result.

Ordinary code never does this: people don't wait for jobs. Whatever the engine, nothing reaches its queue.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol


class Callee(Protocol):
    """What a job is here: something that can be called with its ids."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run it."""


Call = tuple[Callee, tuple[Any, ...], dict[str, Any]]

_kept_back: ContextVar[list[Call] | None] = ContextVar("jobs_kept_back", default=None)


@contextmanager
def jobs() -> Iterator[None]:
    """Jobs scheduled inside run at the end of the block, in order, on this connection and at its moment.

    What a job raises is raised here, and what it schedules runs as well. No job is tried twice.
    """
    waiting: list[Call] = []
    token = _kept_back.set(waiting)
    try:
        yield
        while waiting:
            job, args, kwargs = waiting.pop(0)
            job.call(*args, **kwargs)
    finally:
        _kept_back.reset(token)


def keep_back(job: Callee, args: tuple[Any, ...], kwargs: dict[str, Any], *, once: bool = False) -> bool:
    """Whether a block above runs this call itself; `once`: not a second time while the same one waits."""
    waiting = _kept_back.get()
    if waiting is None:
        return False
    call = (job, args, kwargs)
    if not (once and call in waiting):
        waiting.append(call)
    return True
