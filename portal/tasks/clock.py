"""What the hour asks of the task machinery, and of the vault, which lies below it and knows no clock."""

from datetime import datetime, timedelta

from portal.tasks import jobs
from portal.tasks.models import Lease
from portal.tasks.schedule import every
from portal.vault import services as vault

RESULTS_ARE_KEPT = timedelta(days=14)


@every(seconds=10)
def return_lost_jobs(at: datetime) -> None:
    """Jobs of killed workers and lost messages get another attempt."""
    jobs.engine().return_lost(at)


@every(minutes=60)
def forget_old_results(at: datetime) -> None:
    """The queue is no archive."""
    jobs.engine().forget_finished(at - RESULTS_ARE_KEPT)
    Lease.objects.silent_for(RESULTS_ARE_KEPT).delete()


@every(minutes=60)
def sweep_vault(at: datetime) -> None:
    """Unfinished uploads and files without a row are not kept."""
    vault.sweep(at)
