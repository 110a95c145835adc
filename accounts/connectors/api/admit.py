"""Cutting secrets out of saved API answers: by the names of members, by what stands in texts, private keys.

An item without secrets is written as it came; one with a secret is written anew on its first line and
padded, so that the items below keep their line numbers.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from accounts.connectors import text as texts
from accounts.connectors.api.json import Place, documents
from accounts.connectors.api.pages import LIMIT, Pages, Shape, is_page, pages, taken_apart
from accounts.connectors.connector import Cut, CutKind, Kept, Sink
from accounts.connectors.exchanges import Page, is_exchanges, unwrapped
from accounts.connectors.exchanges.cleaning import Cleaner
from accounts.connectors.records import Unreadable
from accounts.connectors.secret_names import is_secret_name, normal
from accounts.connectors.secret_values import holds_secret
from accounts.connectors.text import Readable

Check = Callable[[Pages], object]  # raises Unreadable for what is of another format
PIECE = 64 * 1024  # characters handed to the sink at once
_NO_JSON = "no JSON"  # what `broken` says of pages, pictures and scripts
_PRIVATE_JWK = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_TAG_NAMES, _TAG_VALUES = ("Key", "key", "name"), ("Value", "value")


def admit_answers(stream: Readable, shape: Shape, sink: Sink, check: Check) -> Kept:
    """Saved answers, or a recording with requests and headers, which are left away; `check` may refuse."""
    text = texts.whole(stream, LIMIT)
    return (_admit_recorded if is_exchanges(text[:PIECE]) else _admit_saved)(text, shape, sink, check)


def _admit_recorded(text: str, shape: Shape, sink: Sink, check: Check) -> Kept:
    """Write the answers of recorded exchanges, one a line, as `api_pages` takes them."""
    cutter, addresses = Cutter(shape), Cleaner()
    written = [
        _exchange(page, cutter, addresses) for page in unwrapped(text) if page.body or page.broken != _NO_JSON
    ]
    made = "\n".join(['{"pages": [', ",\n".join(written), "]}", ""])
    check(pages(made, shape))
    _write(made, sink)
    return Kept(len(written) + 2, (*cutter.report(), *addresses.report(), Cut("headers", "unmapped", 0)))


def _admit_saved(text: str, shape: Shape, sink: Sink, check: Check) -> Kept:
    """Write the answers without their secrets; all of it is parsed before the first byte is written."""
    places = documents(text, lambda value: is_page(value, shape))
    check(taken_apart(places, shape))
    cutter = Cutter(shape)
    edits: list[tuple[int, int, str]] = []
    for place in places:
        cutter.place(text, place, "", edits)
    at = 0
    for start, end, instead in edits:
        _write(text[at:start] + instead, sink)
        at = end
    _write(text[at:], sink)
    return Kept(text.count("\n") + (not text.endswith("\n")), cutter.report())


def _exchange(page: Page, cutter: "Cutter", addresses: Cleaner) -> str:
    made: dict[str, object] = {
        "method": page.method,
        "url": addresses.address(page.url),
        "status": page.status,
        "next": addresses.address(page.next_url) or None,
        "taken_at": page.taken_at.isoformat() if page.taken_at else None,
        "body": cutter.clean(documents(page.body, _never)[0].value, "") if page.body else [],
    }
    if page.broken:
        del made["body"]
        made["broken"] = page.broken
    return json.dumps(made, ensure_ascii=False)


@dataclass(slots=True)
class Cutter:
    """Values without secrets, and what was taken out of them."""

    shape: Shape
    total: int = 0
    _counts: Counter[tuple[str, CutKind]] = field(default_factory=Counter)
    _names: dict[str, Literal["plain", "secret", "container"]] = field(default_factory=dict)

    def place(self, text: str, place: Place, name: str, edits: list[tuple[int, int, str]]) -> None:
        """Add what is to be replaced in the text, in the order of the file."""
        if place.members is not None and isinstance(place.value, dict) and not _is_jwk(place.value):
            for key, member in place.members.items():
                if self._is_secret(key, member.value) or _tagged(place.value, key):
                    self._note(key, "secret_name")
                    edits.append((member.start, member.end, "null" + _newlines(text, member)))
                else:
                    self.place(text, member, key, edits)
            return
        if place.elements is not None and name not in self.shape.containers:
            for element in place.elements:
                self.place(text, element, name, edits)
            return
        before = self.total
        cleaned = self.clean(place.value, name)
        if self.total != before:
            written = json.dumps(cleaned, ensure_ascii=False) + _newlines(text, place)
            edits.append((place.start, place.end, written))

    def clean(self, value: object, name: str) -> object:
        """The value without secrets; `name` is the key it stands under."""
        try:
            return self._clean(value, name)
        except RecursionError:
            raise Unreadable("too_deep", "The JSON is nested too deeply to be an inventory.") from None

    def report(self) -> tuple[Cut, ...]:
        """What was cut, by name."""
        return tuple(Cut(name, kind, count) for (name, kind), count in self._counts.items())

    def _clean(self, value: object, name: str) -> object:
        if isinstance(value, str):
            if name in self.shape.nexts or name in self.shape.plain or not holds_secret(value):
                return value
            self._note(name, "secret_value")
            return ""
        if isinstance(value, list):
            return self._list(value, name)
        if isinstance(value, dict):
            return self._object(value)
        return value

    def _list(self, value: list[object], name: str) -> list[object]:
        if name in self.shape.containers:  # facts about secrets are objects; a bare text would be one itself
            kept = [part for part in value if isinstance(part, dict | list)]
            if len(kept) < len(value):
                self._note(name, "secret_name", len(value) - len(kept))
            return [self._clean(part, "") for part in kept]
        return [self._clean(part, name) for part in value]

    def _object(self, value: dict[str, object]) -> dict[str, object]:
        is_jwk = _is_jwk(value)
        kept: dict[str, object] = {}
        for key, part in value.items():
            if (is_jwk and key in _PRIVATE_JWK) or self._is_secret(key, part) or _tagged(value, key):
                self._note(key, "secret_name")
            else:
                kept[key] = self._clean(part, key)
        return kept

    def _is_secret(self, key: str, value: object) -> bool:
        """Yes, no and nothing are no secrets, and an address or a list about secrets is looked into."""
        if value is None or isinstance(value, bool) or value in ("", []):
            return False
        said = self._names.get(key)
        if said is None:
            said = self._names[key] = self._judge(key)
        return said == "secret" or (said == "container" and not isinstance(value, dict | list))

    def _judge(self, key: str) -> Literal["plain", "secret", "container"]:
        """What a name alone says; the few names of a file are judged once."""
        if normal(key) in self.shape.secrets:
            return "secret"
        if key in self.shape.nexts or key in self.shape.plain or not is_secret_name(key):
            return "plain"
        return "container" if key in self.shape.containers or "/" in key else "secret"

    def _note(self, name: str, kind: CutKind, count: int = 1) -> None:
        self._counts[name[:200], kind] += count
        self.total += 1


def _never(_value: dict[str, object]) -> bool:
    return False


def _is_jwk(value: dict[str, object]) -> bool:
    return isinstance(value.get("kty"), str)


def _tagged(value: dict[str, object], key: str) -> bool:
    """`{"name": "db-password", "value": "…"}`: the value is what its neighbour calls it."""
    if key not in _TAG_VALUES or not isinstance(value[key], str):
        return False
    return any(isinstance(tag := value.get(name), str) and is_secret_name(tag) for name in _TAG_NAMES)


def _newlines(text: str, place: Place) -> str:
    return "\n" * text.count("\n", place.start, place.end)


def _write(text: str, sink: Sink) -> None:
    for at in range(0, len(text), PIECE):
        sink(text[at : at + PIECE].encode())
