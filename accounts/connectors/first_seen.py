"""Which keys were seen before and on which line, in about forty bytes a key however long the keys are."""

from array import array
from collections.abc import Hashable

_FILL = 0.6


class FirstSeen:
    """An open-addressed table of 64-bit hashes: a million rows stay under 100 MB, where a dict would not."""

    def __init__(self) -> None:
        self._resize(1024)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: Hashable) -> bool:
        return self._keys[self._slot(_hash(key))] != 0

    def find(self, key: Hashable, content: Hashable = None) -> tuple[int, bool] | None:
        """The line the key was first seen on, and whether its content was the same; None if it is new."""
        at = self._slot(_hash(key))
        return (self._lines[at], self._contents[at] == _hash(content)) if self._keys[at] else None

    def note(self, key: Hashable, line: int, content: Hashable = None) -> tuple[int, bool] | None:
        """Like `find`, and remembers a new key."""
        if (found := self.find(key, content)) is not None:
            return found
        hashed = _hash(key)
        at = self._slot(hashed)
        self._keys[at], self._lines[at], self._contents[at] = hashed, line, _hash(content)
        self._count += 1
        if self._count > self._size * _FILL:
            self._grow()
        return None

    def _slot(self, hashed: int) -> int:
        keys, mask = self._keys, self._size - 1
        at = (hashed ^ hashed >> 32) & mask
        while keys[at] and keys[at] != hashed:
            at = (at + 1) & mask
        return at

    def _resize(self, size: int) -> None:
        self._size = size
        self._keys, self._contents = array("Q", bytes(8 * size)), array("Q", bytes(8 * size))
        self._lines = array("Q", bytes(8 * size))

    def _grow(self) -> None:
        old = self._keys, self._lines, self._contents
        self._resize(self._size * 2)
        for hashed, line, content in zip(*old, strict=True):
            if hashed:
                at = self._slot(hashed)
                self._keys[at], self._lines[at], self._contents[at] = hashed, line, content


def _hash(key: Hashable) -> int:
    return hash(key) & 0xFFFF_FFFF_FFFF_FFFF or 1  # 0 marks a free slot
