"""YAML as nodes that know their place in the text: read by events, so no file chooses what is built.

Aliases share one node; what they would unfold to is counted and bounded, so that a small file stays small.
Duplicate keys, unknown tags and control characters are refused: readers understand them differently.
Numbers other than whole ones, and days, stay text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from accounts.connectors.records import Unreadable

DEPTH = 200  # levels of nesting
UNFOLDED = 1_000_000  # values that all aliases of a file may stand for together
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE, _FALSE = frozenset({"true", "True", "TRUE"}), frozenset({"false", "False", "FALSE"})
_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_STANDARD = "tag:yaml.org,2002:"
_TAGS = frozenset({"str", "int", "float", "bool", "null", "map", "seq", "binary", "timestamp"})


@dataclass(slots=True)
class YamlText:
    """A scalar: its text without quotes, and where it stands with them (characters from the beginning)."""

    value: str
    start: int
    end: int
    is_plain: bool
    anchor: str | None = None
    weight: int = 1


@dataclass(slots=True)
class YamlList:
    """A sequence."""

    line: int
    items: list["YamlNode"] = field(default_factory=list)
    weight: int = 1  # values that it stands for when every alias is unfolded


@dataclass(slots=True)
class YamlMap:
    """A mapping; merge keys (<<) are resolved, a key of its own wins."""

    line: int
    pairs: list[tuple[YamlText, "YamlNode"]] = field(default_factory=list)
    weight: int = 1

    def get(self, key: str) -> "YamlNode | None":
        """The value under this key."""
        return next((value for name, value in self.pairs if name.value == key), None)


YamlNode = YamlText | YamlList | YamlMap


@dataclass(frozen=True, slots=True)
class YamlItem:
    """A document, or one element of a list in it that is handed over early."""

    node: YamlNode
    line: int
    is_element: bool


def yaml_items(text: str, streamed: str | None = None) -> Iterator[YamlItem]:
    """Every document. Elements of the list under the outermost key `streamed` come one by one before it."""
    yield from _Reader(text, streamed).items()


def plain(node: YamlNode) -> object:
    """The node as text, numbers, lists and dictionaries."""
    if isinstance(node, YamlMap):
        return {key.value: plain(value) for key, value in node.pairs}
    if isinstance(node, YamlList):
        return [plain(item) for item in node.items]
    return _resolved(node.value) if node.is_plain else node.value


def _resolved(said: str) -> str | int | bool | None:
    if said in _NULLS:
        return None
    if said in _TRUE or said in _FALSE:
        return said in _TRUE
    return int(said) if _WHOLE.fullmatch(said) else said


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    node: YamlList | YamlMap
    anchor: str | None
    key: YamlText | None = None
    keys: set[str] = field(default_factory=set)
    merged: list[YamlNode] = field(default_factory=list)
    is_streamed: bool = False


class _Reader:
    def __init__(self, text: str, streamed: str | None) -> None:
        self._text, self._streamed = text, streamed
        self._anchors: dict[str, YamlNode] = {}
        self._open: list[_Open] = []
        self._unfolded = 0
        self._counted, self._line = 0, 1

    def items(self) -> Iterator[YamlItem]:
        events = iter(yaml.parse(self._text, Loader=LOADER))
        while True:
            try:
                event = next(events, None)
            except yaml.YAMLError as error:
                raise self._broken(error) from None
            if event is None:
                return
            node = self._node(event)
            if node is None:
                continue
            if not self._open:
                yield YamlItem(node, node.line if not isinstance(node, YamlText) else self._line, False)
            elif self._open[-1].is_streamed:
                line = self._line if isinstance(node, YamlText) else node.line
                yield YamlItem(node, line, True)
            else:
                self._place(node, self._open[-1])

    def _node(self, event: Any) -> YamlNode | None:
        """The node that this event completes, if it does."""
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            return self._end()
        elif isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}
        return None

    def _scalar(self, event: Any) -> YamlText:
        at = event.start_mark.index
        line = self._line_of(at)
        if _UNSTORABLE.search(event.value):
            raise Unreadable(
                "nul",
                f"The text in line {line} holds NUL or half a character (\\0, \\ud800). Correct it at "
                "the source.",
                line,
            )
        is_text = self._is_text(event.tag, at) or bool(event.style)
        node = YamlText(event.value, at, event.end_mark.index, not is_text, event.anchor)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _begin(self, event: Any) -> None:
        at = event.start_mark.index
        line = self._line_of(at)
        if len(self._open) >= DEPTH:
            raise Unreadable(
                "too_deep", f"The YAML in line {line} is nested deeper than {DEPTH} levels.", line
            )
        self._is_text(event.tag, at)
        if isinstance(event, yaml.MappingStartEvent):
            self._open.append(_Open(YamlMap(line), event.anchor))
            return
        opened = _Open(YamlList(line), event.anchor)
        if len(self._open) == 1 and self._streamed is not None:
            key = self._open[0].key
            opened.is_streamed = key is not None and key.value == self._streamed
        self._open.append(opened)

    def _end(self) -> YamlNode:
        opened = self._open.pop()
        node = opened.node
        if isinstance(node, YamlMap):
            for merged in opened.merged:
                self._merge(node, merged, opened.keys)
        if opened.anchor is not None:
            self._anchors[opened.anchor] = node
        return node

    def _alias(self, event: Any) -> YamlNode:
        line = self._line_of(event.start_mark.index)
        node = self._anchors.get(event.anchor)
        if node is None:
            raise Unreadable(
                "unknown_alias",
                f"Line {line} refers to an anchor (*) that nothing before it sets, or that it stands in "
                'itself. If a star is meant, write it in quotes: "*".',
                line,
            )
        self._unfolded += node.weight
        if self._unfolded > UNFOLDED:
            raise Unreadable(
                "too_many_aliases",
                f"The aliases up to line {line} stand for more than {UNFOLDED:,} values. No inventory is "
                "written like that: export it again without anchors.",
                line,
            )
        return node

    def _place(self, node: YamlNode, into: _Open) -> None:
        """Into the list, or as key or value into the mapping, that is open."""
        if isinstance(into.node, YamlList):
            into.node.items.append(node)
            into.node.weight += node.weight
        elif into.key is None:
            into.key = self._key(node, into)
        else:
            if into.key.value == "<<" and into.key.is_plain:
                into.merged.append(node)
            else:
                into.node.pairs.append((into.key, node))
                into.node.weight += node.weight
            into.key = None

    def _key(self, node: YamlNode, into: _Open) -> YamlText:
        if not isinstance(node, YamlText):
            raise Unreadable(
                "not_yaml", f"Line {node.line} has a list or mapping where a name belongs.", node.line
            )
        if node.value in into.keys:
            raise Unreadable(
                "duplicate_key",
                f"The key “{node.value[:80]}” occurs twice in one mapping, in line {self._line}. Nobody can "
                "say which is meant: export the file again.",
                self._line,
            )
        into.keys.add(node.value)
        return node

    def _merge(self, node: YamlMap, merged: YamlNode, keys: set[str]) -> None:
        for part in merged.items if isinstance(merged, YamlList) else [merged]:
            if not isinstance(part, YamlMap):
                raise Unreadable(
                    "not_yaml", f"Something that is no mapping is merged (<<) in line {node.line}.", node.line
                )
            for key, value in part.pairs:
                if key.value not in keys:
                    keys.add(key.value)
                    node.pairs.append((key, value))
                    node.weight += value.weight

    def _is_text(self, tag: str | None, at: int) -> bool:
        """True for a scalar whose tag says that it is text; tags that ask for objects are refused."""
        if tag is None:
            return False
        if tag == "!" or tag in (_STANDARD + "str", _STANDARD + "binary"):
            return True
        if tag.removeprefix(_STANDARD) in _TAGS:
            return False
        line = self._line_of(at)
        raise Unreadable(
            "unknown_tag",
            f"Line {line} has a YAML tag (!) that is not known here. Export the file as plain YAML.",
            line,
        )

    def _broken(self, error: yaml.YAMLError) -> Unreadable:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is None:  # a character that YAML forbids
            position = getattr(error, "position", 0)
            line = self._line_of(position if isinstance(position, int) else 0)
            return Unreadable(
                "not_yaml", f"In or after line {line} stands a control character, which YAML forbids.", line
            )
        is_star = "*" in self._text[max(0, mark.index - 2) : mark.index + 1]
        if not self._text[mark.index :].strip(" \t\r\n") and not is_star:
            line = _ends(self._text.rstrip()) + 1
            return Unreadable(
                "truncated",
                f"The YAML ends too early, in line {line}: the file is cut off. Export or copy it again.",
                line,
            )
        line = self._line_of(mark.index)
        hint = ' A star has to be in quotes: "*".' if is_star else ""
        return Unreadable(
            "not_yaml",
            f"This is no valid YAML: line {line}, character {mark.column + 1}.{hint} Check the indentation "
            "there, or export it again without editing it.",
            line,
        )

    def _line_of(self, at: int) -> int:
        """Lines are counted forward only, so that a large file is counted once."""
        if at < self._counted:
            return _ends(self._text[:at]) + 1
        self._line += _ends(self._text[self._counted : at])
        self._counted = at
        return self._line


def _ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")
