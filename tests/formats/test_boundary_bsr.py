"""Metadata of recordings of Boundary; the files are of our own making, after its documentation."""

import hashlib
import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings

from sessions_app.formats.events import NotReadable, Reading
from sessions_app.formats.parts import in_memory
from sessions_app.formats.registry import BUNDLES, read, read_parts
from tests.formats.test_hostile_files import changed, changes, drain
from tests.formats.test_parts import tar

META: dict[str, Any] = {
    "PublicId": "s_1", "Endpoint": "ssh://192.0.2.4:22",
    "User": {"PublicId": "u_1", "Name": "dana", "Scope": {"PublicId": "o_1"}},
    "Target": {"PublicId": "tssh_1", "Name": "db", "Scope": {"PublicId": "p_1", "Name": "prod"}},
    "Worker": {"PublicId": "w_1"}, "StaticHost": {"Address": "192.0.2.4"},
    "StaticUsernamePasswordCredentials": [{"Username": "root", "PasswordHmac": "hunter2"}],
}  # fmt: skip
SUMMARY = {
    "Id": "sr_1",
    "StartTime": "2026-11-24T10:00:00.123456789Z",
    "EndTime": "2026-11-24T10:01:00.123456789Z",
}
CHANNEL = "cr_1.connection/chr_1.channel/"


def files(**more: bytes) -> dict[str, bytes]:
    found = {
        "session-meta.json": json.dumps(META).encode(),
        "session-recording-summary.json": json.dumps(SUMMARY).encode(),
        f"{CHANNEL}messages-inbound.data": b"\x01\x02",
    }
    found["SHA256SUM"] = sums(found, "session-meta.json", "session-recording-summary.json")
    found[f"{CHANNEL}SHA256SUM"] = sums(found, f"{CHANNEL}messages-inbound.data")
    return {f"sr_1.bsr/{name}": data for name, data in (found | more).items()}


def sums(found: dict[str, bytes], *names: str) -> bytes:
    return "".join(
        f"{hashlib.sha256(found[name]).hexdigest()}  {name.rpartition('/')[2]}\n" for name in names
    ).encode()


def read_of(found: dict[str, bytes]) -> tuple[Reading, list[str]]:
    reading = read_parts([in_memory(name, data) for name, data in found.items()])
    assert isinstance(reading, Reading)
    assert {event.code for event in reading} == {"g"}
    return reading, [notice.code for notice in reading.summary().warnings]


def test_who_had_a_session_where_and_when() -> None:
    reading, codes = read_of(files())
    header = reading.header
    assert (header.format, header.user, header.run_as, header.host) == (
        "boundary_bsr",
        "dana",
        "root",
        "192.0.2.4",
    )
    assert (header.external_id, header.duration) == ("sr_1", 60.0)
    assert header.started_at is not None
    assert header.started_at.isoformat() == "2026-11-24T10:00:00.123456+00:00"
    assert (header.facts["target"], header.facts["project"]) == ("db", "prod")
    assert codes == ["metadata_only", "signature_not_checked"]
    assert "hunter2" not in repr(header)
    assert "3 files agree" in reading.summary().warnings[1].reason
    assert read(BytesIO(tar(files()))).header == header
    heads = {name.removeprefix("sr_1.bsr/"): data for name, data in files().items()}
    assert [bundle.key for bundle in BUNDLES if bundle.recognises(heads)] == ["boundary_bsr"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        (f"{CHANNEL}messages-inbound.data", b"\x01\x03", "was changed"),
        ("session-recording-summary.json", b"{}", "was changed"),
        (f"{CHANNEL}SHA256SUM", b"0" * 64 + b"  other.data\n", "is missing"),
    ],
)
def test_a_file_that_is_not_as_it_was_recorded(name: str, data: bytes, words: str) -> None:
    reading, codes = read_of(files(**{name: data}))
    assert codes == ["metadata_only", "checksum_wrong", "signature_not_checked"]
    assert words in reading.summary().gaps[1].reason
    assert reading.summary().is_partly_readable


def test_metadata_that_are_no_json() -> None:
    with pytest.raises(NotReadable) as caught:
        read_of(files(**{"session-meta.json": json.dumps(META).encode()[:-5]}))
    assert caught.value.code == "bad_json"


@given(changes, changes, changes)
@settings(max_examples=200, deadline=None)
def test_changed_files(
    meta: list[tuple[str, float, bytes]],
    summary: list[tuple[str, float, bytes]],
    checked: list[tuple[str, float, bytes]],
) -> None:
    found = files()
    names = ["session-meta.json", "session-recording-summary.json", "SHA256SUM"]
    for name, change in zip(names, (meta, summary, checked), strict=True):
        found[f"sr_1.bsr/{name}"] = changed(found[f"sr_1.bsr/{name}"], change)
    drain(lambda: read_parts([in_memory(name, data) for name, data in found.items()]))
