"""Which entries a file has, by name and id, in about forty bytes each: a million entries stay small.

Keys are kept as 64 bits of a keyed hash. The hash is keyed anew for every reading, so that nobody can
write a file in which two names meet.
"""

import hashlib
import secrets
from array import array
from bisect import bisect_left

from accounts.connectors.ldif.names import canonical

NOBODY, ACCOUNT, GROUP, COMPUTER, CONTACT, FOREIGN, OTHER, BROKEN = range(8)


class Index:
    """Keys and the places they were met at, sorted once and then asked."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._keys = array("Q")
        self._places = array("Q")

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: bytes, place: int) -> None:
        """Note that `key` stands at `place`."""
        self._keys.append(self._hash(key))
        self._places.append(place)

    def seal(self) -> None:
        """Sort; nothing may be added any more. Places of one key stay in the order they were added."""
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        self._keys = array("Q", (self._keys[at] for at in order))
        self._places = array("Q", (self._places[at] for at in order))

    def places(self, key: bytes) -> list[int]:
        """Where the key stands."""
        wanted = self._hash(key)
        at = bisect_left(self._keys, wanted)
        found: list[int] = []
        while at < len(self._keys) and self._keys[at] == wanted:
            found.append(self._places[at])
            at += 1
        return found

    def first(self, key: bytes) -> int | None:
        """The first place the key stands at."""
        wanted = self._hash(key)
        at = bisect_left(self._keys, wanted)
        is_there = at < len(self._keys) and self._keys[at] == wanted
        return self._places[at] if is_there else None

    def _hash(self, key: bytes) -> int:
        return int.from_bytes(hashlib.blake2b(key, digest_size=8, key=self._salt).digest(), "big")


class Directory:
    """The entries of one file by their number: what each is, and under which key it is handed over.

    An entry is known by its unique id where the file has one, because a rename leaves that; else by its
    canonical name.
    """

    def __init__(self) -> None:
        self._names, self._ids, self._logins = Index(), Index(), Index()
        self._kinds = bytearray()
        self._unique = bytearray()  # 16 bytes of each entry's id, zeros if it has none
        self.with_id = 0

    def add(self, number: int, dn: str, kind: int, unique: bytes | None, logins: set[str]) -> None:
        """Note an entry; `dn` is canonical, `logins` are the names that `memberUid` may call it by."""
        self._grow(number)
        self._kinds[number] = kind
        self._names.add(dn.encode(), number)
        if unique is not None and kind in (ACCOUNT, GROUP):
            self._unique[number * 16 : number * 16 + 16] = unique
            self._ids.add(unique, number)
            self.with_id += 1
        if kind == ACCOUNT:
            for login in logins:
                self._logins.add(login.encode(), number)

    def refuse(self, number: int) -> None:
        """The entry could not be read."""
        self._grow(number)
        self._kinds[number] = BROKEN

    def seal(self) -> None:
        """All entries are known."""
        for index in (self._names, self._ids, self._logins):
            index.seal()

    def kind(self, number: int) -> int:
        """What the entry is."""
        return self._kinds[number] if number < len(self._kinds) else BROKEN

    def find(self, dn: str) -> int | None:
        """The number of the entry with that canonical name."""
        return self._names.first(dn.encode())

    def key(self, number: int, dn: str) -> str:
        """The key that the entry is handed over under; `dn` is its canonical name."""
        unique = bytes(self._unique[number * 16 : number * 16 + 16])
        return dn if not any(unique) else _written(unique)

    def twin(self, number: int, dn: str) -> int | None:
        """An earlier entry with the same name or id."""
        first = self._names.first(dn.encode())
        if first is not None and first < number:
            return first
        unique = bytes(self._unique[number * 16 : number * 16 + 16])
        first = self._ids.first(unique) if any(unique) else None
        return first if first is not None and first < number else None

    def by_login(self, login: str) -> list[int]:
        """The accounts that `memberUid` means by this name."""
        return sorted({place for place in self._logins.places(login.encode()) if self.kind(place) == ACCOUNT})

    def resolve(self, written: str) -> tuple[int, str, int | None]:
        """What a reference points to: kind, key, number. NOBODY with its canonical name if it is not here."""
        dn = canonical(written)
        if dn is None:
            return OTHER, "", None
        number = self.find(dn)
        if number is None:
            return NOBODY, dn, None
        first = self.twin(number, dn)
        number = number if first is None else first
        return self.kind(number), self.key(number, dn), number

    def _grow(self, number: int) -> None:
        missing = number + 1 - len(self._kinds)
        if missing > 0:
            self._kinds.extend(bytes(missing))
            self._unique.extend(bytes(16 * missing))


def _written(unique: bytes) -> str:
    digits = unique.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
