"""asciicast v1: one JSON document with all frames in `stdout`, `[delay, output]` each.

The document is held whole (up to `Limits.document`) but its frames are read one at a time from the
text, so that each has its line, a wrong frame can be left out, and a document that was cut off inside
its frames is still readable up to there. After damage that is not the end of the file nothing more can
be found, and the rest is reported as left out.
"""

import re
from collections.abc import Iterator
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.lines import BOM, Source, conclude, decoded, is_cut_character

_SPACE = re.compile(r"[ \t\r\n]*")


class _Cut(Exception):
    """The document cannot be read beyond this position; `is_at_end`: because it ends there."""

    def __init__(self, position: int, why: str, *, is_at_end: bool = False) -> None:
        self.position, self.why, self.is_at_end = position, why, is_at_end


class _Document:
    """A cursor over the text of the document that knows its line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._counted_to, self._line = 0, 1

    def line_at(self, position: int) -> int:
        """The line of a position; positions must not go backwards."""
        self._line += self.text.count("\n", self._counted_to, position)
        self._counted_to = max(self._counted_to, position)
        return self._line

    def skip(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def expect(self, characters: str, position: int) -> tuple[str, int]:
        """The one of these characters that stands here, and the place behind it."""
        position = self.skip(position)
        found = self.text[position : position + 1]
        if not found or found not in characters:
            missing = "' or '".join(characters)
            raise _Cut(position, f"'{missing}' is missing", is_at_end=not found)
        return found, position + 1

    def value(self, position: int) -> tuple[Any, int]:
        position = self.skip(position)
        try:
            return fields.parsed_at(self.text, position)
        except fields.BadJson as error:
            raise _Cut(position, error.why, is_at_end=error.is_at_end) from None

    def elements(self, position: int) -> Iterator[tuple[int, Any, int]]:
        """Start, value and end of each element of the array whose bracket was just passed."""
        position = self.skip(position)
        if self.text.startswith("]", position):
            return
        while True:
            start = self.skip(position)
            value, position = self.value(start)
            yield start, value, position
            separator, position = self.expect(",]", position)
            if separator == "]":
                return


def read_document(source: Source) -> Reading:
    """The header and the frames of a v1 document."""
    tally = Tally()
    text = _text(source)
    keys, frames = _keys(_Document(text), tally)
    if keys.get("version") != 1:
        raise fields.bad_header(1, "its version is not that of the file")
    if frames is None:
        raise fields.bad_header(1, "it has no list 'stdout' of frames")
    env = fields.environment(keys.get("env"), 1, tally)
    cols, rows = fields.size(keys.get("width"), keys.get("height"), 1, tally) or (None, None)
    header = RecordingHeader(
        format="asciicast",
        version=1,
        cols=cols,
        rows=rows,
        title=fields.text(keys.get("title"), "title", 1, tally),
        command=fields.text(keys.get("command"), "command", 1, tally),
        env=env,
        term=env.get("TERM"),
        duration=fields.seconds(keys.get("duration"), "duration", 1, tally),
    )
    return Reading(header, _events(_Document(text), frames, source, tally), tally)


def _text(source: Source) -> str:
    blocks = []
    size = 0
    for block in source:
        size += len(block)
        if size > source.limits.document:
            raise NotReadable(
                "document_too_large",
                f"An asciicast version 1 may have {source.limits.document:,} bytes. Convert it with "
                "'asciinema convert' to version 2 or 3, which is read line by line.",
            )
        blocks.append(block)
    data = b"".join(blocks).rstrip(b"\0")
    bare = data.removeprefix(BOM)
    skipped = len(data) - len(bare)
    try:
        return decoded(bare, 1, skipped)
    except NotReadable as error:
        if not is_cut_character(error.__cause__) or error.offset is None:
            raise
        return bare[: error.offset - skipped].decode("utf-8")


def _keys(document: _Document, tally: Tally) -> tuple[dict[str, Any], int | None]:
    """The top-level values but the frames, and the position of the frames; as far as the document goes."""
    keys: dict[str, Any] = {}
    frames: int | None = None
    is_in_frames = False
    try:
        _, position = document.expect("{", 0)
        separator = ","
        while separator == ",":
            start = document.skip(position)
            key, position = document.value(position)
            if not isinstance(key, str):
                raise _Cut(start, "a key is missing")
            _, position = document.expect(":", position)
            position = document.skip(position)
            if key in keys:
                fields.note_twice(document.line_at(start), tally)
            keys[key] = None
            if key == "stdout" and document.text.startswith("[", position):
                frames, is_in_frames = position + 1, True
                position = _end_of_frames(document, frames)
                is_in_frames = False
            else:
                keys[key], position = document.value(position)
            separator, position = document.expect(",}", position)
        if document.skip(position) < len(document.text):
            tally.warn(document.line_at(position), "trailing_bytes", "Something follows the document.")
    except _Cut as cut:
        line = document.line_at(cut.position)
        if frames is None:
            raise NotReadable(
                "bad_json", f"Line {line} is not JSON: {cut.why}. Check that the file is complete.", line
            ) from None
        # A recorder that wrote the frames first may not have come to its version any more.
        keys.setdefault("version", 1)
        if not is_in_frames:
            _report(cut, line, tally)
    return keys, frames


def _end_of_frames(document: _Document, position: int) -> int:
    last = position
    for _, _, end in document.elements(position):
        last = end
    return document.expect("]", last)[1]


def _events(document: _Document, frames: int, source: Source, tally: Tally) -> Iterator[Event]:
    clock = fields.Clock(tally, is_relative=True)
    line = 1
    try:
        for start, value, _ in document.elements(frames):
            line = document.line_at(start)
            event = _event(value, line, clock, tally)
            if event is not None:
                yield event
    except _Cut as cut:
        line = document.line_at(cut.position)
        _report(cut, line, tally)
    conclude(source, line, tally)


def _report(cut: _Cut, line: int, tally: Tally) -> None:
    """Tell an end that came too early from damage in the middle."""
    if cut.is_at_end:
        tally.cut(line, "The document ends too early; the frames before were read.")
    else:
        tally.unreadable(line, "bad_json", f"It is not JSON: {cut.why}. Everything behind it was left out.")


def _event(value: Any, line: int, clock: fields.Clock, tally: Tally) -> Event | None:
    if not isinstance(value, list) or len(value) != 2:
        tally.unreadable(line, "not_an_event", "It is not a list of delay and output.")
        return None
    delay, data = value
    at = clock.at(delay, line)
    if at is None:
        tally.unreadable(line, "bad_time", "The delay is not a number.")
    elif not isinstance(data, str):
        tally.unreadable(line, "bad_data", "The output is not text.")
    else:
        return Event(at, "o", data, line)
    return None
