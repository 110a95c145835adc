"""A sudoers policy resolved: aliases opened, settings applied, one rule per user, account and host.

As in sudo the last match wins: a negated member takes away only what stands before it. A rule that only
forbids gives nothing; it is counted, and what it takes from other rules is left to a person.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from accounts.connectors.records import Unreadable
from accounts.connectors.sudoers.syntax import Alias, Command, Defaults, Item, Wrong

MOST_RULES = 5000  # of one statement: users × accounts × hosts
MOST_ITEMS = 20_000  # that the aliases of one list may open to
MOST_ALL_TOLD = 300_000  # rules of one file
DEEPEST = 100  # aliases inside each other
SETTINGS = frozenset(
    {
        *(
            "authenticate",
            "log_output",
            "log_input",
            "use_pty",
            "requiretty",
            "noexec",
            "setenv",
            "intercept",
        ),
        *("timestamp_timeout", "runas_default", "rootpw", "targetpw", "runaspw", "sudoedit_follow"),
    }
)
_TAGS = {
    "PASSWD": "authenticate",
    "LOG_OUTPUT": "log_output",
    "LOG_INPUT": "log_input",
    "SETENV": "setenv",
    "INTERCEPT": "intercept",
    "FOLLOW": "sudoedit_follow",
}
_LISTS = {"@": "Host", ":": "User", ">": "Runas"}  # what the names of a scope are
_NAME = re.compile(r"[A-Z][A-Z0-9_]+")
Settings = dict[str, str]  # name -> "yes", "no" or a value


@dataclass(frozen=True, slots=True)
class Target:
    """Whom the commands run as."""

    user: str | None  # None: who calls sudo; "ALL": any account
    groups: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One user or group may run these commands as that account on that host."""

    line: int
    subject: str
    excluded: tuple[str, ...]  # users that the group's rule is not for
    target: Target
    host: str
    commands: tuple[Command, ...]
    settings: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]  # TIMEOUT, ROLE, CWD …
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(slots=True)
class Policy:
    """What a file defines before its rules can be read."""

    aliases: dict[tuple[str, str], Alias] = field(default_factory=dict)
    defaults: list[Defaults] = field(default_factory=list)
    total: int = 0  # rules so far
    undefined: dict[str, None] = field(default_factory=dict)  # names that look like an alias and are none
    _opened: dict[tuple[str, str], tuple[Item, ...]] = field(default_factory=dict)
    _opened_commands: dict[str, tuple[Command, ...]] = field(default_factory=dict)
    _in_force: dict[tuple[str, str], Settings] = field(default_factory=dict)
    _by_name: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def define(self, alias: Alias) -> None:
        """Take an alias; a second one of its name is an error in sudo too."""
        if (alias.kind, alias.name) in self.aliases:
            raise Wrong(f"the alias {alias.name} is defined a second time")
        self.aliases[alias.kind, alias.name] = alias

    def opened(self, kind: str, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """A list without aliases; a name that no alias has is a name of its own."""
        return self._open(kind, items, ())

    def commands(self, given: Iterable[Command]) -> tuple[Command, ...]:
        """Commands without aliases; what stood before the alias holds for each of its commands."""
        return self._commands(given, ())

    def applied(self, user: str, host: str, target: str) -> Settings:
        """The settings in force for a user on a host as an account, those for commands aside."""
        found: Settings = {}
        for scope, subject in (("", ""), ("@", host), (":", user), (">", target)):
            if (scope, subject) not in self._in_force:
                self._in_force[scope, subject] = self._settings(scope, subject)
            found |= self._in_force[scope, subject]
        return found

    def for_command(self, path: str) -> Settings:
        """The settings that hold for one command (`Defaults!/usr/bin/less noexec`)."""
        return self._settings("!", path)

    def _settings(self, scope: str, subject: str) -> Settings:
        if not self._by_name:
            self._index()
        named = self._by_name.get((scope, subject), [])
        places = sorted({*named, *self._by_name.get((scope, "ALL"), [])})
        found: Settings = {}
        for place in places:
            one = self.defaults[place]
            if scope in ("", "!") or self._is_in(_LISTS[scope], one.of, subject):
                found |= {
                    name: value or ("yes" if on else "no")
                    for name, on, value in one.settings
                    if name in SETTINGS
                }
        return found

    def _index(self) -> None:
        """Which settings speak of which name, so that a million rules look up two names each."""
        self._by_name["", "ALL"] = [place for place, one in enumerate(self.defaults) if not one.scope]
        for place, one in enumerate(self.defaults):
            if one.scope == "!":
                names = set(self._paths(one.of))
            elif one.scope:
                names = {item.name for item in self.opened(_LISTS[one.scope], one.of)}
            else:
                continue
            for name in names:
                self._by_name.setdefault((one.scope, name), []).append(place)

    def _paths(self, items: tuple[Item, ...]) -> Iterator[str]:
        for item in items:
            alias = self.aliases.get(("Cmnd", item.name))
            if alias is None:
                yield item.name
            else:
                yield from (one.path for one in self.commands(alias.commands) if not one.is_negated)

    def _is_in(self, kind: str, items: tuple[Item, ...], name: str) -> bool:
        is_in = False
        for item in self.opened(kind, items):
            if item.name in (name, "ALL"):
                is_in = not item.is_negated
        return is_in

    def _open(self, kind: str, items: tuple[Item, ...], inside: tuple[str, ...]) -> tuple[Item, ...]:
        found: dict[Item, None] = {}
        for item in items:
            for one in self._item(kind, item, inside):
                found.pop(one, None)  # the last of equal members counts
                found[one] = None
            _watch(len(found), inside)
        return tuple(found)

    def _item(self, kind: str, item: Item, inside: tuple[str, ...]) -> tuple[Item, ...]:
        alias = self.aliases.get((kind, item.name))
        if alias is None:
            if _NAME.fullmatch(item.name) and item.name != "ALL":
                self.undefined[item.name] = None
            return (item,)
        _watch(0, inside)
        if item.name in inside:
            raise Wrong(f"the alias {item.name} contains itself")
        if (kind, item.name) not in self._opened:
            self._opened[kind, item.name] = self._open(kind, alias.items, (*inside, item.name))
        opened = self._opened[kind, item.name]
        return opened if not item.is_negated else tuple(Item(one.name, not one.is_negated) for one in opened)

    def _commands(self, given: Iterable[Command], inside: tuple[str, ...]) -> tuple[Command, ...]:
        found: dict[Command, None] = {}
        for one in given:
            for inner in self._inner(one, inside) if one.is_alias else (one,):
                found.pop(inner, None)
                found[inner] = None
            _watch(len(found), inside)
        return tuple(found)

    def _inner(self, one: Command, inside: tuple[str, ...]) -> Iterator[Command]:
        alias = self.aliases.get(("Cmnd", one.path))
        if alias is None:
            raise Wrong(f"the alias {one.path} is not defined in this file")
        _watch(0, inside)
        if one.path in inside:
            raise Wrong(f"the alias {one.path} contains itself")
        if one.path not in self._opened_commands:
            self._opened_commands[one.path] = self._commands(alias.commands, (*inside, one.path))
        for inner in self._opened_commands[one.path]:
            is_negated = inner.is_negated != one.is_negated
            yield replace(
                inner,
                is_negated=is_negated,
                users=one.users,
                groups=one.groups,
                tags=one.tags,
                options=one.options,
            )


def _watch(count: int, inside: tuple[str, ...]) -> None:
    if count > MOST_ITEMS or len(inside) > DEEPEST:
        raise Wrong("its aliases open to too many names, or stand in each other too deeply")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a statement or an entry says: who, where, what, and from when to when."""

    line: int
    users: tuple[Item, ...]
    hosts: tuple[Item, ...]
    commands: tuple[Command, ...]
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def rules(policy: Policy, asked: Asked) -> Iterator[Rule]:
    """Every rule of one statement: once for each user, account to run as, and host."""
    subjects = kept(policy.opened("User", asked.users))
    places = kept(policy.opened("Host", asked.hosts))
    count = 0
    for group in _groups(policy.commands(asked.commands)):
        if all(one.is_negated for one in group):
            continue
        for target in _targets(policy, group[0]):
            for place in places:
                for subject in subjects:
                    count += 1
                    _watch_rules(policy, count, asked.line)
                    yield _rule(policy, asked, _Case(subject, place, target, group))


def _watch_rules(policy: Policy, count: int, line: int) -> None:
    policy.total += 1
    if count > MOST_RULES:
        raise Wrong(f"it opens to more than {MOST_RULES:,} rules")
    if policy.total > MOST_ALL_TOLD:
        raise Unreadable(
            "too_many_rules",
            f"The rules open to more than {MOST_ALL_TOLD:,} (users × accounts × hosts), the last of them in "
            f"line {line}. Import the files of fewer hosts at once.",
            line,
        )


def kept(items: tuple[Item, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Members that a list means, each with the names that are taken away from it behind."""
    found: list[tuple[str, tuple[str, ...]]] = []
    taken: dict[str, None] = {}
    for item in reversed(items):
        if item.is_negated:
            taken[item.name] = None
        elif item.name not in taken and "ALL" not in taken:
            may_hold = (
                item.name == "ALL" or item.name[:1] in ("%", "+") or "/" in item.name or "*" in item.name
            )
            found.append((item.name, tuple(reversed(taken)) if may_hold else ()))
    return found[::-1]


@dataclass(frozen=True, slots=True)
class _Case:
    """One user, host and account of a statement; names are with those that are taken away from them."""

    subject: tuple[str, tuple[str, ...]]
    place: tuple[str, tuple[str, ...]]
    target: Target
    group: tuple[Command, ...]


def _rule(policy: Policy, asked: Asked, case: _Case) -> Rule:
    (subject, excluded), (place, without) = case.subject, case.place
    target = case.target
    runs_as = "root" if target.user == "" else target.user or subject
    settings = policy.applied(subject, place, runs_as)
    if target.user == "":
        default = settings.get("runas_default", "no")
        target = replace(target, user="root" if default in ("yes", "no") else default)
    own = [policy.for_command(one.path) for one in case.group if not one.is_negated]
    for name in SETTINGS:
        # Of several commands a setting is told only if it holds for each of them.
        if all(name in one for one in own) and len({one[name] for one in own}) == 1:
            settings[name] = own[0][name]
    for tag, is_on in case.group[0].tags:
        if tag == "EXEC":
            settings["noexec"] = "no" if is_on else "yes"
        elif tag in _TAGS:
            settings[_TAGS[tag]] = "yes" if is_on else "no"
    return Rule(
        line=asked.line,
        subject=subject,
        excluded=excluded,
        target=target,
        host=f"{place} except {', '.join(without)}" if without else place,
        commands=tuple(replace(one, users=None, groups=(), tags=(), options=()) for one in case.group),
        settings=tuple(sorted(settings.items())),
        options=case.group[0].options,
        starts_at=asked.starts_at,
        ends_at=asked.ends_at,
    )


def _groups(commands: tuple[Command, ...]) -> Iterator[tuple[Command, ...]]:
    """Commands that run under the same conditions, together."""
    held: list[Command] = []
    for one in commands:
        if held and _conditions(held[0]) != _conditions(one):
            yield tuple(held)
            held = []
        held.append(one)
    if held:
        yield tuple(held)


def _conditions(one: Command) -> tuple[object, ...]:
    return one.users, one.groups, one.tags, one.options


def _targets(policy: Policy, one: Command) -> list[Target]:
    """Accounts to run as; an empty name stands for the default, which is root unless a setting says else."""
    groups = tuple(name for name, _ in kept(policy.opened("Runas", one.groups)))
    if one.users is None:
        return [Target("", groups)]
    if not one.users:
        return [Target(None, groups)]
    return [Target(name, groups, without) for name, without in kept(policy.opened("Runas", one.users))]
