"""Accounts: records on a system by which an identity acts."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Lower
from django.utils.translation import gettext_lazy as _

from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.permissions import Perm


class AccountQuerySet(VisibleQuerySet["Account"]):
    """Questions about accounts."""

    seen_with = Perm.INVENTORY_VIEW

    def present(self) -> Self:
        """Seen by the last complete reading, or not disproved since."""
        return self.filter(gone_run=None)

    def usable(self, at: datetime) -> Self:
        """Present, not known to be switched off, and not run out at that moment."""
        ended = Q(expires_at__isnull=False, expires_at__lte=at)
        return self.present().exclude(is_enabled=False).exclude(ended)

    def orphaned(self) -> Self:
        """Present accounts that belong to nobody known; shared ones and roles never do."""
        return self.present().filter(identity=None).exclude(kind__in=Account.NOBODYS)

    def claimed(self) -> Self:
        """A rule proposes whose they are, but is not sure enough."""
        return self.filter(identity=None).exclude(claims=[])


class Account(Versioned):
    """An account on a system. Without an identity it is an orphan."""

    class Kind(models.TextChoices):
        """Shared accounts have members, emergency accounts custodians."""

        PERSONAL = "personal", _("personal")
        SHARED = "shared", _("shared")
        EMERGENCY = "emergency", _("emergency")
        MACHINE = "machine", _("machine")
        ROLE = "role", _("role that others act as")

    class Match(models.TextChoices):
        """How the identity was found."""

        NUMBER = "number", _("by employee number")
        EMAIL = "email", _("by e-mail address")
        NAME = "name", _("by the machine's own name")
        RULE = "rule", _("by a rule of correlation")
        HAND = "hand", _("by hand")

    class Doubt(models.TextChoices):
        """Why it was not linked although something matched."""

        RECYCLED = "recycled", _("the login last belonged to somebody who left")
        OLDER = "older", _("the account is older than the person's first day")
        AMBIGUOUS = "ambiguous", _("more than one identity matches")

    NOBODYS = (Kind.SHARED, Kind.EMERGENCY, Kind.ROLE)  # have no identity of their own

    # Checked by statement, not by row, as accounts come by the million: migration 0007.
    system = models.ForeignKey("System", models.PROTECT, related_name="accounts", db_constraint=False)
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=256)
    display_name = models.CharField(max_length=256, blank=True)
    kind = models.CharField(max_length=9, choices=Kind, blank=True)
    identity = models.ForeignKey("Identity", models.PROTECT, null=True, blank=True, related_name="accounts")
    match_method = models.CharField(max_length=8, choices=Match, blank=True)
    doubt = models.CharField(max_length=9, choices=Doubt, blank=True)
    email = models.CharField(max_length=254, blank=True)
    employee_number = models.CharField(max_length=64, blank=True)
    # How sure the link is, in percent; what somebody or a number said is 100.
    confidence = models.PositiveSmallIntegerField(null=True, blank=True)
    # Whom a rule would link it to where it is not sure enough: [{"identity", "rule", "confidence"}],
    # the surest first; with "doubt" where the login is recycled or the account older than the person.
    claims = models.JSONField(default=list, db_default=[], blank=True)
    # Somebody said what kind it is, because the system does not know: readings leave it alone.
    kind_by_hand = models.BooleanField(default=False, db_default=False, editable=False)
    # What the system itself says about it: owner, application, creator …; words, not links.
    hints = models.JSONField(default=dict, db_default={}, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    is_enabled = models.BooleanField(null=True)
    created_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_source = models.CharField(max_length=100, blank=True)
    first_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+", db_constraint=False)
    gone_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+", null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)
    card = models.BinaryField(null=True, editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "external_id"], name="account_is_one_per_system"),
            models.CheckConstraint(
                condition=Q(identity=None, match_method="") | Q(identity__isnull=False) & ~Q(match_method=""),
                name="account_link_says_how",
            ),
        ]
        indexes = [
            models.Index(fields=["system"], condition=Q(identity=None), name="account_orphans"),
            # What lists are sorted, searched and narrowed by: accounts/models/listing.py.
            models.Index(Collate(Lower("name"), "C"), "id", name="account_by_name"),
            models.Index("system", Collate(Lower("name"), "C"), "id", name="account_by_system"),
            # None on the last use: it changes with every reading, which then would write each index anew.
            models.Index(fields=["created_at", "id"], name="account_by_age"),
            models.Index(
                fields=["kind"],
                condition=Q(kind__in=["shared", "emergency", "role"]),
                name="account_of_nobody",
            ),
            models.Index(fields=["doubt"], condition=~Q(doubt=""), name="account_doubted"),
            models.Index(
                Collate(Lower("name"), "C"),
                "id",
                condition=Q(identity=None) & ~Q(claims=[]),
                name="account_claimed",
            ),
            GinIndex(
                fields=["name", "display_name", "email"],
                opclasses=["gin_trgm_ops"] * 3,
                name="account_trigram",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """Somebody who knows the secret of a shared account, or keeps an emergency one, from when to when."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="memberships")
    identity = models.ForeignKey("Identity", models.PROTECT, related_name="memberships")
    during = DateTimeRangeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "identity"],
                condition=Q(during__upper_inf=True),
                name="membership_runs_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.identity_id} in {self.account_id}"
