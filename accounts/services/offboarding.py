"""The leaver process: confidential until its hour, then followed until everything is proven or excepted."""

import secrets
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import CaseLine, Identity, OffboardingCase
from accounts.ports import holdings, words_for
from accounts.services import case_lines, wall_clock
from accounts.services.case_lines import except_line, hand_over, insist
from portal import moment
from portal.audit.services import PORTAL, Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.tasks.telling import tell
from portal.users.models import User
from portal.users.permissions import Perm
from portal.users.roles import HOLDS

__all__ = [
    "begin",
    "cancel",
    "close",
    "except_line",
    "follow",
    "hand_over",
    "insist",
    "preview",
    "reschedule",
    "schedule",
]

State = OffboardingCase.State
PLANNING = 7_215_307_021  # advisory lock: who plans a case looks first, and nobody plans between
LONGEST_AHEAD = timedelta(days=366)
LONGEST_PAST = timedelta(days=31)


@transaction.atomic
def schedule(
    identity: Identity,
    *,
    reason: OffboardingCase.Reason,
    local_time: datetime,
    zone: str,
    actor: Actor,
    which: str = "",
) -> OffboardingCase:
    """Plan that the access of `identity` ends at `local_time` in `zone`; a past hour means at once.

    Until then nothing outside the case may show it: the event names neither the person, nor the hour, nor
    the reason, and no other row is touched. `which` says `first` or `second` of an hour that comes twice.
    """
    at = moment.now()
    effective_at = _hour(local_time, zone, which, at)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLANNING])
    _check_person(identity, actor)
    case = OffboardingCase.objects.create(
        code=_code(at),
        identity=identity,
        reason=reason,
        local_time=f"{local_time:{wall_clock.WRITTEN}}",
        zone=zone,
        effective_at=effective_at,
        started_by_id=UUID(actor.id),
        created_at=at,
    )
    _say(Verb.OFFBOARDING_SCHEDULED, case, actor, at)
    return case


@transaction.atomic
def reschedule(
    case: OffboardingCase,
    *,
    local_time: datetime,
    zone: str,
    version: int | None,
    actor: Actor,
    which: str = "",
) -> OffboardingCase:
    """Choose another hour; only while it is planned."""
    at = moment.now()
    values = {
        "effective_at": _hour(local_time, zone, which, at),
        "local_time": f"{local_time:{wall_clock.WRITTEN}}",
        "zone": zone,
    }
    change(case, version, when=Q(state=State.PLANNED), **values)
    _say(Verb.OFFBOARDING_RESCHEDULED, case, actor, at)
    return case


@transaction.atomic
def keep_to_the_wall(case: OffboardingCase, *, at: datetime) -> bool:
    """HR said an hour on the wall: when the zone's rules change before it, the instant moves with them."""
    meant = wall_clock.instants(case.on_the_wall, case.zone)
    if not meant or case.effective_at in meant:
        return False
    change(case, case.version, when=Q(state=State.PLANNED), effective_at=meant[0])
    _say(Verb.OFFBOARDING_RESCHEDULED, case, PORTAL, at)
    return True


@transaction.atomic
def cancel(case: OffboardingCase, *, version: int | None, actor: Actor) -> OffboardingCase:
    """Nothing happens at the hour. After it, single lines are excepted instead."""
    at = moment.now()
    if case.begun_at is not None:
        raise ValidationError(_("It has begun. Except single lines instead, with a name and a reason."))
    change(case, version, when=Q(state=State.PLANNED), state=State.CANCELLED, ended_at=at)
    _say(Verb.OFFBOARDING_CANCELLED, case, actor, at)
    return case


@transaction.atomic
def begin(case: OffboardingCase, *, at: datetime, actor: Actor = PORTAL) -> OffboardingCase:
    """The hour has come: freeze what they hold, settle each line, end their sign-in; all of it, or nothing.

    A case begins once: a second call, or one before the hour, finds nothing to change and raises Conflict.
    """
    change(
        case,
        None,
        when=Q(state=State.PLANNED, effective_at__lte=at),
        state=State.RUNNING,
        begun_at=at,
    )
    leaver = Identity.objects.get(pk=case.identity_id)
    lines = case_lines.add(case, case_lines.held_by(leaver))
    change(leaver, None, status=Identity.Status.LEFT)
    facts = {"fields": ["status"], "status": leaver.status, "case": case.code, "card": leaver.card}
    record(Verb.IDENTITY_EDITED, leaver, actor=actor, at=at, facts=facts)
    for line in lines:
        case_lines.settle(line, at=at, actor=actor)
    event = record(
        Verb.OFFBOARDING_BEGUN,
        case,
        actor=actor,
        at=at,
        stream=case.pk,
        facts={
            "code": case.code,
            "identity": leaver.pk,
            "identity_card": leaver.card,
            "effective_at": case.effective_at,
            "local_time": case.local_time,
            "zone": case.zone,
            "started_by": case.started_by_id,
            "counts": Counter(line.kind for line in lines),
            "administrators_left": _administrators(),
        },
    )
    tell(event)
    return case


