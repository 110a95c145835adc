"""Identities: who or what the organisation knows, people and machines as equals."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate, Lower, Now, Upper
from django.utils.translation import gettext_lazy as _

from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import User
from portal.users.permissions import Perm


class IdentityQuerySet(VisibleQuerySet["Identity"]):
    """Questions about identities."""

    seen_with = Perm.PERSON_VIEW

    def human(self) -> Self:
        """People."""
        return self.filter(kind=Identity.Kind.HUMAN)

    def machines(self) -> Self:
        """Non-human identities."""
        return self.exclude(kind=Identity.Kind.HUMAN)

    def unowned(self) -> Self:
        """Machines that nobody answers for, neither by themselves nor through their application."""
        left = Identity.Status.LEFT
        by_itself = Q(owner=None) | Q(owner__status=left)
        by_application = Q(application=None) | Q(application__owner=None) | Q(application__owner__status=left)
        return self.machines().active().filter(by_itself, by_application)

    def active(self) -> Self:
        """Neither left nor retired."""
        return self.exclude(status=Identity.Status.LEFT)

    def standing(self) -> Self:
        """For themselves: not merged into another one."""
        return self.filter(merged_into=None)

    def like(self, one: "Identity") -> Self:
        """Others that may be the same: of its sort, with its name or address."""
        same = Q(name__iexact=one.name)
        if one.email:
            same |= Q(email__iexact=one.email)
        sort = self.human() if one.is_human else self.machines()
        return sort.standing().filter(same).exclude(pk=one.pk)

    def answered_for_by(self, identity_id: UUID | None) -> Self:
        """Machines whose owner or deputy this is, by themselves or through their application."""
        found = Identity.objects.values("pk")
        through = (
            found.filter(application__owner=identity_id),
            found.filter(application__deputy=identity_id),
        )
        mine = found.filter(owner=identity_id).union(found.filter(deputy=identity_id), *through, all=True)
        return self.machines().filter(pk__in=mine)

    def matching(self, words: str) -> Self:
        """By name, address or number, a substring anywhere."""
        return self.filter(
            Q(name__icontains=words) | Q(email__icontains=words) | Q(engagements__number__iexact=words)
        ).distinct()


class Identity(Versioned):
    """A human or non-human identity. Unknown is NULL and shown as unknown."""

    class Kind(models.TextChoices):
        """All but `human` are non-human identities."""

        HUMAN = "human", _("person")
        SERVICE = "service", _("service account")
        WORKLOAD = "workload", _("workload")
        BOT = "bot", _("bot")
        AGENT = "agent", _("AI agent")
        INTEGRATION = "integration", _("integration")

    class Status(models.TextChoices):
        """Where it stands in its life."""

        ACTIVE = "active", _("active")
        ON_LEAVE = "on_leave", _("on leave")
        LEFT = "left", _("left")

    class Rhythm(models.TextChoices):
        """How often its rights are expected to be used; unused is judged against it."""

        DAILY = "daily", _("daily")
        WEEKLY = "weekly", _("weekly")
        MONTHLY = "monthly", _("monthly")
        QUARTERLY = "quarterly", _("quarterly")
        YEARLY = "yearly", _("yearly")
        EMERGENCY = "emergency", _("emergency")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    name = models.CharField(_("name"), max_length=200)
    email = models.EmailField(_("e-mail"), blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.ACTIVE)
    # Of people, from the running engagement:
    title = models.CharField(_("job title"), max_length=200, blank=True)
    department = models.CharField(_("department"), max_length=200, blank=True)
    manager = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reports", verbose_name=_("manager")
    )
    # Of machines:
    owner = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="owned", verbose_name=_("owner")
    )
    deputy = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="deputised", verbose_name=_("deputy")
    )
    purpose = models.TextField(_("purpose"), blank=True)
    environment = models.CharField(_("environment"), max_length=24, blank=True)
    vendor = models.CharField(_("vendor"), max_length=200, blank=True)
    contract_end = models.DateField(_("contract ends"), null=True, blank=True)
    vendor_contact = models.CharField(_("contact at the vendor"), max_length=200, blank=True, db_default="")
    # Who or what uses it, by name; more than one is reuse.
    consumers = ArrayField(
        models.CharField(max_length=100), default=list, db_default=[], blank=True, verbose_name=_("used by")
    )
    application = models.ForeignKey(
        "Application",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="machines",
        verbose_name=_("application"),
    )
    review_by = models.DateField(_("review by"), null=True, blank=True)
    # Kept by whoever evaluates the rules, so that a list shows it without asking them.
    open_findings = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    rhythm = models.CharField(_("rhythm"), max_length=9, choices=Rhythm, blank=True)
    # A leaver's deputy acts at once and owns only after accepting; NULL where nobody stands in.
    stand_in = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="stands_in_for", editable=False
    )
    # A duplicate that turned out to be somebody known: it stays as what decisions and sessions were about.
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", editable=False, db_index=False
    )
    card = models.BinaryField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())

    objects = IdentityQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(owner=None) | ~Q(kind="human"), name="identity_human_has_no_owner"
            ),
            models.CheckConstraint(
                condition=Q(manager=None) | Q(kind="human"), name="identity_machine_has_no_manager"
            ),
            models.CheckConstraint(condition=~Q(owner=F("deputy")), name="identity_deputy_is_another_person"),
            models.CheckConstraint(
                condition=~Q(id=F("owner")) & ~Q(id=F("manager")), name="identity_answers_to_another"
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(status="left") & ~Q(id=F("merged_into")),
                name="identity_merged_is_nobody_else",
            ),
        ]
        indexes = [
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="identity_name_trigram"),
            models.Index(Lower("email"), name="identity_email_folded"),
            models.Index(fields=["kind", "status"], name="identity_kind_status"),
            # What lists are sorted, searched and narrowed by: accounts/models/listing.py.
            models.Index(Collate(Lower("name"), "C"), "id", name="identity_by_name"),
            GinIndex(fields=["email"], opclasses=["gin_trgm_ops"], name="identity_email_trigram"),
            models.Index(fields=["open_findings", "id"], name="identity_by_findings"),
            models.Index(
                fields=["merged_into"], condition=Q(merged_into__isnull=False), name="identity_merged"
            ),
            models.Index(
                "environment",
                Collate(Lower("name"), "C"),
                "id",
                condition=~Q(environment=""),
                name="identity_by_environment",
            ),
            models.Index(
                Collate(Lower("name"), "C"),
                "id",
                condition=~Q(kind="human"),
                name="identity_machine_by_name",
            ),
            models.Index(
                Collate(Lower("name"), "C"),
                "id",
                condition=Q(owner=None) & ~Q(kind="human") & ~Q(status="left"),
                name="identity_machine_unowned",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_human(self) -> bool:
        """A person."""
        return self.kind == self.Kind.HUMAN

    @property
    def answered_by(self) -> "Identity | None":
        """Who answers for this machine: its owner who is here, else its application's; else who once did."""
        through = self.application.owner if self.application else None
        here = [one for one in (self.owner, through) if one and one.status != Identity.Status.LEFT]
        return here[0] if here else self.owner or through

    def granted_to(self, user: User) -> frozenset[Perm]:
        """Whoever answers for a machine says what is known of it; its owner also hands it over."""
        if self.is_human or user.identity_id is None:
            return frozenset()
        through = self.application
        owners = {self.owner_id, self.stand_in_id} | ({through.owner_id} if through else set())
        if user.identity_id in owners:
            return frozenset({Perm.INVENTORY_MANAGE, Perm.OWNER_NAME})
        deputies = {self.deputy_id} | ({through.deputy_id} if through else set())
        return frozenset({Perm.INVENTORY_MANAGE}) if user.identity_id in deputies else frozenset()


