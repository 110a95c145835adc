"""Looking at a session: opening its facts, and watching its recording, which needs a purpose."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from portal import moment
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.users.models import User
from portal.vault.services import open_verified
from sessions_app import formats
from sessions_app.formats.logs import LogReading
from sessions_app.formats.player import playable
from sessions_app.models import Command, Recording, Session, Viewing

# A purpose that was given opens the recording for a working day.
WATCHING_LASTS = timedelta(hours=8)
LONGEST_PURPOSE = 300
LINES_AT_ONCE = 200
MOST_LISTED = 1_000


@transaction.atomic
def open_facts(session: Session, *, by: User) -> None:
    """Note that somebody opened the facts: once a day and session, and never in the log."""
    at = moment.now()
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if not Viewing.objects.facts_opened(session, by.pk, day).exists():
        Viewing.objects.create(session=session, kind=Viewing.Kind.FACTS, user_id=by.pk, at=at)


@transaction.atomic
def watch(session: Session, *, purpose: str, by: User) -> Viewing:
    """Open recordings and transcripts of a session to this user, for a purpose that is kept and logged."""
    at, purpose = moment.now(), " ".join(purpose.split())
    if not purpose:
        words = _("Say why you watch it; the purpose is kept with your name.")
        raise ValidationError({"purpose": ValidationError(words, code="required")})
    if len(purpose) > LONGEST_PURPOSE:
        words = _("Say it in at most %(count)d characters.") % {"count": LONGEST_PURPOSE}
        raise ValidationError({"purpose": ValidationError(words, code="too_long")})
    viewing = Viewing.objects.create(
        session=session, kind=Viewing.Kind.WATCHED, user_id=by.pk, purpose=purpose, at=at
    )
    digests = sorted(session.recordings.sealed().values_list("sha256", flat=True))
    facts = {"code": session.code, "purpose": purpose, "recordings": digests}
    record(Verb.RECORDING_WATCHED, session, actor=by.actor, at=at, facts=facts)
    return viewing


def watching_until(session: Session, *, by: User) -> datetime | None:
    """Until when the purpose that this user gave last holds; None where none does."""
    at = moment.now()
    viewings = Viewing.objects.watching(session, by.pk, at - WATCHING_LASTS)
    given = viewings.order_by("-at").values_list("at", flat=True).first()
    return given + WATCHING_LASTS if given else None


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as the replay lists it, with the hour by the recording's clock."""

    command: Command
    at: datetime

    @property
    def label(self) -> str:
        """One line, for a mark in the player."""
        return self.command.text.partition("\n")[0][:80]


@dataclass(frozen=True, slots=True)
class TypedList:
    """The first commands of a recording, and how many there are."""

    shown: list[Typed]
    count: int

    @property
    def is_more(self) -> bool:
        """There are more than are listed."""
        return self.count > len(self.shown)


def commands(recording: Recording, began: datetime) -> TypedList:
    """What was typed, as far as the screen told; at most 1,000 of them."""
    found = Command.objects.filter(recording=recording)
    shown = list(found.in_order()[:MOST_LISTED])
    count = found.count() if len(shown) == MOST_LISTED else len(shown)
    return TypedList([Typed(one, began + timedelta(seconds=one.at_seconds)) for one in shown], count)


# What recorders say beside their events, in words; the rest is shown by the name they give it.
TOLD = {
    "user": _lazy("Signed in as"),
    "run_as": _lazy("Acting as"),
    "host": _lazy("Host"),
    "command": _lazy("Command"),
    "external_id": _lazy("Number at the recorder"),
    "exit_status": _lazy("Exit status"),
    "ticket": _lazy("Ticket"),
    "approved_by": _lazy("Approved by"),
    "reason": _lazy("Reason"),
    "mfa": _lazy("Second factor"),
    "source_address": _lazy("Came from"),
    "device": _lazy("Device"),
    "tty": _lazy("Terminal"),
    "cwd": _lazy("Folder"),
}


def told(recording: Recording) -> list[tuple[str, object]]:
    """What a recording says of itself, in words. It is what its recorder wrote, and nothing else."""
    known = [(str(words), recording.told[name]) for name, words in TOLD.items() if name in recording.told]
    rest = sorted((name, value) for name, value in recording.told.items() if name not in TOLD)
    return known + rest


def copy(recording: Recording) -> Iterator[bytes]:
    """The copy for the player, derived from the original a few lines at a time; the original stays here.

    The bytes are verified before this returns; raises `vault.Altered` when they are others.
    """
    return _copied(recording, open_verified(recording.blob))


def _copied(recording: Recording, file: BinaryIO) -> Iterator[bytes]:
    with file:
        reading = formats.read(file, name=recording.file_name)
        if isinstance(reading, LogReading):  # which was never sealed
            return
        lines = playable(reading.header, reading)
        while batch := "".join(islice(lines, LINES_AT_ONCE)):
            yield batch.encode()
