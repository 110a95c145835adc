"""What a log of calls hands over: entries in the order of the file, and the sessions they form.

A log has no screen: it says who called what, when, from where, and whether it was allowed. One file may hold
calls of many sessions; each format says in its own docstring what makes two calls one session.
Unknown is `None`, never a guess. Secrets in parameters are left out, not masked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sessions_app.formats.events import NotReadable, RecordingHeader, Summary, Tally

MAX_SESSIONS = 100_000
NO_SESSION = ""  # the key of calls that belong to none, such as those of a service for itself


@dataclass(frozen=True, slots=True)
class Entry:
    """One call. `session` is the key of its session; texts are free of control characters, within reason."""

    session: str
    at: datetime | None  # aware, UTC
    action: str  # as the source names it: "sts:AssumeRole", "exec pods/exec", "sudo"
    line: int  # or the number of the record, from 1
    target: str | None = None  # on what
    command: str | None = None  # where the call carries a command line
    is_allowed: bool | None = None
    outcome: str | None = None  # the error, the status, the exit code
    source_address: str | None = None
    reference: str | None = None  # the source's own number of the call; the same number is the same call
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class LogSession:
    """Calls that belong together, as far as the log tells. `facts` as those of a recording's header."""

    key: str
    user: str | None = None  # who signed in, as the source calls them
    run_as: str | None = None  # the account or role that acted, where it is another one
    host: str | None = None  # where: a host, an account of a cloud, a cluster
    external_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None  # of its last call; that is not its end
    entries: int = 0
    commands: int = 0
    refused: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    is_interactive: bool | None = None

    def add(self, entry: Entry) -> None:
        """Count a call, and stretch the session to it."""
        self.entries += 1
        self.commands += entry.command is not None
        self.refused += entry.is_allowed is False
        if entry.at is not None:
            self.started_at = min(self.started_at or entry.at, entry.at)
            self.ended_at = max(self.ended_at or entry.at, entry.at)


class LogParser(Protocol):
    """The part of a format that knows its file: yields each call with the session as that call shows it."""

    def __call__(self) -> Iterator[tuple[Entry, LogSession]]: ...


class LogReading:
    """A log being read: its header at once, its entries one by one, its sessions after them.

    `header` names format, version and host where the whole file has one. Iterating may raise `NotReadable`.
    A session's facts are those of the first call that tells them.
    """

    def __init__(
        self, header: RecordingHeader, calls: Iterator[tuple[Entry, LogSession]], tally: Tally
    ) -> None:
        self.header = header
        self._calls, self._tally = calls, tally
        self._sessions: dict[str, LogSession] = {}

    def __iter__(self) -> Iterator[Entry]:
        for entry, shown in self._calls:
            self._tally.events += 1
            self._tally.output_events += 1
            self._session(entry, shown).add(entry)
            yield entry

    def _session(self, entry: Entry, shown: LogSession) -> LogSession:
        known = self._sessions.get(entry.session)
        if known is None:
            if len(self._sessions) >= MAX_SESSIONS:
                raise NotReadable(
                    "too_many_sessions",
                    f"The log holds more than {MAX_SESSIONS:,} sessions. Upload it in parts.",
                    entry.line,
                )
            self._sessions[entry.session] = shown
            return shown
        if known is not shown:
            known.user, known.run_as = known.user or shown.user, known.run_as or shown.run_as
            known.host, known.external_id = known.host or shown.host, known.external_id or shown.external_id
            if known.is_interactive is None:
                known.is_interactive = shown.is_interactive
            known.facts = {**shown.facts, **known.facts}
        return known

    @property
    def sessions(self) -> list[LogSession]:
        """The sessions found so far, without calls that belong to none; complete after the last entry."""
        return [one for key, one in self._sessions.items() if key != NO_SESSION]

    def finish(self) -> Summary:
        """Read the remaining entries for their summary alone."""
        for _ in self:
            pass
        return self.summary()

    def summary(self) -> Summary:
        """What was counted so far. The duration is that from the first call to the last."""
        times = [(one.started_at, one.ended_at) for one in self._sessions.values()]
        first = min((start for start, _ in times if start), default=None)
        last = max((end for _, end in times if end), default=None)
        if first and last:
            self._tally.latest = (last - first).total_seconds()
        return self._tally.summary()
