"""Findings: what is wrong by a rule, with whom or what, and how one lives with it."""

from datetime import date
from typing import NamedTuple, Self
from uuid import UUID

from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils.translation import gettext_lazy as _

from accounts.models import (
    Account,
    Application,
    Credential,
    Entitlement,
    Grant,
    Identity,
    Revocation,
    System,
)
from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import User
from portal.users.permissions import Perm
from reviews.models.campaign import ReviewItem
from sessions_app.models import Recording, Session


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
    # When it was last asked; what is present was last seen then, and unchanged findings are not rewritten.
    evaluated_at = models.DateTimeField(null=True, blank=True)

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


class Evaluation(models.Model):
    """Once that rules were asked: when, why, for whom, and what changed by it. Append-only."""

    class Trigger(models.TextChoices):
        """What made the rules be asked."""

        NIGHT = "night", _("every night")
        IMPORT = "import", _("after a reading was applied")
        PERSON = "person", _("somebody asked")
        SETTING = "setting", _("a rule was changed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    trigger = models.CharField(max_length=7, choices=Trigger)
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    rules = models.PositiveSmallIntegerField()  # how many were asked
    present = models.PositiveIntegerField()  # what they found, accepted or not
    counts = models.JSONField(default=dict)  # {"opened": 3, "closed": 1, …}
    digest = models.BinaryField()  # over what changed; see docs/rules.md

    class Meta:
        indexes = [models.Index(fields=["-at"], name="evaluation_latest")]

    def __str__(self) -> str:
        return f"{self.trigger} {self.at:%Y-%m-%d %H:%M}"


class FindingQuerySet(VisibleQuerySet["Finding"]):
    """Questions about findings."""

    seen_with = Perm.INVENTORY_VIEW

    def open(self) -> Self:
        """Neither gone nor accepted."""
        return self.filter(state=Finding.State.OPEN)

    def present(self) -> Self:
        """What the last evaluation still found, accepted or not."""
        return self.filter(state__in=[Finding.State.OPEN, Finding.State.ACCEPTED])

    def answered_for_by(self, identity_id: UUID | None) -> Self:
        """About machines or on systems whose owner or deputy this is."""
        if identity_id is None:
            return self.none()
        machines, systems = Identity.objects.machines(), System.objects.answered_for_by(identity_id)
        applications = Application.objects.answered_for_by(identity_id)
        # A union of simple questions, each of which an index answers; with OR the whole table would be read.
        mine = machines.filter(owner=identity_id).union(
            machines.filter(deputy=identity_id),
            machines.filter(stand_in=identity_id),
            machines.filter(application__in=applications.values("pk")),
        )
        of_machines = Finding.objects.filter(identity__in=mine.values("pk"))
        on_systems = Finding.objects.filter(system__in=systems.values("pk"))
        return self.filter(pk__in=of_machines.values("pk").union(on_systems.values("pk")))

    def of_owner_called(self, words: str) -> Self:
        """About machines whose owner has these words in name or address."""
        people = Identity.objects.human().filter(Q(name__icontains=words) | Q(email__icontains=words))
        owned = Identity.objects.machines().filter(
            Q(owner__in=people.values("pk")) | Q(application__owner__in=people.values("pk"))
        )
        return self.filter(identity__in=owned.values("pk"))

    def with_names(self) -> Self:
        """With what is needed to name the subject and to link it, in the one query."""
        related = self.select_related("system", "identity__owner", "identity__application__owner")
        return related.annotate(
            subject_name=_of_subject({key: one.name for key, one in SUBJECTS.items()}),
            subject_detail=_of_subject({key: one.detail for key, one in SUBJECTS.items() if one.detail}),
            subject_key=_of_subject({key: one.key for key, one in SUBJECTS.items() if one.key}),
        )

    def riskiest_first(self) -> Self:
        """Severity, then what was found last."""
        return self.order_by("-weight", "-id")


class Named(NamedTuple):
    """How a kind of subject is called: lookups from its row; `key` is what its page's address holds."""

    model: type[models.Model]
    name: str | Combinable
    detail: str | Combinable = ""
    key: str = ""


SUBJECTS: dict[str, Named] = {
    "accounts.account": Named(Account, "name"),
    "accounts.credential": Named(Credential, "account__name", "fingerprint", "account_id"),
    "accounts.entitlement": Named(Entitlement, "name"),
    "accounts.grant": Named(Grant, "entitlement__name", "account__name"),
    "accounts.identity": Named(Identity, "name"),
    "accounts.revocation": Named(
        Revocation,
        Coalesce("grant__entitlement__name", "credential__fingerprint", "account__name"),
        Coalesce("grant__account__name", "credential__account__name"),
    ),
    "reviews.reviewitem": Named(
        ReviewItem,
        Concat("campaign__code", Value("/"), "number", output_field=models.TextField()),
    ),
    "sessions_app.recording": Named(Recording, "session__code", "file_name", "session__code"),
    "sessions_app.session": Named(Session, "code", "account__name", "code"),
}


def _of_subject(wanted: dict[str, str | Combinable]) -> Case:
    """One value of the subject's own row, by the kind of subject."""
    whens = []
    for kind, value in wanted.items():
        model = SUBJECTS[kind].model
        key = Cast(OuterRef("subject_id"), type(model._meta.pk)())
        row = model._default_manager.filter(pk=key).annotate(
            said=Cast(_expression(value), models.TextField())
        )
        whens.append(When(subject_type=kind, then=Subquery(row.values("said")[:1])))
    return Case(*whens, default=Value(""), output_field=models.TextField())


def _expression(value: str | Combinable) -> Combinable:
    return F(value) if isinstance(value, str) else value


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
    weight = models.PositiveSmallIntegerField(default=0, db_default=0)  # the severity as a number, for order
    is_privileged = models.BooleanField(default=False, db_default=False)
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
            models.Index(fields=["-weight", "-id"], condition=Q(state="open"), name="finding_open_riskiest"),
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
