"""Blobs: what the vault holds, one row per content."""

from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _


class Blob(models.Model):
    """Bytes by their SHA-256. Two uploads of the same bytes meet here."""

    class State(models.TextChoices):
        """What the last verification found."""

        KEPT = "kept", _("kept")
        ALTERED = "altered", _("altered")

    sha256 = models.BinaryField(unique=True, max_length=32)
    size = models.PositiveBigIntegerField()
    storage_key = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.KEPT)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="blob_digest_is_32_bytes", condition=Exact(Length("sha256"), 32)),
        ]

    def __str__(self) -> str:
        return self.hexdigest[:12]

    @property
    def hexdigest(self) -> str:
        """The digest as people and manifests write it."""
        return bytes(self.sha256).hex()
