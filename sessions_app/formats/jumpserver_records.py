"""What JumpServer writes about a session beside its replay: the session's record, a manifest, its commands.

Of a record is kept what is listed. A command record has the command and a part of its output; the output is
in the replay and left out here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import NotReadable, Tally
from sessions_app.formats.jumpserver_replay import document
from sessions_app.formats.lines import BOM, Source

_SESSION_KEYS = {"id", "user", "asset", "date_start"}
_SESSION_MARKS = {"account", "system_user", "protocol", "login_from", "remote_addr"}
_COMMAND = re.compile(rb'(?:\[\s*)?\{[^{}\[\]]{0,60000}?"input"\s*:')
_COMMAND_MARKS = (b'"timestamp"', b'"risk_level"', b'"session"')
_FACTS = {
    "protocol": "protocol",
    "remote_addr": "source_address",
    "login_from": "login_from",
    "type": "type",
    "user_id": "user_id",
    "account_id": "account_id",
    "asset_id": "asset_id",
    "terminal_display": "terminal",
    "error_reason": "error",
    "comment": "comment",
}
_VERDICTS = {
    4: "JumpServer warned of this command",
    5: "JumpServer rejected this command",
    6: "A reviewer in JumpServer rejected this command",
    7: "A reviewer in JumpServer accepted this command",
    8: "The review of this command in JumpServer was cancelled",
}
_BEFORE_ZONE = re.compile(r"\s+(?=[+-][0-9]{2}:?[0-9]{2}$)")  # as in 2026/11/24 10:00:00 +0800
_BETWEEN = re.compile(r"[\s,\x00]*")
MAX_COMMANDS = 200_000


@dataclass(slots=True)
class Session:
    """What the record says."""

    key: str | None = None
    user: str | None = None
    account: str | None = None
    asset: str | None = None
    started_at: datetime | None = None
    duration: float | None = None
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """A command; `at` in seconds since 1970, `verdict` where JumpServer did more than to let it pass."""

    text: str
    at: float | None
    verdict: str | None
    line: int


def _object(head: bytes) -> dict[str, Any]:
    bare = head.removeprefix(BOM).strip()
    if not bare.startswith(b"{"):
        return {}
    try:
        value = fields.parsed(bare.decode("utf-8", "replace"))
    except fields.BadJson:
        return {}
    return value if isinstance(value, dict) else {}


def session_in(head: bytes) -> bool:
    """Whether this is the record of a session."""
    keys = _object(head).keys()
    return keys >= _SESSION_KEYS and bool(keys & _SESSION_MARKS)


def names_in_manifest(head: bytes) -> list[str]:
    """The names of the parts, in their order; empty when this is no manifest."""
    found = _object(head).get("files")
    if not isinstance(found, list):
        return []
    names = (part.get("name") for part in found if isinstance(part, dict))
    return [name for name in names if isinstance(name, str) and name]


def is_commands(head: bytes) -> bool:
    """Whether these are command records."""
    bare = head.removeprefix(BOM).lstrip()
    return _COMMAND.match(bare) is not None and sum(mark in bare for mark in _COMMAND_MARKS) >= 2


def session_of(source: Source, tally: Tally) -> Session:
    """The record of the session; raises NotReadable."""
    text_of_file = document(source, "The record of a session").removeprefix("\ufeff").strip("\0 \r\n\t")
    try:
        value = fields.parsed_header(text_of_file, 1, tally)
    except fields.BadJson as error:
        raise NotReadable(
            "bad_json", f"The record of the session is no JSON: {error}. Download it again.", 1
        ) from None
    record: dict[str, Any] = value if isinstance(value, dict) else {}

    def text(name: str) -> str | None:
        found = record.get(name)
        if isinstance(found, dict):  # a choice, or a related object: its name
            found = next((found[key] for key in ("name", "label", "value") if found.get(key)), None)
        return fields.text(found, name, 1, tally) or None

    started, ended = _date(record.get("date_start")), _date(record.get("date_end"))
    if started is None:
        tally.warn(1, "bad_timestamp", "The start of the session is no time with its zone: unknown.")
    facts = {fact: found for name, fact in _FACTS.items() if (found := text(name))}
    if ended:
        facts["ended_at"] = ended.isoformat()
    length = (ended - started).total_seconds() if started and ended else None
    return Session(
        key=text("id"),
        user=text("user"),
        account=text("account") or text("system_user"),
        asset=text("asset"),
        started_at=started,
        duration=fields.seconds(length, "length of the session", 1, tally),
        facts=facts,
    )


def _date(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(_BEFORE_ZONE.sub("", value.replace("/", "-")))
        aware = found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return aware if aware and fields.EARLIEST <= aware < fields.LATEST else None


def commands_in(source: Source, tally: Tally) -> list[Command]:
    """The commands of a list or of one object per line; what is none is left out and named."""
    text = document(source, "A file of command records").removeprefix("\ufeff")
    found: list[Command] = []
    for line, value in _values(text, tally):
        if len(found) >= MAX_COMMANDS:
            tally.cut(line, f"Only the first {MAX_COMMANDS:,} commands were read.")
            break
        words = value.get("input") if isinstance(value, dict) else None
        if not isinstance(words, str):
            tally.unreadable(line, "not_a_command", "It is no record of a command.")
            continue
        verdict = _VERDICTS.get(_risk(value.get("risk_level")))
        found.append(Command(words[: fields.MAX_TEXT], _time(value.get("timestamp")), verdict, line))
    return found


def _risk(value: Any) -> int:
    value = value.get("value") if isinstance(value, dict) else value
    return value if isinstance(value, int) else 0


def _time(value: Any) -> float | None:
    if isinstance(value, str):
        found = _date(value)
        return found.timestamp() if found else None
    moment = fields.moment(value, 1, Tally())
    return moment.timestamp() if moment else None


def _values(text: str, tally: Tally) -> Iterator[tuple[int, Any]]:
    """Each record with its line, from inside of a list or from a sequence."""
    place = _end_of_space(text, 0)
    is_list = text.startswith("[", place)
    place += is_list
    counted, line = 0, 1
    while True:
        place = _end_of_space(text, place)
        line, counted = line + text.count("\n", counted, place), place
        if is_list and text.startswith("]", place):
            return
        if place >= len(text):
            if is_list:
                tally.cut(line, "The list of commands is not closed.")
            return
        try:
            value, place = fields.parsed_at(text, place)
        except fields.BadJson as error:
            if error.is_at_end:
                tally.cut(line, "The last command is incomplete and was left out.")
            else:
                tally.unreadable(line, "bad_json", f"It is not JSON: {error.why}. The rest was left out.")
            return
        yield line, value


def _end_of_space(text: str, place: int) -> int:
    found = _BETWEEN.match(text, place)
    return found.end() if found else place
