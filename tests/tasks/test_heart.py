"""The heart: it beats for what is held, and for nothing else."""

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from portal.tasks import heart
from portal.tasks.models import Lease
from portal.testing.databases import CommittedDatabase


def test_a_beating_heart_keeps_what_it_holds(
    committed_db: CommittedDatabase, silence: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heart, "BEAT", timedelta(milliseconds=5))
    held, other = (Lease.objects.create(task_id=uuid4(), worker=name) for name in ("mine", "another's"))
    silence()
    mine = heart.Heart("mine")
    patience = time.monotonic() + 30
    with mine.holding(held.pk), mine.holding(other.pk):
        while not Lease.objects.heard_of_within(heart.LOST_AFTER).filter(pk=held.pk).exists():
            assert time.monotonic() < patience
    assert not Lease.objects.heard_of_within(heart.LOST_AFTER).filter(pk=other.pk).exists()
    if beating := mine._thread:
        beating.join(30)
    assert mine._thread is None, "nothing is held any more"


def test_each_process_has_one_heart_and_a_name_of_its_own() -> None:
    assert heart.of_this_process() is heart.of_this_process()
    assert heart.worker_name() != heart.worker_name()
    assert len(heart.worker_name()) <= 64
