"""Cutting secrets out of JSON: members by name, tag values by their tag's name, texts by what stands in them.

An item without secrets is written as it came. One with a secret is written anew on its first line and
padded, so that the items below keep their line numbers.
"""

import json
from collections import Counter
from collections.abc import Iterable

from accounts.connectors.connector import Cut, CutKind, Kept, Sink
from accounts.connectors.json_items import Item, items
from accounts.connectors.records import Unreadable
from accounts.connectors.secret_names import is_secret_name
from accounts.connectors.secret_values import holds_secret

PIECE = 64 * 1024  # characters handed to the sink at once
_TAG_NAMES, _TAG_VALUES = ("Key", "key"), ("Value", "value")


def admit_json(text: str, sink: Sink, *, paged: bool = False) -> Kept:
    """Write the JSON object without its secrets; all of it is parsed before the first byte is written.

    With `paged` it may be several of them.
    """
    cutter = _Cutter()
    edits = list(_edits(items(text, paged=paged), text, cutter))
    at = 0
    for start, end, instead in edits:
        _write(text[at:start] + instead, sink)
        at = end
    _write(text[at:], sink)
    lines = text.count("\n") + (not text.endswith("\n"))
    return Kept(lines, cutter.report())


def _edits(found: Iterable[Item], text: str, cutter: "_Cutter") -> list[tuple[int, int, str]]:
    """Places to replace, in the order of the file."""
    edits: list[tuple[int, int, str]] = []
    for item in found:
        if is_secret_name(item.key):
            # Its value becomes null: the key alone tells nothing, and commas and lines stay as they are.
            cutter.note(item.key, "secret_name")
            edits.append((item.start, item.end, "null" + _newlines(text, item)))
        else:
            before = cutter.total
            cleaned = cutter.clean(item.value, item.key)
            if cutter.total != before:
                edits.append(
                    (item.start, item.end, json.dumps(cleaned, ensure_ascii=False) + _newlines(text, item))
                )
    return edits


def _newlines(text: str, item: Item) -> str:
    return "\n" * text.count("\n", item.start, item.end)


def _write(text: str, sink: Sink) -> None:
    for at in range(0, len(text), PIECE):
        sink(text[at : at + PIECE].encode())


class _Cutter:
    def __init__(self) -> None:
        self._counts: Counter[tuple[str, CutKind]] = Counter()
        self.total = 0

    def note(self, name: str, kind: CutKind) -> None:
        self._counts[name[:200], kind] += 1
        self.total += 1

    def clean(self, value: object, name: str) -> object:
        """The value without secrets; `name` is the key it stands under."""
        try:
            return self._clean(value, name)
        except RecursionError:
            raise Unreadable("too_deep", "The JSON is nested too deeply to be an inventory.") from None

    def report(self) -> tuple[Cut, ...]:
        return tuple(Cut(name, kind, count) for (name, kind), count in self._counts.items())

    def _clean(self, value: object, name: str) -> object:
        if isinstance(value, str):
            if not holds_secret(value):
                return value
            self.note(name, "secret_value")
            return ""
        if isinstance(value, list):
            return [self._clean(part, name) for part in value]
        if isinstance(value, dict):
            return self._object(value)
        return value

    def _object(self, value: dict[str, object]) -> dict[str, object]:
        tag = next((value[key] for key in _TAG_NAMES if isinstance(value.get(key), str)), None)
        kept: dict[str, object] = {}
        for key, part in value.items():
            secret = key if is_secret_name(key) else ""
            if isinstance(tag, str) and key in _TAG_VALUES and is_secret_name(tag):
                secret = tag
            if secret:
                self.note(secret, "secret_name")
            else:
                kept[key] = self._clean(part, key)
        return kept
