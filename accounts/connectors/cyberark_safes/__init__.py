"""CyberArk: members of safes as CSV, one row a member, as PVWA reports and psPAS write them.

    Safe,MemberName,MemberType,UseAccounts,RetrieveAccounts,ManageSafe,MembershipExpirationDate
    Core-Unix-Root,aiko,User,True,False,False,1767225599

Permissions are columns of yes and no, or one column that lists them. Of a safe, permissions that mean the
same to whoever decides are one entitlement: use, see the passwords, administer, confirm, change, look.
Members of the type group or role bring what they hold to members of theirs, whom the file does not name.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from accounts.connectors import tables, values
from accounts.connectors.admit_csv import admit_table
from accounts.connectors.columns import require, resolve
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.cyberark_safes.columns import FIELDS, PERMISSIONS, POWERS, Power, permissions_in
from accounts.connectors.records import (
    Account,
    Entitlement,
    Grant,
    Header,
    Inclusion,
    Record,
    Rejected,
    Unreadable,
)
from accounts.connectors.secret_names import is_secret_name, normal
from accounts.connectors.tables import Row, Table
from accounts.connectors.text import Readable
from accounts.connectors.values import Unclear

KEY, VERSION = "cyberark_safes", 1
OPTIONS = ("encoding", "dates", "zone", "complete")
GROUP = "group:"
_GROUPS = frozenset({"group", "role", "gruppe", "rolle"})
_USERS = frozenset({"user", "users", "benutzer", "account"})
_LONGEST = 200


def sniff(head: bytes, _name: str) -> float:
    """A safe, a member and permissions of safes; nobody else has those columns."""
    words = tables.header_words(head)
    if not words & set(FIELDS["safe"]) or not words & set(FIELDS["member"]):
        return 0.0
    named = len({PERMISSIONS[word] for word in words if word in PERMISSIONS})
    return 1.0 if named >= 3 else 0.8 if named or "permissions" in words else 0.0


def admit(stream: Readable, mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets."""
    table = Table(stream, mapping.get("encoding"))
    _columns(table, mapping)
    return admit_table(table, sink)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Each right before the member that holds it."""
    found = tables.survey(stream)
    table = Table(stream)
    at, flags = _columns(table, mapping)
    is_full, notes = tables.is_complete(table, mapping.get("complete"), found)
    header = Header(
        format=KEY,
        version=VERSION,
        system_reference=table.remarks.get("system") or None,
        taken_at=tables.taken_at(table),
        is_full=is_full,
        covers=frozenset({"entitlement", "grant", "inclusion"}),
        columns=table.columns,
        unmapped=tuple(
            name
            for place, name in enumerate(table.columns)
            if place not in at.values() and place not in flags
        ),
        control_total=found.total if found else table.total,
        notes=(
            *notes,
            "Who is in a group that is a member of a safe is not in this file, nor are users without a safe.",
        ),
    )
    return header, _Members(table, at, flags, mapping).records()


def _columns(table: Table, mapping: Options) -> tuple[dict[str, int], dict[int, str]]:
    """The places of the fields, and those of permissions."""
    flags = {
        place: PERMISSIONS[normal(name)]
        for place, name in enumerate(table.columns)
        if normal(name) in PERMISSIONS
    }
    for place, permission in flags.items():
        if is_secret_name(table.columns[place]):
            raise Unreadable(
                "permission_like_secret",
                f"Column {place + 1} is a permission and is named like a secret, which is never kept. Name "
                f"it as the API does: {permission}.",
                table.header.line,
            )
    at = {
        field: place
        for field, place in resolve(table, FIELDS, mapping, OPTIONS).items()
        if place not in flags
    }
    require(table, at, (("safe",), ("member",)))
    if not flags and "permissions" not in at:
        raise Unreadable(
            "wrong_columns",
            f"The header in line {table.header.line} has no column for a permission, such as UseAccounts or "
            "RetrieveAccounts. Export the members of the safes with their permissions.",
            table.header.line,
        )
    return at, flags


class _Members:
    """The rows of one file."""

    def __init__(self, table: Table, at: dict[str, int], flags: dict[int, str], mapping: Options) -> None:
        self._table, self._at, self._flags = table, at, flags
        self._order, self._zone = values.order_of(mapping), values.zone_of(mapping)
        self._rights: set[str] = set()
        self._members: dict[str, bool] = {}  # name in lower case -> is a group
        self._pairs: dict[tuple[str, str], int] = {}

    def records(self) -> Iterator[Record]:
        rows = 0
        for row in self._table:
            rows += row.counts
            if (refused := tables.ragged(row, self._table.columns)) is not None:
                yield refused
            elif row.cells:
                try:
                    yield from self._row(row)
                except Unclear as unclear:
                    yield Rejected(row.line, unclear.code, unclear.reason, row.excerpt)
        if (wrong := tables.wrong_total(self._table, rows)) is not None:
            yield wrong

    def _row(self, row: Row) -> list[Record]:
        safe, member = self._cell(row, "safe"), self._cell(row, "member")
        if safe is None or member is None:
            raise Unclear("no_member", "The row names no safe or no member. Export it again.")
        is_group = self._is_group(row, member)
        pair = (safe.casefold(), member.casefold())
        if pair in self._pairs:
            raise Unclear(
                "duplicate_member",
                f"{member} is already a member of {safe} in line {self._pairs[pair]}. Export it again.",
            )
        held, unknown = self._permissions(row)
        if unknown:
            raise Unclear(
                "unknown_permission",
                f"“{unknown[0][:40]}” is no permission that is known here. Correct the row, or leave the "
                "word away.",
            )
        ends_at = self._expiry(row)
        # From here on nothing is refused, so the row counts.
        self._pairs[pair] = row.line
        made: list[Record] = []
        if pair[1] not in self._members:
            self._members[pair[1]] = is_group
            made.append(_group(member, row.line) if is_group else _account(member, row.line, self._flag(row)))
        for power in POWERS:
            if held.isdisjoint(power.permissions):
                continue
            right = f"safe:{safe.casefold()}:{power.key}"
            if right not in self._rights:
                self._rights.add(right)
                made.append(_right(right, safe, power, row.line, self._cell(row, "description")))
            if is_group:
                made.append(Inclusion(f"{GROUP}{pair[1]}", right, row.line))
            else:
                made.append(Grant(pair[1], right, row.line, ends_at=ends_at))
        return made

    def _permissions(self, row: Row) -> tuple[set[str], list[str]]:
        held = {
            permission
            for place, permission in self._flags.items()
            if _holds(row.cells[place], self._table.columns[place])
        }
        listed, unknown = (
            permissions_in(row.cells[self._at["permissions"]]) if "permissions" in self._at else (set(), [])
        )
        return held | listed, unknown

    def _is_group(self, row: Row, member: str) -> bool:
        said = (self._cell(row, "member_type") or "").casefold()
        if said and said not in _GROUPS and said not in _USERS:
            raise Unclear("unknown_type", f"“{said[:40]}” is no type of member. Use User, Group or Role.")
        is_group = said in _GROUPS
        if self._members.get(member.casefold(), is_group) is not is_group:
            raise Unclear(
                "two_types", f"{member} is a user in one row and a group in another. Export it again."
            )
        return is_group

    def _expiry(self, row: Row) -> datetime | None:
        """A date, or seconds since 1970 as the API writes them."""
        said = self._cell(row, "expires")
        if said is None:
            return None
        if said.isascii() and said.isdigit() and len(said) <= 12:
            return datetime.fromtimestamp(int(said), UTC) if 0 < int(said) < 253_402_300_800 else None
        return values.moment(said, "expires", self._order, self._zone)

    def _flag(self, row: Row) -> bool | None:
        place = self._at.get("predefined")
        return values.yes_or_no(row.cells[place], "predefined") if place is not None else None

    def _cell(self, row: Row, field: str) -> str | None:
        place = self._at.get(field)
        return (
            values.text(row.cells[place], _LONGEST if field != "description" else values.WORDS_LIMIT)
            if (place is not None)
            else None
        )


def _holds(cell: str, column: str) -> bool:
    """Yes or no; the old request level is a number above zero."""
    said = cell.strip()
    if said in ("2", "3"):
        return True
    return values.yes_or_no(said, column) is True


def _account(name: str, line: int, is_predefined: bool | None) -> Account:
    """A user of the vault. Those that it comes with are of the product, not of a person."""
    return Account(
        external_id=name.casefold(),
        name=name,
        line=line,
        kind="machine" if is_predefined else None,
        hints=(("purpose", "Comes with CyberArk (predefined user)"),) if is_predefined else (),
    )


def _group(name: str, line: int) -> Entitlement:
    return Entitlement(
        external_id=f"{GROUP}{name.casefold()}",
        name=name,
        kind="group",
        line=line,
        plain_words=f"Member of the group {name}, which hands on its rights on safes.",
    )


def _right(key: str, safe: str, power: Power, line: int, description: str | None) -> Entitlement:
    words = power.words.format(safe=safe)
    return Entitlement(
        external_id=key,
        name=power.name.format(safe=safe),
        kind=power.kind,
        line=line,
        plain_words=f"{words} The safe: {description}" if description else words,
        is_privileged=power.is_privileged,
        because=power.because,
        reach=power.reach,
        marks=power.marks,
    )


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="CyberArk safe members (CSV)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant"}),
    sniff=sniff,
    admit=admit,
    read=read,
    fields=tuple(FIELDS),
    options=OPTIONS,
)
