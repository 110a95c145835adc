"""Which keys were seen before and on which line, in about thirty bytes a key however long the keys are."""

from array import array
from collections.abc import Hashable

_FILL = 0.75
_SMALL = 1 << 20  # slots; a larger table only doubles, so that memory stays close to what is needed
_KEY, _CONTENT = 0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF


class FirstSeen:
    """An open-addressed table of 64-bit hashes: a million rows stay under 50 MB, where a dict would not.

    Of what was said of a key it remembers 32 bits: enough to tell a contradiction from a repetition.
    """

    def __init__(self) -> None:
        self._resize(1024)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: Hashable) -> bool:
        return self._keys[self._slot(hash(key) & _KEY or 1)] != 0

    def find(self, key: Hashable, content: Hashable = None) -> tuple[int, bool] | None:
        """The line the key was first seen on, and whether its content was the same; None if it is new."""
        at = self._slot(hash(key) & _KEY or 1)
        if not self._keys[at]:
            return None
        return self._lines[at], self._contents[at] == hash(content) & _CONTENT

    def note(self, key: Hashable, line: int, content: Hashable = None) -> tuple[int, bool] | None:
        """Like `find`, and remembers a new key."""
        hashed = hash(key) & _KEY or 1  # 0 marks a free slot
        keys, mask = self._keys, self._size - 1
        at = (hashed ^ hashed >> 32) & mask  # as in _slot; this runs for each row of a long file
        while there := keys[at]:
            if there == hashed:
                return self._lines[at], self._contents[at] == hash(content) & _CONTENT
            at = (at + 1) & mask
        keys[at], self._lines[at], self._contents[at] = hashed, line, hash(content) & _CONTENT
        self._count += 1
        if self._count > self._size * _FILL:
            self._grow()
        return None

    def _slot(self, hashed: int) -> int:
        keys, mask = self._keys, self._size - 1
        at = (hashed ^ hashed >> 32) & mask
        while (there := keys[at]) and there != hashed:
            at = (at + 1) & mask
        return at

    def _resize(self, size: int) -> None:
        self._size = size
        self._keys = array("Q", bytes(8 * size))
        self._lines, self._contents = array("I", bytes(4 * size)), array("I", bytes(4 * size))

    def _grow(self) -> None:
        old = self._keys, self._lines, self._contents
        self._resize(self._size * (4 if self._size < _SMALL else 2))
        keys, lines, contents, mask = self._keys, self._lines, self._contents, self._size - 1
        for hashed, line, content in zip(*old, strict=True):
            if hashed:
                at = (hashed ^ hashed >> 32) & mask
                while keys[at]:
                    at = (at + 1) & mask
                keys[at], lines[at], contents[at] = hashed, line, content
