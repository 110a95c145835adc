"""Identities, systems, accounts, grants and credentials, with cards as the portal would write them."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import (
    Account,
    Credential,
    Entitlement,
    Grant,
    Identity,
    ImportRun,
    Inclusion,
    Source,
    System,
)
from portal.audit import cards
from portal.vault.models import Blob

LONG_AGO = datetime(2024, 3, 12, 9, 0, tzinfo=UTC)
_numbers = count(1)


def identity(name: str = "", kind: str = "human", **fields: Any) -> Identity:
    """A person, or a machine of the given kind."""
    name = name or f"Person {next(_numbers)}"
    made = Identity.objects.create(name=name, kind=kind, **fields)
    made.card = cards.write("identity", made.pk, {"kind": kind, "name": name})
    made.save(update_fields=["card"])
    return made


def system(code: str = "", **fields: Any) -> System:
    """A system; its owner is up to the test."""
    code = code or f"SYS-{next(_numbers)}"
    made = System.objects.create(code=code, name=fields.pop("name", f"System {code}"), **fields)
    made.card = cards.write("system", made.pk, {"code": code, "name": made.name})
    made.save(update_fields=["card"])
    return made


def source(system: System | None = None, **fields: Any) -> Source:
    """A released source of a system, or of HR."""
    values = {
        "name": f"Source {next(_numbers)}",
        "connector": "csv_accounts" if system else "hr_csv",
        "created_at": LONG_AGO,
        "released_at": LONG_AGO,
    }
    return Source.objects.create(system=system, **(values | fields))


def run(source: Source, taken_at: datetime | None = None, **fields: Any) -> ImportRun:
    """An applied, complete, confirmed reading."""
    number = next(_numbers)
    blob = Blob.objects.create(
        sha256=number.to_bytes(32, "big"), size=1, storage_key=f"test/{number}", created_at=LONG_AGO
    )
    taken_at = taken_at or datetime.now(UTC) - timedelta(days=1)
    values: dict[str, Any] = {
        "blob": blob,
        "original_sha256": f"{number:064x}",
        "original_size": 1,
        "connector": source.connector,
        "connector_version": 1,
        "received_at": taken_at,
        "taken_at": taken_at,
        "is_complete": True,
        "covers": ["account", "grant", "inclusion", "credential", "entitlement", "person"],
        "state": ImportRun.State.APPLIED,
        "state_at": taken_at,
        "applied_at": taken_at,
        "counts": {"grant": {"read": 1}},
        "control_total": 1,
        "provenance": ImportRun.Provenance.PULLED,
    }
    return ImportRun.objects.create(source=source, **(values | fields))


def account(system: System, identity: Identity | None = None, name: str = "", **fields: Any) -> Account:
    """An account; linked by hand when an identity is given."""
    name = name or f"acct{next(_numbers)}"
    reading = fields.pop("first_run", None) or run(source(system))
    made = Account.objects.create(
        system=system,
        external_id=name,
        name=name,
        identity=identity,
        match_method=Account.Match.HAND if identity else "",
        first_run=reading,
        **fields,
    )
    made.card = cards.write("account", made.pk, {"name": name, "system": system.code})
    made.save(update_fields=["card"])
    return made


def entitlement(
    system: System, name: str = "", *, privileged: bool | None = True, **fields: Any
) -> Entitlement:
    """A right, privileged unless said otherwise."""
    name = name or f"right{next(_numbers)}"
    reading = fields.pop("first_run", None) or run(source(system))
    made = Entitlement.objects.create(
        system=system,
        external_id=name,
        name=name,
        is_privileged=privileged,
        carries_privilege=bool(privileged),
        first_run=reading,
        **fields,
    )
    made.card = cards.write("entitlement", made.pk, {"name": name, "system": system.code})
    made.save(update_fields=["card"])
    return made


def inclusion(parent: Entitlement, child: Entitlement, since: datetime | None = LONG_AGO) -> Inclusion:
    """Holding `parent` brings `child`; what carries privilege is kept as a reading would."""
    made = Inclusion.objects.create(
        system=parent.system,
        parent=parent,
        child=child,
        held=DateTimeTZRange(since, None),
        known_from_run=parent.first_run,
    )
    if child.carries_privilege and not parent.carries_privilege:
        parent.carries_privilege, parent.privileged_through = True, child.privileged_through or child
        parent.save(update_fields=["carries_privilege", "privileged_through"])
    return made


def grant(
    account: Account, entitlement: Entitlement, since: datetime | None = LONG_AGO, **fields: Any
) -> Grant:
    """A grant held now."""
    return Grant.objects.create(
        system=account.system,
        account=account,
        entitlement=entitlement,
        held=DateTimeTZRange(since, None),
        known_from_run=fields.pop("known_from_run", account.first_run),
        **fields,
    )


def credential(
    account: Account, kind: str = "access_key", fingerprint: str = "", **fields: Any
) -> Credential:
    """A credential's metadata."""
    return Credential.objects.create(
        account=account,
        kind=kind,
        fingerprint=fingerprint or f"AKIA{next(_numbers):012d}",
        first_run=account.first_run,
        **fields,
    )
