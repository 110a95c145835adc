"""JUMP on a day of the story: what the API of its JumpServer answers, and the list of its API tokens."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from portal.demo import staff, tables
from portal.demo.calendar import Calendar
from portal.demo.tables import Row

Json = dict[str, Any]
SYSTEM = "JUMP"


def answers(calendar: Calendar, day: int) -> bytes:
    """Users, groups, assets and permissions, each by its address, unchanged."""
    said = tables.document("gateway")
    held: dict[str, list[str]] = {}
    users = list(_users(calendar, day, held))
    bundle = {
        "/api/v1/users/users/": users,
        "/api/v1/users/groups/": [
            {"id": key(f"group {name}"), "name": name, "users": _refs(held.get(name, [])), "comment": words}
            for name, words in said["groups"].items()
        ],
        "/api/v1/assets/assets/": [
            {"id": key(name), "name": name, **about} for name, about in said["assets"].items()
        ],
        "/api/v1/perms/asset-permissions/": [
            _permission(name, about, held.get(name, [])) for name, about in said["permissions"].items()
        ],
    }
    return json.dumps({address: _page(items) for address, items in bundle.items()}, indent=2).encode()


def key(name: str) -> str:
    """The id that the gateway gave to something, always the same for a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.jump.nordhaven.example"))


def _refs(accounts: list[str]) -> list[Json]:
    return [{"id": key(account), "name": account} for account in accounts]


def _page(items: list[Json]) -> Json:
    return {"count": len(items), "next": None, "previous": None, "results": items}


def _users(calendar: Calendar, day: int, held: dict[str, list[str]]) -> Iterator[Json]:
    """Accounts with their roles; notes who holds which permission."""
    roles: dict[str, str] = tables.document("gateway")["roles"]
    machines = {row["name"]: row for row in tables.rows("machines") if row["system"] == SYSTEM}
    people = staff.running_on(day)
    by_account: dict[str, list[Row]] = {}
    for row in tables.rows_on("holdings", day):
        if row["system"] == SYSTEM:
            by_account.setdefault(row["account"], []).append(row)
    for account, rows in sorted(by_account.items()):
        rights = [row["right"] for row in rows]
        for right in rights:
            held.setdefault(right, []).append(account)
        begun = min(calendar.date(row["since"]) or calendar.day(day) for row in rows)
        used = [int(last) for row in rows if (last := tables.used(row, day))]
        about = _machine(machines[account]) if account in machines else _person(calendar, people[account])
        yield {
            "id": key(account),
            "username": account,
            **about,
            "is_active": True,
            "source": {"value": "ldap", "label": "LDAP/AD"},
            "mfa_level": {"value": 2, "label": "Force enabled"},
            "date_joined": _moment(begun),
            "last_login": _moment(calendar.day(max(used))) if used else None,
            "system_roles": [{"id": roles[name], "display_name": name} for name in rights if name in roles],
            "org_roles": [],
        }


def _person(calendar: Calendar, person: staff.Person) -> Json:
    """A contractor's account ends with the contract."""
    ends = calendar.date(person.row["ends"])
    return {
        "name": person.name,
        "email": person.email,
        "is_service_account": False,
        "comment": "",
        "date_expired": _moment(ends) if ends else None,
    }


def _machine(row: Row) -> Json:
    return {
        "name": row["name"],
        "email": f"{row['name']}@machines.invalid",
        "is_service_account": True,
        "comment": row["purpose"],
        "created_by": "Felix Braun",
        "date_expired": None,
    }


def _permission(name: str, about: Json, accounts: list[str]) -> Json:
    asset = about["asset"]
    return {
        "id": key(f"permission {name}"),
        "name": name,
        "users": _refs(accounts),
        "user_groups": [{"id": key(f"group {group}"), "name": group} for group in about.get("groups", [])],
        "assets": [{"id": key(asset), "name": asset}],
        "nodes": [],
        "accounts": [about["account"]],
        "protocols": [about["protocol"]],
        "actions": [{"value": "connect", "label": "Connect"}],
        "is_active": True,
        "date_start": f"{about['since'].replace('-', '/')} 06:00:00 +0000",
        "date_expired": None,
        "org_name": tables.document("gateway")["organisation"],
        "comment": "",
    }


def _moment(day: Any) -> str:
    return f"{day:%Y/%m/%d} 03:40:00 +0000"
