"""AWS IAM credential report: the CSV itself, or the answer of `aws iam get-credential-report` around it.

It lists the root user and every IAM user (no roles) with their passwords, keys, certificates and MFA. It
names no key ids, so a credential is called by its slot. In the wrapped form lines count inside the CSV.
Whoever has a password may sign in to the console: that is a right of its own, held by those users.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from itertools import chain
from typing import BinaryIO

from accounts.connectors import tables, text
from accounts.connectors.admit_csv import admit_table
from accounts.connectors.aws import names as aws_names
from accounts.connectors.columns import aliases, require, resolve
from accounts.connectors.connector import Connector, Cut, Kept, Options, Sink
from accounts.connectors.first_seen import FirstSeen
from accounts.connectors.json_items import document
from accounts.connectors.records import (
    Account,
    Credential,
    CredentialKind,
    Entitlement,
    Grant,
    Header,
    Record,
    Rejected,
    Unreadable,
)
from accounts.connectors.tables import Row, Table
from accounts.connectors.text import Readable

KEY, VERSION = "aws_credential_report", 2
LIMIT = 64 * 2**20  # bytes of the wrapped form, which is read at once
LONGEST = 1000  # characters of an ARN
ROOT = "<root_account>"
CONSOLE = "#console"  # behind the ARN of the root user, which names the account: the right to sign in
_NO_MFA = "A password alone opens the console: no second factor (MFA) is set up."
_ROOT_KEY = "It is a key of the root user, whom no policy limits."

_SLOTS = (
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
)
_FIELDS = aliases({name: name.replace("_", " ") for name in ("user", "arn", "user_creation_time", *_SLOTS)})
_NOTES = (
    "It lists the root user and IAM users, no roles and no rights: a role that is missing is not gone.",
    "It covers credentials only: rights are of other files, apart from the console sign-in it tells of.",
    "AWS counts denied attempts as use, and makes a new report at most every four hours.",
)
# AWS writes no time zone offset other than UTC; these words stand where there is no moment.
_NO_MOMENT = frozenset({"", "n/a", "not_supported", "no_information"})


def sniff(head: bytes, _name: str) -> float:
    """The first columns, or the wrapper's keys, are those of no other file."""
    words = tables.header_words(head)
    if {"user", "arn", "usercreationtime", "mfaactive"} <= words:
        return 1.0
    begin = text.beginning(head) or ""
    if not begin.lstrip().startswith("{") or '"Content"' not in begin:
        return 0.0
    return 0.9 if any(sign in begin for sign in ("mfa_active", '"ReportFormat"', '"GeneratedTime"')) else 0.0


def admit(stream: Readable, mapping: Options, sink: Sink) -> Kept:
    """The CSV without secrets; a wrapped one is unwrapped, and written anew only if something was cut."""
    opened, is_wrapped = _opened(stream)
    if not is_wrapped:
        table = Table(opened, mapping.get("encoding"))
        _columns(table)
        return admit_table(table, sink)
    original = text.whole(opened, LIMIT)
    content, about, others = _unwrapped(original)
    table = Table(BytesIO(content))
    _columns(table)
    pieces: list[bytes] = []
    kept = admit_table(table, pieces.append)
    admitted = b"".join(pieces)
    if admitted == content and not others:
        sink(original.encode())
        return kept
    wrapper = {"Content": admitted.decode(), **about}
    sink((json.dumps(wrapper, indent=4, ensure_ascii=False) + "\n").encode())
    return replace(kept, cut=(*kept.cut, *(Cut(name[:200], "unmapped", 1) for name in others)))


