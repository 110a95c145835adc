"""Archives: what they hold comes out under the same names, and what could do harm is refused."""

import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app.formats import parts as parts_module
from sessions_app.formats.events import NotReadable
from sessions_app.formats.lines import Limits, Source
from sessions_app.formats.parts import Part, common_folder, in_memory, is_archive, unpacked
from tests.formats.test_hostile_files import changed, changes

FILES = {
    "rec/log": b"one",
    "rec/timing": b"",
    "rec/ttyout": b"x" * 3000,
    "rec/ttyin.gz": gzip.compress(b"in"),
}


def tar(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT, mode: str = "w", **entry: object) -> bytes:
    kept = io.BytesIO()
    with tarfile.open(fileobj=kept, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in entry.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return kept.getvalue()


def zipped(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED, mode: int = 0) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", how) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type, info.external_attr = how, mode << 16
            archive.writestr(info, data)
    return kept.getvalue()


def opened(data: bytes, limits: Limits = Limits()) -> list[Part]:  # noqa: B008  # it is frozen
    return unpacked(Source(io.BytesIO(data), limits))


def refusal(data: bytes, limits: Limits = Limits()) -> NotReadable:  # noqa: B008  # it is frozen
    with pytest.raises(NotReadable) as caught:
        opened(data, limits)
    assert caught.value.code in {"archive_refused", "too_large", "unpacks_too_much"}
    return caught.value


@pytest.mark.parametrize(
    "pack",
    [
        tar,
        lambda files: tar(files, tarfile.GNU_FORMAT),
        lambda files: tar(files, tarfile.USTAR_FORMAT),
        lambda files: tar(files, mode="w:gz"),
        zipped,
        lambda files: zipped(files, zipfile.ZIP_STORED),
    ],
)
def test_what_was_packed_comes_out(pack: Callable[[dict[str, bytes]], bytes]) -> None:
    packed = pack(FILES)
    source = Source(io.BytesIO(packed))
    assert is_archive(source.peek(1024))
    found = unpacked(source)
    assert {part.name: part.open().read() for part in found} == FILES
    assert common_folder(found) == "rec/"
    assert [part.head() for part in found] == [b"one", b"", b"x" * 3000, b"in"]


def test_several_parts_may_be_read_in_turn() -> None:
    first, second = opened(tar({"a": b"abcdef", "b": b"123456"}))
    with first.open() as one, second.open() as two:
        assert (one.read(2), two.read(3), one.read()) == (b"ab", b"123", b"cdef")
        assert (two.read(), one.read(5)) == (b"456", b"")
    assert in_memory("x/y", b"z").base_name == "y"


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/x", "\\x", "C:x", "a\\..\\x", "..", "x" * 1100, "./"]
)
def test_names_that_lead_elsewhere(name: str) -> None:
    packed = tar({name: b"x"})
    assert "leads elsewhere" in refusal(packed).message
    if name != "./":
        assert "leads elsewhere" in refusal(zipped({name: b"x"})).message


def test_harmless_names() -> None:
    found = opened(tar({"./a//b": b"x", "ü/..x": b"y", "d" * 300: b"z"}))
    assert [part.name for part in found] == ["a/b", "ü/..x", "d" * 300]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar(kind: bytes) -> None:
    packed = tar({"a": b""}, type=kind, linkname="/etc/passwd")
    assert "link or a device" in refusal(packed).message


def test_a_link_in_a_zip_and_an_encrypted_one() -> None:
    assert "link or a device" in refusal(zipped({"a": b"/etc/passwd"}, mode=0o120777)).message
    packed = bytearray(zipped({"a": b"x"}))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    packed[6] |= 1
    assert "encrypted" in refusal(bytes(packed)).message
    assert "packed in a way" in refusal(zipped({"a": b"x"}, zipfile.ZIP_LZMA)).message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice() -> None:
    assert "twice" in refusal(tar({"a": b"1", "./a": b"2"})).message
    assert "twice" in refusal(zipped({"a": b"1", "./a": b"2"})).message


def test_thousands_of_files_and_of_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(opened(tar({f"d/{n}": b"" for n in range(3000)}))) == 3000
    monkeypatch.setattr(parts_module, "MAX_PARTS", 50)
    monkeypatch.setattr(parts_module, "MAX_ENTRIES", 100)
    many = {str(n): b"" for n in range(51)}
    assert "more than 50" in refusal(tar(many)).message
    assert "more than 50" in refusal(zipped(many)).message
    assert "more than 50" in refusal(zipped({str(n): b"" for n in range(250)})).message
    assert "more than 50" in refusal(tar({str(n): b"" for n in range(101)}, type=tarfile.DIRTYPE)).message


def test_bombs() -> None:
    zeros = {"a": b"\0" * 20_000_000}
    assert refusal(zipped(zeros)).code == "unpacks_too_much"
    assert refusal(tar(zeros, mode="w:gz")).code == "unpacks_too_much"
    small = Limits(unpacked=10_000)
    for pack in (tar, zipped):
        assert refusal(pack({str(n): os.urandom(3000) for n in range(5)}), small).code == "too_large"


def test_a_file_with_holes() -> None:
    packed = tar({"a": b"x" * 512}, pax_headers={"GNU.sparse.map": "0,512", "GNU.sparse.size": str(2**40)})
    assert "holes" in refusal(packed).message
    old = bytearray(tar({"a": b"x" * 512}, tarfile.GNU_FORMAT))
    old[156:157] = b"S"
    old[386:410] = b"%011o\0%011o\0" % (0, 512)
    old[483:495] = b"%011o\0" % 2**32
    old[148:156] = b"        "
    old[148:156] = b"%06o\0 " % sum(old[:512])
    assert "holes" in refusal(bytes(old)).message


def test_attributes_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "MAX_NAMES", 100_000)
    packed = tar({"a": b"x"}, pax_headers={"comment": "y" * 300_000})
    assert "too long" in refusal(packed).message
    assert "too long" in refusal(tar({"a" * 200_000: b"x"}, tarfile.GNU_FORMAT)).message


def test_damage_is_told_and_hides_nothing() -> None:
    packed = tar({"a": b"1" * 600, "b": b"2" * 600}, tarfile.USTAR_FORMAT)
    second = 512 + 1024
    assert "damaged" in refusal(packed[:second] + b"?" + packed[second + 1 :]).message
    assert "damaged" in refusal(packed[: second + 100]).message
    assert "damaged" in refusal(packed[: second + 512 + 100]).message
    assert "damaged" in refusal(tar(FILES, mode="w:gz")[:-300]).message
    whole = zipped(FILES)
    assert "damaged" in refusal(whole[:-30]).message
    assert "damaged" in refusal(whole[:40] + b"\xff" * 20 + whole[60:]).message
    assert "no file" in refusal(tar({})).message


def test_a_size_that_lies() -> None:
    packed = bytearray(zipped({"a": b"x" * 100}, zipfile.ZIP_STORED))
    place = packed.index(b"PK\x01\x02")
    packed[place + 24 : place + 28] = struct.pack("<I", 2**31)
    assert refusal(bytes(packed)).code in {"archive_refused", "unpacks_too_much"}


@given(st.sampled_from([tar, zipped, lambda files: tar(files, tarfile.GNU_FORMAT)]), changes)
@settings(max_examples=200, deadline=None)
def test_changed_archives(
    pack: Callable[[dict[str, bytes]], bytes], found: list[tuple[str, float, bytes]]
) -> None:
    try:
        for part in opened(changed(pack(FILES), found)):
            part.open().read()
    except NotReadable:
        pass
