"""`aws iam get-account-authorization-details`: users, roles, groups and policies of an AWS account.

Users and roles are accounts, policies and groups are entitlements.

A policy held through a group is a grant with `via`; a role's trust policy is the entitlement *may act as*
(external id: the role's ARN and `#act-as`), granted to the users and roles of the file that it names.
"""

from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.admit_json import admit_json
from accounts.connectors.aws_details import LISTS, Details, Holder, details
from accounts.connectors.aws_policies import Judgement, judge, judge_managed
from accounts.connectors.aws_tags import facts_in
from accounts.connectors.aws_trust import Trust, read_trust
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.json_items import document
from accounts.connectors.records import Account, Entitlement, Grant, Header, IdentityKind, Record, Rejected
from accounts.connectors.text import Readable

KEY, VERSION = "aws_authorization", 1
LIMIT = 256 * 2**20  # bytes; the JSON is read at once
OPTIONS = ("complete",)
ACT_AS = "#act-as"
INLINE = "#inline:"
_SSO_PATH = "/aws-reserved/sso.amazonaws.com/"
_MOST_WORDS = 6  # about the parties of a trust policy


def sniff(head: bytes, _name: str) -> float:
    """The names of its lists; a file may begin with any of them."""
    begin = text.beginning(head) or ""
    if not begin.lstrip().startswith("{"):
        return 0.0
    return 1.0 if any(f'"{one}"' in begin for one in LISTS[:3]) else 0.3 if '"Policies"' in begin else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets; AWS writes none here, but tags and policy texts hold what people put there."""
    return admit_json(text.whole(stream, LIMIT), sink)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Entitlements and accounts, each before the grants that name them."""
    read_details = details(document(text.whole(stream, LIMIT)))
    reading = _Reading(read_details)
    return _header(read_details, reading, mapping), reading.records()


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
        self.without_document = frozenset(
            arn
            for holder in (*found.users.values(), *found.groups.values(), *found.roles.values())
            for arn, _ in holder.attached
            if arn not in found.policies
        )
        self.lost_groups = [
            (user, name)
            for user in found.users.values()
            for name in user.groups
            if (user.account, name) not in self._groups
        ]

    def records(self) -> Iterator[Record]:
        yield from self._found.rejected
        yield from self._policies()
        for group in self._found.groups.values():
            yield from self._own_policies(group)
            yield self._group(group)
        for user in self._found.users.values():
            yield _account(user, None)
            yield from self._holdings(user)
            yield from self._memberships(user)
        trusts = {role.arn: read_trust(role.trust) for role in self._found.roles.values()}
        for role in self._found.roles.values():
            yield _account(role, trusts[role.arn])
            yield from self._holdings(role)
        for role in self._found.roles.values():
            yield from self._act_as(role, trusts[role.arn])

    def _policies(self) -> Iterator[Record]:
        for arn, policy in self._found.policies.items():
            yield _entitlement(arn, policy.name, policy.line, self._judged[arn], policy.words)
        # Attached, but not in the file: whoever holds it still holds it.
        for holder in (
            *self._found.groups.values(),
            *self._found.users.values(),
            *self._found.roles.values(),
        ):
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
            for key in self._held[group.arn]:
                yield Grant(account=user.arn, entitlement=key, line=user.line, via=group.arn)

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
        judged = [(key, self._judged[key]) for key in self._held[holder.arn]]
        for wanted in (True, None):
            for key, judgement in judged:
                if judgement.is_privileged is wanted:
                    return Judgement(wanted, f"Through {_short(key)}: {judgement.because}")
        return Judgement(False, "Nothing that it holds is privileged." if judged else "It holds no policy.")

    def _act_as(self, role: Holder, trust: Trust) -> Iterator[Record]:
        if trust.only_services:
            return  # nobody with an account here can come through it
        words = list(trust.words)
        holders: list[str] = []
        for arn, where in trust.accounts:
            known = self._known(arn)
            if known is None:
                words.append(f"{arn} may assume it and is not in this file ({where}).")
            else:
                holders.append(known)
                words.append(f"{_short(known)} may assume it ({where}).")
        judgement = self._of_holdings(role)
        is_privileged = True if trust.is_open else judgement.is_privileged
        more = [f"And {len(words) - _MOST_WORDS} more parties."] if len(words) > _MOST_WORDS else []
        key = f"{role.arn}{ACT_AS}"
        yield Entitlement(
            external_id=key,
            name=f"may act as role {role.name}",
            kind="act_as",
            line=role.line,
            plain_words=f"May act as the role {role.name} and use everything that it holds.",
            is_privileged=is_privileged,
            because=" ".join([judgement.because, *words[:_MOST_WORDS], *more]),
            acts_as=role.arn,
        )
        for holder in dict.fromkeys(holders):
            yield Grant(account=holder, entitlement=key, line=role.line)

    def _known(self, arn: str) -> str | None:
        """The ARN of that user or role as the file has it; a session's role comes without its path."""
        if arn in self._found.users or arn in self._found.roles:
            return arn
        account, _, name = arn.partition(":role/")
        return self._roles.get((account.rpartition(":")[2], name)) if name else None


