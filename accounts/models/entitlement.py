"""Rights on a system, what brings which, and who holds them."""

from datetime import datetime, timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.functions import Coalesce, Lower
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import gettext_lazy as _

from portal import moment
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import User
from portal.users.permissions import Perm

# The longest that a privileged right may last and still count as time-boxed: of administrators, of others.
ADMIN_WINDOW, WINDOW = timedelta(hours=24), timedelta(days=90)


class EntitlementQuerySet(VisibleQuerySet["Entitlement"]):
    """Questions about rights as such."""

    seen_with = Perm.INVENTORY_VIEW

    def privileged(self) -> Self:
        """By themselves or through what they bring."""
        return self.filter(carries_privilege=True)

    def wordless(self) -> Self:
        """Nobody said what they allow; what was only suggested does not count."""
        return self.filter(Q(plain_words="") | Q(described_by=Entitlement.Describer.SUGGESTED))

    def in_use(self) -> Self:
        """Held by somebody, or brought by something."""
        held = Grant.objects.held().filter(entitlement=models.OuterRef("pk"))
        brought = Inclusion.objects.held().filter(child=models.OuterRef("pk"))
        return self.filter(models.Exists(held) | models.Exists(brought))


class Entitlement(Versioned):
    """A right, group or role on a system; or, at a gateway, that one may act as another account."""

    class Kind(models.TextChoices):
        """What it is."""

        RIGHT = "right", _("right")
        GROUP = "group", _("group")
        ROLE = "role", _("role")
        ACT_AS = "act_as", _("may act as")

    class Reach(models.TextChoices):
        """How it opens a privileged session."""

        CONSOLE = "console", _("console")
        SSH = "ssh", _("SSH")
        RDP = "rdp", _("remote desktop")
        EXEC = "exec", _("exec into a container")
        ASSUME_ROLE = "assume_role", _("assumed role")
        SAFE = "safe", _("safe")
        SUDO = "sudo", _("sudo")
        DATABASE = "database", _("database")

    class Describer(models.TextChoices):
        """Where its words come from."""

        IMPORT = "import", _("the system's own words")
        CATALOGUE = "catalogue", _("an imported catalogue")
        SUGGESTED = "suggested", _("suggested, to be confirmed")
        HAND = "hand", _("written here")

    system = models.ForeignKey("System", models.PROTECT, related_name="entitlements")
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=256)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.RIGHT)
    plain_words = models.TextField(blank=True)
    is_privileged = models.BooleanField(null=True)  # yes, no, or unknown
    because = models.TextField(blank=True)
    # Privileged by itself, or through something that it brings; kept by the readings.
    carries_privilege = models.BooleanField(default=False, db_default=False)
    privileged_through = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    # Codes of what makes it dangerous (connectors.records.Mark), for rules; `because` has the words.
    marks = ArrayField(models.CharField(max_length=20), default=list, db_default=[], blank=True)
    reach = models.CharField(max_length=11, choices=Reach, blank=True, db_default="")
    # Of the kind "may act as": whom and where, as the file says, and the account that was found for it.
    acts_as_name = models.CharField(max_length=512, blank=True, db_default="")
    acts_on_name = models.CharField(max_length=200, blank=True, db_default="")
    acts_as = models.ForeignKey(
        "Account", models.PROTECT, null=True, blank=True, related_name="acted_as_through"
    )
    removable_at = models.CharField(max_length=100, blank=True, db_default="")  # where, if not here
    risk = models.TextField(_("what can go wrong"), blank=True, db_default="")
    owner = models.ForeignKey(
        "Identity",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="owned_rights",
        verbose_name=_("owner"),
    )
    # What people wrote stays, whatever the next file says.
    described_by = models.CharField(
        max_length=9, choices=Describer, default=Describer.IMPORT, db_default="import"
    )
    first_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+")
    card = models.BinaryField(null=True, editable=False)

    objects = EntitlementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "external_id"], name="entitlement_is_one_per_system"),
            models.CheckConstraint(
                condition=Q(carries_privilege=True) | Q(is_privileged=None) | Q(is_privileged=False),
                name="entitlement_privileged_carries_privilege",
            ),
        ]
        indexes = [
            models.Index(fields=["acts_as"], condition=Q(acts_as__isnull=False), name="entitlement_acts_as"),
            models.Index(
                fields=["system"], condition=Q(carries_privilege=True), name="entitlement_privileged"
            ),
            GinIndex(
                fields=["name", "plain_words"], opclasses=["gin_trgm_ops"] * 2, name="entitlement_trigram"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def granted_to(self, user: User) -> frozenset[Perm]:
        """Who owns the right or answers for its system says what it means; they need no role."""
        mine = {self.owner_id, self.system.owner_id, self.system.deputy_id} - {None}
        return frozenset({Perm.INVENTORY_MANAGE}) if user.identity_id in mine else frozenset()

    @property
    def privilege(self) -> bool | None:
        """Privileged by itself or through what it brings; None where nobody knows."""
        return True if self.carries_privilege else self.is_privileged


class InclusionQuerySet(models.QuerySet["Inclusion"]):
    """Questions about what brings which."""

    def held(self) -> Self:
        """As far as the last readings show."""
        return self.filter(held__upper_inf=True)

    def as_of(self, at: datetime) -> Self:
        """In force at that moment, by what is known today."""
        return self.filter(held__contains=at)


class Inclusion(models.Model):
    """Holding `parent` brings `child` with it, from when to when; what follows from it is derived."""

    system = models.ForeignKey("System", models.PROTECT, related_name="inclusions")
    parent = models.ForeignKey(Entitlement, models.PROTECT, related_name="brings")
    child = models.ForeignKey(Entitlement, models.PROTECT, related_name="brought_by")
    held = DateTimeRangeField()
    known_from_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+")
    known_to_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+", null=True, blank=True)

    objects = InclusionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "child"], condition=Q(held__upper_inf=True), name="inclusion_is_held_once"
            ),
            models.CheckConstraint(
                condition=Q(held__upper_inf=True, known_to_run=None)
                | Q(held__upper_inf=False, known_to_run__isnull=False),
                name="inclusion_end_names_its_reading",
            ),
        ]
        indexes = [
            models.Index(fields=["child"], condition=Q(held__upper_inf=True), name="inclusion_open_by_child"),
            models.Index(fields=["parent"], name="inclusion_by_parent"),
        ]

    def __str__(self) -> str:
        return f"{self.parent_id} ⊃ {self.child_id}"


