"""What the hour asks of feeds: folders looked into and emptied, what is due read and applied, misses told."""

from datetime import datetime

from accounts.services import feeds
from portal.tasks.schedule import every


@every(minutes=1)
def look_into_inboxes(at: datetime) -> None:
    """Files wait a minute before they count as complete, so a look a minute is enough."""
    feeds.look_into_inboxes(at)


@every(minutes=5)
def pull_due(at: datetime) -> None:
    """Each source at its own rhythm."""
    feeds.pull_due(at)


@every(seconds=30)
def apply_ready(_at: datetime) -> None:
    """After the preview, which is a task of its own."""
    feeds.apply_ready()


@every(minutes=60)
def empty_inboxes(at: datetime) -> None:
    """Days are kept, so hours are exact enough."""
    feeds.empty_inboxes(at)


@every(minutes=10)
def warn_of_missed(at: datetime) -> None:
    """Before a campaign needs the reading."""
    feeds.warn_of_missed(at)
