"""Decisions and what they rest on. All of it append-only: undo is a decision with the next ordinal."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from reviews.models.campaign import Assignment, Campaign, ReviewItem


class Decision(models.Model):
    """What a reviewer said about an item; numbered per item and stage, never edited."""

    class Verdict(models.TextChoices):
        """The verdicts of an item, and the one that takes the last back."""

        CERTIFY = "certify", _("Keep")
        REVOKE = "revoke", _("Remove")
        LIMIT = "limit", _("Limit")
        ROTATE = "rotate", _("Rotate")
        HAND_OVER = "hand_over", _("Hand over")
        SHUT_DOWN = "shut_down", _("Shut down")
        WITHDRAW = "withdraw", _("Undone")

    class Coverage(models.TextChoices):
        """What stood beside it, the negative fact included."""

        SESSIONS = "sessions", _("sessions seen")
        NO_SESSION = "no_session", _("no session")
        NOT_RECORDED = "not_recorded", _("not recorded")

    item = models.ForeignKey(ReviewItem, models.DO_NOTHING, related_name="decisions")
    stage = models.PositiveSmallIntegerField(default=1)
    ordinal = models.PositiveIntegerField()
    verdict = models.CharField(max_length=9, choices=Verdict)
    reason = models.TextField(blank=True)
    ends_at = models.DateTimeField(null=True)
    by_user = models.UUIDField()
    by_identity = models.UUIDField()
    by_card = models.BinaryField(null=True)
    # Copied from the item by a trigger; the CHECK below refuses a decision on one's own access.
    subject_id = models.UUIDField(null=True)
    accountable_id = models.UUIDField(null=True)
    subject_kind = models.CharField(max_length=12, blank=True)
    is_privileged = models.BooleanField(null=True)
    shown = models.BinaryField()
    batch = models.UUIDField(null=True)
    coverage = models.CharField(max_length=12, choices=Coverage)
    recorder_seen_at = models.DateTimeField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            # Also the optimistic lock: two decisions on what the same person saw can't both be the next.
            models.UniqueConstraint(fields=["item", "stage", "ordinal"], name="decision_ordinal_once"),
            models.CheckConstraint(
                condition=~Q(verdict__in=["revoke", "limit", "rotate", "hand_over", "shut_down"])
                | ~Q(reason=""),
                name="decision_change_needs_reason",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="limit") | Q(ends_at__isnull=False), name="decision_limit_has_end"
            ),
            models.CheckConstraint(
                condition=Q(subject_id=None) | ~Q(by_identity=F("subject_id")),
                name="decision_not_on_own_access",
            ),
            # The owner of a machine attests its need; a privileged right of it is decided by somebody else.
            models.CheckConstraint(
                condition=Q(accountable_id=None)
                | ~Q(by_identity=F("accountable_id"))
                | ~Q(subject_kind="human") & ~Q(is_privileged=True),
                name="decision_not_on_what_one_answers_for",
            ),
        ]
        indexes = [models.Index(fields=["item", "-ordinal"], name="decision_latest")]

    def __str__(self) -> str:
        return f"{self.item_id}#{self.ordinal} {self.verdict}"


class EvidenceLink(models.Model):
    """One session that stood beside a decision: digest, relation, and whether its facts were opened."""

    class Relation(models.TextChoices):
        """How the session belongs to the item."""

        GRANT = "grant", _("made with this grant")
        ACCOUNT = "account", _("under this account")
        OUTSIDE = "outside", _("under this account, with no grant in force")

    decision = models.ForeignKey(Decision, models.DO_NOTHING, related_name="evidence")
    session_id = models.UUIDField()
    session_code = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64, blank=True)  # of the recording; empty when it has none
    relation = models.CharField(max_length=8, choices=Relation)
    opened_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["decision", "session_id"], name="evidence_links_a_session_once")
        ]
        indexes = [
            models.Index(fields=["session_id"], name="evidence_by_session"),
            models.Index(fields=["sha256"], name="evidence_by_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.session_code} {self.relation}"


class Shown(models.Model):
    """What was on the screen when somebody decided: canonical facts made of card digests."""

    digest = models.BinaryField(primary_key=True)
    body = models.BinaryField()

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]


class SignOff(models.Model):
    """Somebody's own act over counted results: a reviewer's share, or for management the whole campaign."""

    class Kind(models.TextChoices):
        """Whose."""

        REVIEWER = "reviewer", _("reviewer")
        MANAGEMENT = "management", _("management")

    campaign = models.ForeignKey(Campaign, models.DO_NOTHING, related_name="sign_offs")
    assignment = models.ForeignKey(Assignment, models.DO_NOTHING, null=True, related_name="sign_offs")
    kind = models.CharField(max_length=10, choices=Kind)
    by_user = models.UUIDField()
    by_identity = models.UUIDField(null=True)
    by_card = models.BinaryField(null=True)
    counts = models.JSONField()
    decisions_digest = models.BinaryField()
    statement = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="reviewer", assignment__isnull=False)
                | Q(kind="management", assignment=None),
                name="sign_off_is_over_a_share_or_the_whole",
            ),
            models.UniqueConstraint(fields=["assignment"], name="sign_off_once_per_share"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"
