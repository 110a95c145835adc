"""What is said of one input."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

LISTED = 1000  # rejected rows that are listed; all are counted


class Report(Protocol):
    """What every kind of report has. `format` is None if nothing was read, and `problems` says why."""

    path: str
    paths: list[str]
    format: str | None
    problems: list[str]

    def as_json(self) -> dict[str, Any]:
        """The members that `--json` shows, in their order."""


@dataclass(slots=True)
class InventoryReport:
    """What an import would read from one file. Counts are of what would stand in the record.

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
    paths: list[str] = field(default_factory=list)  # an inventory is one file: stays empty

    def reject(self, line: int, reason: str, code: str) -> None:
        """One more row that would not be part of the record."""
        self.rejected_count += 1
        if len(self.rejected) < LISTED:
            self.rejected.append({"line": line, "reason": reason, "code": code})

    def as_json(self) -> dict[str, Any]:
        """The members that `--json` shows, in their order."""
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
            "taken_at": _said(self.taken_at),
            "system": self.system,
        }


@dataclass(slots=True)
class RecordingReport:
    """What stands in one recording, or in one log of calls; what is not known is None.

    docs/operations/inspect.md defines every member.
    """

    path: str
    format: str | None = None
    version: int | None = None
    duration_s: float | None = None
    cols: int | None = None
    rows: int | None = None
    output_events: int | None = None
    input_events: int | None = None
    sessions: int | None = None  # of a log of calls
    user: str | None = None
    run_as: str | None = None
    host: str | None = None
    started_at: datetime | None = None
    exit_status: int | None = None
    commands: list[dict[str, Any]] = field(default_factory=list)  # at_s, text, method, confidence, aborted
    gaps: list[dict[str, Any]] = field(default_factory=list)  # at_s, reason
    problems: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)  # of several files that belong together

    def as_json(self) -> dict[str, Any]:
        """The members that `--json` shows, in their order."""
        return {
            "path": self.path,
            **({"paths": self.paths} if self.paths else {}),
            "format": self.format,
            "version": self.version,
            "duration_s": self.duration_s,
            "cols": self.cols,
            "rows": self.rows,
            "output_events": self.output_events,
            "input_events": self.input_events,
            "sessions": self.sessions,
            "user": self.user,
            "run_as": self.run_as,
            "host": self.host,
            "started_at": _said(self.started_at),
            "exit_status": self.exit_status,
            "commands": self.commands,
            "gaps": self.gaps,
            "problems": self.problems,
        }


def _said(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
