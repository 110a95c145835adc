"""What every recording format hands over: a header, events in the order of the file, and a summary.

Unknown is `None`, never a guess. Nothing here or in a parser quotes what stands in a recording: a
broken line may hold a password that was typed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

# "e" is standard error in casts written by Warpgate; to the person at the screen it was output.
OUTPUT_CODES = frozenset({"o", "e"})

NOTICES_KEPT_PER_CODE = 20
OTHER_CODES_KEPT = 50
GAPS_KEPT = 100
HOPELESS_LINES = 1_000


class NotReadable(Exception):
    """The recording is refused: `code` is stable, the message says what, where and what to do.

    `line` counts from 1, `offset` is the byte in the (unpacked) file; both where they are known.
    """

    def __init__(self, code: str, message: str, line: int | None = None, offset: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.offset = code, message, line, offset


@dataclass(frozen=True, slots=True)
class RecordingHeader:
    """What a recording says about itself; texts are free of control characters, sizes within reason."""

    format: str  # key in REGISTRY
    version: int  # of the format, as the file says
    cols: int | None = None
    rows: int | None = None
    started_at: datetime | None = None  # aware, UTC
    title: str | None = None
    command: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    term: str | None = None  # the terminal type, e.g. "xterm-256color"
    idle_time_limit: float | None = None  # seconds; the recorder's wish to players, not applied here
    duration: float | None = None  # seconds, as claimed by the header; see Summary.duration
    user: str | None = None  # who signed in, as the recorder calls them
    run_as: str | None = None  # the account that acted, where it is another one
    host: str | None = None  # where it acted
    external_id: str | None = None  # the recorder's own number of the session
    # What the file says beside that: "ticket", "approved_by", "mfa", "device", "source_address", "reason", …
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One event, `at` seconds after the start.

    `code` is "o" output, "e" error output, "i" input, "m" marker, "r" resize ("COLSxROWS", within reason),
    "x" exit (its status), "c" a command that the recorder itself observed or was told (its text), "g" a gap:
    evidence that is missing here (why), or whatever else the recorder wrote. A time that was no time is
    that of the event before; a time that runs backwards is left as written. `data` may hold NUL and lone
    surrogates.
    """

    at: float
    code: str
    data: str
    line: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something odd about a recording that is readable all the same: where, a stable code, and words."""

    line: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Evidence that should be there and is not: when, and why that is known."""

    at: float  # seconds after the start
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What was counted while the events went by; complete only after the last one."""

    duration: float  # seconds, the latest time of any event
    output_bytes: int  # of output, in UTF-8
    output_events: int
    input_events: int
    markers: int
    resizes: int
    other_events: Mapping[str, int]  # by code; beyond 50 different codes they count under "…"
    exit_status: int | None
    ended_cleanly: bool | None  # True: an exit event; False: cut off; None: cannot be told
    is_truncated: bool
    unreadable_lines: int  # lines (frames) left out because they could not be read
    warnings: tuple[Notice, ...]  # the first 20 of each code
    warning_counts: Mapping[str, int]  # all of them, by code
    gaps: tuple[Gap, ...] = ()  # the first 100
    gap_count: int = 0
    commands: int = 0  # that the recorder itself told of

    @property
    def is_partly_readable(self) -> bool:
        """Something is missing from the events: whoever relies on them must be told."""
        return self.is_truncated or self.unreadable_lines > 0 or self.gap_count > 0


class Tally:
    """Counts events and keeps notices while a recording is read, in bounded memory."""

    def __init__(self) -> None:
        self.events = self.output_events = self.output_bytes = self.input_events = 0
        self.markers = self.resizes = self.unreadable_lines = self.commands = self.gap_count = 0
        self._gaps: list[Gap] = []
        self.first_unreadable: Notice | None = None
        self.is_truncated = False
        self.latest = 0.0
        self._other: Counter[str] = Counter()
        self._notices: list[Notice] = []
        self._codes: Counter[str] = Counter()
        self._has_exit = False
        self._exit_status: int | None = None

    def warn(self, line: int, code: str, reason: str) -> None:
        """Keep a notice, or only count it when enough of its code are kept."""
        self._codes[code] += 1
        if self._codes[code] <= NOTICES_KEPT_PER_CODE:
            self._notices.append(Notice(line, code, reason))

    def unreadable(self, line: int, code: str, reason: str) -> None:
        """A line had to be left out; a file that is mostly such lines is refused."""
        self.warn(line, code, reason)
        self.unreadable_lines += 1
        self.first_unreadable = self.first_unreadable or Notice(line, code, reason)
        if self.unreadable_lines > HOPELESS_LINES and self.unreadable_lines > self.events:
            first = self.first_unreadable
            raise NotReadable(
                "too_damaged",
                f"More lines are unreadable than readable; the first is line {first.line}: {first.reason} "
                "Check that this is the recording that was meant, and upload it again.",
                first.line,
            )

    def cut(self, line: int, reason: str) -> None:
        """The recording ends in the middle of something."""
        self.is_truncated = True
        self.warn(line, "truncated", reason)

    def count(self, event: Event) -> None:
        self.events += 1
        self.latest = max(self.latest, event.at)
        if self._has_exit and "after_exit" not in self._codes:
            self.warn(event.line, "after_exit", "Events follow the exit of the recorded program.")
        if event.code in OUTPUT_CODES:
            self.output_events += 1
            self.output_bytes += len(event.data.encode("utf-8", "surrogatepass"))
            if event.code == "o":
                return
        match event.code:
            case "i":
                self.input_events += 1
            case "m":
                self.markers += 1
            case "r":
                self.resizes += 1
            case "c":
                self.commands += 1
            case "g":
                self.gap_count += 1
                if len(self._gaps) < GAPS_KEPT:
                    self._gaps.append(Gap(event.at, event.data))
            case "x":
                self._exit(event)
            case code:
                known = code in self._other or len(self._other) < OTHER_CODES_KEPT
                self._other[code if known else "…"] += 1

    def _exit(self, event: Event) -> None:
        self._has_exit = True
        if re.fullmatch(r"-?[0-9]{1,10}", event.data):
            self._exit_status = int(event.data)
        else:
            self.warn(event.line, "bad_exit_status", "The exit status is not a whole number.")

    def summary(self) -> Summary:
        return Summary(
            duration=self.latest,
            output_bytes=self.output_bytes,
            output_events=self.output_events,
            input_events=self.input_events,
            markers=self.markers,
            resizes=self.resizes,
            other_events=dict(self._other),
            exit_status=self._exit_status,
            ended_cleanly=False if self.is_truncated else (True if self._has_exit else None),
            is_truncated=self.is_truncated,
            unreadable_lines=self.unreadable_lines,
            warnings=tuple(self._notices),
            warning_counts=dict(self._codes),
            gaps=tuple(self._gaps),
            gap_count=self.gap_count,
            commands=self.commands,
        )


class Reading:
    """A recording being read: its header at once, its events one by one, its summary after them.

    Iterating may raise `NotReadable` at any event; what was made of the events before is then worthless.
    """

    def __init__(self, header: RecordingHeader, events: Iterator[Event], tally: Tally) -> None:
        self.header = header
        self._events, self._tally = events, tally

    def __iter__(self) -> Iterator[Event]:
        for event in self._events:
            self._tally.count(event)
            yield event

    def summary(self) -> Summary:
        """What was counted so far; read the events to their end first."""
        return self._tally.summary()

    def finish(self) -> Summary:
        """Read the remaining events for their summary alone."""
        for _ in self:
            pass
        return self.summary()
