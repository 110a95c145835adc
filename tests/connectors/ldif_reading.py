"""LDIF files for tests, and what comes of them."""

from io import BytesIO
from pathlib import Path

import pytest

from accounts.connectors.admission import Admitted, admit
from accounts.connectors.ldif import CONNECTOR
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
DATA = ROOT / "tests" / "data" / "ldif"
SAMPLES = ROOT.parent / "shared" / "samples"


class Done:
    """A file through admission and reading."""

    def __init__(self, data: bytes, options: dict[str, str] | None = None) -> None:
        pieces: list[bytes] = []
        self.admitted: Admitted = admit(BytesIO(data), CONNECTOR, options or {}, pieces.append)
        self.data = b"".join(pieces)
        self.header: Header
        self.header, records = CONNECTOR.read(BytesIO(self.data), options or {})
        self.records: list[Record] = list(records)
        self.accounts = {one.name: one for one in self.records if isinstance(one, Account)}
        self.rights = {one.name: one for one in self.records if isinstance(one, Entitlement)}
        self.credentials = [one for one in self.records if isinstance(one, Credential)]
        self.rejected = [(one.line, one.code) for one in self.records if isinstance(one, Rejected)]
        self._names = {one.external_id: one.name for one in self.accounts.values()}
        self._names |= {one.external_id: one.name for one in self.rights.values()}

    @property
    def grants(self) -> list[tuple[str, str]]:
        """(account, group) by name."""
        found = [one for one in self.records if isinstance(one, Grant)]
        return [(self._names[one.account], self._names[one.entitlement]) for one in found]

    @property
    def inclusions(self) -> list[tuple[str, str]]:
        """(what is held, what it brings) by name."""
        found = [one for one in self.records if isinstance(one, Inclusion)]
        return [(self._names[one.parent], self._names[one.child]) for one in found]

    def everything(self) -> str:
        return repr((self.admitted, self.header, self.records)) + self.data.decode()


def ldif(*entries: str) -> bytes:
    return "\n\n".join(entries).encode() + b"\n"


def person(name: str, *more: str) -> str:
    return "\n".join((f"dn: uid={name},dc=x", "objectClass: inetOrgPerson", f"uid: {name}", *more))


def refusal(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        admit(BytesIO(data), CONNECTOR, {}, lambda _: None)
    return refused.value
