"""Plain text takes what nothing else claims, and nothing that is known to be a mistake."""

import gzip
import json
from collections.abc import Callable
from io import BytesIO

import pytest

from sessions_app.formats import read, sniff
from sessions_app.formats.events import NotReadable
from sessions_app.formats.parts import in_memory
from sessions_app.formats.registry import read_parts
from tests.formats.conftest import Read

ReadAll = Callable[..., Read]

SHELL = b"\x1b[?2004hweb-1$ whoami\r\n\x1b[?2004l\ralice\r\nweb-1$ exit\r\n"


@pytest.mark.parametrize(
    "data",
    [
        SHELL,
        gzip.compress(SHELL, mtime=0),
        "grün\nund blau\n".encode(),
        "\ufeffWorte mit Zeichen\n".encode(),
        "some words\nin UTF-16\n".encode("utf-16"),
        b"\xfe\xff" + "some words\n".encode("utf-16-be"),
        b"one line without an end",
        b"some words \xff\xfe that are Latin-1 in a place or two, as old systems write them"
        + b", and more words" * 9,
    ],
)
def test_text_is_read_without_times(data: bytes, read_all: ReadAll) -> None:
    found = read_all(data)
    assert sniff(data) == found.header.format == "plain_text"
    assert {event.at for event in found.events} == {0.0}
    assert (1, "no_timing") in found.notices
    assert found.summary.output_events == len(found.events) > 0


def test_lines_are_kept_as_they_are(read_all: ReadAll) -> None:
    found = read_all(SHELL)
    assert "".join(event.data for event in found.events) == SHELL.decode()
    assert [event.line for event in found.events] == [1, 2, 3]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (json.dumps({"name": "words"}).encode(), "JSON"),
        (b"  [1, 2, 3]\n", "JSON"),
        (b"<html><body>words</body></html>", "web page"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"words and \0 binary \x01\x02\x03", "no recording"),
        (b"\x01\x02\x03\x04\x05\x06 words", "no recording"),
        (b"\n\n \n", "no recording"),
        (b"12345\n67890\n", "no recording"),
        (b"user,right\nadmin,root\n", "no recording"),
        (b"user;right;since\nadmin;root;2020\n", "no recording"),
        ("words\n".encode("utf-16-le"), "UTF-16"),
        (b"SQLite format 3\0" + bytes(range(256)), "no recording"),
    ],
)
def test_what_is_no_text_of_a_session_is_refused(data: bytes, words: str) -> None:
    assert sniff(data) is None
    with pytest.raises(NotReadable) as caught:
        read(BytesIO(data))
    assert (caught.value.code, words in caught.value.message) == ("unknown_format", True)


def test_a_note_beside_a_recording_does_not_make_two() -> None:
    cast = b'{"version": 2, "width": 80, "height": 24}\n[1.0, "o", "a"]\n'
    reading = read_parts([in_memory("README.txt", b"please read these words\n"), in_memory("a.cast", cast)])
    assert reading.header.format == "asciicast"


def test_a_line_beyond_the_limit_is_refused() -> None:
    with pytest.raises(NotReadable) as caught:
        list(read(BytesIO(b"words " * 400_000)))
    assert caught.value.code == "line_too_long"


@pytest.mark.parametrize("name", ["core01.cast", "CORE01.CAST.GZ", "core01.ttyrec"])
def test_text_that_is_called_a_recording_is_none(name: str) -> None:
    with pytest.raises(NotReadable) as refused:
        read(BytesIO(b"hello\n"), name=name)
    assert refused.value.code == "unknown_format"
