"""Delivering: claim a message, hand it to its transport, write down what came of it."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from portal import moment
from portal.outbox.models import Message, MessageQuerySet
from portal.outbox.transports import REGISTRY, Undeliverable

ATTEMPTS = 8
# Longer than any transport may take: the claim itself sets when the message is tried again,
# so that one whose worker was killed comes back without anybody looking for it.
BACKOFF = timedelta(minutes=2)
LONGEST_WAIT = timedelta(hours=6)

logger = logging.getLogger(__name__)


def deliver_due() -> int:
    """Send every message that is due now; returns how many were sent."""
    sent = 0
    while (message := claim(moment.now())) is not None:
        sent += deliver(message)
    return sent


def claim(at: datetime) -> Message | None:
    """Take the message that waits longest; it counts as an attempt from here on."""
    with transaction.atomic():
        message = Message.objects.due(at).select_for_update(skip_locked=True).first()
        if message is not None:
            message.attempts += 1
            message.due_at = at + min(BACKOFF * 2 ** (message.attempts - 1), LONGEST_WAIT)
            message.save(update_fields=["attempts", "due_at"])
    return message


def deliver(message: Message) -> bool:
    """Send a claimed message; what fails stays queued for its next hour, until the attempts are used up."""
    transport = REGISTRY.get(message.transport)
    try:
        if message.attempts > ATTEMPTS:
            raise Undeliverable("every attempt was cut short")
        if transport is None:
            raise Undeliverable(f"no transport is called “{message.transport}”")
        transport.send(message)
    except Exception as error:  # noqa: BLE001  # a transport's trouble is the message's, not the queue's
        is_final = isinstance(error, Undeliverable) or message.attempts >= ATTEMPTS
        logger.warning(
            "message %s: attempt %d failed (%s)", message.key, message.attempts, type(error).__name__
        )
        _queued(message).update(
            state=Message.State.FAILED if is_final else Message.State.QUEUED,
            last_error=f"{type(error).__name__}: {error}"[:500],
        )
        return False
    return bool(_queued(message).update(state=Message.State.SENT, sent_at=moment.now(), last_error=""))


def _queued(message: Message) -> MessageQuerySet:
    return Message.objects.queued().filter(pk=message.pk)
