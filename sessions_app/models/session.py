"""Sessions: privileged uses of accounts, tied to the record as far as it goes; and their recordings."""

from datetime import datetime, timedelta
from typing import Self

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Entitlement, Grant, Identity, System
from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.permissions import Perm
from portal.vault.models import Blob
from sessions_app.models.recorder import Recorder


class SessionQuerySet(VisibleQuerySet["Session"]):
    """Questions about sessions."""

    seen_with = Perm.SESSION_VIEW

    def on_account(self, account: Account) -> Self:
        """Opened under this account."""
        return self.filter(account=account)

    def began_between(self, since: datetime, until: datetime) -> Self:
        """Half-open interval on the start."""
        return self.filter(started_at__gte=since, started_at__lt=until)

    def without_grant(self) -> Self:
        """No grant was in force, as far as known."""
        return self.filter(match__in=[Session.Match.NO_GRANT, Session.Match.GRANT_ENDED])

    def newest_first(self) -> Self:
        """By start."""
        return self.order_by("-started_at", "-id")

    def under_name(self, words: str) -> Self:
        """Of people, machines or accounts whose name holds these words; the filed name counts as well."""
        return self.filter(
            Q(identity__name__icontains=words)
            | Q(account__name__icontains=words)
            | Q(as_filed__account__icontains=words)
        )

    def saying(self, words: str) -> Self:
        """With these words in a transcript, as web searches are written: "two words", or, -not."""
        query = SearchQuery(words, config="simple", search_type="websearch")
        return self.filter(pk__in=TranscriptChunk.objects.filter(words=query).values("recording__session"))

    def running(self, words: str) -> Self:
        """With a command that holds these words as they are written."""
        found = self.filter(recordings__commands__text__icontains=words).values("pk")
        return self.filter(pk__in=found)

    def with_recording(self, state: str) -> Self:
        """At least one of its recordings is in this state; `held`: received and held unprocessed."""
        found = Recording.objects.filter(session=models.OuterRef("pk"))
        found = found.held() if state == "held" else found.filter(state=state)
        return self.filter(models.Exists(found))

    def to_match_again(self, since: datetime, rule: int) -> Self:
        """Read, but not tied to the record as far as a later reading may allow; or by an older rule."""
        open_ends = Q(
            match__in=[Session.Match.UNMATCHED, Session.Match.NO_ACCOUNT, Session.Match.NO_GRANT]
        ) | Q(account__identity__isnull=False, identity=None)
        return self.filter(
            open_ends | Q(match_rule__lt=rule), started_at__gte=since, recordings__state="sealed"
        ).distinct()


