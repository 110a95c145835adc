"""Sources and readings: where records come from, and what one reading said."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.permissions import Perm
from portal.vault.models import Blob


class SourceQuerySet(VisibleQuerySet["Source"]):
    """Questions about sources."""

    seen_with = Perm.INVENTORY_VIEW

    def with_last_came(self) -> Self:
        """Each with `last_came_at`: when its last file came that was not refused or discarded."""
        came = ImportRun.objects.filter(source=models.OuterRef("pk")).that_count().order_by("-received_at")
        return self.annotate(last_came_at=models.Subquery(came.values("received_at")[:1]))

    def expected(self) -> Self:
        """Feeds: a reading is expected every so many hours."""
        return self.exclude(every_hours=None)

    def missed(self) -> Self:
        """Feeds of which a reading is missing, as their owners were told."""
        return self.exclude(missed_at=None)

    def answered_for_by(self, identity_id: UUID | None) -> Self:
        """Of systems whose owner or deputy this is."""
        if identity_id is None:
            return self.none()
        return self.filter(Q(system__owner=identity_id) | Q(system__deputy=identity_id))


class Source(Versioned):
    """Where records come from. A new source is in quarantine: looked at, not applied, until released."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=200, unique=True)
    connector = models.CharField(_("format"), max_length=32)
    # NULL for an HR source, whose rows are engagements of people.
    system = models.ForeignKey(
        "System", models.PROTECT, null=True, blank=True, related_name="sources", verbose_name=_("system")
    )
    # An HR source tells which company's numbers it carries: the same number elsewhere is another person.
    employer = models.CharField(_("company"), max_length=200, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    fresh_days = models.PositiveSmallIntegerField(_("days a reading stays fresh"), default=35)
    # A feed: how often a reading is expected, and where it comes from without hands.
    every_hours = models.PositiveIntegerField(_("hours between readings"), null=True, blank=True)
    # Also how the names of its secrets in the environment go on: PORTAL_PULL_<NAME>_…, PORTAL_PUSH_<NAME>_…
    inbox = models.SlugField(_("folder of the inbox"), max_length=40, blank=True, db_default="")
    # {"kind": "aws" | "kubernetes" | "ldap", …}: addresses and filters; secrets stand in the environment.
    # {"apply": "auto"} lets readings that raise no question be applied without hands, however they came.
    pull = models.JSONField(default=dict, db_default={}, blank=True)
    pull_begun_at = models.DateTimeField(null=True, blank=True)  # while a worker is at it
    pull_tried_at = models.DateTimeField(null=True, blank=True)
    pull_trouble = models.TextField(blank=True, db_default="")  # why the last try brought nothing
    missed_at = models.DateTimeField(null=True, blank=True)  # when its owner was told that one is missing
    # More rows than this in one reading that would end wait for a second person.
    fuse_rows = models.PositiveIntegerField(_("rights that may end at once"), default=20, db_default=20)
    fuse_percent = models.PositiveSmallIntegerField(
        _("percent that may end at once"), default=2, db_default=2
    )
    released_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = SourceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["inbox"], condition=~Q(inbox=""), name="source_inbox_is_of_one_source"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_quarantined(self) -> bool:
        """Not released by anybody yet."""
        return self.released_at is None

    @property
    def rhythm(self) -> str:
        """How often a reading is expected, in words; empty if nobody said."""
        hours = self.every_hours
        if not hours:
            return ""
        usual = {1: _("every hour"), 24: _("daily"), 168: _("weekly")}
        if hours in usual:
            return str(usual[hours])
        if hours % 24:
            return ngettext("every %d hour", "every %d hours", hours) % hours
        return ngettext("every %d day", "every %d days", hours // 24) % (hours // 24)

    @property
    def is_pulled(self) -> bool:
        """The portal reads it itself."""
        return "kind" in self.pull

    @property
    def applies_by_itself(self) -> bool:
        """What raises no question waits for nobody."""
        return bool(self.pull.get("apply") == "auto")


class ImportRunQuerySet(VisibleQuerySet["ImportRun"]):
    """Questions about readings."""

    seen_with = Perm.INVENTORY_VIEW

    def applied(self) -> Self:
        """Those that are part of the record."""
        return self.filter(state=ImportRun.State.APPLIED)

    def that_count(self) -> Self:
        """Neither refused nor discarded: a reading came."""
        return self.exclude(state__in=[ImportRun.State.FAILED, ImportRun.State.DISCARDED])

    def open(self) -> Self:
        """Somebody has to look."""
        return self.filter(
            state__in=[ImportRun.State.RECEIVED, ImportRun.State.PREVIEWING, ImportRun.State.PREVIEWED]
        )

    def newest_first(self) -> Self:
        """By key, which is by time."""
        return self.order_by("-id")


class ImportRun(Versioned):
    """One reading of a source: previewed first, applied as a whole or not at all."""

    class State(models.TextChoices):
        """Failed and discarded readings stay, so that nothing is lost silently."""

        RECEIVED = "received", _("received")
        PREVIEWING = "previewing", _("being read")
        PREVIEWED = "previewed", _("ready to apply")
        APPLYING = "applying", _("being applied")
        APPLIED = "applied", _("applied")
        FAILED = "failed", _("refused")
        DISCARDED = "discarded", _("discarded")

    class Provenance(models.TextChoices):
        """How the file came here; shown wherever its rows are."""

        PULLED = "pulled", _("pulled by the portal")
        SIGNED = "signed", _("pushed and signed by the system")
        PUSHED = "pushed", _("pushed with a token")
        INBOX = "inbox", _("taken from the inbox")
        UPLOADED = "uploaded", _("uploaded by hand")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey(Source, models.PROTECT, related_name="runs")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="+")  # the file as admitted
    file_name = models.CharField(max_length=200, blank=True)
    original_sha256 = models.CharField(max_length=64)
    original_size = models.BigIntegerField()
    cut = models.JSONField(default=list)  # [{"name": "password", "why": "secret", "count": 12}]
    connector = models.CharField(max_length=32)
    connector_version = models.PositiveSmallIntegerField()
    mapping = models.JSONField(default=dict)
    provenance = models.CharField(max_length=8, choices=Provenance, default=Provenance.UPLOADED)
    received_by_id = models.UUIDField(null=True)  # portal user
    received_at = models.DateTimeField()
    # At the source; unknown proves nothing about what is absent.
    taken_at = models.DateTimeField(null=True, blank=True)
    is_complete = models.BooleanField(default=False)
    covers = ArrayField(models.CharField(max_length=12), default=list)
    system_reference = models.CharField(max_length=200, blank=True)
    counts = models.JSONField(default=dict)  # kind -> {"read", "matched", "new", "changed", "gone"}
    rejected = models.PositiveIntegerField(default=0)
    # How it was asked for at the source (query, filter), and how many rows the source said there were.
    filter_text = models.TextField(blank=True, db_default="")
    source_count = models.PositiveIntegerField(null=True, blank=True)
    # What the preview shows beside the counts; its samples hold names and go when the reading is settled.
    preview = models.JSONField(default=dict, db_default={})
    # The count read at the source by somebody else; a hand upload needs it before a campaign may use it.
    control_total = models.PositiveIntegerField(null=True, blank=True)
    confirmed_by_id = models.UUIDField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    state_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)
    applied_by_id = models.UUIDField(null=True, blank=True)  # portal user; set when they ask for it
    error = models.TextField(blank=True)
    error_line = models.PositiveIntegerField(null=True, blank=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(state="applying"), name="import_is_applied_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by_id=None) | ~Q(confirmed_by_id=models.F("received_by_id")),
                name="import_count_is_confirmed_by_another",
            ),
        ]
        indexes = [models.Index(fields=["source", "state", "id"], name="import_by_source")]

    def __str__(self) -> str:
        return f"{self.source.name}, {self.received_at:%Y-%m-%d %H:%M}"

    @property
    def is_by_hand(self) -> bool:
        """Anybody may have carried the file here: somebody else counts at the source before it is used."""
        return self.provenance in (self.Provenance.UPLOADED, self.Provenance.INBOX)

    def proves_absence_after(self, at: datetime, kind: str) -> str:
        """Why this reading does not prove that a `kind` asked to go at `at` is gone; empty when it does."""
        if not self.is_complete or kind not in self.covers:
            return "not_complete"
        if self.taken_at is None:
            return "time_unknown"
        if self.taken_at <= at:
            return "taken_before"
        return "has_rejects" if self.rejected else ""


class Reject(models.Model):
    """One row of a reading that could not be read, with its line and what to do."""

    run = models.ForeignKey(ImportRun, models.PROTECT, related_name="rejects")
    line = models.PositiveIntegerField()
    code = models.CharField(max_length=32)
    reason = models.TextField()
    excerpt = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("line", "id")

    def __str__(self) -> str:
        return f"{self.line}: {self.code}"
