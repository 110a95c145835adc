"""Findings: what is wrong by a rule, with whom or what, and how one lives with it."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Identity
from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import User
from portal.users.permissions import Perm


class Severity(models.TextChoices):
    """How much it matters; what a rule says, raised where the right is privileged or in production."""

    LOW = "low", _("low")
    MEDIUM = "medium", _("medium")
    HIGH = "high", _("high")
    CRITICAL = "critical", _("critical")


class RuleSetting(Versioned):
    """How this organisation runs a rule: on or off, how severe, which thresholds."""

    code = models.CharField(max_length=8, primary_key=True)  # N7.1
    is_on = models.BooleanField(_("in force"), default=True)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    thresholds = models.JSONField(default=dict)  # {"days": 90}
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.code


class RuleVersion(models.Model):
    """A setting as it was from then on; findings name the one they were found by."""

    code = models.CharField(max_length=8)
    number = models.PositiveIntegerField()
    is_on = models.BooleanField()
    severity = models.CharField(max_length=8, choices=Severity)
    thresholds = models.JSONField(default=dict)
    because = models.TextField(blank=True)
    set_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "number"], name="rule_version_counts_up")]

    def __str__(self) -> str:
        return f"{self.code} v{self.number}"


class FindingQuerySet(VisibleQuerySet["Finding"]):
    """Questions about findings."""

    seen_with = Perm.INVENTORY_VIEW

    def open(self) -> Self:
        """Neither gone nor accepted."""
        return self.filter(state=Finding.State.OPEN)

    def present(self) -> Self:
        """What the last evaluation still found, accepted or not."""
        return self.filter(state__in=[Finding.State.OPEN, Finding.State.ACCEPTED])


class Finding(Versioned):
    """What a rule finds wrong with one subject: one row for good, which closes and reopens by itself."""

    class State(models.TextChoices):
        """Only people accept; only the evaluation opens and closes."""

        OPEN = "open", _("open")
        ACCEPTED = "accepted", _("accepted until a date")
        FIXED = "fixed", _("gone")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.CharField(max_length=8)
    rule_version = models.PositiveIntegerField(default=1)
    # Soft: the subject's model label in lower case ("accounts.credential") and its key as text.
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=36)
    discriminator = models.CharField(max_length=200, blank=True)  # tells two of one subject apart
    identity = models.ForeignKey(
        "accounts.Identity", models.PROTECT, null=True, blank=True, related_name="findings"
    )
    system = models.ForeignKey(
        "accounts.System", models.PROTECT, null=True, blank=True, related_name="findings"
    )
    is_human = models.BooleanField(null=True)  # of whom it is; unknown for accounts of nobody
    severity = models.CharField(max_length=8, choices=Severity)
    facts = models.JSONField(default=dict)  # what the rule's sentence is filled with
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    reopened = models.PositiveIntegerField(default=0)

    objects = FindingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject_type", "subject_id", "discriminator"],
                name="finding_is_one_per_rule_and_subject",
            ),
            models.CheckConstraint(
                condition=Q(state="fixed", closed_at__isnull=False) | ~Q(state="fixed") & Q(closed_at=None),
                name="finding_gone_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="finding_by_subject"),
            models.Index(
                fields=["rule", "severity"], condition=~Q(state="fixed"), name="finding_present_by_rule"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.subject_type}:{self.subject_id}"


class Acceptance(models.Model):
    """Somebody lives with a finding until a day, by name and with a reason; ended early or by that day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    finding = models.ForeignKey(Finding, models.PROTECT, related_name="acceptances")
    reason = models.TextField()
    until = models.DateField()
    accepted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    accepted_by_identity = models.ForeignKey(Identity, models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["finding"], condition=Q(ended_at=None), name="acceptance_runs_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="acceptance_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.finding_id} until {self.until}"

    def is_over(self, today: date) -> bool:
        """The day it ran to has passed."""
        return self.until < today
