"""Jobs that run where they are scheduled."""

import pytest
from django_tasks_db.models import DBTaskResult

from portal.tasks import inline, jobs

RAN: list[tuple[str, int]] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


@jobs.job()
def simple(key: int) -> None:
    RAN.append(("simple", key))


@jobs.job()
def chained(key: int) -> None:
    RAN.append(("chained", key))
    jobs.enqueue_on_commit(simple, key)


@jobs.job()
def failing(_key: int) -> None:
    raise RuntimeError("no")


@pytest.mark.django_db
def test_they_run_at_the_end_in_order_and_with_what_they_schedule() -> None:
    with inline.jobs():
        jobs.enqueue_on_commit(chained, 1)
        jobs.enqueue_on_commit(simple, 2)
        assert RAN == []
    assert RAN == [("chained", 1), ("simple", 2), ("simple", 1)]
    assert not DBTaskResult.objects.exists()


@pytest.mark.django_db
def test_what_waits_is_not_scheduled_a_second_time() -> None:
    with inline.jobs():
        jobs.enqueue_unless_waiting(simple, 1)
        jobs.enqueue_unless_waiting(simple, 1)
        jobs.enqueue_unless_waiting(simple, 2)
    assert RAN == [("simple", 1), ("simple", 2)]


@pytest.mark.django_db
def test_what_a_job_raises_is_raised() -> None:
    with pytest.raises(RuntimeError, match="no"), inline.jobs():
        jobs.enqueue_on_commit(failing, 1)


@pytest.mark.django_db
def test_a_block_that_fails_runs_nothing_and_queues_nothing() -> None:
    def fail_half_way() -> None:
        with inline.jobs():
            jobs.enqueue_on_commit(simple, 1)
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert RAN == []
    assert not DBTaskResult.objects.exists()


@pytest.mark.django_db
def test_only_ids_are_taken_here_as_well() -> None:
    with pytest.raises(jobs.NotAnId), inline.jobs():
        jobs.enqueue_on_commit(simple, "a name with spaces")  # type: ignore[arg-type]  # what is tested


@pytest.mark.django_db
def test_outside_of_a_block_the_queue_is_used() -> None:
    jobs.enqueue_on_commit(simple, 1)
    assert RAN == []
    assert DBTaskResult.objects.count() == 1
