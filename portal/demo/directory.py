"""DIR on a day of the story, as `ldapsearch` writes an Active Directory: people, machines, nested groups.

An object's GUID and SID tell two holders of one login apart, and stay when a name changes.
"""

import base64
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from portal.demo import staff, tables
from portal.demo.calendar import Calendar
from portal.demo.tables import Row

BASE = "DC=nordhaven,DC=example"
_DOMAIN = (21, 3402117791, 1480226735, 290914)
_BUILTIN = (32,)
# Numbers that these groups have in every domain; Windows knows them by nothing else.
_KNOWN_GROUPS = {
    "Domain Admins": (*_DOMAIN, 512),
    "Administrators": (*_BUILTIN, 544),
    "Server Operators": (*_BUILTIN, 549),
    "Backup Operators": (*_BUILTIN, 551),
}
_FIRST_NUMBERS = {"Chiara Neri": "5009"}  # the account was hers before her second number
_FIRST_MACHINE, _FIRST_GROUP = 9001, 20001
_NORMAL_ACCOUNT = "512"  # userAccountControl
_FILE_TIME = datetime(1601, 1, 1, tzinfo=UTC)
_WIDTH = 76
Attribute = tuple[str, str | bytes]


def export(calendar: Calendar, day: int) -> bytes:
    """`ldapsearch -b DC=nordhaven,DC=example '*' '+'`, with passwords, which nobody may keep."""
    entries = list(_entries(calendar, day))
    lines = [
        *("# extended LDIF", "#", "# LDAPv3", f"# base <{BASE}> with scope subtree"),
        *("# filter: (objectclass=*)", "# requesting: * + ", "#", ""),
        *(line for entry in entries for line in (*_written(entry), "")),
        *("# search result", "search: 2", "result: 0 Success", ""),
        *(f"# numResponses: {len(entries) + 1}", f"# numEntries: {len(entries)}"),
    ]
    return ("\n".join(lines) + "\n").encode()


def _entries(calendar: Calendar, day: int) -> Iterator[list[Attribute]]:
    yield [("dn", BASE), ("objectClass", "top"), ("objectClass", "domainDNS"), ("dc", "nordhaven")]
    for unit in ("People", "Service accounts", "Groups"):
        yield [
            ("dn", f"OU={unit},{BASE}"),
            ("objectClass", "top"),
            ("objectClass", "organizationalUnit"),
            ("ou", unit),
        ]
    members: dict[str, list[str]] = {}
    for dn, groups, entry in (*_people(calendar, day), *_machines(calendar, day)):
        for group in groups:
            members.setdefault(group, []).append(dn)
        yield entry
    known = [row for row in tables.rows("rights") if row["system"] == "DIR"]
    for row in known:
        if row["inside"]:
            members.setdefault(row["inside"], []).append(_group_dn(row["right"]))
    for number, row in enumerate(known, _FIRST_GROUP):
        yield _group(number, row, members.get(row["right"], []))


Account = tuple[str, list[str], list[Attribute]]


def _people(calendar: Calendar, day: int) -> Iterator[Account]:
    """Everybody who has an account, with their groups."""
    held = _held(day)
    for person in staff.with_an_account(day):
        login, dn = staff.login_of(person.name), f"CN={person.name},OU=People,{BASE}"
        since = staff.first_days()[person.login]
        groups = ["All Staff", person.row["department"]]
        groups += held.get(f"*{person.row['department']}", []) + held.get(login, [])
        number = int(_FIRST_NUMBERS.get(person.name, person.number))
        given, _, family = person.name.partition(" ")
        yield (
            dn,
            groups,
            [
                ("dn", dn),
                *_classes("person", "organizationalPerson", "user"),
                *_known_by(number, person.name),
                ("givenName", given),
                ("sn", family),
                ("displayName", person.name),
                ("sAMAccountName", login),
                ("mail", person.email),
                ("employeeNumber", person.number),
                ("userAccountControl", _NORMAL_ACCOUNT),
                ("whenCreated", _general(calendar.date(since))),
                ("lastLogonTimestamp", _filetime(calendar.day(day - 1 - number % 4))),
                ("pwdLastSet", _filetime(calendar.day(day - 3 - number * 7 % 80))),
                ("userPassword", f"Start-{person.number}".encode()),
            ],
        )


