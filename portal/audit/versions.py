"""Nobody overwrites what they have not seen: a row's version travels through the form and back."""

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F
from django.utils.translation import gettext as _

from portal.audit.models import Event

LONGEST_VERSION = 9  # digits; a column of theirs holds no more than 2^31


class Versioned(models.Model):
    """A row whose every change counts its version up."""

    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True


V = TypeVar("V", bound=Versioned)


class Conflict(Exception):
    """Somebody changed the row meanwhile; `event` is the last thing that happened to it, if any."""

    def __init__(self, row: models.Model) -> None:
        super().__init__(str(row))
        self.row = row
        self.event = Event.objects.about(row).newest_first().first()


def as_seen(text: str | None) -> int:
    """The version that a form carries back; without one nothing may be changed."""
    if not text or not text.isdecimal() or len(text) > LONGEST_VERSION:
        raise ValidationError(_("The form is incomplete. Open the page again."))
    return int(text)


def change(row: V, seen: int | None, *, when: models.Q | None = None, **values: Any) -> V:
    """Update `row` if it still has version `seen` and fulfils `when`; else raise Conflict.

    `seen=None` is for acts whose condition is `when` alone (a state that may be left only once).
    """
    rows = type(row)._base_manager.filter(pk=row.pk)
    if seen is not None:
        rows = rows.filter(version=seen)
    if when is not None:
        rows = rows.filter(when)
    if not rows.update(version=F("version") + 1, **values):
        raise Conflict(row)
    row.refresh_from_db()
    return row
