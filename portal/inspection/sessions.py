"""Recordings of sessions and logs of calls: read to their end, with the commands that are found in them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO

from portal.inspection.inputs import Input, shown
from portal.inspection.readers import Attempt, Claim, Refused
from portal.inspection.reports import RecordingReport
from sessions_app.formats import registry as recordings
from sessions_app.formats.commands import Command, Extraction
from sessions_app.formats.commands.extraction import MOST_COMMANDS
from sessions_app.formats.events import Notice, NotReadable, Reading, RecordingHeader, Summary
from sessions_app.formats.format import AnyReading
from sessions_app.formats.lines import DEFAULT_LIMITS, Source
from sessions_app.formats.logs import LogReading, LogSession
from sessions_app.formats.parts import HEAD, Part, is_archive

OTHER = "other"
UNPARSED = "not_parsed"  # the refusal of what can be kept and no more
UNTIMED = "no_timing"  # the notice of a format whose events all stand at the start


class RecordingReader:
    """Whatever the formats of recordings read."""

    @property
    def formats(self) -> dict[str, str]:
        """Key and label of every format."""
        return {key: found.label for key, found in recordings.REGISTRY.items()}

    def attempts(self, file: BinaryIO, one: Input) -> Iterator[Attempt]:
        """The one format that claims it; else what may hold a recording, or is one that can't be parsed."""
        head = file.read(HEAD)
        file.seek(0)
        key = recordings.sniff(head, one.name)
        label = recordings.REGISTRY[key].label if key is not None else _other(head)
        if label is not None:
            claim = Claim.TEXT if key == recordings.LAST_RESORT.key else Claim.RECORDING
            yield Attempt(key or OTHER, label, claim, partial(_read, file, one), RecordingReport)


def attempt_together(parts: Sequence[Part], one: Input) -> Attempt:
    """Several files that are one recording."""
    read = partial(_read_together, parts, one)
    return Attempt("", "recording of several files", Claim.RECORDING, read, RecordingReport)


def unpacked(head: bytes) -> bytes:
    """The first bytes of a file, out of gzip where they are; raises NotReadable."""
    return Source(BytesIO(head)).peek(HEAD)


def _other(head: bytes) -> str | None:
    """What a file of no format is, if the formats have more to say of it: never a document of an office."""
    try:
        start = unpacked(head)
    except NotReadable:
        return "file packed with gzip"
    if is_archive(start):
        is_document = b"[Content_Types].xml" in head or b"mimetypeapplication/" in head
        return None if is_document else "archive of a recording"
    try:
        recordings.read(BytesIO(head))
    except NotReadable as refusal:
        return "recording" if refusal.code == UNPARSED else None
    return None


def _read(file: BinaryIO, one: Input) -> RecordingReport:
    try:
        return _told(recordings.read(file, DEFAULT_LIMITS, one.name), RecordingReport(one.shown))
    except NotReadable as refusal:
        raise Refused(_located(refusal.message, refusal.line)) from None


def _read_together(parts: Sequence[Part], one: Input) -> RecordingReport:
    report = RecordingReport(one.shown, paths=[shown(path) for path in one.files])
    try:
        return _told(recordings.read_parts(parts), report)
    except NotReadable as refusal:
        raise Refused(_located(refusal.message, refusal.line)) from None


def _told(reading: AnyReading, report: RecordingReport) -> RecordingReport:
    """Fill the report with what is read to the end."""
    header = reading.header
    report.format, report.version = header.format, header.version
    report.cols, report.rows = header.cols, header.rows
    report.user, report.run_as, report.host = header.user, header.run_as, header.host
    report.started_at = header.started_at
    summary = _read_to_end(reading, report)
    report.output_events, report.input_events = summary.output_events, summary.input_events
    report.exit_status = summary.exit_status
    report.gaps = [{"at_s": _rounded(gap.at), "reason": gap.reason} for gap in summary.gaps]
    report.problems = [*_problems(summary), *report.problems]
    return report


