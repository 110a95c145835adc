"""What is said of one input."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LISTED = 1000  # rejected rows that are listed; all are counted


@dataclass(slots=True)
class Report:
    """What the portal would read from one file. Counts are of what would stand in the record.

    `format` is None if it would read nothing, and `problems` says why. docs/operations/inspect.md defines
    every member.
    """

    path: str
    format: str | None = None
    identities: int = 0
    accounts: int = 0
    entitlements: int = 0
    grants: int = 0
    credentials: int = 0
    active_keys: int = 0
    inclusions: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)  # line, reason, code
    problems: list[str] = field(default_factory=list)
    cut: list[dict[str, Any]] = field(default_factory=list)  # name, why, count
    notes: list[str] = field(default_factory=list)
    is_full: bool | None = None
    taken_at: datetime | None = None
    system: str | None = None
    rejected_count: int = 0

    def reject(self, line: int, reason: str, code: str) -> None:
        """One more row that would not be part of the record."""
        self.rejected_count += 1
        if len(self.rejected) < LISTED:
            self.rejected.append({"line": line, "reason": reason, "code": code})

    def as_json(self) -> dict[str, Any]:
        """The members that `--json` shows, in their order."""
        at = self.taken_at.astimezone(UTC).isoformat().replace("+00:00", "Z") if self.taken_at else None
        return {
            "path": self.path,
            "format": self.format,
            "identities": self.identities,
            "accounts": self.accounts,
            "entitlements": self.entitlements,
            "grants": self.grants,
            "credentials": self.credentials,
            "active_keys": self.active_keys,
            "inclusions": self.inclusions,
            "rejected": self.rejected,
            "problems": self.problems,
            "cut": self.cut,
            "notes": self.notes,
            "is_full": self.is_full,
            "taken_at": at,
            "system": self.system,
        }
