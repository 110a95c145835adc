"""Which formats of recordings are known, and which one a file, or files that belong together, are in."""

import re
from collections.abc import Sequence
from io import BytesIO
from typing import BinaryIO

from sessions_app.formats import asciicast
from sessions_app.formats.events import NotReadable
from sessions_app.formats.format import AnyFormat, AnyReading, BundleFormat, Format
from sessions_app.formats.lines import BOM, DEFAULT_LIMITS, GZIP_MAGIC, Limits, Source
from sessions_app.formats.parts import HEAD, Part, common_folder, is_archive, unpacked

# In the order in which they are tried: cheap and certain first.
FORMATS: tuple[Format, ...] = (asciicast.FORMAT,)
BUNDLES: tuple[BundleFormat, ...] = ()
REGISTRY: dict[str, AnyFormat] = {found.key: found for found in (*FORMATS, *BUNDLES)}
FEW_PARTS = 200  # of which every beginning is looked at to tell what they are

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


def sniff(head: bytes, name: str = "") -> str | None:
    """The key of the format of a file that starts with these bytes, looking into gzip; None when unknown."""
    try:
        start = Source(BytesIO(head)).peek(HEAD)
    except NotReadable:
        return None
    return next((found.key for found in FORMATS if found.recognises(start, name.lower())), None)


def read(stream: BinaryIO, limits: Limits = DEFAULT_LIMITS, name: str = "") -> AnyReading:
    """Read a recording in whichever known format it is in; `NotReadable` says what it is instead."""
    source = Source(stream, limits)
    start = source.peek(HEAD)
    if not start:
        raise NotReadable("empty", "The file is empty. Upload the recording again.")
    for found in FORMATS:
        if found.recognises(start, name.lower()):
            return found.read(source)
    if is_archive(start):
        return read_parts(unpacked(source), limits)
    raise _unknown(start)


def read_parts(parts: Sequence[Part], limits: Limits = DEFAULT_LIMITS) -> AnyReading:
    """Read files that belong together: a format of several files, or the one recording among them."""
    if len(parts) == 1:
        return read(parts[0].open(), limits, parts[0].base_name)
    folder = common_folder(parts)
    files = {part.name.removeprefix(folder): part for part in parts}
    heads = {name: part.head() for name, part in list(files.items())[:FEW_PARTS]}
    for bundle in BUNDLES:
        if bundle.recognises(heads):
            return bundle.read(files, limits)
    single = [name for name, head in heads.items() if _single(head, name)]
    if len(single) == 1:
        return read(files[single[0]].open(), limits, single[0])
    if not single:
        raise NotReadable(
            "unknown_format",
            f"None of the {len(files):,} files is a recording that the portal knows. {_known()}",
        )
    raise NotReadable(
        "several_recordings",
        f"These are {len(single):,} recordings: {', '.join(sorted(single)[:3])}"
        f"{' …' if len(single) > 3 else ''}. Upload each by itself.",
    )


def _single(head: bytes, name: str) -> bool:
    return any(found.recognises(head, name.lower()) for found in FORMATS)


def _unknown(start: bytes) -> NotReadable:
    return NotReadable("unknown_format", f"{_described(start)}. {_known()}", 1)


def _known() -> str:
    labels = ", ".join(found.label for found in REGISTRY.values())
    return f"Upload one of: {labels}; as it was recorded or packed with gzip."


def _described(start: bytes) -> str:
    start = start.removeprefix(BOM)
    for pattern, name in _OTHERS:
        if pattern.match(start):
            return f"This is {name}"
    return "This is no recording that the portal knows"
