"""Readings whose task was lost are sent on again, released ones go on, and what they left is swept."""

from datetime import datetime

from accounts import reconciliation
from accounts.services import imports, releases
from portal.tasks.schedule import every


@every(minutes=5)
def resume_readings(at: datetime) -> None:
    """State lives on the run, so a lost queue loses nothing."""
    imports.resume(at)


@every(seconds=30)
def go_on_with_released_readings(_at: datetime) -> None:
    """A release may be answered among all other approvals."""
    releases.settle_answered()


@every(minutes=60)
def sweep_waiting_rows(at: datetime) -> None:
    """Rows of readings that ended, or that nobody applied for a week; those are read again if need be."""
    reconciliation.sweep(at)
