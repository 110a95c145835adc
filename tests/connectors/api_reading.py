"""Saved API answers through admission and reading, for the tests of the connectors that read them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pytest

from accounts.connectors import admission
from accounts.connectors.connector import Connector
from accounts.connectors.records import (
    Account,
    Credential,
    Entitlement,
    Grant,
    Header,
    Inclusion,
    Record,
    Rejected,
    Unreadable,
)

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
SAMPLES = ROOT.parent / "shared" / "samples"
T = TypeVar("T")


@dataclass
class Import:
    admitted: admission.Admitted
    data: bytes
    header: Header
    records: list[Record]

    def of(self, kind: type[T]) -> list[T]:
        return [record for record in self.records if isinstance(record, kind)]

    def account(self, key: str) -> Account:
        (found,) = [one for one in self.of(Account) if one.external_id == key]
        return found

    def right(self, key: str) -> Entitlement:
        (found,) = [one for one in self.of(Entitlement) if one.external_id == key]
        return found

    def grant(self, account: str, entitlement: str) -> Grant:
        (found,) = [one for one in self.of(Grant) if (one.account, one.entitlement) == (account, entitlement)]
        return found

    @property
    def held(self) -> set[tuple[str, str]]:
        return {(one.account, one.entitlement) for one in self.of(Grant)}

    @property
    def included(self) -> set[tuple[str, str]]:
        return {(one.parent, one.child) for one in self.of(Inclusion)}

    @property
    def rejected(self) -> list[tuple[int, str]]:
        return [(one.line, one.code) for one in self.of(Rejected)]

    @property
    def cut(self) -> dict[str, int]:
        return {one.name: one.count for one in self.admitted.cut}

    def note(self, words: str) -> str:
        (found,) = [note for note in self.header.notes if words in note]
        return found


def run(connector: Connector, data: bytes | object, options: Mapping[str, str] | None = None) -> Import:
    """Admit, then read; whatever is not bytes is written as JSON first."""
    written = data if isinstance(data, bytes) else json.dumps(data).encode()
    pieces: list[bytes] = []
    admitted = admission.admit(BytesIO(written), connector, options or {}, pieces.append)
    header, records = connector.read(BytesIO(b"".join(pieces)), options or {})
    done = Import(admitted, b"".join(pieces), header, list(records))
    _names_only_what_came_before(done)
    return done


def refusal(connector: Connector, data: bytes | object) -> Unreadable:
    """Admission refuses it and has written nothing; reading refuses it too."""
    written = data if isinstance(data, bytes) else json.dumps(data).encode()
    pieces: list[bytes] = []
    with pytest.raises(Unreadable) as refused:
        admission.admit(BytesIO(written), connector, {}, pieces.append)
    assert pieces == []
    with pytest.raises(Unreadable):
        list(connector.read(BytesIO(written), {})[1])
    return refused.value


def own(connector: Connector, name: str) -> bytes:
    return (DATA / connector.key / name).read_bytes()


def strangers(key: str) -> list[Path]:
    """Files of other formats: the samples, and what lies in the tests' data of other connectors."""
    files = [*DATA.rglob("*"), *(SAMPLES.rglob("*") if SAMPLES.is_dir() else [])]
    return [one for one in files if one.is_file() and key not in one.parts and not one.name.startswith(key)]


def _names_only_what_came_before(done: Import) -> None:
    accounts: set[str] = set()
    rights: set[str] = set()
    for one in done.records:
        assert one.line >= 1
        if isinstance(one, Account | Entitlement):
            seen = accounts if isinstance(one, Account) else rights
            assert one.external_id not in seen, one
            seen.add(one.external_id)
        elif isinstance(one, Grant):
            assert one.account in accounts, one
            assert one.entitlement in rights, one
        elif isinstance(one, Inclusion):
            assert {one.parent, one.child} <= rights, one
        elif isinstance(one, Credential):
            assert one.account in accounts, one
