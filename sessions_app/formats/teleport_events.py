"""Events of Teleport's audit log: who opened which session, on what, with which device and approval.

Events come as lines, as a list (also what `tsh play --format=json` prints) or as one object. A session is
what carries the same `sid`, whichever kind it is: SSH, Kubernetes, database, application, desktop; events
without one (sign-ins, certificates, requests) belong to none. `session.command` and `exec` are commands that
Teleport itself observed, `db.session.query` is a query. Somebody who joins, watches or moderates a session is
a participant and never its user. `print` events say that something was shown, but not what: they are counted
in a notice. An event that comes again (`uid`) is left out. (gravitational/teleport api/proto events.proto.)
"""

import shlex
from collections.abc import Iterator
from typing import Any

from sessions_app.formats import fields, teleport_play
from sessions_app.formats.calls import Repeats, known, moment, word, words
from sessions_app.formats.events import RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.json_records import first_records, json_records, unwrapped
from sessions_app.formats.lines import Source, conclude
from sessions_app.formats.logs import NO_SESSION, Entry, LogReading, LogSession
from sessions_app.formats.teleport_fields import INNER, LISTS, is_event, session_facts, texts

KEY = "teleport_events"
LONGEST_COMMAND = 64 * 1024

_OF_OTHERS = (
    "session.recording.access",
    "session.join",
    "session.leave",
    "session.upload",
    "session.connect",
)
_ENDS = (".session.end", "session.end")
_HOSTS = (
    *("server_hostname", "db_service", "kubernetes_cluster", "desktop_name", "desktop_addr", "app_name"),
    *("app_public_addr", "server_id"),
)
_ACCOUNTS = ("login", "db_user", "windows_user", "aws_role_arn", "kubernetes_users")
_ADDRESSES = ("addr.remote", "remote_addr")
_TARGETS = (
    *("path", "db_name", "kubernetes_pod_name", "request_path", "uri", "dst_addr", "name"),
    *("server_hostname", "db_service", "kubernetes_cluster", "desktop_name", "app_name"),
)
_FACTS = (
    *("program", "pid", "ppid", "return_code", "path", "db_name", "db_protocol", "verb", "method", "action"),
    *("kubernetes_pod_name", "kubernetes_pod_namespace", "kubernetes_container_name", "dst_addr", "dst_port"),
    *("operation", "tx", "rx", "namespace", "proto", "reviewer", "state", "reason", "id", "user_agent"),
)


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether one of the first objects is an event of Teleport, and none is a piece of a screen."""
    if b'"event' not in head and b'\\"event' not in head:
        return False
    found = [one for one in first_records(head, LISTS, INNER) if is_event(one)]
    return bool(found) and not teleport_play.recognises(head)


def read(source: Source) -> LogReading:
    """The events of a log, one call each."""
    tally = Tally()
    return LogReading(RecordingHeader(KEY, 1), _calls(source, tally), tally)


def _calls(source: Source, tally: Tally) -> Iterator[tuple[Entry, LogSession]]:
    repeats = Repeats()
    place, prints = 1, 0
    for found in json_records(source, tally, LISTS):
        place = found.place
        event = unwrapped(found.value, INNER)
        if not is_event(event):
            tally.unreadable(place, "not_an_event", "It is no event of Teleport.")
            continue
        reference = word(event.get("uid"), 100)
        if reference and not repeats.is_new(reference):
            tally.warn(place, "repeated_event", "The event came before and was left out.")
            continue
        if event["event"] == "print":
            prints += 1
            continue
        yield _call(event, place, reference, tally)
    if prints:
        tally.warn(
            place,
            "no_screen",
            f"{prints:,} events say that something was shown but not what: the log can't be replayed.",
        )
    conclude(source, place, tally)


def _call(event: dict[str, Any], place: int, reference: str | None, tally: Tally) -> tuple[Entry, LogSession]:
    at = moment(event.get("time"), place, tally)
    name = word(event["event"], 100) or "?"
    session = _session(event, name, place, tally)
    facts = known((key, words(event.get(key))) for key in _FACTS)
    if name in _OF_OTHERS:
        facts |= known([("participant", word(event.get("user")))])
    entry = Entry(
        session=session.key,
        at=at,
        action=name,
        line=place,
        target=texts(event, _TARGETS),
        command=_command(event, name),
        is_allowed=_is_allowed(event, name),
        outcome=_outcome(event),
        source_address=texts(event, _ADDRESSES),
        reference=reference,
        facts=facts | known([("code", word(event.get("code"), 20))]),
    )
    return entry, session


def _session(event: dict[str, Any], name: str, place: int, tally: Tally) -> LogSession:
    sid = word(event.get("sid"), 200) or word(event.get("session_chunk_id"), 200)
    if sid is None:
        return LogSession(NO_SESSION)
    if name in _OF_OTHERS:
        return LogSession(sid, external_id=sid)
    started = None
    if name.endswith(_ENDS) and event.get("session_start"):
        started = moment(event["session_start"], place, tally)
    is_interactive = event.get("interactive")
    if not isinstance(is_interactive, bool):
        is_interactive = {"session.start": True if event.get("size") else None, "exec": False}.get(name)
    return LogSession(
        key=sid,
        user=word(event.get("user")),
        run_as=texts(event, _ACCOUNTS),
        host=texts(event, _HOSTS),
        external_id=sid,
        started_at=started,
        facts=session_facts(event),
        is_interactive=is_interactive,
    )


def _command(event: dict[str, Any], name: str) -> str | None:
    if name == "session.command":
        program = event.get("program") or event.get("path")
        rest = event.get("argv")
        parts = [program, *(rest[:2000] if isinstance(rest, list) else [])]
        told = [part for part in parts if isinstance(part, str)]
        return fields.clean(shlex.join(told), LONGEST_COMMAND) if told else None
    if name == "exec":
        return word(event.get("command"), LONGEST_COMMAND)
    if name.startswith("db.session."):
        return word(event.get("db_query"), LONGEST_COMMAND)
    return None


def _is_allowed(event: dict[str, Any], name: str) -> bool | None:
    if name in ("session.rejected", "auth"):
        return False
    if name == "session.network" and event.get("action") in (0, 1):
        return bool(event["action"] == 0)
    told = event.get("success")
    if isinstance(told, bool):
        return told
    return True if name.endswith("session.start") else None


def _outcome(event: dict[str, Any]) -> str | None:
    for name in ("exitError", "error", "status", "exitCode", "return_code"):
        if told := word(event.get(name)):
            return f"exit {told}" if name in ("exitCode", "return_code") else told
    return None


FORMAT = Format(KEY, "Teleport audit events", 1, recognises, read)
