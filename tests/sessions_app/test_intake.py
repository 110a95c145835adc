"""What comes in is kept byte for byte, once, and filed as it was said."""

import gzip
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from portal.vault.store import path_of
from sessions_app.models import Recording, Session
from sessions_app.services import intake
from tests.sessions_app.conftest import BEGAN, World, cast_file


def refusal(world: World, data: bytes, **said: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        world.receive(data, **said)
    return {field: str(errors[0].code) for field, errors in caught.value.error_dict.items()}


def test_the_bytes_are_kept_as_they_came(world: World) -> None:
    data = cast_file("ls\r\n")
    recording = world.receive(data)
    assert recording.sha256 == hashlib.sha256(data).hexdigest()
    assert path_of(recording.blob.storage_key).read_bytes() == data
    assert (recording.size, recording.state) == (len(data), Recording.State.RECEIVED)


def test_the_session_holds_what_was_said(world: World) -> None:
    recording = world.receive(acted_as=" root@core01 ", external_id="psm-7")
    session = recording.session
    assert session.code.startswith("SES-")
    assert session.started_at == BEGAN
    said = {"system": "JUMP", "account": "dkovac", "acted_as": "root@core01", "session": "psm-7"}
    assert said.items() <= session.as_filed.items()
    assert session.as_filed["started_at"] is None
    assert str(session.as_filed["header_started_at"]).startswith(f"{BEGAN:%Y-%m-%dT%H:%M:%S}")


def test_receiving_is_recorded_once(world: World) -> None:
    recording = world.receive()
    world.receive()
    [event] = Event.objects.filter(verb=Verb.RECORDING_RECEIVED)
    assert (event.subject_id, event.actor_id) == (str(recording.pk), str(world.people.mikael.pk))


def test_the_same_bytes_for_the_same_session_are_one_recording(world: World) -> None:
    first, again = world.receive(), world.receive(account_name="DKOVAC")
    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert again.pk == first.pk
    assert Session.objects.count() == 1


def test_the_same_bytes_at_another_time_are_another_session_and_say_so(world: World) -> None:
    first = world.file()
    other = world.file(started_at=BEGAN - timedelta(hours=5))
    assert other.session != first.session
    reasons = {warning["code"]: warning["reason"] for warning in other.warnings}
    assert first.session.code in reasons["same_bytes_elsewhere"]
    assert "start_differs" in reasons


def test_recordings_with_one_id_are_one_session(world: World) -> None:
    first = world.file(cast_file("a"), external_id="psm-1")
    second = world.file(cast_file("b", seconds=600), external_id="psm-1")
    assert first.session == second.session
    assert second.session.lasted == timedelta(seconds=600)


def test_one_id_with_two_accounts_is_refused(world: World) -> None:
    world.receive(cast_file("a"), external_id="psm-1")
    assert refusal(world, cast_file("b"), external_id="psm-1", account_name="root") == {
        "session": "other_session"
    }


def test_what_was_said_counts_before_the_header(world: World) -> None:
    said = BEGAN - timedelta(minutes=40)
    recording = world.file(started_at=said)
    assert recording.session.started_at == said
    assert [warning["code"] for warning in recording.warnings] == ["start_differs"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", {"file": "empty"}),
        (b"PK\x03\x04 a spreadsheet", {"file": "archive_refused"}),
        (b"name,email\nDana,dana@example.com\n", {"file": "unknown_format"}),
        (b'{"version": 2, "width": 80, "height"', {"file": "bad_header"}),
        (b'{"version": 9, "width": 80, "height": 24}\n', {"file": "unsupported_version"}),
        (gzip.compress(cast_file(), mtime=0)[:-4].replace(b"\x00", b"\xff"), {"file": "gzip_damaged"}),
        (cast_file(began=None), {"started_at": "start_unknown"}),
        (cast_file(began=BEGAN + timedelta(days=30)), {"started_at": "start_in_future"}),
    ],
    ids=["empty", "zip", "csv", "cut", "version", "gzip", "no start", "future"],
)
def test_what_is_no_recording_is_refused_and_nothing_is_filed(
    world: World, data: bytes, expected: dict[str, str]
) -> None:
    assert refusal(world, data) == expected
    assert not Session.objects.exists()
    assert not Event.objects.filter(verb=Verb.RECORDING_RECEIVED).exists()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"account_name": "  "}, {"account": "required"}),
        ({"account_name": "d\x00kovac"}, {"account": "control_characters"}),
        ({"account_name": "dkovac\u202egnp"}, {"account": "control_characters"}),
        ({"acted_as": "x" * 257}, {"acted_as": "too_long"}),
    ],
)
def test_names_that_no_system_has_are_refused(
    world: World, said: dict[str, str], expected: dict[str, str]
) -> None:
    assert refusal(world, cast_file(), **said) == expected


def test_more_than_the_limit_is_refused_while_it_is_stored(world: World, settings: Any) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 400
    assert refusal(world, cast_file(*["x" * 100] * 9)) == {"file": "too_large"}
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("/absolute/core01.cast", "core01.cast"),
        ("C:\\Users\\me\\core01.cast", "core01.cast"),
        ("..%2f..%2fcore.cast", "..%2f..%2fcore.cast"),
        ("nul\x00byte\x1b[2J.cast", "nulbyte[2J.cast"),
        ("tsac.\u202egpj.exe", "tsac.gpj.exe"),
        ("<script>alert(1)</script>.cast", "script>.cast"),
        ("n" * 300, "n" * 200),
        ("..", ".."),
        ("", ""),
    ],
)
def test_hostile_file_names_are_only_ever_text(world: World, name: str, kept: str) -> None:
    recording = world.receive(file_name=name)
    assert recording.file_name == kept
    assert path_of(recording.blob.storage_key).name == recording.sha256


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["full-v1.json", "minimal-v2.cast", "full-v3.cast", "demo.cast"])
def test_real_recordings_of_every_version_are_read(
    world: World, samples: Callable[[str], bytes], name: str, packed: bool
) -> None:
    data = samples(name)
    recording = world.file(gzip.compress(data) if packed else data, started_at=BEGAN)
    assert (recording.state, recording.reason) == (Recording.State.SEALED, "")
    assert recording.format == "asciicast"
    assert recording.format_version == (1 if name.endswith("json") else 3 if "v3" in name else 2)
    assert recording.chunks.exists()


def test_what_a_queue_lost_is_read_after_a_while(world: World) -> None:
    at = moment.now()
    recording = world.receive()
    assert drain() == 1
    Recording.objects.filter(pk=recording.pk).update(state=Recording.State.RECEIVED)
    assert intake.process_overdue(at) == 0
    assert intake.process_overdue(at + timedelta(hours=1)) == 1
    drain()
    recording.refresh_from_db()
    assert recording.state == Recording.State.SEALED
