"""The log of auditd: which programs ran, who signed in, what was refused.

Lines with the same moment and serial number (and node) are one event and may be interleaved with others;
they become one call. A session is the pair of `auid`, who signed in, and `ses`, the number that the kernel
gave that sign-in; calls without either (daemons) belong to none. The command is that of `EXECVE` (quoted or
hexadecimal arguments) or `USER_CMD`. Keystrokes (`TTY`, `USER_TTY`) are counted and never kept: they hold
passwords. Raw logs are read, also of `ausearch --raw` and with names added (`log_format=ENRICHED`).
"""

import re
import shlex
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sessions_app.formats import fields
from sessions_app.formats.audit_fields import INTERPRETED, LINE, UNSET, Record, record, unhexed
from sessions_app.formats.events import NotReadable, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import BOM, Line, Source, conclude, numbered
from sessions_app.formats.logs import NO_SESSION, Entry, LogReading, LogSession

KEY = "auditd"
OPEN_EVENTS = 256  # that may wait for their other lines
OPEN_BYTES = 4 * 1024 * 1024  # of their lines
RECORDS_KEPT = 2_000  # of one event
ARGUMENTS_KEPT = 2_000
LONGEST_COMMAND = 64 * 1024

_RAW = re.compile(rb"(?:[^\n]{0,120}? )?(?:node=\S{1,255} )?type=[A-Z_0-9\[\]]{1,40} msg=audit\(")
_SEPARATORS = (b"----", b"time->", b"#")
# The line that says what the event is; the others only add to it.
_PRINCIPAL = ("EXECVE", "USER_CMD", "TTY", "USER_TTY", "AVC", "ANOM_ABEND", "SYSCALL")
_PLACES = ("CWD", "PATH", "PROCTITLE", "SOCKADDR", "EOE", "BPRM_FCAPS", "OBJ_PID")
_ARGUMENT = re.compile(r"a([0-9]{1,6})(?:\[([0-9]{1,6})\])?")
_KEPT = ("exe", "comm", "terminal", "tty", "key", "cwd", "grantors", "op", "acct")
_SUCCESS = {"yes": True, "no": False, "success": True, "failed": False, "1": True, "0": False}


