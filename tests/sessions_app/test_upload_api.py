"""What recorders send: with the right token, within their coverage, and told what became of it."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portal import moment
from portal.audit.services import PORTAL
from portal.tasks.testing import drain
from portal.users import services as users
from portal.users.models import Token, User
from portal.users.roles import Role
from sessions_app.models import Recorder, Recording, Session
from sessions_app.services import recorders
from tests.factories import inventory
from tests.sessions_app.conftest import BEGAN, World, cast_file

URL = "/api/recordings/"


class Machine:
    """A recorder and its token."""

    def __init__(self, world: World, scopes: tuple[str, ...] = ("recording",), **said: Any) -> None:
        self.recorder = world.recorder(**said)
        assert self.recorder.user is not None
        self.token, self.secret = users.issue_token(
            self.recorder.user, label="t", scopes=list(scopes), days=30, by=world.people.mikael
        )

    def post(self, url: str = URL, data: bytes | None = None, **fields: Any) -> HttpResponse:
        """A delivery, as curl makes it."""
        file = SimpleUploadedFile("core01.cast", cast_file() if data is None else data)
        body = {"file": file, "system": "JUMP", "account": "dkovac"} | fields
        return self.send(url, {name: value for name, value in body.items() if value != ""})

    def send(self, url: str, body: Any, **headers: Any) -> HttpResponse:
        """Any body with the token; CSRF is checked, as for everybody."""
        client = Client(enforce_csrf_checks=True)
        return client.post(url, body, headers={"Authorization": f"Bearer {self.secret}"}, **headers)  # type: ignore[return-value]  # the test client's own class


@pytest.fixture
def machine(world: World) -> Machine:
    """The recorder of JUMP."""
    return Machine(world)


def told(response: HttpResponse) -> dict[str, Any]:
    found = json.loads(response.content)
    assert isinstance(found, dict)
    return found


def test_a_delivery_is_received_and_read(world: World, machine: Machine) -> None:
    grant = world.grant()
    response = machine.post(acted_as="root@core01", session="psm-1")
    assert response.status_code == 201
    said = told(response)
    drain()
    recording = Recording.objects.get(pk=said["recording"])
    assert (recording.state, recording.sha256) == (Recording.State.SEALED, said["sha256"])
    session = recording.session
    assert (session.code, session.grant, session.recorder) == (said["session"], grant, machine.recorder)
    assert said["url"].endswith(reverse("session", args=[session.code]))
    assert recording.delivered_by_id == machine.token.user_id


def test_a_delivery_is_a_sign_of_life(machine: Machine) -> None:
    machine.post()
    machine.recorder.refresh_from_db()
    assert machine.recorder.last_seen_at is not None
    assert moment.now() - machine.recorder.last_seen_at < timedelta(minutes=1)


def test_a_repeated_delivery_says_so_and_adds_nothing(machine: Machine) -> None:
    first, again = machine.post(session="psm-1"), machine.post(session="psm-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert told(again) | {"repeat": False} == told(first)
    assert told(again)["repeat"] is True
    assert Recording.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"system": "NOWHERE"}, "unknown_system", "system"),
        ({"system": ""}, "required", "system"),
        ({"account": ""}, "required", "account"),
        ({"account": "a" * 300}, "max_length", "account"),
        ({"account": "d\x00"}, "null_characters_not_allowed", "account"),
        ({"started_at": "2026-11-24T09:00:00"}, "bad_time", "started_at"),
        ({"started_at": "yesterday"}, "bad_time", "started_at"),
        ({"started_at": "2126-11-24T09:00:00Z"}, "start_in_future", "started_at"),
        ({"file": ""}, "required", "file"),
    ],
)
def test_a_delivery_that_can_not_be_filed_is_refused_by_field(
    machine: Machine, fields: dict[str, Any], code: str, field: str
) -> None:
    response = machine.post(**fields)
    assert response.status_code == 422
    said = told(response)
    assert (said["error"], said["fields"][field][0]["code"]) == (code, code)
    assert said["message"]
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty"), (b"\x00\x01hello", "unknown_format"), (cast_file(began=None), "start_unknown")],
)
def test_a_file_that_is_no_recording_is_refused_with_a_code(machine: Machine, data: bytes, code: str) -> None:
    response = machine.post(data=data)
    assert (response.status_code, told(response)["error"]) == (422, code)


def test_a_start_with_its_zone_is_understood(machine: Machine) -> None:
    response = machine.post(data=cast_file(began=None), started_at=BEGAN.isoformat())
    assert response.status_code == 201
    assert Session.objects.get().started_at == BEGAN


def test_a_raw_body_is_refused_with_what_to_send(machine: Machine) -> None:
    response = machine.send(URL, cast_file(), content_type="application/octet-stream")
    assert (response.status_code, told(response)["error"]) == (415, "not_multipart")


def test_a_damaged_multipart_body_is_refused(machine: Machine) -> None:
    response = machine.send(URL, b"--x\r\nnothing", content_type="multipart/form-data")
    assert (response.status_code, told(response)["error"]) == (400, "not_multipart")


def test_too_much_is_refused_by_length_and_by_count(machine: Machine, settings: Any) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 200
    counted = machine.post(data=cast_file("x" * 1000))
    assert (counted.status_code, told(counted)["error"]) == (413, "too_large")
    by_length = machine.post(data=b"x" * ((1 << 20) + 4000))
    assert by_length.status_code == 413
    assert not Recording.objects.exists()


def test_a_chunked_body_without_a_length_is_told_to_say_it(machine: Machine) -> None:
    raw = f"Bearer {machine.secret}"
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": URL,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(b""),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "HTTP_AUTHORIZATION": raw,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
    }
    answered: list[str] = []

    def start_response(status: str, _headers: Any, _error: Any = None) -> Any:
        answered.append(status)

    body = b"".join(WSGIHandler()(environ, start_response))
    assert answered[0].startswith("411")
    assert b"Content-Length" in body


# Tokens


def test_without_a_token_or_with_a_wrong_one_nothing_is_read(world: World) -> None:
    world.recorder()
    file = SimpleUploadedFile("a.cast", cast_file())
    for headers in ({}, {"Authorization": "Bearer gp_wrong"}, {"Authorization": "Basic eDp5"}):
        response = Client().post(URL, {"file": file, "system": "JUMP", "account": "dkovac"}, headers=headers)
        assert response.status_code == 401
        assert response.json()["error"] == "token_refused"
    assert not Recording.objects.exists()


def test_a_signed_in_person_has_no_token(world: World, as_: Any) -> None:
    assert as_(world.people.mikael).post(URL, {}).status_code == 401


def test_a_token_of_another_scope_is_refused(world: World) -> None:
    response = Machine(world, scopes=("import",)).post()
    assert (response.status_code, told(response)["error"]) == (403, "scope_missing")


def test_an_expired_a_revoked_and_an_ended_token_are_one_refusal(world: World, machine: Machine) -> None:
    with moment.simulated(machine.token.expires_at + timedelta(seconds=1)):
        assert machine.post().status_code == 401
    users.revoke_token(Token.objects.get(pk=machine.token.pk), actor=PORTAL)
    assert machine.post().status_code == 401
    other = Machine(world, code="rec-two")
    assert other.recorder.user is not None
    users.end_sign_in(other.recorder.user, actor=PORTAL, at=moment.now(), because="test")
    assert other.post().status_code == 401
    assert not Recording.objects.exists()


def test_a_machine_that_is_no_recorder_is_refused(world: World) -> None:
    robot = users.create(
        email="robot@nordhaven.test",
        name="Robot",
        roles=[Role.RECORDER],
        actor=PORTAL,
        kind=User.Kind.MACHINE,
    )
    _token, secret = users.issue_token(robot, label="t", scopes=["recording"], days=1, by=world.people.mikael)
    for url in (URL, reverse("recorder_heartbeat_api")):
        response = Client().post(url, {}, headers={"Authorization": f"Bearer {secret}"})
        assert (response.status_code, response.json()["error"]) == (403, "not_a_recorder")


def test_a_recorder_that_lost_its_role_is_refused(world: World, machine: Machine) -> None:
    User.objects.filter(pk=machine.token.user_id).update(roles=[])
    assert machine.post().status_code == 403


# Coverage


def test_what_lies_outside_the_coverage_is_held_until_it_is_covered(world: World, machine: Machine) -> None:
    core = inventory.system("CORE")
    response = machine.post(system="CORE")
    assert response.status_code == 201
    assert "did not cover CORE" in told(response)["held"]
    assert drain() == 0
    recording = Recording.objects.get()
    assert (recording.state, recording.is_held) == (Recording.State.RECEIVED, True)
    machine.recorder.refresh_from_db()
    recorders.cover(
        machine.recorder,
        core,
        since=BEGAN - timedelta(days=1),
        version=machine.recorder.version,
        actor=world.people.mikael.actor,
    )
    drain()
    recording.refresh_from_db()
    assert (recording.state, recording.reason) == (Recording.State.SEALED, "")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"since": BEGAN + timedelta(hours=1)}, "did not cover JUMP"),
        ({"until": BEGAN}, "did not cover JUMP"),
        ({"notice": recorders.Notice("p", "l", "n", "d", "a", ("DE",), 2)}, "for 2 days only"),
    ],
)
def test_what_lies_outside_the_notice_is_held(world: World, change: dict[str, Any], reason: str) -> None:
    machine = Machine(world, **change)
    assert reason in told(machine.post())["held"]
    assert not Session.objects.exclude(match=Session.Match.UNMATCHED).exists()


def test_a_recorder_without_a_notice_delivers_nothing_that_is_read(machine: Machine) -> None:
    Recorder.objects.filter(pk=machine.recorder.pk).update(notice={})
    assert "no notice record" in told(machine.post())["held"]


def test_a_heartbeat_is_a_sign_of_life(machine: Machine) -> None:
    response = machine.send(reverse("recorder_heartbeat_api"), {})
    assert (response.status_code, told(response)["recorder"]) == (200, "rec-jump")
    machine.recorder.refresh_from_db()
    assert machine.recorder.last_seen_at is not None


def test_only_posts_are_answered(machine: Machine) -> None:
    headers = {"Authorization": f"Bearer {machine.secret}"}
    assert Client().get(URL, headers=headers).status_code == 405
    assert Client().get(reverse("recorder_heartbeat_api"), headers=headers).status_code == 405