class _Present(models.Expression):
    """The moment at which the query runs, by the portal's clock."""

    def as_sql(
        self,
        compiler: SQLCompiler,  # noqa: ARG002 - the interface of expressions
        connection: BaseDatabaseWrapper,  # noqa: ARG002
    ) -> tuple[str, tuple[str | int, ...]]:
        """A parameter, made when it is asked."""
        return "%s::timestamptz", (moment.now().isoformat(),)


def time_boxed(*, at: datetime | None = None) -> Q:
    """A grant's end is to come and lies within the longest window of its kind, counted from when it began.

    An unknown beginning counts from the reading that showed it. What outlives its end was not ended by it.
    `at` is the moment that is asked about: now, if nothing is said.
    """
    admin = Q(entitlement__marks__contains=["admin"])
    since = Coalesce(Lower("held"), "known_from_run__received_at")
    to_come = Q(ends_at__gt=at or _Present(output_field=models.DateTimeField()))
    within, longer = Q(ends_at__lte=since + ADMIN_WINDOW), Q(ends_at__lte=since + WINDOW)
    return Q(ends_at__isnull=False) & to_come & (admin & within | ~admin & longer)


class GrantQuerySet(VisibleQuerySet["Grant"]):
    """Questions about grants."""

    seen_with = Perm.INVENTORY_VIEW

    def held(self) -> Self:
        """Held as far as the last readings show."""
        return self.filter(held__upper_inf=True)

    def as_of(self, at: datetime) -> Self:
        """Held at that moment, by what is known today."""
        return self.filter(held__contains=at)

    def privileged(self) -> Self:
        """Of entitlements known to be privileged, by themselves or through what they bring."""
        return self.filter(entitlement__carries_privilege=True)

    def standing(self) -> Self:
        """Privileged and usable now without a fresh approval: no end to come within the longest window."""
        return self.held().privileged().filter(~Q(is_eligible=True), ~time_boxed())

    def eligible(self) -> Self:
        """Privileged, to be switched on before use."""
        return self.held().privileged().filter(is_eligible=True)

    def time_boxed(self) -> Self:
        """Privileged, in force, with an end to come within the window."""
        return self.held().privileged().filter(time_boxed(), is_eligible=False)


class Grant(models.Model):
    """An account holding an entitlement, from when to when, directly or through another one."""

    # Checked by statement, not by row, as grants come by the million: migration 0007.
    system = models.ForeignKey("System", models.PROTECT, related_name="grants", db_constraint=False)
    account = models.ForeignKey("Account", models.PROTECT, related_name="grants", db_constraint=False)
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, related_name="grants", db_constraint=False)
    via = models.ForeignKey(Entitlement, models.PROTECT, related_name="+", null=True, blank=True)
    # As the source says; an unknown start is unbounded. What is held now has no upper bound.
    held = DateTimeRangeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    # May be switched on, is not in force by itself.
    is_eligible = models.BooleanField(default=False, db_default=False)
    # What showed it and what ended it: when it was *known*, beside when it was held.
    known_from_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+", db_constraint=False)
    known_to_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+", null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "entitlement", "via", "is_eligible"],
                condition=Q(held__upper_inf=True),
                nulls_distinct=False,
                name="grant_is_held_or_eligible_once",
            ),
            models.CheckConstraint(
                condition=Q(held__upper_inf=True, known_to_run=None)
                | Q(held__upper_inf=False, known_to_run__isnull=False),
                name="grant_end_names_its_reading",
            ),
        ]
        indexes = [
            models.Index(
                fields=["entitlement"], condition=Q(held__upper_inf=True), name="grant_open_by_entitlement"
            ),
            models.Index(fields=["system"], condition=Q(held__upper_inf=True), name="grant_open_by_system"),
            models.Index(
                fields=["ends_at", "id"], condition=Q(ends_at__isnull=False), name="grant_by_agreed_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} → {self.entitlement_id}"

    @property
    def since(self) -> datetime | None:
        """Held since; unknown is None."""
        lower: datetime | None = self.held.lower
        return lower

    @property
    def until(self) -> datetime | None:
        """When it was first known to be gone; None while held."""
        upper: datetime | None = self.held.upper
        return upper


class GrantUse(models.Model):
    """Last use, in a narrow table of its own: unchanged grants are never rewritten for it."""

    grant = models.OneToOneField(Grant, models.PROTECT, primary_key=True, related_name="use")
    last_used_at = models.DateTimeField()
    source = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return f"{self.grant_id} {self.last_used_at}"
