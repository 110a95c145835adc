"""JSON as API clients save it, with the place of every item: one document, lines of them, or several on end.

Only the outer objects and their lists are taken apart here; what stands in a list is parsed at full speed.
Duplicate keys, NaN, NUL and lone surrogates are refused: readers understand them differently.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from accounts.connectors.records import Unreadable

DEEPEST = 4  # objects in objects that are taken apart member by member
_SPACE = re.compile(r"[ \t\r\n]*")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_HALF = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")  # an escape that may stand for what can't be stored


@dataclass(slots=True)
class Place:
    """A value and where it stands; `members` or `elements` are set if their places are known one by one."""

    value: object
    line: int
    start: int
    end: int
    members: dict[str, "Place"] | None = None
    elements: "list[Place] | None" = None

    def member(self, name: str, value: object) -> "Place":
        """The place of a member; that of the whole object if it was parsed at once."""
        return (self.members or {}).get(name) or Place(value, self.line, self.start, self.end)

    def each(self) -> "list[Place]":
        """The places of the elements of a list."""
        if self.elements is not None:
            return self.elements
        parts = self.value if isinstance(self.value, list) else []
        return [Place(part, self.line, self.start, self.end) for part in parts]


@dataclass(slots=True)
class _Reader:
    text: str
    opens: Callable[[dict[str, object]], bool]  # whether an element is itself a page to be taken apart
    at: int = 0
    counted: int = 0
    line: int = 1
    has_halves: bool = False
    decoder: json.JSONDecoder = field(init=False)

    def __post_init__(self) -> None:
        self.decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=self._constant)
        self.has_halves = _HALF.search(self.text) is not None

    def documents(self) -> Iterator[Place]:
        self._skip()
        while self.at < len(self.text):
            if self.text[self.at] not in "{[":
                raise self._no_json()
            yield self._whole_line() or self._value(0)
            self._skip()
            if self.text[self.at : self.at + 1] == ",":
                raise self._broken(self.at)

    def _whole_line(self) -> Place | None:
        """A document that ends with its line needs no taking apart: everything in it is on that line."""
        start = self.at
        end = self.text.find("\n", start)
        written = self.text[start : len(self.text) if end < 0 else end].rstrip()
        if not written.endswith(("}", "]")):
            return None
        line = self._line_of(start)
        try:
            value, stop = self.decoder.raw_decode(self.text, start)
        except (ValueError, RecursionError):
            return None
        if stop != start + len(written):
            return None
        self._check(value, line)
        self.at = stop
        return Place(value, line, start, stop)

    def _value(self, depth: int) -> Place:
        sign = self.text[self.at : self.at + 1]
        if sign == "{" and depth < DEEPEST:
            return self._members(depth)
        if sign == "[" and depth < DEEPEST:
            return self._elements(depth)
        return self._parsed()

    def _members(self, depth: int) -> Place:
        start, line = self.at, self._line_of(self.at)
        found: dict[str, Place] = {}
        self._take(1)
        while not self._takes("}"):
            if found:
                self._expect(",")
            at = self.at
            name = self._parsed().value
            if not isinstance(name, str):
                raise self._broken(at)
            if name in found:
                raise self._twice(name)
            self._skip()
            self._expect(":")
            found[name] = self._value(depth + 1)
            self._skip()
        value = {name: place.value for name, place in found.items()}
        return Place(value, line, start, self._ended(), members=found)

    def _elements(self, depth: int) -> Place:
        start, line = self.at, self._line_of(self.at)
        found: list[Place] = []
        self._take(1)
        while not self._takes("]"):
            if found:
                self._expect(",")
            at = self.at
            place = self._parsed()
            if isinstance(place.value, dict) and self.opens(place.value):
                self.at = at
                place = self._value(depth + 1)
            found.append(place)
            self._skip()
        return Place([place.value for place in found], line, start, self._ended(), elements=found)

    def _parsed(self) -> Place:
        start = self.at
        line = self._line_of(start)
        try:
            value, self.at = self.decoder.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            raise self._broken(error.pos) from None
        except RecursionError:
            raise Unreadable(
                "too_deep", f"The JSON in line {line} is nested too deeply to be an inventory.", line
            ) from None
        except ValueError:  # numbers of thousands of digits
            raise self._broken(start) from None
        self._check(value, line)
        return Place(value, line, start, self.at)

    def _check(self, value: object, line: int) -> None:
        waiting = [value] if self.has_halves else []
        while waiting:
            part = waiting.pop()
            if isinstance(part, str) and _UNSTORABLE.search(part):
                raise Unreadable(
                    "nul",
                    f"A text in the item that starts in line {line} holds NUL or half a character (\\u0000, "
                    "\\ud800). Correct it at the source.",
                    line,
                )
            if isinstance(part, dict):
                waiting.extend(part)
                waiting.extend(part.values())
            elif isinstance(part, list):
                waiting.extend(part)

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(pairs)
        if len(made) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            raise self._twice(counts.most_common(1)[0][0])
        return made

    def _constant(self, name: str) -> object:
        line = self._line_of(self.at)
        raise Unreadable(
            "not_json", f"{name} is no JSON. It stands in the item that starts in line {line}.", line
        )

    def _twice(self, name: str) -> Unreadable:
        line = self._line_of(self.at)
        return Unreadable(
            "duplicate_key",
            f"The key “{name[:80]}” occurs twice in one object, in or after line {line}. Nobody can say "
            "which is meant: export the file again.",
            line,
        )

    def _take(self, size: int) -> None:
        self.at += size
        self._skip()

    def _takes(self, sign: str) -> bool:
        if self.text[self.at : self.at + 1] != sign:
            return False
        self.at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._broken(self.at)
        self._skip()

    def _ended(self) -> int:
        return self.at

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _no_json(self) -> Unreadable:
        line = self._line_of(self.at)
        return Unreadable(
            "not_json",
            f"Line {line} does not begin a JSON object or list. Check that it is the right file, and that it "
            "holds the answers alone, without headers or messages around them.",
            line,
        )

    def _broken(self, at: int) -> Unreadable:
        line = self.text.count("\n", 0, at) + 1
        offset = len(self.text[:at].encode(errors="replace"))
        if not self.text[at:].strip() or _unclosed(self.text, at):
            return Unreadable(
                "truncated",
                f"The JSON ends too early, in line {line} at byte {offset}: the file is cut off. Export or "
                "copy it again.",
                line,
            )
        return Unreadable(
            "not_json",
            f"This is no valid JSON: line {line}, byte {offset}. Export it again without editing it.",
            line,
        )

    def _line_of(self, at: int) -> int:
        """Lines are counted forward only, so that a large file is counted once."""
        if at >= self.counted:
            self.line += self.text.count("\n", self.counted, at)
            self.counted = at
            return self.line
        return self.text.count("\n", 0, at) + 1


def documents(text: str, opens: Callable[[dict[str, object]], bool]) -> list[Place]:
    """Every document of the file; raises Unreadable with the line where it is no JSON."""
    found = list(_Reader(text, opens).documents())
    if not found:
        raise Unreadable("empty", "The file holds nothing but space. Export it again.", 1)
    return found


def _unclosed(text: str, at: int) -> bool:
    """An error at a quote that nothing closes, or in a word that the end of the file cuts."""
    rest = text[at : at + 2_000_000]
    return (rest.startswith('"') and re.fullmatch(r'"(?:[^"\\]|\\.)*\\?', rest, re.DOTALL) is not None) or (
        re.fullmatch(r"(?:t|tr|tru|f|fa|fal|fals|n|nu|nul|-|\\u?[0-9a-fA-F]{0,3})", rest) is not None
    )
