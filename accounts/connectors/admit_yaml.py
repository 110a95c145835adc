"""Cutting secrets out of YAML: each value that must not be kept becomes null where it stands.

Lines stay where they are. Comments are cut too: nobody can say what stands in them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from accounts.connectors.connector import Cut, CutKind, Kept, Sink
from accounts.connectors.secret_names import is_secret_name
from accounts.connectors.secret_values import holds_secret
from accounts.connectors.yaml_items import LOADER, YamlList, YamlMap, YamlNode, YamlText, plain, yaml_items

PIECE = 64 * 1024  # characters handed to the sink at once
Path = tuple[str | int, ...]
_TAG_NAMES, _TAG_VALUES = ("Key", "key", "name", "Name"), ("Value", "value")
_ANSWERS = frozenset({"true", "false", "True", "False", ""})  # they tell about a secret and are none
_HEAD = re.compile(r"[|>][-+0-9]*([ \t]+#[^\r\n]*)")


@dataclass(frozen=True, slots=True)
class Secret:
    """A single value that must not be kept, and how the report names it. `is_key`: its key neither."""

    path: Path
    name: str
    kind: CutKind
    is_key: bool = False


Find = Callable[[object], Iterable[Secret]]


def secrets_in(value: object, name: str = "", path: Path = ()) -> Iterator[Secret]:
    """Values under secret names, values of tags with secret names, and texts that are secrets."""
    if isinstance(value, dict):
        tag = next((value[key] for key in _TAG_NAMES if isinstance(value.get(key), str)), None)
        for key, part in value.items():
            here = (*path, key)
            secret = key if is_secret_name(key) else ""
            if isinstance(tag, str) and key in _TAG_VALUES and is_secret_name(tag):
                secret = tag
            if holds_secret(key):
                yield Secret(here, "a key", "secret_value", is_key=True)
                yield from leaves(part, here, "a key", "secret_value")
            elif secret:
                yield from leaves(part, here, secret, "secret_name")
            else:
                yield from secrets_in(part, key, here)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from secrets_in(part, name, (*path, number))
    elif isinstance(value, str) and holds_secret(value):
        yield Secret(path, name, "secret_value")


def leaves(value: object, path: Path, name: str, kind: CutKind) -> Iterator[Secret]:
    """Every single value below; under a secret's name, yes and no may stay."""
    if isinstance(value, dict):
        for key, part in value.items():
            if holds_secret(key):
                yield Secret((*path, key), name, kind, is_key=True)
            yield from leaves(part, (*path, key), name, kind)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from leaves(part, (*path, number), name, kind)
    elif value is not None and not (kind == "secret_name" and (isinstance(value, bool) or value in _ANSWERS)):
        yield Secret(path, name, kind)


def admit_yaml(text: str, sink: Sink, find: Find = secrets_in) -> Kept:
    """Write every document without what `find` finds; all is parsed before the first byte is written."""
    edits = Edits(text)
    for item in yaml_items(text):
        edits.cut(item.node, find(plain(item.node)))
    edits.cut_comments()
    return edits.write(sink)


