"""The objects of a Kubernetes file, whichever way it was written: YAML documents, lists, JSON of all forms.

Objects of a list as the API itself writes it (`ClusterRoleList`) have no kind: they take the list's.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from accounts.connectors import json_items
from accounts.connectors.records import Unreadable
from accounts.connectors.yaml_items import YamlItem, YamlList, YamlMap, YamlNode, YamlText, plain, yaml_items

RBAC = "rbac.authorization.k8s.io"
# Kinds that tell about access, by the group of their API; without a group they are the core's.
KINDS = {
    "ServiceAccount": ("",),
    "Secret": ("",),
    "Namespace": ("",),
    "Role": (RBAC,),
    "ClusterRole": (RBAC,),
    "RoleBinding": (RBAC,),
    "ClusterRoleBinding": (RBAC,),
    "User": ("user.openshift.io", ""),  # OpenShift keeps people as objects, Kubernetes does not
    "Group": ("user.openshift.io", ""),
}
_JSON = re.compile(r"\s*[\[{](?!\s*[A-Za-z_])")
_DOCUMENT = re.compile(r"^---", re.MULTILINE)
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a JSON text, in characters."""

    start: int
    end: int


Place = YamlNode | Span


@dataclass(frozen=True, slots=True)
class Written:
    """One object. `kind` is one of KINDS; of others it is empty and `said` how the file calls them."""

    value: object
    kind: str
    said: str
    line: int
    place: Place


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around the objects of a list: its own metadata by key, and where each stands."""

    members: dict[str, tuple[object, Place]]
    line: int


def objects(text: str) -> Iterator[Written | Envelope]:
    """Every object in the order of the file; a list without kinds of its own follows where it ends."""
    return _json(text) if is_json(text) else _yaml(text)


def is_json(text: str) -> bool:
    """YAML may begin with a bracket too, but then its names need no quotes, or several documents follow."""
    return _JSON.match(text) is not None and _DOCUMENT.search(text) is None


def _written(value: object, line: int, place: Place, listed: dict[str, object] | None = None) -> Written:
    kind, group = _kind_of(value, listed)
    known = kind in KINDS and (group is None or group in KINDS[kind])
    said = kind if known or not group or kind not in KINDS else f"{kind} of {group}"
    return Written(value, kind if known else "", said or "without a kind", line, place)


def _kind_of(value: object, listed: dict[str, object] | None) -> tuple[str, str | None]:
    """Kind and API group; the group is None where nothing is said about it."""
    own: dict[str, object] = value if isinstance(value, dict) else {}
    kind, version = own.get("kind"), own.get("apiVersion")
    if kind is None and listed is not None:
        whole = listed.get("kind")
        kind = whole.removesuffix("List") if isinstance(whole, str) else None
        version = listed.get("apiVersion") if version is None else version
    if not isinstance(kind, str):
        return "", None
    if not isinstance(version, str):
        return kind, None
    return kind, version.rpartition("/")[0]


def _yaml(text: str) -> Iterator[Written | Envelope]:
    waiting: list[YamlItem] = []
    elements = 0
    for item in yaml_items(text, streamed="items"):
        value = plain(item.node)
        if item.is_element:
            elements += 1
            if isinstance(value, dict) and value.get("kind") is None:
                waiting.append(item)
            else:
                yield from _yaml_object(value, item.line, item.node)
            continue
        if isinstance(value, dict) and (elements or _is_list(value)):
            if not isinstance(value.get("kind"), str):
                raise _cut_off(text)
            for one in waiting:
                yield _written(plain(one.node), one.line, one.node, value)
            yield Envelope(_members(item.node, value), item.line)
        elif isinstance(item.node, YamlList):
            for part in item.node.items:
                yield from _yaml_object(
                    plain(part), item.line if isinstance(part, YamlText) else part.line, part
                )
        elif value is not None:
            yield _written(value, item.line, item.node)
        waiting, elements = [], 0


def _yaml_object(value: object, line: int, node: YamlNode) -> Iterator[Written | Envelope]:
    """An element of a list; if it is a list itself, what stands in that."""
    inner = node.get("items") if isinstance(node, YamlMap) else None
    if not (isinstance(value, dict) and _is_list(value) and isinstance(inner, YamlList)):
        yield _written(value, line, node)
        return
    for part in inner.items:
        yield _written(plain(part), line if isinstance(part, YamlText) else part.line, part, value)
    yield Envelope(_members(node, value), line)


def _members(node: YamlNode, value: dict[str, object]) -> dict[str, tuple[object, Place]]:
    pairs = node.pairs if isinstance(node, YamlMap) else []
    return {key.value: (value[key.value], part) for key, part in pairs if key.value != "items"}


def _is_list(value: dict[str, object]) -> bool:
    kind = value.get("kind")
    items = value.get("items", "")
    return (items is None or isinstance(items, list)) and (kind is None or str(kind).endswith("List"))


def _cut_off(text: str) -> Unreadable:
    """kubectl writes the kind behind the items: without it, the file ends before it should."""
    line = text.rstrip().count("\n") + 1
    return Unreadable(
        "truncated",
        f"The list of items has no kind; the file seems to be cut off in line {line}. Export it again.",
        line,
    )


def _json(text: str) -> Iterator[Written | Envelope]:
    """One object or list, several in a row, one a line, or an array of them."""
    decoder = json.JSONDecoder()
    at, line = _skip(text, 0), text.count("\n", 0, _skip(text, 0)) + 1
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            raise _no_json(text, at) from None
        try:
            if isinstance(value, list):
                yield from _array(text[at:end], at, line)
            elif isinstance(value, dict) and _is_list(value):
                listed = {key: value.get(key) for key in ("kind", "apiVersion")}
                del value
                yield from _list(text[at:end], at, line, listed)
            else:
                yield from _single(text[at:end], at, line)
        except Unreadable:
            raise _no_json(text, at) from None
        following = _skip(text, end)
        line += text.count("\n", at, following)
        at = following


def _single(text: str, at: int, line: int) -> Iterator[Written]:
    found = json_items.document(text)
    value: dict[str, object] = {
        **found.values,
        **{key: [part for _, part in parts] for key, parts in found.lists.items()},
    }
    yield _written(value, line, Span(at, at + len(text)))


def _list(text: str, at: int, line: int, listed: dict[str, object]) -> Iterator[Written | Envelope]:
    if not isinstance(listed["kind"], str):
        raise _cut_off(text)
    members: dict[str, tuple[object, Place]] = {}
    for item in json_items.items(text):
        span = Span(at + item.start, at + item.end)
        if item.key == "items" and item.is_element:
            yield from _json_element(item, text, at, line, listed)
        elif not item.is_element and item.key != "items":
            members[item.key] = (item.value, span)
        elif item.is_element:  # a list that no Kubernetes list has: one element after the other
            members[f"{item.key}[{item.start}]"] = (item.value, span)
    yield Envelope(members, line)


def _array(text: str, at: int, line: int) -> Iterator[Written | Envelope]:
    before = '{"items":'
    whole = f"{before}{text}}}"
    for item in json_items.items(whole):
        if item.is_element:
            yield from _json_element(item, whole, at - len(before), line, None)


def _json_element(
    item: json_items.Item, text: str, at: int, line: int, listed: dict[str, object] | None
) -> Iterator[Written | Envelope]:
    """An element of a list or array; if it is a list itself, what stands in that, and no deeper."""
    value, here = item.value, line + item.line - 1
    if isinstance(value, dict) and _is_list(value) and (listed is None or listed.get("kind") == "List"):
        own: dict[str, object] = {"kind": value.get("kind"), "apiVersion": value.get("apiVersion")}
        if own["kind"] != "List" or listed is None:
            yield from _list(text[item.start : item.end], at + item.start, here, own)
            return
    yield _written(value, here, Span(at + item.start, at + item.end), listed)


def _no_json(text: str, at: int) -> Unreadable:
    """What is wrong in the value that begins here, by line and byte of the whole file."""
    line = text.count("\n", 0, at) + 1
    if text[at] == "[":
        last = text.count("\n", 0, len(text.rstrip())) + 1
        if not text.rstrip().endswith("]"):
            return Unreadable(
                "truncated", f"The JSON ends too early, in line {last}. Export or copy it again.", last
            )
        return _not_json(line)
    padded = re.sub(r"[^\n]", lambda found: " " * len(found[0].encode()), text[:at]) + text[at:]
    try:
        for _ in json_items.items(padded):
            pass
    except Unreadable as refused:
        if refused.code != "extra_data":
            return refused
    return _not_json(line)


def _not_json(line: int) -> Unreadable:
    return Unreadable(
        "not_json",
        f"This is no valid JSON, in or after line {line}. Export it again without editing it.",
        line,
    )


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
