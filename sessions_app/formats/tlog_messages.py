"""Where messages of tlog stand: a file of its own, a journal (json, export, cat), hits of a search.

Everything that is no message of tlog is passed over: a journal holds the whole host. A message is found
with the moment at which the journal took it in, which tells the start of recordings that have no times
themselves.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import NotReadable, Tally
from sessions_app.formats.lines import BOM, Source, is_cut_character, numbered
from sessions_app.formats.terminal_bytes import ByteReader

_OWN_KEYS = frozenset({"ver", "rec", "timing", "id", "pos"})
_EXPORTED = re.compile(rb"(?:\A|\n)(?:__CURSOR|__REALTIME_TIMESTAMP|_BOOT_ID|MESSAGE|TLOG_REC)=")
_START = re.compile(rb'\{\s*"ver"\s*:\s*"')
_HINT = re.compile(rb'\\?"ver\\?"\s*:\s*\\?"[0-9]{1,3}(?:\.[0-9]{1,3})?\\?"')
_FIELD = re.compile(rb'(?:\A|\n)TLOG_REC=|"TLOG_REC"\s*:')
_HINTS = (b"timing", b"rec")
_ES = re.compile(rb'\s*(?:\{.{0,4000}"hits"\s*:|\[\s*\{)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its line (or number), its JSON, and when the journal took it in, in Unix seconds."""

    line: int
    value: dict[str, Any]
    logged_at: float | None = None


def is_message(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _OWN_KEYS


def recognises(head: bytes) -> bool:
    """Whether a message of tlog is among the first 64 KiB."""
    if _FIELD.search(head):
        return True
    return _HINT.search(head) is not None and all(hint in head for hint in _HINTS)


def messages(source: Source, tally: Tally) -> Iterator[Message]:
    """The messages in the order of the file, whichever way they are wrapped."""
    head = source.peek(64 * 1024).removeprefix(BOM)
    if _EXPORTED.search(head) and not head.lstrip().startswith(b"{"):
        return _exported(source, tally)
    first = head.split(b"\n", 1)[0]
    if _ES.match(head) and (not _is_json(first) or b'"hits"' in first or first.lstrip().startswith(b"[")):
        return _document(source)
    return _lines(source, tally)


def _is_json(line: bytes) -> bool:
    try:
        fields.parsed(line.decode("utf-8", "replace"))
    except fields.BadJson:
        return False
    return True


def _lines(source: Source, tally: Tally) -> Iterator[Message]:
    """One message per line, wrapped in JSON or behind the prefix of a log, or not."""
    for line in numbered(source):
        body = line.data.removeprefix(BOM).strip(b"\0 \t\r")
        start = 0 if body.startswith(b"{") else _start(body)
        if start is None:
            if body.startswith(b'"ver"') or b'"timing"' in body:
                tally.unreadable(line.number, "bad_json", "It is not a whole message of tlog.")
            continue
        try:
            value = fields.parsed(body[start:].decode("utf-8"))
        except (fields.BadJson, UnicodeDecodeError) as error:
            is_cut = isinstance(error, fields.BadJson) or is_cut_character(error)
            if is_cut and not line.is_ended:
                tally.cut(line.number, "The last message is incomplete and was left out.")
            elif _HINT.search(body):
                why = str(error) if isinstance(error, fields.BadJson) else "a byte is not UTF-8"
                tally.unreadable(line.number, "bad_json", f"It is not JSON: {why}.")
            continue
        yield from _unwrapped(value, line.number)


def _start(body: bytes) -> int | None:
    found = _START.search(body)
    return found.start() if found else None


def _unwrapped(value: Any, line: int) -> Iterator[Message]:
    """The message that a JSON object is, or holds as an entry of a journal or a hit of a search."""
    if is_message(value):
        yield Message(line, value)
        return
    if not isinstance(value, dict):
        return
    if "MESSAGE" in value:
        message = _inner(value["MESSAGE"])
        if message is not None:
            yield Message(line, message, _microseconds(value.get("__REALTIME_TIMESTAMP")))
    elif isinstance(value.get("_source"), dict):
        yield from _unwrapped(value["_source"], line)
    elif "message" in value:
        message = _inner(value["message"])
        if message is not None:
            yield Message(line, message)


def _inner(text: Any) -> dict[str, Any] | None:
    """JSON within JSON: text, or (for what systemd holds to be binary) a list of bytes."""
    if isinstance(text, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in text):
        text = bytes(text).decode("utf-8", "replace")
    if not isinstance(text, str) or not _HINT.search(text[:4000].encode("utf-8", "replace")):
        return None
    try:
        value = fields.parsed(text)
    except fields.BadJson:
        return None
    return value if is_message(value) else None


def _microseconds(value: Any) -> float | None:
    return int(value) / 1e6 if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value) else None


