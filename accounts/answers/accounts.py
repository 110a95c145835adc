"""What a leaver holds on systems: accounts, the rights and credentials on them, shared secrets they know."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Account, CaseLine, Credential, Grant, Identity, Membership, Revocation
from accounts.ports import Holding, Settled, holdings, settle
from accounts.services import revocations
from accounts.services.case_lines import cause_of
from portal.audit.services import Actor

Disposition = CaseLine.Disposition
Act = Revocation.Act

# Removed only when somebody decides so: an emergency account is needed when all else fails, and what a
# machine account runs may stop. Whoever leaves may know the secret, so it is to be rotated.
BY_HAND = (Account.Kind.EMERGENCY, Account.Kind.MACHINE)


@holdings.answered_by("account")
def accounts(leaver: Identity) -> list[Holding]:
    """Their accounts that are still there."""
    found = Account.objects.present().filter(identity=leaver).select_related("system")
    return [
        Holding(
            "account",
            account,
            _name(account),
            Disposition.REVOKE if _is_personal(account) else Disposition.ROTATE,
            account.card,
        )
        for account in found
    ]


@settle.answered_by("account")
def settle_account(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Personal accounts are disabled, shared ones get a new secret; others wait for a decision."""
    account = line.subject
    if line.kind != "account" or not isinstance(account, Account):
        return None
    if account.kind in BY_HAND:
        return Settled(False, _by_hand(account))
    act = Act.DISABLE if _is_personal(account) else Act.ROTATE
    return _ask(line, account, act, at, actor)


@holdings.answered_by("grant")
def grants(leaver: Identity) -> list[Holding]:
    """Rights on their personal accounts."""
    found = Grant.objects.held().filter(account__identity=leaver, account__gone_run=None)
    found = found.exclude(account__kind__in=[*BY_HAND, Account.Kind.SHARED])
    return [
        Holding("grant", grant, _name_of_right(grant), Disposition.REVOKE, grant.entitlement.card)
        for grant in found.select_related("account__system", "entitlement", "via")
    ]


@settle.answered_by("grant")
def settle_grant(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Removed."""
    grant = line.subject
    if line.kind != "grant" or not isinstance(grant, Grant):
        return None
    return _ask(line, grant, Act.REMOVE, at, actor)


@holdings.answered_by("credential")
def credentials(leaver: Identity) -> list[Holding]:
    """What opens their personal accounts. A second factor opens nothing by itself and stays away."""
    found = Credential.objects.present().filter(account__identity=leaver, account__gone_run=None)
    found = found.exclude(account__kind__in=[*BY_HAND, Account.Kind.SHARED])
    found = found.exclude(kind=Credential.Kind.MFA_DEVICE)
    return [
        Holding(
            "credential",
            credential,
            f"{credential} · {_name(credential.account)}",
            Disposition.REVOKE,
            credential.account.card,
        )
        for credential in found.select_related("account__system")
    ]


@settle.answered_by("credential")
def settle_credential(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Removed."""
    credential = line.subject
    if line.kind != "credential" or not isinstance(credential, Credential):
        return None
    return _ask(line, credential, Act.REMOVE, at, actor)


@holdings.answered_by("membership")
def memberships(leaver: Identity) -> list[Holding]:
    """Shared accounts whose secret they know, and emergency accounts they keep."""
    found = Membership.objects.filter(identity=leaver, during__upper_inf=True, account__gone_run=None)
    return [
        Holding("membership", member, _name(member.account), Disposition.ROTATE, member.account.card)
        for member in found.select_related("account__system")
    ]


@settle.answered_by("membership")
def settle_membership(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """The others go on working with the account, so its secret is rotated, not removed."""
    member = line.subject
    if line.kind != "membership" or not isinstance(member, Membership):
        return None
    if member.account.kind == Account.Kind.EMERGENCY:
        return Settled(False, _by_hand(member.account))
    return _ask(line, member.account, Act.ROTATE, at, actor)


def _ask(
    line: CaseLine, target: revocations.Target, act: Revocation.Act, at: datetime, actor: Actor
) -> Settled:
    asked = revocations.decide_and_request(target, act=act, cause=cause_of(line), actor=actor, at=at)
    words = {Act.DISABLE: _("Asked to be disabled."), Act.ROTATE: _("Asked to get a new secret.")}
    return Settled(False, words.get(act) or _("Asked to be removed."), asked)


def _is_personal(account: Account) -> bool:
    return account.kind not in (*BY_HAND, Account.Kind.SHARED)


def _by_hand(account: Account) -> str:
    if account.kind == Account.Kind.EMERGENCY:
        return _("An emergency account is never touched by itself: name another custodian, then ask.")
    return _("A machine account: what it runs may stop. Decide whether to ask for a new secret.")


def _name(account: Account) -> str:
    return _("%(account)s on %(system)s") % {"account": account.name, "system": account.system.code}


def _name_of_right(grant: Grant) -> str:
    name = f"{grant.entitlement.name} · {_name(grant.account)}"
    return _("%(right)s, through %(group)s") % {"right": name, "group": grant.via.name} if grant.via else name
