"""Logs of AWS Systems Manager Session Manager: what a shell showed, streamed or as one text.

Streamed to CloudWatch Logs, each message is JSON: `sessionId`, `target.id`, `userIdentity.arn`, `runAsUser`,
`eventTime` and `sessionData`, a list of lines without their ends; the time is that of the upload, to the
second. Uploaded at the end (to S3, or as text), it is what the terminal showed, without times or names; one
that `script` began with its own header is read as a typescript. Sessions that are only tunnels (SSH, port
forwarding) leave no such log. Nobody's keystrokes are recorded but those that the terminal echoed.
(aws/amazon-ssm-agent, cloudwatchlogspublisher.)
"""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from sessions_app.formats import plain_text
from sessions_app.formats.calls import Repeats, known, mapping, moment, word
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.fields import MAX_SECONDS
from sessions_app.formats.format import Format
from sessions_app.formats.json_records import Found, Wrappers, first_records, json_records, unwrapped
from sessions_app.formats.lines import BOM, Source, conclude
from sessions_app.formats.parts import HEAD
from sessions_app.formats.terminal_bytes import TerminalText

KEY = "ssm"

_LISTS = Wrappers("events", "Events", "logEvents")
_INNER = ("message", "@message")
_NAME = re.compile(r"(?:.*/)?[\w+=,.@-]{1,200}-[0-9a-z]{17,40}\.log(?:\.gz)?")
# The prompt of the shell that the agent starts; a line of its own text may stand before it.
_PROMPT = re.compile(rb"(?:\x1b\[[0-9;?]*[A-Za-z])*sh-[0-9]\.[0-9]{1,2}[$#] ")
_OTHER_PROMPT = re.compile(rb"(?:\A|\n)[^\n]{0,200}[$#>] |\x1b\[")
FIRST_LINES = 6


def _is_message(value: dict[str, Any]) -> bool:
    is_list = isinstance(value.get("sessionData"), list)
    return is_list and isinstance(value.get("sessionId"), str) and "eventVersion" in value


def recognises(head: bytes, name: str = "") -> bool:
    """Whether it is a streamed log, or begins with the agent's shell; its name helps with other shells."""
    if _is_streamed(head):
        return True
    if head.startswith(b"Script started on") or not plain_text.recognises(head):
        return False
    lines = head.removeprefix(BOM).split(b"\n")[:FIRST_LINES]
    if any(_PROMPT.match(line) for line in lines):
        return True
    return _NAME.fullmatch(name) is not None and _OTHER_PROMPT.search(head) is not None


def _is_streamed(head: bytes) -> bool:
    if b"sessionData" not in head:
        return False
    return any(_is_message(one) for one in first_records(head, _LISTS, _INNER))


def read(source: Source) -> Reading:
    """The output of one session."""
    tally = Tally()
    if _is_streamed(source.peek(HEAD)):
        return _streamed(source, tally)
    tally.warn(1, "no_timing", "The log has no times: everything stands at its start.")
    return Reading(RecordingHeader(KEY, 1), _shown(source, tally), tally)


def _shown(source: Source, tally: Tally) -> Iterator[Event]:
    text, number = TerminalText(), 1
    for block in source:
        if piece := text.feed(block.removeprefix(BOM) if number == 1 else block):
            yield Event(0.0, "o", piece, number)
        number += block.count(b"\n")
    if rest := text.end():
        yield Event(0.0, "o", rest, number)
    conclude(source, number, tally)


def _streamed(source: Source, tally: Tally) -> Reading:
    found = json_records(source, tally, _LISTS)
    first = next(found, None)
    value = unwrapped(first.value, _INNER) if first else {}
    place = first.place if first else 1
    started = moment(value.get("eventTime"), place, tally) if first else None
    arn = word(mapping(value.get("userIdentity")).get("arn"))
    header = RecordingHeader(
        KEY,
        1,
        started_at=started,
        user=arn.rpartition("/")[2] or arn if arn else None,
        run_as=word(value.get("runAsUser")),
        host=word(mapping(value.get("target")).get("id")),
        external_id=word(value.get("sessionId")),
        facts=known([("arn", arn), ("region", word(value.get("awsRegion"), 60))]),
    )
    tally.warn(place, "coarse_timing", "The times are those of the uploads, about one a second.")
    all_found = chain([first] if first else [], found)
    return Reading(header, _lines(all_found, value.get("sessionId"), started, source, tally), tally)


def _lines(
    found: Iterator[Found], session: Any, started: datetime | None, source: Source, tally: Tally
) -> Iterator[Event]:
    place, now = 1, 0.0
    repeats = Repeats()
    for one in found:
        place = one.place
        value = unwrapped(one.value, _INNER)
        if not _is_message(value):
            tally.unreadable(place, "not_an_event", "It is no message of Session Manager.")
            continue
        if value["sessionId"] != session:
            raise NotReadable(
                "several_recordings",
                "The log holds several sessions. Export each log stream alone: it is named like its session.",
                place,
            )
        number = word(value.get("eventId"))
        if number and not repeats.is_new(number):
            tally.warn(place, "repeated_event", "The message came before and was left out.")
            continue
        at = moment(value.get("eventTime"), place, tally)
        if at and started:
            since = (at - started).total_seconds()
            if since < now:
                tally.warn(place, "time_backwards", "The time is earlier than that of a message before.")
            now = max(now, min(since, MAX_SECONDS))
        lines = [line for line in value["sessionData"] if isinstance(line, str)]
        if lines:
            yield Event(now, "o", "".join(f"{line}\r\n" for line in lines), place)
    conclude(source, place, tally)


FORMAT = Format(KEY, "AWS Session Manager log", 1, recognises, read)