def _document(source: Source) -> Iterator[Message]:
    """One document: a list of messages, or the answer of a search; its hits need not be sorted."""
    blocks, size = [], 0
    for block in source:
        size += len(block)
        if size > source.limits.document:
            raise NotReadable(
                "document_too_large",
                f"One JSON document may have {source.limits.document:,} bytes. Save one message per line.",
            )
        blocks.append(block)
    try:
        value = fields.parsed(b"".join(blocks).removeprefix(BOM).decode("utf-8", "replace"))
    except fields.BadJson as error:
        raise NotReadable(
            "bad_json", f"The file is not whole JSON: {error}. Check that it is complete."
        ) from None
    hits = value
    while isinstance(hits, dict) and "hits" in hits:
        hits = hits["hits"]
    found = [message for hit in hits if isinstance(hits, list) for message in _unwrapped(hit, 1)]
    found = [Message(number, one.value, one.logged_at) for number, one in enumerate(found, 1)]
    yield from sorted(found, key=lambda one: one.value["id"] if isinstance(one.value["id"], int) else 0)


def _exported(source: Source, tally: Tally) -> Iterator[Message]:
    """Entries of `journalctl -o export`: KEY=VALUE lines, or a key, a length of 8 bytes and so many bytes."""
    reader = ByteReader(source)
    longest = source.limits.line
    message: bytes | None = None
    logged: float | None = None
    number, message_line = 0, 0
    while line := reader.line(longest):
        number += 1
        if len(line) >= longest and not line.endswith(b"\n"):
            raise NotReadable(
                "line_too_long", f"Line {number} is longer than {longest:,} bytes.", number, reader.offset
            )
        key, equals, value = line.rstrip(b"\n").partition(b"=")
        if not key and not equals:
            yield from _entry(message, logged, message_line, tally)
            message, logged = None, None
            continue
        if not equals:
            value = _binary(reader, longest)
            number += value.count(b"\n") + 1
        if key == b"MESSAGE":
            message, message_line = value, number
        elif key == b"__REALTIME_TIMESTAMP":
            logged = _microseconds(value.decode("ascii", "replace"))
    yield from _entry(message, logged, message_line, tally)


def _binary(reader: ByteReader, longest: int) -> bytes:
    """A field with its length in front; one beyond the limit is passed over."""
    length = int.from_bytes(reader.take(8), "little")
    if length <= longest:
        value = reader.take(length)
        reader.take(1)
        return value
    left = length + 1
    while left > 0 and (block := reader.take(min(left, 65536))):
        left -= len(block)
    return b""


def _entry(message: bytes | None, logged: float | None, line: int, tally: Tally) -> Iterator[Message]:
    if message is None or not _HINT.search(message[:4000]):
        return
    try:
        value = fields.parsed(message.decode("utf-8", "replace"))
    except fields.BadJson:
        tally.unreadable(line, "bad_json", "A message of tlog in the journal is not whole JSON.")
        return
    if is_message(value):
        yield Message(line, value, logged)
