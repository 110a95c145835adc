"""Who might answer for a machine: what the portal proposes with its reasons, and what people said to it."""

from typing import Self

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models.identity import Identity, Ownership
from portal.audit.models import uuid7

# How much a proposal says, in words; of the first whose weight it reaches.
SURE, LIKELY, POSSIBLE = 80, 45, 20


class OwnerProposalQuerySet(models.QuerySet["OwnerProposal"]):
    """Questions about proposals."""

    def open(self) -> Self:
        """Of people who are here and have not said no."""
        no = OwnershipClaim.objects.filter(
            identity=models.OuterRef("identity"), said_by=models.OuterRef("candidate")
        ).exclude(answer=OwnershipClaim.Answer.MINE)
        return self.exclude(candidate__status=Identity.Status.LEFT).filter(~models.Exists(no))

    def strongest_first(self) -> Self:
        """The order in which they are shown and asked."""
        return self.order_by("identity", "-weight", Lower("candidate__name"), "candidate")


class OwnerProposal(models.Model):
    """A person who might answer for a machine, and why; found anew after each reading."""

    class Reason(models.TextChoices):
        """What points to them, the strongest first."""

        NAMED = "named", _("the system names them as owner")
        APPLICATION = "application", _("owns the application it belongs to")
        CREATOR = "creator", _("made it")
        TAG = "tag", _("a tag names them")
        NAMESPACE = "namespace", _("owns other machines of the same namespace")
        SESSION = "session", _("was the last person to use it in a session")
        LEAVER = "leaver", _("manages the owner who left")
        SYSTEM = "system", _("owns the system it lives on")

    identity = models.ForeignKey("Identity", models.CASCADE, related_name="owner_proposals")
    candidate = models.ForeignKey("Identity", models.CASCADE, related_name="+")
    reason = models.CharField(max_length=11, choices=Reason)
    detail = models.CharField(max_length=200, blank=True)
    weight = models.PositiveSmallIntegerField()  # percent; how much it says
    found_at = models.DateTimeField()

    objects = OwnerProposalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity", "candidate", "reason"], name="owner_proposal_counts_once"
            ),
        ]
        indexes = [models.Index(fields=["candidate"], name="owner_proposal_by_candidate")]

    def __str__(self) -> str:
        return f"{self.candidate_id} for {self.identity_id}: {self.reason}"

    @property
    def strength(self) -> str:
        """How much it says, in words."""
        if self.weight >= SURE:
            return gettext("very likely")
        if self.weight >= LIKELY:
            return gettext("likely")
        return gettext("possible") if self.weight >= POSSIBLE else gettext("last resort")


class OwnershipClaimQuerySet(models.QuerySet["OwnershipClaim"]):
    """Questions about what was said."""

    def newest_first(self) -> Self:
        """The last word first."""
        return self.order_by("-said_at", "-id")

    def shutting_down(self) -> Self:
        """The last word about an active machine, when it is that nobody needs it."""
        later = OwnershipClaim.objects.filter(
            models.Q(said_at__gt=models.OuterRef("said_at"))
            | models.Q(said_at=models.OuterRef("said_at"), pk__gt=models.OuterRef("pk")),
            identity=models.OuterRef("identity"),
        )
        owned = Ownership.objects.filter(
            identity=models.OuterRef("identity"),
            role=Ownership.Role.OWNER,
            during__startswith__gt=models.OuterRef("said_at"),
        )
        waiting = self.filter(answer=OwnershipClaim.Answer.SHUT_DOWN).exclude(
            identity__status=Identity.Status.LEFT
        )
        return waiting.filter(~models.Exists(later), ~models.Exists(owned))


class OwnershipClaim(models.Model):
    """What somebody said about a machine they were asked about; kept as it was said."""

    class Answer(models.TextChoices):
        """One of four."""

        MINE = "mine", _("mine")
        NOT_MINE = "not_mine", _("not mine")
        ASK = "ask", _("not mine, ask somebody else")
        SHUT_DOWN = "shut_down", _("nobody needs it: shut it down")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    identity = models.ForeignKey("Identity", models.PROTECT, related_name="ownership_claims")
    said_by = models.ForeignKey("Identity", models.PROTECT, related_name="+")
    answer = models.CharField(max_length=9, choices=Answer)
    ask = models.ForeignKey("Identity", models.PROTECT, null=True, blank=True, related_name="asked_to_claim")
    remark = models.TextField(blank=True)
    said_at = models.DateTimeField()

    objects = OwnershipClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(answer="ask", ask__isnull=False) | ~models.Q(answer="ask"),
                name="ownership_claim_names_whom_to_ask",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.said_by_id}: {self.answer} ({self.identity_id})"
