"""The log's tables. Nothing here has a foreign key to anything: evidence outlives what it speaks of."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

import uuid_utils.compat
from django.db import models
from django.db.models.functions import Now


def uuid7() -> UUID:
    """A key that sorts by its time, so that inserts stay at one end of the index (ADR 0003)."""
    return uuid_utils.compat.uuid7()


class EventQuerySet(models.QuerySet["Event"]):
    """Questions about the log."""

    def about(self, subject: models.Model) -> Self:
        """What was done to this row."""
        return self.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))

    def in_stream(self, stream: UUID) -> Self:
        """One campaign's or case's own sequence."""
        return self.filter(stream=stream)

    def between(self, since: datetime | None, until: datetime | None) -> Self:
        """Half-open interval on the act's time."""
        found = self if since is None else self.filter(at__gte=since)
        return found if until is None else found.filter(at__lt=until)

    def newest_first(self) -> Self:
        """By key, which is the order of insertion."""
        return self.order_by("-id")


class Event(models.Model):
    """One act. The commitment binds its payload, which can be erased without breaking the log."""

    uid = models.UUIDField(default=uuid7, unique=True)
    verb = models.CharField(max_length=64)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_card = models.BinaryField(null=True)
    on_behalf_of = models.CharField(max_length=64, blank=True)
    subject_type = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=64)
    stream = models.UUIDField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    commitment = models.BinaryField()

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "id"], name="event_by_subject"),
            models.Index(
                fields=["stream", "id"], name="event_by_stream", condition=models.Q(stream__isnull=False)
            ),
            models.Index(fields=["actor_id", "id"], name="event_by_actor"),
            models.Index(fields=["verb", "id"], name="event_by_verb"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.about}"

    @property
    def facts(self) -> dict[str, Any]:
        """What the payload says; nothing once it was erased."""
        return self.payload.facts or {}

    @property
    def about(self) -> str:
        """The subject as filters and links write it."""
        return f"{self.subject_type}:{self.subject_id}"


class Payload(models.Model):
    """What the commitment of an event binds: salt and hashed bytes, and the facts again for filters."""

    event = models.OneToOneField(Event, models.DO_NOTHING, primary_key=True, db_constraint=False)
    salt = models.BinaryField(null=True)
    body = models.BinaryField(null=True)
    facts = models.JSONField(null=True)
    erased_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"payload of {self.event_id}"


class Pending(models.Model):
    """Events that have no leaf yet. The sequencer takes rows by deleting them, so none is ever skipped."""

    event_id = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return str(self.event_id)


class Card(models.Model):
    """The names of something as they were at a moment, salted and erasable; evidence holds the digest."""

    digest = models.BinaryField(primary_key=True)
    type = models.CharField(max_length=32)
    subject_id = models.CharField(max_length=64)
    salt = models.BinaryField(null=True)
    body = models.BinaryField(null=True)
    made_at = models.DateTimeField(db_default=Now())
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["type", "subject_id"], name="card_by_subject")]

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
