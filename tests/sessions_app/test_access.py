"""Who sees sessions, who sees facts only, who may watch and for how long: a table with every explicit no."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portal import moment
from portal.audit.models import Event, Payload
from portal.audit.services import PORTAL
from portal.audit.verbs import Verb
from portal.users import services as users
from portal.users.models import User
from portal.users.ports import reasons_to_see
from portal.users.roles import Role
from sessions_app.models import Recording, Session, Viewing
from sessions_app.services import playback
from tests.factories import people as factory
from tests.sessions_app.conftest import BEGAN, World, cast_file, tamper

SignIn = Callable[[User], Client]
SECRET = "typed-on-the-screen"


class Place:
    """One sealed session, and everybody's way to it."""

    def __init__(self, world: World) -> None:
        world.grant()
        self.world = world
        self.recording = world.file(cast_file(f"{SECRET}\r\n"))
        self.session = self.recording.session
        code = self.session.code
        self.urls = {
            "facts": reverse("session", args=[code]),
            "transcript": reverse("session_transcript", args=[code]),
            "play": reverse("recording_play", args=[code, self.recording.pk]),
            "watch": reverse("session_watch", args=[code]),
        }

    def watching(self, user: User) -> None:
        """The purpose is given."""
        playback.watch(self.session, purpose="Incident 12", by=user)


@pytest.fixture
def place(world: World) -> Place:
    """A session under Dana's account."""
    return Place(world)


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode() if response.streaming else response.content.decode()


# Compliance and IAM see facts, security watches, nobody else has business here.
FACTS = {
    "ines": 200,
    "tomas": 404,
    "ruth": 404,
    "mikael": 200,
    "aiko": 404,
    "farid": 200,
    "elena": 404,
    "omar": 404,
}
CONTENT = FACTS | {"ines": 403, "mikael": 403, "farid": 200}


@pytest.mark.parametrize("name", FACTS)
def test_facts_and_content_by_role(place: Place, as_: SignIn, name: str) -> None:
    user: User = place.world.people.by_role[name]
    place.watching(user)  # even a purpose gives nobody the permission
    client = as_(user)
    assert client.get(place.urls["facts"]).status_code == FACTS[name]
    assert client.get(place.urls["transcript"]).status_code == CONTENT[name]
    assert client.get(place.urls["play"]).status_code == CONTENT[name]
    posted = client.post(place.urls["watch"], {"purpose": "Incident 12"}).status_code
    assert posted == (302 if CONTENT[name] == 200 else CONTENT[name])


def test_anonymous_is_led_to_the_sign_in(place: Place) -> None:
    for name, url in place.urls.items():
        answer = Client().post(url) if name == "watch" else Client().get(url)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("account_login"))


def test_the_page_of_facts_shows_no_content(place: Place, as_: SignIn) -> None:
    for user in (place.world.people.ines, place.world.people.farid):
        page = body(as_(user).get(place.urls["facts"]))
        assert SECRET not in page
        assert place.recording.sha256 in page
        assert "data-player-src" not in page


def test_who_was_recorded_sees_the_facts_of_it_and_no_more(place: Place, as_: SignIn) -> None:
    dana = factory.user("Dana Kovac", identity=place.world.dana)
    client = as_(dana)
    assert client.get(place.urls["facts"]).status_code == 200
    assert client.get(place.urls["play"]).status_code == 403
    assert client.get(place.urls["transcript"]).status_code == 403
    assert place.session.code in body(client.get(reverse("session_list")))


def test_who_answers_for_a_machine_sees_its_sessions(place: Place, as_: SignIn) -> None:
    omar = place.world.people.omar
    machine = place.world.dana
    for role in ("owner", "deputy", "stand_in"):
        type(machine).objects.filter(pk=machine.pk).update(
            kind="service", owner=None, deputy=None, stand_in=None, manager=None
        )
        assert as_(omar).get(place.urls["facts"]).status_code == 404
        type(machine).objects.filter(pk=machine.pk).update(**{role: omar.identity_id})
        assert as_(omar).get(place.urls["facts"]).status_code == 200


