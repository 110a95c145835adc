"""Which formats of recordings are known, and which one a file is in."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from sessions_app.formats import asciicast
from sessions_app.formats.events import NotReadable, Reading
from sessions_app.formats.lines import BOM, DEFAULT_LIMITS, GZIP_MAGIC, Limits, Source

HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Format:
    """One format: how to tell it from its first (unpacked) bytes, and how to read it."""

    key: str
    label: str
    parser_version: int  # kept on every row derived from a recording
    recognises: Callable[[bytes], bool]
    read: Callable[[Source], Reading]


# In the order in which they are tried: cheap and certain first.
REGISTRY: dict[str, Format] = {
    found.key: found
    for found in [
        Format(asciicast.KEY, "asciicast (versions 1, 2 and 3)", 1, asciicast.recognises, asciicast.read),
    ]
}

# What people upload by mistake, so that the refusal can name it.
_OTHERS: list[tuple[re.Pattern[bytes], str]] = [
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in [
        (rb"PK\x03\x04", "a ZIP archive"),
        (rb".{257}ustar", "a tar archive"),
        (rb"BZh|\xfd7zXZ\0|7z\xbc\xaf|\x28\xb5\x2f\xfd|Rar!", "an archive that is not gzip"),
        (GZIP_MAGIC, "a gzip file inside a gzip file"),
        (rb"%PDF-", "a PDF document"),
        (rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture"),
        (rb".{4}ftyp|\x1a\x45\xdf\xa3|RIFF", "a video"),
        (rb"\x7fELF|MZ", "a program"),
        (rb"\xff\xfe|\xfe\xff|[\x21-\x7e]\0|\0[\x21-\x7e]", "text in UTF-16; save it as UTF-8"),
        (rb"Script started on ", "a typescript of script(1)"),
        (rb"\s*<(?i:!doctype|html|\?xml)", "a web page or XML"),
        (rb"\s*\{.{0,4000}\"timing\"\s*:", "a tlog recording"),
        (rb"[0-9]+\.[a-z]+[,;]", "a Guacamole recording"),
        (rb"\s*[\[{]", "JSON, but no recording"),
    ]
]


def sniff(head: bytes) -> str | None:
    """The key of the format of a file that starts with these bytes, looking into gzip; None when unknown."""
    try:
        start = Source(BytesIO(head)).peek(HEAD)
    except NotReadable:
        return None
    return next((key for key, found in REGISTRY.items() if found.recognises(start)), None)


def read(stream: BinaryIO, limits: Limits = DEFAULT_LIMITS) -> Reading:
    """Read a recording in whichever known format it is in; `NotReadable` says what it is instead."""
    source = Source(stream, limits)
    start = source.peek(HEAD)
    if not start:
        raise NotReadable("empty", "The file is empty. Upload the recording again.")
    for found in REGISTRY.values():
        if found.recognises(start):
            return found.read(source)
    known = ", ".join(found.label for found in REGISTRY.values())
    raise NotReadable(
        "unknown_format",
        f"{_described(start)}. Upload one of: {known}; as it was recorded or packed with gzip.",
        1,
    )


def _described(start: bytes) -> str:
    start = start.removeprefix(BOM)
    for pattern, name in _OTHERS:
        if pattern.match(start):
            return f"This is {name}"
    return "This is no recording that the portal knows"
