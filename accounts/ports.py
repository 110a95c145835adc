"""What this app asks of itself and of the rooms above: when somebody leaves, and of who may enter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import CaseLine, Identity, Revocation
from accounts.models.timeline import Told
from portal.audit.services import Actor
from portal.ports import Port
from portal.users.models import User


@dataclass(frozen=True, slots=True)
class Holding:
    """One thing a leaver holds. `label` names it for those who may see names; HR sees kinds and counts."""

    kind: str  # the key of the answer, such as "grant"
    subject: models.Model
    label: str
    disposition: CaseLine.Disposition
    card: bytes | memoryview | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What an answer did about one line: whether that ends it, and in words what happened.

    With a revocation the line is done when that is proven, whatever `is_done` says.
    """

    is_done: bool
    outcome: str
    revocation: Revocation | None = None


class Settling(Port[[CaseLine, datetime, Actor], Settled | None]):
    """Only the answer that is called like the line's kind is asked, and it acts on that line alone."""

    def of(self, line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
        """What it did; None where no room settles this kind, or it left the line alone."""
        answer = self._answers.get(line.kind)
        return answer(line, at, actor) if answer is not None else None


# Answers only look: a preview asks them before the hour, when nothing may change or be inferred.
holdings: Port[[Identity], list[Holding]] = Port("what a leaver still holds")

settle = Settling("settle this holding as the case decided")

# What the kinds are called where only kinds and counts are shown; rooms above add theirs.
KIND_WORDS: dict[str, str | Promise] = {
    "account": _("Accounts on systems"),
    "application": _("Applications they own"),
    "application_deputy": _("Applications they are deputy of"),
    "carrier": _("Systems they carry out removals on"),
    "credential": _("Passwords, keys and certificates"),
    "deputy": _("Machine identities they are deputy of"),
    "grant": _("Rights"),
    "machine": _("Machine identities they answer for"),
    "membership": _("Shared accounts whose secret they know"),
    "sign_in": _("Sign-in to this portal"),
    "system": _("Systems they own"),
    "system_deputy": _("Systems they are deputy of"),
    "token": _("Tokens of machines that were shown to them"),
}


def words_for(kind: str) -> str | Promise:
    """What a kind of holding is called."""
    return KIND_WORDS.get(kind) or kind.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """Whether sessions on a system are recorded now; None where its recorder was never heard of.

    `alive_until` is the last sign of life of a recorder that covers it.
    """

    is_recorded: bool | None
    alive_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReviewedFact:
    """The last decision about a grant that stands: when, what it says, and in which campaign."""

    at: datetime
    verdict: str
    campaign: str


# Systems of which an answer says nothing are not recorded, as far as known.
recorded: Port[[Sequence[UUID]], dict[UUID, RecordedFact]] = Port("are sessions on these systems recorded")

last_sessions: Port[[Sequence[int]], dict[int, datetime]] = Port(
    "when were these grants last used in a session"
)

reviewed: Port[[Sequence[int]], dict[int, ReviewedFact]] = Port("what was decided last about these grants")

# Of each machine: the person who was last at work as it, and when.
worked_as: Port[[], list[tuple[UUID, UUID, datetime]]] = Port("who worked as which machine last")

# Happenings as rows of one shape, see `accounts.models.timeline`; only what this user may see.
timeline: Port[[Identity, User], list[Told]] = Port("what happened to this identity")
