"""One identity that is two: what is somebody else's goes to a new identity, or back to a duplicate."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account, Engagement, Identity
from portal import moment
from portal.audit import cards
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change
from portal.users.models import User

LEFT = Identity.Status.LEFT


@transaction.atomic
def split(
    whole: Identity,
    *,
    name: str,
    email: str,
    engagements: Collection[int],
    accounts: Collection[int],
    into: Identity | None = None,
    version: int | None,
    by: User,
) -> Identity:
    """The chosen engagements and accounts are somebody else's: a new identity, or one merged by mistake.

    Memberships, ownerships and the sign-in stay: whoever they belong to is named by hand.
    """
    at = moment.now()
    if by.identity_id == whole.pk:
        raise ValidationError(_("This is about yourself. Somebody else has to do it."))
    change(whole, version)
    own = list(Engagement.objects.filter(identity=whole, pk__in=engagements))
    logins = list(Account.objects.filter(identity=whole, pk__in=accounts))
    if len(own) != len(set(engagements)) or len(logins) != len(set(accounts)):
        raise Conflict(whole)
    _check_parts(whole, own, logins)
    part = _part(whole, own, name=name.strip(), email=email.strip(), into=into)
    Engagement.objects.filter(pk__in=[one.pk for one in own]).update(identity=part)
    Account.objects.filter(pk__in=[one.pk for one in logins]).update(identity=part, version=F("version") + 1)
    facts = {
        "from": whole.pk,
        "from_card": whole.card,
        "card": part.card,
        "engagements": sorted(one.pk for one in own),
        "accounts": sorted(one.pk for one in logins),
        "again": into is not None,
    }
    record(Verb.IDENTITY_SPLIT, part, actor=by.actor, at=at, facts=facts)
    return part


def _check_parts(whole: Identity, own: list[Engagement], logins: list[Account]) -> None:
    """Something goes and something stays; people are known by their engagements, machines by accounts."""
    if whole.merged_into_id is not None:
        raise ValidationError(
            _("%(name)s was merged into another identity: split that one.") % {"name": whole.name}
        )
    if whole.is_human and not own:
        raise ValidationError(_("Choose at least one engagement: people are known by what HR says of them."))
    if not whole.is_human and not logins:
        raise ValidationError(_("Choose at least one account."))
    rows = whole.engagements if whole.is_human else whole.accounts
    if len(own if whole.is_human else logins) == rows.count():
        raise ValidationError(_("Something has to stay. To rename somebody, have HR correct the name."))


def _part(
    whole: Identity, own: list[Engagement], *, name: str, email: str, into: Identity | None
) -> Identity:
    """Who they are now."""
    running = [one for one in own if _is_running(one)]
    values: dict[str, Any] = {"status": Identity.Status.ACTIVE if running or not own else LEFT}
    if running and all(one.status == Identity.Status.ON_LEAVE for one in running):
        values["status"] = Identity.Status.ON_LEAVE
    if whole.is_human:
        said = (running or own)[0]
        values |= {"title": said.title, "department": said.department, "manager": _manager(said, whole)}
    if email:
        values["email"] = email
    if into is not None:
        if into.merged_into_id != whole.pk:
            raise Conflict(into)
        return change(into, None, merged_into=None, **values)
    made = Identity(kind=whole.kind, name=name, **values)
    made.card = cards.write("identity", made.pk, {"kind": made.kind, "name": name})
    made.full_clean(exclude=["card"])
    made.save()
    return made


def _is_running(one: Engagement) -> bool:
    today = timezone.localtime(moment.now()).date()
    return one.status != LEFT and one.gone_run_id is None and (one.ends_on is None or one.ends_on >= today)


def _manager(said: Engagement, whole: Identity) -> Identity | None:
    """As HR says by number; who was one with somebody a moment ago is not put below them."""
    if not said.manager_number:
        return None
    above = Engagement.objects.filter(source=said.source_id, number=said.manager_number)
    found = above.exclude(pk=said.pk).select_related("identity").first()
    return found.identity if found and found.identity_id != whole.pk else None
