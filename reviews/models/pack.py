"""Evidence packs: an export that an auditor checks offline."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import Approval, Share
from portal.users.permissions import Perm
from portal.vault.models import Blob
from reviews.models.campaign import Campaign


class EvidencePackQuerySet(VisibleQuerySet["EvidencePack"]):
    """Questions about packs."""

    seen_with = Perm.PACK_VIEW

    def newest_first(self) -> Self:
        """By request."""
        return self.order_by("-requested_at")


class EvidencePack(Versioned):
    """One export of a campaign. The row is the state: a lost queue loses nothing."""

    class State(models.TextChoices):
        """Its life."""

        REQUESTED = "requested", _("requested")
        BUILDING = "building", _("being built")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=24, unique=True)  # CAM-2026-04-P2
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="packs")
    # Recordings leave only after a second person's release; every pack has session facts and transcripts.
    with_recordings = models.BooleanField(default=False)
    release = models.ForeignKey(Approval, models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=9, choices=State, default=State.REQUESTED)
    state_at = models.DateTimeField()
    requested_by_id = models.UUIDField()
    requested_at = models.DateTimeField()
    built_at = models.DateTimeField(null=True, blank=True)
    blob = models.ForeignKey(Blob, models.PROTECT, null=True, blank=True, related_name="+")
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    file_count = models.PositiveIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)

    objects = EvidencePackQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(with_recordings=False)
                | models.Q(state="requested")
                | models.Q(state="failed")
                | models.Q(release__isnull=False),
                name="pack_recordings_need_release",
            )
        ]

    def __str__(self) -> str:
        return self.code


class PackShare(Share):
    """This user may fetch this pack until then."""

    content_object = models.ForeignKey(EvidencePack, models.CASCADE)
