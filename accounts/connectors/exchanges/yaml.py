"""YAML of recordings with the line of every mapping: texts only, no aliases, no tags that make objects.

Built from parser events, so that neither a name in the file nor its nesting can run or repeat anything.
"""

import base64
import binascii
from collections.abc import Iterator

import yaml

from accounts.connectors.records import Unreadable

DEEPEST = 100
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast one where libyaml is there
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BINARY = "tag:yaml.org,2002:binary"


class Placed(dict[str, object]):
    """A mapping that knows the line it begins in."""

    line = 1


class _Builder:
    """Values from events; scalars stay texts, plain nulls become None and !!binary becomes bytes."""

    def __init__(self) -> None:
        self._open: list[Placed | list[object]] = []
        self._keys: list[str | None] = []
        self.documents: list[object] = []

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable(
                "yaml_alias",
                f"Line {line} repeats another part of the file by an alias (*). Recordings have none: save "
                "the recording as the tool writes it.",
                line,
            )
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.MappingStartEvent):
            made = Placed()
            made.line = line
            self._begin(made, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin([], line)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()
            self._keys.pop()

    def _begin(self, made: Placed | list[object], line: int) -> None:
        if len(self._open) >= DEEPEST:
            raise Unreadable("too_deep", f"Line {line} is nested too deeply to be a recording.", line)
        self._put(made, line)
        self._open.append(made)
        self._keys.append(None)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if self._open and isinstance(self._open[-1], Placed) and self._keys[-1] is None:
            self._keys[-1] = event.value
        elif event.tag == _BINARY:
            self._put(_decoded(event.value, line), line)
        else:
            is_null = event.implicit[0] and event.value in _NULLS
            self._put(None if is_null else event.value, line)

    def _put(self, value: object, line: int) -> None:
        if not self._open:
            self.documents.append(value)
            return
        parent, key = self._open[-1], self._keys[-1]
        if isinstance(parent, list):
            parent.append(value)
            return
        if key is None or key in parent:
            raise Unreadable(
                "duplicate_key",
                f"Line {line}: a key that is no text, or that occurs twice in one mapping. Nobody can say "
                "which is meant: record it again.",
                line,
            )
        parent[key] = value
        self._keys[-1] = None


def documents(text: str) -> list[object]:
    """The documents of the file; raises Unreadable with the line where it is no YAML."""
    builder = _Builder()
    for event in _events(text):
        builder.take(event)
    return builder.documents


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        if mark is None or mark.index >= len(text.rstrip()) or "end of stream" in (error.problem or ""):
            raise Unreadable(
                "truncated",
                f"The YAML ends too early, in line {line}: the file is cut off. Export or copy it again.",
                line,
            ) from None
        raise Unreadable(
            "not_yaml", f"This is no valid YAML: line {line}. Save the recording without editing it.", line
        ) from None
    except yaml.YAMLError:
        raise Unreadable(
            "not_yaml",
            "The file holds control characters that YAML does not allow. Save the recording again as UTF-8.",
            1,
        ) from None


def _decoded(value: str, line: int) -> bytes:
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable(
            "not_base64", f"The binary text in line {line} is no base64. Save the recording again.", line
        ) from None
