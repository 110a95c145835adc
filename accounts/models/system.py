"""Systems: platforms and applications that hold accounts."""

from typing import Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.identity import Identity
from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import Share
from portal.users.permissions import Perm


class SystemQuerySet(VisibleQuerySet["System"]):
    """Questions about systems."""

    seen_with = Perm.INVENTORY_VIEW

    def by_code(self) -> Self:
        """The order people know."""
        return self.order_by("code")

    def answered_for_by(self, identity_id: UUID | None) -> Self:
        """Whose owner or deputy this is."""
        return self.filter(models.Q(owner=identity_id) | models.Q(deputy=identity_id))

    def looked_after_by(self, identity_id: UUID | None) -> Self:
        """Whose owner or deputy this is, or who carries out removals there."""
        carried = System.objects.filter(carriers=identity_id).values("pk")
        return self.filter(
            models.Q(owner=identity_id) | models.Q(deputy=identity_id) | models.Q(pk__in=carried)
        )


class System(Versioned):
    """A platform or application; its owner answers for it, its carriers remove rights on it."""

    class Environment(models.TextChoices):
        """Where it stands."""

        PRODUCTION = "production", _("production")
        TEST = "test", _("test")
        DEVELOPMENT = "development", _("development")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_("short code"), max_length=24, unique=True)
    name = models.CharField(_("name"), max_length=200)
    environment = models.CharField(
        _("environment"), max_length=12, choices=Environment, default=Environment.PRODUCTION
    )
    # What the system calls itself in its exports (an AWS account id); a file naming another one is refused.
    reference = models.CharField(_("own reference"), max_length=200, blank=True)
    owner = models.ForeignKey(
        "Identity",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="owned_systems",
        verbose_name=_("owner"),
    )
    deputy = models.ForeignKey(
        "Identity",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="deputised_systems",
        verbose_name=_("deputy"),
    )
    carriers: "models.ManyToManyField[Identity, models.Model]" = models.ManyToManyField(
        Identity, blank=True, related_name="carries_out_on", verbose_name=_("who carries out removals")
    )
    # What other systems' exports call its machines ("core01", "core02"), so that a gateway's right to act as
    # an account there is matched to that account.
    hosts = ArrayField(
        models.CharField(max_length=200),
        default=list,
        db_default=[],
        blank=True,
        verbose_name=_("host names"),
    )
    is_gateway = models.BooleanField(_("is a gateway"), default=False, db_default=False)
    removal_days = models.PositiveSmallIntegerField(_("days to remove a right"), default=2)
    card = models.BinaryField(null=True, editable=False)

    objects = SystemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(owner=models.F("deputy")), name="system_deputy_is_another_person"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class SystemShare(Share):
    """This user may see this system until then."""

    content_object = models.ForeignKey(System, models.CASCADE)
