"""A recording is read to its end: verified, parsed, its text kept, its session matched; then it is sealed.

Or it is rejected with the reason, and kept all the same. Nothing of a rejected recording is derived.
A recording is claimed by its state and version: of two workers that hold it, the later claim counts.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from accounts.models import GrantUse
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.vault.services import Altered, open_verified
from sessions_app import formats
from sessions_app.formats.commands import Command as FoundCommand
from sessions_app.formats.commands import Extraction
from sessions_app.formats.events import Notice, NotReadable, RecordingHeader, Summary
from sessions_app.formats.logs import LogReading
from sessions_app.formats.registry import REGISTRY
from sessions_app.formats.transcript import VERSION as TRANSCRIPT_VERSION
from sessions_app.formats.transcript import Chunk, chunked, transcribe
from sessions_app.models import Command, Recorder, Recording, Session, TranscriptChunk
from sessions_app.processing import matching

CHUNKS_AT_ONCE = 50
# Clocks of recorders and of those who file a recording may differ by this much before it is said.
CLOCKS_AGREE = timedelta(minutes=5)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """What one reading of a recording found."""

    header: RecordingHeader
    summary: Summary
    chunks: int
    commands: int
    notices: tuple[Notice, ...]  # of the search for commands


def held_because(session: Session, at: datetime) -> str:
    """Why a recording of this session may not be looked into; empty when it may.

    A recorder delivers under its notice: the systems it covers, and no older than the notice lets it keep.
    """
    recorder = session.recorder
    if recorder is None:
        return ""
    if not recorder.notice:
        return _("Held unprocessed: the recorder %(recorder)s has no notice record.") % {"recorder": recorder}
    if not Recorder.objects.covering(session.system, session.started_at).filter(pk=recorder.pk).exists():
        values: dict[str, object] = {"recorder": recorder, "system": session.system}
        return _("Held unprocessed: %(recorder)s did not cover %(system)s when it began.") % values
    days = int(recorder.notice.get("retention_days") or 0)
    if days and session.started_at < at - timedelta(days=days):
        values = {"recorder": recorder, "days": days}
        return _("Held unprocessed: %(recorder)s may keep recordings for %(days)s days only.") % values
    return ""


def claim(recording_id: str, *, at: datetime) -> Recording | None:
    """Take a recording that waits, or that a lost worker left behind; None when it is done, or held."""
    rows = Recording.objects.filter(pk=recording_id)
    recording = rows.select_related("session__recorder", "session__system", "blob").first()
    if recording is None or recording.state in (Recording.State.SEALED, Recording.State.REJECTED):
        return None
    if recording.state == Recording.State.RECEIVED and (reason := held_because(recording.session, at)):
        rows.filter(state=Recording.State.RECEIVED).update(reason=reason)
        return None
    taken = rows.filter(version=recording.version, state=recording.state).update(
        state=Recording.State.PROCESSING, reason="", version=F("version") + 1
    )
    if not taken:
        return None
    recording.state, recording.reason = Recording.State.PROCESSING, ""
    recording.version += 1
    return recording


def process(recording: Recording, *, at: datetime) -> None:
    """Read a claimed recording and seal or reject it; whoever claimed it after us makes this do nothing."""
    try:
        with open_verified(recording.blob) as file, transaction.atomic():
            _seal(recording, _read(recording, file), at)
    except Altered:
        logger.error("recording %s of %s was altered in the vault", recording.pk, recording.session.code)
        reject(
            recording,
            "altered",
            _("Altered: the vault no longer holds the bytes that were received. Do not rely on it."),
            at=at,
        )
    except NotReadable as refusal:
        reject(recording, refusal.code, refusal.message, at=at)


@transaction.atomic
def reject(recording: Recording, code: str, reason: str, *, at: datetime) -> None:
    """Say why nothing can be made of it; the bytes stay as they are."""
    if not _end(recording, state=Recording.State.REJECTED, reason=reason, processed_at=at):
        return
    _forget(recording)
    facts = {"session": recording.session.code, "sha256": recording.sha256, "code": code}
    record(Verb.RECORDING_REJECTED, recording, actor=PORTAL, at=at, facts=facts)


def match_again(session_id: UUID, *, at: datetime) -> bool:
    """Ask the record once more about a session; whether the answer is another one."""
    with transaction.atomic():
        session = Session.objects.select_for_update(of=("self",)).select_related("system").get(pk=session_id)
        found = matching.find(session)
        if not found.differs_from(session):
            return False
        before = {"match": session.match, "grant": session.grant_id, "account": session.account_id}
        _apply(session, found)
        _note_use(session, found)
        facts = {"code": session.code, "before": before, **_matched(found)}
        record(Verb.SESSION_MATCHED, session, actor=PORTAL, at=at, facts=facts)
        return True


# Reading


def _read(recording: Recording, file: BinaryIO) -> Read:
    """Parse to the end and keep text and commands in pieces; those of an earlier reading go."""
    _forget(recording)
    reading = formats.read(file, name=recording.file_name)
    if isinstance(reading, LogReading):
        raise log_of_calls()
    chunks = commands = 0
    with Extraction(reading.header) as extraction:
        lines = transcribe(extraction.watching(reading), cols=reading.header.cols)
        for batch in _batches(chunked(lines)):
            TranscriptChunk.objects.bulk_create(
                TranscriptChunk(recording=recording, number=one.number, at_seconds=one.at, text=one.text)
                for one in batch
            )
            chunks += len(batch)
            commands = _keep_commands(recording, extraction.found(), commands)
        # A transcript may stop early; what is counted, and what was typed, must not.
        for _event in extraction.watching(reading):
            commands = _keep_commands(recording, extraction.found(), commands)
        commands = _keep_commands(recording, extraction.finish(), commands)
    return Read(reading.header, reading.summary(), chunks, commands, tuple(extraction.notices))


def log_of_calls() -> NotReadable:
    """The refusal of what is no recording of one session."""
    return NotReadable(
        "log_of_calls",
        _(
            "This is a log of calls, possibly of many sessions, and no recording of one. "
            "`manage.py inspect` says what is in it."
        ),
    )


def _forget(recording: Recording) -> None:
    """Take away what was derived before."""
    TranscriptChunk.objects.filter(recording=recording).delete()
    Command.objects.filter(recording=recording).delete()


def _keep_commands(recording: Recording, found: list[FoundCommand], count: int) -> int:
    """Keep commands behind the first `count`; returns how many there are now."""
    Command.objects.bulk_create(
        Command(
            recording=recording,
            number=number,
            at_seconds=one.at,
            text=one.text,
            method=one.method,
            confidence=one.confidence,
            is_aborted=one.aborted,
        )
        for number, one in enumerate(found, start=count + 1)
    )
    return count + len(found)


def _batches(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    remaining = iter(chunks)
    while batch := list(islice(remaining, CHUNKS_AT_ONCE)):
        yield batch


def _seal(recording: Recording, read: Read, at: datetime) -> None:
    """Write what was found, match the session and say so, in one transaction."""
    session = (
        Session.objects.select_for_update(of=("self",))
        .select_related("system", "recorder")
        .get(pk=recording.session_id)
    )
    header, summary = read.header, read.summary
    values = {
        "format": header.format,
        "format_version": header.version,
        "cols": header.cols,
        "rows": header.rows,
        "seconds": summary.duration,
        "has_input": summary.input_events > 0,
        "title": (header.title or "")[:300],
        "told": _told(header, summary),
        "gaps": [[gap.at, gap.reason] for gap in summary.gaps],
        "warnings": [
            *_remarks(recording, session, header),
            *_notices(summary),
            *_search_notices(read),
        ],
        "processed_at": at,
    }
    if not _end(recording, state=Recording.State.SEALED, **values):
        transaction.set_rollback(True)
        return
    _lengthen(session, summary)
    found = matching.find(session)
    _apply(session, found)
    _note_use(session, found)
    facts = {
        "session": session.code,
        "sha256": recording.sha256,
        "format": f"{header.format} {header.version}",
        "parser": REGISTRY[header.format].parser_version,
        "transcript": {"version": TRANSCRIPT_VERSION, "chunks": read.chunks},
        "commands": read.commands,
        "milliseconds": round(summary.duration * 1000),
        "warnings": len(recording.warnings),
        **_matched(found),
    }
    record(Verb.RECORDING_ACCEPTED, recording, actor=PORTAL, at=at, facts=facts)


def _told(header: RecordingHeader, summary: Summary) -> dict[str, object]:
    """What the recording says of itself; a name in it is a name that somebody wrote, nothing more."""
    said: dict[str, object] = {
        "user": header.user,
        "run_as": header.run_as,
        "host": header.host,
        "command": header.command,
        "external_id": header.external_id,
        "exit_status": summary.exit_status,
        **header.facts,
    }
    return {name: value for name, value in said.items() if value is not None}


def _end(recording: Recording, **values: object) -> bool:
    """End the processing that this claim began; False when it is not ours any more."""
    still_ours = Recording.objects.filter(
        pk=recording.pk, state=Recording.State.PROCESSING, version=recording.version
    )
    if not still_ours.update(version=F("version") + 1, **values):
        return False
    recording.refresh_from_db(fields=["state", "version", "reason", *values])
    return True


def _remarks(recording: Recording, session: Session, header: RecordingHeader) -> list[dict[str, object]]:
    """What is odd about where it stands, rather than about the file."""
    found: list[dict[str, object]] = []
    begun = header.started_at
    if begun is not None and abs(begun - session.started_at) > CLOCKS_AGREE:
        values = {"header": f"{begun:%Y-%m-%d %H:%M}", "filed": f"{session.started_at:%Y-%m-%d %H:%M}"}
        words = _("It says that it began at %(header)s UTC; it was filed as begun at %(filed)s UTC.") % values
        found.append({"line": None, "code": "start_differs", "reason": words})
    elsewhere = Recording.objects.filter(sha256=recording.sha256).exclude(session=session)
    codes = sorted(elsewhere.values_list("session__code", flat=True)[:5])
    if codes:
        words = _("The same bytes are filed under %(sessions)s as well.") % {"sessions": ", ".join(codes)}
        found.append({"line": None, "code": "same_bytes_elsewhere", "reason": words})
    return found


def _search_notices(read: Read) -> list[dict[str, object]]:
    """What kept commands from being found. That there were none is said where they would be listed."""
    return [
        {"line": one.line, "code": one.code, "reason": one.reason}
        for one in read.notices
        if one.code != "commands_not_recoverable"
    ]


def _notices(summary: Summary) -> list[dict[str, object]]:
    """The parser's notices with their lines, and how many more of a kind there were."""
    kept: list[dict[str, object]] = [
        {"line": notice.line, "code": notice.code, "reason": notice.reason} for notice in summary.warnings
    ]
    for code, count in sorted(summary.warning_counts.items()):
        more = count - sum(1 for notice in summary.warnings if notice.code == code)
        if more:
            words = _("%(count)d more like this.") % {"count": more}
            kept.append({"line": None, "code": code, "reason": words})
    return kept


