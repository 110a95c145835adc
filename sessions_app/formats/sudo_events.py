"""Events of sudo as JSON: its log file (`log_format=json`), syslog with `@cee:`, and what sudo_logsrvd keeps.

An event is an object of its own or stands in `{"sudo": {"accept": …}}`. A log is a sequence of such
objects, over several lines or one, or one object around them. Of an event is kept what is listed: never
`runenv`. An `exit` belongs to the `accept` of the same `uuid`. A session is the recording that sudo made
(`iolog_path`), else the event's `uuid`, else one user on one terminal of one host.
"""

import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import NotReadable, Tally
from sessions_app.formats.lines import BOM, Source, conclude
from sessions_app.formats.logs import NO_SESSION, Entry, LogSession

KINDS = ("accept", "reject", "alert", "exit")
ARGUMENTS_KEPT = 2_000
LONGEST_COMMAND = 64 * 1024

_EVENT = re.compile(rb'"sudo"\s*:\s*\{\s*"(?:accept|reject|alert|exit)"\s*:\s*\{')
_TIMES = re.compile(rb'"(?:server_time|submit_time)"\s*:')
_PLAIN = re.compile(rb'\s*\{\s*"(?:uuid|submituser|command|server_time|submit_time)"\s*:')
_OF_RECORDING = re.compile(rb'"timestamp"\s*:')
_SPACE = re.compile(r"[\s,\x00]*")
IN_SYSLOG = "@cee:"


def recognises(head: bytes) -> bool:
    """Whether the first bytes hold an event; the `log.json` of a recording has another time and is none."""
    head = head.removeprefix(BOM).lstrip()
    if head.startswith(b"{") and _EVENT.search(head[:8192]):
        return True
    has_user = b'"submituser"' in head and b'"runuser"' in head
    return (
        _PLAIN.match(head) is not None
        and has_user
        and (_TIMES.search(head) is not None or _OF_RECORDING.search(head) is None)
    )


def calls(source: Source, tally: Tally) -> Iterator[tuple[Entry, LogSession]]:
    """The events in the order of the file."""
    blocks, size = [], 0
    for block in source:
        size += len(block)
        if size > source.limits.document:
            raise NotReadable(
                "document_too_large",
                f"A log of sudo in JSON may have {source.limits.document:,} bytes. Upload it in parts.",
            )
        blocks.append(block)
    text = b"".join(blocks).removeprefix(BOM).decode("utf-8", "replace")
    number = 1
    for number, value in _values(text, tally):
        for kind, event in _events(value):
            yield _call(kind, event, number, tally)
    conclude(source, number, tally)


def of_text(message: str, line: int, tally: Tally) -> Iterator[tuple[Entry, LogSession]]:
    """The events in a message of syslog."""
    try:
        value = fields.parsed(message.removeprefix(IN_SYSLOG))
    except fields.BadJson as error:
        tally.unreadable(line, "bad_json", f"It is not JSON: {error}.")
        return
    for kind, event in _events(value):
        yield _call(kind, event, line, tally)


def _values(text: str, tally: Tally) -> Iterator[tuple[int, Any]]:
    """Each JSON value with its line; what is none ends the reading, as nothing behind it can be found."""
    place, counted, line = 0, 0, 1
    while True:
        found = _SPACE.match(text, place)
        place = found.end() if found else place
        line, counted = line + text.count("\n", counted, place), place
        if place >= len(text):
            return
        try:
            value, place = fields.parsed_at(text, place)
        except fields.BadJson as error:
            if error.is_at_end:
                tally.cut(line, "The last event is incomplete and was left out.")
            else:
                tally.unreadable(line, "bad_json", f"It is not JSON: {error.why}. The rest was left out.")
            return
        yield line, value


def _events(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events in a value, with their kind."""
    if not isinstance(value, dict):
        return
    inner = value.get("sudo")
    if isinstance(inner, dict):
        value = inner
    named = [(kind, value[kind]) for kind in KINDS if isinstance(value.get(kind), dict)]
    yield from named
    if not named and "command" in value:
        yield "accept", value


def _call(kind: str, event: dict[str, Any], line: int, tally: Tally) -> tuple[Entry, LogSession]:
    def text(name: str) -> str | None:
        return fields.text(event.get(name), name, line, tally) or None

    at = next(
        (found for name in ("submit_time", "timestamp", "server_time") if (found := moment(event.get(name)))),
        None,
    )
    uuid, recording = text("uuid"), text("iolog_path")
    user, host, terminal = text("submituser"), text("submithost"), text("ttyname")
    key = recording or uuid or "/".join((host or "", user or "", terminal or ""))
    session = LogSession(
        key=f"sudo/{key}"[:600] if recording or uuid or user else NO_SESSION,
        user=user,
        run_as=text("runuser"),
        host=host,
        external_id=recording or uuid,
        facts={"terminal": terminal} if terminal else {},
        is_interactive=terminal is not None,
    )
    kept = {
        "cwd": text("submitcwd"),
        "terminal": terminal,
        "recording": text("iolog_file"),
        "rule": text("source"),
    }
    if kind == "exit" or event.get("exit_value") is not None or text("signal"):
        status = event.get("exit_value")
        outcome = f"signal {text('signal')}" if text("signal") else f"exit {status}"
        outcome = outcome if isinstance(status, int) or text("signal") else "exit"
    else:
        outcome = text("reason") or ""
    entry = Entry(
        session=session.key,
        at=at,
        action=f"sudo: {kind}",
        line=line,
        target=session.run_as,
        command=None if kind == "exit" else command_line(event, text("command")),
        is_allowed={"accept": True, "reject": False}.get(kind),
        outcome=outcome or None,
        source_address=text("peeraddr"),
        reference=f"{uuid}:{kind}" if uuid else None,
        facts={name: value for name, value in kept.items() if value},
    )
    return entry, session


def command_line(event: dict[str, Any], path: str | None) -> str | None:
    """The path with the arguments behind the name of the program."""
    arguments = event.get("runargv")
    if not isinstance(arguments, list) or not all(isinstance(item, str) for item in arguments):
        return path
    words = [path or "", *arguments[1:ARGUMENTS_KEPT]] if path else arguments[:ARGUMENTS_KEPT]
    return fields.clean(shlex.join(words), LONGEST_COMMAND) or None


def moment(value: Any) -> datetime | None:
    """Seconds and nanoseconds since 1970, between 1990 and 2100."""
    if not isinstance(value, dict):
        return None
    seconds, fraction = fields.number(value.get("seconds")), fields.number(value.get("nanoseconds")) or 0.0
    if seconds is None or not 0 <= fraction < 1e9:
        return None
    found = fields.moment(seconds, 1, Tally())
    return found.replace(microsecond=int(fraction / 1000)) if found else None