def _machines(calendar: Calendar, day: int) -> Iterator[Account]:
    """Service accounts are those with a service principal name."""
    held = _held(day)
    about = {row["name"]: row for row in tables.rows("machines")}
    since = {row["account"]: row["since"] for row in reversed(tables.rows("holdings"))}
    for number, row in enumerate(tables.rows("directory"), _FIRST_MACHINE):
        name, known = row["account"], about[row["account"]]
        dn = f"CN={name},OU=Service accounts,{BASE}"
        set_on = row["password"] if int(row["password"]) <= day else ""
        yield (
            dn,
            held[name],
            [
                ("dn", dn),
                *_classes("person", "organizationalPerson", "user"),
                *_known_by(number, name),
                ("sAMAccountName", name),
                ("servicePrincipalName", f"{row['service']}.nordhaven.example"),
                *([("description", known["purpose"])] if known["purpose"] else []),
                ("info", f"environment: {known['environment']}"),
                *([("managedBy", f"CN={known['named']},OU=People,{BASE}")] if known["named"] else []),
                ("userAccountControl", row["control"]),
                ("whenCreated", _general(calendar.date(since[name]))),
                ("lastLogonTimestamp", _filetime(calendar.day(day - 1))),
                *([("pwdLastSet", _filetime(calendar.date(set_on)))] if set_on else []),
            ],
        )


def _group(number: int, row: Row, members: list[str]) -> list[Attribute]:
    name = row["right"]
    return [
        ("dn", _group_dn(name)),
        *_classes("group"),
        *_known_by(number, name, sid=_KNOWN_GROUPS.get(name)),
        ("sAMAccountName", name),
        ("description", row["description"]),
        *(("member", member) for member in members),
    ]


def _group_dn(name: str) -> str:
    return f"CN={name},OU=Groups,{BASE}"


def _held(day: int) -> dict[str, list[str]]:
    """Groups by account; `*` and a department stand for all of its people."""
    held: dict[str, list[str]] = {}
    for row in tables.rows_on("holdings", day):
        if row["system"] == "DIR":
            held.setdefault(row["account"], []).append(row["right"])
    return held


# Values


def _classes(*names: str) -> list[Attribute]:
    return [("objectClass", name) for name in ("top", *names)]


def _known_by(number: int, name: str, sid: tuple[int, ...] | None = None) -> list[Attribute]:
    """What stays when it is renamed, and what it is called."""
    guid = uuid.uuid5(uuid.NAMESPACE_DNS, f"{number}.nordhaven.example")
    return [
        ("cn", name),
        ("objectGUID", guid.bytes_le),
        ("objectSid", _sid(sid or (*_DOMAIN, number))),
    ]


def _sid(parts: tuple[int, ...]) -> bytes:
    """As Active Directory stores it."""
    return bytes([1, len(parts), 0, 0, 0, 0, 0, 5]) + b"".join(part.to_bytes(4, "little") for part in parts)


def _general(day: date | None) -> str:
    return f"{day or date(2014, 1, 1):%Y%m%d}043000.0Z"


def _filetime(day: date | None) -> str:
    """Steps of 100 ns since 1601, at four in the morning; 0 is never."""
    if day is None:
        return "0"
    at = datetime.combine(day, time(4), UTC)
    return str(int((at - _FILE_TIME).total_seconds()) * 10_000_000)


def _written(entry: list[Attribute]) -> Iterator[str]:
    """One entry by RFC 2849: base64 where it has to be, long lines folded."""
    for name, value in entry:
        if isinstance(value, str) and value.isascii() and not value.startswith((" ", ":", "<")):
            line = f"{name}: {value}"
        else:
            raw = value if isinstance(value, bytes) else value.encode()
            line = f"{name}:: {base64.b64encode(raw).decode()}"
        yield line[:_WIDTH]
        for at in range(_WIDTH, len(line), _WIDTH - 1):
            yield f" {line[at : at + _WIDTH - 1]}"
