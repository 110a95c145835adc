"""Filters that somebody wants to come back to: the state of a list lies in its address, so that is kept."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.audit.models import uuid7
from portal.users.models import User


class SavedView(models.Model):
    """One list with its filter, by a name of one's own."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=40)  # name of the list's URL
    name = models.CharField(_("name"), max_length=80)
    query = models.CharField(max_length=1000, blank=True)  # as in the address, without the page
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_is_named_once"),
        ]

    def __str__(self) -> str:
        return self.name
