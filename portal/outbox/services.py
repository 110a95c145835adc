"""Posting messages: written in the transaction of the act that causes them, sent after its commit."""

from datetime import datetime

from django.core.exceptions import ImproperlyConfigured

from portal import moment
from portal.outbox import tasks
from portal.outbox.models import Message
from portal.outbox.transports import REGISTRY
from portal.tasks.jobs import enqueue_unless_waiting


def post(
    key: str, *, transport: str = "mail", to: str, subject: str, body: str, due_at: datetime | None = None
) -> Message:
    """Post once for ever under `key`; posting again changes nothing and returns what stands.

    Say counts and dates, never the names of rights or findings. Raises ValidationError for what could
    never be sent.
    """
    if transport not in REGISTRY:
        raise ImproperlyConfigured(f"no transport is called “{transport}”")
    REGISTRY[transport].check(to, subject)
    at = moment.now()
    message, is_new = Message.objects.get_or_create(
        key=key,
        defaults={
            "transport": transport,
            "to": to,
            "subject": subject,
            "body": body,
            "created_at": at,
            "due_at": due_at or at,
        },
    )
    if is_new and message.due_at <= at:
        enqueue_unless_waiting(tasks.deliver_due)
    return message


def send_overdue(at: datetime) -> None:
    """Have what is due at `at` sent: first attempts that lost their task, later ones, set hours."""
    if Message.objects.due(at).exists():
        enqueue_unless_waiting(tasks.deliver_due)
