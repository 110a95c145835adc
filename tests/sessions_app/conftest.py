"""Sessions and recordings as tests need them: casts made here, deliveries through the service."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account, Entitlement, Grant, Identity, System
from portal.tasks.testing import drain
from portal.users.models import User
from portal.vault.store import path_of
from sessions_app.models import Recorder, Recording, Session
from sessions_app.services import intake, recorders
from tests.factories import inventory
from tests.factories.people import People

CHECKOUT = Path(__file__).resolve().parents[2]
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
NOTICE = recorders.Notice(
    purpose="Evidence of privileged sessions",
    legal_basis="Art. 6(1)(f) GDPR",
    notice_text="Sessions through JUMP are recorded.",
    dpia="DPIA-12",
    agreement="WA-3",
    countries=("DE", "SE"),
    retention_days=365,
)


def cast_file(*words: str, began: datetime | None = BEGAN, seconds: float = 120, version: int = 2) -> bytes:
    """A small asciicast that shows these words, one event each, over the given time."""
    header: dict[str, Any] = {"version": version, "width": 80, "height": 24}
    if version == 3:
        header = {"version": 3, "term": {"cols": 80, "rows": 24}}
    if began is not None:
        header["timestamp"] = int(began.timestamp())
    shown = words or ("whoami\r\nroot\r\n",)
    step = seconds / len(shown)
    times = [step] * len(shown) if version == 3 else [step * number for number in range(1, len(shown) + 1)]
    events = [[at, "o", text] for at, text in zip(times, shown, strict=True)]
    return "\n".join(json.dumps(line) for line in [header, *events]).encode() + b"\n"


class World:
    """One gateway, one person with an account on it, one privileged right."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.system: System = inventory.system("JUMP")
        self.dana: Identity = inventory.identity("Dana Kovac")
        self.account: Account = inventory.account(self.system, self.dana, "dkovac")
        self.root: Entitlement = inventory.entitlement(self.system, "root@core01", kind="act_as")

    def grant(self, **fields: Any) -> Grant:
        """Dana may act as root."""
        return inventory.grant(self.account, fields.pop("entitlement", self.root), **fields)

    def receive(self, data: bytes | None = None, *, by: User | None = None, **said: Any) -> Recording:
        """A delivery by hand, not read yet."""
        values: dict[str, Any] = {"file_name": "core01.cast", "system": self.system, "account_name": "dkovac"}
        file = BytesIO(cast_file() if data is None else data)
        return intake.receive(file, **(values | said), by=by or self.people.mikael)

    def file(self, data: bytes | None = None, **said: Any) -> Recording:
        """A delivery that was read."""
        recording = self.receive(data, **said)
        drain()
        return Recording.objects.select_related("session", "blob").get(pk=recording.pk)

    def session(self, data: bytes | None = None, **said: Any) -> Session:
        """The session of one delivery."""
        return Session.objects.get(recordings=self.file(data, **said))

    def recorder(self, code: str = "rec-jump", **said: Any) -> Recorder:
        """A connected recorder of JUMP, owned by Dana."""
        machine = inventory.identity(code, "service", owner=self.dana)
        values: dict[str, Any] = {
            "code": code,
            "name": f"Recorder {code}",
            "identity": machine,
            "notice": NOTICE,
            "systems": [self.system],
            "since": BEGAN - timedelta(days=30),
            "actor": self.people.mikael.actor,
        }
        return recorders.connect(**(values | said))


@pytest.fixture
def world(people: People) -> World:
    """A gateway and somebody who uses it."""
    return World(people)


@pytest.fixture
def samples() -> Callable[[str], bytes]:
    """A recording that somebody else's recorder wrote, where the samples stand beside the checkout."""
    folder = CHECKOUT.parent / "shared" / "samples" / "asciicast"

    def load(name: str) -> bytes:
        if not folder.is_dir():
            pytest.skip("the folder ../shared/samples is not there")
        return (folder / name).read_bytes()

    return load


def tamper(recording: Recording) -> None:
    """Change one byte of the file in the vault, as somebody with access to the disk could."""
    path = path_of(recording.blob.storage_key)
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))
