"""A session recording of Boundary, as far as its metadata tell; what went over the wire is binary.

`<id>.bsr/` holds `session-meta.json`, a summary, and a folder for each connection and each channel. Every
folder has a SHA256SUM of its files: they are compared, a wrong or missing one is a gap. The signature of
that list needs the key of the system that stored it and is not judged here.
(Boundary, BSR file structure.) Of the credentials used only that they were used is kept.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import BundleFormat
from sessions_app.formats.lines import BLOCK, Limits, Source
from sessions_app.formats.parts import Part

KEY = "boundary_bsr"
META, SUMMARY, SUMS = "session-meta.json", "session-recording-summary.json", "SHA256SUM"
LARGEST_LIST = 4 * 1024 * 1024
_SUM = re.compile(r"([0-9a-fA-F]{64}) [ *]?(.{1,1024})")
_FRACTION = re.compile(r"(\.[0-9]{6})[0-9]+")
# Names of the lists of credentials that a session may have used.
_CREDENTIALS = (
    "StaticJSONCredentials",
    "StaticUsernamePasswordCredentials",
    "StaticPasswordCredentials",
    "StaticSshPrivateKeyCredentials",
    "VaultGenericLibraries",
    "VaultSshCertificateLibraries",
)


def recognises(heads: Mapping[str, bytes]) -> bool:
    """Whether the metadata of a session and the sums of its files are there."""
    return any(
        name.rpartition("/")[2] == META
        and b'"User"' in head
        and b'"Target"' in head
        and f"{name.removesuffix(META)}{SUMS}" in heads
        for name, head in heads.items()
    )


def read(files: Mapping[str, Part], limits: Limits) -> Reading:
    """Who had a session where and when; raises NotReadable."""
    tally = Tally()
    meta_name = min((name for name in files if name.rpartition("/")[2] == META), key=len)
    folder = meta_name.removesuffix(META)
    meta = _object(files[meta_name], limits, tally)
    summary = _object(files[folder + SUMMARY], limits, tally) if folder + SUMMARY in files else {}
    return Reading(_header(meta, summary, tally), _events(files, limits, tally), tally)


def _object(part: Part, limits: Limits, tally: Tally) -> dict[str, Any]:
    blocks, size = [], 0
    with part.open() as stream:
        for block in Source(stream, limits):
            size += len(block)
            if size > limits.document:
                raise NotReadable(
                    "document_too_large", f"{part.base_name} may have {limits.document:,} bytes."
                )
            blocks.append(block)
    try:
        value = fields.parsed_header(b"".join(blocks).decode("utf-8", "replace"), 1, tally)
    except fields.BadJson as error:
        raise NotReadable(
            "bad_json",
            f"{part.base_name} is no whole JSON: {error}. Copy the recording again from where it is stored.",
        ) from None
    return value if isinstance(value, dict) else {}


def _header(meta: dict[str, Any], summary: dict[str, Any], tally: Tally) -> RecordingHeader:
    def inner(*path: str) -> str | None:
        value: Any = meta
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return fields.text(value, path[-1], 1, tally) or None

    started, ended = _date(summary.get("StartTime")), _date(summary.get("EndTime"))
    length = (ended - started).total_seconds() if started and ended else None
    host = inner("StaticHost", "Address") or inner("DynamicHost", "ExternalName") or inner("Endpoint")
    facts = {
        "user_id": inner("User", "PublicId"),
        "target": inner("Target", "Name") or inner("Target", "PublicId"),
        "target_id": inner("Target", "PublicId"),
        "project": inner("Target", "Scope", "Name") or inner("Target", "Scope", "PublicId"),
        "endpoint": inner("Endpoint"),
        "worker": inner("Worker", "PublicId"),
        "session": inner("PublicId"),
        "ended_at": ended.isoformat() if ended else None,
    }
    return RecordingHeader(
        format=KEY,
        version=1,
        started_at=started,
        duration=fields.seconds(length, "length of the session", 1, tally),
        user=inner("User", "Name") or inner("User", "PublicId"),
        run_as=_account(meta, tally),
        host=host,
        external_id=fields.text(summary.get("Id"), "Id", 1, tally) or inner("PublicId"),
        facts={name: value for name, value in facts.items() if value},
    )


def _account(meta: dict[str, Any], tally: Tally) -> str | None:
    """The account of the target, where exactly one is named."""
    lists = [found for name in _CREDENTIALS if isinstance(found := meta.get(name), list)]
    names = {
        item["Username"]
        for found in lists
        for item in found
        if isinstance(item, dict) and isinstance(item.get("Username"), str)
    }
    return fields.text(names.pop(), "Username", 1, tally) or None if len(names) == 1 else None


def _date(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(_FRACTION.sub(r"\1", value))
        aware = found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return aware if aware and fields.EARLIEST <= aware < fields.LATEST else None


def _events(files: Mapping[str, Part], limits: Limits, tally: Tally) -> Iterator[Event]:
    """What is missing: always the content, and each file that is not as it was recorded."""
    reason = (
        "What went over the wire is not parsed: download each channel with "
        "'boundary session-recordings download' and upload the .cast file."
    )
    tally.warn(1, "metadata_only", reason)
    yield Event(0.0, "g", reason, 1)
    checked: set[str] = set()
    for name in sorted(files):
        folder, _, base = name.rpartition("/")
        if base == SUMS:
            for reason in _compared(files, f"{folder}/" if folder else "", limits, tally, checked):
                tally.warn(1, "checksum_wrong", reason)
                yield Event(0.0, "g", reason, 1)
    tally.warn(1, "signature_not_checked", f"{len(checked):,} files agree with their sums; the signature "
               "of the sums was not checked.")  # fmt: skip


def _compared(
    files: Mapping[str, Part], folder: str, limits: Limits, tally: Tally, checked: set[str]
) -> Iterator[str]:
    """Why a file of this folder is not what its sum says."""
    with files[folder + SUMS].open() as stream:
        data = stream.read(LARGEST_LIST)
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        entry = _SUM.fullmatch(line.strip())
        if entry is None:
            if line.strip():
                tally.unreadable(number, "bad_sum", "A line of SHA256SUM is none.")
            continue
        name = folder + entry[2]
        if name not in files:
            yield f"A file of the recording is missing: {fields.clean(name, 200)}."
        elif _digest(files[name], limits) != entry[1].lower():
            yield f"A file of the recording was changed: {fields.clean(name, 200)}."
        else:
            checked.add(name)


def _digest(part: Part, limits: Limits) -> str:
    found = hashlib.sha256()
    size = 0
    with part.open() as stream:
        while block := stream.read(BLOCK):
            size += len(block)
            if size > limits.unpacked:
                raise NotReadable(
                    "too_large",
                    f"The recording is larger than {limits.unpacked:,} bytes. Upload it in parts.",
                )
            found.update(block)
    return found.hexdigest()


FORMAT = BundleFormat(KEY, "metadata of a recording of Boundary", 1, recognises, read)
