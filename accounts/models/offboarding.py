"""The leaver process of one identity, followed until everything is verified or excepted."""

from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Case, Count, Q, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.models.revocation import Revocation
from portal.audit.models import uuid7
from portal.audit.versions import Versioned
from portal.users.guards import VisibleQuerySet
from portal.users.models import User
from portal.users.permissions import Perm


class OffboardingCaseQuerySet(VisibleQuerySet["OffboardingCase"]):
    """Questions about cases. Before its hour a case exists for HR alone."""

    seen_with = Perm.OFFBOARDING_MANAGE

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """HR sees all but what is planned about themselves; compliance sees what has begun.

        To everybody else, and to the one who is to leave, there is no case.
        """
        if isinstance(user, User) and user.may(Perm.OFFBOARDING_VIEW) and not user.may(self.seen_with):
            return self.begun()
        shown = super().visible_to(user)
        own = user.identity_id if isinstance(user, User) else None
        return shown if own is None else shown.exclude(identity=own, begun_at=None)

    def hidden_from(self, user: User | AnonymousUser) -> Self:
        """Cases whose very existence this user may not learn, for pages that show traces of acts."""
        return self.exclude(pk__in=OffboardingCase.objects.visible_to(user).values("pk"))

    def begun(self) -> Self:
        """Its hour has come."""
        return self.filter(begun_at__isnull=False)

    def due(self, at: datetime) -> Self:
        """Planned, and the hour is here."""
        return self.filter(state=OffboardingCase.State.PLANNED, effective_at__lte=at)

    def open(self) -> Self:
        """Not ended."""
        return self.filter(state__in=[OffboardingCase.State.PLANNED, OffboardingCase.State.RUNNING])


class OffboardingCase(Versioned):
    """Confidential until its hour; closed only when every line is verified or excepted by name."""

    class State(models.TextChoices):
        """The life of a case."""

        PLANNED = "planned", _("planned")
        RUNNING = "running", _("running")
        CLOSED = "closed", _("closed")
        CANCELLED = "cancelled", _("cancelled")

    class Reason(models.TextChoices):
        """A class only; HR alone sees it."""

        RESIGNED = "resigned", _("resigned")
        DISMISSED = "dismissed", _("dismissed")
        CONTRACT_END = "contract_end", _("contract ended")
        RETIRED = "retired", _("retired")
        OTHER = "other", _("other")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=16, unique=True)  # OFF-2026-07
    identity = models.ForeignKey("Identity", models.PROTECT, related_name="offboardings")
    reason = models.CharField(_("reason"), max_length=12, choices=Reason)
    # What HR said, kept beside the instant it means: a zone's rules may change before the hour.
    local_time = models.CharField(max_length=16)  # 2026-10-06T16:00
    zone = models.CharField(_("time zone"), max_length=64)
    effective_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.PLANNED)
    started_by_id = models.UUIDField()
    created_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = OffboardingCaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity"],
                condition=Q(state__in=["planned", "running"]),
                name="offboarding_runs_once",
            ),
        ]
        indexes = [
            models.Index(fields=["effective_at"], condition=Q(state="planned"), name="offboarding_due")
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def on_the_wall(self) -> datetime:
        """The hour HR said, as a clock in the zone shows it: naive by nature."""
        return datetime.strptime(self.local_time, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - see above


class CaseLineQuerySet(models.QuerySet["CaseLine"]):
    """Questions about lines."""

    def counted(self) -> dict[tuple[UUID, str], int]:
        """How many lines of each case stand how, by (case, state) as `CaseLine.stands` says it."""
        state, of = CaseLine.State, "revocation__state"
        stands = Case(
            When(state=state.EXCEPTED, then=Value(state.EXCEPTED.value)),
            When(revocation=None, then="state"),
            *(When(**{of: code}, then=Value(shown.value)) for code, shown in CaseLine.FOLLOWS.items()),
            default=Value(state.OPEN.value),
        )
        rows = self.values_list("case", stands).annotate(count=Count("pk")).order_by()
        return {(case, str(shown)): count for case, shown, count in rows}

    def in_order(self) -> Self:
        """By kind, then by name."""
        return self.order_by("kind", "label", "pk")


class CaseLine(Versioned):
    """One thing the leaver held, what happens to it, and how it ended."""

    class Disposition(models.TextChoices):
        """What the case does with it."""

        REVOKE = "revoke", _("remove")
        ROTATE = "rotate", _("rotate the secret")
        HAND_OVER = "hand_over", _("hand over")
        PASS_ON = "pass_on", _("pass on")
        END = "end", _("end")

    class State(models.TextChoices):
        """Done means proven, not claimed."""

        OPEN = "open", _("open")
        ASKED = "asked", _("asked for")
        DONE = "done", _("done")
        EXCEPTED = "excepted", _("excepted")

    # How a line follows the revocation behind it. What is not here (it came back, it can't be done) is open.
    FOLLOWS: ClassVar[dict[Revocation.State, State]] = {
        Revocation.State.DECIDED: State.ASKED,
        Revocation.State.REQUESTED: State.ASKED,
        Revocation.State.REPORTED: State.ASKED,
        Revocation.State.VERIFIED: State.DONE,
    }

    UNFINISHED: ClassVar[tuple[State, ...]] = (State.OPEN, State.ASKED)

    case = models.ForeignKey(OffboardingCase, models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=24)  # the key of the answer to `holdings`
    subject_type = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=64)
    label = models.CharField(max_length=300)  # names; hidden from HR, who sees kinds and counts
    card = models.BinaryField(null=True)
    disposition = models.CharField(max_length=9, choices=Disposition)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    revocation = models.ForeignKey(
        "Revocation", models.PROTECT, null=True, blank=True, related_name="case_lines"
    )
    outcome = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    excepted_by_id = models.UUIDField(null=True, blank=True)
    excepted_because = models.TextField(blank=True)
    excepted_until = models.DateField(null=True, blank=True)

    objects = CaseLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind", "subject_type", "subject_id"], name="case_line_counts_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="excepted") | Q(excepted_by_id__isnull=False) & ~Q(excepted_because=""),
                name="case_line_exception_names_who_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.label}"

    @property
    def stands(self) -> "CaseLine.State":
        """The state at this moment: an exception holds, a revocation leads, else what was written."""
        if self.state == self.State.EXCEPTED or self.revocation is None:
            return self.State(self.state)
        return self.FOLLOWS.get(Revocation.State(self.revocation.state), self.State.OPEN)

    @property
    def can_be_asked(self) -> bool:
        """It is something on a system that can be removed or rotated there."""
        return self.subject_type in {
            "accounts.account", "accounts.grant", "accounts.credential", "accounts.membership"
        }  # fmt: skip

    @property
    def subject(self) -> models.Model | None:
        """The thing itself; None where it is not there any more."""
        found: models.Model | None = (
            apps.get_model(self.subject_type)._base_manager.filter(pk=self.subject_id).first()
        )
        return found
