"""Damaged, hostile and mistaken files: what is still readable is read, the rest is named with its line."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from sessions_app.formats import sniff
from sessions_app.formats.events import NotReadable
from sessions_app.formats.lines import Limits
from tests.formats.conftest import Read

ReadAll = Callable[..., Read]
Load = Callable[[str], bytes]
Cast = Callable[..., bytes]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"lol!", "bad_json"),
        (b'[2.0, "o", "cut', "bad_json"),
        (b'[2.0, "o"]', "not_an_event"),
        (b'[2.0, "o", "a", 1]', "not_an_event"),
        (b"17", "not_an_event"),
        (b'{"time": 2.0}', "not_an_event"),
        (b'["2.0", "o", "a"]', "bad_time"),
        (b'[true, "o", "a"]', "bad_time"),
        (b'[2.0, 5, "a"]', "bad_code"),
        (b'[2.0, "", "a"]', "bad_code"),
        (b'[2.0, "o", true]', "bad_data"),
        (b'[2.0, "o", ' + b"[" * 5000 + b"]" * 5000 + b"]", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b"[" + b"9" * 5000 + b', "o", "a"]', "bad_json"),
    ],
)
def test_a_wrong_line_is_left_out_and_named(line: bytes, code: str, read_all: ReadAll, cast: Cast) -> None:
    found = read_all(cast([1.0, "o", "before"], line, [3.0, "o", "after"]))
    assert [event.data for event in found.events] == ["before", "after"]
    assert found.notices == [(3, code)]
    assert found.summary.unreadable_lines == 1
    assert found.summary.is_partly_readable
    assert not found.summary.is_truncated


def test_notices_never_quote_the_recording(read_all: ReadAll, cast: Cast) -> None:
    wrong = [b'[2.0, "i", "hunter2', b"hunter2", [1.0, "hunter2hunter2hunter2", ""]]
    found = read_all(cast([1.0, "o", "a"], *wrong))
    assert len(found.summary.warnings) >= 3
    assert "hunter2" not in repr(found.summary)


def test_the_interval_of_a_wrong_v3_line_still_counts(read_all: ReadAll, cast: Cast) -> None:
    found = read_all(cast([1.0, "o", "a"], [1.0, 5, "b"], [1.0, "o", "c"], version=3))
    assert [event.at for event in found.events] == [1.0, 3.0]


@pytest.mark.parametrize("cut", range(1, 22))
def test_a_recorder_that_was_killed_leaves_a_readable_file(cut: int, read_all: ReadAll, cast: Cast) -> None:
    whole = cast([1.0, "o", "whole"]) + '[2.0, "o", "geprüft"]'.encode()
    assert [event.data for event in read_all(whole).events] == ["whole", "geprüft"]
    found = read_all(whole[:-cut])
    assert [event.data for event in found.events] == ["whole"]
    assert found.notices == [(3, "truncated")]
    assert (found.summary.is_truncated, found.summary.ended_cleanly) == (True, False)
    assert found.summary.unreadable_lines == 0


def test_nul_bytes_of_a_crashed_file_system(read_all: ReadAll, cast: Cast) -> None:
    found = read_all(cast([1.0, "o", "a"]) + b"\0" * 4096)
    assert (found.facts, found.notices) == ([(1.0, "o", "a", 2)], [(3, "truncated")])
    found = read_all(cast([1.0, "o", "a"]) + b"\0" * 64 + b'[2.0, "o", "b"]\n')
    assert [event.data for event in found.events] == ["a", "b"]
    assert found.notices == [(3, "nul_bytes")]


def test_a_v1_document_cut_within_its_frames(read_all: ReadAll, data: Load) -> None:
    whole = data("session-v1.json")
    first_frame = whole.index(b"[0.5")
    end_of_frames = whole.rindex(b"]")
    for end in range(first_frame + 20, len(whole) - 2, 7):
        found = read_all(whole[:end])
        assert found.summary.is_truncated
        assert found.summary.unreadable_lines == 0
        assert 1 <= len(found.events) <= 5
        assert (len(found.events) == 5) == (end >= end_of_frames - 3)


def test_a_wrong_v1_frame_and_a_broken_one(read_all: ReadAll) -> None:
    start = b'{"version": 1, "width": 80, "height": 24, "stdout": [\n[1.0, "a"],\n'
    found = read_all(start + b'[1.0, true],\n[1.0, "c"]\n]}')
    assert [(event.at, event.data) for event in found.events] == [(1.0, "a"), (3.0, "c")]
    assert found.notices == [(3, "bad_data")]
    found = read_all(start + b'[1.0, lol],\n[1.0, "c"]\n]}')
    assert [event.data for event in found.events] == ["a"]
    assert found.notices == [(3, "bad_json")]
    assert found.summary.is_partly_readable


def test_gzip_that_ends_too_early_is_read_up_to_there(read_all: ReadAll, cast: Cast) -> None:
    plain = cast(*[[n, "o", json.dumps(n * 7919)] for n in range(1000)])
    found = read_all(gzip.compress(plain)[:-2000])
    assert 0 < len(found.events) < 1000
    assert found.summary.is_truncated


def test_bytes_behind_gzip_are_reported(read_all: ReadAll, cast: Cast) -> None:
    found = read_all(gzip.compress(cast([1.0, "o", "a"])) + b"something else")
    assert found.notices == [(2, "trailing_bytes")]


def refusal(data: bytes, limits: Limits | None = None) -> NotReadable:
    with pytest.raises(NotReadable) as caught:
        Read(data, limits or Limits())
    assert str(caught.value) == caught.value.message
    return caught.value


HEADER = b'{"version": 2, "width": 80, "height": 24}\n'


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"", "empty", None),
        (gzip.compress(b"", mtime=0), "empty", None),
        (b"\n\n\n", "unknown_format", 1),
        (b"user,right\nadmin,root\n", "unknown_format", 1),
        (b'{"version": 2, "width": 80', "bad_header", 1),
        (b'[1.0, "o", "no header"]\n', "unknown_format", 1),
        (b'{"version": 4, "width": 80}\n', "unsupported_version", 1),
        (b'{"version": 1, "width": 80, "height": 24, "stdout": "none"}', "bad_header", 1),
        (b'{"version": 1, "width": 80,\n "height": lol, "stdout": []}', "bad_json", 2),
        (HEADER + b"lol\nlol\n", "no_readable_event", 2),
        (HEADER + b'[1.0, "o", "a"]\n' + b"lol\n" * 2000, "too_damaged", 3),
        (HEADER + b'[1.0, "o", "' + b"x" * 1024 * 1024 + b'"]\n', "line_too_long", 2),
        (b'{"version": 2, "width": 80, "title": "' + b"x" * 1024 * 1024 + b'"}\n', "line_too_long", 1),
        (b"[" * 2_000_000, "unknown_format", 1),
        (HEADER[:-2] + b', "env": ' + b"[" * 50_000 + b"\n", "bad_header", 1),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(data: bytes, code: str, line: int | None) -> None:
    found = refusal(data)
    assert (found.code, found.line) == (code, line)


def test_a_wrong_encoding_is_refused_with_its_place() -> None:
    found = refusal(HEADER + b'[1.0, "o", "a"]\n[2.0, "o", "gepr\xfcft"]\n[3.0, "o", "b"]\n')
    assert (found.code, found.line, found.offset) == ("wrong_encoding", 3, len(HEADER) + 16 + 16)
    found = refusal(b'{"version": 1, "width": 80, "height": 24, "stdout": [\n[1.0, "\xfc"]\n]}')
    assert (found.code, found.line, found.offset) == ("wrong_encoding", 2, 61)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG\r\n", "picture"),
        ('{"version": 2}'.encode("utf-16"), "UTF-16"),
        ('{"version": 2}'.encode("utf-16-le"), "UTF-16"),
        (b'{"Records": []}', "JSON"),
        (b'{"name": "x", "version": "2.0.0"}', "JSON"),
        (b"<!DOCTYPE html><p>Sign in", "web page"),
        (gzip.compress(gzip.compress(HEADER, mtime=0), mtime=0), "gzip file inside"),
        (b"\x7fELF\x02", "program"),
        (b"\x00\x01\x02", "no recording"),
    ],
)
def test_a_refusal_names_what_the_file_is_instead(data: bytes, words: str) -> None:
    found = refusal(data)
    assert found.code == "unknown_format"
    assert words in found.message
    assert "asciicast" in found.message
    assert sniff(data) is None


@pytest.mark.parametrize("name", ["session-v1.json", "session-v2.cast", "session-v3.cast", "gateway-v2.cast"])
def test_sniffing_needs_only_the_head(name: str, data: Load) -> None:
    whole = data(name)
    assert sniff(whole) == "asciicast"
    assert sniff(whole[:100]) == "asciicast"
    assert sniff(gzip.compress(whole)) == "asciicast"
    assert sniff(gzip.compress(whole * 5000)[:2000]) == "asciicast"


def test_a_gzip_bomb_is_stopped_before_it_unfolds() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(HEADER + b'[1.0, "o", "a"]\n')]
    line = b'[1.0, "o", "' + b"x" * 60_000 + b'"]\n'
    parts += [packer.compress(line) for _ in range(1000)]
    bomb = b"".join([*parts, packer.flush()])
    assert len(bomb) < 200_000
    assert refusal(bomb).code == "unpacks_too_much"


def test_the_unpacked_size_is_counted_while_reading(cast: Cast) -> None:
    plain = cast(*[[n, "o", "x" * 100] for n in range(1000)])
    for data in (plain, gzip.compress(plain)):
        assert refusal(data, Limits(unpacked=50_000)).code == "too_large"
    document = b'{"version": 1, "width": 1, "height": 1, "stdout": [' + b'[1, "a"],' * 1000
    assert refusal(document, Limits(document=5000)).code == "document_too_large"


def test_damaged_gzip_and_endless_blank_lines_are_refused(cast: Cast) -> None:
    packed = bytearray(gzip.compress(cast(*[[n, "o", json.dumps(n * 7919)] for n in range(1000)])))
    packed[-8] ^= 1  # the checksum
    assert refusal(bytes(packed)).code == "gzip_damaged"
    assert refusal(gzip.compress(b"")[:10] + b"\xff" * 50).code == "gzip_damaged"
    assert refusal(HEADER + b"\n" * 2000, Limits(idle_lines=1000)).code == "too_many_blank_lines"
    members = gzip.compress(b"\n") * 100_001
    assert refusal(gzip.compress(HEADER) + members).code == "unpacks_too_much"
