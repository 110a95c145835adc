"""Objects out of JSON, one by one, however they are packed: a line each, a list, or a list in an object.

Logs of calls come as lines of JSON, as one list, as the answer of a service (`{"Records": […]}`) or as
objects printed one after the other. None of them is held whole. In lines, a broken one costs itself alone;
in a document, the brackets say where the next object begins.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import NotReadable, Tally
from sessions_app.formats.lines import BOM, Limits, Source, is_cut_character

LONGEST = 4  # times a line: calls may carry whole documents
LOOKED_AT = 16 * 1024  # of the start of an object, to see what it wraps
DEEPEST = 8  # lists around the objects
WRAPPED_AT = 2  # how deep an object may still be a wrapper

_SKIPPED = b" \t\r\n,:\0\x1e"
_GAP = re.compile(rb"[ \t\r\n,:\0\x1e]*+")
_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_MARK = re.compile(rb'["{}\[\]]')
_SCALAR = re.compile(rb'[^ \t\r\n,:\0\x1e"{}\[\]]*+')
# What may stand before the list in the object around it: texts, numbers, objects of few levels.
_WORDS = rb'"(?:[^"\\]++|\\.){0,500}+"'
_FLAT = rb'\{(?:[^{}"]++|' + _WORDS + rb")*+\}"
_NESTED = rb'\{(?:[^{}"]++|' + _WORDS + rb"|" + _FLAT + rb")*+\}"
_DEEP = rb'\{(?:[^{}"]++|' + _WORDS + rb"|" + _NESTED + rb")*+\}"
_MEMBER = rb"\s*+" + _WORDS + rb"\s*+:\s*+(?:" + _WORDS + rb"|[\w.+-]{1,40}+|" + _DEEP + rb")\s*+,"


@dataclass(frozen=True, slots=True)
class Found:
    """One object: its place (its line, or its number in a document, from 1) and its JSON."""

    place: int
    value: dict[str, Any]


class Wrappers:
    """Names under which the list of objects may stand in an object around it."""

    def __init__(self, *names: str) -> None:
        either = "|".join(names).encode()
        self.names = frozenset(name.encode() for name in names)
        self.start = re.compile(
            rb"\{(?:" + _MEMBER + rb'){0,20}+\s*+"(?:' + either + rb')"\s*+:\s*+\[', re.DOTALL
        )


def json_records(source: Source, tally: Tally, wrappers: Wrappers) -> Iterator[Found]:
    """The objects in the order of the file; what is none is left out with a notice."""
    head = source.peek(64 * 1024).removeprefix(BOM).lstrip(_SKIPPED)
    text = _Text(source)
    if _is_a_line(head, wrappers):
        return _of_lines(text, tally)
    return _Document(text, tally, wrappers).objects()


def first_records(
    head: bytes, wrappers: Wrappers, inner: Sequence[str] = (), most: int = 4
) -> list[dict[str, Any]]:
    """The first few whole objects among the first bytes of a file, without what wraps each."""
    if head.removeprefix(BOM).lstrip(_SKIPPED)[:1] not in (b"{", b"["):
        return []
    found: list[dict[str, Any]] = []
    try:
        for one in json_records(Source(BytesIO(head), Limits()), Tally(), wrappers):
            found.append(unwrapped(one.value, inner))
            if len(found) >= most:
                break
    except NotReadable:
        pass
    return found


def unwrapped(value: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What an object holds under one of these names: an object, or JSON as text; else itself."""
    for name in names:
        inner = value.get(name)
        if isinstance(inner, str) and inner.lstrip()[:1] == "{":
            try:
                inner = fields.parsed(inner)
            except fields.BadJson:
                continue
        if isinstance(inner, dict):
            return inner
    return value


def _is_a_line(head: bytes, wrappers: Wrappers) -> bool:
    """Whether the first line is an object by itself, so that each line is one."""
    line = head.split(b"\n", 1)[0].strip()
    if not line.startswith(b"{") or wrappers.start.match(line):
        return False
    try:
        fields.parsed(line.decode("utf-8", "replace"))
    except fields.BadJson:
        return False
    return True


class _Text:
    """A source of which a little is held: `held`, read up to `at`."""

    def __init__(self, source: Source) -> None:
        self._blocks = iter(source)
        self.longest = source.limits.line * LONGEST
        self.held, self.at = b"", 0
        self.fill()
        self.held = self.held.removeprefix(BOM)

    def fill(self) -> bool:
        """Hold more and forget what was read; False at the end."""
        block = next(self._blocks, b"")
        self.held, self.at = self.held[self.at :] + block, 0
        return bool(block)

    @property
    def left(self) -> int:
        """How much is held that was not read."""
        return len(self.held) - self.at


def _of_lines(text: _Text, tally: Tally) -> Iterator[Found]:
    number = 0
    while True:
        while (end := text.held.find(b"\n", text.at)) >= 0:
            number += 1
            line, text.at = text.held[text.at : end], end + 1
            if len(line) > text.longest:
                raise _too_long(number, text.longest)
            yield from _parsed_line(line, number, tally, is_ended=True)
        if text.left > text.longest:
            raise _too_long(number + 1, text.longest)
        if not text.fill():
            yield from _parsed_line(text.held, number + 1, tally, is_ended=False)
            return


def _parsed_line(line: bytes, number: int, tally: Tally, *, is_ended: bool) -> Iterator[Found]:
    body = line.strip(_SKIPPED)
    if body:
        yield from _parsed(body, number, tally, is_ended=is_ended)


