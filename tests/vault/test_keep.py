"""Keeping bytes and getting the same ones back, or none."""

import hashlib
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from portal.testing.databases import CommittedDatabase
from portal.vault import services as vault
from portal.vault import store
from portal.vault.models import Blob
from tests.vault.conftest import files

BYTES = b"one recording" * 1000
DIGEST = hashlib.sha256(BYTES).hexdigest()


def pieces() -> Iterator[bytes]:
    """The bytes as an upload brings them."""
    for start in range(0, len(BYTES), 1000):
        yield BYTES[start : start + 1000]


@pytest.mark.django_db
def test_bytes_are_kept_under_their_digest_and_given_back(data: Path) -> None:
    blob = vault.keep(pieces(), limit=len(BYTES))
    assert (blob.hexdigest, blob.size, blob.state) == (DIGEST, len(BYTES), Blob.State.KEPT)
    assert files(data) == [data / "vault" / DIGEST[:2] / DIGEST[2:4] / DIGEST]
    with vault.open_verified(blob) as file:
        assert file.read() == BYTES


@pytest.mark.django_db
def test_nobody_else_on_the_machine_may_read_them(data: Path) -> None:
    vault.keep([BYTES], limit=1 << 20)
    for path in (*files(data), *(path for path in (data / "vault").rglob("*") if path.is_dir())):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.django_db
def test_the_same_bytes_meet_in_one_blob(data: Path) -> None:
    assert vault.keep([BYTES], limit=1 << 20) == vault.keep(pieces(), limit=1 << 20)
    assert (Blob.objects.count(), len(files(data))) == (1, 1)


@pytest.mark.django_db
def test_nothing_is_a_content_too(data: Path) -> None:
    blob = vault.keep([], limit=0)
    assert (blob.size, blob.hexdigest) == (0, hashlib.sha256(b"").hexdigest())


@pytest.mark.django_db
def test_over_the_limit_nothing_is_left(data: Path) -> None:
    with pytest.raises(vault.TooLarge) as refusal:
        vault.keep(pieces(), limit=len(BYTES) - 1)
    assert refusal.value.limit == len(BYTES) - 1
    assert (files(data), Blob.objects.count()) == ([], 0)


@pytest.mark.django_db
def test_an_upload_that_breaks_off_leaves_nothing(data: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield BYTES
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        vault.keep(broken(), limit=1 << 20)
    assert (files(data), Blob.objects.count()) == ([], 0)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["other bytes", "shorter", "missing"])
def test_altered_bytes_are_never_given_out(data: Path, change: str) -> None:
    blob = vault.keep([BYTES], limit=1 << 20)
    (path,) = files(data)
    match change:
        case "other bytes":
            path.write_bytes(b"X" + BYTES[1:])
        case "shorter":
            path.write_bytes(BYTES[:-1])
        case _:
            path.unlink()
    with pytest.raises(vault.Altered, match=DIGEST):
        vault.open_verified(blob)
    assert Blob.objects.get().state == Blob.State.ALTERED


@pytest.mark.django_db
def test_the_same_bytes_again_heal_an_altered_blob(data: Path) -> None:
    blob = vault.keep([BYTES], limit=1 << 20)
    files(data)[0].write_bytes(b"altered")
    with pytest.raises(vault.Altered):
        vault.open_verified(blob)
    healed = vault.keep([BYTES], limit=1 << 20)
    assert (healed.pk, healed.state) == (blob.pk, Blob.State.KEPT)
    with vault.open_verified(healed) as file:
        assert file.read() == BYTES


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "ab/cd/../../x", "AB/CD/" + "a" * 64, "ab/cd/" + "a" * 63, ""]
)
def test_no_other_name_reaches_the_file_system(key: str) -> None:
    with pytest.raises(ValueError, match="not a storage key"):
        store.path_of(key)


@pytest.mark.django_db
def test_the_database_refuses_a_digest_of_another_length(data: Path) -> None:
    blob = vault.keep([BYTES], limit=1 << 20)
    with pytest.raises(IntegrityError, match="blob_digest_is_32_bytes"), transaction.atomic():
        Blob.objects.filter(pk=blob.pk).update(sha256=b"short")


def test_two_uploads_of_the_same_bytes_at_the_same_time_meet(
    committed_db: CommittedDatabase, data: Path
) -> None:
    found: list[int] = []
    together = threading.Barrier(4)

    def upload() -> None:
        try:
            together.wait()
            found.append(vault.keep(pieces(), limit=1 << 20).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found)), Blob.objects.count()) == (4, 1, 1)
    assert [path.name for path in files(data)] == [DIGEST]
