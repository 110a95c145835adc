"""How messages leave: one file for each transport, with a class that has `check` and `send`.

To add one, copy `mail.py` and put it into REGISTRY.
"""

from portal.outbox.transports.base import Transport, Undeliverable
from portal.outbox.transports.mail import Mail

__all__ = ["REGISTRY", "Transport", "Undeliverable"]

REGISTRY: dict[str, Transport] = {"mail": Mail()}
