"""Deliveries that come at the same moment meet in one row."""

import threading
from collections.abc import Callable
from io import BytesIO

from django.db import connection

from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.testing.databases import CommittedDatabase
from sessions_app.models import Recording, Session
from sessions_app.services import intake
from tests.factories import inventory
from tests.factories import people as factory
from tests.sessions_app.conftest import cast_file


def at_once(act: Callable[[], Recording], count: int) -> list[Recording]:
    together = threading.Barrier(count)
    done: list[Recording] = []

    def run() -> None:
        try:
            together.wait(10)
            done.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return done


def test_four_deliveries_of_the_same_bytes_are_one_recording(committed_db: CommittedDatabase) -> None:
    people, system = factory.everybody(), inventory.system("JUMP")

    def deliver() -> Recording:
        return intake.receive(
            BytesIO(cast_file()), file_name="a", system=system, account_name="dkovac", by=people.mikael
        )

    delivered = at_once(deliver, 4)
    assert len(delivered) == 4
    assert len({one.pk for one in delivered}) == 1
    assert sorted(one.is_repeat for one in delivered) == [False, True, True, True]
    assert (Session.objects.count(), Recording.objects.count()) == (1, 1)
    assert Event.objects.filter(verb=Verb.RECORDING_RECEIVED).count() == 1


def test_two_recordings_of_one_id_are_one_session(committed_db: CommittedDatabase) -> None:
    people, system = factory.everybody(), inventory.system("JUMP")
    files = iter([cast_file("part one"), cast_file("part two")])
    lock = threading.Lock()

    def deliver() -> Recording:
        with lock:
            data = next(files)
        return intake.receive(
            BytesIO(data),
            file_name="a",
            system=system,
            account_name="dkovac",
            external_id="psm-1",
            by=people.mikael,
        )

    delivered = at_once(deliver, 2)
    assert [one.is_repeat for one in delivered] == [False, False]
    assert (Session.objects.count(), Recording.objects.count()) == (1, 2)
