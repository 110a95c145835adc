"""Limits: an end that a reviewer agreed is asked for when it comes, unless the right has gone by itself."""

from datetime import datetime

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, QuerySet
from django.db.models.functions import Cast

from accounts.models import Grant, Revocation, RevocationCause
from accounts.services import revocations
from portal.audit.services import PORTAL
from reviews.models import Decision, ReviewItem


def due(at: datetime) -> QuerySet[Decision]:
    """Limits in force and signed off whose end has come, whose right is held still, not asked for yet."""
    asked = RevocationCause.objects.filter(
        kind=RevocationCause.Kind.EXPIRY, reference=Cast(OuterRef("pk"), CharField())
    )
    held = Grant.objects.held().filter(pk=OuterRef("item__grant_id"))
    limits = Decision.objects.filter(
        verdict=ReviewItem.Verdict.LIMIT,
        ends_at__lte=at,
        item__verdict=ReviewItem.Verdict.LIMIT,
        ordinal=F("item__ordinal"),
        stage=F("item__stage"),
        item__assignment__signed_off_at__isnull=False,
    )
    return limits.filter(~Exists(asked), Exists(held)).select_related("item__campaign").order_by("pk")


def end_due(at: datetime) -> int:
    """Ask for the removal of each, one transaction a limit. Returns how many."""
    count = 0
    for decision in due(at):
        with transaction.atomic():
            grant = Grant.objects.get(pk=decision.item.grant_id or 0)
            label = f"{decision.item.campaign.code}/{decision.item.number}, agreed end"
            cause = revocations.Cause(RevocationCause.Kind.EXPIRY, str(decision.pk), label)
            asked = revocations.decide(grant, act=Revocation.Act.REMOVE, cause=cause, actor=PORTAL, at=at)
            revocations.request(Revocation.objects.filter(pk=asked.pk), actor=PORTAL, at=at)
        count += 1
    return count
