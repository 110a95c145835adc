"""A recording is sealed with what was found, or rejected with the reason; it is kept either way."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from portal import moment
from portal.audit.models import Event, Payload
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from portal.vault.models import Blob
from portal.vault.store import path_of
from sessions_app import tasks
from sessions_app.models import Recording, Session, TranscriptChunk
from sessions_app.processing import reading
from tests.sessions_app.conftest import BEGAN, World, cast_file, tamper


def facts_of(verb: Verb, recording: Recording) -> dict[str, object]:
    event = Event.objects.get(verb=verb, subject_id=str(recording.pk))
    facts = Payload.objects.get(event=event).facts
    assert isinstance(facts, dict)
    return facts


def test_a_sealed_recording_has_its_facts_and_its_text(world: World) -> None:
    grant = world.grant()
    recording = world.file(cast_file("root# ls\r\n", "secret.txt\r\n", seconds=90))
    assert recording.state == Recording.State.SEALED
    assert (recording.format, recording.format_version, recording.cols, recording.rows) == (
        "asciicast",
        2,
        80,
        24,
    )
    assert (recording.seconds, recording.has_input) == (90, False)
    assert "".join(recording.chunks.values_list("text", flat=True)) == "root# ls\nsecret.txt\n"
    session = recording.session
    assert session.ended_at == BEGAN + timedelta(seconds=90)
    facts = facts_of(Verb.RECORDING_ACCEPTED, recording)
    assert facts["sha256"] == recording.sha256
    assert (facts["match"], facts["grant"], facts["milliseconds"]) == ("grant", grant.pk, 90_000)


def test_the_log_holds_no_text_of_a_recording(world: World) -> None:
    recording = world.file(cast_file("password: hunter2-in-the-clear\r\n"))
    bodies = [bytes(body) for body in Payload.objects.values_list("body", flat=True) if body]
    assert recording.chunks.get().text.startswith("password")
    assert not any(b"hunter2" in body or b"dkovac" in body for body in bodies)


def test_a_truncated_recording_is_sealed_with_its_remark_and_an_unknown_end(world: World) -> None:
    recording = world.file(cast_file("one\r\n", "two\r\n")[:-9])
    assert recording.state == Recording.State.SEALED
    assert [warning["code"] for warning in recording.warnings] == ["truncated"]
    assert recording.session.ended_at is None


def test_a_damaged_recording_is_rejected_with_the_line_and_kept(world: World) -> None:
    data = cast_file("fine\r\n") + b'[9, "o", "\xff\xfe"]\n[10, "o", "x"]\n'
    recording = world.file(data)
    assert recording.state == Recording.State.REJECTED
    assert "Line 3 is not UTF-8" in recording.reason
    assert path_of(recording.blob.storage_key).read_bytes() == data
    assert not TranscriptChunk.objects.exists()
    assert recording.session.match == Session.Match.UNMATCHED
    assert facts_of(Verb.RECORDING_REJECTED, recording)["code"] == "wrong_encoding"


def test_bytes_that_changed_in_the_vault_are_rejected_loudly(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    recording = world.receive()
    tamper(recording)
    with caplog.at_level(logging.ERROR):
        drain()
    recording.refresh_from_db()
    assert recording.state == Recording.State.REJECTED
    assert recording.reason.startswith("Altered")
    assert facts_of(Verb.RECORDING_REJECTED, recording)["code"] == "altered"
    assert recording.session.code in caplog.text
    assert Blob.objects.get(pk=recording.blob_id).state == Blob.State.ALTERED
    assert not TranscriptChunk.objects.exists()


def test_a_file_that_vanished_from_the_vault_is_rejected_too(world: World) -> None:
    recording = world.receive()
    path_of(recording.blob.storage_key).unlink()
    drain()
    recording.refresh_from_db()
    assert recording.state == Recording.State.REJECTED
    assert recording.reason.startswith("Altered")


def test_reading_twice_changes_nothing(world: World) -> None:
    world.grant()
    recording = world.file()
    before = Session.objects.get(pk=recording.session_id).version
    tasks.process_recording.call(str(recording.pk))
    assert Event.objects.filter(verb=Verb.RECORDING_ACCEPTED).count() == 1
    assert Session.objects.get(pk=recording.session_id).version == before


def test_of_two_workers_the_later_claim_counts(world: World) -> None:
    recording = world.receive()
    at = moment.now()
    slow = reading.claim(str(recording.pk), at=at)
    quick = reading.claim(str(recording.pk), at=at)
    assert slow is not None
    assert quick is not None
    reading.process(quick, at=at)
    with transaction.atomic():
        reading.process(slow, at=at)
    assert Event.objects.filter(verb=Verb.RECORDING_ACCEPTED).count() == 1
    assert TranscriptChunk.objects.filter(recording=recording).count() == 1


def test_a_reader_that_fails_again_and_again_leaves_a_reason(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = world.receive()
    tasks.give_up("MemoryError", str(recording.pk))
    recording.refresh_from_db()
    assert recording.state == Recording.State.REJECTED
    assert "MemoryError" in recording.reason


def test_a_long_text_is_kept_in_pieces_that_can_be_searched(world: World) -> None:
    lines = [f"line {number} needle{number} " + "x" * 400 + "\r\n" for number in range(1000)]
    recording = world.file(cast_file(*lines))
    pieces = recording.chunks.order_by("number")
    assert len(pieces) > 5
    assert max(len(piece.text.encode()) for piece in pieces) <= 64 * 1024
    assert [piece.number for piece in pieces] == list(range(1, len(pieces) + 1))
    assert Session.objects.saying("needle977").get() == recording.session
    assert not Session.objects.saying("needle1000").exists()


def test_a_real_session_of_an_administrator_is_read(world: World, samples: Callable[[str], bytes]) -> None:
    recording = world.file(samples("tool-asciinema24-admin.cast"), started_at=BEGAN)
    assert recording.state == Recording.State.SEALED
    assert recording.has_input is True
    assert "bastion#" in recording.chunks.order_by("number")[0].text
