"""What the hour asks about machines that nobody answers for."""

from datetime import datetime

from accounts.services import claims
from accounts.tasks.proposals import propose_owners
from portal.tasks.jobs import enqueue_unless_waiting
from portal.tasks.schedule import every


@every(minutes=24 * 60)
def propose_by_night(_at: datetime) -> None:
    """People come, leave and take over between readings."""
    enqueue_unless_waiting(propose_owners)


@every(minutes=60)
def fall_to_the_last_resort(at: datetime) -> None:
    """Who owns the system stands in where nobody has answered for long enough."""
    claims.fall_to_last_resort(at)


@every(minutes=24 * 60)
def remind_who_is_asked(at: datetime) -> None:
    """By mail, once a week, how many machines wait for their word."""
    claims.remind(at)
