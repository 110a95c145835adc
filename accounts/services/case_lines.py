"""The lines of a case: frozen from what the leaver holds, settled, followed, excepted, handed over."""

import statistics
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import ports
from accounts.models import (
    Account,
    Application,
    CaseLine,
    Credential,
    Grant,
    Identity,
    Membership,
    OffboardingCase,
    Ownership,
    Revocation,
    RevocationCause,
    System,
)
from accounts.ports import Holding
from accounts.services import ownership, revocations
from portal import moment
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change
from portal.users.models import User

State = CaseLine.State
RUNNING = Q(case__state=OffboardingCase.State.RUNNING)
LONGEST_LABEL = 300
LONGEST_OUTCOME = 200

Key = tuple[str, str, str]


def held_by(leaver: Identity) -> dict[Key, Holding]:
    """Everything they hold now, of all kinds, by what makes a line one line."""
    found = [holding for answer in ports.holdings.ask(leaver).values() for holding in answer]
    return {
        (holding.kind, holding.subject._meta.label_lower, str(holding.subject.pk)): holding
        for holding in found
    }


def add(case: OffboardingCase, held: dict[Key, Holding]) -> list[CaseLine]:
    """Lines for what has none yet; the names are kept as they are now.

    A right that came back is another row on its system and the same thing here: its line is open again.
    """
    known = set(case.lines.values_list("kind", "subject_type", "subject_id"))
    grants = [subject_id for kind, _type, subject_id in known if kind == "grant"]
    rights = {_right(grant) for grant in Grant.objects.filter(pk__in=grants)}
    return [
        CaseLine.objects.create(
            case=case,
            kind=kind,
            subject_type=subject_type,
            subject_id=subject_id,
            label=holding.label[:LONGEST_LABEL],
            card=bytes(holding.card) if holding.card is not None else None,
            disposition=holding.disposition,
        )
        for (kind, subject_type, subject_id), holding in held.items()
        if (kind, subject_type, subject_id) not in known and _right(holding.subject) not in rights
    ]


def settle(line: CaseLine, *, at: datetime, actor: Actor) -> None:
    """Have the room it belongs to settle one line. If that is refused, it stays open; the others go on."""
    try:
        with transaction.atomic():
            answer = ports.settle.of(line, at, actor)
    except ValidationError as refusal:
        _write(line, State.OPEN, " ".join(refusal.messages))
        return
    except Conflict:
        _write(line, State.OPEN, _("Somebody changed it in that moment; ask for it again."))
        return
    if answer is None:
        _write(line, State.OPEN, _("Nobody settles this kind by itself: decide what becomes of it."))
    elif answer.revocation is not None:
        _write(line, State.ASKED, answer.outcome, revocation=answer.revocation)
    elif answer.is_done:
        _write(line, State.DONE, answer.outcome, settled_at=at)
    else:
        _write(line, State.OPEN, answer.outcome)


def catch_up(case: OffboardingCase, held: dict[Key, Holding], *, at: datetime) -> None:
    """Write down how each line stands now.

    A line with a revocation follows its proof. One without is done when they hold the thing no more, and
    open again when they hold it again. An exception ends with its day.
    """
    today = timezone.localtime(at).date()
    for line in case.lines.select_related("revocation"):
        is_held = (line.kind, line.subject_type, line.subject_id) in held
        if line.state == State.EXCEPTED:
            if line.excepted_until is not None and line.excepted_until < today:
                reopened = State.ASKED if line.revocation else State.OPEN
                _write(line, reopened, _("The exception has ended."))
        elif line.revocation is not None:
            if line.stands != line.state:
                _follow(line, line.revocation, at)
        elif line.state != State.DONE and not is_held:
            _write(line, State.DONE, _what_became_of(line), settled_at=at)
        elif line.state == State.DONE and is_held:
            _write(line, State.OPEN, _("It is theirs again."), settled_at=None)


@transaction.atomic
def except_line(
    line: CaseLine, *, because: str, until: date | None, version: int | None, by: User
) -> CaseLine:
    """Somebody answers by name for leaving this open until a day, and says why."""
    at = moment.now()
    _not_about_themselves(line, by)
    if not because.strip():
        raise ValidationError(_("Say why this stays; your name stands beside it."))
    if until is None or until <= timezone.localtime(at).date():
        raise ValidationError(_("Say until when, a day after today: an exception without an end is a right."))
    if line.stands == State.DONE:
        raise ValidationError(_("This is done; there is nothing to except."))
    change(
        line,
        version,
        when=RUNNING & ~Q(state=State.EXCEPTED),
        state=State.EXCEPTED,
        excepted_by_id=by.pk,
        excepted_because=because.strip(),
        excepted_until=until,
        settled_at=at,
    )
    facts = {**_about(line), "because": line.excepted_because, "until": until}
    record(Verb.OFFBOARDING_LINE_EXCEPTED, line, actor=by.actor, at=at, stream=line.case_id, facts=facts)
    return line


