"""Who opened the facts of a session, and who watched it."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sessions_app.models.session import Session


class ViewingQuerySet(models.QuerySet["Viewing"]):
    """Questions about who looked."""

    def facts_opened(self, session: Session, user_id: UUID, since: datetime) -> Self:
        """This user opened the session's facts since then."""
        return self.filter(session=session, user_id=user_id, kind=Viewing.Kind.FACTS, at__gte=since)

    def watching(self, session: Session, user_id: UUID, since: datetime) -> Self:
        """This user gave a purpose for watching the session since then."""
        return self.filter(session=session, user_id=user_id, kind=Viewing.Kind.WATCHED, at__gte=since)


class Viewing(models.Model):
    """Somebody opened a session's facts, or watched its recording with a purpose. Append-only."""

    class Kind(models.TextChoices):
        """Facts count as *evidence opened*; watching is its own permission and never a quality measure."""

        FACTS = "facts", _("facts opened")
        WATCHED = "watched", _("recording watched")

    session = models.ForeignKey(Session, models.DO_NOTHING, related_name="viewings")
    kind = models.CharField(max_length=7, choices=Kind)
    user_id = models.UUIDField()
    purpose = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    objects = ViewingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["session", "user_id", "kind"], name="viewing_by_session")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="facts") | ~Q(purpose=""), name="viewing_watched_needs_purpose"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.session_id}"
