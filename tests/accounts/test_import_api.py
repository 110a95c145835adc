"""Machines push files with a token of their source; what they push waits for a person like anything else."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import ImportRun, Source
from accounts.services import feeds
from portal.audit.models import Event, Payload
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from portal.users import services
from portal.users.models import Token, User
from portal.users.roles import Role
from tests.accounts.conftest import TokenFor
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
def test_a_file_is_pushed_and_its_state_is_read(hr: Source, import_token: TokenFor, by: str) -> None:
    token = import_token(hr)
    response = push(token, hr.name if by == "name" else hr.pk)
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
    state = Client().get(told["state_url"], headers={"Authorization": f"Bearer {token}"}).json()
    assert (state["state"], state["counts"]["person"]["new"]) == ("previewed", 1)


def test_a_form_is_read_too(hr: Source, import_token: TokenFor) -> None:
    response = Client().post(
        f"{API}?source={hr.pk}",
        {"file": SimpleUploadedFile("hr.csv", HR)},
        headers={"Authorization": f"Bearer {import_token(hr)}"},
    )
    assert response.status_code == 202
    assert ImportRun.objects.get().file_name == "hr.csv"


def test_the_moment_at_the_source_is_said_with_its_zone(hr: Source, import_token: TokenFor) -> None:
    token = import_token(hr)
    assert push(token, hr.pk, query="&taken_at=2026-03-05T08:00:00+02:00").status_code == 202
    assert ImportRun.objects.get().taken_at == datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
    for unclear in ("2026-03-05T08:00:00", "yesterday"):
        refused = push(token, hr.pk, query=f"&taken_at={unclear}")
        assert refused.status_code == 422
        assert refused.json()["error"] == "taken_at"  # type: ignore[attr-defined]


def test_what_was_cut_is_told_by_name(import_token: TokenFor) -> None:
    core = readings.source(readings.system())
    told = push(import_token(core), core.pk, b"account,password\nann,hunter2\n").json()  # type: ignore[attr-defined]
    assert told["cut"] == [{"name": "password", "why": "secret_name", "count": 1}]
    facts = Payload.objects.get(event__verb=Verb.IMPORT_RECEIVED).facts
    assert facts is not None
    assert facts["cut"] == told["cut"]
    assert facts["original"]["sha256"] != facts["admitted"]["sha256"]


@pytest.mark.parametrize("source", ["", "Nobody", "01a20d59-1798-708a-84ac-e1c8b95baf09"])
def test_an_unknown_source_is_not_found(hr: Source, import_token: TokenFor, source: str) -> None:
    token = import_token(hr) if source else two_sources(import_token)
    assert push(token, source).status_code == 404
    assert not ImportRun.objects.exists()


def two_sources(import_token: TokenFor) -> str:
    """A token that is bound to two sources, so that it has to say which."""
    first, second = readings.source(), readings.source()
    secret = import_token(first)
    scopes = [f"{feeds.SCOPE}:{source.pk}" for source in (first, second)]
    Token.objects.update(scopes=scopes)
    return secret


def test_a_token_of_one_source_need_not_say_it(hr: Source, import_token: TokenFor) -> None:
    assert push(import_token(hr), "").status_code == 202
    assert ImportRun.objects.get().source == hr


@pytest.mark.parametrize("by", ["name", "id"])
def test_the_source_of_another_token_does_not_exist(hr: Source, import_token: TokenFor, by: str) -> None:
    other = readings.source(name="Fjordpay")
    response = push(import_token(hr), other.name if by == "name" else other.pk)
    assert response.status_code == 404
    assert response.json()["error"] == "unknown_source"  # type: ignore[attr-defined]
    assert not ImportRun.objects.exists()


def test_a_token_that_is_bound_to_no_source_pushes_nothing(hr: Source) -> None:
    machine = people.user("old-export", kind=User.Kind.MACHINE)
    _, secret = services.issue_token(machine, label="x", scopes=["import"], days=30, by=readings.iam())
    response = push(secret, hr.pk)
    assert (response.status_code, response.json()["error"]) == (403, "token_unbound")  # type: ignore[attr-defined]


def test_filter_and_count_are_kept_with_the_reading(hr: Source, import_token: TokenFor) -> None:
    assert push(import_token(hr), hr.pk, query="&filter=select+*+from+staff&count=1").status_code == 202
    run = ImportRun.objects.get()
    assert (run.filter_text, run.source_count) == ("select * from staff", 1)


def test_without_a_usable_token_nothing_is_read(hr: Source, import_token: TokenFor) -> None:
    token = import_token(hr)
    assert Client().post(f"{API}?source={hr.pk}", HR, content_type="text/csv").status_code == 401
    assert push("gp_wrong", hr.pk).status_code == 401
    Token.objects.update(
        expires_at=datetime.now(UTC) - timedelta(seconds=1), issued_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    assert push(token, hr.pk).status_code == 401
    assert not ImportRun.objects.exists()


def test_a_token_for_something_else_is_refused(hr: Source) -> None:
    machine = people.user("rec-jump", Role.RECORDER, kind=User.Kind.MACHINE)
    _, secret = services.issue_token(machine, label="x", scopes=["recordings"], days=30, by=readings.iam())
    response = push(secret, hr.pk)
    assert response.status_code == 403
    assert response.json()["error"] == "scope_missing"  # type: ignore[attr-defined]


def test_readings_of_others_do_not_exist_for_a_machine(hr: Source, import_token: TokenFor) -> None:
    run = readings.received(hr, HR)
    url = reverse("import_state_api", args=[run.pk])
    assert Client().get(url, headers={"Authorization": f"Bearer {import_token(hr)}"}).status_code == 404
    assert Client().get(url).status_code == 401


def test_a_get_is_not_an_upload(hr: Source, import_token: TokenFor) -> None:
    assert Client().get(API, headers={"Authorization": f"Bearer {import_token(hr)}"}).status_code == 405