class Edits:
    """Places of a text to write anew, and the report of what is cut there."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._places: dict[int, tuple[int, str]] = {}  # start -> (end, instead)
        self._counts: Counter[tuple[str, CutKind]] = Counter()
        self._keys = 0

    def note(self, name: str, kind: CutKind) -> None:
        """Count something that is cut."""
        self._counts[name[:200], kind] += 1

    def new_key(self) -> str:
        """What a key is called that must not be kept: one that no other has."""
        self._keys += 1
        return f"cut-{self._keys}"

    def replace(self, start: int, end: int, instead: str) -> None:
        """Write this instead, with as many line ends as stood there."""
        lines = re.findall(r"\r\n|\n|\r", self._text[start:end])
        self._places[start] = (end, instead + "".join(lines))

    def cut(self, node: YamlNode, found: Iterable[Secret]) -> None:
        """Null instead of each value; its anchor stays, so that aliases still find it."""
        places = _Places()
        for secret in found:
            self.note(secret.name, secret.kind)
            key, value = places.at(node, secret.path)
            if secret.is_key and key is not None:
                self.replace(key.start, key.end, self.new_key())
            elif isinstance(value, YamlText):
                anchor = f"&{value.anchor} " if value.anchor is not None else ""
                self.replace(value.start, value.end, f"{anchor}null")

    def cut_comments(self) -> None:
        """Whatever stands between the tokens behind a hash."""
        if "#" not in self._text:
            return
        at = 0
        for token in yaml.scan(self._text, Loader=LOADER):
            start, end = token.start_mark.index, token.end_mark.index
            if start > at:
                self._comments(at, start)
            if isinstance(token, yaml.ScalarToken) and (head := _HEAD.match(self._text, start)):
                self.note("comment", "comment")
                self._places[head.start(1)] = (head.end(1), "")
            at = max(at, end)
        self._comments(at, len(self._text))

    def write(self, sink: Sink) -> Kept:
        """The whole text with its places written anew."""
        at = 0
        for start, (end, instead) in sorted(self._places.items()):
            if start < at:  # the comment of a block that is cut as a whole
                continue
            self._piecewise(self._text[at:start] + instead, sink)
            at = end
        self._piecewise(self._text[at:], sink)
        lines = self._text.count("\n") + (not self._text.endswith("\n"))
        return Kept(lines, tuple(Cut(name, kind, n) for (name, kind), n in self._counts.items()))

    def _comments(self, start: int, end: int) -> None:
        for found in re.finditer(r"#[^\r\n]*", self._text[start:end]):
            self.note("comment", "comment")
            self._places[start + found.start()] = (start + found.end(), "")

    @staticmethod
    def _piecewise(text: str, sink: Sink) -> None:
        for at in range(0, len(text), PIECE):
            sink(text[at : at + PIECE].encode())


class _Places:
    """Finds nodes by their path; each mapping is indexed once, however many values of it are cut."""

    def __init__(self) -> None:
        self._indexed: dict[int, dict[str, tuple[YamlText, YamlNode]]] = {}

    def at(self, node: YamlNode, path: Path) -> tuple[YamlText | None, YamlNode]:
        """The key, if it has one, and the value at the end of the path."""
        key: YamlText | None = None
        for step in path:
            if isinstance(node, YamlMap) and isinstance(step, str):
                key, node = self._index(node)[step]
            elif isinstance(node, YamlList) and isinstance(step, int):
                key, node = None, node.items[step]
        return key, node

    def _index(self, node: YamlMap) -> dict[str, tuple[YamlText, YamlNode]]:
        found = self._indexed.get(id(node))
        if found is None:
            found = self._indexed[id(node)] = {key.value: (key, value) for key, value in node.pairs}
        return found


def without(value: object, found: Iterable[Secret], edits: Edits) -> object:
    """The same for a value of JSON: a copy with null instead of each value, reported in `edits`."""
    made = _copy(value)
    renamed: list[tuple[dict[str, object], str]] = []
    for secret in found:
        edits.note(secret.name, secret.kind)
        if not secret.path:
            return None
        holder, last = made, secret.path[-1]
        for step in secret.path[:-1]:
            holder = _part(holder, step)
        if isinstance(holder, list) and isinstance(last, int):
            holder[last] = None
        elif isinstance(holder, dict) and isinstance(last, str):
            if secret.is_key:
                renamed.append((holder, last))
            else:
                holder[last] = None
    for keyed, key in renamed:
        keyed[edits.new_key()] = keyed.pop(key)
    return made


def _part(holder: object, step: str | int) -> object:
    if isinstance(holder, dict):
        return holder.get(step)
    return holder[step] if isinstance(holder, list) and isinstance(step, int) else None


def _copy(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _copy(part) for key, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value
