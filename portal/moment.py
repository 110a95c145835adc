"""The one source of time. A service takes `at = moment.now()` once per act.

The demonstration runs its story under a simulated clock; production refuses one, so that nobody can
back-date an act there. The audit log keeps the database's own time beside it in any case.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_simulated: ContextVar[datetime | None] = ContextVar("simulated", default=None)


def now() -> datetime:
    """The moment of the current act, aware, in UTC."""
    return _simulated.get() or datetime.now(UTC)


@contextmanager
def simulated(at: datetime) -> Iterator[None]:
    """Let acts inside happen at `at`. Refused unless PORTAL_SIMULATED_CLOCK allows it."""
    if not settings.PORTAL_SIMULATED_CLOCK:
        raise ImproperlyConfigured("a simulated clock is for the demonstration and for tests only")
    token = _simulated.set(at)
    try:
        yield
    finally:
        _simulated.reset(token)
