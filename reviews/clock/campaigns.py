"""Running campaigns: what a reading ended, who is reminded, and limits whose day has come."""

from datetime import datetime

from portal.tasks.schedule import every
from reviews.services import campaigns, limits


@every(minutes=60)
def end_what_is_gone(_at: datetime) -> None:
    """Undecided items whose right a reading has proved gone."""
    campaigns.refresh_all_ended()


@every(minutes=30)
def remind(at: datetime) -> None:
    """Once before the due date, and once when it has come."""
    campaigns.remind(at)


@every(minutes=15)
def end_limited(at: datetime) -> None:
    """What was limited until now is asked to go."""
    limits.end_due(at)
