"""The outbox app."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Messages to the world outside."""

    name = "portal.outbox"
    label = "outbox"