class Engagement(models.Model):
    """One employment or contract of a human identity, as an HR source says; matched by (source, number)."""

    class Kind(models.TextChoices):
        """Contractors need a sponsor and an end."""

        EMPLOYEE = "employee", _("employee")
        CONTRACTOR = "contractor", _("contractor")

    identity = models.ForeignKey(Identity, models.PROTECT, related_name="engagements")
    source = models.ForeignKey("Source", models.PROTECT, related_name="engagements")
    number = models.CharField(max_length=64)
    employer = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=10, choices=Kind, blank=True)
    title = models.CharField(max_length=200, blank=True)
    department = models.CharField(max_length=200, blank=True)
    manager_number = models.CharField(max_length=64, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Identity.Status, default=Identity.Status.ACTIVE)
    first_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+")
    gone_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="engagement_number_is_one_per_source"),
        ]
        indexes = [models.Index(Upper("number"), name="engagement_number_folded")]

    def __str__(self) -> str:
        return f"{self.number} {self.employer}".strip()


class Ownership(models.Model):
    """Who answered for a machine or a system, from when to when; one holder of a role at a time."""

    class Role(models.TextChoices):
        """The deputy is behind the owner."""

        OWNER = "owner", _("owner")
        DEPUTY = "deputy", _("deputy")

    identity = models.ForeignKey(Identity, models.PROTECT, null=True, blank=True, related_name="ownerships")
    system = models.ForeignKey("System", models.PROTECT, null=True, blank=True, related_name="ownerships")
    application = models.ForeignKey(
        "Application", models.PROTECT, null=True, blank=True, related_name="ownerships"
    )
    role = models.CharField(max_length=6, choices=Role)
    holder = models.ForeignKey(Identity, models.PROTECT, related_name="holds_ownership")
    during = DateTimeRangeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(identity=None, system__isnull=False, application=None)
                | Q(identity__isnull=False, system=None, application=None)
                | Q(identity=None, system=None, application__isnull=False),
                name="ownership_is_of_one_thing",
            ),
            ExclusionConstraint(
                name="ownership_of_identity_one_at_a_time",
                expressions=[
                    ("identity", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
                condition=Q(identity__isnull=False),
            ),
            ExclusionConstraint(
                name="ownership_of_system_one_at_a_time",
                expressions=[
                    ("system", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
                condition=Q(system__isnull=False),
            ),
            ExclusionConstraint(
                name="ownership_of_application_one_at_a_time",
                expressions=[
                    ("application", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
                condition=Q(application__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.holder_id}"

    @property
    def since(self) -> datetime | None:
        """When it began."""
        lower: datetime | None = self.during.lower
        return lower
