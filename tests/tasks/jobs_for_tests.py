"""Jobs that workers of every engine run; they count in Progress rows and speak on standard output."""

import os
import threading
from datetime import timedelta

from django.db import transaction

from portal.tasks import progress
from portal.tasks.jobs import GiveUp, job
from portal.tasks.models import Progress

AT_ONCE = timedelta(0)


def say(what: str) -> None:
    """On the worker's own standard output, whatever the engine made of sys.stdout."""
    os.write(1, f"{what}\n".encode())


def wait_for_ever() -> None:
    """In slices: a signal that comes just before a wait begins would never be looked at."""
    while True:
        threading.Event().wait(0.2)


def runs(key: str) -> int:
    """How often a job ran with `key`."""
    return Progress.objects.get(key=key).done if Progress.objects.filter(key=key).exists() else 0


def count(key: str) -> int:
    """One more run."""
    Progress.objects.bulk_create(
        [Progress(key=key, done=0, updated_at="2026-01-01T00:00Z")], ignore_conflicts=True
    )
    with transaction.atomic():
        row = Progress.objects.select_for_update().get(key=key)
        row.done += 1
        row.save()
    return row.done


def write_down(reason: str, key: str) -> None:
    """What follows the last attempt."""
    Progress.objects.create(key=f"{key}:exhausted", note=reason, updated_at="2026-01-01T00:00Z")
    say(f"exhausted {key}")


@job(attempts=3, backoff=AT_ONCE)
def succeed(key: str) -> None:
    say(f"success {key} {count(key)}")


@job(attempts=3, backoff=AT_ONCE)
def succeed_at_last(key: str) -> None:
    if count(key) < 3:
        raise RuntimeError("not at this attempt")
    say(f"success {key}")


@job(attempts=3, backoff=AT_ONCE, on_exhausted=write_down)
def fail(key: str) -> None:
    count(key)
    raise RuntimeError("Alice’s name is in here")


@job(attempts=3, backoff=AT_ONCE, on_exhausted=write_down)
def give_up(key: str) -> None:
    count(key)
    raise GiveUp("the file is not a recording")


@job(attempts=3, backoff=timedelta(minutes=1))
def fail_patiently(key: str) -> None:
    count(key)
    raise RuntimeError("again in a while")


@job(attempts=2, backoff=AT_ONCE, on_exhausted=write_down)
def hang(key: str) -> None:
    """Until the process is killed."""
    say(f"hanging {key} {count(key)} {os.getpid()}")
    wait_for_ever()


@job(attempts=3, backoff=AT_ONCE)
def hang_once(key: str) -> None:
    """Until the process is killed; the second attempt succeeds."""
    if count(key) == 1:
        say(f"hanging {key} {os.getpid()}")
        wait_for_ever()
    say(f"success {key}")


@job(attempts=1)
def report_and_fail(key: str) -> None:
    """Its transaction is rolled back; its progress is not."""
    with transaction.atomic():
        count(f"{key}:inside")
        progress.report(key, 1, 4, note="reading")
        raise RuntimeError("half way")


@job(attempts=1)
def wait_for_line(key: str) -> None:
    """Until something is written to the worker's standard input."""
    say(f"waiting {key}")
    os.read(0, 1)
    say(f"success {key} {count(key)}")


@job(attempts=1, queue="slow")
def succeed_slowly(key: str) -> None:
    say(f"success {key} {count(key)}")


@job(attempts=1)
def return_an_object(key: str) -> object:
    return object()
