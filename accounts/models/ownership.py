"""Who might answer for a machine: what the portal proposes with its reasons, and what people said to it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.audit.models import uuid7


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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity", "candidate", "reason"], name="owner_proposal_counts_once"
            ),
        ]
        indexes = [models.Index(fields=["candidate"], name="owner_proposal_by_candidate")]

    def __str__(self) -> str:
        return f"{self.candidate_id} for {self.identity_id}: {self.reason}"


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

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(answer="ask", ask__isnull=False) | ~models.Q(answer="ask"),
                name="ownership_claim_names_whom_to_ask",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.said_by_id}: {self.answer} ({self.identity_id})"
