"""`aws iam get-account-authorization-details`: users, roles, groups and policies of an AWS account.

Users and roles are accounts, policies and groups are entitlements. A policy of a group is an inclusion: who
is in the group holds it through the group. A role's trust policy is the entitlement *may act as* (external
id: the role's ARN and `#act-as`), which brings what the role holds; it is granted to the users and roles of
the file that the trust names, and to those whom a trusted account's own policies let assume the role.

Pages of the answer may stand in one file, one after the other or in an array.
`aws iam list-roles` alone is read too (and list-users, list-groups): it says who may assume, not what for.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.admit_json import admit_json
from accounts.connectors.aws.assuming import Assuming, Rules, rules_in, together
from accounts.connectors.aws.details import BARE_LISTS, LISTS, Details, Holder, details
from accounts.connectors.aws.header import header_of
from accounts.connectors.aws.policies import Judgement, judge, judge_managed, known_document
from accounts.connectors.aws.tags import facts_in
from accounts.connectors.aws.trust import Trust, read_trust
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.json_items import document
from accounts.connectors.records import (
    Account,
    Entitlement,
    Grant,
    Header,
    IdentityKind,
    Inclusion,
    Record,
    Rejected,
)
from accounts.connectors.text import Readable

KEY, VERSION = "aws_authorization", 2
LIMIT = 256 * 2**20  # bytes; the JSON is read at once
OPTIONS = ("complete",)
ACT_AS = "#act-as"
INLINE = "#inline:"
_MOST_WORDS = 6  # about the parties of a trust policy
_BEGINNING = re.compile(r"\s*(?:\[\s*)?\{")  # pages that were put together may be an array
_ARN_OF_IAM = re.compile(r'"Arn"\s*:\s*"arn:aws[a-z-]{0,20}:iam::')


def sniff(head: bytes, _name: str) -> float:
    """The names of its lists; a file may begin with any of them."""
    begin = text.beginning(head) or ""
    if _BEGINNING.match(begin) is None:
        return 0.0
    if any(f'"{one}"' in begin for one in LISTS[:3]):
        return 1.0
    has_arn = _ARN_OF_IAM.search(begin) is not None
    if has_arn and any(f'"{one}"' in begin for one in BARE_LISTS):
        return 0.9
    return 0.3 if has_arn and '"Policies"' in begin else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets; AWS writes none here, but tags and policy texts hold what people put there."""
    return admit_json(text.whole(stream, LIMIT), sink, paged=True)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Entitlements and accounts, each before the grants that name them."""
    read_details = details(document(text.whole(stream, LIMIT), paged=True))
    reading = _Reading(read_details)
    header = header_of(
        read_details,
        KEY,
        VERSION,
        without_document=reading.without_document,
        lost_groups=reading.lost_groups,
        complete=mapping.get("complete"),
    )
    return header, reading.records()


class _Reading:
    """The records of one file."""

    def __init__(self, found: Details) -> None:
        self._found = found
        self._judged = {
            arn: judge(policy.document) if policy.document is not None else judge_managed(arn)
            for arn, policy in found.policies.items()
        }
        self._held: dict[str, tuple[str, ...]] = {}  # ARN of a group or role -> external ids of its policies
        self._groups = {(group.account, group.name): group for group in found.groups.values()}
        self._roles = {(role.account, role.name): role.arn for role in found.roles.values()}
        self._assuming = Assuming(found, _rules(found))
        self.without_document = sum(
            found.policies[arn].document is None if arn in found.policies else True
            for arn in {arn for holder in found.holders() for arn, _ in holder.attached}
        )
        self.lost_groups = sum(
            (user.account, name) not in self._groups for user in found.users.values() for name in user.groups
        )

    def records(self) -> Iterator[Record]:
        yield from self._found.rejected
        yield from self._policies()
        for group in self._found.groups.values():
            yield from self._own_policies(group)
            yield self._group(group)
            yield from _brings(group.arn, self._held[group.arn], group.line)
        for user in self._found.users.values():
            yield _account(user, None)
            yield from self._holdings(user)
            yield from self._memberships(user)
        trusts = {role.arn: read_trust(role.trust, role.account) for role in self._found.roles.values()}
        for role in self._found.roles.values():
            yield _account(role, trusts[role.arn])
            yield from self._holdings(role)
        doors = [role for role in self._found.roles.values() if not trusts[role.arn].only_services]
        grants: list[Record] = []
        for role in doors:
            door, held = self._act_as(role, trusts[role.arn])
            yield door
            yield from _brings(door.external_id, self._held[role.arn], role.line)
            grants += held
        yield from grants
        yield from _chains(grants, {role.arn: trusts[role.arn] for role in doors})

    def _policies(self) -> Iterator[Record]:
        for arn, policy in self._found.policies.items():
            yield _entitlement(arn, policy.name, policy.line, self._judged[arn], policy.words)
        # Attached, but not in the file: whoever holds it still holds it.
        for holder in self._found.holders():
            for arn, name in holder.attached:
                if arn not in self._judged:
                    self._judged[arn] = judge_managed(arn)
                    yield _entitlement(arn, name, holder.line, self._judged[arn], None)

    def _own_policies(self, holder: Holder) -> Iterator[Record]:
        """The inline policies of a user, group or role as entitlements; notes everything that it holds."""
        held = [arn for arn, _ in holder.attached]
        for name, written in holder.inline:
            key = f"{holder.arn}{INLINE}{name}"
            if key in self._judged:
                yield Rejected(
                    holder.line,
                    "duplicate_policy",
                    f"{holder.name} has the inline policy {name} twice. Export again.",
                )
                continue
            self._judged[key] = judge(written)
            yield _entitlement(key, f"{name} (inline, {holder.name})", holder.line, self._judged[key], None)
            held.append(key)
        self._held[holder.arn] = tuple(dict.fromkeys(held))

    def _holdings(self, holder: Holder) -> Iterator[Record]:
        yield from self._own_policies(holder)
        for key in self._held[holder.arn]:
            yield Grant(account=holder.arn, entitlement=key, line=holder.line)

    def _memberships(self, user: Holder) -> Iterator[Record]:
        for name in dict.fromkeys(user.groups):
            group = self._groups.get((user.account, name))
            if group is None:
                yield Rejected(
                    user.line,
                    "unknown_group",
                    f"{user.name} is in the group {name}, which is not in the file. Export without --filter, "
                    "so that it is known what the group allows.",
                )
                continue
            yield Grant(account=user.arn, entitlement=group.arn, line=user.line)

    def _group(self, group: Holder) -> Entitlement:
        judgement = self._of_holdings(group)
        return Entitlement(
            external_id=group.arn,
            name=group.name,
            kind="group",
            line=group.line,
            plain_words=f"Member of the group {group.name}, which hands on what it holds.",
            is_privileged=judgement.is_privileged,
            because=judgement.because,
        )

    def _of_holdings(self, holder: Holder) -> Judgement:
        """A group or role is as privileged as the strongest of its policies."""
        if self._found.is_bare:
            return Judgement(None, "The file does not say which policies it holds.")
        judged = [(key, self._judged[key]) for key in self._held[holder.arn]]
        for wanted in (True, None):
            for key, judgement in judged:
                if judgement.is_privileged is wanted:
                    return Judgement(wanted, f"Through {_short(key)}: {judgement.because}")
        return Judgement(False, "Nothing that it holds is privileged." if judged else "It holds no policy.")

    def _act_as(self, role: Holder, trust: Trust) -> tuple[Entitlement, list[Record]]:
        """The right to act as the role, and who of the file has it: users, roles and whole groups."""
        key = f"{role.arn}{ACT_AS}"
        words = list(trust.words)
        holders = [*self._named(role, trust, words)]
        groups: list[str] = []
        for whole in trust.wholes:
            for holder, is_group in self._assuming.holders(whole, role):
                (groups if is_group else holders).append(holder.arn)
            if whole.account == role.account and (unknown := self._assuming.unknown(whole.account)):
                words.append(f"Users and roles of which that is not known: {unknown}.")
        judgement = self._of_holdings(role)
        more = [f"And {len(words) - _MOST_WORDS} more parties."] if len(words) > _MOST_WORDS else []
        door = Entitlement(
            external_id=key,
            name=f"may act as role {role.name}",
            kind="act_as",
            line=role.line,
            plain_words=f"May act as the role {role.name} and use everything that it holds.",
            is_privileged=True if trust.is_open else judgement.is_privileged,
            because=" ".join([judgement.because, *words[:_MOST_WORDS], *more]),
            acts_as=role.arn,
            reach="assume_role",
            marks=trust.marks,
        )
        held: list[Record] = [Grant(holder, key, role.line) for holder in dict.fromkeys(holders)]
        held += [Inclusion(group, key, role.line) for group in dict.fromkeys(groups)]
        return door, held

    def _named(self, role: Holder, trust: Trust, words: list[str]) -> Iterator[str]:
        """Users and roles that the trust names; of another account they need a permission of their own."""
        for party in trust.parties:
            known = self._known(party.arn)
            holder = self._found.users.get(known or "") or self._found.roles.get(known or "")
            if holder is None:
                words.append(f"{party.arn} may assume it and is not in this file ({party.where}).")
            elif (
                holder.account != role.account
                and not self._found.is_bare
                and (self._assuming.may_by_own_policies(holder, role) is False)
            ):
                words.append(
                    f"{_short(holder.arn)} is trusted, but its own policies do not let it ({party.where})."
                )
            else:
                words.append(f"{_short(holder.arn)} may assume it ({party.where}).")
                yield holder.arn

    def _known(self, arn: str) -> str | None:
        """The ARN of that user or role as the file has it; a session's role comes without its path."""
        if arn in self._found.users or arn in self._found.roles:
            return arn
        account, _, name = arn.partition(":role/")
        return self._roles.get((account.rpartition(":")[2], name)) if name else None


