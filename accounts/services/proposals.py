"""Naming owners for machines that nobody answers for: one by one, or many at once, with a look before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Application, Identity, OwnerProposal
from accounts.services import applications, ownership
from accounts.services.ownership import Chosen
from portal.audit.services import Actor

MOST = 1_000  # at once, so that somebody can look at what happens


class How(StrEnum):
    """What is done with the chosen machines."""

    PROPOSED = "proposed"
    PERSON = "person"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Step:
    """What would happen to one machine; `why` says where it comes from, or why nothing happens."""

    machine: Identity
    holder: Identity | None = None
    why: str = ""

    @property
    def happens(self) -> bool:
        """Something is done with it."""
        return self.holder is not None or not self.why


def plan(
    machines: Sequence[Identity],
    how: How,
    *,
    person: Identity | None = None,
    application: Application | None = None,
) -> list[Step]:
    """What naming would do, machine by machine; nothing is changed."""
    if how == How.APPLICATION:
        return [
            Step(
                one,
                why=_("belongs to it already")
                if application and one.application_id == application.pk
                else "",
            )
            for one in machines
        ]
    best = best_of([one.pk for one in machines]) if how == How.PROPOSED else {}
    return [_step(one, best.get(one.pk), person, how) for one in machines]


def _step(machine: Identity, best: OwnerProposal | None, person: Identity | None, how: How) -> Step:
    holder = person if how == How.PERSON else best.candidate if best else None
    if holder is None:
        return Step(machine, why=_("nobody is proposed"))
    if machine.deputy_id == holder.pk:
        return Step(machine, why=_("%(name)s is its deputy; name another deputy first") % {"name": holder})
    if machine.owner_id == holder.pk:
        return Step(machine, why=_("%(name)s owns it already") % {"name": holder})
    return Step(machine, holder, str(best.get_reason_display()) if best else "")


def best_of(machines: Sequence[UUID]) -> dict[UUID, OwnerProposal]:
    """The likeliest candidate of each who is here and has not said no; a last resort is never named so."""
    named = OwnerProposal.objects.open().filter(identity__in=machines)
    named = named.exclude(reason=OwnerProposal.Reason.SYSTEM).select_related("candidate")
    found: dict[UUID, OwnerProposal] = {}
    for proposal in named.strongest_first():
        found.setdefault(proposal.identity_id, proposal)
    return found


@transaction.atomic
def name_chosen(chosen: Mapping[UUID, tuple[int, UUID]], *, actor: Actor) -> int:
    """Make the people who were shown in the look before the owners: machine → (version seen, person)."""
    people = Identity.objects.in_bulk({person for _version, person in chosen.values()})
    missing = [person for _version, person in chosen.values() if person not in people]
    if missing:
        raise ownership.gone()
    named = {machine: Chosen(version, people[person]) for machine, (version, person) in chosen.items()}
    return ownership.name_many(named, actor=actor)


def assign_chosen(chosen: Mapping[UUID, int], application: Application, *, actor: Actor) -> int:
    """Let the machines belong to an application, whose owner answers for them: machine → version seen."""
    return applications.assign(chosen, application, actor=actor)
