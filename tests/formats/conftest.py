import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from sessions_app.formats import read
from sessions_app.formats.events import Event, Reading, RecordingHeader, Summary
from sessions_app.formats.lines import DEFAULT_LIMITS, Limits

CHECKOUT = Path(__file__).resolve().parents[2]


class Read:
    """A recording, read to its end."""

    def __init__(self, data: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
        reading = read(BytesIO(data), limits)
        assert isinstance(reading, Reading)
        self.header: RecordingHeader = reading.header
        self.events: list[Event] = list(reading)
        self.summary: Summary = reading.summary()

    @property
    def facts(self) -> list[tuple[float, str, str, int]]:
        return [(round(event.at, 6), event.code, event.data, event.line) for event in self.events]

    @property
    def notices(self) -> list[tuple[int, str]]:
        return [(notice.line, notice.code) for notice in self.summary.warnings]


@pytest.fixture
def read_all() -> Callable[..., Read]:
    return Read


@pytest.fixture
def data() -> Callable[[str], bytes]:
    """A file of our own."""
    return lambda name: (CHECKOUT / "tests" / "data" / "formats" / name).read_bytes()


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    """A file that somebody else's recorder wrote, where the samples stand beside the checkout."""
    folder = CHECKOUT.parent / "shared" / "samples"

    def load(name: str) -> bytes:
        if not folder.is_dir():
            pytest.skip("the folder ../shared/samples is not there")
        return (folder / name).read_bytes()

    return load


@pytest.fixture
def cast() -> Callable[..., bytes]:
    """A cast of these lines: values become JSON, bytes stand as they are."""

    def build(*lines: Any, version: int = 2, newline: bytes = b"\n") -> bytes:
        if version == 3:
            header: dict[str, Any] = {"version": 3, "term": {"cols": 80, "rows": 24}}
        else:
            header = {"version": 2, "width": 80, "height": 24}
        written = (json.dumps(line).encode() if not isinstance(line, bytes) else line for line in lines)
        return b"".join(line + newline for line in (json.dumps(header).encode(), *written))

    return build
