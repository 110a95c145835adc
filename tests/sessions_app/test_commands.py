"""What was typed in a session: kept, listed beside the replay, searched, and never what was hidden."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.audit.models import Event, Payload
from portal.users.models import User
from sessions_app.models import Command, Recording, Session
from sessions_app.services import playback
from tests.sessions_app.conftest import BEGAN, World

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
TERMINALS = Path(__file__).resolve().parents[1] / "data" / "formats" / "terminals"


def terminal(name: str) -> bytes:
    return (TERMINALS / f"{name}.cast.gz").read_bytes()


def expected(name: str) -> list[tuple[str, bool]]:
    return [(text, aborted) for text, aborted in json.loads((TERMINALS / "expected.json").read_text())[name]]


def text(response: Any) -> str:
    return unescape(response.content.decode())


@pytest.fixture
def recording(world: World) -> Recording:
    world.grant()
    return world.file(terminal("bash-plain-marks"), started_at=BEGAN)


def test_every_command_is_kept_in_its_order(recording: Recording) -> None:
    kept = Command.objects.filter(recording=recording).in_order()
    assert list(kept.values_list("text", "is_aborted")) == expected("bash-plain-marks")
    assert [one.number for one in kept] == list(range(1, len(kept) + 1))
    assert {one.method for one in kept} == {"paste"}
    times = [one.at_seconds for one in kept]
    assert times == sorted(times)


def test_the_log_counts_them_and_quotes_none(recording: Recording) -> None:
    facts = Payload.objects.get(event__verb="recording.accepted", event__subject_id=str(recording.pk)).facts
    assert facts is not None
    assert facts["commands"] == len(expected("bash-plain-marks"))
    assert not [event for event in Event.objects.all() if "notes.txt" in str(event.__dict__)]
    assert "notes.txt" not in json.dumps(facts)


def test_reading_it_again_leaves_the_same(recording: Recording) -> None:
    before = list(Command.objects.values_list("number", "text"))
    reread = recording.session.recordings.get()
    assert (reread.state, list(Command.objects.values_list("number", "text"))) == ("sealed", before)


def test_they_are_listed_for_whoever_gave_a_purpose(world: World, recording: Recording, as_: SignIn) -> None:
    page, farid = reverse("session", args=[recording.session.code]), world.people.farid
    client = as_(farid)
    assert "cat notes.txt" not in text(client.get(page))
    playback.watch(recording.session, purpose="Incident 7", by=farid)
    shown = text(client.get(f"{page}?t=1.5"))
    assert "cat notes.txt" in shown
    assert "typed, not run" in shown  # the aborted one
    assert 'data-player-marks="commands"' in shown
    assert 'data-player-start="1.5"' in shown
    assert "cat notes.txt" not in text(as_(world.people.ines).get(page))


@pytest.mark.parametrize("start", ["x", "-1", "nan", "1e99", "<script>"])
def test_a_start_that_is_none_is_left_out(
    world: World, recording: Recording, as_: SignIn, start: str
) -> None:
    playback.watch(recording.session, purpose="Incident 7", by=world.people.farid)
    page = reverse("session", args=[recording.session.code])
    answer = as_(world.people.farid).get(page, {"t": start})
    assert answer.status_code == 200
    assert "data-player-start" not in text(answer)


def test_sessions_are_found_by_a_command_by_those_who_may_watch(
    world: World, recording: Recording, as_: SignIn
) -> None:
    other: Session = world.session(started_at=BEGAN)

    def found(user: User, **query: str) -> list[str]:
        page = as_(user).get("/sessions/", query).context["page"]
        return [one.code for one in page.object_list]

    assert found(world.people.farid, command="RM -RF /nope") == [recording.session.code]
    assert found(world.people.farid, command="rm -rf %nope") == []
    assert set(found(world.people.ines, command="rm -rf /nope")) == {recording.session.code, other.code}


def test_what_a_recording_says_of_itself_is_shown_as_that(world: World, as_: SignIn) -> None:
    recording = world.file(started_at=BEGAN)
    Recording.objects.filter(pk=recording.pk).update(
        told={"user": "<b>dkovac</b>", "ticket": "CHG-7"}, gaps=[[12.0, "Messages 4 to 6 are not there."]]
    )
    page = as_(world.people.ines).get(reverse("session", args=[recording.session.code]))
    assert b"&lt;b&gt;dkovac&lt;/b&gt;" in page.content
    assert "CHG-7" in text(page)
    assert "Messages 4 to 6 are not there." in text(page)


def test_a_log_of_calls_is_refused_in_words(world: World, as_: SignIn) -> None:
    line = (
        "type=USER_CMD msg=audit(1700000000.123:7): pid=1 uid=0 auid=1000 ses=3 msg='cmd=6C73 res=success'\n"
    )
    with pytest.raises(Exception, match="log of calls"):
        world.receive(line.encode(), file_name="audit.log", started_at=BEGAN)
    assert not Session.objects.exists()
