"""Recorders: what writes recordings, for which systems, and since when."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Identity, System
from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import User
from portal.users.permissions import Perm


class RecorderQuerySet(VisibleQuerySet["Recorder"]):
    """Questions about recorders."""

    seen_with = Perm.SESSION_VIEW

    def covering(self, system: System, at: datetime) -> Self:
        """Those that record this system at that moment."""
        return self.filter(coverages__system=system, coverages__during__contains=at)

    def with_current_coverage(self, at: datetime) -> Self:
        """Each with `covered_now`: its coverages at that moment, in one query."""
        running = Coverage.objects.filter(during__contains=at).select_related("system")
        in_order = running.order_by("system__code")
        return self.prefetch_related(models.Prefetch("coverages", in_order, to_attr="covered_now"))


class Recorder(Versioned):
    """A source of session evidence: a machine identity itself, with a token, an owner and a notice record."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_("short code"), max_length=24, unique=True)
    name = models.CharField(_("name"), max_length=200)
    identity = models.OneToOneField(
        Identity,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="recorder",
        verbose_name=_("machine identity"),
    )
    user = models.OneToOneField(User, models.PROTECT, null=True, blank=True, related_name="+")
    notice = models.JSONField(
        default=dict
    )  # purpose, legal basis, notice text, references, countries, retention
    last_seen_at = models.DateTimeField(null=True, blank=True)

    objects = RecorderQuerySet.as_manager()

    def __str__(self) -> str:
        return self.code

    def heard(self, at: datetime) -> None:
        """A sign of life; an older one changes nothing, and no version is counted for it."""
        older = Q(last_seen_at=None) | Q(last_seen_at__lt=at)
        Recorder.objects.filter(older, pk=self.pk).update(last_seen_at=at)


class Coverage(models.Model):
    """This recorder records that system, from when to when."""

    recorder = models.ForeignKey(Recorder, models.PROTECT, related_name="coverages")
    system = models.ForeignKey(System, models.PROTECT, related_name="coverages")
    during = DateTimeRangeField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="coverage_of_system_once_per_recorder",
                expressions=[
                    ("recorder", RangeOperators.EQUAL),
                    ("system", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
            )
        ]

    def __str__(self) -> str:
        return f"{self.recorder_id} covers {self.system_id}"
