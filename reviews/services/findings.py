"""Living with a finding until a day: by a named person, with a reason, and never by oneself about oneself."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Identity
from portal import moment
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.users.models import User
from reviews.models import Acceptance, Finding
from reviews.rules import locks

State = Finding.State
LONGEST: Final = timedelta(days=366)  # a year, whatever its length


@transaction.atomic
def accept(finding: Finding, *, until: date, reason: str, version: int, by: User) -> Acceptance:
    """Live with an open finding until that day, at most a year from now."""
    at = moment.now()
    today = timezone.localtime(at).date()
    reason = reason.strip()
    if not reason:
        raise ValidationError(_("Say why this can be lived with."))
    if not today < until <= today + LONGEST:
        raise ValidationError(_("Choose a day after today and within a year."))
    if refusal := why_not(finding, by):
        raise PermissionDenied(refusal)
    locks.beside_others()
    change(finding, version, when=Q(state=State.OPEN), state=State.ACCEPTED)
    acceptance = Acceptance.objects.create(
        finding=finding,
        reason=reason,
        until=until,
        accepted_by=by,
        accepted_by_identity_id=by.identity_id,
        accepted_at=at,
    )
    _count(finding, -1)
    facts = _facts(finding) | {"acceptance": acceptance.pk, "until": until, "reason": reason}
    record(Verb.FINDING_ACCEPTED, finding, actor=by.actor, at=at, facts=facts)
    return acceptance


@transaction.atomic
def end_acceptance(finding: Finding, *, version: int, by: User) -> Finding:
    """Somebody does not want to live with it any longer: it is open again."""
    at = moment.now()
    locks.beside_others()
    change(finding, version, when=Q(state=State.ACCEPTED), state=State.OPEN)
    for acceptance in finding.acceptances.filter(ended_at=None):
        acceptance.ended_at = at
        acceptance.save(update_fields=["ended_at"])
        facts = _facts(finding) | {"acceptance": acceptance.pk, "because": "taken_back"}
        record(Verb.FINDING_ACCEPTANCE_ENDED, finding, actor=by.actor, at=at, facts=facts)
    _count(finding, 1)
    return finding


def why_not(finding: Finding, by: User) -> str:
    """Why this person may not accept it although others may; empty when they may.

    Nobody accepts what is wrong with their own access, and nobody who answers for a privileged subject
    accepts what is wrong with it.
    """
    me = by.identity_id
    if me is None:
        return ""
    if finding.identity_id == me:
        return _("This is about yourself. Somebody else has to decide whether it can be lived with.")
    if finding.is_privileged and me in answering(finding):
        return _("You answer for this, and it is privileged. Somebody else has to decide.")
    return ""


def answering(finding: Finding) -> set[UUID]:
    """Identities that answer for its subject: of a machine, else of the system."""
    if finding.identity is not None and not finding.identity.is_human:
        return who_answers(finding.identity)
    system = finding.system
    return {one for one in (system.owner_id, system.deputy_id) if one is not None} if system else set()


def who_answers(machine: Identity) -> set[UUID]:
    """Owner, deputy and stand-in, of the machine itself and of its application."""
    found = {machine.owner_id, machine.deputy_id, machine.stand_in_id}
    if machine.application is not None:
        of = machine.application
        found |= {of.owner_id, of.deputy_id, of.stand_in_id}
    return {one for one in found if one is not None}


def _count(finding: Finding, by: int) -> None:
    """The number on the identity follows at once."""
    if finding.identity_id is not None:
        counted = Identity.objects.filter(pk=finding.identity_id)
        if by < 0:
            counted = counted.filter(open_findings__gt=0)
        counted.update(open_findings=F("open_findings") + by)


def _facts(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "rule_version": finding.rule_version,
        "severity": finding.severity,
        "subject_type": finding.subject_type,
        "subject_id": finding.subject_id,
    }