def read(stream: BinaryIO, _mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Every user as an account, followed by its credentials."""
    opened, is_wrapped = _opened(stream)
    taken_at = None
    if is_wrapped:
        content, about, _ = _unwrapped(text.whole(opened, LIMIT))
        taken_at = aws_names.moment(about.get("GeneratedTime"))
        opened = BytesIO(content)
    table = Table(opened)
    at = _columns(table)
    rows = iter(table)
    first = next((row for row in rows if row.counts), None)
    account, partition = None, "aws"
    if first is not None and tables.ragged(first, table.columns) is None:
        named = aws_names.arn(first.cells[at["arn"]].strip())
        account = aws_names.account_of(first.cells[at["arn"]].strip())
        partition = named.partition if named is not None else partition
    console = f"arn:{partition}:iam::{account}:root{CONSOLE}" if account is not None else None
    header = Header(
        format=KEY,
        version=VERSION,
        system_reference=account,
        taken_at=taken_at,
        is_full=account is not None,
        covers=frozenset({"credential"}),
        columns=table.columns,
        unmapped=tuple(name for place, name in enumerate(table.columns) if place not in at.values()),
        notes=_NOTES,
    )
    return header, _records(chain([first] if first else [], rows), table, at, console)


def _opened(stream: Readable) -> tuple[Readable, bool]:
    """The stream from its beginning again, and whether it holds JSON."""
    head = stream.read(4096)
    begin = text.beginning(head) or ""
    return _Again(head, stream), begin.lstrip().startswith("{")


def _unwrapped(wrapper: str) -> tuple[bytes, dict[str, str], list[str]]:
    """The CSV inside, what the wrapper says about it, and keys that mean nothing here.

    `Content` is plain text or, from the bare API, base64.
    """
    found = document(wrapper)
    content = found.values.get("Content")
    if not isinstance(content, str):
        raise Unreadable(
            "wrong_json",
            "The JSON has no text under “Content”, so it is no credential report. Save the "
            "answer of “aws iam get-credential-report” unchanged, or the CSV.",
            1,
        )
    about = {
        key: value
        for key in ("GeneratedTime", "ReportFormat")
        if isinstance(value := found.values.get(key), str)
    }
    others = [key for key in (*found.values, *found.lists) if key != "Content" and key not in about]
    if "," not in content:
        try:
            return base64.b64decode("".join(content.split()), validate=True), about, others
        except (binascii.Error, ValueError):
            raise Unreadable(
                "wrong_json", "“Content” is neither CSV nor base64. Save the answer again.", 1
            ) from None
    return content.encode(), about, others


def _columns(table: Table) -> dict[str, int]:
    at = resolve(table, _FIELDS, {}, ())
    require(
        table, at, (("user",), ("arn",), ("password_enabled",), ("mfa_active",), ("access_key_1_active",))
    )
    return at


def _records(rows: Iterator[Row], table: Table, at: dict[str, int], console: str | None) -> Iterator[Record]:
    seen = FirstSeen()
    if console is not None:
        yield _console(console, table.header.line)
    for row in rows:
        if (refused := tables.ragged(row, table.columns)) is not None:
            yield refused
        elif row.cells:
            said = {field: row.cells[place].strip() for field, place in at.items()}
            yield from _user(said, row, seen, console)


def _console(key: str, line: int) -> Entitlement:
    return Entitlement(
        external_id=key,
        name="AWS console sign-in",
        kind="right",
        line=line,
        plain_words="Signs in to the AWS console with a password and uses there what the account is allowed.",
        because="What the console opens depends on the other rights of the account.",
        reach="console",
    )


def _user(said: dict[str, str], row: Row, seen: FirstSeen, console: str | None) -> Iterator[Record]:
    account = aws_names.account_of(console)
    name, key = said["user"], said["arn"]
    problem = _problem(name, key, account)
    if problem is None and (twin := seen.note(key, row.line)) is not None:
        problem = (
            "duplicate_account",
            f"The user {key} is already in line {twin[0]}. Generate the report again.",
        )
    if problem is not None:
        yield Rejected(row.line, *problem, row.excerpt)
        return
    credentials = list(_credentials(said, row.line))
    used = [one.last_used_at for one in credentials if one.last_used_at is not None]
    yield Account(
        external_id=key,
        name="root" if name == ROOT else name,
        line=row.line,
        created_at=_moment(said.get("user_creation_time")),
        last_used_at=max(used, default=None),
        last_used_source="credential report" if used else None,
    )
    if console is not None and _has_password(said):
        yield Grant(key, console, row.line, last_used_at=_moment(said.get("password_last_used")))
    yield from credentials


def _problem(name: str, key: str, account: str | None) -> tuple[str, str] | None:
    if not name or len(key) > LONGEST or aws_names.account_of(key) is None:
        return "no_arn", "The row names no user or no ARN of an account. Generate the report again."
    if aws_names.account_of(key) != account:
        return (
            "other_account",
            f"The user is of another AWS account than the first row ({account}): import one.",
        )
    return None


def _credentials(said: dict[str, str], line: int) -> Iterator[Credential]:
    key = said["arn"]
    if _has_password(said):
        yield Credential(
            key,
            "password",
            "password",
            line,
            is_active=_flag(said["password_enabled"]),
            rotated_at=_moment(said.get("password_last_changed")),
            expires_at=_moment(said.get("password_next_rotation")),
            last_used_at=_moment(said.get("password_last_used")),
            is_slot=True,
            weakness=_NO_MFA if _flag(said["mfa_active"]) is False else None,
        )
    slots: tuple[tuple[CredentialKind, str, str], ...] = (
        ("access_key", "access key 1", "access_key_1"),
        ("access_key", "access key 2", "access_key_2"),
        ("certificate", "signing certificate 1", "cert_1"),
        ("certificate", "signing certificate 2", "cert_2"),
    )
    for kind, slot, field in slots:
        active, rotated_at = (
            _flag(said.get(f"{field}_active", "")),
            _moment(said.get(f"{field}_last_rotated")),
        )
        if active or rotated_at is not None:  # a slot that was never filled is false without a date
            yield Credential(
                key,
                kind,
                slot,
                line,
                is_active=active,
                rotated_at=rotated_at,
                last_used_at=_moment(said.get(f"{field}_last_used_date")),
                is_slot=True,
                weakness=_ROOT_KEY if said["user"] == ROOT and active else None,
            )
    if _flag(said["mfa_active"]):
        yield Credential(key, "mfa_device", "MFA", line, is_active=True, is_slot=True)


def _has_password(said: dict[str, str]) -> bool:
    """The root user always has one, unless the report says no; older reports say not_supported for it."""
    enabled = _flag(said["password_enabled"])
    return enabled is True or (said["user"] == ROOT and enabled is None)


def _flag(cell: str) -> bool | None:
    return {"true": True, "false": False}.get(cell.casefold())


def _moment(cell: str | None) -> datetime | None:
    return None if cell is None or cell.casefold() in _NO_MOMENT else aws_names.moment(cell)


class _Again:
    """A stream with its first bytes put back."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int, /) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._stream.read(size)


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="AWS credential report (CSV or JSON)",
    reads=frozenset({"account", "entitlement", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=("encoding",),
)
