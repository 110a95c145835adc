"""Answers of SaaS interfaces through admission and reading, for the tests of their connectors."""

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
    data: bytes  # as admitted
    header: Header
    records: list[Record]

    def of(self, kind: type[T]) -> list[T]:
        return [one for one in self.records if isinstance(one, kind)]

    @property
    def accounts(self) -> dict[str, Account]:
        return {one.external_id: one for one in self.of(Account)}

    @property
    def rights(self) -> dict[str, Entitlement]:
        return {one.external_id: one for one in self.of(Entitlement)}

    @property
    def grants(self) -> list[tuple[str, str]]:
        return [(one.account, one.entitlement) for one in self.of(Grant)]

    @property
    def inclusions(self) -> set[tuple[str, str]]:
        return {(one.parent, one.child) for one in self.of(Inclusion)}

    def credential(self, account: str, fingerprint: str) -> Credential:
        (found,) = [
            one for one in self.of(Credential) if (one.account, one.fingerprint) == (account, fingerprint)
        ]
        return found

    @property
    def counts(self) -> dict[str, int]:
        kinds = (Account, Entitlement, Inclusion, Grant, Credential, Rejected)
        return {kind.__name__: len(self.of(kind)) for kind in kinds}


def read(connector: Connector, data: bytes, options: dict[str, str] | None = None) -> Import:
    """Admit the file, then read what was admitted."""
    pieces: list[bytes] = []
    admitted = admission.admit(BytesIO(data), connector, options or {}, pieces.append)
    header, records = connector.read(BytesIO(b"".join(pieces)), options or {})
    return Import(admitted, b"".join(pieces), header, list(records))


def refused(connector: Connector, data: bytes) -> Unreadable:
    """Why a file is not admitted."""
    with pytest.raises(Unreadable) as caught:
        read(connector, data)
    assert str(caught.value)
    return caught.value


def names_before_use(found: Import) -> bool:
    """Whether every entitlement and account comes before what names it, and once."""
    known: set[str] = set()
    for one in found.records:
        if isinstance(one, Account | Entitlement):
            if one.external_id in known:
                return False
            known.add(one.external_id)
        elif not _named(one) <= known:
            return False
    return True


def _named(one: Record) -> set[str]:
    if isinstance(one, Inclusion):
        return {one.parent, one.child}
    if isinstance(one, Grant):
        return {one.account, one.entitlement}
    return {one.account} if isinstance(one, Credential) else set()


def sample(name: str) -> bytes:
    """A real file from beside this checkout."""
    if not (SAMPLES / name).is_file():
        pytest.skip(f"the sample {name} is not beside this checkout")
    return (SAMPLES / name).read_bytes()


def own(name: str) -> bytes:
    """A file of our own making."""
    return (DATA / name).read_bytes()


def sniffs_only(connector: Connector, mine: tuple[str, ...]) -> None:
    """The connector knows its own files for sure and no other of the samples, of ours or of the demo."""
    others = [
        path
        for folder in (SAMPLES, DATA, ROOT / "portal" / "demo" / "data")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    for path in others:
        is_mine = any(str(path).endswith(name) for name in mine)
        sure = connector.sniff(path.read_bytes()[:65536], path.name)
        assert (sure >= 0.6) if is_mine else sure == 0.0, path
    for head in (b"", b"{}", b"[]", b"\x89PNG", b"name,email\n", b"\xff\xfe\x00\x00", b"{" * 3000):
        assert connector.sniff(head, "users.json") == 0.0


NOT_THIS = (
    (b"", "empty"),
    (b"\x89PNG\r\n", "not_text"),
    (b"\xff\xfa", "wrong_encoding"),
    (b"name,email\na,b\n", "not_json"),
    (b"[1, 2", "truncated"),
    (b'{"a": "b', "truncated"),
    (b'{"a": 1, "a": 2}', "duplicate_key"),
    (b'{"a": NaN}', "not_json"),
    (b'{"a": 1}', "wrong_json"),
    (b"[" * 100_000, "too_deep"),
)