def _read_to_end(reading: AnyReading, report: RecordingReport) -> Summary:
    """What only the end tells: of a log, whose sessions; of both, how long and which commands."""
    return _of_log(reading, report) if isinstance(reading, LogReading) else _of_recording(reading, report)


def _of_recording(reading: Reading, report: RecordingReport) -> Summary:
    commands: list[Command] = []
    with Extraction(reading.header) as extraction:
        for event in extraction.watching(reading):
            if event.code == "r" and report.cols is None:
                cols, _, rows = event.data.partition("x")
                report.cols, report.rows = int(cols), int(rows)
            commands += extraction.found()
        commands += extraction.finish()
    summary = reading.summary()
    is_timed = UNTIMED not in summary.warning_counts
    report.duration_s = _duration(reading.header, summary) if is_timed else None
    report.commands = [
        {
            "at_s": _rounded(one.at) if is_timed else None,
            "text": one.text,
            "method": one.method,
            "confidence": one.confidence,
            "aborted": one.aborted,
        }
        for one in commands
    ]
    report.problems = [_sentence(notice) for notice in extraction.notices]
    return summary


def _duration(header: RecordingHeader, summary: Summary) -> float | None:
    """Up to its last event; where nothing of the screen is there, what the recorder says of it."""
    has_screen = summary.output_events or summary.input_events
    if has_screen or not summary.gap_count:
        return _rounded(summary.duration)
    return _rounded(header.duration)


def _of_log(reading: LogReading, report: RecordingReport) -> Summary:
    commands: list[tuple[datetime | None, str]] = []
    count, first = 0, None
    for entry in reading:
        if entry.at is not None:
            first = min(first or entry.at, entry.at)
        if entry.command is not None:
            count += 1
            if count <= MOST_COMMANDS:
                commands.append((entry.at, entry.command))
    if count > MOST_COMMANDS:
        report.problems.append(f"Only the first {MOST_COMMANDS:,} of {count:,} commands are listed.")
    report.commands = [_called(at, text, first) for at, text in commands]
    summary, sessions = reading.summary(), reading.sessions
    report.sessions = len(sessions)
    report.started_at = report.started_at or first
    report.duration_s = _rounded(summary.duration) if first else None
    report.user = report.user or _only(sessions, "user")
    report.run_as = report.run_as or _only(sessions, "run_as")
    report.host = report.host or _only(sessions, "host")
    return summary


def _called(at: datetime | None, text: str, first: datetime | None) -> dict[str, Any]:
    """A command that a log tells of: not seen on a screen, so it is whole, and nobody gave it up."""
    seconds = (at - first).total_seconds() if at and first else None
    return {
        "at_s": _rounded(seconds),
        "text": text,
        "method": "recorder",
        "confidence": "high",
        "aborted": False,
    }


def _only(sessions: Iterable[LogSession], name: str) -> str | None:
    """What all sessions of a log have in common."""
    found: set[str | None] = {getattr(one, name) for one in sessions}
    return found.pop() if len(found) == 1 else None


def _problems(summary: Summary) -> Iterator[str]:
    """Every notice with its place, and how many more of its kind there were."""
    yield from (_sentence(notice) for notice in summary.warnings)
    for code, count in sorted(summary.warning_counts.items()):
        of_code = [notice for notice in summary.warnings if notice.code == code]
        if of_code and count > len(of_code):
            yield f"{count - len(of_code):,} more like this: {of_code[0].reason}"
    if summary.gap_count > len(summary.gaps):
        yield f"Only the first {len(summary.gaps):,} of {summary.gap_count:,} gaps are listed."


def _sentence(notice: Notice) -> str:
    return _located(notice.reason, notice.line)


def _located(words: str, line: int | None) -> str:
    """The words with their line, unless they name it."""
    return f"{words} (line {line:,})" if line and f"ine {line}" not in words else words


def _rounded(seconds: float | None) -> float | None:
    """Microseconds are what recorders have; what is finer comes of adding."""
    return None if seconds is None else round(seconds, 6)
