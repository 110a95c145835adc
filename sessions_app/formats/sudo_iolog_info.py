"""What sudo says about a recording: `log` (three lines) or `log.json`. (sudoers(5), I/O log format.)

`log` is `timestamp:user:run as:group:tty[:lines[:columns]]`, the directory, and the command. `log.json` says
more. Of the environment of the command nothing is kept: it holds secrets. Such a file without the rest of
its folder tells who ran what, and that what went over the screen is missing.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sessions_app.formats import fields, sudo_events
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import BOM, Source, conclude

KEY = "sudo_iolog_info"
_LEGACY = re.compile(
    rb"(?P<time>[0-9]{6,12}):(?P<user>[^:\n]{1,256}):(?P<run_as>[^:\n]{0,256}):(?P<group>[^:\n]{0,256})"
    rb":(?P<tty>/[^:\n]{1,256}|unknown|)(?::(?P<lines>[0-9]{1,9})(?::(?P<cols>[0-9]{1,9}))?)?\r?\n"
    rb"(?P<cwd>/[^\n]*|unknown|)\n(?P<command>[^\n]+)"
)
# A line of the file that the streams are lined up with: type, delay, the rest.
ENTRY = re.compile(rb"\s*([0-9]{1,3})\s+([0-9]{1,40}(?:[.,][0-9]{0,40})?)\s+([^\r]{1,80})\r?")
_OF_TIMING = re.compile(rb"[0-7] [0-9]{1,12}[.,][0-9]{3,12} [A-Z0-9][A-Z0-9 ]{0,20}\r?\n")
_TIMESTAMP = re.compile(rb'"timestamp"\s*:\s*\{\s*"seconds"\s*:')
_FACTS = {
    "runcwd": "cwd",
    "submitcwd": "submit_cwd",
    "ttyname": "tty",
    "rungroup": "run_group",
    "runchroot": "chroot",
    "peeraddr": "source_address",
    "source": "rule",
    "iolog_path": "recording",
    "signal": "signal",
}


@dataclass(slots=True)
class Info:
    """What one of the two files says; `exit_status` where the recorder learned of it."""

    version: int = 2
    size: tuple[int, int] | None = None
    started_at: datetime | None = None
    command: str | None = None
    user: str | None = None
    run_as: str | None = None
    host: str | None = None
    external_id: str | None = None
    duration: float | None = None
    exit_status: str | None = None
    facts: dict[str, str] = field(default_factory=dict)

    def header(self, key: str) -> RecordingHeader:
        """As the header of a recording in this format."""
        cols, rows = self.size or (None, None)
        return RecordingHeader(
            format=key,
            version=self.version,
            cols=cols,
            rows=rows,
            started_at=self.started_at,
            command=self.command,
            duration=self.duration,
            user=self.user,
            run_as=self.run_as,
            host=self.host,
            external_id=self.external_id,
            facts=self.facts,
        )


def is_json(head: bytes) -> bool:
    """Whether the first bytes are a `log.json`, which is no event of sudo's own log."""
    head = head.removeprefix(BOM).lstrip()
    is_ours = b'"submituser"' in head or (b'"runargv"' in head and b'"command"' in head)
    return (
        head.startswith(b"{")
        and is_ours
        and _TIMESTAMP.search(head) is not None
        and not sudo_events.recognises(head)
    )


