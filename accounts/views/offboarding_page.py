"""What the page of one case shows, and to whom: names of rights are for those who may see the inventory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms.revocations import VersionForm
from accounts.models import CaseLine, Identity, OffboardingCase, Revocation
from accounts.ports import words_for
from accounts.services import case_lines, offboarding
from portal import moment
from portal.audit.models import Event
from portal.users.guards import allowed
from portal.users.models import User
from portal.users.permissions import Perm

LineState = CaseLine.State
WHAT_HAPPENED: Mapping[str, str | Promise] = {
    "offboarding.scheduled": gettext_lazy("Planned"),
    "offboarding.rescheduled": gettext_lazy("Another hour"),
    "offboarding.cancelled": gettext_lazy("Cancelled"),
    "offboarding.begun": gettext_lazy("Begun: access ended in the portal, removals asked for"),
    "offboarding.lines_added": gettext_lazy("More was found"),
    "offboarding.line_excepted": gettext_lazy("A line was excepted"),
    "offboarding.closed": gettext_lazy("Closed"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How the lines of one kind stand."""

    words: str | Promise
    total: int
    open: int
    asked: int
    done: int
    excepted: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line by name."""

    line: CaseLine
    state: CaseLine.State
    outcome: str
    excepted_by: str
    may_except: bool
    may_insist: bool
    may_hand_over: bool


def totals(case: OffboardingCase, counted: Mapping[tuple[UUID, str], int]) -> dict[str, int]:
    """How many lines of a case there are, and how many are finished."""
    of_case = {state: counted.get((case.pk, state.value), 0) for state in LineState}
    finished = of_case[LineState.DONE] + of_case[LineState.EXCEPTED]
    return {"total": sum(of_case.values()), "finished": finished, "open": of_case[LineState.OPEN]}


def preview(person: Identity) -> dict[str, Any]:
    """What HR sees before the hour: how much of each kind, and what speaks against ending all of it."""
    held = offboarding.preview(person)
    today = moment.now().date()
    running = [
        engagement
        for engagement in person.engagements.exclude(status=Identity.Status.LEFT)
        if engagement.gone_run_id is None and (engagement.ends_on is None or engagement.ends_on >= today)
    ]
    return {
        "kinds": [(words_for(kind), count) for kind, count in sorted(held.items())],
        "count": sum(held.values()),
        "engagements": running,
    }


def context(user: User, case: OffboardingCase) -> dict[str, Any]:
    """Everything for the template, as far as this person may see it."""
    lines = list(case.lines.select_related("revocation").in_order())
    is_running = case.state == OffboardingCase.State.RUNNING
    sees_names = allowed(user, Perm.INVENTORY_VIEW) and case.begun_at is not None
    manages, decides = (allowed(user, perm) for perm in (Perm.OFFBOARDING_MANAGE, Perm.OFFBOARDING_EXCEPT))
    left = sum(1 for line in lines if line.stands in CaseLine.UNFINISHED)
    return {
        "case": case,
        "kinds": kinds(lines),
        "lines": named(lines, may_decide=decides and is_running) if sees_names else None,
        "left": left,
        "total": len(lines),
        "finished": len(lines) - left,
        "spans": spans(case, lines),
        "events": history(case),
        "sees_reason": manages,
        "may_plan": manages and case.state == OffboardingCase.State.PLANNED,
        "close_form": VersionForm(initial={"version": case.version})
        if is_running and (manages or decides)
        else None,
        **(preview(case.identity) if case.state == OffboardingCase.State.PLANNED else {}),
    }


def kinds(lines: list[CaseLine]) -> list[Kind]:
    """Kinds and counts, which everybody of the case may see."""
    found = []
    for kind in sorted({line.kind for line in lines}):
        states = [line.stands for line in lines if line.kind == kind]
        counts = [states.count(state) for state in LineState]
        found.append(Kind(words_for(kind), len(states), *counts))
    return found


def named(lines: list[CaseLine], *, may_decide: bool) -> list[tuple[str | Promise, list[Line]]]:
    """The lines by kind, each with what may be done about it."""
    excepted = User.objects.filter(pk__in={line.excepted_by_id for line in lines if line.excepted_by_id})
    names = {user.pk: user.name for user in excepted}
    found: dict[str, list[Line]] = {}
    for line in lines:
        state = line.stands
        is_open = may_decide and state in CaseLine.UNFINISHED
        hands_over = line.disposition == CaseLine.Disposition.HAND_OVER
        found.setdefault(line.kind, []).append(
            Line(
                line=line,
                state=state,
                outcome=_outcome(line),
                excepted_by=names.get(line.excepted_by_id, "") if line.excepted_by_id else "",
                may_except=is_open,
                may_insist=is_open and state == LineState.OPEN and line.can_be_asked,
                may_hand_over=is_open and hands_over and line.kind in ("machine", "system"),
            )
        )
    return [(words_for(kind), rows) for kind, rows in found.items()]


def spans(case: OffboardingCase, lines: list[CaseLine]) -> dict[str, Any] | None:
    """From the hour to proven gone; both ends of the interval. Nothing before something is proven."""
    measured = case_lines.time_to_gone(case, lines)
    return measured if measured["proven"] else None


def history(case: OffboardingCase) -> list[tuple[Event, str | Promise, str]]:
    """What was done in the case, newest first, and by whom."""
    events = list(Event.objects.in_stream(case.pk).newest_first()[:50])
    people = User.objects.filter(pk__in={event.actor_id for event in events if event.actor_id})
    names = {str(user.pk): user.name for user in people}
    portal = _("the portal")
    return [
        (event, WHAT_HAPPENED.get(event.verb, event.verb), names.get(event.actor_id, portal))
        for event in events
    ]


def _outcome(line: CaseLine) -> str:
    """What stands written, or what the revocation behind it says since."""
    revocation = line.revocation
    if line.state == LineState.EXCEPTED or revocation is None or line.stands == line.state:
        return line.outcome
    words = {
        Revocation.State.VERIFIED: revocation.proven_words,
        Revocation.State.REAPPEARED: _("It came back."),
        Revocation.State.IMPOSSIBLE: revocation.impossible_because,
    }
    return words.get(Revocation.State(revocation.state), line.outcome)
