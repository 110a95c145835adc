"""A job that reports progress settles at its first attempt: its connection closes where it was made."""

from django.db import connection

from portal.tasks import progress


def test_reporting_leaves_the_job_unharmed(committed_db: object) -> None:
    connection.ensure_connection()  # as in a worker, which has asked the database before
    with progress.apart():
        progress.report("pack/1", 1, 2)
    found = progress.of("pack/1")
    assert found is not None
    assert (found.done, found.total) == (1, 2)


def test_a_job_that_reports_nothing_opens_nothing(committed_db: object) -> None:
    with progress.apart():
        pass
    assert progress.of("pack/1") is None
