"""A session of JumpServer as it is downloaded: the replay, what is known of the session, its commands.

The tar holds the replay (asciicast, the older object of seconds, a Guacamole dump or a video) and
`<session>.json`; a replay in parts has a manifest, `<session>.replay.json`, that names them in their order.
Exported command records, a list or one per line, may lie beside them. (JumpServer, apps/terminal.)
A video has no text: the session is then told by its record and its commands alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sessions_app.formats import asciicast, fields, guacamole, jumpserver_replay
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import BundleFormat, Format
from sessions_app.formats.jumpserver_records import (
    Command,
    Session,
    commands_in,
    is_commands,
    names_in_manifest,
    session_in,
    session_of,
)
from sessions_app.formats.lines import Limits, Source, conclude
from sessions_app.formats.parts import Part

KEY = "jumpserver"
_REPLAYS: tuple[Format, ...] = (asciicast.FORMAT, guacamole.FORMAT, jumpserver_replay.FORMAT)
MANY = 200
START = 2048
_VIDEO = b"ftyp"
# One of these means that more was asked of the reader than it may give: no other part changes that.
_FATAL = frozenset({"unpacks_too_much", "too_large", "document_too_large", "line_too_long"})


@dataclass(slots=True)
class _Files:
    """Which file is what."""

    session: str | None = None
    manifest: str | None = None
    commands: list[str] = field(default_factory=list)
    replays: list[str] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # parts that the manifest names
    others: list[str] = field(default_factory=list)


def recognises(heads: Mapping[str, bytes]) -> bool:
    """Whether a record of a session, a manifest with its parts, or command records lie beside a replay."""
    files = _sorted(heads)
    has_replay = len(files.replays) == 1 or (files.manifest is not None and bool(files.replays))
    has_more = bool(files.commands or files.videos)
    return (files.session is not None and (has_replay or has_more)) or (
        has_replay and bool(files.manifest or files.commands)
    )


def _sorted(heads: Mapping[str, bytes]) -> _Files:
    files = _Files()
    named: Sequence[str] | None = None
    for name, head in heads.items():
        parts = names_in_manifest(head)
        if files.manifest is None and any(part in heads for part in parts):
            files.manifest, named = name, parts
        elif files.session is None and session_in(head):
            files.session = name
        elif is_commands(head):
            files.commands.append(name)
        elif _format_of(head, name):
            files.replays.append(name)
        elif head[4:8] == _VIDEO:
            files.videos.append(name)
        else:
            files.others.append(name)
    if named is not None:
        files.others += [name for name in (*files.replays, *files.videos) if name not in named]
        files.missing = [name for name in named if name not in heads]
        files.replays = [name for name in named if name in files.replays]
        files.videos = [name for name in named if name in files.videos]
    return files


def _format_of(head: bytes, name: str) -> Format | None:
    return next((found for found in _REPLAYS if found.recognises(head, name.lower())), None)


def read(files: Mapping[str, Part], limits: Limits) -> Reading:
    """The session that these files are together."""
    tally = Tally()
    heads = _heads(files)
    found = _sorted(heads)
    for name in found.others:
        tally.warn(1, "extra_file", f"One file is no part of the recording: {fields.clean(name, 100)}.")
    session = Session()
    if found.session is not None:
        with files[found.session].open() as stream:
            session = session_of(Source(stream, limits), tally)
    gaps = _gaps_of(found)
    readings: list[Reading] = []
    for name in found.replays:
        try:
            readings.append(_opened(files[name], heads[name], limits))
        except NotReadable as error:
            if error.code in _FATAL:
                raise
            gaps.append(f"The replay {fields.clean(name, 100)} can't be read: {error.message}")
    commands: list[Command] = []
    for name in found.commands:
        with files[name].open() as stream:
            commands += commands_in(Source(stream, limits), tally)
    header = _header(session, readings)
    start = header.started_at.timestamp() if header.started_at else None
    return Reading(header, _events(readings, _timed(commands, start, tally), gaps, tally), tally)


def _heads(files: Mapping[str, Part]) -> dict[str, bytes]:
    """The first bytes of each, more of those that may have to be parsed; bounded in sum."""
    heads: dict[str, bytes] = {}
    whole = 0
    for name, part in files.items():
        is_whole = name.lower().endswith(".json") and whole < MANY
        whole += is_whole
        heads[name] = part.head() if is_whole else part.head(START)
    return heads


def _gaps_of(found: _Files) -> list[str]:
    gaps = [f"A part of the replay is missing: {fields.clean(name, 100)}." for name in found.missing[:20]]
    if found.videos:
        gaps.append("The replay is a video: it is kept, but what it shows is not parsed.")
    if not (found.replays or found.videos):
        gaps.append("The replay of the session is missing: upload it together with its record.")
    return gaps


def _opened(part: Part, head: bytes, limits: Limits) -> Reading:
    found = _format_of(head, part.base_name)
    reading = found.read(Source(part.open(), limits)) if found else None
    if not isinstance(reading, Reading):
        raise NotReadable("unknown_format", "It is no replay.")
    return reading


def _header(session: Session, readings: list[Reading]) -> RecordingHeader:
    """What the record says, and what the replay says of its terminal."""
    base = readings[0].header if readings else RecordingHeader(KEY, 1)
    facts = dict(session.facts)
    if readings:
        facts["replay"] = base.format
    return replace(
        base,
        format=KEY,
        version=1,
        env={},
        started_at=session.started_at or base.started_at,
        duration=session.duration if session.duration is not None else base.duration,
        user=session.user,
        run_as=session.account,
        host=session.asset,
        external_id=session.key,
        facts={**base.facts, **facts},
    )


def _timed(commands: list[Command], start: float | None, tally: Tally) -> list[Event]:
    """The commands as events in the order of their times."""
    known = [command.at for command in commands if command.at is not None]
    if commands and start is None and known:
        start = min(known)
        tally.warn(1, "start_unknown", "The start of the session is unknown: its first command stands at 0.")
    events: list[Event] = []
    for command in sorted(commands, key=lambda command: command.at or 0.0):
        at = (command.at or 0.0) - (start or 0.0)
        if command.at is None or at > fields.MAX_SECONDS:
            tally.warn(command.line, "time_absurd", "The time of a command is none; it stands at the start.")
            at = 0.0
        at = max(at, 0.0)  # clocks of two machines may differ, and the record's has whole seconds
        events.append(Event(at, "c", command.text, command.line))
        if command.verdict:
            events.append(Event(at, "m", command.verdict, command.line))
    return sorted(events, key=lambda event: event.at)


def _events(readings: list[Reading], commands: list[Event], gaps: list[str], tally: Tally) -> Iterator[Event]:
    """The replay, one part behind the other, with each command where its time is."""
    for gap in gaps:
        tally.warn(1, "not_parsed", gap)
        yield Event(0.0, "g", gap, 1)
    waiting = iter(commands)
    command = next(waiting, None)
    shift = 0.0
    for reading in readings:
        latest = shift
        for event in reading:
            at = event.at + shift
            latest = max(latest, at)
            while command is not None and command.at <= at:
                yield command
                command = next(waiting, None)
            yield replace(event, at=at) if shift else event
        shift = latest
        _absorb(reading, tally)
    while command is not None:
        yield command
        command = next(waiting, None)
    conclude(Source(_Nothing()), 1, tally)  # type: ignore[arg-type]  # read from, no more


def _absorb(reading: Reading, tally: Tally) -> None:
    """What was odd about a part is odd about the whole."""
    summary = reading.summary()
    for notice in summary.warnings:
        tally.warn(notice.line, notice.code, notice.reason)
    tally.is_truncated = tally.is_truncated or summary.is_truncated
    tally.unreadable_lines += summary.unreadable_lines


class _Nothing:
    """A file that is not there."""

    def read(self, _size: int = -1) -> bytes:
        """Nothing."""
        return b""


FORMAT = BundleFormat(KEY, "session of JumpServer (its tar)", 1, recognises, read)
