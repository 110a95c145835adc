"""What an HR reading said differently from the one before: who came, moved, left and came back."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.identity import Engagement, Identity
from accounts.models.offboarding import OffboardingCase
from portal import moment
from portal.audit.models import uuid7
from portal.users.models import User
from portal.users.permissions import Perm


class PersonChangeQuerySet(models.QuerySet["PersonChange"]):
    """Questions about changes."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those who see people see them; nobody sees that their own row is missing."""
        if not isinstance(user, User) or not user.may(Perm.PERSON_VIEW):
            return self.none()
        if user.identity_id is None:
            return self
        return self.exclude(identity=user.identity_id, kind=PersonChange.Kind.LEFT, is_proposed=True)

    def of_kind(self, kind: "PersonChange.Kind") -> Self:
        """One sort of change."""
        return self.filter(kind=kind)

    def counted(self) -> dict[str, int]:
        """How many of each kind."""
        rows = self.order_by().values_list("kind").annotate(n=Count("pk"))
        return dict(rows)

    def proposals(self) -> Self:
        """Missing rows about which nobody has said anything, of people who are still thought to be here.

        A proposal ends by itself when the row is back, or another engagement runs.
        """
        runs = Engagement.objects.filter(
            Q(ends_on=None) | Q(ends_on__gte=timezone.localtime(moment.now()).date()),
            identity=OuterRef("identity"),
            gone_run=None,
        ).exclude(status=Identity.Status.LEFT)
        later = PersonChange.objects.filter(
            identity=OuterRef("identity"), kind=PersonChange.Kind.LEFT, run__gt=OuterRef("run")
        )
        waiting = self.filter(kind=PersonChange.Kind.LEFT, is_proposed=True, dismissed_at=None)
        return waiting.exclude(identity__status=Identity.Status.LEFT).filter(~Exists(runs), ~Exists(later))

    def without_case_for(self, user: User) -> Self:
        """Of people for whom this user knows of no case; who may know of none learns nothing by it."""
        known = OffboardingCase.objects.visible_to(user).open().filter(identity=OuterRef("identity"))
        return self.filter(~Exists(known))

    def waves(self, *, since: datetime, more_than: int) -> "list[tuple[UUID, UUID, int]]":
        """Readings applied since then with more movers than that: (reading, source, movers), newest first."""
        moved = self.filter(kind=PersonChange.Kind.MOVED, run__applied_at__gte=since)
        counted = moved.order_by().values("run", "run__source").annotate(n=Count("pk"))
        rows = counted.filter(n__gt=more_than).order_by("-run")
        return list(rows.values_list("run", "run__source", "n"))


class PersonChange(models.Model):
    """One difference between two readings of an HR source, with before and after.

    Names are never kept here: a protected name change would have to find them. `before` and `after` hold
    `unit`, `title`, `manager` (an identity's key) and `status` as far as they say something.
    """

    class Kind(models.TextChoices):
        """In the order of the page."""

        JOINED = "joined", _("joined")
        MOVED = "moved", _("moved")
        LEFT = "left", _("left")
        RETURNED = "returned", _("came back")
        ENDED = "ended", _("still engaged")
        RENAMED = "renamed", _("unit renamed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey("ImportRun", models.PROTECT, related_name="person_changes", db_index=False)
    # NULL for a unit, which is not a person.
    identity = models.ForeignKey(
        "Identity", models.PROTECT, null=True, blank=True, related_name="person_changes"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    number = models.CharField(max_length=64, blank=True)  # the engagement's
    fields = ArrayField(models.CharField(max_length=8), default=list)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    people = models.PositiveIntegerField(default=1)  # of a renamed unit: who moved with it
    # The row is missing: that proposes a case and ends nothing. Else HR itself said that they left.
    is_proposed = models.BooleanField(default=False)
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by_id = models.UUIDField(null=True, blank=True)  # portal user
    dismissed_because = models.CharField(max_length=300, blank=True)

    objects = PersonChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "kind", "identity"],
                condition=Q(identity__isnull=False),
                name="person_change_once_per_reading",
            ),
            models.CheckConstraint(
                condition=Q(dismissed_at=None, dismissed_by_id=None, dismissed_because="")
                | Q(dismissed_at__isnull=False, dismissed_by_id__isnull=False, is_proposed=True),
                name="person_change_dismissal_names_who",
            ),
        ]
        indexes = [
            models.Index(fields=["run", "kind"], name="person_change_by_run"),
            models.Index(
                fields=["id"],
                condition=Q(kind="left", is_proposed=True, dismissed_at=None),
                name="person_change_proposed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.identity_id}"
