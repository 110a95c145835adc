"""A slip beside a file of the inbox: it says that the file is complete, and may say what it is.

Empty, or a JSON object with any of `taken_at`, `count`, `filter`, `sha256` and `signature`, all as text.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from accounts.feeding.folder import NotTaken
from accounts.feeding.signing import Claim

LONGEST = 64 * 1024  # bytes
KEYS = frozenset({"taken_at", "count", "filter", "sha256", "signature"})
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Slip:
    """What it says, understood and as it was written."""

    said: dict[str, str]
    taken_at: datetime | None = None
    count: int | None = None

    @property
    def needs_digest(self) -> bool:
        """Something is said of the file's bytes."""
        return bool(self.said.get("sha256") or self.said.get("signature"))

    def claim(self, sha256: str) -> Claim:
        """What would have been signed."""
        said = self.said
        return Claim(
            sha256=sha256,
            taken_at=said.get("taken_at", ""),
            count=said.get("count", ""),
            filter_text=said.get("filter", ""),
            signature=said.get("signature", ""),
        )


def read(data: bytes, at: datetime) -> Slip:
    """Raises NotTaken for a slip that says nothing clear; what is unclear is not guessed."""
    if not data.strip():
        return Slip({})
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not KEYS.issuperset(said) or not all(map(_is_short, said.values())):
        raise NotTaken(
            "wrong_slip",
            _("Its slip is neither empty nor a JSON object of %(keys)s.") % {"keys": ", ".join(sorted(KEYS))},
        )
    words = {name: str(value) for name, value in said.items()}
    return Slip(words, moment_of(words.get("taken_at", ""), at), count_of(words.get("count", "")))


def moment_of(said: str, at: datetime) -> datetime | None:
    """An ISO moment with its zone, not later than now."""
    if not said:
        return None
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found > at + CLOCKS_DIFFER:
        raise NotTaken(
            "taken_at",
            _("“taken_at” is a moment in the past with its zone, such as 2026-10-06T08:00:00Z."),
        )
    return found.astimezone(UTC)


def count_of(said: str) -> int | None:
    """How many rows the source counted."""
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) < 10):
        raise NotTaken("count", _("“count” is a whole number: how many rows the source counted."))
    return int(said)


def _is_short(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= 4000
