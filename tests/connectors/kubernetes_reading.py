"""Files of Kubernetes through admission and reading, for the tests of its connector."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pytest

from accounts.connectors import admission
from accounts.connectors.kubernetes.rbac import CONNECTOR
from accounts.connectors.records import (
    Entitlement,
    Header,
    Record,
    Unreadable,
)

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "kubernetes_rbac"
SAMPLES = ROOT.parent / "shared" / "samples"
SECRETS = ("sunflower", "marigold", "c3VuZmxvd2Vy", "Y2VydGlm", "1717171717")
T = TypeVar("T")
Read = Callable[[str], bytes]


@dataclass
class Import:
    admitted: admission.Admitted
    data: bytes
    header: Header
    records: list[Record]

    def of(self, kind: type[T]) -> list[T]:
        return [record for record in self.records if isinstance(record, kind)]

    def right(self, key: str) -> Entitlement:
        (found,) = [one for one in self.of(Entitlement) if one.external_id == key]
        return found

    def note(self, words: str) -> str:
        (found,) = [note for note in self.header.notes if words in note]
        return found

    @property
    def cut(self) -> dict[str, int]:
        return {one.name: one.count for one in self.admitted.cut}


def run(data: bytes | str, **options: str) -> Import:
    pieces: list[bytes] = []
    stream = BytesIO(data.encode() if isinstance(data, str) else data)
    admitted = admission.admit(stream, CONNECTOR, options, pieces.append)
    kept = b"".join(pieces)
    header, records = CONNECTOR.read(BytesIO(kept), options)
    return Import(admitted, kept, header, list(records))


def own(name: str) -> bytes:
    return (DATA / name).read_bytes()


def refusal(data: bytes | str) -> Unreadable:
    written: list[bytes] = []
    stream = BytesIO(data.encode() if isinstance(data, str) else data)
    with pytest.raises(Unreadable) as refused:
        admission.admit(stream, CONNECTOR, {}, written.append)
    assert written == []
    return refused.value
