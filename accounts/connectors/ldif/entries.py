"""LDIF entry by entry: what is wanted of each, long lists of members in pieces, and what cannot be read.

Entries are numbered from 0 in the order of the file, broken ones too, so that every pass over the file
gives an entry the same number.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from accounts.connectors import text
from accounts.connectors.ldif.changes import Changes
from accounts.connectors.ldif.lines import (
    TRAILERS,
    Attribute,
    Unfolded,
    attribute,
    is_noise,
    name_of,
    text_of,
    unfolded,
)
from accounts.connectors.ldif.names import canonical
from accounts.connectors.records import Rejected, Unreadable
from accounts.connectors.text import Readable

PIECE = 5000  # members handed over at once
MOST_VALUES = 20_000  # of one entry that are held at once, members aside
_COUNT = re.compile(r"#\s*numEntries: (\d{1,9})\s*")
_QUESTION = re.compile(r"#\s*(base|filter:|requesting:)\s*(.*?)\s*")


@dataclass(slots=True)
class Entry:
    """One entry with the values that were wanted, by their names in lower case."""

    number: int
    line: int
    dn: str
    values: dict[str, list[Attribute]] = field(default_factory=dict)
    is_broken: bool = False  # it cannot be read; a Rejected says why

    def first(self, *names: str) -> str | None:
        """The first text under the first of these names that has one; language options come last."""
        for name in names:
            found = self.values.get(name, ())
            for one in (*(v for v in found if not v.options), *(v for v in found if v.options)):
                said = (text_of(one.value) or "").strip()
                if said:
                    return said
        return None

    def texts(self, name: str) -> list[str]:
        """All texts under a name."""
        return [said for one in self.values.get(name, ()) if (said := (text_of(one.value) or "").strip())]


class Members(NamedTuple):
    """Some of the members that an entry lists."""

    number: int
    dn: str
    values: list[Attribute]


@dataclass(slots=True)
class Said:
    """What the file says about itself, around its entries."""

    question: dict[str, str] = field(default_factory=dict)  # of ldapsearch: base, filter, requesting
    entries: int | None = None  # that ldapsearch says it found
    result: str | None = None
    references: int = 0
    exported: int = 0  # entries that ldifde wrote


Item = Entry | Members | Rejected


class Reader:
    """One pass over the file: `wanted` attributes are held, `members` are handed over in pieces."""

    def __init__(self, stream: Readable, wanted: frozenset[str], members: frozenset[str]) -> None:
        self._lines = unfolded(text.lines(stream))
        self._wanted, self._members = wanted, members
        self._changes = Changes()
        self._entry: Entry | None = None
        self._piece: list[Attribute] = []
        self._problems: list[Rejected] = []
        self._is_outside = False  # in a block of lines that belongs to no entry
        self._held = 0
        self._number = -1
        self.said = Said()

    def __iter__(self) -> Iterator[Item]:
        for folded in self._lines:
            if not folded.text.strip():
                yield from self._end()
            elif folded.text.startswith("#"):
                self._remark(folded.text)
            else:
                yield from self._line(folded)
        yield from self._end()
        self.said.exported = self._changes.exported
        if self._number < 0:
            raise Unreadable(
                "no_entries",
                "No line begins with “dn:”, so there is no entry in the file. Export it again.",
                1,
            )

    def _line(self, folded: Unfolded) -> Iterator[Item]:
        try:
            said = attribute(folded)
        except binascii.Error:
            name, spelling = name_of(folded) or ("", "")
            if name == "dn":
                yield from self._end()
                self._begin(folded, None)
            else:
                self._value_problem(folded, spelling, "bad_base64", "is no base64")
            return
        if said is None:
            self._no_attribute(folded)
        elif said.name == "dn":
            yield from self._end()
            self._begin(folded, None if said.is_url else text_of(said.value))
        elif self._entry is None:
            yield from self._outside(said, folded)
        else:
            yield from self._hold(self._entry, said, folded)

    def _begin(self, folded: Unfolded, dn: str | None) -> None:
        self._number += 1
        self._changes.begin()
        self._entry = Entry(self._number, folded.line, dn or "")
        self._held = 0
        if dn is None or canonical(dn) is None:
            self._break(folded, "bad_dn", "holds no distinguished name. Export the entry again.")

    def _hold(self, entry: Entry, said: Attribute, folded: Unfolded) -> Iterator[Item]:
        self._changes.see(said)
        if said.is_url:
            self._value_problem(folded, said.spelling, "url_value", "points to a file or address")
        elif said.name in self._members:
            self._piece.append(said)
            if len(self._piece) >= PIECE:
                yield from self._flush(entry)
        elif said.name in self._wanted:
            entry.values.setdefault(said.name, []).append(said)
            self._held += 1
            if self._held > MOST_VALUES:
                entry.values.clear()
                self._held = 0
                self._break(folded, "too_many_values", f"is the {MOST_VALUES:,}th value of one entry.")

    def _end(self) -> Iterator[Item]:
        self._is_outside = False
        entry, self._entry = self._entry, None
        if entry is not None:
            change = self._changes.end()
            if change is not None:
                entry.is_broken = True
                self._problems = [change]
            yield from self._flush(entry)
            yield entry
        problems, self._problems = self._problems, []
        yield from problems

    def _flush(self, entry: Entry) -> Iterator[Item]:
        if self._piece:
            piece, self._piece = self._piece, []
            yield Members(entry.number, entry.dn, piece)

    def _outside(self, said: Attribute, folded: Unfolded) -> Iterator[Item]:
        """Lines between entries: the version, what ldapsearch says at its end, or an entry without a name."""
        if said.name == "version" and self._number < 0 and not self._is_outside:
            if text_of(said.value) not in ("1", "0"):
                raise Unreadable(
                    "unknown_version",
                    f"Line {said.line} says that this is LDIF of another version than 1. Export as version "
                    "1.",
                    said.line,
                )
            return
        is_first, self._is_outside = not self._is_outside, True
        if said.name == "result":
            self.said.result = text_of(said.value)
        elif said.name == "ref":
            self.said.references += 1
        elif said.name not in TRAILERS and is_first:
            yield Rejected(
                said.line,
                "no_dn",
                f"The entry that begins in line {said.line} has no “dn:”, so nobody knows which it is. "
                "Export it "
                "again.",
                folded.text[:200],
            )

    def _no_attribute(self, folded: Unfolded) -> None:
        if self._entry is None:
            if not is_noise(folded.text) and not self._is_outside:
                self._is_outside = True
                self._problem(folded, "broken_line", "is neither an attribute nor the start of an entry.")
        elif not (folded.text == "-" and self._changes.is_inside):
            self._break(
                folded,
                "broken_line",
                "is no attribute, so its entry is not read: a folded line may have lost the space it "
                "begins with.",
            )

    def _break(self, folded: Unfolded, code: str, words: str) -> None:
        """The whole entry counts as not read; it says so once."""
        if self._entry is not None and not self._entry.is_broken:
            self._entry.is_broken = True
            self._problem(folded, code, words)

    def _value_problem(self, folded: Unfolded, spelling: str, code: str, words: str) -> None:
        what = f" ({spelling[:80]})" if spelling else ""
        self._problem(folded, code, f"{words}{what}, so this value is not read. Export it as text.")

    def _problem(self, folded: Unfolded, code: str, words: str) -> None:
        self._problems.append(Rejected(folded.line, code, f"Line {folded.line} {words}", folded.text[:200]))

    def _remark(self, said: str) -> None:
        if found := _COUNT.fullmatch(said):
            self.said.entries = (self.said.entries or 0) + int(found[1])
        elif self._number < 0 and (asked := _QUESTION.fullmatch(said)):
            self.said.question[asked[1].rstrip(":")] = asked[2]
