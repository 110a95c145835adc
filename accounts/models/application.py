"""Applications: what an organisation runs, as carriers of ownership for the machines that belong to it."""

from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import User
from portal.users.permissions import Perm


class ApplicationQuerySet(VisibleQuerySet["Application"]):
    """Questions about applications."""

    seen_with = Perm.INVENTORY_VIEW

    def by_name(self) -> Self:
        """The order people know."""
        return self.order_by(Lower("name"), "pk")

    def answered_for_by(self, identity_id: UUID | None) -> Self:
        """Whose owner or deputy this is, or whoever stands in for a leaver."""
        return self.filter(Q(owner=identity_id) | Q(deputy=identity_id) | Q(stand_in=identity_id))

    def active(self) -> Self:
        """Not retired."""
        return self.exclude(status=Application.Status.RETIRED)


class Application(Versioned):
    """Something that is run; who answers for it answers for its machines that have no owner of their own."""

    class Status(models.TextChoices):
        """A retired application should have no active machine left."""

        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=200, unique=True)
    description = models.TextField(_("what it does"), blank=True)
    environment = models.CharField(_("environment"), max_length=24, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.ACTIVE)
    owner = models.ForeignKey(
        "Identity",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="owned_applications",
        verbose_name=_("owner"),
    )
    deputy = models.ForeignKey(
        "Identity",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="deputised_applications",
        verbose_name=_("deputy"),
    )
    # A leaver's deputy acts at once and owns only after accepting; NULL where nobody stands in.
    stand_in = models.ForeignKey(
        "Identity",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="stands_in_for_applications",
        editable=False,
    )
    card = models.BinaryField(null=True, editable=False)
    created_at = models.DateTimeField()

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(owner=F("deputy")), name="application_deputy_is_another_person"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def granted_to(self, user: User) -> frozenset[Perm]:
        """Its owner, and whoever stands in, say what is known of it and who is behind them."""
        if user.identity_id is None or user.identity_id not in {self.owner_id, self.stand_in_id}:
            return frozenset()
        return frozenset({Perm.OWNER_NAME, Perm.INVENTORY_MANAGE})
