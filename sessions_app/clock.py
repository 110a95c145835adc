"""What the hour asks: recordings that a queue lost, and sessions that the record may explain by now."""

from datetime import datetime

from portal.tasks.schedule import every
from sessions_app.services import intake


@every(minutes=5)
def read_what_was_lost(at: datetime) -> None:
    """State lives on the row: a lost queue loses nothing."""
    intake.process_overdue(at)


@every(minutes=30)
def match_sessions_again(_at: datetime) -> None:
    """Imports, links and new owners explain sessions later than they happened."""
    intake.match_again()
