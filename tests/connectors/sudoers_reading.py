"""sudoers files for tests, and what comes of them."""

from io import BytesIO
from pathlib import Path

import pytest

from accounts.connectors.admission import Admitted, admit
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
from accounts.connectors.sudoers import CONNECTOR

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "sudoers"
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
        found = [one for one in self.records if isinstance(one, Entitlement)]
        self.groups = [one.name for one in found if one.kind == "group"]
        self.rules = {one.external_id: one for one in found if one.kind != "group"}
        self.grants = [one for one in self.records if isinstance(one, Grant)]
        self.inclusions = [(one.parent, one.child) for one in self.records if isinstance(one, Inclusion)]
        self.rejected = [(one.line, one.code) for one in self.records if isinstance(one, Rejected)]

    def held(self, account: str) -> list[str]:
        """Names of the rules that an account holds."""
        return [self.rules[one.entitlement].name for one in self.grants if one.account == account]

    def everything(self) -> str:
        return repr((self.admitted, self.header, self.records)) + self.data.decode()


def only(line: str) -> Entitlement:
    """The rule of a file with one statement."""
    (rule,) = Done(line.encode() + b"\n").rules.values()
    return rule


def refusal(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        Done(data)
    return refused.value
