"""Whose own policies let them assume a role that trusts their whole account.

AWS asks for both then: the trust of the role, and a permission for `sts:AssumeRole` on it. A Deny without a
condition takes the permission away; conditions, permission boundaries and policies of the organisation are
not weighed.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from accounts.connectors.aws.details import Details, Holder
from accounts.connectors.aws.policies import as_document, statement_list, texts
from accounts.connectors.aws.trust import Whole

_ASSUME = "sts:assumerole"
_OWN_NAME = "${aws:username}"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One statement about sts:AssumeRole: on which roles."""

    patterns: tuple[re.Pattern[str], ...]
    is_inverted: bool  # NotResource
    own_names: tuple[str, ...]  # resources that hold the caller's own name

    def meets(self, role: str, caller: str) -> bool:
        """Whether it speaks of this role."""
        hit = any(pattern.match(role) for pattern in self.patterns) or any(
            fnmatch.fnmatchcase(role, one.replace(_OWN_NAME, caller)) for one in self.own_names
        )
        return hit is not self.is_inverted


@dataclass(slots=True)
class Rules:
    """What one policy, or all policies of a holder, say about sts:AssumeRole."""

    allow: list[_Rule] = field(default_factory=list)
    deny: list[_Rule] = field(default_factory=list)
    is_unknown: bool = False  # a document is not in the file or can't be read

    def allows(self, role: str, caller: str) -> bool:
        """Some statement allows it; whether another denies it is asked apart."""
        return any(rule.meets(role, caller) for rule in self.allow)

    def denies(self, role: str, caller: str) -> bool:
        """Some statement denies it without any condition."""
        return any(rule.meets(role, caller) for rule in self.deny)


def rules_in(document: object) -> Rules:
    """The statements of a policy document that speak of sts:AssumeRole."""
    readable = as_document(document)
    statements = statement_list(readable) if readable is not None else None
    if statements is None:
        return Rules(is_unknown=True)
    found = Rules()
    for statement in statements:
        if not _speaks_of_assuming(statement):
            continue
        if statement.get("Effect") != "Deny":
            found.allow.append(_rule(statement))
        elif not statement.get("Condition"):
            found.deny.append(_rule(statement))
    return found


def together(parts: Iterable[Rules]) -> Rules:
    """All policies of a holder as one."""
    found = Rules()
    for part in parts:
        found.allow += part.allow
        found.deny += part.deny
        found.is_unknown = found.is_unknown or part.is_unknown
    return found


class Assuming:
    """Answers for every role of a file who of the file may assume it through the trust in an account."""

    def __init__(self, found: Details, rules: Mapping[str, Rules]) -> None:
        """`rules`: of every user, group and role of the file, by ARN."""
        self._found, self._rules = found, rules
        self._groups = {(group.account, group.name): group for group in found.groups.values()}
        self._members: dict[str, list[Holder]] = {}
        for user in found.users.values():
            for group in self._groups_of(user):
                self._members.setdefault(group.arn, []).append(user)
        # Most are allowed to assume nothing: they are asked about once, not for every role.
        self._candidates = {
            holder.arn
            for holder in (*found.users.values(), *found.roles.values())
            if any(rules[part.arn].allow for part in (holder, *self._groups_of(holder)))
        }
        self._unknown: dict[str, int] = {}

    def holders(self, whole: Whole, role: Holder) -> Iterator[tuple[Holder, bool]]:
        """Users, roles and groups that may, and whether it is a group that hands it to all its members."""
        handed: set[str] = set()
        for group in self._found.groups.values():
            if group.account == whole.account and self._hands_on(group, whole, role):
                handed.update(user.arn for user in self._members[group.arn])
                yield group, True
        for user in self._found.users.values():
            # Through a group alone, the group says it already.
            is_own = user.arn not in handed or self._rules[user.arn].allows(role.arn, user.name)
            if is_own and user.account == whole.account and self._may(user, whole, role):
                yield user, False
        for other in self._found.roles.values():
            if other.account == whole.account and other.arn != role.arn and self._may(other, whole, role):
                yield other, False

    def may_by_own_policies(self, holder: Holder, role: Holder) -> bool | None:
        """Whether its policies, own or through groups, let it assume the role; None if that is unknown."""
        if self._may(holder, Whole(holder.account, ""), role):
            return True
        parts = [holder, *self._groups_of(holder)]
        return None if any(self._rules[part.arn].is_unknown for part in parts) else False

    def unknown(self, account: str) -> int:
        """Users and roles of the account of which not every policy is known."""
        if account not in self._unknown:
            self._unknown[account] = sum(
                any(self._rules[part.arn].is_unknown for part in (holder, *self._groups_of(holder)))
                for holder in (*self._found.users.values(), *self._found.roles.values())
                if holder.account == account
            )
        return self._unknown[account]

    def _may(self, holder: Holder, whole: Whole, role: Holder) -> bool:
        if holder.arn not in self._candidates:
            return False
        parts = [self._rules[part.arn] for part in (holder, *self._groups_of(holder))]
        return (
            any(part.allows(role.arn, holder.name) for part in parts)
            and not any(part.denies(role.arn, holder.name) for part in parts)
            and _is_asked_for(holder.arn, whole)
        )

    def _hands_on(self, group: Holder, whole: Whole, role: Holder) -> bool:
        """Every member may, and by the group's own policies: leaving the group ends it."""
        members = self._members.get(group.arn, [])
        return bool(members) and all(
            self._rules[group.arn].allows(role.arn, user.name) and self._may(user, whole, role)
            for user in members
        )

    def _groups_of(self, holder: Holder) -> list[Holder]:
        named = (self._groups.get((holder.account, name)) for name in dict.fromkeys(holder.groups))
        return [group for group in named if group is not None]


def _speaks_of_assuming(statement: dict[str, object]) -> bool:
    if "NotAction" in statement:
        return not any(_covers(pattern) for pattern in texts(statement["NotAction"]))
    return any(_covers(pattern) for pattern in texts(statement.get("Action")))


def _covers(pattern: str) -> bool:
    return _pattern(pattern.lower()).match(_ASSUME) is not None


def _rule(statement: dict[str, object]) -> _Rule:
    is_inverted = "NotResource" in statement
    resources = texts(statement.get("NotResource" if is_inverted else "Resource")) or ("*",)
    return _Rule(
        tuple(_pattern(one) for one in resources if _OWN_NAME not in one),
        is_inverted,
        tuple(one for one in resources if _OWN_NAME in one),
    )


def _pattern(written: str) -> re.Pattern[str]:
    """AWS wildcards: * and ?. Brackets mean nothing there."""
    return re.compile(fnmatch.translate(re.sub(r"\*+", "*", written).replace("[", "[[]")))


def _is_asked_for(arn: str, whole: Whole) -> bool:
    return not whole.principals or any(_pattern(one).match(arn) for one in whole.principals)
