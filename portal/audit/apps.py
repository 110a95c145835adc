"""The audit app, and the step after each migration that grants and freezes tables."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    """Tamper-evident log; the lowest app of the line."""

    name = "portal.audit"
    label = "audit"

    def ready(self) -> None:
        from portal.audit import grants

        post_migrate.connect(grants.after_migrate, dispatch_uid="portal.audit.grants")
