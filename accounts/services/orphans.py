"""What people say of accounts that belong to nobody known: whose they are, or what they are instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import Account, CorrelationRefusal, CorrelationRule, Identity
from accounts.models.account import AccountQuerySet
from accounts.models.correlation import Claim, claims_of
from accounts.services import identities, memberships
from portal import moment
from portal.audit.services import Actor, record, record_each
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change
from portal.users.models import User

MOST = 1_000  # at once, so that somebody can look at what happens


@transaction.atomic
def link_claimed(account: Account, person: Identity, *, version: int | None, actor: Actor) -> Account:
    """One of those who are proposed is right; somebody who is not has a form of its own on its page."""
    if person.pk not in {claim.identity_id for claim in claims_of(account.claims)}:
        raise ValidationError(
            _("%(name)s is not proposed for it any more. Read it again.") % {"name": person}
        )
    return identities.link_account(account, person, version=version, actor=actor)


@transaction.atomic
def refuse(account: Account, *, version: int | None, by: User) -> int:
    """None of those who are proposed: no rule proposes or links them to it again. Returns how many."""
    at = moment.now()
    claims = claims_of(account.claims)
    if account.identity_id is not None or not claims:
        raise ValidationError(_("Nobody is proposed for it any more. Read it again."))
    change(account, version, claims=[], doubt="")
    people = Identity.objects.in_bulk([claim.identity_id for claim in claims])
    CorrelationRefusal.objects.bulk_create(
        [
            CorrelationRefusal(account=account, identity=person, said_by=by, said_at=at)
            for person in people.values()
        ],
        ignore_conflicts=True,
    )
    facts = {
        "account_card": account.card,
        "identities": [
            {"identity": person.pk, "card": person.card} for _key, person in sorted(people.items())
        ],
    }
    record(Verb.ACCOUNT_CLAIMS_REFUSED, account, actor=by.actor, at=at, facts=facts)
    return len(people)


@transaction.atomic
def is_machine(account: Account, machine: Identity, *, version: int | None, actor: Actor) -> Account:
    """It is no person's: a machine acts by it."""
    if machine.is_human:
        raise ValidationError(_("%(name)s is a person. Choose a machine identity.") % {"name": machine})
    _orphan(account)
    _say_kind(account, Account.Kind.MACHINE, version=version, actor=actor)
    return identities.link_account(account, machine, version=None, actor=actor)


@transaction.atomic
def is_new_machine(
    account: Account, *, name: str, kind: Identity.Kind, version: int | None, actor: Actor
) -> Account:
    """The same of a machine that nobody knew of; nobody answers for it yet."""
    return is_machine(
        account, identities.create(name=name, kind=kind, actor=actor), version=version, actor=actor
    )


@transaction.atomic
def is_shared(
    account: Account,
    members: Sequence[Identity],
    *,
    kind: Account.Kind,
    version: int | None,
    actor: Actor,
) -> Account:
    """Several people know its secret, so that it is nobody's own; those who are known become its members."""
    if kind not in memberships.KINDS:
        raise ValidationError(_("Only shared and emergency accounts have members; link this one instead."))
    _orphan(account)
    _say_kind(account, kind, version=version, actor=actor)
    for member in members:
        memberships.add(account, member, version=None, actor=actor)
    return account


def _orphan(account: Account) -> None:
    if account.identity_id is not None:
        raise ValidationError(_("It belongs to somebody already. Take that link away first."))


def _say_kind(account: Account, kind: Account.Kind, *, version: int | None, actor: Actor) -> None:
    """Readings leave the kind alone from now on: they may say what the system takes it for."""
    before = account.kind
    change(account, version, kind=kind, kind_by_hand=True, claims=[], doubt="")
    facts = {"account_card": account.card, "before": before, "kind": kind}
    record(Verb.ACCOUNT_KIND_SAID, account, actor=actor, facts=facts)


# --- many at once ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """What linking would do with one account; `why_not` says why nothing happens to it."""

    account: Account
    claim: Claim
    person: Identity | None
    why_not: str = ""

    @property
    def token(self) -> str:
        """As the look carries it back: what was seen, and whom it would get."""
        return f"{self.account.pk}:{self.account.version}:{self.claim.identity_id}"


def plan(accounts: AccountQuerySet, rule: CorrelationRule) -> list[Step]:
    """What linking all accounts for which this rule proposes somebody would do; nothing is changed.

    Where more than one person is proposed, or something speaks against it, a person looks at it alone.
    """
    found = accounts.orphaned().claimed().filter(claims__contains=[{"rule": str(rule.pk)}])
    rows = list(found.select_related("system").order_by("system__code", "name", "pk")[:MOST])
    claims = {account.pk: claims_of(account.claims) for account in rows}
    wanted = {claim.identity_id for every in claims.values() for claim in every}
    people = Identity.objects.in_bulk(wanted)
    return [_step(account, claims[account.pk], rule, people) for account in rows]


def _step(
    account: Account, claims: Sequence[Claim], rule: CorrelationRule, people: Mapping[UUID, Identity]
) -> Step:
    claim = next(one for one in claims if one.rule_id == rule.pk)
    person = people.get(claim.identity_id)
    why_not = ""
    if person is None or person.status == Identity.Status.LEFT:
        why_not = _("has left")
    elif len(claims) > 1:
        why_not = _("more than one person is proposed")
    elif doubt := claim.doubt or account.doubt:
        why_not = str(Account.Doubt(doubt).label)
    return Step(account, claim, person, why_not)


@transaction.atomic
def link_chosen(
    accounts: AccountQuerySet,
    chosen: Mapping[int, tuple[int, UUID]],
    rule: CorrelationRule,
    *,
    actor: Actor,
) -> int:
    """Link what was looked at, all of it or nothing: account → (version seen, person). Returns how many.

    Each link is an act of its own in the log. An account that is not as it was shown stops all of them.
    """
    at = moment.now()
    rows = list(accounts.select_for_update(of=("self",)).filter(pk__in=chosen).order_by("pk"))
    people = Identity.objects.in_bulk({person for _version, person in chosen.values()})
    if len(rows) != len(chosen):
        raise ValidationError(_("Something of it is gone meanwhile. Look again."))
    claims = {account.pk: _only_claim(account, chosen[account.pk], rule, people) for account in rows}
    for account in rows:
        account.identity = people[claims[account.pk].identity_id]
        account.match_method, account.confidence = Account.Match.HAND, 100
        account.claims, account.doubt = [], ""
    fields = ["identity", "match_method", "confidence", "claims", "doubt"]
    Account.objects.bulk_update(rows, fields, batch_size=500)
    Account.objects.filter(pk__in=claims).update(version=F("version") + 1)

    def facts(account: Account) -> dict[str, object]:
        claim = claims[account.pk]
        return {
            "account_card": account.card,
            "identity": claim.identity_id,
            "identity_card": people[claim.identity_id].card,
            "before": None,
            "rule": rule.pk,
            "confidence": claim.confidence,
        }

    return record_each(Verb.ACCOUNT_LINKED, rows, actor=actor, at=at, facts=facts)


def _only_claim(
    account: Account, seen: tuple[int, UUID], rule: CorrelationRule, people: Mapping[UUID, Identity]
) -> Claim:
    """The one claim that was looked at, as it was; else somebody has to look again."""
    version, person = seen
    claims = claims_of(account.claims)
    as_seen = account.version == version and account.identity_id is None
    if as_seen and [(one.rule_id, one.identity_id) for one in claims] == [(rule.pk, person)]:
        step = _step(account, claims, rule, people)
        if not step.why_not:
            return step.claim
    raise Conflict(account)