def is_legacy(head: bytes) -> bool:
    """Whether the first bytes are a `log` of three lines."""
    return _LEGACY.match(head) is not None


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether the first bytes are either of the two, or the timing, which tells nothing by itself."""
    return is_legacy(head) or is_json(head) or _OF_TIMING.match(head) is not None


def told(source: Source, tally: Tally) -> Info:
    """What a `log` or a `log.json` says; raises NotReadable."""
    blocks, size = [], 0
    limit = min(source.limits.document, 16 * source.limits.line)
    for block in source:
        size += len(block)
        if size > limit:
            raise NotReadable(
                "document_too_large",
                f"The log file of a sudo recording may have {limit:,} bytes. "
                "Check that this is the recording that was meant.",
            )
        blocks.append(block)
    data = b"".join(blocks).removeprefix(BOM)
    return _json(data, tally) if data.lstrip().startswith(b"{") else _legacy(data, tally)


def _legacy(data: bytes, tally: Tally) -> Info:
    found = _LEGACY.match(data)
    if found is None:
        raise NotReadable(
            "bad_header",
            "Line 1 should be the start, the users and the terminal of a sudo recording. "
            "Check that the file is complete.",
            1,
        )
    values = {name: value.decode("utf-8", "replace") for name, value in found.groupdict(b"").items()}
    command = data[found.start("command") :].rstrip(b"\r\n\0").decode("utf-8", "replace")
    facts = {"cwd": values["cwd"], "tty": values["tty"], "run_group": values["group"]}
    size = None
    if values["lines"]:
        size = fields.size(int(values["cols"] or 0), int(values["lines"]), 1, tally)
    return Info(
        version=1,
        size=size,
        started_at=fields.moment(int(values["time"]), 1, tally),
        command=fields.clean(command, sudo_events.LONGEST_COMMAND),
        user=fields.clean(values["user"]),
        run_as=fields.clean(values["run_as"]) or None,
        facts={name: fields.clean(value) for name, value in facts.items() if value not in ("", "unknown")},
    )


def _json(data: bytes, tally: Tally) -> Info:
    try:
        value = fields.parsed_header(data.decode("utf-8", "replace").rstrip("\0 \r\n"), 1, tally)
    except fields.BadJson as error:
        raise NotReadable(
            "bad_json",
            f"The log.json of the sudo recording is no whole JSON: {error}. Check that the file is complete.",
            1,
        ) from None
    if not isinstance(value, dict):
        raise NotReadable("bad_header", "The log.json of the sudo recording is no object.", 1)

    def text(name: str) -> str | None:
        return fields.text(value.get(name), name, 1, tally) or None

    facts = {fact: found for name, fact in _FACTS.items() if (found := text(name))}
    facts.setdefault("cwd", facts.get("submit_cwd", ""))
    status = value.get("exit_value")
    has_size = "columns" in value or "lines" in value
    return Info(
        size=fields.size(value.get("columns"), value.get("lines"), 1, tally) if has_size else None,
        started_at=sudo_events.moment(value.get("timestamp")),
        command=sudo_events.command_line(value, text("command")),
        user=text("submituser"),
        run_as=text("runuser"),
        host=text("submithost"),
        external_id=text("uuid"),
        duration=_seconds(value.get("run_time"), tally),
        exit_status=json.dumps(status) if isinstance(status, int) else None,
        facts={name: found for name, found in facts.items() if found},
    )


def _seconds(value: Any, tally: Tally) -> float | None:
    if not isinstance(value, dict):
        return None
    whole, fraction = fields.number(value.get("seconds")), fields.number(value.get("nanoseconds")) or 0.0
    return fields.seconds(None if whole is None else whole + fraction / 1e9, "run time", 1, tally)


def read(source: Source) -> Reading:
    """The recording as far as its log file tells of it."""
    if _OF_TIMING.match(source.peek(100)):
        raise NotReadable(
            "timing_alone",
            "This is the file timing of a sudo recording; its log, or log.json, and its streams (ttyout and "
            "others) are missing. Upload the whole folder, or pack it as a tar or zip file.",
            1,
        )
    tally = Tally()
    info = told(source, tally)
    return Reading(info.header(KEY), _events(info, source, tally), tally)


def _events(info: Info, source: Source, tally: Tally) -> Iterator[Event]:
    reason = "Only the log file of the sudo recording is here; upload its whole folder as a tar or zip file."
    tally.warn(1, "metadata_only", reason)
    yield Event(0.0, "g", reason, 1)
    if info.exit_status is not None:
        yield Event(info.duration or 0.0, "x", info.exit_status, 1)
    conclude(source, 1, tally)


FORMAT = Format(KEY, "log file of a sudo recording", 1, recognises, read)
