"""How rights go: asked for, reported, and proven gone by a reading taken at the source."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models.account import Account
from accounts.models.entitlement import Grant
from accounts.models.system import System
from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import User
from portal.users.permissions import Perm


class RevocationQuerySet(VisibleQuerySet["Revocation"]):
    """Questions about revocations."""

    seen_with = Perm.REVOCATION_VIEW

    def live(self) -> Self:
        """On the way: decided, requested, reported, or said to be impossible."""
        return self.filter(state__in=Revocation.LIVE)

    def to_carry_out(self) -> Self:
        """Somebody has to do something on the system."""
        return self.filter(state=Revocation.State.REQUESTED)

    def unproven(self) -> Self:
        """Decided but not proven gone."""
        return self.filter(state__in=[*Revocation.LIVE, Revocation.State.REAPPEARED])

    def overdue(self, at: datetime) -> Self:
        """Asked for, and the day it was due has passed."""
        return self.to_carry_out().filter(due_at__lt=at)

    def carried_out_by(self, identity_id: UUID | None) -> Self:
        """On systems that this person carries out for, or answers for."""
        if identity_id is None:
            return self.none()
        return self.filter(system__in=System.objects.looked_after_by(identity_id))

    def with_names(self) -> Self:
        """With what is needed to say what goes, of whom, and where."""
        return self.select_related(
            "system",
            "grant__entitlement",
            "grant__via",
            "grant__account__identity",
            "grant__known_from_run__source",
            "credential__account__identity",
            "credential__first_run__source",
            "account__identity",
            "account__first_run__source",
            "verified_run",
            "reappeared_run",
            "not_proven_run",
        )


class Revocation(Versioned):
    """One right or credential on its way out: decided → requested → reported done → verified gone."""

    class State(models.TextChoices):
        """Claimed is not proven: only a reading taken at the source verifies."""

        DECIDED = "decided", _("decided")
        REQUESTED = "requested", _("requested")
        REPORTED = "reported", _("reported done")
        IMPOSSIBLE = "impossible", _("can't be done")
        VERIFIED = "verified", _("verified gone")
        REAPPEARED = "reappeared", _("reappeared")
        WITHDRAWN = "withdrawn", _("withdrawn")

    LIVE = (State.DECIDED, State.REQUESTED, State.REPORTED, State.IMPOSSIBLE)

    class Act(models.TextChoices):
        """What is asked of the one who carries it out."""

        REMOVE = "remove", _("remove")
        ROTATE = "rotate", _("rotate the secret")
        LIMIT = "limit", _("set an end")
        DISABLE = "disable", _("disable")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey("System", models.PROTECT, related_name="revocations")
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, blank=True, related_name="revocations")
    credential = models.ForeignKey(
        "Credential", models.PROTECT, null=True, blank=True, related_name="revocations"
    )
    account = models.ForeignKey("Account", models.PROTECT, null=True, blank=True, related_name="revocations")
    act = models.CharField(max_length=8, choices=Act, default=Act.REMOVE)
    state = models.CharField(max_length=10, choices=State, default=State.DECIDED)
    decided_at = models.DateTimeField()
    requested_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    reported_by_id = models.UUIDField(null=True, blank=True)  # portal user; soft, users are not evidence
    ticket = models.CharField(max_length=100, blank=True)
    impossible_because = models.TextField(blank=True)
    # Of a limit: the end that whoever carries it out has to set.
    ends_at = models.DateTimeField(null=True, blank=True)
    # Proof is an interval: last seen by one reading, first proven absent by another.
    last_seen_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_run = models.ForeignKey(
        "ImportRun", models.PROTECT, null=True, blank=True, related_name="verified_revocations"
    )
    reappeared_run = models.ForeignKey("ImportRun", models.PROTECT, null=True, blank=True, related_name="+")
    # Why the last reading in which it was absent proved nothing; empty when it proved something.
    not_proven = models.CharField(max_length=24, blank=True)
    not_proven_run = models.ForeignKey("ImportRun", models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = RevocationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(grant__isnull=False, credential=None, account=None)
                | Q(grant=None, credential__isnull=False, account=None)
                | Q(grant=None, credential=None, account__isnull=False),
                name="revocation_has_one_target",
            ),
            *(
                models.UniqueConstraint(
                    fields=[target],
                    condition=Q(state__in=["decided", "requested", "reported", "impossible"]),
                    name=f"revocation_of_{target}_lives_once",
                )
                for target in ("grant", "credential", "account")
            ),
            models.CheckConstraint(
                condition=~Q(state="verified") | Q(verified_at__isnull=False, verified_run__isnull=False),
                name="revocation_verified_names_its_reading",
            ),
            models.CheckConstraint(
                condition=~Q(state="impossible") | ~Q(impossible_because=""),
                name="revocation_impossible_says_why",
            ),
        ]
        indexes = [models.Index(fields=["system", "state", "due_at"], name="revocation_work_list")]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.pk}"

    @property
    def state_words(self) -> str:
        """The state as it is true of the act: what was limited or rotated is proven, but not gone."""
        proven = {
            self.Act.LIMIT.value: _("end proven"),
            self.Act.ROTATE.value: _("rotation proven"),
            self.Act.DISABLE.value: _("proven disabled"),
        }
        if self.state == self.State.VERIFIED and self.act in proven:
            return str(proven[self.act])
        return str(self.get_state_display())

    @property
    def proven_words(self) -> str:
        """What the reading that verified it showed: gone, or still there in the state that was asked for."""
        shown = {
            self.Act.LIMIT.value: _("Its end is proven; until then it is there."),
            self.Act.ROTATE.value: _("Proven rotated."),
            self.Act.DISABLE.value: _("Proven disabled; it is still there, and switched off."),
        }
        return str(_("Proven gone.") if self._is_gone else shown.get(self.act, _("Proven gone.")))

    @property
    def _is_gone(self) -> bool:
        if self.grant is not None:
            return self.grant.until is not None
        kept = self.credential or self.account
        return kept is not None and kept.gone_run_id is not None

    @property
    def is_about_absence(self) -> bool:
        """Removing is proven by absence, every other act by what a reading shows."""
        return self.act == self.Act.REMOVE

    @property
    def target(self) -> models.Model:
        """The grant, credential or account that goes."""
        found = self.grant or self.credential or self.account
        if found is None:  # the database refuses it: revocation_has_one_target
            raise LookupError("a revocation without a target")
        return found

    @property
    def on_account(self) -> Account:
        """The account that the right or credential hangs on, or that goes itself."""
        held = self.grant or self.credential
        found = held.account if held else self.account
        if found is None:  # the same constraint
            raise LookupError("a revocation without a target")
        return found

    def granted_to(self, user: User) -> frozenset[Perm]:
        """Those who carry out for the system, or answer for it, report on it; they need no role."""
        mine = Revocation.objects.filter(pk=self.pk).carried_out_by(user.identity_id)
        return frozenset({Perm.REVOCATION_CARRY_OUT}) if mine.exists() else frozenset()


class RevocationCause(models.Model):
    """Why: a decision and a leaver may share one revocation, and each can be taken back alone."""

    class Kind(models.TextChoices):
        """What asked for it."""

        DECISION = "decision", _("review decision")
        CASE = "case", _("offboarding")
        EXPIRY = "expiry", _("agreed end")
        CLAIM = "claim", _("nobody needs it")

    revocation = models.ForeignKey(Revocation, models.PROTECT, related_name="causes")
    kind = models.CharField(max_length=8, choices=Kind)
    reference = models.CharField(max_length=64)
    label = models.CharField(max_length=100, blank=True)  # CAM-2026-04/37, for people
    added_at = models.DateTimeField(db_default=Now())
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["revocation", "kind", "reference"], name="revocation_cause_counts_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.label or self.reference}"
