"""Credentials: metadata and fingerprint of what proves an account, never the secret."""

from datetime import datetime, timedelta
from typing import Self

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Coalesce, Lower
from django.utils.translation import gettext_lazy as _

from portal.users.guards import VisibleQuerySet
from portal.users.permissions import Perm


class CredentialQuerySet(VisibleQuerySet["Credential"]):
    """Questions about credentials."""

    seen_with = Perm.INVENTORY_VIEW

    def present(self) -> Self:
        """Not proved gone."""
        return self.filter(gone_run=None)

    def usable(self) -> Self:
        """Present and not switched off."""
        return self.present().exclude(is_active=False)

    def older_than(self, age: timedelta, at: datetime) -> Self:
        """Neither made nor rotated since."""
        return self.present().filter(
            models.Q(rotated_at__lt=at - age) | models.Q(rotated_at=None, created_at__lt=at - age)
        )


class Credential(models.Model):
    """An access key, password, certificate or token of an account, by its public fingerprint."""

    class Kind(models.TextChoices):
        """What it is."""

        PASSWORD = "password", _("password")
        ACCESS_KEY = "access_key", _("access key")
        CERTIFICATE = "certificate", _("certificate")
        TOKEN = "token", _("token")
        SSH_KEY = "ssh_key", _("SSH key")
        MFA_DEVICE = "mfa_device", _("second factor")
        SECRET = "secret", _("client secret")
        FEDERATED = "federated", _("federated sign-in")

    account = models.ForeignKey("Account", models.PROTECT, related_name="credentials")
    kind = models.CharField(max_length=11, choices=Kind)
    fingerprint = models.CharField(max_length=256)
    is_active = models.BooleanField(null=True)
    created_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # The fingerprint names a place ("password", "slot 1"), so that equal ones are not one secret.
    is_slot = models.BooleanField(default=False, db_default=False)
    storage = models.CharField(max_length=40, blank=True, db_default="")  # where it is kept
    weakness = models.CharField(max_length=100, blank=True, db_default="")  # why it should not be in use
    exposed_at = models.DateTimeField(null=True, blank=True)
    first_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+")
    gone_run = models.ForeignKey("ImportRun", models.PROTECT, related_name="+", null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "fingerprint"], name="credential_is_one_per_account"
            ),
        ]
        indexes = [
            models.Index(fields=["fingerprint"], name="credential_fingerprint"),
            # What lists are sorted, searched and narrowed by: accounts/models/listing.py.
            models.Index(
                OpClass(Lower("fingerprint"), name="text_pattern_ops"), name="credential_fingerprint_begins"
            ),
            models.Index(Coalesce("rotated_at", "created_at"), "id", name="credential_by_age"),
            models.Index(fields=["expires_at", "id"], name="credential_by_end"),
            models.Index(fields=["weakness"], condition=~models.Q(weakness=""), name="credential_weak"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.fingerprint}"

    @property
    def age_from(self) -> datetime | None:
        """Since when the secret is the same, as far as known."""
        return self.rotated_at or self.created_at
