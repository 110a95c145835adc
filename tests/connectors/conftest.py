"""Files through admission and reading, as an import does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pytest

from accounts.connectors import REGISTRY
from accounts.connectors.admission import Admitted, admit
from accounts.connectors.records import Header, Record, Rejected

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "connectors"
SAMPLES = ROOT.parent / "shared" / "samples"
T = TypeVar("T")


@dataclass
class Import:
    admitted: Admitted
    data: bytes  # as admitted
    header: Header
    records: list[Record]

    def of(self, kind: type[T]) -> list[T]:
        return [record for record in self.records if isinstance(record, kind)]

    @property
    def rejected(self) -> list[tuple[int, str]]:
        return [(one.line, one.code) for one in self.of(Rejected)]


Run = Callable[..., Import]


def run(key: str, data: bytes, mapping: Mapping[str, str] | None = None) -> Import:
    """Admit the file, then read what was admitted."""
    pieces: list[bytes] = []
    admitted = admit(BytesIO(data), REGISTRY[key], mapping or {}, pieces.append)
    header, records = REGISTRY[key].read(BytesIO(b"".join(pieces)), mapping or {})
    return Import(admitted, b"".join(pieces), header, list(records))


@pytest.fixture(name="run")
def _run() -> Run:
    return run


@pytest.fixture
def data() -> Callable[[str], bytes]:
    return lambda name: (DATA / name).read_bytes()


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        if not (SAMPLES / name).is_file():
            pytest.skip(f"the sample {name} is not beside this checkout")
        return (SAMPLES / name).read_bytes()

    return read
