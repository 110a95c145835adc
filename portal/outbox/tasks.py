"""The outbox's job."""

from portal.outbox import delivery
from portal.tasks.jobs import job


@job()
def deliver_due() -> None:
    """Send what is due. It finds the messages itself: a doubled or lost job doubles or loses none."""
    delivery.deliver_due()