@transaction.atomic
def follow(case: OffboardingCase, *, at: datetime, actor: Actor = PORTAL) -> OffboardingCase:
    """See where a running case stands: what appeared since, what was proven, what came back, what lapsed."""
    locked = OffboardingCase.objects.select_for_update().get(pk=case.pk)
    if locked.state != State.RUNNING:
        return locked
    found = case_lines.held_by(Identity.objects.get(pk=case.identity_id))
    case_lines.catch_up(locked, found, at=at)
    added = case_lines.add(locked, found)
    for line in added:
        case_lines.settle(line, at=at, actor=actor)
    if added:
        facts = {"code": case.code, "counts": Counter(line.kind for line in added)}
        record(Verb.OFFBOARDING_LINES_ADDED, locked, actor=actor, at=at, stream=case.pk, facts=facts)
    return locked


@transaction.atomic
def close(case: OffboardingCase, *, version: int | None, actor: Actor) -> OffboardingCase:
    """End a case in which every line is proven done or excepted; else say what is open, by kind and count."""
    at = moment.now()
    follow(case, at=at)
    lines = list(case.lines.select_related("revocation"))
    left = Counter(line.kind for line in lines if line.stands in CaseLine.UNFINISHED)
    if left:
        open_lines = ", ".join(f"{words_for(kind)}: {count}" for kind, count in sorted(left.items()))
        raise ValidationError(
            _("Not everything is proven or excepted yet. Still open – %(lines)s.") % {"lines": open_lines},
            code="open",
        )
    change(case, version, when=Q(state=State.RUNNING), state=State.CLOSED, ended_at=at)
    facts = {
        "code": case.code,
        "identity": case.identity_id,
        "counts": Counter(line.kind for line in lines),
        "states": Counter(line.stands.value for line in lines),
        "time_to_gone": case_lines.time_to_gone(case, lines),
    }
    record(Verb.OFFBOARDING_CLOSED, case, actor=actor, at=at, stream=case.pk, facts=facts)
    return case


def preview(identity: Identity) -> dict[str, int]:
    """How many of each kind they hold now. Looks only; names stay where they are."""
    return {kind: len(found) for kind, found in holdings.ask(identity).items() if found}


def _hour(local_time: datetime, zone: str, which: str, at: datetime) -> datetime:
    """The instant meant; far away ones are taken for a slip of the pen."""
    effective_at = wall_clock.instant(local_time, zone, which=which)
    if effective_at > at + LONGEST_AHEAD:
        raise ValidationError(_("That is more than a year away; plan it nearer to the day."), code="far")
    if effective_at < at - LONGEST_PAST:
        raise ValidationError(
            _("That is more than a month ago. Say when access should end from now on."), code="past"
        )
    return effective_at


def _check_person(identity: Identity, actor: Actor) -> None:
    if not identity.is_human:
        raise ValidationError(_("Only people are offboarded; machine identities are shut down."))
    # Said before anything else is looked up: the answer must not depend on whether there is a case.
    if User.objects.filter(pk=actor.id, identity_id=identity.pk).exists():
        raise ValidationError(_("Nobody offboards themselves; somebody else of your team has to."))
    if identity.status == Identity.Status.LEFT:
        raise ValidationError(_("%(name)s has left already.") % {"name": identity.name})
    running = OffboardingCase.objects.open().filter(identity=identity).first()
    if running is not None:
        raise ValidationError(
            _("There is a case for %(name)s already: %(code)s.")
            % {"name": identity.name, "code": running.code}
        )


def _code(at: datetime) -> str:
    """A free number of the year, drawn at random: a gap in a row would tell of a confidential case."""
    year = timezone.localtime(at).year
    taken = set(
        OffboardingCase.objects.filter(code__startswith=f"OFF-{year}-").values_list("code", flat=True)
    )
    digits = 2
    while len(taken) * 2 >= 10**digits:
        digits += 1
    while (code := f"OFF-{year}-{secrets.randbelow(10**digits):0{digits}}") in taken:
        pass
    return code


def _say(verb: Verb, case: OffboardingCase, actor: Actor, at: datetime) -> None:
    """The event of something confidential: that it happened to this case, and nothing about whom or when."""
    record(verb, case, actor=actor, at=at, stream=case.pk, facts={"code": case.code})


def _administrators() -> int:
    """How many people can still make portal users; none is an alarm, and no reason to let the leaver stay."""
    roles = [role.value for role, held in HOLDS.items() if Perm.USER_MANAGE in held]
    return User.objects.filter(is_active=True, kind=User.Kind.PERSON, roles__overlap=roles).count()