class Session(Versioned):
    """One privileged use of an account. Who acted is not established: a session is under an account."""

    class Match(models.TextChoices):
        """How far the session could be tied to the record."""

        GRANT = "grant", _("grant in force")
        GRANT_ENDED = "grant_ended", _("grant had ended")
        NO_GRANT = "no_grant", _("no grant in force")
        NO_ACCOUNT = "no_account", _("account unknown")
        UNMATCHED = "unmatched", _("not matched yet")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=20, unique=True)  # SES-4471
    # Digest of what makes two deliveries the same session; NULL where nobody delivered it by the front door.
    filing = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001 - unique
    system = models.ForeignKey(System, models.PROTECT, related_name="sessions")
    recorder = models.ForeignKey(Recorder, models.PROTECT, null=True, blank=True, related_name="sessions")
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="sessions")
    identity = models.ForeignKey(Identity, models.PROTECT, null=True, blank=True, related_name="sessions")
    # The human who answered for it then: the identity itself, or a machine's owner.
    accountable = models.ForeignKey(
        Identity, models.PROTECT, null=True, blank=True, related_name="accountable_sessions"
    )
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, blank=True, related_name="sessions")
    acted_as = models.ForeignKey(Entitlement, models.PROTECT, null=True, blank=True, related_name="+")
    # What whoever filed it said, untouched: system, account, acted as, start.
    as_filed = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # None: unknown
    match = models.CharField(max_length=11, choices=Match, default=Match.UNMATCHED)
    match_rule = models.PositiveSmallIntegerField(default=1)
    match_note = models.CharField(max_length=300, blank=True)
    identity_card = models.BinaryField(null=True, editable=False)
    account_card = models.BinaryField(null=True, editable=False)

    objects = SessionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["account", "started_at"], name="session_by_account"),
            models.Index(fields=["identity", "started_at"], name="session_by_identity"),
            models.Index(fields=["grant", "started_at"], name="session_by_grant"),
            models.Index(fields=["system", "started_at"], name="session_by_system"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def lasted(self) -> timedelta | None:
        """How long, as far as the recordings show; None is unknown."""
        return self.ended_at - self.started_at if self.ended_at else None

    @property
    def account_called(self) -> str:
        """The account's name; where it is unknown, as it was filed."""
        return self.account.name if self.account else str(self.as_filed.get("account") or "")

    @property
    def acted_as_called(self) -> str:
        """The right that was used at a gateway, as the record or else the filing calls it; may be empty."""
        return self.acted_as.name if self.acted_as else str(self.as_filed.get("acted_as") or "")


class RecordingQuerySet(VisibleQuerySet["Recording"]):
    """Questions about recordings."""

    seen_with = Perm.SESSION_VIEW

    def sealed(self) -> Self:
        """Read, matched and kept."""
        return self.filter(state=Recording.State.SEALED)

    def held(self) -> Self:
        """Received, but outside of what its recorder may deliver: nobody has looked into it."""
        return self.filter(state=Recording.State.RECEIVED).exclude(reason="")

    def overdue(self, before: datetime) -> Self:
        """Received before that moment and, as nothing holds them, long due to be read."""
        waiting = Q(state=Recording.State.RECEIVED, reason="") | Q(state=Recording.State.PROCESSING)
        return self.filter(waiting, received_at__lt=before)


class Recording(Versioned):
    """The file of a session, kept byte for byte; what is derived from it can be derived again."""

    class State(models.TextChoices):
        """Rejected recordings are kept too: they are evidence of something."""

        RECEIVED = "received", _("received")
        PROCESSING = "processing", _("being read")
        SEALED = "sealed", _("sealed")
        REJECTED = "rejected", _("rejected")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(Session, models.PROTECT, related_name="recordings")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    file_name = models.CharField(max_length=200, blank=True)
    format = models.CharField(max_length=24, blank=True)
    format_version = models.PositiveSmallIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    reason = models.TextField(blank=True)
    warnings = models.JSONField(default=list)
    cols = models.PositiveIntegerField(null=True, blank=True)
    rows = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    has_input = models.BooleanField(null=True)
    title = models.CharField(max_length=300, blank=True)
    # What it says of itself, as far as it does: user, run_as, host, command, exit_status, and other facts.
    told = models.JSONField(default=dict, db_default={})
    gaps = models.JSONField(default=list, db_default=[])  # [seconds, why]: evidence that is missing
    delivered_by_id = models.UUIDField()  # portal user, a person or the recorder
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    # Set by the intake on the row it returns: these bytes were here before, so nothing was added.
    is_repeat: bool = False

    objects = RecordingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "blob"], name="recording_is_one_per_session"),
            models.CheckConstraint(
                condition=~Q(state="rejected") | ~Q(reason=""), name="recording_rejected_says_why"
            ),
        ]
        indexes = [models.Index(fields=["sha256"], name="recording_by_digest")]

    def __str__(self) -> str:
        return self.sha256[:12]

    @property
    def is_held(self) -> bool:
        """Received, and unprocessed until its recorder's notice or coverage allows it."""
        return self.state == self.State.RECEIVED and bool(self.reason)

    @property
    def is_waiting(self) -> bool:
        """Somebody may wait for it to be read."""
        return self.state == self.State.PROCESSING or (self.state == self.State.RECEIVED and not self.reason)


class TranscriptChunk(models.Model):
    """A piece of at most 64 KiB of a recording's text, with the time of its first character."""

    recording = models.ForeignKey(Recording, models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    at_seconds = models.FloatField()
    text = models.TextField()
    words = models.GeneratedField(
        expression=models.Func(
            "text", function="to_tsvector", template="to_tsvector('simple', %(expressions)s)"
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=["recording", "number"], name="transcript_chunk_once")]
        indexes = [GinIndex(fields=["words"], name="transcript_words")]

    def __str__(self) -> str:
        return f"{self.recording_id}/{self.number}"
