"""Messages: what the portal tells the world outside."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class MessageQuerySet(models.QuerySet["Message"]):
    """Questions about messages."""

    def queued(self) -> Self:
        """Neither sent nor given up."""
        return self.filter(state=Message.State.QUEUED)

    def due(self, at: datetime) -> Self:
        """To be sent at `at`, the longest waiting first."""
        return self.queued().filter(due_at__lte=at).order_by("due_at", "id")


class Message(models.Model):
    """One effect outside, with one key for life: posting it again changes nothing.

    Mail carries counts and dates, never the names of rights or findings.
    """

    class State(models.TextChoices):
        """How far a message has come."""

        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    key = models.CharField(max_length=200, unique=True)
    transport = models.CharField(max_length=16)
    to = models.CharField(max_length=320)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["due_at", "id"], name="message_due", condition=Q(state="queued"))]
        constraints = [
            models.CheckConstraint(
                name="message_sent_has_its_time",
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
            )
        ]

    def __str__(self) -> str:
        return f"{self.transport} {self.key} ({self.state})"
