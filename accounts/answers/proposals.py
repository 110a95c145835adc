"""What a reading brought may say whose a machine is."""

from accounts.tasks.proposals import propose_owners
from portal.audit.verbs import Verb
from portal.tasks.jobs import enqueue_unless_waiting
from portal.tasks.ports import happened


@happened[Verb.IMPORT_APPLIED].answered_by("owners are proposed")
def propose(_event_id: int) -> None:
    """In a task of its own, once for several readings that come together."""
    enqueue_unless_waiting(propose_owners)
