"""ttyrec: frames of output, each behind 12 bytes of seconds, microseconds and length.

The format has no mark of its own: a file is one when some frames follow each other with times,
microseconds and lengths that can be such. Numbers are little endian, as ttyrec writes them on the machines
of today, or big endian throughout. It has neither a size nor input; its last frame may be cut. (ttyrec(1),
ttyplay(1).)
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime

from sessions_app.formats import fields
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import MIB, Source, conclude
from sessions_app.formats.terminal_bytes import ByteReader, TerminalText

KEY = "ttyrec"
HEAD = 64 * 1024
HEADER = 12
LONGEST_FRAME = MIB
FRAMES_LOOKED_AT = 20
FEW_FRAMES = 2  # that must be seen whole, unless the file ends with the first
LONGEST_PAUSE = 366 * 86400

_ORDERS = ("<III", ">III")


def order_of(head: bytes) -> str | None:
    """The byte order in which the first bytes are frames; None when they are none in either."""
    return next((order for order in _ORDERS if _is_plausible(head, order)), None)


def _is_plausible(head: bytes, order: str) -> bool:
    place, last, frames, is_text, is_from_zero = 0, 0, 0, False, False
    while place + HEADER <= len(head) and frames < FRAMES_LOOKED_AT:
        seconds, microseconds, length = struct.unpack_from(order, head, place)
        is_moment = fields.EARLIEST.timestamp() <= seconds < fields.LATEST.timestamp()
        if frames == 0:
            last, is_from_zero = seconds, seconds < fields.MAX_SECONDS
        is_near = abs(seconds - last) <= LONGEST_PAUSE
        is_frame = (is_moment or is_from_zero) and is_near and microseconds < 1_000_000
        if not is_frame or length > LONGEST_FRAME:
            break
        is_text = is_text or length > 0
        place += HEADER + length
        last, frames = seconds, frames + 1
    is_enough = frames >= (2 * FEW_FRAMES if is_from_zero else FEW_FRAMES)
    is_whole = frames > 0 and len(head) - HEADER < place <= len(head)
    return is_text and (is_enough or is_whole)


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether the first bytes are frames."""
    return order_of(head) is not None


def read(source: Source) -> Reading:
    """The frames of a ttyrec; times count from the first one."""
    order = order_of(source.peek(HEAD))
    if order is None:
        raise NotReadable("bad_header", "The file is no ttyrec. Check that it is complete from its start.", 1)
    tally = Tally()
    seconds, microseconds, _ = struct.unpack_from(order, source.peek(HEADER))
    is_moment = fields.EARLIEST.timestamp() <= seconds < fields.LATEST.timestamp()
    header = RecordingHeader(
        format=KEY,
        version=1,
        started_at=datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)
        if is_moment
        else None,
    )
    return Reading(header, _events(source, order, (seconds, microseconds), tally), tally)


def _events(source: Source, order: str, start: tuple[int, int], tally: Tally) -> Iterator[Event]:
    reader, text = ByteReader(source), TerminalText()
    clock = fields.Clock(tally, is_relative=False)
    number = 0
    while head := reader.take(HEADER):
        number += 1
        place = reader.offset - len(head)
        if len(head) < HEADER:
            tally.cut(number, "The last frame has no whole header and was left out.")
            break
        seconds, microseconds, length = struct.unpack(order, head)
        if microseconds >= 1_000_000 or length > LONGEST_FRAME:
            reason = f"No frame stands at byte {place:,}: everything from there on was left out."
            tally.unreadable(number, "bad_frame", reason)
            break
        if start[0] and not head.strip(b"\0"):
            tally.cut(number, "The file ends in NUL bytes, as after a crash of the recording machine.")
            break
        # Differences of whole numbers first: a float of a Unix time has no exact microseconds.
        at = clock.at((seconds - start[0]) + (microseconds - start[1]) / 1e6, number)
        data = reader.take(length)
        yield Event(at or 0.0, "o", text.feed(data), number)
        if len(data) < length:
            tally.cut(number, "The last frame is incomplete; what is there of it was read.")
            break
    if left := text.end():
        yield Event(clock.now, "o", left, number)
    conclude(source, number or 1, tally)


FORMAT = Format(KEY, "ttyrec", 1, recognises, read)
