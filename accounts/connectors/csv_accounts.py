"""Any system's inventory as one CSV or workbook: accounts, entitlements, grants and credentials.

With a column `record` each row says what it is: account, entitlement, grant or credential. Without it a
row is an inventory line: an account and what is said about it, with one entitlement that it holds and/or one
credential; a line without entitlement is an account that holds none. All columns are in
`csv_accounts_columns`; none but the account is required, and an empty cell is *not said*.

    account,name,employee number,entitlement,description,privileged,since,last used
    tbrandt,Tomas Brandt,1007,LEDGER_READ,Read the ledger,no,2024-03-01,2026-09-30
    svc-settlement,,,LEDGER_POST,Post to the ledger,yes,2021-01-15,

A right to act as somebody names the account in `acts as` and, if it is elsewhere, the system or host in `acts
on`. A grant that has to be switched on is `eligible`; when it ends by itself stands in `ends at`.

Accounts and entitlements that are only named by a grant or credential are handed over at the end. An account
or entitlement may be repeated where the repetition says the same or nothing; otherwise the row is rejected.
"""

from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import tables
from accounts.connectors.admit_csv import admit_table
from accounts.connectors.columns import require, resolve
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.csv_accounts_columns import FIELDS, RECORDS
from accounts.connectors.csv_accounts_rows import Inventory
from accounts.connectors.records import Header, Record
from accounts.connectors.secret_names import normal
from accounts.connectors.tables import Survey, Table
from accounts.connectors.text import Readable

KEY, VERSION = "csv_accounts", 2
OPTIONS = ("encoding", "sheet", "dates", "zone", "complete", "covers")
NEEDS = (("account", "account_id"),)  # one field of each
_KINDS = frozenset({"account", "entitlement", "grant", "credential"})


def sniff(head: bytes, name: str) -> float:
    """Sure with a record column or account and entitlement; an account column alone is little."""
    words = tables.header_words(head)
    found = {field for field, names in FIELDS.items() if words & set(names)}
    if normal("record") in words and found & {"account", "account_id", "entitlement"}:
        return 0.95
    if not found & {"account", "account_id"}:
        return 0.0
    surely = found & {
        "entitlement",
        "privileged",
        "via",
        "credential",
        "identity",
        "last_login",
        "identity_kind",
    }
    called = any(
        part in name.casefold() for part in ("account", "access", "grant", "user", "konten", "berechtigung")
    )
    return min((0.6 if "entitlement" in found else 0.3) + 0.05 * len(surely) + 0.1 * called, 0.9)


def admit(stream: Readable, mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets."""
    table = Table(stream, mapping.get("encoding"), mapping.get("sheet"))
    _columns(table, mapping)
    return admit_table(table, sink)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Records in the order of the file, implied ones last."""
    start = stream.tell() if stream.seekable() else None
    table = Table(stream)
    at = _columns(table, mapping)
    said, found = mapping.get("covers") or table.remarks.get("covers"), None
    if start is not None:
        if not said or table.total is not None or tables.ends_with_remark(stream):
            stream.seek(start)
            found = tables.survey(stream, lambda cells: _kind_of(cells, at))
        stream.seek(start)
        table = Table(stream)
    inventory = Inventory(table, at, mapping)
    is_full, notes = tables.is_complete(table, mapping.get("complete"), found)
    header = Header(
        format=KEY,
        version=VERSION,
        system_reference=table.remarks.get("system") or None,
        taken_at=tables.taken_at(table),
        is_full=is_full,
        covers=_covers(at, found, said),
        columns=table.columns,
        unmapped=tuple(name for place, name in enumerate(table.columns) if place not in at.values()),
        control_total=found.total if found else table.total,
        notes=notes,
    )
    return header, inventory.records()


def _columns(table: Table, mapping: Options) -> dict[str, int]:
    at = resolve(table, FIELDS, mapping, OPTIONS)
    groups: tuple[tuple[str, ...], ...] = NEEDS
    if "record" in at:
        groups = (("account", "account_id", "entitlement"),)
    require(table, at, groups)
    return at


def _kind_of(cells: list[str], at: dict[str, int]) -> str:
    """What kinds a row speaks of, for what the file covers."""
    if "record" not in at:
        return "grant" if "entitlement" in at and cells[at["entitlement"]].strip() else "bare account"
    return RECORDS.get(cells[at["record"]].strip().casefold(), "")


def _covers(at: dict[str, int], found: Survey | None, said: str | None) -> frozenset[str]:
    """Which kinds the file lists in full: said by somebody, else only what its rows can show.

    An inventory of account–entitlement pairs covers accounts only if it also lists some without any: else
    an account that lost its last right would look deleted.
    """
    if said:
        return frozenset(part.strip().casefold() for part in said.split(",")) & _KINDS
    kinds = found.kinds if found is not None else frozenset[str]()
    if "record" in at:
        return kinds & _KINDS
    covers = {"credential"} if "credential" in at else set[str]()
    if "entitlement" in at:
        covers.add("grant")
        if "bare account" in kinds:
            covers.add("account")
    elif "credential" not in at:
        covers.add("account")
    return frozenset(covers)


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="Inventory of any system (CSV, XLSX)",
    reads=_KINDS,
    sniff=sniff,
    admit=admit,
    read=read,
    fields=tuple(FIELDS),
    options=OPTIONS,
)
