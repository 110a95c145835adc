"""Who knows the secret of a shared account, or keeps an emergency one: named and ended by person."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext as _

from accounts.models import Account, Identity, Membership
from portal import moment
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import change

KINDS = (Account.Kind.SHARED, Account.Kind.EMERGENCY)


@transaction.atomic
def add(
    account: Account, member: Identity, *, version: int | None, actor: Actor, at: datetime | None = None
) -> Membership:
    """Name a person who knows the secret of a shared account, or a custodian of an emergency one."""
    at = at or moment.now()
    if account.kind not in KINDS:
        raise ValidationError(_("Only shared and emergency accounts have members; link this one instead."))
    if not member.is_human or member.status == Identity.Status.LEFT:
        raise ValidationError(
            _("%(name)s can’t be a member: choose a person who is here."), params={"name": member.name}
        )
    change(account, version)  # the row lock lets two who name the same person come one after the other
    running = account.memberships.filter(identity=member, during__upper_inf=True).first()
    if running is not None:
        return running
    made = Membership.objects.create(account=account, identity=member, during=DateTimeTZRange(at, None))
    record(Verb.ACCOUNT_MEMBER_ADDED, account, actor=actor, at=at, facts=_facts(account, member))
    return made


@transaction.atomic
def end(
    membership: Membership, *, version: int | None, actor: Actor, at: datetime | None = None
) -> Membership:
    """From this moment they are no member. What they know stays known until the secret is rotated."""
    at = at or moment.now()
    account, since = membership.account, membership.during.lower
    change(account, version)
    running = Membership.objects.filter(pk=membership.pk, during__upper_inf=True)
    until = max(at, since) if since else at
    # Two acts in one moment would make an empty range, which remembers nothing: let it hold that moment.
    if running.update(during=DateTimeTZRange(since, until, "[]" if since == until else "[)")):
        facts = _facts(account, membership.identity)
        record(Verb.ACCOUNT_MEMBER_ENDED, account, actor=actor, at=at, facts=facts)
    membership.refresh_from_db()
    return membership


def _facts(account: Account, member: Identity) -> dict[str, object]:
    return {"account_card": account.card, "identity": member.pk, "identity_card": member.card}