# The session


def _lengthen(session: Session, summary: Summary) -> None:
    """A session ended when its last recording did; where one was cut off, its end is unknown."""
    ends = session.started_at + timedelta(seconds=summary.duration)
    others = session.recordings.sealed().exclude(seconds=None)
    is_cut = summary.is_truncated or others.filter(warnings__contains=[{"code": "truncated"}]).exists()
    longest = max([ends, *(session.started_at + timedelta(seconds=one.seconds or 0) for one in others)])
    session.ended_at = None if is_cut else longest
    Session.objects.filter(pk=session.pk).update(ended_at=session.ended_at)


def _apply(session: Session, found: matching.Found) -> None:
    Session.objects.filter(pk=session.pk).update(version=F("version") + 1, **found.columns)
    session.refresh_from_db()


def _matched(found: matching.Found) -> dict[str, object]:
    """The facts of a match: keys, and the digests of the cards with the names."""
    return {
        "match": found.match,
        "match_rule": matching.RULE,
        "account_card": found.account and found.account.card,
        "identity_card": found.identity and found.identity.card,
        "grant": found.grant and found.grant.pk,
    }


def _note_use(session: Session, found: matching.Found) -> None:
    """A session is a source of last use like any other, if it is the newest; its last second counts."""
    if found.grant is None or found.match != Session.Match.GRANT:
        return
    longest = session.recordings.sealed().aggregate(seconds=Max("seconds"))["seconds"] or 0
    values = {
        "last_used_at": session.started_at + timedelta(seconds=longest),
        "source": f"session {session.code}",
    }
    older = GrantUse.objects.filter(grant=found.grant, last_used_at__lt=values["last_used_at"])
    if not older.update(**values):
        GrantUse.objects.bulk_create([GrantUse(grant=found.grant, **values)], ignore_conflicts=True)
