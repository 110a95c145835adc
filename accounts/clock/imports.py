"""Readings whose task was lost are sent on again."""

from datetime import datetime

from accounts.services import imports
from portal.tasks.schedule import every


@every(minutes=5)
def resume_readings(at: datetime) -> None:
    """State lives on the run, so a lost queue loses nothing."""
    imports.resume(at)
