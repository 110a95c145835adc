"""The portal reads a system itself at its rhythm; what it read is received like any other file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts import feeding
from accounts.models import ImportRun, Source
from accounts.services import feeds
from portal.audit.models import Event, Payload
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from tests.factories import readings
from tests.pulls.servers import Answer, Asked, serving
from tests.pulls.test_pull_kubernetes import TOKEN, cluster

pytestmark = pytest.mark.django_db

Server = tuple[Source, list[Asked], dict[str, Any]]


@pytest.fixture
def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A source that is read from a server of this machine, what that was asked, and how it answers."""
    settings.PORTAL_PULL_HOSTS = ["127.0.0.1"]
    monkeypatch.setenv("PORTAL_PULL_K8S_PAY_TOKEN", TOKEN)
    answers: dict[str, Any] = {"with": cluster}

    def answer(asked: Asked) -> Answer:
        found: Answer = answers["with"](asked)
        return found

    with serving(answer) as (url, asked):
        made = readings.source(readings.system("K8S"), connector="kubernetes_rbac", mapping={})
        source = feeds.edit(
            made,
            every_hours=24,
            inbox="k8s-pay",
            pull={"url": url},
            applies_by_itself=False,
            version=None,
            by=readings.iam(),
        )
        yield source, asked, answers


def fresh(source: Source) -> Source:
    return Source.objects.get(pk=source.pk)


def test_it_is_read_at_its_hour_with_the_question_and_the_moment(server: Server) -> None:
    source, asked, _answers = server
    before = datetime.now(UTC)
    assert feeds.pull_due(timezone.now()) == 1
    drain()
    run = ImportRun.objects.get()
    assert (run.state, run.provenance) == (ImportRun.State.PREVIEWED, ImportRun.Provenance.PULLED)
    assert (run.received_by_id, run.file_name, run.is_complete) == (None, "rbac.json", True)
    assert run.taken_at is not None
    assert before <= run.taken_at <= run.received_at
    assert "all namespaces" in run.filter_text
    assert run.counts["account"]["new"] >= 5
    assert asked
    facts = Payload.objects.get(event__verb=Verb.IMPORT_RECEIVED).facts
    assert facts is not None
    assert (facts["provenance"], facts["filter"]) == ("pulled", run.filter_text)
    assert Event.objects.about(run).get(verb=Verb.IMPORT_RECEIVED).actor_kind == "portal"
    now = fresh(source)
    assert (now.pull_begun_at, now.pull_trouble) == (None, "")


def test_it_is_read_once_in_its_rhythm(server: Server) -> None:
    at = timezone.now()
    assert feeds.pull_due(at) == 1
    drain()
    assert feeds.pull_due(at + timedelta(hours=23)) == 0
    assert feeds.pull_due(at + timedelta(hours=25)) == 1


def test_what_goes_wrong_stands_on_the_source_and_is_tried_again_sooner(server: Server) -> None:
    source, _asked, answers = server
    answers["with"] = lambda _asked: (403, {}, b"{}")
    at = timezone.now()
    feeds.pull_due(at)
    drain()
    assert not ImportRun.objects.exists()
    now = fresh(source)
    assert "does not let the portal list" in now.pull_trouble
    assert now.pull_begun_at is None
    assert feeds.pull_due(at + timedelta(minutes=30)) == 0
    answers["with"] = cluster
    assert feeds.pull_due(at + timedelta(minutes=70)) == 1
    drain()
    assert fresh(source).pull_trouble == ""
    assert ImportRun.objects.count() == 1


def test_an_answer_that_the_format_does_not_know_is_trouble_too(server: Server) -> None:
    source, _asked, answers = server
    kinds = {"clusterroles": "ClusterRole", "clusterrolebindings": "ClusterRoleBinding", "roles": "Role"}
    kinds |= {"rolebindings": "RoleBinding", "serviceaccounts": "ServiceAccount"}

    def empty(asked: Asked) -> Answer:
        body = {"kind": f"{kinds[asked.path.rpartition('/')[2]]}List", "metadata": {}, "items": []}
        return 200, {}, json.dumps(body).encode()

    answers["with"] = empty
    feeding.pull(source.pk)
    assert "holds no objects" in fresh(source).pull_trouble
    assert not ImportRun.objects.exists()


def test_a_fault_of_our_own_frees_the_source_and_is_raised(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = server[0]
    monkeypatch.setattr("accounts.feeding.pulling.keep", lambda *_args, **_rest: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        feeding.pull(source.pk)
    now = fresh(source)
    assert now.pull_begun_at is None
    assert "broke off" in now.pull_trouble


def test_two_workers_never_read_one_source_at_once(server: Server) -> None:
    source, asked, _answers = server
    Source.objects.filter(pk=source.pk).update(pull_begun_at=timezone.now() - timedelta(minutes=5))
    assert feeding.pull(source.pk) is None
    assert feeds.pull_due(timezone.now()) == 0
    assert asked == []
    Source.objects.filter(pk=source.pk).update(pull_begun_at=timezone.now() - timedelta(minutes=31))
    assert feeding.pull(source.pk) is not None


def test_trying_reads_first_pages_and_writes_nothing(server: Server) -> None:
    source, asked, _answers = server
    tried = feeds.try_it(source)
    assert (tried.counts["ServiceAccount"], tried.is_whole) == (2, False)
    assert len(asked) == 5
    assert not ImportRun.objects.exists()
    assert fresh(source).pull_tried_at is None


def test_the_token_is_written_nowhere(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    source, _asked, answers = server
    feeding.pull(source.pk)
    answers["with"] = lambda _asked: (401, {}, b"{}")
    feeding.pull(source.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{TOKEN}%"])
            assert cursor.fetchone() == (0,), table
    assert TOKEN not in caplog.text


def test_a_token_that_is_renewed_in_its_file_is_read_anew(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    source, asked, _answers = server
    monkeypatch.delenv("PORTAL_PULL_K8S_PAY_TOKEN")
    monkeypatch.setenv("PORTAL_PULL_K8S_PAY_TOKEN_FILE", str(tmp_path / "token"))
    for token in ("first", "second"):
        (tmp_path / "token").write_text(f"{token}\n")
        feeds.try_it(source)
        assert asked[-1].headers["authorization"] == f"Bearer {token}"


def test_a_source_of_another_kind_or_without_settings_is_not_read(server: Server) -> None:
    other = readings.source(readings.system("CORE"))
    assert feeding.pull(other.pk) is None
    source, asked, _answers = server
    feeds.edit(
        source,
        every_hours=24,
        inbox="k8s-pay",
        pull=None,
        applies_by_itself=False,
        version=None,
        by=readings.iam(),
    )
    assert feeds.pull_due(timezone.now()) == 0
    assert feeding.pull(source.pk) is None
    assert asked == []


def test_a_host_that_nobody_allows_any_more_is_not_asked(server: Server, settings: Settings) -> None:
    source, asked, _answers = server
    settings.PORTAL_PULL_HOSTS = []
    feeding.pull(source.pk)
    assert "PORTAL_PULL_HOSTS" in fresh(source).pull_trouble
    assert asked == []