def test_a_reviewer_with_a_reason_sees_facts_but_no_replay(
    place: Place, as_: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomas = place.world.people.tomas
    port = reasons_to_see[Session]
    monkeypatch.setitem(
        port._answers,
        "test: an item of theirs",
        lambda user: Session.objects.filter(pk__in=[place.session.pk] if user == tomas else []).values("pk"),
    )
    client = as_(tomas)
    assert client.get(place.urls["facts"]).status_code == 200
    assert client.get(place.urls["play"]).status_code == 403
    assert client.post(place.urls["watch"], {"purpose": "x"}).status_code == 403
    assert as_(place.world.people.omar).get(place.urls["facts"]).status_code == 404


def test_an_ended_sign_in_sees_nothing(place: Place, as_: SignIn) -> None:
    farid = place.world.people.farid
    client = as_(farid)
    place.watching(farid)
    assert client.get(place.urls["play"]).status_code == 200
    users.end_sign_in(farid, actor=PORTAL, at=moment.now(), because="test")
    assert client.get(place.urls["play"]).status_code == 302


# Watching


def test_without_a_purpose_nothing_is_shown(place: Place, as_: SignIn) -> None:
    client = as_(place.world.people.farid)
    assert client.get(place.urls["play"]).status_code == 403
    assert SECRET not in body(client.get(place.urls["transcript"]))
    answer = client.post(place.urls["watch"], {"purpose": "   "})
    assert answer.status_code == 422
    assert not Viewing.objects.filter(kind=Viewing.Kind.WATCHED).exists()
    assert client.get(place.urls["play"]).status_code == 403


def test_a_purpose_opens_it_and_is_kept_and_recorded(place: Place, as_: SignIn) -> None:
    farid = place.world.people.farid
    client = as_(farid)
    answer = client.post(place.urls["watch"], {"purpose": "Incident  12"}, follow=True)
    assert answer.status_code == 200
    assert f'data-player-src="{place.urls["play"]}"' in body(answer)
    viewing = Viewing.objects.get(kind=Viewing.Kind.WATCHED)
    assert (viewing.user_id, viewing.purpose) == (farid.pk, "Incident 12")
    event = Event.objects.get(verb=Verb.RECORDING_WATCHED)
    assert (event.actor_id, event.subject_id) == (str(farid.pk), str(place.session.pk))
    assert Payload.objects.get(event=event).facts["recordings"] == [place.recording.sha256]  # type: ignore[index]  # a map
    played = client.get(place.urls["play"])
    assert played.headers["Content-Type"] == "application/x-asciicast"
    assert "no-store" in played.headers["Cache-Control"]
    assert SECRET in body(played)
    assert SECRET in body(client.get(place.urls["transcript"]))


def test_a_purpose_holds_for_eight_hours_for_one_user_and_one_session(place: Place, as_: SignIn) -> None:
    farid = place.world.people.farid
    other = place.world.file(cast_file("other", began=BEGAN - timedelta(hours=9)))
    begun = moment.now() - timedelta(hours=8, seconds=5)
    with moment.simulated(begun):
        place.watching(farid)
    assert as_(farid).get(place.urls["play"]).status_code == 403
    with moment.simulated(begun + timedelta(seconds=10)):
        place.watching(farid)
    assert as_(farid).get(place.urls["play"]).status_code == 200
    elsewhere = reverse("recording_play", args=[other.session.code, other.pk])
    assert as_(farid).get(elsewhere).status_code == 403
    second = factory.user("Second Watcher", Role.SECURITY)
    assert as_(second).get(place.urls["play"]).status_code == 403


def test_a_recording_is_played_under_its_own_session_only(place: Place, as_: SignIn) -> None:
    farid = place.world.people.farid
    other = place.world.file(cast_file("other", began=BEGAN - timedelta(hours=9)))
    place.watching(farid)
    swapped = reverse("recording_play", args=[place.session.code, other.pk])
    assert as_(farid).get(swapped).status_code == 404


def test_a_rejected_recording_is_not_played(place: Place, as_: SignIn) -> None:
    place.watching(place.world.people.farid)
    Recording.objects.filter(pk=place.recording.pk).update(state=Recording.State.REJECTED, reason="x")
    assert as_(place.world.people.farid).get(place.urls["play"]).status_code == 404


def test_a_recording_that_was_altered_is_not_played_and_the_page_says_so(place: Place, as_: SignIn) -> None:
    farid = place.world.people.farid
    place.watching(farid)
    tamper(place.recording)
    assert as_(farid).get(place.urls["play"]).status_code == 409
    assert "altered" in body(as_(farid).get(place.urls["facts"]))


def test_the_copy_is_harmless_and_the_original_is_not_served(world: World, as_: SignIn) -> None:
    hostile = "\x1b]52;c;ZXZpbA==\x07\x1b]0;title\x07\x1bP+q544e\x1b\\\x1b[6nshown"
    recording = world.file(cast_file(hostile))
    farid = world.people.farid
    playback.watch(recording.session, purpose="Incident 12", by=farid)
    url = reverse("recording_play", args=[recording.session.code, recording.pk])
    copy = body(as_(farid).get(url))
    assert "shown" in copy
    assert all(part not in copy for part in ("]52;", "ZXZpbA", "title", "544e", "[6n"))


# Facts opened


def test_opening_the_facts_is_noted_once_a_day(place: Place, as_: SignIn) -> None:
    ines = place.world.people.ines
    client = as_(ines)
    for _again in range(3):
        client.get(place.urls["facts"])
    rows = Viewing.objects.filter(kind=Viewing.Kind.FACTS, user_id=ines.pk)
    assert rows.count() == 1
    with moment.simulated(moment.now() + timedelta(days=1)):
        playback.open_facts(place.session, by=ines)
    assert rows.count() == 2
    assert not Event.objects.filter(verb=Verb.RECORDING_WATCHED).exists()


def test_asking_whether_it_is_read_is_not_opening_it(place: Place, as_: SignIn) -> None:
    answer: HttpResponse = as_(place.world.people.ines).get(  # type: ignore[assignment]  # the test client's class
        place.urls["facts"], headers={"HX-Request": "true"}
    )
    assert answer.headers["HX-Refresh"] == "true"
    assert not Viewing.objects.exists()


def test_a_refused_visitor_leaves_no_trace_as_having_opened_it(place: Place, as_: SignIn) -> None:
    as_(place.world.people.omar).get(place.urls["facts"])
    assert not Viewing.objects.exists()
