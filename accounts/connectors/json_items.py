"""JSON objects of lists, item by item with their lines: parsed at full speed, found again by a person.

The file is held as text, its items are parsed one after the other. Duplicate keys, NaN, NUL and lone
surrogates are refused: readers understand them differently, or the database not at all.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from accounts.connectors.records import Unreadable

_SPACE = re.compile(r"[ \t\r\n]*")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Item:
    """A value of the outermost object, or one element of a list in it, and its place in the text."""

    key: str
    value: object
    line: int
    start: int  # of the value
    end: int
    is_element: bool
    member_start: int  # of the quote that opens the key
    page: int = 1  # the object it stands in, where several follow one another


@dataclass(slots=True)
class Document:
    """The outermost object: its lists as (line, element), everything else by key.

    Of several objects the lists are put together, and of everything else the last one counts.
    """

    pages: int = 1
    lists: dict[str, list[tuple[int, object]]] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)


def document(text: str, *, paged: bool = False) -> Document:
    """The whole file; raises Unreadable with line and byte where it is no JSON object."""
    found = Document()
    for item in items(text, paged=paged):
        found.pages = item.page
        if item.is_element:
            found.lists.setdefault(item.key, []).append((item.line, item.value))
        elif isinstance(item.value, list):  # items() hands over a list itself only when it is empty
            found.lists.setdefault(item.key, [])
        else:
            found.values[item.key] = item.value
    return found


def items(text: str, *, paged: bool = False) -> Iterator[Item]:
    """Every item of the outermost object in the order of the file; an empty list is one item.

    With `paged` several objects may follow one another, one a line or not, or stand in an array.
    """
    reader = _Reader(text)
    yield from reader.pages() if paged else reader.members()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=self._constant)
        self._counted, self._line = 0, 1
        self._at, self._page = 0, 1

    def members(self) -> Iterator[Item]:
        self._at = _skip(self._text, 0)
        yield from self._members()
        self._ends()

    def pages(self) -> Iterator[Item]:
        self._at = _skip(self._text, 0)
        is_array = self._takes("[")
        yield from self._members()
        while self._takes(",") if is_array else self._at < len(self._text):
            self._page += 1
            yield from self._members()
        if is_array:
            self._expect("]")
        self._ends()

    def _members(self) -> Iterator[Item]:
        if self._text[self._at : self._at + 1] != "{":
            raise Unreadable(
                "not_json_object",
                "The file does not begin with “{”, so it is not the JSON object that this format is. Check "
                "that it is the right file.",
                1,
            )
        self._at = _skip(self._text, self._at + 1)
        names: set[str] = set()
        while not self._takes("}"):
            if names:
                self._expect(",")
            start = self._at
            name = self._value()
            if not isinstance(name, str):
                raise self._broken(start)
            if name in names:
                raise self._twice(name)
            names.add(name)
            self._expect(":")
            yield from self._member(name, start)

    def _ends(self) -> None:
        if self._at < len(self._text):
            raise Unreadable(
                "extra_data",
                f"Something follows the end of the JSON object in line {self._line_of(self._at)}. If several "
                "answers were written into one file, import them one by one.",
                self._line_of(self._at),
            )

    def _member(self, name: str, member: int) -> Iterator[Item]:
        if self._text[self._at : self._at + 1] != "[":
            yield self._item(name, member, is_element=False)
            return
        start = self._at
        self._at = _skip(self._text, self._at + 1)
        if self._takes("]"):
            yield Item(name, [], self._line_of(start), start, self._at, False, member, self._page)
            return
        while True:
            yield self._item(name, member, is_element=True)
            if self._takes("]"):
                return
            self._expect(",")

    def _item(self, name: str, member: int, *, is_element: bool) -> Item:
        start, line = self._at, self._line_of(self._at)
        value = self._value()
        end = len(self._text[start : self._at].rstrip()) + start
        return Item(name, value, line, start, end, is_element, member, self._page)

    def _value(self) -> object:
        start = self._at
        try:
            value, end = self._decoder.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            raise self._broken(error.pos) from None
        except RecursionError:
            raise Unreadable(
                "too_deep",
                f"The JSON in line {self._line_of(start)} is nested too deeply to be an inventory.",
                self._line_of(start),
            ) from None
        except ValueError:  # numbers of thousands of digits
            raise self._broken(start) from None
        self._check(value, start)
        self._at = _skip(self._text, end)
        return value

    def _check(self, value: object, start: int) -> None:
        waiting = [value]
        while waiting:
            part = waiting.pop()
            if isinstance(part, str):
                if _UNSTORABLE.search(part):
                    line = self._line_of(start)
                    raise Unreadable(
                        "nul",
                        f"A text in the item that starts in line {line} holds NUL or half a character "
                        "(\\u0000, \\ud800). Correct it at the source.",
                        line,
                    )
            elif isinstance(part, dict):
                waiting.extend(part)
                waiting.extend(part.values())
            elif isinstance(part, list):
                waiting.extend(part)

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            raise self._twice(next(name for name in names if names.count(name) > 1))
        return made

    def _constant(self, name: str) -> object:
        raise Unreadable(
            "not_json",
            f"{name} is no JSON. It stands in the item that starts in line {self._line_of(self._at)}.",
            self._line_of(self._at),
        )

    def _twice(self, name: str) -> Unreadable:
        line = self._line_of(self._at)
        return Unreadable(
            "duplicate_key",
            f"The key “{name[:80]}” occurs twice in one object, in or after line {line}. Nobody can say "
            "which is meant: export the file again.",
            line,
        )

    def _takes(self, sign: str) -> bool:
        if self._text[self._at : self._at + 1] != sign:
            return False
        self._at = _skip(self._text, self._at + 1)
        return True

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._broken(self._at)

    def _broken(self, at: int) -> Unreadable:
        line = self._text.count("\n", 0, at) + 1
        offset = len(self._text[:at].encode(errors="replace"))
        if not self._text[at:].strip() or self._unclosed(at):
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

    def _unclosed(self, at: int) -> bool:
        """An error at a quote that nothing closes, or in a word that the end of the file cuts."""
        rest = self._text[at : at + 2_000_000]
        return (
            rest.startswith('"') and re.fullmatch(r'"(?:[^"\\]|\\.)*\\?', rest, re.DOTALL) is not None
        ) or (re.fullmatch(r"(?:t|tr|tru|f|fa|fal|fals|n|nu|nul|-|\\u?[0-9a-fA-F]{0,3})", rest) is not None)

    def _line_of(self, at: int) -> int:
        """Lines are counted forward only, so that a large file is counted once."""
        if at >= self._counted:
            self._line += self._text.count("\n", self._counted, at)
            self._counted = at
            return self._line
        return self._text.count("\n", 0, at) + 1


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
