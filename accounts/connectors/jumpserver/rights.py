"""An asset permission of JumpServer as rights: which account on which asset, by which protocol."""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.connectors.api.values import text_of
from accounts.connectors.jumpserver.objects import Named, Objects, Thing, choice, moment, named
from accounts.connectors.records import Entitlement, Reach, Rejected

PERMISSION, GROUP, ROLE = "permission:", "group:", "role:"
MOST_PAIRS = 5000  # accounts times assets of one permission that are told one by one
_NODE = "node "
# What stands for accounts instead of naming them.
_ALL, _NAMED, _TYPED, _SAME, _NONE = "@ALL", "@SPEC", "@INPUT", "@USER", "@ANON"
_WORDS = {
    _ALL: "any account that is kept for it",
    _TYPED: "any account whose password they know",
    _SAME: "the account of their own name",
    _NONE: "no account",
}
_ADMINISTRATORS = frozenset({"root", "administrator", "admin", "sa", "sys", "postgres"})
_REACHES: dict[str, Reach] = {
    **dict.fromkeys(("ssh", "sftp", "telnet", "linux", "unix", "network", "switch", "router"), "ssh"),
    **dict.fromkeys(("rdp", "vnc", "windows"), "rdp"),
    **dict.fromkeys(("k8s", "kubernetes"), "exec"),
    **dict.fromkeys(
        (
            *("mysql", "mariadb", "postgresql", "oracle", "sqlserver", "mongodb", "redis", "clickhouse"),
            *("dameng", "db2", "database", "cassandra", "elasticsearch"),
        ),
        "database",
    ),
}
_ACTIONS = {"connect": 1, "upload": 2, "download": 4, "copy": 8, "paste": 16, "delete": 32}


@dataclass(frozen=True, slots=True)
class Target:
    """An asset, or a node with all assets below it."""

    id: str
    name: str
    is_node: bool
    reach: Reach | None


def names_no_parties(thing: Thing) -> Rejected | None:
    """The list of permissions only counts users and assets since JumpServer 3; each permission names them."""
    missing = [
        name
        for name in ("users", "user_groups", "assets", "nodes")
        if name not in thing.value and thing.value.get(f"{name}_amount") not in (None, 0)
    ]
    if not missing:
        return None
    return Rejected(
        thing.line,
        "counts_only",
        f"The permission {thing.name} counts its {', '.join(missing)} and does not name them. Save "
        f"/api/v1/perms/asset-permissions/{thing.id}/ as well.",
    )


def is_on(thing: Thing) -> bool:
    """Not switched off; whether it is in its time is told by its dates."""
    return thing.value.get("is_active") is not False


def permission(thing: Thing, targets: list[Target]) -> Entitlement:
    """The permission itself, which brings the rights on accounts."""
    said = _accounts(thing)
    words = [
        f"Opens sessions as {_listed([_WORDS.get(one, one) for one in said.names], 5)} on "
        f"{_listed([_where(one) for one in targets], 5)}."
        if _may_connect(thing)
        else "Opens no sessions: its actions do not hold “connect”."
    ]
    if said.excepted:
        words.append(f"Not as {_listed(said.excepted, 5)}.")
    if not is_on(thing):
        words.append("It is switched off.")
    if thing.value.get("from_ticket") is True:
        words.append("It was made from an approved ticket.")
    if ends_at := moment(thing.value.get("date_expired")):
        words.append(f"It ends on {ends_at.date().isoformat()}.")
    if comment := text_of(thing.value.get("comment")):
        words.append(comment[:500])
    is_privileged, because = (
        _privilege(said.names) if _may_connect(thing) else (False, "It opens no sessions.")
    )
    return Entitlement(
        external_id=f"{PERMISSION}{thing.id}",
        name=thing.name,
        kind="role",
        line=thing.line,
        plain_words=" ".join(words),
        is_privileged=is_privileged,
        because=because,
    )


def doors(thing: Thing, targets: list[Target]) -> Iterator[Entitlement]:
    """The right to act as each account on each asset; one for all assets where they are too many."""
    if not _may_connect(thing):
        return
    said = _accounts(thing)
    if len(said.names) * len(targets) > MOST_PAIRS:
        targets = [Target(f"{PERMISSION}{thing.id}", f"{len(targets)} assets of {thing.name}", False, None)]
    protocols = _protocols(thing)
    for target in targets:
        for name in said.names:
            is_named = name not in _WORDS
            is_privileged, because = _privilege([name])
            yield Entitlement(
                external_id=f"{name}@{target.id}",
                name=f"{name if is_named else _WORDS[name]} on {_where(target)}"[:256],
                kind="act_as",
                line=thing.line,
                plain_words=f"Opens a session on {_where(target)} as {_WORDS.get(name, name)}.",
                is_privileged=is_privileged,
                because=because,
                acts_as=name if is_named else None,
                acts_on=_where(target)[:200],
                reach=protocols or target.reach or "console",
            )


def targets_of(thing: Thing, found: Objects) -> list[Target]:
    """The assets and nodes that it names."""
    assets = [_asset(one, found) for one in named(thing.value.get("assets"))]
    nodes = [Target(one.id, one.name, True, None) for one in named(thing.value.get("nodes"))]
    return [*assets, *nodes]


def _asset(one: Named, found: Objects) -> Target:
    known = found.assets.get(one.id)
    if known is None:
        return Target(one.id, one.name, False, None)
    kinds = (choice(known.value.get("type")), choice(known.value.get("category")))
    reach = next((_REACHES[kind] for kind in kinds if kind in _REACHES), None)
    return Target(one.id, known.name, False, reach)


@dataclass(frozen=True, slots=True)
class _Accounts:
    names: list[str]
    excepted: list[str]


def _accounts(thing: Thing) -> _Accounts:
    """Names, and the words that stand for some; version 2 names system users instead."""
    written = thing.value.get("accounts")
    if written is None:
        written = thing.value.get("system_users_display") or thing.value.get("system_users")
    said = [one.name for one in named(written)]
    return _Accounts(
        [one for one in said if one != _NAMED and not one.startswith("!")],
        [one[1:] for one in said if one.startswith("!")],
    )


def _privilege(names: list[str]) -> tuple[bool | None, str]:
    strong = next((one for one in names if one.casefold().partition("(")[0] in _ADMINISTRATORS), None)
    if strong is not None:
        return True, f"{strong} is an account of administrators."
    if _ALL in names:
        return True, "It opens every account that is kept for the asset, those of administrators too."
    if not names or names == [_NONE]:
        return False, "It names no account."
    return None, "What the accounts may do on the asset is not in the file."


def _protocols(thing: Thing) -> Reach | None:
    """The path, if its protocols are all of one."""
    said = thing.value.get("protocols")
    found = {(_REACHES.get(str(choice(one)).casefold())) for one in said} if isinstance(said, list) else set()
    return found.pop() if len(found) == 1 else None


def _may_connect(thing: Thing) -> bool:
    """Actions are names, choices or, in old versions, a sum of bits; without any word nothing is excluded."""
    said = thing.value.get("actions")
    if isinstance(said, int) and not isinstance(said, bool):
        return bool(said & _ACTIONS["connect"])
    if not isinstance(said, list):
        return True
    return any(str(choice(one)).casefold() in ("connect", "all") for one in said)


def _where(target: Target) -> str:
    return f"{_NODE}{target.name}" if target.is_node else target.name


def _listed(names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(name[:100] for name in names[:most]) + more) or "nothing"
