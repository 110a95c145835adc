"""Telling what was recorded to those above it, after the commit."""

from django.db import transaction

from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.jobs import enqueue_on_commit, job
from portal.tasks.models import Told
from portal.tasks.ports import happened


def tell(event: Event) -> None:
    """Let `happened` be asked about `event` once it is committed; costs nothing when nobody answers."""
    if happened[Verb(event.verb)].keys:
        enqueue_on_commit(deliver, event.pk)


@job(attempts=8)
def deliver(event_id: int) -> None:
    """Ask `happened`. The event's id is the idempotency key: its row commits with what the answers did."""
    event = Event.objects.get(pk=event_id)
    with transaction.atomic():
        # A second delivery waits here for the first, and finds the row when that one commits.
        _, is_first = Told.objects.get_or_create(event_id=event_id, defaults={"at": moment.now()})
        if is_first:
            happened[Verb(event.verb)].ask(event_id)
