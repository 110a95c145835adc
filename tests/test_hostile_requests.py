"""Requests that no page of ours would send: they are refused with a page that helps, never with a 500."""

import io

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Identity, Ownership
from accounts.services import ownership
from portal import moment
from portal.audit.services import PORTAL
from portal.users import services as users
from portal.users.models import User
from portal.users.roles import Role
from reviews.models import EvidencePack
from reviews.services import packs
from sessions_app.models import Recorder, Session
from tests.conftest import As
from tests.factories import inventory
from tests.factories import people as factory
from tests.factories import reviews as bank_factory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db

NONSENSE = [
    "",
    "abc",
    "-1",
    "1e3",
    "²",
    "\x00",
    "9" * 30,
    "9" * 5000,
    "9999-12-31",
    "[",
    "{{7*7}}",
    "é" * 500,
]
CAST = b'{"version": 2, "width": 80, "height": 24}\n[0.5, "o", "hello"]\n'


@pytest.fixture
def machine(people: People) -> Identity:
    made = inventory.identity("svc-settlement", kind="service")
    ownership.name_owner(
        made, identity_of(people.tomas), role=Ownership.Role.OWNER, version=None, actor=PORTAL
    )
    return made


def _pack(people: People) -> EvidencePack:
    bank = bank_factory.bank(people)
    bank.grant(bank.hire())
    return packs.request(bank.launched(), with_recordings=False, by=people.ines)


@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
@pytest.mark.parametrize("field", ["since", "until", "actor", "subject", "verb", "page"])
def test_filters_of_the_trail(people: People, as_: As, field: str, value: str) -> None:
    status = as_(people.ines).get(reverse("trail"), {field: value}).status_code
    assert status == (400 if value == "\x00" else 200)


@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
@pytest.mark.parametrize(
    "field",
    ["identity", "account", "grant", "since", "until", "system", "match", "recorder", "words", "page"],
)
def test_filters_of_the_sessions(people: People, as_: As, field: str, value: str) -> None:
    status = as_(people.farid).get(reverse("session_list"), {field: value}).status_code
    assert status == (400 if value == "\x00" else 200)


@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
def test_a_version_that_is_none_changes_nothing(
    people: People, as_: As, machine: Identity, value: str
) -> None:
    url = reverse("identity_accept", args=[machine.pk])
    assert as_(people.tomas).post(url, {"version": value}).status_code in {409, 422}
    machine.refresh_from_db()
    assert not machine.ownerships.exclude(accepted_at=None).exists()


@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
def test_a_pack_is_not_built_again_from_a_version_that_is_none(people: People, as_: As, value: str) -> None:
    pack = _pack(people)
    EvidencePack.objects.filter(pk=pack.pk).update(state=EvidencePack.State.FAILED)
    response = as_(people.ines).post(reverse("pack_again", args=[pack.code]), {"version": value})
    assert response.status_code in {409, 422}
    pack.refresh_from_db()
    assert pack.state == EvidencePack.State.FAILED


def test_a_machine_is_not_edited_without_the_version_that_was_seen(
    people: People, as_: As, machine: Identity
) -> None:
    form = {"name": "svc-overwritten", "kind": "service"}
    response = as_(people.mikael).post(reverse("identity_edit", args=[machine.pk]), form)
    assert response.status_code == 422
    machine.refresh_from_db()
    assert machine.name == "svc-settlement"


@pytest.mark.parametrize(
    "wanted", ["abc", "a:b", "//evil.test/", "https://evil.test/", "javascript:alert(1)"]
)
def test_where_to_go_next_is_a_page_of_ours_or_nothing(
    people: People, as_: As, machine: Identity, wanted: str
) -> None:
    form = {"owner": "leon@nordhaven.test", "version": machine.version, "next": wanted}
    inventory.identity("Leon Weiss", email="leon@nordhaven.test")
    response = as_(people.mikael).post(reverse("identity_owner", args=[machine.pk]), form)
    assert response["Location"] == reverse("identity", args=[machine.pk])


@pytest.mark.parametrize(
    "begun",
    [
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_start_that_no_session_had(people: People, begun: str) -> None:
    response = _delivered(people, started_at=begun)
    assert response == (422, "started_at")
    assert not Session.objects.exists()


def _delivered(people: People, **fields: str) -> tuple[int, str]:
    """What a recorder gets for its recording: the status and the first field that was wrong."""
    machine = inventory.identity("rec-jump", kind="service", owner=identity_of(people.tomas))
    robot = factory.user("Recorder", Role.RECORDER, identity=machine, kind=User.Kind.MACHINE)
    Recorder.objects.create(code="rec-jump", name="Jump", identity=machine, user=robot)
    inventory.system("JUMP")
    _token, secret = users.issue_token(robot, label="t", scopes=["recording"], days=1, by=people.mikael)
    file = io.BytesIO(CAST)
    file.name = "a.cast"
    response = Client().post(
        reverse("recording_api"),
        {"file": file, "system": "JUMP", "account": "root", **fields},
        headers={"Authorization": f"Bearer {secret}"},
    )
    return response.status_code, next(iter(response.json().get("fields", {"": None})))


@pytest.mark.parametrize("cookie", ['"aaaaaaaaaaaaaaaa\\000"', '"\\377\\376aaaaaaaaaaa"', "x" * 500])
def test_a_cookie_that_was_never_ours_is_no_session(people: People, cookie: str) -> None:
    response = Client(headers={"Cookie": f"sessionid={cookie}"}).get(reverse("home"))
    assert response.status_code in {302, 400}


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=\x01", "text/csv", "application/json"]
)
def test_a_body_of_another_kind(people: People, as_: As, kind: str) -> None:
    for who, name in ((people.mikael, "user_new"), (people.farid, "recording_upload")):
        response = as_(who).generic("POST", reverse(name), b"\xff\x00{", content_type=kind)
        assert response.status_code in {200, 400, 422}


def test_an_end_of_the_world_share_is_refused(people: People, as_: As) -> None:
    pack = _pack(people)
    form = {"user": people.elena.pk, "until": "0001-01-01T00:00"}
    response = as_(people.ines).post(reverse("pack_share", args=[pack.code]), form)
    assert response.status_code == 422
    assert moment.now() > pack.requested_at
