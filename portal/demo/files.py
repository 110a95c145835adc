"""What HR and the systems of Nordhaven Bank export on a day of the story, as their people would send it."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from io import StringIO

from portal.demo import gateway, staff, tables
from portal.demo.calendar import Calendar
from portal.demo.tables import Row

TAKEN = "04:30"  # every export runs at night
_SHARED = {"opsdesk"}
# Where the disk of the export ran full: everything behind it is missing.
_CUT_AT = ("grant", "LIMIT_ADMIN")


def people(calendar: Calendar, day: int) -> bytes:
    """HR's export of both companies. It says more about people than anybody may keep here."""
    rows = [
        {
            "employee number": person.number,
            "name": person.name,
            "email": person.email,
            "company": person.row["employer"],
            "employment type": person.row["kind"],
            "job title": person.row["title"],
            "department": person.row["department"],
            "manager number": person.row["manager"],
            "sponsor": person.row["sponsor"],
            "start date": _day(calendar, person.row["starts"]),
            "end date": _day(calendar, person.row["ends"]),
            "status": person.row["status"],
            "salary band": "BCDE"[int(person.number) % 4],
            "date of birth": _birthday(int(person.number)),
        }
        for person in staff.on(day)
    ]
    return _table("people", rows, _remarks(calendar, day, len(rows)))


def fjordpay(calendar: Calendar, day: int) -> bytes:
    """The export of the company that was bought: its numbers begin at 1001 as well."""
    rows = [
        {
            "employee number": row["number"],
            "name": row["name"],
            "email": f"{'.'.join(row['name'].lower().split())}@fjordpay.example",
            "company": "Fjordpay",
            "employment type": "employee",
            "job title": row["title"],
            "department": row["department"],
            "manager number": row["manager"],
            "start date": row["starts"],
            "status": "active",
        }
        for row in tables.rows("fjordpay")
    ]
    return _table("fjordpay", rows, _remarks(calendar, day, len(rows)))


def inventory(calendar: Calendar, day: int, system: str, *, is_cut: bool = False) -> bytes:
    """CORE and its test copy: accounts, rights, who holds them, and credentials, one kind in each row.

    `is_cut`: the file ends in the middle, while its head still says how many rows there were.
    """
    held = sorted(_held_on(system, day), key=lambda row: row["right"])
    rows = [
        *_inventory_accounts(calendar, day, system, held),
        *_inventory_rights(system),
        *(_inventory_grant(calendar, day, row) for row in held),
        *_inventory_credentials(calendar, day, system),
    ]
    remarks = [*_remarks(calendar, day, len(rows)), f"system: {system}"]
    if is_cut:
        where = [(row["record"], row.get("entitlement")) for row in rows].index(_CUT_AT)
        rows = rows[:where]
    return _table("inventory", rows, remarks)


def _birthday(number: int) -> str:
    return date(1964 + number % 37, 1 + number % 12, 1 + number % 28).isoformat()


# CORE and its test copy


def _held_on(system: str, day: int) -> list[Row]:
    return [row for row in tables.rows_on("holdings", day) if row["system"] == system]


def _inventory_accounts(calendar: Calendar, day: int, system: str, held: Iterable[Row]) -> Iterator[Row]:
    by_account: dict[str, list[Row]] = {}
    for row in held:
        by_account.setdefault(row["account"], []).append(row)
    machines = {row["name"]: row for row in tables.rows("machines") if row["system"] == system}
    people_here = staff.running_on(day)
    for account, rows in sorted(by_account.items()):
        used = [int(last) for row in rows if (last := tables.used(row, day))]
        created = min(str(_day(calendar, row["since"])) for row in rows)
        about = {
            "record": "account",
            "account": account,
            "enabled": "yes",
            "created": created,
            "last login": _day(calendar, str(max(used))) if used else "",
        }
        if account in machines:
            about |= _machine(machines[account])
        elif account in people_here:
            person = people_here[account]
            first = _day(calendar, staff.first_days()[account])
            about |= {"name": person.name, "employee number": person.number, "created": max(created, first)}
        elif account in _SHARED:
            about |= {"name": "Operations desk", "account kind": "shared"}
        yield about


def _inventory_rights(system: str) -> Iterator[Row]:
    for row in tables.rows("rights"):
        if row["system"] == system:
            yield {
                "record": "entitlement",
                "entitlement": row["right"],
                "entitlement kind": row["kind"].replace("_", " "),
                "description": row["description"],
                "privileged": row["privileged"],
                "because": row["because"],
            }


def _inventory_grant(calendar: Calendar, day: int, row: Row) -> Row:
    return {
        "record": "grant",
        "account": row["account"],
        "entitlement": row["right"],
        "since": _day(calendar, row["since"]),
        "until": _day(calendar, row["until"]),
        "last used": _day(calendar, tables.used(row, day)),
    }


def _inventory_credentials(calendar: Calendar, day: int, system: str) -> Iterator[Row]:
    for row in tables.rows_on("credentials", day):
        if row["system"] == system:
            yield {
                "record": "credential",
                "account": row["account"],
                "entitlement": "",
                "enabled": "yes",
                "credential": row["fingerprint"],
                "credential kind": row["kind"].replace("_", " "),
                "rotated": _rotated(calendar, row, day),
                "expires": _day(calendar, row["expires"]),
                "last used": _day(calendar, tables.used(row, day)),
            }


def tokens(calendar: Calendar, day: int) -> bytes:
    """JUMP's list of API tokens and keys, which its permissions don't tell of."""
    rows = [
        {
            "account id": gateway.key(row["account"]),
            "account": row["account"],
            "credential": row["fingerprint"],
            "credential kind": row["kind"].replace("_", " "),
            "rotated": _rotated(calendar, row, day),
            "expires": _day(calendar, row["expires"]),
            "last used": _day(calendar, tables.used(row, day)),
        }
        for row in tables.rows_on("credentials", day)
        if row["system"] == gateway.SYSTEM
    ]
    remarks = [*_remarks(calendar, day, len(rows)), "covers: credential", f"system: {gateway.SYSTEM}"]
    return _table("tokens", ({"record": "credential", **row} for row in rows), remarks)


def sudo_rules(_calendar: Calendar, _day: int) -> bytes:
    """Who becomes root on core01; the file is the same on every day."""
    return tables.DATA.joinpath("core01.sudoers").read_bytes()


# What they share


def _rotated(calendar: Calendar, row: Row, day: int) -> str:
    """Not a rotation that is still to come."""
    return _day(calendar, row["rotated"]) if row["rotated"] and int(row["rotated"]) <= day else ""


def _machine(row: Row) -> Row:
    return {
        "identity": row["name"],
        "identity kind": row["kind"],
        "account": row["name"],
        "enabled": "yes",
        "purpose": row["purpose"],
        "environment": row["environment"],
        "owner": row["named"],
    }


def _day(calendar: Calendar, written: str) -> str:
    found: date | None = calendar.date(written)
    return found.isoformat() if found else ""


def _remarks(calendar: Calendar, day: int, total: int) -> list[str]:
    return [f"taken: {calendar.at(day, TAKEN).isoformat()}", f"total: {total}", "complete: yes"]


def _table(kind: str, rows: Iterable[Mapping[str, str]], remarks: Iterable[str]) -> bytes:
    out = StringIO()
    out.writelines(f"# {remark}\n" for remark in remarks)
    writer = csv.DictWriter(out, tables.document("columns")[kind], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
