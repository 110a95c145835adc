"""Lines of syslog, and of sudo's own log file, as moment, host, program and message.

A line is wrapped by sudo's log file (the rest begins with four blanks) and is put together again. A moment
with year and zone (RFC 3339, RFC 5424) is a moment; the traditional one has neither, and its year is not
guessed: it stays as it was written. (RFC 3164, RFC 5424, sudoers(5) "LOG FORMAT".)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sessions_app.formats.events import NotReadable
from sessions_app.formats.lines import BOM, Line, Source, numbered
from sessions_app.formats.typescript import moment

CONTINUED = b"    "
LOGFILE = "sudo"  # the program whose own log file a line without a program is of

_OLD = re.compile(
    r"(?:<[0-9]{1,3}>)?(?P<at>[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?: [0-9]{4})?) "
    r"(?P<rest>.*)",
    re.DOTALL,
)
_NEW = re.compile(
    r"(?:<[0-9]{1,3}>(?:1 )?)?(?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(?:[.,][0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?) (?P<rest>.*)",
    re.DOTALL,
)
_TAGGED = re.compile(
    r"(?P<host>[^\s:]{1,255}) (?P<program>[\w./()-]{1,80}?)(?:\[(?P<pid>[0-9]{1,10})\])?: ?(?P<message>.*)",
    re.DOTALL,
)
_RFC5424 = re.compile(
    r"(?P<host>\S{1,255}) (?P<program>\S{1,80}) (?P<pid>[0-9]{1,10}|-) \S{1,32} (?:-|\[.{0,500}\])"
    r"(?: (?:\ufeff)?(?P<message>.*))?\Z",
    re.DOTALL,
)
_LOGFILE = re.compile(r": (?P<message>\S{1,255} : .*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Logged:
    """A line. `at` is None where the moment has no year or no zone; `written` is the moment as it stands."""

    line: int
    at: datetime | None
    written: str
    host: str | None
    program: str
    pid: str | None
    message: str

    @property
    def day(self) -> str:
        """The part of the moment that names the day."""
        return self.written[:10] if self.written[:4].isdigit() else self.written[:6]


def logged(line: int, text: str) -> Logged | None:
    """A line as its parts; None when it is no line of syslog."""
    found = _NEW.match(text) or _OLD.match(text)
    if found is None:
        return None
    written, rest = found["at"], found["rest"]
    at = moment(written) if written[:4].isdigit() else None
    own = _LOGFILE.match(rest)
    if own:
        return Logged(line, at, written, None, LOGFILE, None, own["message"])
    tagged = _TAGGED.match(rest) or _RFC5424.match(rest)
    if tagged is None:
        return None
    program = tagged["program"].rpartition("/")[2]
    pid = tagged["pid"] if tagged["pid"] and tagged["pid"].isdigit() else None
    return Logged(line, at, written, tagged["host"], program, pid, tagged["message"] or "")


def joined(source: Source) -> Iterator[Line]:
    """The lines of a source, each with those that continue it."""
    held: Line | None = None
    for line in numbered(source):
        body = line.data.removeprefix(BOM).rstrip(b"\r")
        if held is not None and body.startswith(CONTINUED):
            data = held.data + b" " + body.strip()
            if len(data) > source.limits.line:
                raise NotReadable(
                    "line_too_long",
                    f"Line {held.number} goes on for more than {source.limits.line:,} bytes.",
                    held.number,
                    held.offset,
                )
            held = Line(held.number, held.offset, data, line.is_ended)
            continue
        if held is not None:
            yield held
        held = Line(line.number, line.offset, body, line.is_ended)
    if held is not None:
        yield held
