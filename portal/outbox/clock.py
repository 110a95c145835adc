"""What the hour asks of the outbox."""

from datetime import datetime

from portal.outbox import services
from portal.tasks.schedule import every


@every(seconds=30)
def send_messages(at: datetime) -> None:
    """Messages whose hour has come."""
    services.send_overdue(at)
