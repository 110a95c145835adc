"""The tables of the task machinery; tasks themselves are rows of django-tasks-db."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class Progress(models.Model):
    """How far something long has come; `total` is unknown until somebody has counted."""

    key = models.CharField(max_length=100, unique=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    note = models.CharField(max_length=100, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="progress_stays_within_its_total",
                condition=Q(total__isnull=True) | Q(done__lte=F("total")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.done} of {'?' if self.total is None else self.total}"

    @property
    def percent(self) -> int | None:
        """Whole percent, rounded down so that 100 means done; None while the total is unknown."""
        if self.total is None:
            return None
        return 100 if self.total == 0 else self.done * 100 // self.total

    @property
    def is_done(self) -> bool:
        """Whether all of a known total is done."""
        return self.total is not None and self.done >= self.total


class LeaseQuerySet(models.QuerySet["Lease"]):
    """Questions about leases, by the database's own clock: workers' clocks differ."""

    def heard_of_within(self, window: timedelta) -> Self:
        """Tasks somebody gave a sign of."""
        return self.filter(seen_at__gt=Now() - window)

    def silent_for(self, window: timedelta) -> Self:
        """Tasks nobody has spoken of for so long."""
        return self.filter(seen_at__lte=Now() - window)


class Lease(models.Model):
    """The last sign of a task: its worker's heartbeat, or the clock that sent it again.

    A running task whose lease is silent has lost its worker.
    """

    task_id = models.UUIDField(primary_key=True)
    worker = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField(db_default=Now())

    objects = LeaseQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["seen_at"], name="lease_by_sign")]

    def __str__(self) -> str:
        return f"{self.task_id} held by {self.worker or 'nobody'}"


class ClockEntryQuerySet(models.QuerySet["ClockEntry"]):
    """Questions about what the hour asks for."""

    def due(self, at: datetime, *, interval: timedelta) -> Self:
        """Due at `at`, or further ahead than one interval, because the clock was set back."""
        return self.filter(Q(due_at__lte=at) | Q(due_at__gt=at + interval))


class ClockEntry(models.Model):
    """When something that the hour asks for runs next; its row is claimed by moving `due_at`."""

    name = models.CharField(max_length=200, primary_key=True)
    due_at = models.DateTimeField()
    ran_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)

    objects = ClockEntryQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Told(models.Model):
    """An audit event whose consequences were drawn: it is told once, however often its task runs."""

    event_id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.event_id)