def _rules(found: Details) -> dict[str, Rules]:
    """What the policies of every user, group and role say about assuming roles."""
    of_policies = {
        arn: rules_in(policy.document if policy.document is not None else known_document(arn))
        for arn, policy in found.policies.items()
    }
    return {
        holder.arn: together(
            [
                *(of_policies.get(arn) or rules_in(known_document(arn)) for arn, _ in holder.attached),
                *(rules_in(written) for _, written in holder.inline),
            ]
        )
        for holder in found.holders()
    }


def _chains(grants: list[Record], trusts: dict[str, Trust]) -> Iterator[Inclusion]:
    """Who may act as one role may act as the next that it may assume, unless only in a certain session."""
    by_session = {
        (party.arn.rpartition("/")[2], role)
        for role, trust in trusts.items()
        for party in trust.parties
        if party.session is not None
    }
    for one in grants:
        if isinstance(one, Grant) and one.account in trusts:
            name, role = one.account.rpartition("/")[2], one.entitlement.removesuffix(ACT_AS)
            if (name, role) not in by_session:
                yield Inclusion(f"{one.account}{ACT_AS}", one.entitlement, one.line)


def _brings(parent: str, children: tuple[str, ...], line: int) -> Iterator[Inclusion]:
    for child in children:
        yield Inclusion(parent, child, line)


