"""Jobs without a worker: arguments, waiting times, transactions, and draining in a test."""

from datetime import timedelta

import pytest
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from portal import moment
from portal.tasks.jobs import LONGEST_WAIT, GiveUp, NotAnId, engine, enqueue_on_commit, enqueue_unless_waiting
from portal.tasks.models import Progress
from portal.tasks.testing import drain
from tests.tasks.jobs_for_tests import (
    fail,
    fail_patiently,
    give_up,
    report_and_fail,
    return_an_object,
    runs,
    succeed,
    succeed_at_last,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "value", ["Alice Doe", "alice@bank.example", "", "=1+1", "a" * 101, 1.5, b"x", ["a"], {}]
)
def test_a_job_takes_ids_only(value: object) -> None:
    with pytest.raises(NotAnId, match="jobs take ids"):
        succeed.enqueue(value)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(NotAnId):
        enqueue_unless_waiting(succeed, value)  # type: ignore[arg-type]  # that is the test
    assert not DBTaskResult.objects.exists()


@pytest.mark.parametrize("value", ["019a1f0e-0000-7000-8000-000000000001", "CAM-2026-04/37", 42, None])
def test_uuids_codes_and_numbers_are_ids(value: object) -> None:
    succeed.enqueue(value)  # type: ignore[arg-type]  # what the function does with it is not asked here
    assert DBTaskResult.objects.get().args_kwargs == {"args": [value], "kwargs": {}}


def test_each_wait_is_twice_the_last_up_to_an_hour() -> None:
    minutes = [fail_patiently.wait_after(attempt) // timedelta(minutes=1) for attempt in (1, 2, 3, 4)]
    assert minutes == [1, 2, 4, 8]
    assert fail_patiently.wait_after(40) == LONGEST_WAIT


def test_drain_runs_what_is_ready_and_counts() -> None:
    enqueue_on_commit(succeed, "a")
    enqueue_on_commit(succeed, "b")
    assert drain() == 2
    assert (runs("a"), runs("b")) == (1, 1)
    assert drain() == 0


def test_drain_raises_what_a_job_raised_and_undoes_what_it_did() -> None:
    report_and_fail.enqueue("c")
    with pytest.raises(RuntimeError, match="half way"):
        drain()
    assert runs("c") == 0
    assert DBTaskResult.objects.get().status == TaskResultStatus.FAILED


def test_drain_can_settle_failures_as_a_worker_does() -> None:
    succeed_at_last.enqueue("d")
    give_up.enqueue("e")
    # Each attempt of succeed_at_last is undone with its transaction, so it never reaches its third run.
    assert drain(raising=False) == 4
    assert Progress.objects.get(key="e:exhausted").note == "the file is not a recording"
    assert set(DBTaskResult.objects.values_list("status", flat=True)) == {TaskResultStatus.FAILED}


def test_a_failed_attempt_waits_before_the_next() -> None:
    fail_patiently.enqueue("f")
    assert drain(raising=False) == 1
    row = DBTaskResult.objects.get()
    assert row.status == TaskResultStatus.READY
    assert timedelta(seconds=50) < row.run_after - moment.now() <= timedelta(minutes=1)
    assert drain(raising=False) == 0
    with moment.simulated(moment.now() + timedelta(minutes=2)):
        assert drain(raising=False) == 1


def test_what_waits_is_not_enqueued_a_second_time() -> None:
    for key in ("g", "g", "h"):
        enqueue_unless_waiting(succeed, key)
    assert drain() == 2
    enqueue_unless_waiting(succeed, "g")
    assert drain() == 1


def test_a_task_whose_code_is_gone_fails_without_stopping_the_others() -> None:
    gone = succeed.enqueue("i")
    DBTaskResult.objects.filter(pk=gone.id).update(task_path="tests.tasks.nowhere.at_all")
    succeed.enqueue("j")
    assert drain(raising=False) == 2
    assert runs("j") == 1
    assert DBTaskResult.objects.get(pk=gone.id).status == TaskResultStatus.FAILED


def test_a_mistake_in_what_follows_the_last_attempt_does_not_hide_the_failure() -> None:
    Progress.objects.create(key="k:exhausted", updated_at=moment.now())  # so that writing it again fails
    fail.enqueue("k")
    drain(raising=False)
    assert DBTaskResult.objects.get().status == TaskResultStatus.FAILED


def test_old_results_are_forgotten_and_waiting_tasks_are_not() -> None:
    succeed.enqueue("l")
    drain()
    fail_patiently.enqueue("m")
    assert engine().forget_finished(moment.now() - timedelta(days=14)) == 0
    assert engine().forget_finished(moment.now() + timedelta(days=1)) == 1
    assert DBTaskResult.objects.get().args_kwargs["args"] == ["m"]


def test_giving_up_is_no_ordinary_error() -> None:
    assert not succeed.may_retry(GiveUp("why"), attempt=1)
    assert succeed.may_retry(ValueError(), attempt=2)
    assert not succeed.may_retry(ValueError(), attempt=3)
    assert not succeed.may_retry(None, attempt=3)


def test_a_job_that_returns_what_no_queue_can_hold_fails_by_itself() -> None:
    return_an_object.enqueue("n")
    assert drain(raising=False) == 1
    row = DBTaskResult.objects.get()
    assert (row.status, row.exception_class_path) == (TaskResultStatus.FAILED, "builtins.TypeError")
