"""The embedded engine: real workers on the test's own database."""

import signal
from collections.abc import Callable

from django.db import transaction
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from portal.tasks import progress, running
from portal.tasks.models import Progress
from tests.tasks.conftest import EngineUnderTest
from tests.tasks.jobs_for_tests import (
    fail,
    give_up,
    hang,
    hang_once,
    report_and_fail,
    runs,
    succeed,
    succeed_at_last,
    succeed_slowly,
    wait_for_line,
)


def test_a_job_runs_in_a_worker(embedded: EngineUnderTest) -> None:
    succeed.enqueue("a")
    assert embedded.run("worker", "--batch").wait() == 0
    assert runs("a") == 1
    row = DBTaskResult.objects.get()
    assert (row.status, len(row.worker_ids)) == (TaskResultStatus.SUCCESSFUL, 1)


def test_what_fails_is_tried_again_up_to_its_cap_and_no_reason_tells_data(embedded: EngineUnderTest) -> None:
    fail.enqueue("b")
    embedded.run("worker", "--batch").wait()
    assert runs("b") == 3
    row = DBTaskResult.objects.get()
    assert (row.status, len(row.worker_ids)) == (TaskResultStatus.FAILED, 3)
    assert row.exception_class_path == "builtins.RuntimeError"
    assert Progress.objects.get(key="b:exhausted").note == "RuntimeError"


def test_a_later_attempt_may_succeed(embedded: EngineUnderTest) -> None:
    succeed_at_last.enqueue("c")
    embedded.run("worker", "--batch").wait()
    assert (runs("c"), DBTaskResult.objects.get().status) == (3, TaskResultStatus.SUCCESSFUL)


def test_what_is_given_up_is_not_tried_again_and_says_why(embedded: EngineUnderTest) -> None:
    give_up.enqueue("d")
    embedded.run("worker", "--batch").wait()
    assert (runs("d"), DBTaskResult.objects.get().status) == (1, TaskResultStatus.FAILED)
    assert Progress.objects.get(key="d:exhausted").note == "the file is not a recording"


def test_the_job_of_a_killed_worker_is_given_to_another(
    embedded: EngineUnderTest, silence: Callable[[], None]
) -> None:
    hang_once.enqueue("e")
    with embedded.run("worker") as worker:
        worker.expect("hanging e")
        assert running.return_lost() == [], "its heart beats"
        worker.kill()
    silence()
    assert [row.task_path for row in running.return_lost()] == ["tests.tasks.jobs_for_tests.hang_once"]
    embedded.run("worker", "--batch").wait()
    row = DBTaskResult.objects.get()
    assert (row.status, len(row.worker_ids), runs("e")) == (TaskResultStatus.SUCCESSFUL, 2, 2)


def test_a_job_that_kills_its_workers_is_given_up(
    embedded: EngineUnderTest, silence: Callable[[], None]
) -> None:
    hang.enqueue("f")
    for attempt in (1, 2):
        with embedded.run("worker") as worker:
            worker.expect(f"hanging f {attempt}")
        silence()
        running.return_lost()
    row = DBTaskResult.objects.get()
    assert (row.status, row.traceback) == (TaskResultStatus.FAILED, "the worker died")
    assert Progress.objects.get(key="f:exhausted").note == "the worker died"


def test_a_worker_that_was_given_up_for_lost_changes_nothing_when_it_comes_back(
    embedded: EngineUnderTest, silence: Callable[[], None]
) -> None:
    wait_for_line.enqueue("g")
    with embedded.run("worker") as worker:
        worker.expect("waiting g")
        silence()
        running.return_lost()
        worker.tell("go on")
        worker.expect("success g")
        worker.terminate()
    row = DBTaskResult.objects.get()
    assert (row.status, row.traceback) == (TaskResultStatus.FAILED, "the worker died")


def test_sigterm_lets_the_running_job_finish_and_takes_no_other(embedded: EngineUnderTest) -> None:
    wait_for_line.enqueue("h")
    with embedded.run("worker") as worker:
        worker.expect("waiting h")
        succeed.enqueue("i")
        worker.process.send_signal(signal.SIGTERM)
        worker.tell("go on")
        worker.expect("success h")
        assert worker.wait() == 0
    assert (runs("h"), runs("i")) == (1, 0)
    assert DBTaskResult.objects.filter(status=TaskResultStatus.READY).count() == 1


def test_a_second_signal_stops_the_job_and_gives_it_back(embedded: EngineUnderTest) -> None:
    hang_once.enqueue("j")
    with embedded.run("worker") as worker:
        worker.expect("hanging j")
        worker.process.send_signal(signal.SIGTERM)
        worker.process.send_signal(signal.SIGINT)
        assert worker.wait() in {128 + signal.SIGTERM, 128 + signal.SIGINT}
    row = DBTaskResult.objects.get()
    assert (row.status, len(row.worker_ids)) == (TaskResultStatus.READY, 1)


def test_two_workers_never_run_the_same_job(embedded: EngineUnderTest) -> None:
    for number in range(30):
        succeed.enqueue(f"k{number}")
    first, second = embedded.run("worker", "--batch"), embedded.run("worker", "--batch")
    first.wait(), second.wait()
    assert [runs(f"k{number}") for number in range(30)] == [1] * 30


def test_a_worker_may_serve_one_queue_only(embedded: EngineUnderTest) -> None:
    succeed.enqueue("l")
    succeed_slowly.enqueue("m")
    embedded.run("worker", "--batch", "--queues", "default").wait()
    assert (runs("l"), runs("m")) == (1, 0)
    worker = embedded.run("worker", "--batch", "--queues", "defualt")
    assert worker.wait() == 1
    assert "no such queue: defualt; there are: default, slow" in "".join(worker.heard)


def test_progress_is_seen_at_once_and_survives_the_jobs_transaction(embedded: EngineUnderTest) -> None:
    report_and_fail.enqueue("n")
    embedded.run("worker", "--batch").wait()
    seen = progress.of("n")
    assert seen is not None
    assert (seen.done, seen.total, seen.note, seen.percent) == (1, 4, "reading", 25)
    assert runs("n:inside") == 0


def test_a_job_enqueued_in_a_transaction_that_rolls_back_never_was(embedded: EngineUnderTest) -> None:
    with transaction.atomic():
        succeed.enqueue("o")
        transaction.set_rollback(True)
    assert not DBTaskResult.objects.exists()
