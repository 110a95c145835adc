"""The Celery engine: real workers on Valkey, and on RabbitMQ where there is one."""

import os
import signal
from collections.abc import Callable

import pytest
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from portal.tasks.models import Progress
from tests.tasks.conftest import EngineUnderTest
from tests.tasks.jobs_for_tests import runs


def test_a_real_job_and_failing_ones(celery: EngineUnderTest) -> None:
    celery.enqueue("succeed.enqueue('a')", "fail.enqueue('b')", "succeed_at_last.enqueue('c')")
    with celery.run("worker") as worker:
        for heard in ("success a", "exhausted b", "success c"):
            if not any(line.startswith(heard) for line in worker.heard):
                worker.expect(heard)
        assert worker.terminate() == 0
    rows = {row.args_kwargs["args"][0]: row for row in DBTaskResult.objects.all()}
    assert (runs("a"), rows["a"].status) == (1, TaskResultStatus.SUCCESSFUL)
    assert (runs("b"), rows["b"].status, len(rows["b"].worker_ids)) == (3, TaskResultStatus.FAILED, 3)
    assert Progress.objects.get(key="b:exhausted").note == "RuntimeError"
    assert (runs("c"), rows["c"].status) == (3, TaskResultStatus.SUCCESSFUL)


def test_what_is_given_up_is_not_tried_again(celery: EngineUnderTest) -> None:
    celery.enqueue("give_up.enqueue('d')")
    with celery.run("worker") as worker:
        worker.expect("exhausted d")
        worker.terminate()
    assert runs("d") == 1
    assert Progress.objects.get(key="d:exhausted").note == "the file is not a recording"


def test_a_doubled_message_runs_nothing_twice(celery: EngineUnderTest) -> None:
    send = "import django_tasks; send = django_tasks.task_backends['default'].send"
    celery.enqueue(
        send, "row = succeed.enqueue('e').db_result", "send(row); send(row)", "succeed.enqueue('f')"
    )
    with celery.run("worker") as worker:
        worker.expect("success f")
        worker.terminate()
    assert runs("e") == 1


def test_the_job_of_a_killed_process_is_given_to_another(
    celery: EngineUnderTest, silence: Callable[[], None]
) -> None:
    celery.enqueue("hang_once.enqueue('g')")
    with celery.run("worker") as worker:
        *_, pid = worker.expect("hanging g")
        os.kill(int(pid), signal.SIGKILL)
        silence()
        assert celery.run("clock", "--once").wait() == 0
        worker.expect("success g")
        worker.terminate()
    row = DBTaskResult.objects.get(task_path__endswith=".hang_once")
    assert (row.status, len(row.worker_ids), runs("g")) == (TaskResultStatus.SUCCESSFUL, 2, 2)


def test_a_lost_message_is_sent_again_by_the_clock(celery: EngineUnderTest) -> None:
    celery.enqueue(
        "from django.db import transaction", "with transaction.atomic():", "    succeed.enqueue('h')"
    )
    assert DBTaskResult.objects.update(enqueued_at="2026-01-01T00:00Z") == 1
    purge = "from portal.tasks.celery import app; app.control.purge()"
    celery.enqueue(purge)
    celery.run("clock", "--once").wait()
    with celery.run("worker") as worker:
        worker.expect("success h")
        worker.terminate()
    assert runs("h") == 1


def test_a_broker_that_is_down_fails_no_act(celery: EngineUnderTest) -> None:
    nowhere = EngineUnderTest("celery", {**celery.env, "PORTAL_BROKER_URL": "redis://127.0.0.1:1/0"})
    nowhere.enqueue("succeed.enqueue('i')")
    assert DBTaskResult.objects.get().status == TaskResultStatus.READY


@pytest.fixture(autouse=True)
def _empty_queues(celery: EngineUnderTest) -> None:
    celery.enqueue("from portal.tasks.celery import app; app.control.purge()")
