"""Objects of JumpServer's API told apart: permissions, users, user groups, assets; the rest is counted."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from accounts.connectors.api.pages import ApiItem, Page, Pages
from accounts.connectors.api.values import excerpt, text_of
from accounts.connectors.records import Rejected, Unreadable
from accounts.connectors.values import Unclear
from accounts.connectors.values import moment as spelled

_LONGEST = 256
_PARTIES = ("users", "user_groups", "assets", "nodes")


@dataclass(frozen=True, slots=True)
class Named:
    """Something that another object refers to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Thing:
    """One object: what it is, and where it stands."""

    id: str
    name: str
    line: int
    value: Mapping[str, object]


@dataclass(slots=True)
class Objects:
    """Everything of the file by its kind and id."""

    permissions: dict[str, Thing] = field(default_factory=dict)
    users: dict[str, Thing] = field(default_factory=dict)
    groups: dict[str, Thing] = field(default_factory=dict)
    assets: dict[str, Thing] = field(default_factory=dict)
    pages: dict[str, list[Page]] = field(default_factory=dict)  # of a kind, the answers that held it
    others: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    organisations: Counter[str] = field(default_factory=Counter)

    def of(self, kind: str) -> dict[str, Thing]:
        """The objects of one kind."""
        return {
            "permission": self.permissions,
            "user": self.users,
            "group": self.groups,
            "asset": self.assets,
        }[kind]


def objects(read: Pages) -> Objects:
    """Refuses a file in which nothing is of JumpServer's permissions, users or groups."""
    found = Objects(rejected=list(read.rejected))
    for item in read.items:
        kind = kind_of(item.value)
        if kind is None:
            found.others += 1
            continue
        pages = found.pages.setdefault(kind, [])
        if item.page not in pages[-1:]:
            pages.append(item.page)
        _add(found, kind, item)
    if not any((found.permissions, found.users, found.groups, found.rejected)):
        raise Unreadable(
            "wrong_json",
            "The JSON holds no asset permissions, users or user groups of JumpServer. Save the answer of "
            "/api/v1/perms/asset-permissions/ unchanged.",
            1,
        )
    return found


def kind_of(value: Mapping[str, object]) -> str | None:
    """By members that stand together in no other object of the API."""
    parties = sum(name in value or f"{name}_amount" in value for name in _PARTIES)
    if parties >= 2 and any(key in value for key in ("accounts", "actions", "system_users")):
        return "permission"
    if "username" in value and any(
        key in value
        for key in ("source", "system_roles", "org_roles", "is_service_account", "mfa_level", "groups")
    ):
        return "user"
    if "address" in value and "platform" in value:
        return "asset"
    if "name" in value and ("users" in value or "users_amount" in value):
        return "group"
    return None


def named(value: object) -> list[Named]:
    """The objects, or ids alone, of a list that refers to others."""
    found: dict[str, Named] = {}
    for part in value if isinstance(value, list) else []:
        if isinstance(part, dict):
            key = text_of(part.get("id")) or text_of(part.get("pk"))
            name = next(
                (said for field in ("username", "name", "value") if (said := text_of(part.get(field)))), key
            )
        else:
            key = name = text_of(part)
        if key is not None and name is not None:
            found.setdefault(key, Named(key[:_LONGEST], name[:_LONGEST]))
    return list(found.values())


def choice(value: object) -> str | None:
    """`{"value": "host", "label": "Host"}` or the value alone."""
    return text_of(value.get("value")) if isinstance(value, dict) else text_of(value)


def moment(value: object) -> datetime | None:
    """`2026/07/03 11:48:25 +0800`, or ISO 8601; unknown without an offset."""
    said = text_of(value)
    if said is None or not re.search(r"(?:Z|[+-]\d{2}:?\d{2})$", said):
        return None
    try:
        return spelled(said, "date", None, UTC)
    except Unclear:
        return None


def _add(found: Objects, kind: str, item: ApiItem) -> None:
    key = text_of(item.value.get("id"))
    name = text_of(item.value.get("username")) if kind == "user" else text_of(item.value.get("name"))
    if key is None or name is None or len(key) > _LONGEST or len(name) > _LONGEST:
        reason = f"The {kind} has no id or no name of at most {_LONGEST} characters. Export it again."
        found.rejected.append(Rejected(item.line, "broken_item", reason, excerpt(item.value)))
        return
    if organisation := text_of(item.value.get("org_name")):
        found.organisations[organisation] += 1
    known = found.of(kind)
    first = known.setdefault(key, Thing(key, name, item.line, item.value))
    if first.value is item.value:
        return
    if _is_fuller(item.value, first.value):  # the object itself, after the list that only counts
        known[key] = Thing(key, name, item.line, item.value)
    elif not _is_fuller(first.value, item.value) and first.value != item.value:
        reason = f"The {kind} {name} is already in line {first.line}, and differs there. Export it again."
        found.rejected.append(Rejected(item.line, "duplicate_item", reason, excerpt(item.value)))


def _is_fuller(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    return sum(name in one for name in _PARTIES) > sum(name in other for name in _PARTIES)
