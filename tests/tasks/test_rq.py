"""The RQ engine on a real Valkey."""

import os
import signal
from typing import Any

import django_rq
from django.db import transaction
from django_tasks import TaskResult, TaskResultStatus, task_backends
from rq.job import Job
from rq.registry import StartedJobRegistry

from portal.tasks import jobs, progress
from portal.tasks.models import Progress
from tests.tasks.conftest import EngineUnderTest
from tests.tasks.jobs_for_tests import (
    fail,
    fail_patiently,
    give_up,
    hang,
    hang_once,
    report_and_fail,
    runs,
    succeed,
    succeed_at_last,
)


def stored(of: TaskResult[None]) -> Job:
    """RQ's job as it lies in Valkey."""
    job = django_rq.get_queue("default").fetch_job(of.id)
    assert job is not None
    return job


def result(of: TaskResult[None]) -> TaskResult[None]:
    """What stands in Valkey now."""
    return task_backends["default"].get_result(of.id)


def test_a_job_runs_in_a_worker(rq: EngineUnderTest) -> None:
    sent = succeed.enqueue("a")
    assert rq.run("worker", "--batch").wait() == 0
    assert (runs("a"), result(sent).status) == (1, TaskResultStatus.SUCCESSFUL)


def test_what_fails_is_tried_again_up_to_its_cap(rq: EngineUnderTest) -> None:
    sent = fail.enqueue("b")
    rq.run("worker", "--batch").wait()
    assert (runs("b"), result(sent).status) == (3, TaskResultStatus.FAILED)
    assert Progress.objects.get(key="b:exhausted").note == "RuntimeError"


def test_a_later_attempt_may_succeed(rq: EngineUnderTest) -> None:
    sent = succeed_at_last.enqueue("c")
    rq.run("worker", "--batch").wait()
    assert (runs("c"), result(sent).status) == (3, TaskResultStatus.SUCCESSFUL)


def test_what_is_given_up_is_not_tried_again_and_says_why(rq: EngineUnderTest) -> None:
    give_up.enqueue("d")
    rq.run("worker", "--batch").wait()
    assert runs("d") == 1
    assert Progress.objects.get(key="d:exhausted").note == "the file is not a recording"


def test_attempts_wait_longer_each_time(rq: EngineUnderTest) -> None:
    sent = fail_patiently.enqueue("e")
    rq.run("worker", "--batch").wait()
    job = stored(sent)
    assert (runs("e"), job.retries_left, job.retry_intervals) == (1, 1, [60, 120])
    assert result(sent).status == TaskResultStatus.READY


def test_a_job_whose_process_is_killed_runs_again(rq: EngineUnderTest) -> None:
    hang_once.enqueue("f")
    with rq.run("worker") as worker:
        *_, pid = worker.expect("hanging f")
        os.kill(int(pid), signal.SIGKILL)
        worker.expect("success f")
        worker.terminate()
    assert runs("f") == 2


def test_a_job_that_kills_its_processes_is_given_up(rq: EngineUnderTest) -> None:
    hang.enqueue("g")
    with rq.run("worker") as worker:
        for attempt in (1, 2):
            *_, pid = worker.expect(f"hanging g {attempt}")
            os.kill(int(pid), signal.SIGKILL)
        worker.expect("exhausted g")
        worker.terminate()
    assert Progress.objects.get(key="g:exhausted").note == "the worker died"


def test_the_job_of_a_killed_worker_is_given_to_another(rq: EngineUnderTest) -> None:
    hang_once.enqueue("h")
    with rq.run("worker") as worker:
        *_, pid = worker.expect("hanging h")
        worker.kill()
        os.kill(int(pid), signal.SIGKILL)  # RQ runs jobs in a group of their own
    started = StartedJobRegistry(queue=django_rq.get_queue("default"))
    entries: list[Any] = started.connection.zrange(started.key, 0, -1)
    long_ago = dict.fromkeys(entries, 1)
    started.connection.zadd(started.key, long_ago, xx=True)  # of its last heartbeat
    assert jobs.engine().return_lost(at=None) == 1  # type: ignore[arg-type]  # RQ keeps its own time
    rq.run("worker", "--batch").wait()
    assert runs("h") == 2


def test_a_job_is_sent_after_the_commit_only(rq: EngineUnderTest) -> None:
    queue = django_rq.get_queue("default")
    with transaction.atomic():
        succeed.enqueue("i")
        assert queue.count == 0
        transaction.set_rollback(True)
    assert queue.count == 0
    with transaction.atomic():
        succeed.enqueue("i")
    assert queue.count == 1


def test_what_waits_or_runs_is_not_enqueued_a_second_time(rq: EngineUnderTest) -> None:
    queue = django_rq.get_queue("default")
    jobs.enqueue_unless_waiting(succeed, "j")
    jobs.enqueue_unless_waiting(succeed, "j")
    jobs.enqueue_unless_waiting(succeed, "k")
    assert queue.count == 2
    rq.run("worker", "--batch").wait()
    jobs.enqueue_unless_waiting(succeed, "j")
    assert queue.count == 1


def test_a_broker_that_is_down_fails_no_act(rq: EngineUnderTest, settings: object) -> None:
    settings.RQ_QUEUES = {"default": {"URL": "redis://127.0.0.1:1/0"}}  # type: ignore[attr-defined]
    with transaction.atomic():
        succeed.enqueue("l")
    assert runs("l") == 0


def test_progress_is_seen_at_once_and_survives_the_jobs_transaction(rq: EngineUnderTest) -> None:
    report_and_fail.enqueue("m")
    rq.run("worker", "--batch").wait()
    seen = progress.of("m")
    assert seen is not None
    assert (seen.done, seen.total) == (1, 4)


def test_nothing_in_the_broker_can_run_code(rq: EngineUnderTest) -> None:
    sent = succeed.enqueue("n")
    assert stored(sent).data.startswith(b'["tests.tasks.jobs_for_tests.succeed"')
