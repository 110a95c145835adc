"""What every transport offers."""

from typing import Protocol

from portal.outbox.models import Message


class Undeliverable(Exception):
    """No further attempt can help; its text is kept as the reason."""


class Transport(Protocol):
    """One way out."""

    def check(self, to: str, subject: str) -> None:
        """Refuse with ValidationError what can never be sent; asked before the message is written."""

    def send(self, message: Message) -> None:
        """Send. The key goes along so that a receiver can drop a second copy: a crash may cause one.

        Raises `Undeliverable` for what stays wrong, anything else for what may pass.
        """
