"""What the hour asks of offboarding: begin what is due, follow what runs."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from accounts.models import OffboardingCase
from accounts.services import offboarding, proof
from portal.audit.versions import Conflict
from portal.tasks.schedule import every

logger = logging.getLogger(__name__)

# Nobody re-reads the zones of a case that is far away; a change of rules is known weeks before.
ZONES_AHEAD = timedelta(days=14)


@every(minutes=1)
def begin_due(at: datetime) -> None:
    """Begin every case whose hour has come, each in its own transaction."""
    for case in OffboardingCase.objects.due(at).order_by("effective_at"):
        _each(case, lambda one: offboarding.begin(one, at=at))


@every(minutes=1)
def follow_running(at: datetime) -> None:
    """See what was proven, came back or appeared since."""
    proof.prove_rotations(at)
    for case in OffboardingCase.objects.filter(state=OffboardingCase.State.RUNNING):
        _each(case, lambda one: offboarding.follow(one, at=at))


@every(minutes=60)
def keep_to_the_wall(at: datetime) -> None:
    """An hour is what HR said, also when a government moves the clocks before it."""
    planned = OffboardingCase.objects.filter(state=OffboardingCase.State.PLANNED)
    for case in planned.filter(effective_at__lt=at + ZONES_AHEAD):
        _each(case, lambda one: offboarding.keep_to_the_wall(one, at=at))


def _each(case: OffboardingCase, act: Callable[[OffboardingCase], object]) -> None:
    """One case that fails stops no other; the next tick tries again. The log names the key alone."""
    try:
        act(case)
    except Conflict:
        return  # somebody rescheduled, cancelled or began it in this moment
    except Exception:
        logger.exception("the offboarding case %s failed", case.pk)
