"""What the page of one removal shows: its chain with all moments, other ways to the same right, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from accounts.forms.revocations import ImpossibleForm, VersionForm
from accounts.models import Grant, ImportRun, Revocation, System
from accounts.views.work_list import row
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.users.guards import allowed
from portal.users.models import User
from portal.users.permissions import Perm

State = Revocation.State


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain."""

    at: datetime | None
    title: str
    tone: str = ""
    text: str = ""
    who: str = ""
    run: ImportRun | None = None
    took: timedelta | None = None  # since it was asked for


@dataclass(frozen=True, slots=True)
class Act:
    """When something was done, and by whom."""

    at: datetime | None
    who: str


def context(user: User, revocation: Revocation, form: ImpossibleForm) -> dict[str, Any]:
    """Everything for the template, as far as this person may see it."""
    sees_why = allowed(user, Perm.REVOCATION_VIEW)
    may_carry_out = allowed(user, Perm.REVOCATION_CARRY_OUT, revocation)
    shown = row(revocation, at=moment.now(), may_carry_out=may_carry_out)
    is_stuck = revocation.state in (State.IMPOSSIBLE, State.REAPPEARED)
    return {
        "row": shown,
        "revocation": revocation,
        "steps": steps(revocation, with_who=sees_why),
        "causes": revocation.causes.order_by("added_at") if sees_why else None,
        "may_open_case": allowed(user, Perm.OFFBOARDING_VIEW),
        "others": other_paths(revocation),
        "is_live": revocation.state in Revocation.LIVE,
        "form": form,
        "may_report": shown.may_report or (may_carry_out and revocation.state == State.REPORTED),
        "may_say_impossible": may_carry_out and revocation.state in (State.REQUESTED, State.REPORTED),
        "again_form": VersionForm(initial={"version": revocation.version})
        if is_stuck and allowed(user, Perm.CAMPAIGN_MANAGE)
        else None,
        "may_open_list": may_open_list(user),
        "may_see_reading": allowed(user, Perm.INVENTORY_VIEW),
        "may_see_person": allowed(user, Perm.PERSON_VIEW),
        "may_see_sessions": allowed(user, Perm.SESSION_VIEW),
    }


def may_open_list(user: User) -> bool:
    """Those who carry removals out or watch over them, by role or for a system of theirs."""
    if {Perm.REVOCATION_VIEW, Perm.REVOCATION_CARRY_OUT} & user.permissions:
        return True
    return user.identity_id is not None and System.objects.looked_after_by(user.identity_id).exists()


def steps(revocation: Revocation, *, with_who: bool) -> list[Step]:
    """Decided, requested, reported, proven: each with its moment, and how long after the request.

    Who decided and who asked would say why; who reported is for everybody.
    """
    acts = _acts(revocation)

    def who(verb: Verb, *, shown: bool = with_who) -> str:
        return acts[verb].who if shown and verb in acts else ""

    found = [
        Step(revocation.decided_at, _("Decided"), who=who(Verb.REVOCATION_DECIDED)),
        Step(revocation.requested_at, _("Asked for"), who=who(Verb.REVOCATION_REQUESTED)),
        Step(
            revocation.reported_at,
            _("Reported done"),
            text=_("Ticket %(ticket)s") % {"ticket": revocation.ticket} if revocation.ticket else "",
            who=who(Verb.REVOCATION_REPORTED, shown=True),
            took=_since(revocation, revocation.reported_at),
        ),
        Step(
            revocation.verified_at,
            _("Verified gone") if revocation.is_about_absence else revocation.state_words.capitalize(),
            "good",
            run=revocation.verified_run,
            took=_since(revocation, revocation.verified_at),
        ),
    ]
    if revocation.state == State.IMPOSSIBLE:
        said = acts.get(Verb.REVOCATION_NOT_POSSIBLE, Act(revocation.requested_at, ""))
        found.append(Step(said.at, _("It can’t be done"), "bad", revocation.impossible_because, said.who))
    if revocation.state == State.REAPPEARED and (run := revocation.reappeared_run) is not None:
        at = run.taken_at or run.received_at
        found.append(Step(at, _("Reappeared"), "bad", _("It was there again."), run=run))
    found.append(Step(revocation.withdrawn_at, _("Withdrawn"), who=who(Verb.REVOCATION_WITHDRAWN)))
    return [step for step in found if step.at is not None]


def other_paths(revocation: Revocation) -> list[Grant]:
    """Rights still held by which the account reaches the same: gone here, still reached by these."""
    gone = revocation.grant
    if gone is None:
        return []
    same = Grant.objects.held().filter(account=gone.account_id, entitlement=gone.entitlement_id)
    return list(same.exclude(via=gone.via_id).select_related("via").order_by("via__name"))


def _since(revocation: Revocation, at: datetime | None) -> timedelta | None:
    if at is None or revocation.requested_at is None:
        return None
    return max(at - revocation.requested_at, timedelta())


def _acts(revocation: Revocation) -> dict[Verb, Act]:
    """When each was done and by whom, the last of its kind; the portal where the hour or a reading did it."""
    events = list(Event.objects.about(revocation).order_by("id"))
    people = User.objects.filter(pk__in={event.actor_id for event in events if event.actor_id})
    names = {str(user.pk): user.name for user in people}
    portal = _("the portal")
    return {
        Verb(event.verb): Act(
            event.at, names.get(event.actor_id, portal if event.actor_kind == "portal" else "")
        )
        for event in events
    }
