"""What nobody finished or committed does not stay on disk; what is kept stays."""

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from portal import moment
from portal.testing.databases import CommittedDatabase
from portal.vault import services as vault
from portal.vault.services import Swept
from tests.vault.conftest import files

DAYS = 86_400


def age(path: Path, seconds: float) -> None:
    """Let a file look as if it had been written long ago."""
    then = moment.now().timestamp() - seconds
    os.utime(path, (then, then))


@pytest.mark.django_db
def test_unfinished_uploads_are_removed_after_a_day(data: Path) -> None:
    vault.keep([b"kept"], limit=10)
    old, young = (data / "vault" / "incoming" / name for name in ("old", "young"))
    for path, seconds in ((old, 2 * DAYS), (young, DAYS / 2)):
        path.write_bytes(b"half")
        age(path, seconds)
    assert vault.sweep(moment.now()) == Swept(unfinished=1, uncommitted=0)
    assert not old.exists()
    assert young.exists()


@pytest.mark.django_db
def test_bytes_whose_transaction_was_rolled_back_are_removed_and_kept_ones_stay(data: Path) -> None:
    kept = vault.keep([b"kept"], limit=10)
    with transaction.atomic():
        vault.keep([b"lost"], limit=10)
        transaction.set_rollback(True)
    assert len(files(data)) == 2
    assert vault.sweep(moment.now()) == Swept(unfinished=0, uncommitted=0), "too young to tell"
    assert vault.sweep(moment.now() + timedelta(days=2)) == Swept(unfinished=0, uncommitted=1)
    with vault.open_verified(kept) as file:
        assert file.read() == b"kept"


def test_nothing_is_removed_while_somebody_is_keeping_bytes(
    committed_db: CommittedDatabase, data: Path
) -> None:
    kept, done = threading.Event(), threading.Event()

    def keep_for_a_while() -> None:
        with transaction.atomic():
            vault.keep([b"not yet committed"], limit=100)
            kept.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=keep_for_a_while)
    thread.start()
    assert kept.wait(30)
    late = moment.now() + timedelta(days=2)
    assert vault.sweep(late) == Swept(unfinished=0, uncommitted=0)
    done.set()
    thread.join()
    assert vault.sweep(late) == Swept(unfinished=0, uncommitted=0), "by now a row names it"
    assert len(files(data)) == 1
