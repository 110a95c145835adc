"""sudoers: who may run what as whom on which host, from a sudoers(5) file or from sudoRole entries (LDIF).

A rule is an entitlement of the kind *may act as*, once for every account it runs as and every host. The
users that it names are its holders; groups, netgroups and ALL are groups that bring it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.ldif import is_mostly_sudo
from accounts.connectors.ldif import secrets as ldif_secrets
from accounts.connectors.ldif import sniff as sniff_ldif
from accounts.connectors.ldif.names import domain
from accounts.connectors.ldif.values import generalized
from accounts.connectors.records import Header, Record, Rejected, Unreadable
from accounts.connectors.sudoers.admit import LIMIT, admit_sudoers
from accounts.connectors.sudoers.ldif import Roles
from accounts.connectors.sudoers.policy import Asked, Policy, Rule, rules
from accounts.connectors.sudoers.records import Records
from accounts.connectors.sudoers.syntax import (
    Alias,
    Command,
    Defaults,
    Include,
    Spec,
    Statement,
    Wrong,
    parsed,
    statements,
)
from accounts.connectors.text import Readable
from accounts.connectors.values import zone_of

KEY, VERSION = "sudoers", 1
OPTIONS = ("complete", "encoding", "zone")
HEAD = 64 * 1024  # bytes that tell whether it is LDIF
_MARKED = re.compile(
    r"ALL[ \t]*=|=[ \t]*\(|NOPASSWD[ \t]*:|^Defaults|_Alias[ \t]|=[ \t]*(?:ALL|sudoedit)\b", re.MULTILINE
)
_MOST_STATEMENTS = 200  # that sniffing parses


def sniff(head: bytes, name: str) -> float:
    """Statements that parse, one of them such as no other file has; or LDIF of sudoRole entries."""
    begin = text.beginning(head) or ""
    if sniff_ldif(head, name) > 0:
        return (
            1.0
            if is_mostly_sudo(begin)
            else 0.3
            if re.search(r"(?im)^objectclass: *sudorole", begin)
            else 0.0
        )
    if not _MARKED.search(begin):
        return 0.0
    lines = begin.splitlines()
    lines = lines[:-1] if len(head) >= HEAD and len(lines) > 1 else lines
    good = bad = 0
    for at, statement in enumerate(statements(lines)):
        if at >= _MOST_STATEMENTS:
            break
        try:
            parsed(statement.text)
            good += 1
        except Wrong:
            bad += 1
    share = good / (good + bad) if good else 0.0
    return (
        1.0
        if share == 1.0
        else 0.8
        if share > 0.8
        else 0.2
        if share > 0.5 and "sudoers" in name.lower()
        else 0.0
    )


def admit(stream: Readable, mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets and remarks, in either form."""
    again = _Again(stream)
    if sniff_ldif(again.head, "") > 0:
        return ldif_secrets.admit(again, mapping, sink)
    return admit_sudoers(again, mapping, sink)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Accounts and groups, then rules, then who has them."""
    head = stream.read(HEAD)
    stream.seek(0)
    found = _of_ldif(stream) if sniff_ldif(head, "") > 0 else _of_file(stream, mapping)
    return _header(found, mapping), _records(found)


@dataclass(slots=True)
class _Found:
    """What a file gave."""

    records: Records = field(default_factory=Records)
    rejected: list[Rejected] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    base: str | None = None  # where the directory's entries stand


class _File:
    """A sudoers file: aliases and settings may stand behind the rules that use them."""

    def __init__(self, lines: Iterator[str], zone: tzinfo) -> None:
        self.policy, self.found = Policy(), _Found()
        self._zone = zone
        self._specs: list[tuple[Statement, Spec]] = []
        self._includes: list[str] = []
        self._forbidding = 0
        for statement in statements(lines):
            try:
                self._take(statement)
            except Wrong as wrong:
                self._reject(statement, wrong)
        for statement, spec in self._specs:
            try:
                for rule in self._rules(statement, spec):
                    self.found.records.add(rule)
            except Wrong as wrong:
                self._reject(statement, wrong)

    def finish(self) -> _Found:
        """The notes come last, when everything was read."""
        if not (self._specs or self.policy.aliases or self.policy.defaults or self._includes):
            first = self.found.rejected[0].line if self.found.rejected else 1
            raise Unreadable(
                "not_sudoers",
                f"Nothing in the file is a sudoers statement; the first that is none stands in line "
                f"{first}. Take "
                "/etc/sudoers or a file of /etc/sudoers.d as it is.",
                first,
            )
        if self._includes:
            named = ", ".join(self._includes[:5]) + (" …" if len(self._includes) > 5 else "")
            self.found.doubts.append(
                f"The file reads others that are not in it ({named}). Import them too, or what “cvtsudoers "
                "-f "
                "sudoers” makes of all of them."
            )
        if self.policy.undefined:
            names = list(self.policy.undefined)
            named = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
            self.found.notes.append(
                f"Names in capitals that no alias in this file explains ({named}). sudo takes them for users "
                "or hosts of that name, and so does this reading."
            )
        if self._forbidding:
            self.found.notes.append(
                f"Rules that only forbid: {self._forbidding}. They give nothing; what they take from rules "
                "above "
                "them is not taken off here, so a person has to look."
            )
        return self.found

    def _take(self, statement: Statement) -> None:
        one = parsed(statement.text)
        if isinstance(one, Include):
            self._includes.append(one.path[:100])
        elif isinstance(one, Defaults):
            self.policy.defaults.append(one)
        elif isinstance(one, Spec):
            self._specs.append((statement, one))
        else:
            for alias in [one] if isinstance(one, Alias) else one:
                self.policy.define(alias)

    def _rules(self, statement: Statement, spec: Spec) -> list[Rule]:
        made: list[Rule] = []
        for hosts, commands in spec.parts:
            for group in _by_time(commands):
                start, end = self._moment(group[0], "NOTBEFORE"), self._moment(group[0], "NOTAFTER")
                asked = Asked(statement.line, spec.users, hosts, group, start, end)
                made += rules(self.policy, asked)
        self._forbidding += not made
        return made

    def _moment(self, one: Command, name: str) -> datetime | None:
        said = dict(one.options).get(name)
        try:
            return generalized(said, self._zone) if said else None
        except ValueError:
            raise Wrong(f"{name} is not written as 20261231235959Z") from None

    def _reject(self, statement: Statement, wrong: Wrong) -> None:
        self.found.rejected.append(
            Rejected(
                statement.line,
                "bad_statement",
                f"The statement in line {statement.line} is not read: {wrong}. Correct it; “visudo -c” "
                "shows what "
                "sudo thinks of it.",
                statement.text[:200],
            )
        )


def _by_time(commands: tuple[Command, ...]) -> Iterator[tuple[Command, ...]]:
    """Commands with the same term, together."""
    held: list[Command] = []
    for one in commands:
        if held and _term(held[0]) != _term(one):
            yield tuple(held)
            held = []
        held.append(one)
    if held:
        yield tuple(held)


def _term(one: Command) -> tuple[str | None, str | None]:
    options = dict(one.options)
    return options.get("NOTBEFORE"), options.get("NOTAFTER")


def _of_file(stream: BinaryIO, mapping: Options) -> _Found:
    whole = text.whole(stream, LIMIT)
    lines = whole.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _File(iter(lines), zone_of(mapping)).finish()


def _of_ldif(stream: BinaryIO) -> _Found:
    found = _Found()
    roles = Roles(stream)
    for one in roles:
        if isinstance(one, Rejected):
            found.rejected.append(one)
        else:
            found.records.add(one)
    found.base = domain(roles.base) or None if roles.base is not None else None
    if roles.others:
        found.notes.append(
            f"Entries that are no sudoRole: {roles.others}. Import the file as LDIF as well for accounts "
            "and groups."
        )
    if roles.forbidding:
        found.notes.append(f"Roles that only forbid: {roles.forbidding}. They give nothing.")
    return found


def _header(found: _Found, mapping: Options) -> Header:
    doubts = list(found.doubts)
    if found.rejected:
        doubts.append(
            f"Statements that could not be read: {len(found.rejected)}. sudo may refuse the whole file."
        )
    if mapping.get("complete", "").strip().casefold() not in ("yes", "true", "ja", "1"):
        doubts.append(
            "Nothing says that this file lists everything, so what is missing in it does not count as "
            "gone. Set the "
            "option “complete” to yes if there is no other source of rules."
        )
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=found.base,
        is_full=not doubts,
        covers=frozenset({"account", "entitlement", "inclusion", "grant"}),
        notes=(*doubts, *found.notes),
    )


def _records(found: _Found) -> Iterator[Record]:
    yield from found.rejected
    yield from found.records


class _Again:
    """A stream whose beginning was looked at, read from its beginning."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.head = stream.read(HEAD)
        self._rest = self.head

    def read(self, size: int, /) -> bytes:
        if self._rest:
            data, self._rest = self._rest[:size], self._rest[size:]
            return data
        return self._stream.read(size)


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="sudoers (file, or sudoRole entries as LDIF)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
