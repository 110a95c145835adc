"""A sealed file reads like any other, and nothing of it can be read on disk."""

import csv
import io
import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.vault.sealed import IN_MEMORY, SealedFile

SECRET = b"userpassword: supersecret\n"


@pytest.fixture
def on_disk(data: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Descriptors of the temporary files that were opened: they have no names to find them by."""
    seen: list[int] = []
    original = SealedFile._spill

    def spy(self: SealedFile) -> None:
        original(self)
        seen.append(self._store.fileno())

    monkeypatch.setattr(SealedFile, "_spill", spy)
    return seen


def test_small_files_never_touch_the_disk(on_disk: list[int]) -> None:
    sealed = SealedFile()
    sealed.write(SECRET)
    assert (sealed.is_spilled, on_disk, sealed.read()) == (False, [], SECRET)


def test_large_files_lie_sealed_and_nameless(data: Path, on_disk: list[int]) -> None:
    sealed = SealedFile()
    content = SECRET * (IN_MEMORY // len(SECRET) + 10)
    for start in range(0, len(content), 65_536):
        sealed.write(content[start : start + 65_536])
    assert sealed.is_spilled
    assert list((data / "spool").iterdir()) == []
    sealed._store.flush()
    stored = os.pread(on_disk[0], len(content), 0)
    assert len(stored) == len(content)
    assert b"supersecret" not in stored
    assert len({stored[start : start + 16] for start in range(0, 16_000, 16)}) == 1000, "no block repeats"
    assert sealed.read() == content


def test_two_files_of_the_same_bytes_lie_differently(on_disk: list[int]) -> None:
    first, second = SealedFile(in_memory=0), SealedFile(in_memory=0)
    first.write(SECRET)
    second.write(SECRET)
    for sealed in (first, second):
        sealed._store.flush()
    assert os.pread(on_disk[0], 100, 0) != os.pread(on_disk[1], 100, 0)


@given(
    writes=st.lists(st.binary(max_size=80), max_size=8),
    reads=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 90)), max_size=6),
    in_memory=st.sampled_from([0, 33, 10_000]),
)
def test_it_reads_like_a_file_in_memory(
    writes: list[bytes], reads: list[tuple[int, int]], in_memory: int
) -> None:
    sealed, plain = SealedFile(in_memory=in_memory), io.BytesIO()
    for piece in writes:
        sealed.write(piece)
        plain.write(piece)
    for position, size in reads:
        sealed.seek(position)
        plain.seek(position)
        assert sealed.read(size) == plain.read(size)
        assert sealed.tell() == plain.tell()
    assert sealed.seek(0, os.SEEK_END) == sealed.size == plain.seek(0, os.SEEK_END)
    sealed.seek(0)
    assert sealed.read() == plain.getvalue()
    sealed.close()


def test_archives_and_tables_can_be_read_from_it() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("people.csv", "name,number\nDana,7\n" * 100)
    sealed = SealedFile(in_memory=10)
    sealed.write(buffer.getvalue())
    with zipfile.ZipFile(io.BufferedReader(sealed)) as archive, archive.open("people.csv") as member:
        rows = list(csv.reader(io.TextIOWrapper(member, "utf-8")))
    assert (len(rows), rows[1]) == (200, ["Dana", "7"])


def test_before_the_beginning_there_is_nothing() -> None:
    with pytest.raises(ValueError, match="before the beginning"):
        SealedFile().seek(-1)


def test_memory_stays_flat_however_much_comes() -> None:
    piece = bytes(65_536)
    sealed = SealedFile()
    tracemalloc.start()
    try:
        for _ in range(1000):
            sealed.write(piece)
        sealed.seek(0)
        while sealed.read(65_536):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sealed.size == 65_536_000
    assert peak < 4 * IN_MEMORY
