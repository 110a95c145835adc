"""Rules by which accounts are correlated to identities, in the order in which they are tried."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.models import User

COUNT_CLAIMS: Final = """
SELECT c ->> 'rule', count(DISTINCT a.id) FROM accounts_account a, jsonb_array_elements(a.claims) c
WHERE a.identity_id IS NULL AND a.claims <> '[]' AND a.gone_run_id IS NULL GROUP BY 1
"""


def sure() -> int:
    """From how many percent on an account is linked without asking anybody."""
    return int(settings.PORTAL_CORRELATION_SURE)


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom a rule proposes for an account, and what speaks against it (Account.Doubt), if anything does."""

    identity_id: UUID
    rule_id: UUID
    confidence: int
    doubt: str = ""


def claims_of(told: object) -> list[Claim]:
    """As they stand in `Account.claims`, the surest first; also from JSON as the database says it."""
    rows = json.loads(told) if isinstance(told, str) else told or []
    if not isinstance(rows, list):
        raise TypeError("claims are a list")
    return [
        Claim(UUID(row["identity"]), UUID(row["rule"]), int(row["confidence"]), row.get("doubt", ""))
        for row in rows
    ]


class CorrelationRuleQuerySet(models.QuerySet["CorrelationRule"]):
    """Questions about rules."""

    def in_order(self) -> Self:
        """As they are tried: where two find the same, the first one is named."""
        return self.order_by("position", "-confidence", "pk")

    def in_force(self) -> Self:
        """Those that are tried, in their order."""
        return self.filter(is_on=True).in_order()

    def proposals(self) -> dict[str, int]:
        """For how many accounts each rule proposes somebody now, by its key."""
        with connection.cursor() as cursor:
            cursor.execute(COUNT_CLAIMS)
            return dict(cursor.fetchall())


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

    # What can be compared with what; everything else would never be the same.
    PAIRS: Final[Mapping[str, tuple[str, ...]]] = {
        Of.NUMBER: (To.NUMBER,),
        Of.EMAIL: (To.EMAIL, To.EMAIL_LOCAL),
        Of.LOGIN: (To.NUMBER, To.EMAIL, To.EMAIL_LOCAL, To.NAME, To.INITIAL_LAST, To.FIRST_LAST),
        Of.DISPLAY_NAME: (To.NAME,),
    }
    # What another rule found is called “by a rule”.
    METHODS: Final[Mapping[tuple[str, str], str]] = {
        (Of.NUMBER, To.NUMBER): "number",
        (Of.EMAIL, To.EMAIL): "email",
    }

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
    # A login like "adm-jsmith" is compared without its prefix; several are separated by commas.
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

    def clean(self) -> None:
        """Two things that can be the same, and a beginning only of logins."""
        if self.to not in self.PAIRS.get(self.of, ()):
            raise ValidationError(
                {"to": _("These two are never the same. Compare it with something of the same kind.")}
            )
        if self.strip and self.of != self.Of.LOGIN:
            raise ValidationError({"strip": _("Only a login name is compared without its beginning.")})

    @property
    def is_sure(self) -> bool:
        """It links; others propose."""
        return self.confidence >= sure()

    @property
    def method(self) -> str:
        """What a link that it made is called (Account.Match)."""
        return self.METHODS.get((self.of, self.to), "rule")

    @property
    def prefixes(self) -> list[str]:
        """Beginnings that are cut off a login, in small letters."""
        return [part for part in (one.strip().lower() for one in self.strip.split(",")) if part]

    @property
    def cut(self) -> str | None:
        """The same as a pattern of PostgreSQL; None where nothing is cut."""
        found = "|".join(re.escape(one) for one in self.prefixes)
        return f"^(?:{found})" if found else None

    def to_facts(self) -> dict[str, Any]:
        """As an event holds it."""
        names = ("of", "to", "strip", "confidence", "position", "is_on")
        return {name: getattr(self, name) for name in names} | {"system": self.system_id}


class CorrelationRefusal(models.Model):
    """Somebody said that an account is not this identity's; no rule proposes or links it to them again."""

    account = models.ForeignKey("Account", models.PROTECT, related_name="refusals")
    identity = models.ForeignKey("Identity", models.PROTECT, related_name="refused_accounts")
    said_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    said_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "identity"], name="correlation_refused_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: not {self.identity_id}"
