"""What a level or scope of GitLab allows; entitlements are told once, before what names them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from accounts.connectors.api.values import moment
from accounts.connectors.gitlab.facts import Facts, Place, Placed
from accounts.connectors.records import Entitlement, Grant, Mark, Record

# A level with its name, whether it is privileged, and why.
LEVELS: dict[int, tuple[str, bool, str, tuple[Mark, ...]]] = {
    5: ("Minimal access", False, "Sees that it exists.", ()),
    10: ("Guest", False, "Reads and comments.", ()),
    15: ("Planner", False, "Plans work and changes no code.", ()),
    20: ("Reporter", False, "Reads code and manages issues.", ()),
    25: ("Security manager", False, "Manages findings of security and changes no code.", ()),
    30: ("Developer", False, "Pushes code to branches that are not protected.", ()),
    40: ("Maintainer", True, "Changes members, protected branches, variables and deploy keys.",
         ("iam_write", "secrets_read")),
    50: ("Owner", True, "Everything, with members, deletion and every secret.", ("admin", "iam_write")),
}  # fmt: skip
SCOPES: dict[str, tuple[bool, str, tuple[Mark, ...]]] = {
    "api": (True, "Reads and writes everything that its account may.", ("wildcard",)),
    "sudo": (True, "Acts as any user.", ("impersonate",)),
    "admin_mode": (True, "Acts as an administrator.", ("admin",)),
    "k8s_proxy": (True, "Reaches the clusters that are connected.", ("exec",)),
}

INSTANCE: dict[str, tuple[str, str, tuple[Mark, ...]]] = {
    "admin": ("Administrator of GitLab", "Changes every setting, user and project.", ("admin", "iam_write")),
    "auditor": ("Auditor of GitLab", "Reads every group and project, private ones too.", ()),
}


@dataclass(slots=True)
class Rights:
    """What was told so far, and who holds which level where."""

    found: Facts
    told: set[str] = field(default_factory=set)  # external ids of entitlements
    accounts: set[str] = field(default_factory=set)
    held: dict[tuple[str, str], set[int]] = field(default_factory=dict)  # place -> levels held there
    direct: dict[tuple[str, str, str], int] = field(default_factory=dict)  # place and user -> level

    def once(self, made: Entitlement) -> Iterator[Record]:
        """The entitlement, unless it was told before."""
        if made.external_id not in self.told:
            self.told.add(made.external_id)
            yield made

    def instance(self, account: str, role: str, line: int) -> Iterator[Record]:
        """A role of the whole instance."""
        name, because, marks = INSTANCE[role]
        key = f"instance#{role}"
        yield from self.once(
            Entitlement(key, name, "role", line, is_privileged=True, because=because, marks=marks)
        )
        yield Grant(account, key, line)

    def place_of(self, one: Placed) -> Place | None:
        """The group or project that an item was listed for."""
        return self.found.place(one.place, one.line) if one.place[0] and one.place[1] else None

    def role(self, place: Place, level: int, line: int) -> Iterator[Record]:
        """A level of a group or project, noted as held."""
        key = f"{place.kind}/{place.number}#{level}"
        self.held.setdefault((place.kind, place.number), set()).add(level)
        name, is_privileged, because, marks = LEVELS.get(
            level, (f"Level {level}", None, "An unknown level.", ())
        )
        words = f"{name} of the {place.kind} {place.path}" + (
            ", of the groups below it and of their projects." if place.kind == "group" else "."
        )
        yield from self.once(
            Entitlement(
                key, f"{name} of {place.path}", "role", line, words, is_privileged, because, marks=marks
            )
        )

    def machine(self, account: str, place: Place, right: str, one: Placed) -> Iterator[Record]:
        """What a deploy key or token may do with a project or group."""
        key = f"{place.kind}/{place.number}#{right}"
        yield from self.once(
            Entitlement(
                key,
                f"{right.replace('_', ' ')} on {place.path}",
                "right",
                one.line,
                is_privileged=False,
                because="Code or packages only, no settings and no members.",
            )
        )
        yield Grant(account, key, one.line, ends_at=when(one.value.get("expires_at")))

    def scope(self, account: str, scope: str, one: Placed) -> Iterator[Record]:
        """What a token may do in the name of its account."""
        is_privileged, because, marks = SCOPES.get(scope, (False, "A part of what its account may.", ()))
        key = f"token-scope/{scope}"
        yield from self.once(
            Entitlement(
                key,
                f"token with the scope {scope}",
                "right",
                one.line,
                f"Holds a token that works by itself, with the scope {scope}.",
                is_privileged,
                because,
                marks=marks,
            )
        )
        yield Grant(account, key, one.line, ends_at=when(one.value.get("expires_at")))


def level_of(one: Placed) -> int | None:
    """The access level of a member or token."""
    level = one.value.get("access_level")
    return level if isinstance(level, int) and not isinstance(level, bool) else None


def when(value: object) -> datetime | None:
    """A moment, or a day as its first moment: GitLab lets what expires on a day end as the day begins."""
    if (at := moment(value)) is not None:
        return at
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return datetime.combine(day, time(), UTC) if day and day.year not in (1, 9999) else None