def _parsed(body: bytes, place: int, tally: Tally, *, is_ended: bool) -> Iterator[Found]:
    try:
        value = fields.parsed(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        if is_cut_character(error) and not is_ended:
            tally.cut(place, "The last record is incomplete and was left out.")
            return
        tally.warn(place, "wrong_encoding", "Some bytes of the record are not UTF-8; they stand as U+FFFD.")
        yield from _parsed(body.decode("utf-8", "replace").encode(), place, tally, is_ended=is_ended)
        return
    except fields.BadJson as error:
        if error.is_at_end and not is_ended:
            tally.cut(place, "The last record is incomplete and was left out.")
        else:
            tally.unreadable(place, "bad_json", f"It is not JSON: {error}.")
        return
    if isinstance(value, dict):
        yield Found(place, value)
    else:
        tally.unreadable(place, "not_an_object", "It is JSON, but no object.")


def _too_long(place: int, longest: int) -> NotReadable:
    return NotReadable(
        "line_too_long",
        f"Record {place} is longer than {longest:,} bytes. A log has one short record per call: "
        "check that this is the file that was meant.",
        place,
    )


class _Document:
    """Objects in lists, in wrappers, or one behind the other, told apart by their brackets."""

    def __init__(self, text: _Text, tally: Tally, wrappers: Wrappers) -> None:
        self._text, self._tally, self._wrappers = text, tally, wrappers
        self._open: list[bytes] = []
        self._key = b""
        self._number = 0
        self._lists = 0

    def objects(self) -> Iterator[Found]:
        """Each object; closing brackets that close nothing are passed over."""
        text = self._text
        while True:
            found = _GAP.match(text.held, text.at)
            text.at = found.end() if found else text.at
            if not text.left:
                if text.fill():
                    continue
                break
            mark = text.held[text.at : text.at + 1]
            if mark == b"{":
                yield from self._object()
            elif mark == b"[":
                self._list()
            elif mark in b"]}":
                text.at += 1
                del self._open[-1:]
            elif mark == b'"':
                self._string()
            else:
                self._scalar()
        if self._open and not self._tally.is_truncated:
            self._tally.cut(max(self._number, 1), "The list of records does not end.")

    def _in_wrapper(self) -> bool:
        return bool(self._open) and self._open[-1] == b"{"

    def _object(self) -> Iterator[Found]:
        text = self._text
        while text.left < LOOKED_AT and text.fill():
            pass
        can_wrap = len(self._open) < WRAPPED_AT and not self._in_wrapper()
        wrapped = self._wrappers.start.match(text.held, text.at) if can_wrap else None
        if wrapped:
            self._open += [b"{", b"["]
            self._lists = 1
            text.at = wrapped.end()
            return
        body = self._balanced()
        if self._in_wrapper():
            return
        self._number += 1
        if body is None:
            self._tally.cut(self._number, "The last record is incomplete and was left out.")
            return
        yield from _parsed(body, self._number, self._tally, is_ended=True)

    def _list(self) -> None:
        """Go into a list of records; pass over any other."""
        if self._in_wrapper() and self._key not in self._wrappers.names:
            self._balanced()
            return
        if self._in_wrapper():
            self._lists += 1
            if self._lists > 1:
                self._tally.warn(
                    max(self._number, 1), "duplicate_key", "The list of records stands twice; both were read."
                )
        if len(self._open) >= DEEPEST:
            self._tally.unreadable(max(self._number, 1), "nested_too_deep", "Lists are nested too deep.")
            self._balanced()
            return
        self._open.append(b"[")
        self._text.at += 1

    def _string(self) -> None:
        text = self._text
        size = self._string_end(1)
        if self._in_wrapper():
            self._key = text.held[text.at + 1 : text.at + size - 1]
        else:
            self._stray()
        text.at += size

    def _scalar(self) -> None:
        text = self._text
        if not self._in_wrapper():
            self._stray()
        while True:
            found = _SCALAR.match(text.held, text.at)
            text.at = found.end() if found else text.at
            if text.left or not text.fill():
                return

    def _stray(self) -> None:
        self._number += 1
        self._tally.unreadable(self._number, "not_an_object", "Something stands where a record should.")

    def _string_end(self, size: int) -> int:
        """How far it is to behind the quote that ends a string; to the end where none does."""
        text = self._text
        while True:
            found = _STRING.match(text.held, text.at + size)
            size = found.end() - text.at if found else size
            if text.held[text.at + size : text.at + size + 1] == b'"':
                return size + 1
            self._check(size)
            if not text.fill():
                return text.left

    def _check(self, size: int) -> None:
        if size > self._text.longest:
            raise _too_long(self._number + 1, self._text.longest)

    def _balanced(self) -> bytes | None:
        """Take what begins with a bracket up to the bracket that closes it; None where that is missing."""
        text, size, depth = self._text, 0, 0
        while True:
            found = _MARK.search(text.held, text.at + size)
            if found is None:
                size = text.left
                self._check(size)
                if not text.fill():
                    text.at = len(text.held)
                    return None
                continue
            size = found.end() - text.at
            mark = found[0]
            if mark == b'"':
                size = self._string_end(size)
            elif mark in b"{[":
                depth += 1
            else:
                depth -= 1
            if depth == 0:
                self._check(size)
                body = text.held[text.at : text.at + size]
                text.at += size
                return body
