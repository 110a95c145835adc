"""Recordings without text are refused by their name, with what to upload in their place."""

import struct
from io import BytesIO

import pytest

from sessions_app.formats.events import NotReadable
from sessions_app.formats.registry import read, sniff

TELEPORT = struct.pack(">QQQ", 1, 500, 0) + b"\x1f\x8b\x08" + b"\0" * 30


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0\0\0\x18ftypmp42" + b"\0" * 40, "MP4"),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0", "WebM"),
        (b"RIFF\x10\0\0\0AVI LIST", "AVI"),
        (b"%PDF-1.7\n", "PDF"),
        (TELEPORT, "tsh play"),
        (b"age-encryption.org/v1\n-> X25519 abc\n", "encrypted"),
    ],
)
def test_a_refusal_says_what_it_is_and_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(NotReadable) as caught:
        read(BytesIO(data))
    assert caught.value.code == "not_parsed"
    assert words in caught.value.message
    assert sniff(data) is None


def test_other_riff_files_are_no_recordings() -> None:
    with pytest.raises(NotReadable) as caught:
        read(BytesIO(b"RIFF\x10\0\0\0WAVEfmt "))
    assert caught.value.code == "unknown_format"
