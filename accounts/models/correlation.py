"""Rules by which accounts are correlated to identities, in the order in which they are tried."""

from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.audit.models import uuid7
from portal.audit.versions import Versioned


class CorrelationRuleQuerySet(models.QuerySet["CorrelationRule"]):
    """Questions about rules."""

    def in_force(self) -> Self:
        """Those that are tried, in their order."""
        return self.filter(is_on=True).order_by("position", "pk")


class CorrelationRule(Versioned):
    """One comparison of something of an account with something of an identity, and how sure it makes.

    Sure enough and only one identity: linked. Less sure: proposed to a person. More than one: never linked.
    """

    class Of(models.TextChoices):
        """What of the account is compared."""

        NUMBER = "employee_number", _("employee number")
        EMAIL = "email", _("e-mail address")
        LOGIN = "name", _("login name")
        DISPLAY_NAME = "display_name", _("displayed name")

    class To(models.TextChoices):
        """With what of the identity."""

        NUMBER = "number", _("HR number")
        EMAIL = "email", _("e-mail address")
        EMAIL_LOCAL = "email_local", _("e-mail address before the @")
        NAME = "name", _("name")
        INITIAL_LAST = "initial_last", _("first letter and last name (jsmith)")
        FIRST_LAST = "first_last", _("first and last name with a dot (jon.smith)")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(
        "System",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="correlation_rules",
        verbose_name=_("only on this system"),
    )
    of = models.CharField(_("the account's"), max_length=16, choices=Of)
    to = models.CharField(_("is the identity's"), max_length=16, choices=To)
    # A login like "adm-jsmith" is compared without its prefix.
    strip = models.CharField(_("without this beginning"), max_length=40, blank=True)
    confidence = models.PositiveSmallIntegerField(
        _("how sure, in percent"), validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    position = models.PositiveSmallIntegerField(_("order"), default=100)
    is_on = models.BooleanField(_("in force"), default=True)

    objects = CorrelationRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confidence__gte=1, confidence__lte=100),
                name="correlation_confidence_is_percent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_of_display()} = {self.get_to_display()}"
