"""Campaigns: one round of review over a frozen population."""

from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Sum
from django.utils.translation import gettext_lazy as _

from accounts.models import Identity, ImportRun, Source, System
from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import Share, User
from portal.users.permissions import Perm


class CampaignQuerySet(VisibleQuerySet["Campaign"]):
    """Questions about campaigns."""

    seen_with = Perm.CAMPAIGN_VIEW

    def running(self) -> Self:
        """Launched and not closed."""
        return self.filter(state=Campaign.State.LAUNCHED)

    def newest_first(self) -> Self:
        """By creation."""
        return self.order_by("-created_at")


class Campaign(Versioned):
    """One round. At launch its population is frozen and committed to by a digest."""

    class State(models.TextChoices):
        """A closed campaign is a record; nothing in it moves."""

        DRAFT = "draft", _("draft")
        LAUNCHED = "launched", _("running")
        CLOSED = "closed", _("closed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=16, unique=True)  # CAM-2026-04
    name = models.CharField(_("name"), max_length=200)
    purpose = models.TextField(_("what reviewers should know"), blank=True)
    systems = models.ManyToManyField(System, related_name="campaigns", verbose_name=_("systems"))
    kinds = ArrayField(
        models.CharField(max_length=12, choices=Identity.Kind),
        default=list,
        verbose_name=_("kinds of identity"),
    )
    privileged_only = models.BooleanField(_("privileged rights only"), default=True)
    with_credentials = models.BooleanField(_("also the credentials of machines"), default=True)
    # Only what opens privileged sessions on the chosen systems, wherever it is held: gateways included.
    session_reach = models.BooleanField(_("session reach only"), default=False, db_default=False)
    fallback = models.ForeignKey(
        Identity,
        models.PROTECT,
        related_name="fallback_of",
        verbose_name=_("who reviews what has no reviewer"),
    )
    due_at = models.DateTimeField(_("due"))
    evidence_days = models.PositiveSmallIntegerField(_("days of session evidence"), default=90)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    created_by_id = models.UUIDField()
    created_at = models.DateTimeField()
    launched_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    item_count = models.PositiveIntegerField(default=0)
    population_root = models.BinaryField(null=True, editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="draft") | Q(population_root__isnull=False, launched_at__isnull=False),
                name="campaign_launched_is_frozen",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def evidence_window(self, at: datetime) -> tuple[datetime, datetime]:
        """The period whose sessions stand beside an item that is decided at `at`."""
        return at - timedelta(days=self.evidence_days), at


class CampaignShare(Share):
    """This user may see this campaign until then."""

    content_object = models.ForeignKey(Campaign, models.CASCADE)


class PopulationSource(models.Model):
    """The reading behind a part of the population, with its counts. Append-only."""

    campaign = models.ForeignKey(Campaign, models.DO_NOTHING, related_name="population_sources")
    system_code = models.CharField(max_length=24)
    source = models.ForeignKey(Source, models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    run = models.ForeignKey(ImportRun, models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    admitted_sha256 = models.CharField(max_length=64, blank=True)
    original_sha256 = models.CharField(max_length=64, blank=True)
    taken_at = models.DateTimeField(null=True)
    provenance = models.CharField(max_length=8, blank=True)
    counts = models.JSONField(default=dict)
    item_count = models.PositiveIntegerField()
    # Red: stale, failed, none, unconfirmed; only a signed exception goes on with it.
    red = models.CharField(max_length=24, blank=True)
    exception_reason = models.TextField(blank=True)
    exception_by_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(red="") | ~Q(exception_reason="") & Q(exception_by_id__isnull=False),
                name="population_red_needs_signed_exception",
            )
        ]

    def __str__(self) -> str:
        return f"{self.system_code} {self.item_count}"


class Exclusion(models.Model):
    """Something of the scope that was left out, and why. Append-only."""

    campaign = models.ForeignKey(Campaign, models.DO_NOTHING, related_name="exclusions")
    kind = models.CharField(max_length=10)  # grant, credential, account
    subject_id = models.BigIntegerField()
    code = models.CharField(max_length=24)
    system_code = models.CharField(max_length=24)
    account_card = models.BinaryField(null=True)
    entitlement_card = models.BinaryField(null=True)

    class Meta:
        indexes = [models.Index(fields=["campaign", "code"], name="exclusion_by_code")]

    def __str__(self) -> str:
        return f"{self.code} {self.kind}:{self.subject_id}"


class AssignmentQuerySet(VisibleQuerySet["Assignment"]):
    """Questions about reviewers' shares."""

    seen_with = Perm.CAMPAIGN_VIEW

    def of_reviewer(self, identity_id: UUID | None) -> Self:
        """Somebody's own, in campaigns that run or ran."""
        return self.filter(reviewer=identity_id).exclude(campaign__state=Campaign.State.DRAFT)

    def open(self) -> Self:
        """Not signed off, in a running campaign."""
        return self.filter(signed_off_at=None, campaign__state=Campaign.State.LAUNCHED)

    def totals(self) -> dict[str, int]:
        """Sums over assignments: a campaign has no counters of its own, which would be a hot row."""
        summed = self.aggregate(total=Sum("total"), decided=Sum("decided"), revoked=Sum("revoked"))
        return {key: value or 0 for key, value in summed.items()}


class Assignment(Versioned):
    """A reviewer's share of a campaign, with the only counters there are."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="assignments")
    stage = models.PositiveSmallIntegerField(default=1)
    reviewer = models.ForeignKey(Identity, models.PROTECT, related_name="assignments")
    total = models.PositiveIntegerField(default=0)
    decided = models.PositiveIntegerField(default=0)
    revoked = models.PositiveIntegerField(default=0)
    signed_off_at = models.DateTimeField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "stage", "reviewer"], name="assignment_is_one_per_reviewer"
            ),
            models.CheckConstraint(
                condition=Q(decided__lte=F("total")), name="assignment_decides_no_more_than_it_has"
            ),
            models.CheckConstraint(
                condition=Q(revoked__lte=F("decided")), name="assignment_revokes_no_more_than_it_decides"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.reviewer_id}"

    @property
    def left(self) -> int:
        """Items without a decision."""
        return self.total - self.decided

    def granted_to(self, user: User) -> frozenset[Perm]:
        """The reviewer decides, nobody else."""
        mine = user.identity_id is not None and user.identity_id == self.reviewer_id
        return frozenset({Perm.ITEM_DECIDE}) if mine else frozenset()


class ReviewItemQuerySet(VisibleQuerySet["ReviewItem"]):
    """Questions about items."""

    seen_with = Perm.CAMPAIGN_VIEW

    def undecided(self) -> Self:
        """Nobody has said anything yet, and it still applies."""
        return self.filter(verdict="", ended_as="")

    def in_order(self) -> Self:
        """Changed first, then risk: the rank was frozen at launch."""
        return self.order_by("-rank", "number")


class ReviewItem(models.Model):
    """One grant or credential of the population: frozen columns, soft references, and the current verdict.

    `portal/tables.py` names the columns that may still be written; a trigger keeps the others.
    """

    class Verdict(models.TextChoices):
        """Recorded by these words; on screen Keep, Remove, Limit, Rotate, Hand over, Shut down."""

        CERTIFY = "certify", _("Keep")
        REVOKE = "revoke", _("Remove")
        LIMIT = "limit", _("Limit")
        ROTATE = "rotate", _("Rotate")
        HAND_OVER = "hand_over", _("Hand over")
        SHUT_DOWN = "shut_down", _("Shut down")

    class Delta(models.TextChoices):
        """Against the campaign before."""

        NEW = "new", _("new since the last review")
        SAME = "same", _("same as in the last review")
        BACK = "back", _("removed before, and back")

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="items")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)  # grant, credential
    grant_id = models.BigIntegerField(null=True)
    credential_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField()
    entitlement_id = models.BigIntegerField(null=True)
    system_id = models.UUIDField()
    subject_id = models.UUIDField(null=True)  # the identity whose access it is
    accountable_id = models.UUIDField(null=True)  # the human who answers for it
    subject_kind = models.CharField(max_length=12, blank=True)
    subject_card = models.BinaryField(null=True)
    account_card = models.BinaryField(null=True)
    entitlement_card = models.BinaryField(null=True)
    is_privileged = models.BooleanField(null=True)
    since = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_source = models.CharField(max_length=100, blank=True)
    run_id = models.UUIDField(null=True)  # the reading that showed it
    reviewer_rule = models.CharField(max_length=24)  # manager, owner, system_owner, fallback, …
    delta = models.CharField(max_length=4, choices=Delta)
    rank = models.SmallIntegerField()
    leaf = models.BinaryField()
    # Current state; everything above is frozen.
    assignment = models.ForeignKey(Assignment, models.PROTECT, related_name="items")
    stage = models.PositiveSmallIntegerField(default=1)
    ordinal = models.PositiveIntegerField(default=0)
    verdict = models.CharField(max_length=9, choices=Verdict, blank=True)
    decided_at = models.DateTimeField(null=True)
    ended_as = models.CharField(max_length=16, blank=True)  # "no_longer" when proved gone before a decision
    ended_run = models.UUIDField(null=True)

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="item_number_is_one_per_campaign"),
            models.UniqueConstraint(fields=["campaign", "grant_id"], name="item_judges_a_grant_once"),
            models.UniqueConstraint(
                fields=["campaign", "credential_id"], name="item_judges_a_credential_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="grant", grant_id__isnull=False, credential_id=None)
                | Q(kind="credential", grant_id=None, credential_id__isnull=False),
                name="item_is_a_grant_or_a_credential",
            ),
        ]
        indexes = [
            models.Index(
                fields=["assignment", "-rank", "number"], condition=Q(verdict=""), name="item_to_decide"
            ),
            models.Index(fields=["assignment", "-rank", "number"], name="item_in_order"),
            models.Index(fields=["grant_id"], name="item_by_grant"),
            models.Index(fields=["subject_id"], name="item_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.number}"

    def granted_to(self, user: User) -> frozenset[Perm]:
        """Through the share it belongs to."""
        return self.assignment.granted_to(user)

    @property
    def is_decided(self) -> bool:
        """A verdict stands."""
        return bool(self.verdict)