def _account(holder: Holder, trust: Trust | None) -> Account:
    """A user (without trust) or a role as an account; what tags say comes first."""
    tagged = facts_in(holder.tags)
    kind, identity_kind, identity_key = tagged.kind, tagged.identity_kind, tagged.identity_key
    hints = tagged.hints
    if trust is not None:
        kind = kind or ("machine" if trust.only_services else "role")
        identity_kind = identity_kind or _kind_of_role(trust)
        if trust.only_services:
            identity_key = identity_key or holder.name
        if holder.words and "purpose" not in dict(hints):
            hints = (*hints, ("purpose", holder.words))
    return Account(
        external_id=holder.arn,
        name=holder.name,
        line=holder.line,
        kind=kind,
        identity_kind=identity_kind,
        identity_key=identity_key,
        employee_number=tagged.employee_number,
        email=tagged.email,
        created_at=holder.created_at,
        last_used_at=holder.last_used_at,
        last_used_source="AWS RoleLastUsed" if holder.last_used_at else None,
        hints=hints,
    )


def _kind_of_role(trust: Trust) -> IdentityKind | None:
    """A role that only AWS services may use belongs to a workload; of others nobody knows."""
    return "workload" if trust.only_services else None


def _entitlement(key: str, name: str, line: int, judgement: Judgement, words: str | None) -> Entitlement:
    return Entitlement(
        external_id=key,
        name=name,
        kind="right",
        line=line,
        plain_words=words,
        is_privileged=judgement.is_privileged,
        because=judgement.because,
        marks=judgement.marks,
    )


def _short(key: str) -> str:
    """An ARN in words: its last part."""
    return key.rpartition(INLINE)[2] if INLINE in key else key.rpartition("/")[2]


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="AWS account authorization details (JSON)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
