"""Paths to privileged sessions, with what the rooms above know: recorded, last session, last review."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TypeVar
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Account, Credential, Entitlement, Identity, System
from accounts.models.reach import OWN, Names, Path, Step, names_of
from accounts.ports import RecordedFact, ReviewedFact, last_sessions, recorded, reviewed

K = TypeVar("K")
F = TypeVar("F")
RECORDED, NOT_RECORDED, UNKNOWN = "recorded", "not_recorded", "unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path with everything that its row shows."""

    path: Path
    names: Names
    recording: str  # recorded, not_recorded or unknown
    alive_until: datetime | None
    last_used_at: datetime | None
    is_needed: bool | None
    review: ReviewedFact | None

    @property
    def is_red(self) -> bool:
        """Recorded, and nobody has ever decided on it."""
        return self.recording == RECORDED and self.review is None

    @property
    def steps(self) -> list[Step]:
        """From the first right to the session; whose account it begins with stands beside it."""
        return self.names.of(self.path.steps[1:])

    @property
    def rights(self) -> list[Step]:
        """What makes an account of one's own privileged."""
        return self.names.of(self.path.rights)

    @property
    def ways(self) -> list[str]:
        """How the session is opened, in words."""
        words = dict(Entitlement.Reach.choices)
        if found := [str(words[code]) for code in self.path.reaches if code in words]:
            return found
        return [_("the account itself") if self.path.way == OWN else _("may act as")]

    @property
    def opened_by(self) -> list[str]:
        """What is known to prove the account."""
        words = dict(Credential.Kind.choices)
        return [str(words.get(kind, kind)) for kind in self.path.opened_by]

    @property
    def account_kind_label(self) -> str:
        """In words; empty for accounts like any other."""
        return str(dict(Account.Kind.choices).get(self.path.account_kind, ""))

    @property
    def identity_kind_label(self) -> str:
        """In words."""
        return str(dict(Identity.Kind.choices).get(self.path.identity_kind, ""))


@dataclass(frozen=True, slots=True)
class Target:
    """The paths of a page that lead to one account."""

    id: int | None
    name: str  # empty: any account there
    place: str
    kind: str
    is_own: bool  # not one account: everybody who enters with an account of their own
    entries: list[Entry]

    @property
    def kind_label(self) -> str:
        """In words; empty for an account that somebody has of their own."""
        is_plain = self.kind in {"", Account.Kind.PERSONAL, Account.Kind.MACHINE}
        return "" if is_plain else str(dict(Account.Kind.choices).get(self.kind, ""))


def entries(system: System, found: Sequence[Path], at: datetime) -> list[Entry]:
    """Asks each room once for all of them."""
    names = names_of(found)
    facts = recording_of(system, found)
    grants = list({grant for path in found for grant in path.grants})
    sessions = _merged(last_sessions.ask(grants).values())
    decided = decisions_on(found)
    return [_entry(system, path, names, facts, sessions, decided, at) for path in found]


def recording_of(system: System, found: Iterable[Path]) -> dict[UUID, RecordedFact]:
    """Of the system and of every gateway on the way."""
    systems = list({system.pk, *(key for path in found for key in path.seen_by)})
    return _merged(recorded.ask(systems).values())


def decisions_on(found: Iterable[Path]) -> dict[int, ReviewedFact]:
    """The last one on each grant of these paths."""
    return _merged(reviewed.ask(list({grant for path in found for grant in path.grants})).values())


def judge_recording(system: System, path: Path, facts: dict[UUID, RecordedFact]) -> RecordedFact:
    """A session is recorded if anything that it passes is; unknown if only a silent recorder covers it."""
    said = [facts[key] for key in (system.pk, *path.seen_by) if key in facts]
    alive = max((fact.alive_until for fact in said if fact.alive_until), default=None)
    if any(fact.is_recorded for fact in said):
        return RecordedFact(True, alive)
    return RecordedFact(None if any(fact.is_recorded is None for fact in said) else False, alive)


def judge_review(path: Path, decided: dict[int, ReviewedFact]) -> ReviewedFact | None:
    """The decision longest ago among the grants of the path; None where one of them was never decided on."""
    said = [decided.get(grant) for grant in path.grants]
    known = [fact for fact in said if fact is not None]
    return min(known, key=lambda fact: fact.at) if known and len(known) == len(said) else None


def _entry(  # noqa: PLR0917 - one caller, which has just these
    system: System,
    path: Path,
    names: Names,
    facts: dict[UUID, RecordedFact],
    sessions: dict[int, datetime],
    decided: dict[int, ReviewedFact],
    at: datetime,
) -> Entry:
    recording = judge_recording(system, path, facts)
    used = _last_use(path, sessions)
    return Entry(
        path,
        names,
        {True: RECORDED, False: NOT_RECORDED, None: UNKNOWN}[recording.is_recorded],
        recording.alive_until,
        used,
        path.is_needed(used, at),
        judge_review(path, decided),
    )


def _last_use(path: Path, sessions: dict[int, datetime]) -> datetime | None:
    """The later of what the source and what recorders say; a chain was used when each link was."""
    seen = [sessions.get(grant) for grant in path.grants]
    known = [at for at in seen if at is not None]
    by_session = None
    if path.way == OWN:
        by_session = max(known, default=None)
    elif len(known) == len(seen):
        by_session = min(known, default=None)
    return max((at for at in (path.last_used_at, by_session) if at is not None), default=None)


def grouped(found: Iterable[Entry]) -> Iterator[Target]:
    """Neighbours that lead to one account; those with an account of their own stand together."""
    for key, group in groupby(found, key=_target):
        listed = list(group)
        target, name, place = key or (None, "", "")
        yield Target(target, name, place, listed[0].path.target_kind, key is None, listed)


def _target(entry: Entry) -> tuple[int | None, str, str] | None:
    path = entry.path
    return None if path.way == OWN and path.target_kind not in Account.NOBODYS else path.target


def in_words(entry: Entry) -> str:
    """The way as one line, for files."""
    if entry.path.way == OWN:
        return ", ".join([*(step.name for step in entry.rights), *entry.opened_by])
    return " > ".join(f"{step.name} ({step.system_code})" for step in entry.steps)


def as_row(system: System, entry: Entry) -> list[object]:
    """For files, in the order of `columns`."""
    path, review = entry.path, entry.review
    needed = {True: "in use", False: "unused", None: "unknown"}[entry.is_needed]
    return [
        system.code,
        path.target_name or "any account there",
        path.place,
        path.identity_name or "",
        path.identity_kind,
        path.account_name,
        path.system_code,
        ", ".join(path.reaches) if any(path.reaches) else path.way,
        in_words(entry),
        {True: "yes", False: "no", None: "unknown"}[path.is_privileged],
        path.state,
        path.since,
        path.ends_at,
        entry.last_used_at,
        needed,
        entry.recording,
        entry.alive_until,
        review.at if review else None,
        review.verdict if review else "never",
        review.campaign if review else "",
        "yes" if path.is_sure else f"no, by {path.fits}",
    ]


COLUMNS = (
    *("system", "acting as", "host", "who", "kind", "account", "account on", "path", "way", "privileged"),
    *("state", "since", "ends", "last used", "still needed", "recorded", "recorder last heard"),
    *("last reviewed", "decision", "campaign", "certain"),
)


def _merged(answers: Iterable[dict[K, F]]) -> dict[K, F]:
    return {key: fact for answer in answers for key, fact in answer.items()}
