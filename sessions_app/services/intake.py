"""A recording comes in: looked at, hashed while stored, filed under its session, and left to be read."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import System
from portal import moment
from portal.audit.canonical import rfc3339
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.tasks.jobs import enqueue_on_commit, enqueue_unless_waiting
from portal.users.models import User
from portal.vault import services as vault
from portal.vault.models import Blob
from portal.vault.spool import readable
from sessions_app import formats, tasks
from sessions_app.formats.events import NotReadable, RecordingHeader
from sessions_app.formats.logs import LogReading
from sessions_app.models import Recorder, Recording, Session
from sessions_app.processing import reading

PIECE = 1 << 20
LONGEST_NAME = 256
LONGEST_FILE_NAME = 200
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # a clock that was never set
# What was received and is still not read after this was lost by the queue.
OVERDUE_AFTER = timedelta(minutes=15)

# Control characters, line and paragraph separators, and what turns the reading direction of a name around.
_HOSTILE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@transaction.atomic
def receive(
    file: BinaryIO,
    *,
    file_name: str,
    system: System,
    account_name: str,
    started_at: datetime | None = None,
    acted_as: str | None = None,
    external_id: str | None = None,
    recorder: Recorder | None = None,
    by: User,
) -> Recording:
    """Keep a recording byte for byte and have it read; `file` is binary and can be sought.

    `started_at` may be left out where the recording says it. The same bytes for the same session are one
    recording: a second delivery returns it with `is_repeat`. Raises ValidationError by field, with the codes
    of `formats` for the file, and `too_large`, `required`, `too_long`, `start_unknown`, `start_in_future`,
    `start_too_early`, `other_session`.
    """
    at = moment.now()
    names = {
        "account": _name("account", account_name),
        "acted_as": _name("acted_as", acted_as or "", is_required=False),
        "session": _name("session", external_id or "", is_required=False),
    }
    header = _looked_at(file, file_name)
    begun = _start(started_at, header, at)
    blob = _kept(file)
    said = {
        "system": system.code,
        **names,
        "started_at": rfc3339(started_at) if started_at else None,
        "header_started_at": rfc3339(header.started_at) if header.started_at else None,
    }
    session = _session(system, recorder, said, begun, blob)
    held = reading.held_because(session, at)
    recording, is_new = Recording.objects.get_or_create(
        session=session,
        blob=blob,
        defaults={
            "sha256": blob.hexdigest,
            "size": blob.size,
            "file_name": clean_file_name(file_name),
            "reason": held,
            "delivered_by_id": by.pk,
            "received_at": at,
        },
    )
    recording.is_repeat = not is_new
    if recorder is not None and recorder.user_id == by.pk:
        recorder.heard(at)
    if is_new:
        facts = _about(recording, recorder)
        record(Verb.RECORDING_RECEIVED, recording, actor=by.actor, at=at, facts=facts)
        if not held:
            enqueue_on_commit(tasks.process_recording, str(recording.pk))
    return recording


def process_overdue(at: datetime) -> int:
    """Have read what a queue lost; returns how many. What is held waits for its recorder."""
    overdue = Recording.objects.overdue(at - OVERDUE_AFTER).values_list("pk", flat=True)
    for key in overdue:
        enqueue_unless_waiting(tasks.process_recording, str(key))
    return len(overdue)


def match_again() -> None:
    """Have sessions matched again that the record could not explain."""
    enqueue_unless_waiting(tasks.match_sessions_again)


def clean_file_name(name: str) -> str:
    """The last part of a name from outside, harmless to show; it never becomes a path."""
    last = re.split(r"[/\\]", name)[-1]
    return _HOSTILE.sub("", last).strip()[:LONGEST_FILE_NAME]


# The file


def _looked_at(file: BinaryIO, name: str) -> RecordingHeader:
    """The header, or a refusal that says what the file is instead; the file is at its beginning again."""
    try:
        found = formats.read(file, name=name)
        if isinstance(found, LogReading):
            raise reading.log_of_calls()
        header = found.header
    except NotReadable as refusal:
        _refuse("file", refusal.code, refusal.message)
    file.seek(0)
    return header


def _kept(file: BinaryIO) -> Blob:
    try:
        return vault.keep(_pieces(file), limit=settings.PORTAL_UPLOAD_LIMIT)
    except vault.TooLarge as refusal:
        words = _("The recording is larger than %(limit)s. Upload it in parts, or have the limit raised.")
        _refuse("file", "too_large", words % {"limit": readable(refusal.limit)})


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


# What was said about it


def _name(field: str, value: str, *, is_required: bool = True) -> str:
    """A name as it was said; control characters, which no system has in its names, are refused."""
    name = value.strip()
    if is_required and not name:
        _refuse(field, "required", _("Say whose account the session was opened with."))
    if len(name) > LONGEST_NAME:
        words = _("This is longer than %(count)d characters.") % {"count": LONGEST_NAME}
        _refuse(field, "too_long", words)
    if _HOSTILE.search(name):
        _refuse(field, "control_characters", _("This holds characters that can't be shown. Type it by hand."))
    return name


def _start(said: datetime | None, header: RecordingHeader, at: datetime) -> datetime:
    """When the session began: what was said counts before what the recording says of itself."""
    begun = said or header.started_at
    if begun is None:
        words = _("The recording does not say when it began. Fill in the start of the session.")
        _refuse("started_at", "start_unknown", words)
    if begun > at + reading.CLOCKS_AGREE:
        words = _("The session would have begun in the future (%(begun)s UTC). Fill in when it really began.")
        _refuse("started_at", "start_in_future", words % {"begun": f"{begun:%Y-%m-%d %H:%M}"})
    if begun < EARLIEST:
        words = _("The session would have begun before 1970. Fill in when it really began.")
        _refuse("started_at", "start_too_early", words)
    return begun


def _session(
    system: System, recorder: Recorder | None, said: dict[str, str | None], begun: datetime, blob: Blob
) -> Session:
    """The session that was filed so before, or a new one. Two deliveries at once meet at its unique key."""
    key = _filing(system, recorder, said, begun, blob)
    known = Session.objects.filter(filing=key).select_related("system", "recorder").first()
    if known is None:
        known, _is_new = Session.objects.get_or_create(
            filing=key,
            defaults={
                "code": _next_code(),
                "system": system,
                "recorder": recorder,
                "as_filed": said,
                "started_at": begun,
            },
        )
    if str(known.as_filed.get("account", "")).casefold() != str(said["account"]).casefold():
        words = _("The session “%(id)s” is filed as %(code)s under another account. Check its id.")
        _refuse("session", "other_session", words % {"id": said["session"], "code": known.code})
    return known


def _filing(
    system: System, recorder: Recorder | None, said: dict[str, str | None], begun: datetime, blob: Blob
) -> str:
    """The same session: the same id at the same recorder; without one, the same bytes filed the same way."""
    what = (
        ["id", str(recorder.pk) if recorder else "", said["session"]]
        if said["session"]
        else ["bytes", blob.hexdigest, str(said["account"]).casefold(), rfc3339(begun)]
    )
    return hashlib.sha256(json.dumps([str(system.pk), *what]).encode()).hexdigest()


def _next_code() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('sessions_app_session_number')")
        return f"SES-{cursor.fetchone()[0]:04d}"


def _about(recording: Recording, recorder: Recorder | None) -> dict[str, object]:
    session = recording.session
    return {
        "session": session.code,
        "system": session.system_id,
        "recorder": recorder and recorder.pk,
        "sha256": recording.sha256,
        "size": recording.size,
        "started_at": session.started_at,
        "held": recording.is_held,
    }


def _refuse(field: str, code: str, words: str) -> NoReturn:
    raise ValidationError({field: ValidationError(words, code=code)})
