"""Machines push files with a token; what they push waits for a person like anything else."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import ImportRun, Source
from portal.audit.models import Event, Payload
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from portal.users import services
from portal.users.models import Token, User
from portal.users.roles import Role
from tests.factories import people, readings

pytestmark = pytest.mark.django_db

HR = b"number,name\n1,Ann\n"
API = reverse("import_api")


@pytest.fixture
def hr() -> Source:
    return readings.source(name="HR nightly")


def push(token: str, source: object, data: bytes = HR, *, query: str = "", **headers: str) -> HttpResponse:
    return Client().post(
        f"{API}?source={source}{query}",
        data,
        content_type="text/csv",
        headers={"Authorization": f"Bearer {token}"} | headers,
    )  # type: ignore[return-value]  # the client's response is one


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_file_is_pushed_and_its_state_is_read(hr: Source, import_token: str, by: str) -> None:
    response = push(import_token, hr.name if by == "name" else hr.pk)
    assert response.status_code == 202
    run = ImportRun.objects.get()
    told = response.json()  # type: ignore[attr-defined]
    assert (told["run"], told["state"], told["url"]) == (str(run.pk), "received", f"/imports/{run.pk}/")
    assert run.provenance == ImportRun.Provenance.PUSHED
    machine = User.objects.get(kind=User.Kind.MACHINE)
    assert run.received_by_id == machine.pk
    event = Event.objects.about(run).get(verb=Verb.IMPORT_RECEIVED)
    assert (event.actor_kind, event.actor_id) == ("machine", str(machine.pk))
    drain()
    state = Client().get(told["state_url"], headers={"Authorization": f"Bearer {import_token}"}).json()
    assert (state["state"], state["counts"]["person"]["new"]) == ("previewed", 1)


def test_a_form_is_read_too(hr: Source, import_token: str) -> None:
    response = Client().post(
        f"{API}?source={hr.pk}",
        {"file": SimpleUploadedFile("hr.csv", HR)},
        headers={"Authorization": f"Bearer {import_token}"},
    )
    assert response.status_code == 202
    assert ImportRun.objects.get().file_name == "hr.csv"


def test_the_moment_at_the_source_is_said_with_its_zone(hr: Source, import_token: str) -> None:
    assert push(import_token, hr.pk, query="&taken_at=2026-03-05T08:00:00+02:00").status_code == 202
    assert ImportRun.objects.get().taken_at == datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
    for unclear in ("2026-03-05T08:00:00", "yesterday"):
        refused = push(import_token, hr.pk, query=f"&taken_at={unclear}")
        assert refused.status_code == 422
        assert refused.json()["error"] == "taken_at"  # type: ignore[attr-defined]


def test_what_was_cut_is_told_by_name(import_token: str) -> None:
    core = readings.source(readings.system())
    told = push(import_token, core.pk, b"account,password\nann,hunter2\n").json()  # type: ignore[attr-defined]
    assert told["cut"] == [{"name": "password", "why": "secret_name", "count": 1}]
    facts = Payload.objects.get(event__verb=Verb.IMPORT_RECEIVED).facts
    assert facts is not None
    assert facts["cut"] == told["cut"]
    assert facts["original"]["sha256"] != facts["admitted"]["sha256"]


@pytest.mark.parametrize("source", ["", "Nobody", "01a20d59-1798-708a-84ac-e1c8b95baf09"])
def test_an_unknown_source_is_not_found(import_token: str, source: str) -> None:
    assert push(import_token, source).status_code == 404


def test_without_a_usable_token_nothing_is_read(hr: Source, import_token: str) -> None:
    assert Client().post(f"{API}?source={hr.pk}", HR, content_type="text/csv").status_code == 401
    assert push("gp_wrong", hr.pk).status_code == 401
    Token.objects.update(
        expires_at=datetime.now(UTC) - timedelta(seconds=1), issued_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    assert push(import_token, hr.pk).status_code == 401
    assert not ImportRun.objects.exists()


def test_a_token_for_something_else_is_refused(hr: Source) -> None:
    machine = people.user("rec-jump", Role.RECORDER, kind=User.Kind.MACHINE)
    _, secret = services.issue_token(machine, label="x", scopes=["recordings"], days=30, by=readings.iam())
    response = push(secret, hr.pk)
    assert response.status_code == 403
    assert response.json()["error"] == "scope_missing"  # type: ignore[attr-defined]


def test_readings_of_others_do_not_exist_for_a_machine(hr: Source, import_token: str) -> None:
    run = readings.received(hr, HR)
    url = reverse("import_state_api", args=[run.pk])
    assert Client().get(url, headers={"Authorization": f"Bearer {import_token}"}).status_code == 404
    assert Client().get(url).status_code == 401


def test_a_get_is_not_an_upload(import_token: str) -> None:
    assert Client().get(API, headers={"Authorization": f"Bearer {import_token}"}).status_code == 405
