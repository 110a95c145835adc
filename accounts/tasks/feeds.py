"""Feeds: files taken from the inbox and read at the source, each previewed as soon as it came."""

from uuid import UUID

from accounts import feeding
from accounts.tasks.imports import preview_import
from portal import moment
from portal.tasks.jobs import enqueue_on_commit, job


@job(attempts=1)
def take_from_inbox(source_id: str) -> None:
    """Receive what lies in the folder of a source; the clock looks again."""
    for run_id in feeding.take(UUID(source_id), moment.now()):
        enqueue_on_commit(preview_import, str(run_id))


@job(attempts=1)
def pull_source(source_id: str) -> None:
    """Read a source through its API; what went wrong stands on the source, and the clock tries again."""
    run_id = feeding.pull(UUID(source_id))
    if run_id is not None:
        enqueue_on_commit(preview_import, str(run_id))
