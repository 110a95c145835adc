"""`sudoRole` entries of a directory (LDIF) as rules; the entry `cn=defaults` holds settings for all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

from accounts.connectors.ldif.entries import Entry, Reader
from accounts.connectors.ldif.names import canonical, first_value, suffix
from accounts.connectors.ldif.values import generalized
from accounts.connectors.records import Rejected
from accounts.connectors.sudoers.policy import SETTINGS, Asked, Policy, Rule, rules
from accounts.connectors.sudoers.syntax import Command, Defaults, Item, Wrong, command, setting

_WANTED = frozenset(
    {
        *("objectclass", "cn", "sudouser", "sudohost", "sudocommand", "sudooption", "sudorunas"),
        *("sudorunasuser", "sudorunasgroup", "sudonotbefore", "sudonotafter", "sudoorder"),
    }
)


class Roles:
    """The rules of one file; the settings for all are looked for first."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._policy = Policy()
        self.others = 0  # entries that are no sudoRole
        self.forbidding = 0
        self.base: str | None = None  # the end that all names share
        for entry in self._entries():
            if isinstance(entry, Rejected):
                continue
            self.base = suffix(canonical(entry.dn) or "", self.base)
            if _is_defaults(entry):
                self._policy.defaults.append(Defaults("", (), tuple(_settings(entry))))
        self.others = 0

    def __iter__(self) -> Iterator[Rule | Rejected]:
        for entry in self._entries():
            if isinstance(entry, Rejected):
                yield entry
            elif not _is_defaults(entry):
                try:
                    found = list(self._rules(entry))
                except Wrong as wrong:
                    yield Rejected(
                        entry.line,
                        "bad_rule",
                        f"The sudoRole in line {entry.line} is not read: {wrong}. Correct it in the "
                        "directory.",
                        entry.dn[:200],
                    )
                    continue
                self.forbidding += not found
                yield from found

    def _entries(self) -> Iterator[Entry | Rejected]:
        self._stream.seek(0)
        for item in Reader(self._stream, _WANTED, frozenset()):
            if isinstance(item, Rejected):
                yield item
            elif isinstance(item, Entry) and not item.is_broken:
                if "sudorole" in {said.lower() for said in item.texts("objectclass")}:
                    yield item
                else:
                    self.others += 1

    def _rules(self, entry: Entry) -> Iterator[Rule]:
        users, hosts = entry.texts("sudouser"), entry.texts("sudohost")
        given = [command(said) for said in entry.texts("sudocommand")]
        missing = [
            name
            for name, said in (("sudoUser", users), ("sudoHost", hosts), ("sudoCommand", given))
            if not said
        ]
        if missing:
            raise Wrong(f"it has no {' and no '.join(missing)}, and sudo ignores it")
        policy = Policy(defaults=[*self._policy.defaults, Defaults("", (), tuple(_settings(entry)))])
        asked = Asked(
            entry.line, _items(users), _items(hosts), _commands(entry, given), _from(entry), _until(entry)
        )
        yield from rules(policy, asked)


def _commands(entry: Entry, given: list[Command]) -> tuple[Command, ...]:
    """In a directory nothing has an order, so what is forbidden comes last and wins."""
    users = entry.texts("sudorunasuser") or entry.texts("sudorunas")
    groups = entry.texts("sudorunasgroup")
    # An empty value means whoever calls, no value the default.
    is_said = any(entry.values.get(name) for name in ("sudorunasuser", "sudorunas", "sudorunasgroup"))
    runas = _items(users) if users else () if is_said else None
    ordered = sorted(given, key=lambda one: one.is_negated)
    return tuple(replace(one, users=runas, groups=_items(groups)) for one in ordered)


def _items(names: list[str]) -> tuple[Item, ...]:
    """Names with their `!`; a negated one wins wherever it stands."""
    items = [
        Item(name.lstrip("!").strip(), (len(name) - len(name.lstrip("!"))) % 2 == 1)
        for name in names
        if name.strip("!")
    ]
    return tuple(sorted(items, key=lambda item: item.is_negated))


def _settings(entry: Entry) -> Iterator[tuple[str, bool, str]]:
    for said in entry.texts("sudooption"):
        try:
            name, is_on, value = setting(said)
        except Wrong:
            continue  # names that no release of sudo knows change nothing
        if name in SETTINGS:
            yield name, is_on, value


def _is_defaults(entry: Entry) -> bool:
    return first_value(entry.dn).lower() == "defaults" and not entry.texts("sudouser")


def _from(entry: Entry) -> datetime | None:
    """The earliest of several."""
    found = _moments(entry, "sudonotbefore")
    return min(found) if found else None


def _until(entry: Entry) -> datetime | None:
    """The latest of several."""
    found = _moments(entry, "sudonotafter")
    return max(found) if found else None


def _moments(entry: Entry, name: str) -> list[datetime]:
    try:
        return [at for said in entry.texts(name) if (at := generalized(said)) is not None]
    except ValueError:
        raise Wrong("its time is not written as 20261231235959Z") from None
