"""Bytes of a stream in pieces of a wanted size, and terminal bytes as text across the borders of events."""

import codecs

from sessions_app.formats.lines import Source


class ByteReader:
    """A source read forwards in pieces; `offset` is the place of the next byte in the unpacked file."""

    def __init__(self, source: Source) -> None:
        self._blocks = iter(source)
        self._held = b""
        self._at = 0
        self.offset = 0

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes; fewer only at the end."""
        found: list[bytes] = []
        missing = size
        while missing > 0 and self._fill():
            piece = self._held[self._at : self._at + missing]
            self._at += len(piece)
            missing -= len(piece)
            found.append(piece)
        self.offset += size - missing
        return b"".join(found)

    def line(self, limit: int) -> bytes:
        """Up to and with the next LF; without one at the end, or after `limit` bytes."""
        found: list[bytes] = []
        length = 0
        while length < limit and self._fill():
            end = self._held.find(b"\n", self._at, self._at + limit - length) + 1
            piece = self._held[self._at : end or self._at + limit - length]
            self._at += len(piece)
            length += len(piece)
            found.append(piece)
            if end:
                break
        self.offset += length
        return b"".join(found)

    def give_back(self, data: bytes) -> None:
        """The piece that was taken last, to be read again."""
        self._held, self._at = data + self._held[self._at :], 0
        self.offset -= len(data)

    def _fill(self) -> bool:
        """Whether there is a byte left to read."""
        while self._at >= len(self._held):
            block = next(self._blocks, b"")
            if not block:
                return False
            self._held, self._at = block, 0
        return True


class TerminalText:
    """UTF-8 that may be cut between two events; what is no UTF-8 becomes U+FFFD."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        """The text that is whole by now; the start of a character waits for its rest."""
        return self._decoder.decode(data)

    def end(self) -> str:
        """What is left of a character that never came whole."""
        return self._decoder.decode(b"", final=True)
