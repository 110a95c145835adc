"""The four lists of account authorization details as checked objects; what is broken is rejected by line."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from accounts.connectors.aws.names import account_of, moment
from accounts.connectors.json_items import Document
from accounts.connectors.records import Rejected, Unreadable

T = TypeVar("T", "Policy", "Holder")
LONGEST = 1000  # characters of an ARN or name; AWS's own limits lie below
LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
# `aws iam list-roles` and its like: the same objects without policies and memberships.
BARE_LISTS = {"Users": "UserDetailList", "Groups": "GroupDetailList", "Roles": "RoleDetailList"}


@dataclass(frozen=True, slots=True)
class Policy:
    """A managed policy with the document of its default version; `document` is None if the file has none."""

    arn: str
    name: str
    line: int
    document: object
    words: str | None


@dataclass(frozen=True, slots=True)
class Holder:
    """A user, group or role and what hangs on it."""

    arn: str
    name: str
    line: int
    account: str
    path: str
    created_at: datetime | None
    attached: tuple[tuple[str, str], ...]  # (ARN, name) of managed policies
    inline: tuple[tuple[str, object], ...]  # (name, document)
    groups: tuple[str, ...] = ()  # names, of users only
    tags: dict[str, str] = field(default_factory=dict)
    trust: object = None  # of roles only
    last_used_at: datetime | None = None  # of roles only
    has_boundary: bool = False
    words: str | None = None  # the description of a role


@dataclass(slots=True)
class Details:
    """Everything of the file that could be read, and what could not."""

    policies: dict[str, Policy] = field(default_factory=dict)
    groups: dict[str, Holder] = field(default_factory=dict)
    users: dict[str, Holder] = field(default_factory=dict)
    roles: dict[str, Holder] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    missing: tuple[str, ...] = ()  # lists that the file does not have
    is_truncated: bool = False
    pages: int = 1
    is_bare: bool = False  # from list-users, list-groups or list-roles: says nothing about policies

    def holders(self) -> list[Holder]:
        """Groups, users and roles."""
        return [*self.groups.values(), *self.users.values(), *self.roles.values()]


class _Broken(Exception):
    """Something in an item is not what the API documents."""


def details(found: Document) -> Details:
    """Check the lists; raises Unreadable if the file has none of them."""
    is_bare = not any(name in found.lists for name in LISTS) and any(
        name in found.lists for name in BARE_LISTS
    )
    if is_bare:
        lists = {full: found.lists[name] for name, full in BARE_LISTS.items() if name in found.lists}
        found = replace(found, lists=lists)
    missing = tuple(name for name in LISTS if name not in found.lists)
    if len(missing) == len(LISTS):
        raise Unreadable(
            "wrong_json",
            f"The JSON has none of the lists {', '.join(LISTS)}. Save the answer of “aws iam "
            "get-account-authorization-details” unchanged.",
            1,
        )
    is_page = found.values.get("IsTruncated") is True or bool(found.values.get("NextToken"))
    read = Details(missing=missing, is_truncated=is_page, pages=found.pages, is_bare=is_bare)
    read.policies = _collect(found, "Policies", _policy, read.rejected)
    read.groups = _collect(found, "GroupDetailList", _group, read.rejected)
    read.users = _collect(found, "UserDetailList", _user, read.rejected)
    read.roles = _collect(found, "RoleDetailList", _role, read.rejected)
    return read


def _collect(
    found: Document, name: str, make: Callable[["_Item"], T], rejected: list[Rejected]
) -> dict[str, T]:
    """The items of one list by ARN; one that is broken or a second of the same ARN is rejected."""
    read: dict[str, T] = {}
    for line, value in found.lists.get(name, []):
        try:
            one = make(_Item(line, value))
        except _Broken as broken:
            rejected.append(
                Rejected(line, "broken_item", f"An item of {name} can't be read: {broken}. Export it again.")
            )
            continue
        if (first := read.setdefault(one.arn, one)) is not one:
            rejected.append(
                Rejected(
                    line,
                    "duplicate_arn",
                    f"{one.arn} is already in line {first.line}. Export it again, one account in one file.",
                )
            )
    return read


class _Item:
    """One item of a list, or of a list in it, asked for members of a type."""

    def __init__(self, line: int, value: object) -> None:
        if not isinstance(value, dict):
            raise _Broken("it is no object")
        self.line = line
        self._value: dict[str, object] = value

    def text(self, key: str) -> str:
        found = self._value.get(key)
        if not isinstance(found, str) or not 0 < len(found.strip()) <= LONGEST:
            raise _Broken(f"it has no text of at most {LONGEST} characters under {key}")
        return found.strip()

    def words(self, key: str) -> str | None:
        found = self._value.get(key)
        return found.strip()[:LONGEST] or None if isinstance(found, str) else None

    def maybe(self, key: str) -> object:
        return self._value.get(key)

    def items(self, key: str) -> "list[_Item]":
        return [_Item(self.line, part) for part in self.parts(key)]

    def parts(self, key: str) -> list[object]:
        found = self._value.get(key)
        if found is not None and not isinstance(found, list):
            raise _Broken(f"{key} is no list")
        return found or []


def _policy(item: _Item) -> Policy:
    default = item.maybe("DefaultVersionId")
    documents = [
        version.maybe("Document")
        for version in item.items("PolicyVersionList")
        if version.maybe("IsDefaultVersion") is True
        or (version.maybe("VersionId") == default and default is not None)
    ]
    return Policy(
        arn=item.text("Arn"),
        name=item.text("PolicyName"),
        line=item.line,
        document=documents[0] if documents else None,
        words=item.words("Description"),
    )


def _group(item: _Item) -> Holder:
    return _holder(item, "Group")


def _user(item: _Item) -> Holder:
    groups = tuple(name for name in item.parts("GroupList") if isinstance(name, str))
    return replace(_holder(item, "User"), groups=groups)


def _role(item: _Item) -> Holder:
    used = item.maybe("RoleLastUsed")
    last_used_at = moment(used.get("LastUsedDate")) if isinstance(used, dict) else None
    return replace(
        _holder(item, "Role"), trust=item.maybe("AssumeRolePolicyDocument"), last_used_at=last_used_at
    )


def _holder(item: _Item, kind: str) -> Holder:
    arn = item.text("Arn")
    account = account_of(arn)
    if account is None:
        raise _Broken("its ARN names no account")
    path = item.maybe("Path")
    return Holder(
        arn=arn,
        name=item.text(f"{kind}Name"),
        line=item.line,
        account=account,
        path=path if isinstance(path, str) else "/",
        created_at=moment(item.maybe("CreateDate")),
        attached=tuple(
            (one.text("PolicyArn"), one.text("PolicyName")) for one in item.items("AttachedManagedPolicies")
        ),
        inline=tuple(
            (one.text("PolicyName"), one.maybe("PolicyDocument")) for one in item.items(f"{kind}PolicyList")
        ),
        words=item.words("Description"),
        tags={
            one.text("Key"): value
            for one in item.items("Tags")
            if isinstance(value := one.maybe("Value"), str)
        },
        has_boundary=isinstance(item.maybe("PermissionsBoundary"), dict),
    )