@dataclass(slots=True)
class _Event:
    """The lines of one event so far."""

    at: datetime | None
    reference: str
    node: str | None
    records: list[Record] = field(default_factory=list)
    size: int = 0


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether one of the first lines is one of the audit log."""
    lines = [line for line in head.removeprefix(BOM).split(b"\n")[:20] if line.strip()]
    content = [line for line in lines if not line.startswith(_SEPARATORS)]
    return bool(content) and any(_RAW.match(line) for line in content[:3])


def read(source: Source) -> LogReading:
    """The events of an audit log, one call each."""
    if INTERPRETED.search(source.peek(64 * 1024)):
        raise NotReadable(
            "interpreted_log",
            "This log was interpreted by 'ausearch -i': its times have no zone and its values are changed. "
            "Upload the raw log, or what 'ausearch --raw' writes.",
            1,
        )
    tally = Tally()
    first = LINE.match(source.peek(4096).removeprefix(BOM).decode("utf-8", "replace").lstrip())
    node = fields.clean(first["node"], 255) if first and first["node"] else None
    return LogReading(RecordingHeader(KEY, 1, host=node), _calls(source, tally), tally)


def _calls(source: Source, tally: Tally) -> Iterator[tuple[Entry, LogSession]]:
    waiting: OrderedDict[tuple[str | None, str], _Event] = OrderedDict()
    number, held = 1, 0
    for line in numbered(source):
        number = line.number
        body = line.data.removeprefix(BOM).strip(b"\0\r \t")
        if not body or body.startswith(_SEPARATORS):
            continue
        text = body.decode("utf-8", "replace")
        found = LINE.match(text)
        if found is None:
            _complain(line, tally)
            continue
        reference = f"{found['seconds']}.{found['milliseconds']}:{found['serial']}"
        key = (found["node"], reference)
        event = waiting.get(key)
        if event is None:
            event = waiting[key] = _Event(_moment(found, number, tally), reference, found["node"])
        if len(event.records) < RECORDS_KEPT:
            event.records.append(record(number, found["type"], text[found.end() :]))
            event.size, held = event.size + len(body), held + len(body)
        if found["type"] == "EOE":
            waiting.move_to_end(key, last=False)
        while waiting and (held > OPEN_BYTES or len(waiting) > OPEN_EVENTS or found["type"] == "EOE"):
            _, done = waiting.popitem(last=False)
            held -= done.size
            yield from _call(done, tally)
            if found["type"] == "EOE":
                break
    for event in waiting.values():
        yield from _call(event, tally)
    conclude(source, number, tally)


def _complain(line: Line, tally: Tally) -> None:
    if line.is_ended:
        tally.unreadable(line.number, "not_an_event", "It is no line of the audit log.")
    else:
        tally.cut(line.number, "The last line is incomplete and was left out.")


def _moment(found: re.Match[str], line: int, tally: Tally) -> datetime | None:
    at = fields.moment(int(found["seconds"]), line, tally)
    return at + timedelta(milliseconds=int(found["milliseconds"].ljust(3, "0"))) if at else None


def _call(event: _Event, tally: Tally) -> Iterator[tuple[Entry, LogSession]]:
    """The call that the lines of an event tell of."""
    kinds = {one.type: one for one in reversed(event.records)}
    rest = (one for one in event.records if one.type not in _PLACES)
    main = next((kinds[kind] for kind in _PRINCIPAL if kind in kinds), None)
    if main is None or main.type == "SYSCALL":
        main = next((one for one in rest if one.type != "SYSCALL"), main) or kinds.get("SYSCALL")
    if main is None:
        if "EOE" not in kinds or len(kinds) > 1:
            tally.warn(event.records[0].line, "incomplete_event", "Only details of an event are in the log.")
        return
    who = kinds.get("SYSCALL", main)
    session = _session(event, who, main)
    entry = Entry(
        session=session.key,
        at=event.at,
        action=main.type,
        line=event.records[0].line,
        target=_target(kinds, main),
        command=_command(kinds),
        is_allowed=_is_allowed(kinds, main),
        outcome=_outcome(who, main),
        source_address=main.text("addr"),
        reference=event.reference,
        facts=_facts(kinds, who, main),
    )
    yield entry, session


def _session(event: _Event, who: Record, main: Record) -> LogSession:
    auid, number = who.get("auid"), who.get("ses")
    if auid is None or number is None or not auid.isdigit() or not number.isdigit():
        return LogSession(NO_SESSION, host=event.node)
    names = {**main.names, **who.names}
    user = names.get("AUID", "").strip('"')
    account = names.get("EUID", names.get("UID", "")).strip('"') or who.get("euid") or who.get("uid")
    is_own = account in (auid, user) or account is None
    terminal = who.text("tty") or main.text("terminal")
    return LogSession(
        key=f"{event.node or ''}/{auid}/{number}"[:300],
        user=fields.clean(user if user and user not in UNSET else auid, 200),
        run_as=None if is_own or account is None else fields.clean(account, 200),
        host=event.node,
        external_id=number,
        facts={"auid": auid, **({"terminal": terminal} if terminal else {})},
        is_interactive=None if terminal is None else terminal.startswith(("pts", "tty", "/dev/")),
    )


def _command(kinds: dict[str, Record]) -> str | None:
    if "EXECVE" in kinds:
        arguments = _arguments(kinds["EXECVE"])
        return fields.clean(shlex.join(arguments), LONGEST_COMMAND) if arguments else None
    if "USER_CMD" in kinds:
        return kinds["USER_CMD"].text("cmd")
    return None


def _arguments(execve: Record) -> list[str]:
    """In their order; a long one comes in pieces `a1[0]`, `a1[1]`, each encoded for itself."""
    pieces: dict[int, list[tuple[int, str]]] = {}
    for name, value in execve.own.items():
        found = _ARGUMENT.fullmatch(name)
        if found and len(pieces) < ARGUMENTS_KEPT:
            pieces.setdefault(int(found[1]), []).append((int(found[2] or 0), value))
    return [_joined([value for _, value in sorted(found)]) for _, found in sorted(pieces.items())]


def _joined(values: list[str]) -> str:
    """Bytes first: a character may be cut between two pieces."""
    return b"".join(unhexed(value) or value.strip('"').encode() for value in values).decode(
        "utf-8", "replace"
    )


def _is_allowed(kinds: dict[str, Record], main: Record) -> bool | None:
    if "AVC" in kinds and kinds["AVC"].is_denial:
        return False
    for one in (main, kinds.get("SYSCALL")):
        for name in ("success", "res"):
            told = one.get(name) if one else None
            if told is not None:
                return _SUCCESS.get(told)
    return None


def _outcome(who: Record, main: Record) -> str | None:
    status = who.text("exit") if who.type == "SYSCALL" else None
    return f"exit {status}" if status else main.text("res")


def _target(kinds: dict[str, Record], main: Record) -> str | None:
    if main.type in ("EXECVE", "SYSCALL", "USER_CMD"):
        return kinds.get("SYSCALL", main).text("exe")
    if "PATH" in kinds and main.type == "AVC":
        return kinds["PATH"].text("name")
    number = main.text("id")
    return main.text("acct") or (f"id {number}" if number else None)


def _facts(kinds: dict[str, Record], who: Record, main: Record) -> dict[str, str]:
    facts: dict[str, str] = {}
    for one in (main, who, kinds.get("CWD")):
        for name in _KEPT:
            value = one.text(name) if one else None
            if value and name not in facts:
                facts[name] = value[:500]
    if main.type in ("TTY", "USER_TTY"):
        facts["keystrokes"] = str(len(unhexed(main.get("data") or "")))
    if who.type == "SYSCALL" and (call := who.names.get("SYSCALL") or who.own.get("syscall")):
        facts["syscall"] = fields.clean(call, 60)
    return facts


FORMAT = Format(KEY, "Linux audit log (auditd)", 1, recognises, read)
