"""Answers of this app to the ports of lower rooms: sight, leavers, what is recorded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Max, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Concat
from django.utils.translation import gettext as _

from accounts.models import Application, CaseLine, Identity
from accounts.models.timeline import Told, told
from accounts.ports import (
    Holding,
    RecordedFact,
    Settled,
    holdings,
    last_sessions,
    recorded,
    settle,
    timeline,
    worked_as,
)
from portal import moment
from portal.audit.services import Actor
from portal.users import services as users
from portal.users.models import User
from portal.users.permissions import Perm
from portal.users.ports import reasons_to_see
from portal.users.roles import HOLDS, Role
from sessions_app.models import Coverage, Recorder, Recording, Session

OWN = "under their own accounts, or those of machines they answer for"
WATCHING = "right to watch"
RECORDERS = "recorder"


# Who may see what


def _answers_for(user: User, to: str) -> Q:
    """Owner, deputy, or standing in for a leaver; of the machine itself or of its application."""
    roles = ("owner", "deputy", "stand_in")
    own = Q(*((f"{to}__{role}", user.identity_id) for role in roles), _connector=Q.OR)
    through = Application.objects.answered_for_by(user.identity_id).values("pk")
    return own | Q(**{f"{to}__application__in": through})


@reasons_to_see[Session].answered_by(OWN)
def own_sessions(user: User) -> QuerySet[Any, Any]:
    """Facts only: whoever was recorded, and whoever answers for the machine that was, may know of it."""
    if user.identity_id is None:
        return Session.objects.none().values("pk")
    return Session.objects.filter(Q(identity=user.identity_id) | _answers_for(user, "identity")).values("pk")


@reasons_to_see[Recording].answered_by(OWN)
def own_recordings(user: User) -> QuerySet[Any, Any]:
    """As of their sessions; watching is its own permission."""
    return Recording.objects.filter(session__in=own_sessions(user)).values("pk")


@reasons_to_see[Recorder].answered_by("they answer for")
def own_recorders(user: User) -> QuerySet[Any, Any]:
    """A recorder is a machine identity."""
    if user.identity_id is None:
        return Recorder.objects.none().values("pk")
    return Recorder.objects.filter(_answers_for(user, "identity")).values("pk")


# What a leaver holds


@holdings.answered_by(WATCHING)
def rights_to_watch(leaver: Identity) -> list[Holding]:
    """A portal user of theirs may watch recordings."""
    return [
        Holding(WATCHING, user, _("may watch recordings of sessions"), CaseLine.Disposition.END)
        for user in User.objects.filter(identity_id=leaver.pk, is_active=True)
        if user.may(Perm.RECORDING_WATCH)
    ]


@holdings.answered_by(RECORDERS)
def recorders(leaver: Identity) -> list[Holding]:
    """Recorders whose machine identity they own."""
    owned = Recorder.objects.filter(identity__owner=leaver).select_related("identity").order_by("code")
    return [
        Holding(
            RECORDERS,
            recorder,
            _("answers for the recorder %(recorder)s") % {"recorder": recorder},
            CaseLine.Disposition.HAND_OVER,
            bytes(recorder.identity.card) if recorder.identity and recorder.identity.card else None,
        )
        for recorder in owned
    ]


@settle.answered_by(WATCHING)
def end_watching(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:  # noqa: ARG001 - the port's form
    """Take the roles away that let them watch; where their sign-in has ended, nothing is left to take."""
    if line.kind != WATCHING:
        return None
    user = User.objects.filter(pk=line.subject_id).first()
    if user is None or not user.is_active:
        return Settled(is_done=True, outcome=_("ended with their sign-in"))
    if user.may(Perm.RECORDING_WATCH):
        kept = [role for role in map(Role, user.roles) if Perm.RECORDING_WATCH not in HOLDS[role]]
        users.set_roles(user, kept, actor=actor)
    return Settled(is_done=True, outcome=_("may no longer watch"))


@settle.answered_by(RECORDERS)
def hand_over_recorder(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:  # noqa: ARG001 - as above
    """Done when the recorder's identity has another owner; handing that over is its own line."""
    if line.kind != RECORDERS:
        return None
    recorder = Recorder.objects.filter(pk=line.subject_id).select_related("identity__owner").first()
    owner = recorder.identity.owner if recorder and recorder.identity else None
    if owner is not None and owner.pk == line.case.identity_id:
        return Settled(is_done=False, outcome=_("waits for a new owner of its machine identity"))
    outcome = _("somebody else answers for it") if owner else _("has no owner now")
    return Settled(is_done=True, outcome=outcome)


# Who may enter, and whether it is recorded


@recorded.answered_by("recorders")
def recorded_now(systems: Sequence[UUID]) -> dict[UUID, RecordedFact]:
    """By the coverage that runs now. A recorder that was never heard of proves nothing: unknown."""
    running = Coverage.objects.filter(system__in=systems, during__contains=moment.now())
    heard = running.values_list("system_id").annotate(seen_at=Max("recorder__last_seen_at"))
    return {key: RecordedFact(True if seen_at else None, seen_at) for key, seen_at in heard}


@last_sessions.answered_by("sessions")
def sessions_seen(grants: Sequence[int]) -> dict[int, datetime]:
    """When the last session that was matched to each of them began."""
    found = Session.objects.filter(grant__in=grants).values_list("grant_id")
    return {key: at for key, at in found.annotate(at=Max("started_at")) if key is not None}


@worked_as.answered_by("sessions")
def people_at_work() -> list[tuple[UUID, UUID, datetime]]:
    """Whoever was last recorded acting as an account of the machine."""
    machine = "acted_as__acts_as__identity"
    seen = Session.objects.filter(
        identity__kind=Identity.Kind.HUMAN, **{f"{machine}__isnull": False}
    ).exclude(**{f"{machine}__kind": Identity.Kind.HUMAN})
    last = seen.order_by(machine, "-started_at").distinct(machine)
    return list(last.values_list(machine, "identity", "started_at"))


# What happened to an identity


@timeline.answered_by("sessions")
def sessions_of(identity: Identity, user: User) -> list[Told]:
    """Sessions under its accounts; who acted in them is not established."""
    rows = Session.objects.visible_to(user).filter(identity=identity)
    name = Concat("code", Value(", "), Coalesce("account__name", Value("")), Value("@"), "system__code")
    return [
        told(
            rows,
            at=F("started_at"),
            code="session",
            name=name,
            detail=F("match"),
            page="session",
            key=F("code"),
        )
    ]
