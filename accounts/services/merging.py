"""Two identities that are one: moved as a whole, looked at before, and kept as evidence.

What was decided, recorded and signed about the duplicate stays about the duplicate: `merged_into` says whom
it was. Rules that look back follow it, so a decision that turns out to be about one's own access is found.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.models import (
    Account,
    Application,
    Engagement,
    Identity,
    Membership,
    OffboardingCase,
    OwnerProposal,
    Ownership,
    System,
)
from accounts.ports import holdings
from accounts.services import memberships, offboarding, ownership
from accounts.services.ownership import Owned
from portal import moment
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.users.models import User

LEFT = Identity.Status.LEFT
HIGHEST = 64  # managers above each other; longer chains are circles
OPEN_REVIEWS = "open_reviews"  # the key of an answer to `holdings`


@dataclass(frozen=True, slots=True)
class Moving:
    """How much of the duplicate would move, by kind."""

    engagements: int
    accounts: int
    memberships: int
    answers_for: int
    reports: int

    @classmethod
    def of(cls, one: Identity) -> "Moving":
        """As it stands now; looks only."""
        return cls(
            engagements=one.engagements.count(),
            accounts=one.accounts.count(),
            memberships=one.memberships.count(),
            answers_for=one.holds_ownership.filter(during__upper_inf=True).count(),
            reports=one.reports.count(),
        )


def why_not(kept: Identity, duplicate: Identity, by: User) -> str:
    """Why these two can't be merged this way round; empty if they can."""
    if kept.pk == duplicate.pk:
        return _("That is the same identity. Choose another one.")
    if kept.is_human != duplicate.is_human:
        return _("A person and a machine are never one. Choose another one.")
    if by.identity_id in {kept.pk, duplicate.pk}:
        return _("This is about yourself. Somebody else has to do it.")
    for one in (kept, duplicate):
        if one.merged_into_id is not None:
            return _("%(name)s was merged into another identity already.") % {"name": one.name}
    if kept.status == LEFT and duplicate.status != LEFT:
        return _("%(name)s has left. Merge the other way round: keep the one who is here.") % {
            "name": kept.name
        }
    return _still_at_work(kept, duplicate)


def _still_at_work(kept: Identity, duplicate: Identity) -> str:
    both = User.objects.filter(identity_id__in=[kept.pk, duplicate.pk], is_active=True).count()
    if both > 1:
        return _("Both sign in to the portal. End one of the sign-ins first.")
    running = OffboardingCase.objects.begun().open().filter(identity__in=[kept, duplicate])
    if running.exists():
        return _("One of them is being offboarded. Finish that first.")
    if holdings.ask(duplicate).get(OPEN_REVIEWS):
        return _("%(name)s has reviews to finish. Have them passed on first.") % {"name": duplicate.name}
    return ""


@transaction.atomic
def merge(
    kept: Identity, duplicate: Identity, *, version: int | None, duplicate_version: int | None, by: User
) -> Identity:
    """All that belongs to the duplicate belongs to `kept`; the duplicate stays as what evidence is about.

    Nothing of it is rewritten in decisions, sessions or the log.
    """
    if reason := why_not(kept, duplicate, by):
        raise ValidationError(reason)
    at = moment.now()
    moved: dict[str, object] = {
        "engagements": _keys(Engagement.objects.filter(identity=duplicate)),
        "accounts": _keys(Account.objects.filter(identity=duplicate)),
        "memberships": duplicate.memberships.count(),
        "ownerships": duplicate.holds_ownership.count(),
    }
    change(kept, version, **_filled(kept, duplicate))
    address = _without_address(kept, duplicate)
    change(duplicate, duplicate_version, status=LEFT, merged_into=kept, manager=None, **address)
    Identity.objects.filter(merged_into=duplicate).update(merged_into=kept, version=F("version") + 1)
    Engagement.objects.filter(identity=duplicate).update(identity=kept)
    Account.objects.filter(identity=duplicate).update(identity=kept, version=F("version") + 1)
    _move_memberships(kept, duplicate, by, at)
    _move_reports(kept, duplicate)
    _move_what_they_answer_for(kept, duplicate, by, at)
    _move_sign_in(kept, duplicate)
    _move_plans(kept, duplicate)
    facts = {"into": kept.pk, "into_card": kept.card, "card": duplicate.card, **moved}
    record(Verb.IDENTITY_MERGED, duplicate, actor=by.actor, at=at, facts=facts)
    return kept


