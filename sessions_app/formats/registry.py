"""Which formats of recordings are known, and which one a file, or files that belong together, are in."""

import re
from collections.abc import Sequence
from io import BytesIO
from typing import BinaryIO

from sessions_app.formats import (
    asciicast,
    auditd,
    auth_log,
    boundary_bsr,
    cloudtrail,
    guacamole,
    jumpserver,
    jumpserver_replay,
    k8s_audit,
    plain_text,
    powershell,
    script_log,
    ssm,
    sudo_iolog,
    sudo_iolog_info,
    teleport_events,
    teleport_play,
    tlog,
    ttyrec,
    typescript,
    warpgate,
)
from sessions_app.formats.events import NotReadable
from sessions_app.formats.format import AnyFormat, AnyReading, BundleFormat, Format
from sessions_app.formats.lines import BOM, DEFAULT_LIMITS, GZIP_MAGIC, Limits, Source
from sessions_app.formats.parts import HEAD, Part, common_folder, is_archive, unpacked
from sessions_app.formats.text_lines import decoded_head, encoding_of

# In the order in which they are tried: cheap and certain first.
FORMATS: tuple[Format, ...] = (
    asciicast.FORMAT,
    typescript.FORMAT,
    ttyrec.FORMAT,
    auditd.FORMAT,
    powershell.FORMAT,
    guacamole.FORMAT,
    warpgate.FORMAT,
    tlog.FORMAT,
    sudo_iolog_info.FORMAT,
    jumpserver_replay.FORMAT,
    cloudtrail.FORMAT,
    k8s_audit.FORMAT,
    teleport_play.FORMAT,
    teleport_events.FORMAT,
    auth_log.FORMAT,  # a journal may hold both: a recording is more than its log
    ssm.FORMAT,
)
LAST_RESORT: Format = plain_text.FORMAT  # only what nothing else claims, and what is no known mistake
BUNDLES: tuple[BundleFormat, ...] = (
    script_log.FORMAT,
    sudo_iolog.FORMAT,
    jumpserver.FORMAT,
    boundary_bsr.FORMAT,
)
_ALL: tuple[AnyFormat, ...] = (*FORMATS, *BUNDLES, LAST_RESORT)
REGISTRY: dict[str, AnyFormat] = {found.key: found for found in _ALL}
FEW_PARTS = 200  # of which every beginning is looked at to tell what they are

_VIDEO = "A video has no text in which commands could be found"
# Recordings that can be kept as evidence but hold no text to read, with what to upload in their place.
_NOT_PARSED: list[tuple[re.Pattern[bytes], str, str]] = [
    (re.compile(pattern, re.DOTALL), name, advice)
    for pattern, name, advice in [
        (rb".{4}ftyp", "a video (MP4)", _VIDEO),
        (rb"\x1a\x45\xdf\xa3", "a video (WebM or Matroska)", _VIDEO),
        (rb"RIFF.{4}AVI ", "a video (AVI)", _VIDEO),
        (rb"%PDF-", "a PDF document", "Export the session as text or as asciicast and upload that too"),
        (
            rb"\0{7}[\x01-\x03].{8,48}?\x1f\x8b",
            "a recording of Teleport as its server stores it",
            "Export it with 'tsh play --format=json' and upload the result",
        ),
        (
            rb"age-encryption\.org/",
            "an encrypted recording",
            "Export it with the recorder that holds the key (for Teleport 'tsh play --format=json')",
        ),
    ]
]

# What people upload by mistake, so that the refusal can name it.
_OTHERS: list[tuple[re.Pattern[bytes], str]] = [
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in [
        (rb"PK\x03\x04", "a ZIP archive"),
        (rb".{257}ustar", "a tar archive"),
        (rb"BZh|\xfd7zXZ\0|7z\xbc\xaf|\x28\xb5\x2f\xfd|Rar!", "an archive that is not gzip"),
        (GZIP_MAGIC, "a gzip file inside a gzip file"),
        (rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture"),
        (rb"RIFF", "sound or a picture"),
        (rb"\x7fELF|MZ", "a program"),
        (rb"\xff\xfe|\xfe\xff|[\x21-\x7e]\0|\0[\x21-\x7e]", "text in UTF-16; save it as UTF-8"),
        (rb"\s*<(?i:!doctype|html|\?xml)", "a web page or XML"),
        (rb"[0-9]+\.[a-z]+[,;]", "a Guacamole recording"),
        (
            rb'\s*\{.{0,300}?"files"\s*:\s*\[\s*\{[^{}]{0,300}?"name"\s*:',
            "the manifest of a replay of JumpServer; upload it together with the parts that it names",
        ),
        (rb"\s*[\[{]", "JSON, but no recording"),
    ]
]


def sniff(head: bytes, name: str = "") -> str | None:
    """The key of the format of a file that starts with these bytes, looking into gzip; None when unknown."""
    try:
        start = Source(BytesIO(head)).peek(HEAD)
    except NotReadable:
        return None
    found = next((found for found in FORMATS if found.recognises(start, name.lower())), None)
    if found is None and is_plain(start, name):
        return LAST_RESORT.key
    return found.key if found else None


# Names of formats of which text without their marks is no recording but the ruin of one.
_NOT_TEXT = (".cast", ".cast.gz", ".ttyrec", ".guac", ".replay.gz")


def is_plain(start: bytes, name: str = "") -> bool:
    """Whether a file that no format claims may be taken as text: also not when it is a known mistake."""
    if name.lower().endswith(_NOT_TEXT):
        return False
    encoding, _ = encoding_of(start)
    text = start if encoding == "utf-8" else decoded_head(start).encode()
    is_known = _mistake(text) is not None or any(pattern.match(text) for pattern, _, _ in _NOT_PARSED)
    return not is_known and LAST_RESORT.recognises(start, "")


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
    if is_plain(start, name):
        return LAST_RESORT.read(source)
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
    for pattern, name, advice in _NOT_PARSED:
        if pattern.match(start.removeprefix(BOM)):
            return NotReadable("not_parsed", f"This is {name}: it can be kept, but not parsed. {advice}.")
    return NotReadable("unknown_format", f"{_described(start)}. {_known()}", 1)


def _known() -> str:
    labels = ", ".join(found.label for found in REGISTRY.values())
    return f"Upload one of: {labels}; as it was recorded or packed with gzip."


def _described(start: bytes) -> str:
    name = _mistake(start)
    return f"This is {name}" if name else "This is no recording that the portal knows"


def _mistake(start: bytes) -> str | None:
    """What a file is that people upload by mistake."""
    start = start.removeprefix(BOM)
    return next((name for pattern, name in _OTHERS if pattern.match(start)), None)
