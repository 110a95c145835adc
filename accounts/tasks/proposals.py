"""Owner proposals, found in the background: after a reading, and by night."""

from accounts.reconciliation import proposing
from portal.tasks.jobs import job


@job(attempts=3)
def propose_owners() -> None:
    """Find anew who might answer for machines that nobody answers for."""
    proposing.propose()
