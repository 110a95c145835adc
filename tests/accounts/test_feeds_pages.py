"""Setting up a feed, trying it, and issuing a token that delivers readings of one source alone."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import ImportRun, Source
from portal.audit.models import Event, Payload
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from portal.users.models import Token, User
from tests.conftest import As
from tests.factories import people as factory
from tests.factories import readings
from tests.factories.people import People
from tests.pulls.servers import serving
from tests.pulls.test_pull_kubernetes import TOKEN, cluster

pytestmark = pytest.mark.django_db


@pytest.fixture
def k8s(people: People, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Source:
    settings.PORTAL_PULL_HOSTS = ["127.0.0.1"]
    settings.PORTAL_INBOX = "/srv/inbox"
    monkeypatch.setenv("PORTAL_PULL_K8S_PAY_TOKEN", TOKEN)
    return readings.source(readings.system("K8S"), connector="kubernetes_rbac", mapping={}, name="Cluster")


def send(client: Client, source: Source, **fields: Any) -> HttpResponse:
    source.refresh_from_db()
    form = {"version": source.version, "every_hours": "24", "inbox": "k8s-pay", **fields}
    return client.post(reverse("source_feed", args=[source.pk]), form)  # type: ignore[return-value]


def test_rhythm_folder_and_pull_are_set_and_recorded(k8s: Source, people: People, as_: As) -> None:
    iam = as_(people.mikael)
    url = "https://127.0.0.1:6443"
    assert send(iam, k8s, is_pulled="on", url=url, applies_by_itself="on").status_code == 302
    k8s.refresh_from_db()
    assert (k8s.every_hours, k8s.inbox) == (24, "k8s-pay")
    assert k8s.pull == {"kind": "kubernetes", "url": url, "apply": "auto"}
    event = Event.objects.about(k8s).filter(verb=Verb.SOURCE_EDITED).latest("pk")
    facts = Payload.objects.get(event=event).facts
    assert facts is not None
    assert facts["fields"] == ["every_hours", "inbox", "pull"]
    shown = iam.get(reverse("source", args=[k8s.pk])).text
    assert "expected daily" in shown
    assert "/srv/inbox/k8s-pay" in shown
    page = iam.get(reverse("source_feed", args=[k8s.pk])).text
    assert "PORTAL_PULL_K8S_PAY_TOKEN" in page
    assert "PORTAL_PUSH_K8S_PAY_SECRET" in page
    assert TOKEN not in page


def test_saving_without_a_change_writes_nothing(k8s: Source, people: People, as_: As) -> None:
    for _ in range(2):
        send(as_(people.mikael), k8s)
    assert Event.objects.about(k8s).filter(verb=Verb.SOURCE_EDITED).count() == 1


def test_a_form_of_an_older_version_is_a_conflict(k8s: Source, people: People, as_: As) -> None:
    assert send(as_(people.mikael), k8s, version=k8s.version - 1).status_code == 409


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"inbox": "Upper"}, "Small letters"),
        ({"inbox": "../etc"}, "Small letters"),
        ({"inbox": "-a"}, "Small letters"),
        ({"inbox": "taken"}, "Another source has this name"),
        ({"every_hours": "0"}, "Select a valid choice"),
        ({"is_pulled": "on", "url": "https://evil.example"}, "PORTAL_PULL_HOSTS"),
        ({"is_pulled": "on", "url": "http://169.254.169.254/latest/meta-data"}, "The address has to be"),
        ({"is_pulled": "on", "url": ""}, "is needed"),
        ({"is_pulled": "on", "url": "https://127.0.0.1", "inbox": ""}, "needs a name for its secrets"),
    ],
)
def test_what_could_not_work_is_refused_at_its_field(
    k8s: Source, people: People, as_: As, fields: dict[str, str], words: str
) -> None:
    Source.objects.filter(pk=readings.source().pk).update(inbox="taken")
    response = send(as_(people.mikael), k8s, **fields)
    assert response.status_code == 422
    assert words in response.text
    k8s.refresh_from_db()
    assert (k8s.inbox, k8s.pull) == ("", {})


def test_a_format_that_has_no_api_offers_no_pull(people: People, as_: As) -> None:
    core = readings.source(readings.system())
    assert "is_pulled" not in as_(people.mikael).get(reverse("source_feed", args=[core.pk])).text
    assert (
        send(as_(people.mikael), core, inbox="core", is_pulled="on", url="https://127.0.0.1").status_code
        == 302
    )
    core.refresh_from_db()
    assert core.pull == {}


def test_trying_shows_counts_and_keeps_nothing(k8s: Source, people: People, as_: As) -> None:
    iam = as_(people.mikael)
    with serving(cluster) as (url, asked):
        send(iam, k8s, is_pulled="on", url=url)
        shown = iam.post(reverse("source_try", args=[k8s.pk])).text
    assert "nothing was kept" in shown
    assert "ServiceAccount: at least 2" in shown
    assert len(asked) == 5
    assert not ImportRun.objects.exists()


def test_trying_what_does_not_answer_says_why(k8s: Source, people: People, as_: As) -> None:
    iam = as_(people.mikael)
    assert "Nothing is set up" in iam.post(reverse("source_try", args=[k8s.pk])).text
    send(iam, k8s, is_pulled="on", url="http://127.0.0.1:1")
    shown = iam.post(reverse("source_try", args=[k8s.pk]))
    assert shown.status_code == 200
    assert "does not answer" in shown.text


def test_it_is_read_at_once_when_asked(k8s: Source, people: People, as_: As) -> None:
    iam = as_(people.mikael)
    with serving(cluster) as (url, _asked):
        send(iam, k8s, is_pulled="on", url=url)
        assert iam.post(reverse("source_read", args=[k8s.pk])).status_code == 302
        drain()
    assert ImportRun.objects.get().provenance == ImportRun.Provenance.PULLED
    shown = iam.get(reverse("import_run", args=[ImportRun.objects.get().pk])).text
    assert "pulled by the portal" in shown


def test_a_token_is_issued_for_this_source_alone(k8s: Source, people: People, as_: As) -> None:
    machine = factory.user("exporter", kind=User.Kind.MACHINE)
    form = {"machine": machine.pk, "label": "nightly", "days": 30}
    page = as_(people.mikael).post(reverse("source_token", args=[k8s.pk]), form)
    token = Token.objects.get()
    assert token.scopes == [f"import:{k8s.pk}"]
    assert page.context["secret"] in page.text
    again = as_(people.mikael).get(reverse("source_feed", args=[k8s.pk])).text
    assert page.context["secret"] not in again
    assert token.prefix in again
    facts = Payload.objects.get(event__verb=Verb.TOKEN_ISSUED).facts
    assert facts is not None
    assert facts["scopes"] == [f"import:{k8s.pk}"]


@pytest.mark.parametrize("fields", [{}, {"machine": "x", "label": "", "days": 0}])
def test_an_incomplete_token_is_refused(k8s: Source, people: People, as_: As, fields: dict[str, Any]) -> None:
    assert as_(people.mikael).post(reverse("source_token", args=[k8s.pk]), fields).status_code == 422
    assert not Token.objects.exists()


def test_tokens_for_readings_are_issued_nowhere_else(people: People, as_: As) -> None:
    machine = factory.user("exporter", kind=User.Kind.MACHINE)
    form = {"user": machine.pk, "label": "x", "scopes": ["import"], "days": 30}
    as_(people.mikael).post(reverse("token_list"), form)
    assert not Token.objects.exists()


@pytest.mark.parametrize("name", ["source_feed", "source_try", "source_read", "source_token"])
@pytest.mark.parametrize(("who", "status"), [("ines", 403), ("farid", 403), ("tomas", 404), ("omar", 404)])
def test_others_set_up_nothing(
    k8s: Source, people: People, as_: As, name: str, who: str, status: int
) -> None:
    assert as_(people.by_role[who]).post(reverse(name, args=[k8s.pk]), {}).status_code == status