def _account(holder: Holder, trust: Trust | None) -> Account:
    """A user (without trust) or a role as an account; what tags say comes first."""
    tagged = facts_in(holder.tags)
    kind, identity_kind, identity_key = tagged.kind, tagged.identity_kind, tagged.identity_key
    if trust is not None:
        people = trust.people_sign_in or holder.path.startswith(_SSO_PATH)
        kind = kind or ("shared" if people else "machine" if trust.is_readable else None)
        identity_kind = identity_kind or _kind_of_role(trust)
        if trust.only_services:
            identity_key = identity_key or holder.name
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
        hints=tagged.hints,
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
    )


def _short(key: str) -> str:
    """An ARN in words: its last part."""
    return key.rpartition(INLINE)[2] if INLINE in key else key.rpartition("/")[2]


def _header(found: Details, reading: _Reading, mapping: Options) -> Header:
    holders = (*found.users.values(), *found.groups.values(), *found.roles.values())
    accounts = sorted({holder.account for holder in holders})
    doubts = _doubts(found, reading, mapping)
    notes = [*doubts]
    if len(accounts) > 1:
        notes.append(
            f"The file holds records of {len(accounts)} AWS accounts ({', '.join(accounts)}) and counts for "
            "all of them together."
        )
    covers = {"account", "grant", "entitlement"}
    if reading.without_document:
        covers.discard("entitlement")
        notes.append(
            f"Attached policies whose documents are not in the file: {len(reading.without_document)}. What "
            "they allow is unknown."
        )
    if bounded := sum(holder.has_boundary for holder in holders):
        notes.append(
            f"Accounts with a permissions boundary, which may allow less than their policies say: {bounded}."
        )
    notes.append("The root user is not in this file; the credential report lists it.")
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=",".join(accounts) or None,
        is_full=not doubts,
        covers=frozenset(covers),
        notes=tuple(notes),
    )


def _doubts(found: Details, reading: _Reading, mapping: Options) -> list[str]:
    """Why the file may not prove that something is gone; empty if it may."""
    doubts: list[str] = []
    if mapping.get("complete") == "no":
        doubts.append("The source is set up as not complete.")
    if found.is_truncated:
        doubts.append(
            "The file is one page of several (IsTruncated), so what is missing in it does not count as gone."
        )
    if found.missing:
        doubts.append(f"The file lacks {', '.join(found.missing)}: it was taken with --filter or edited.")
    if mapping.get("complete") != "yes" and not found.missing:
        empty = [what for what, there in (("user", found.users), ("role", found.roles)) if not there]
        if empty:
            doubts.append(
                f"The file has no {' and no '.join(empty)}: it may have been taken with --filter. If that is "
                "how the account is, set the option “complete” to yes."
            )
    if found.rejected:
        doubts.append(f"Items that could not be read: {len(found.rejected)}.")
    if reading.lost_groups:
        doubts.append(f"Memberships in groups that are not in the file: {len(reading.lost_groups)}.")
    return doubts


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="AWS account authorization details (JSON)",
    reads=frozenset({"account", "entitlement", "grant"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