def _keys(rows: Any) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _filled(kept: Identity, duplicate: Identity) -> dict[str, Any]:
    """What only the duplicate knew; what both knew stays as it was."""
    of_people, of_machines = ("email", "title", "department"), ("purpose", "environment", "vendor", "rhythm")
    names = of_people if kept.is_human else of_machines
    values = {name: getattr(duplicate, name) for name in names if not getattr(kept, name)}
    if kept.manager_id in {None, duplicate.pk}:
        above = duplicate.manager_id
        values["manager_id"] = None if above == kept.pk else above
    return {name: value for name, value in values.items() if value != getattr(kept, name)}


def _without_address(kept: Identity, duplicate: Identity) -> dict[str, Any]:
    """An address that two identities have is nobody's when accounts are linked by it."""
    is_same = duplicate.email.casefold() == kept.email.casefold()
    return {"email": ""} if duplicate.email and is_same else {}


def _move_memberships(kept: Identity, duplicate: Identity, by: User, at: datetime) -> None:
    running = Membership.objects.filter(identity=kept, account=OuterRef("account"), during__upper_inf=True)
    twice = Membership.objects.filter(Exists(running), identity=duplicate, during__upper_inf=True)
    for one in twice.select_related("account", "identity"):
        memberships.end(one, version=None, actor=by.actor, at=at)
    Membership.objects.filter(identity=duplicate).update(identity=kept)


def _move_reports(kept: Identity, duplicate: Identity) -> None:
    Identity.objects.filter(manager=duplicate).exclude(pk=kept.pk).update(
        manager=kept, version=F("version") + 1
    )
    above, steps = kept.manager, 0
    while above is not None and above.pk != kept.pk and steps < HIGHEST:
        above, steps = above.manager, steps + 1
    if above is not None:  # whoever would be their own manager has none
        change(kept, None, manager=None)


def _move_what_they_answer_for(kept: Identity, duplicate: Identity, by: User, at: datetime) -> None:
    """Owner and deputy are two people: where they turn out to be one, the deputy's place is empty."""
    one = [kept, duplicate]
    owned: tuple[type[Owned], ...] = (Identity, System, Application)
    for model in owned:
        rows: Any = model._base_manager
        for row in rows.filter(owner__in=one, deputy__in=one):
            ownership.end(row, role=Ownership.Role.DEPUTY, actor=by.actor, at=at)
        for role in Ownership.Role.values:
            rows.filter(**{role: duplicate}).update(**{role: kept}, version=F("version") + 1)
        if model is not System:
            rows.filter(stand_in__in=one, owner=kept).update(stand_in=None, version=F("version") + 1)
            rows.filter(stand_in=duplicate).update(stand_in=kept, version=F("version") + 1)
    Ownership.objects.filter(holder=duplicate).update(holder=kept)
    for system in System.objects.filter(carriers=duplicate):
        system.carriers.remove(duplicate)
        system.carriers.add(kept)
    # Found anew after the next reading.
    OwnerProposal.objects.filter(Q(candidate=duplicate) | Q(identity=duplicate)).delete()


def _move_sign_in(kept: Identity, duplicate: Identity) -> None:
    """Whoever signs in signs in as the one that is kept, so that rules about own access hold."""
    users = list(User.objects.filter(identity_id__in=[kept.pk, duplicate.pk]))
    moving = next((user for user in users if user.identity_id == duplicate.pk), None)
    staying = next((user for user in users if user.identity_id == kept.pk), None)
    if moving is None or (staying is not None and not moving.is_active):
        return
    User.objects.filter(pk__in=[user.pk for user in users]).update(identity_id=None)
    User.objects.filter(pk=moving.pk).update(identity_id=kept.pk)
    if staying is not None:
        User.objects.filter(pk=staying.pk).update(identity_id=duplicate.pk)


def _move_plans(kept: Identity, duplicate: Identity) -> None:
    """What is planned about either goes on about the one that is kept, at the earlier hour; unseen."""
    planned = OffboardingCase.objects.open().filter(identity__in=[kept, duplicate])
    for number, case in enumerate(planned.order_by("effective_at", "pk").reverse(), start=1 - len(planned)):
        if number:
            offboarding.cancel(case, version=case.version, actor=PORTAL)
        elif case.identity_id == duplicate.pk:
            change(case, None, identity=kept)