@transaction.atomic
def insist(line: CaseLine, *, version: int | None, by: User) -> CaseLine:
    """Ask for what waits for a decision: an emergency account, what came back, what was called impossible."""
    at = moment.now()
    _not_about_themselves(line, by)
    change(line, version, when=RUNNING)
    cause = cause_of(line)
    if line.revocation is not None and line.revocation.state in (
        Revocation.State.IMPOSSIBLE,
        Revocation.State.REAPPEARED,
    ):
        asked = revocations.ask_again(line.revocation, version=None, actor=by.actor, at=at)
    else:
        target, act = _target(line)
        asked = revocations.decide_and_request(target, act=act, cause=cause, actor=by.actor, at=at)
    _write(line, State.ASKED, _("Asked for by %(name)s.") % {"name": by}, revocation=asked, settled_at=None)
    return line


@transaction.atomic
def hand_over(line: CaseLine, *, to: Identity, version: int | None, by: User) -> CaseLine:
    """Name who answers for a machine, a system or an application from now on."""
    at = moment.now()
    _not_about_themselves(line, by)
    subject = line.subject
    is_handed_over = line.disposition == CaseLine.Disposition.HAND_OVER
    if not is_handed_over or not isinstance(subject, Identity | System | Application):
        raise ValidationError(_("This can't be handed over."))
    change(line, version, when=RUNNING)
    if subject.deputy_id == to.pk:
        ownership.end(subject, role=Ownership.Role.DEPUTY, actor=by.actor, at=at)
    ownership.name_owner(subject, to, role=Ownership.Role.OWNER, version=None, actor=by.actor, at=at)
    _write(line, State.DONE, _("Handed over to %(name)s.") % {"name": to}, settled_at=at)
    return line


def cause_of(line: CaseLine) -> revocations.Cause:
    """What the revocations of a case are asked for by."""
    return revocations.Cause(RevocationCause.Kind.CASE, str(line.case_id), line.case.code)


def time_to_gone(case: OffboardingCase, lines: Iterable[CaseLine]) -> dict[str, object]:
    """From the hour to proven gone, in seconds: an interval from last seen to first proven absent."""
    earliest, latest = [], []
    for line in lines:
        proven = line.revocation
        if proven is None or proven.state != Revocation.State.VERIFIED or proven.verified_at is None:
            continue
        latest.append(_seconds(proven.verified_at - case.effective_at))
        if proven.last_seen_at is not None:
            earliest.append(_seconds(proven.last_seen_at - case.effective_at))
    return {"proven": len(latest), "earliest": _spread(earliest), "latest": _spread(latest)}


def _right(subject: models.Model) -> tuple[int, int, int | None] | None:
    """What makes two grants the same right."""
    return (
        (subject.account_id, subject.entitlement_id, subject.via_id) if isinstance(subject, Grant) else None
    )


def _follow(line: CaseLine, revocation: Revocation, at: datetime) -> None:
    words = {
        Revocation.State.VERIFIED: revocation.proven_words,
        Revocation.State.REAPPEARED: _("It came back. Ask for it again, or except it."),
        Revocation.State.IMPOSSIBLE: _("It was said to be impossible. Ask again, or except it."),
        Revocation.State.WITHDRAWN: _("The removal was withdrawn. Ask for it again, or except it."),
    }
    outcome = words.get(Revocation.State(revocation.state), line.outcome)
    _write(line, line.stands, outcome, settled_at=at if line.stands == State.DONE else None)
    if line.stands == State.DONE and line.kind == "membership":
        _end_membership(line, revocation)


def _end_membership(line: CaseLine, revocation: Revocation) -> None:
    """Who knew the secret knows it no more once it was rotated."""
    member = Membership.objects.filter(pk=line.subject_id, during__upper_inf=True).first()
    if member is not None:
        ended_at = revocation.verified_at
        during = member.during
        Membership.objects.filter(pk=member.pk).update(
            during=(during.lower, max(filter(None, [during.lower, ended_at])))
        )


def _what_became_of(line: CaseLine) -> str:
    subject = line.subject
    if isinstance(subject, Identity | System | Application) and subject.owner is not None:
        return ownership.taken_words(subject.owner)
    return _("They hold it no more.")


def _target(line: CaseLine) -> tuple[revocations.Target, Revocation.Act]:
    """What is to go, and how."""
    subject = line.subject
    if isinstance(subject, Membership):
        return subject.account, Revocation.Act.ROTATE
    if not isinstance(subject, Account | Grant | Credential):
        raise ValidationError(_("This can't be removed on a system. Hand it over, or except it."))
    if line.disposition == CaseLine.Disposition.ROTATE:
        return subject, Revocation.Act.ROTATE
    return subject, Revocation.Act.DISABLE if isinstance(subject, Account) else Revocation.Act.REMOVE


def _write(line: CaseLine, state: CaseLine.State, outcome: str, **values: Any) -> None:
    change(line, None, state=state, outcome=outcome[:LONGEST_OUTCOME], **values)


def _not_about_themselves(line: CaseLine, by: User) -> None:
    if by.identity_id is not None and by.identity_id == line.case.identity_id:
        raise ValidationError(_("Nobody decides on their own access."))


def _about(line: CaseLine) -> dict[str, object]:
    subject = {"type": line.subject_type, "id": line.subject_id}
    return {"case": line.case.code, "kind": line.kind, "subject": subject, "card": line.card}


def _seconds(span: timedelta) -> int:
    return max(0, int(span.total_seconds()))


def _spread(seconds: list[int]) -> dict[str, int] | None:
    if not seconds:
        return None
    return {"median": statistics.median_low(seconds), "longest": max(seconds)}
