"""Which account, identity and grant a session answers to, at the moment it began.

The session says an account's name and perhaps what it acted as; the record says the rest. Everything that
is chosen among several is chosen by a fixed order and noted; what can't be told stays unknown.
Rule 1:

1. The account of that name on the system: as written, else without regard to case; more than one is none.
2. Its identity; the human who answers for it: the person themself, or the machine's owner at that time.
3. The grant: of the right the session acted as, where one was named; else a privileged one in force, direct
   before inherited, oldest first; else a privileged one that had ended; else one not known to be privileged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Account, Entitlement, Grant, Identity, Ownership, Revocation
from sessions_app.models import Session

RULE = 1
MOST_NAMESAKES = 20
LONGEST_NAME = 60
LONGEST_NOTE = 300


@dataclass
class Found:
    """What a session answers to, and what has to be said about it."""

    match: Session.Match = Session.Match.NO_ACCOUNT
    account: Account | None = None
    identity: Identity | None = None
    accountable: Identity | None = None
    grant: Grant | None = None
    acted_as: Entitlement | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def note(self) -> str:
        """All that has to be said, as it is kept."""
        text = " ".join(self.notes)
        return text if len(text) <= LONGEST_NOTE else text[: LONGEST_NOTE - 1] + "…"

    @property
    def columns(self) -> dict[str, object]:
        """The columns of a session that this decides; cards are those of the moment of matching."""
        return {
            "match": self.match,
            "match_rule": RULE,
            "match_note": self.note,
            "account": self.account,
            "identity": self.identity,
            "accountable": self.accountable,
            "grant": self.grant,
            "acted_as": self.acted_as,
            "account_card": self.account and self.account.card,
            "identity_card": self.identity and self.identity.card,
        }

    def differs_from(self, session: Session) -> bool:
        """Whether matching it says anything else than what stands there."""
        keys = ("account", "identity", "accountable", "grant", "acted_as")
        return (
            session.match != self.match
            or session.match_note != self.note
            or session.match_rule != RULE
            or any(getattr(session, f"{key}_id") != _key(getattr(self, key)) for key in keys)
        )


def find(session: Session) -> Found:
    """Ask the record, as it is known now, about the moment the session began."""
    found = Found()
    found.account = _account(session, found.notes)
    if found.account is not None:
        found.identity = _identity(found.account, session.started_at, found.notes)
        found.accountable = _accountable(found.identity, session.started_at, found.notes)
        _find_grant(session, found.account, found)
    return found


# The account and who is behind it


def _account(session: Session, notes: list[str]) -> Account | None:
    name, at = str(session.as_filed.get("account", "")), session.started_at
    namesakes = Account.objects.filter(
        Q(name__iexact=name) | Q(external_id__iexact=name), system=session.system_id
    )
    all_of_them = list(namesakes.select_related("identity").order_by("pk")[:MOST_NAMESAKES])
    known = [one for one in all_of_them if one.created_at is None or one.created_at <= at]
    exact = [one for one in known if name in (one.name, one.external_id)]
    there = [one for one in exact or known if one.gone_at is None or one.gone_at > at]
    found = there or exact or known
    if len(found) == 1:
        if not there and found[0].gone_at:
            notes.append(_("The account was gone since %(day)s.") % {"day": _day(found[0].gone_at)})
        return found[0]
    values = {"count": len(found), "name": _short(name), "system": session.system.code}
    if found:
        notes.append(_("%(count)d accounts on %(system)s answer to the name “%(name)s”.") % values)
    elif all_of_them:
        notes.append(
            _("The account “%(name)s” on %(system)s was made only after this session began.") % values
        )
    else:
        notes.append(_("No account on %(system)s is known by the name “%(name)s”.") % values)
    return None


def _identity(account: Account, at: datetime, notes: list[str]) -> Identity | None:
    identity = account.identity
    if identity is None:
        if account.kind in (Account.Kind.SHARED, Account.Kind.EMERGENCY):
            members = account.memberships.filter(during__contains=at).count()
            notes.append(
                ngettext(
                    "A shared account: %(count)d person could use it then.",
                    "A shared account: %(count)d people could use it then.",
                    members,
                )
                % {"count": members}
            )
        return None
    first_days = list(identity.engagements.values_list("starts_on", flat=True)) if identity.is_human else []
    if first_days and all(day is not None and day > localtime(at).date() for day in first_days):
        # A recycled login: whoever had it then is not who has it now.
        notes.append(_("Whoever the account belongs to now came later; who had it then is unknown."))
        return None
    return identity


def _accountable(identity: Identity | None, at: datetime, notes: list[str]) -> Identity | None:
    if identity is None or identity.is_human:
        return identity
    owned = Ownership.objects.filter(identity=identity, role=Ownership.Role.OWNER)
    holding = owned.filter(during__contains=at).select_related("holder").first()
    if holding is not None:
        return holding.holder
    if identity.owner is not None and not owned.exists():
        return identity.owner
    if identity.application_id is not None:
        through = Ownership.objects.filter(application=identity.application_id, role=Ownership.Role.OWNER)
        inherited = through.filter(during__contains=at).select_related("holder").first()
        if inherited is not None:
            return inherited.holder
    notes.append(_("Nobody is known to have answered for it then."))
    return None


# The grant


def _find_grant(session: Session, account: Account, found: Found) -> None:
    at = session.started_at
    begun = Q(held__startswith__lte=at) | Q(held__lower_inf=True)
    held = Grant.objects.filter(begun, account=account).select_related("entitlement")
    grants = sorted(held.prefetch_related("revocations"), key=_direct_and_oldest_first)
    named = str(session.as_filed.get("acted_as") or "")
    answer = _by_name(named, session, grants, found) if named else _by_privilege(grants, at)
    found.match, found.grant = answer.match, answer.grant
    found.notes += answer.notes
    used = answer.grant.entitlement if answer.grant and answer.match == Session.Match.GRANT else None
    if used is not None and used.kind == Entitlement.Kind.ACT_AS:
        found.acted_as = used


def _by_privilege(grants: list[Grant], at: datetime) -> "_Answer":
    """No right was named: privileged ones count first, then those of which it is not known."""
    answer = _answer([grant for grant in grants if grant.entitlement.privilege], at)
    if answer.grant is None:
        answer = _answer([grant for grant in grants if grant.entitlement.privilege is None], at)
        if answer.match == Session.Match.GRANT:
            answer.notes.append(_("Whether this right is privileged is unknown."))
    if answer.grant is None and any(_end(grant, at) is None for grant in grants):
        answer.notes.append(_("Only rights that are not privileged were in force."))
    return answer


def _by_name(named: str, session: Session, grants: list[Grant], found: Found) -> "_Answer":
    """The grants of the right that the session says it acted as."""
    called_so = Q(name__iexact=named) | Q(external_id__iexact=named)
    rights = list(Entitlement.objects.filter(called_so, system=session.system_id).order_by("pk"))
    rights = [right for right in rights if named in (right.name, right.external_id)] or rights
    keys = {right.pk for right in rights}
    of_right = [grant for grant in grants if grant.entitlement_id in keys]
    answer = _answer(of_right, session.started_at)
    if answer.grant is not None:
        found.acted_as = answer.grant.entitlement
    elif len(rights) == 1:
        found.acted_as = rights[0]
    values = {"name": _short(named), "system": session.system.code}
    if not rights:
        answer.notes.append(_("No right on %(system)s is known by the name “%(name)s”.") % values)
    elif answer.grant is None:
        answer.notes.append(_("“%(name)s” was never held by this account, as far as known.") % values)
    return answer


def _direct_and_oldest_first(grant: Grant) -> tuple[bool, datetime, int]:
    return grant.via_id is not None, grant.since or datetime.min.replace(tzinfo=UTC), grant.pk


class _Answer(NamedTuple):
    """What a list of grants says about a moment."""

    match: Session.Match
    grant: Grant | None
    notes: list[str]


def _answer(grants: list[Grant], at: datetime) -> _Answer:
    """The first in force, else the one that ended last, else none."""
    in_force = [grant for grant in grants if _end(grant, at) is None]
    if in_force:
        notes = list(_on_its_way_out(in_force[0], at))
        if len(in_force) > 1:
            values = {"count": len(in_force), "name": _short(in_force[0].entitlement.name)}
            words = _("%(count)d such rights were in force; this counts as a use of “%(name)s”.")
            notes.insert(0, words % values)
        return _Answer(Session.Match.GRANT, in_force[0], notes)
    ended = [(end, grant) for grant in grants if (end := _end(grant, at)) is not None]
    if ended:
        end, grant = max(ended, key=lambda pair: (pair[0], -pair[1].pk))
        return _Answer(Session.Match.GRANT_ENDED, grant, [_ended(grant, end, at)])
    return _Answer(Session.Match.NO_GRANT, None, [])


def _end(grant: Grant, at: datetime) -> datetime | None:
    """When it ended before `at`: gone, past its agreed end, or proven gone; None while it was in force."""
    ends = [grant.until, grant.ends_at, *(one.verified_at for one in _revocations(grant) if _is_proven(one))]
    return min((end for end in ends if end is not None and end <= at), default=None)


def _ended(grant: Grant, end: datetime, at: datetime) -> str:
    values = {"name": _short(grant.entitlement.name), "span": _span(end, at), "day": _day(end)}
    if any(_is_proven(one) and one.verified_at and one.verified_at <= at for one in _revocations(grant)):
        return _("“%(name)s” was verified gone on %(day)s, %(span)s before.") % values
    if grant.until is None or grant.until > at:
        return _("The agreed end of “%(name)s” was %(day)s, %(span)s before; it was still there.") % values
    return _("“%(name)s” ended on %(day)s, %(span)s before.") % values


def _on_its_way_out(grant: Grant, at: datetime) -> Iterable[str]:
    """A right that somebody had already asked to remove is in force until it is gone, and that is said."""
    for one in _revocations(grant):
        if one.withdrawn_at and one.withdrawn_at <= at:
            continue
        if one.reported_at and one.reported_at <= at:
            yield _("%(span)s after its removal was reported done.") % {"span": _span(one.reported_at, at)}
        elif one.requested_at and one.requested_at <= at:
            yield _("%(span)s after its removal was requested.") % {"span": _span(one.requested_at, at)}


def _revocations(grant: Grant) -> Iterable[Revocation]:
    return sorted(grant.revocations.all(), key=lambda one: one.decided_at)


def _is_proven(revocation: Revocation) -> bool:
    return revocation.state == Revocation.State.VERIFIED and revocation.act == Revocation.Act.REMOVE


# Words


def _key(row: Account | Identity | Grant | Entitlement | None) -> object:
    return None if row is None else row.pk


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _day(at: datetime) -> str:
    return date_format(localtime(at), "j M Y", use_l10n=False)


def _span(earlier: datetime, later: datetime) -> str:
    return timesince(earlier, now=later, depth=1).replace("\xa0", " ")
