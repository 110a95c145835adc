"""Correlation of accounts that stand, after its rules were changed."""

from uuid import UUID

from accounts.models import CorrelationRule
from accounts.reconciliation import correlating
from portal.audit.services import PORTAL
from portal.tasks.jobs import job
from portal.users.models import User


@job(attempts=3)
def correlate(rule_id: str, user_id: str) -> None:
    """Link and propose by the rules in force, because somebody changed one of them."""
    rule = CorrelationRule.objects.get(pk=UUID(rule_id))
    asked_by = User.objects.filter(pk=user_id).first()
    correlating.apply(rule, actor=asked_by.actor if asked_by else PORTAL)
