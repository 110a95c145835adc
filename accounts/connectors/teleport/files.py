"""Resources of Teleport in YAML or JSON, as `tctl get` writes them or the operator keeps them.

YAML stays as it came but for what is cut. JSON is written one resource a line. Of kinds that tell nothing
about access (certificate authorities, tokens, connectors) only kind and name are kept, for they hold keys.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from accounts.connectors.admit_yaml import Edits, Secret, admit_yaml, leaves, secrets_in, without
from accounts.connectors.api.json import Place, documents
from accounts.connectors.api.values import excerpt, inner, text_of
from accounts.connectors.connector import Kept, Sink
from accounts.connectors.records import Rejected, Unreadable
from accounts.connectors.yaml_items import YamlList, YamlMap, YamlNode, YamlText, plain, yaml_items

KINDS = ("role", "user", "bot", "access_list", "access_list_member")
_OPERATOR = {
    "TeleportRole": "role",
    "TeleportUser": "user",
    "TeleportBot": "bot",
    "TeleportAccessListMember": "access_list_member",
    "TeleportAccessList": "access_list",
}
_LONGEST = 200  # characters of a name
_HEADERS = ("kind", "version", "sub_kind", "apiVersion")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: `metadata` also from the `header` in which some tools put it."""

    kind: str
    name: str
    line: int
    metadata: Mapping[str, object]
    spec: Mapping[str, object]
    status: Mapping[str, object]
    version: str | None


@dataclass(slots=True)
class Resources:
    """Everything of the file by kind and name, and what could not be read."""

    by_kind: dict[str, dict[str, Resource]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    rejected: list[Rejected] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def of(self, kind: str) -> dict[str, Resource]:
        """The resources of a kind by name."""
        return self.by_kind[kind]


def admit_resources(text: str, sink: Sink) -> Kept:
    """Write the resources without secrets; refuses what holds none."""
    _refuse_foreign(text)
    if not _is_json(text):
        return admit_yaml(text, sink, _secrets)
    edits, written = Edits(""), 0
    lines = []
    for value, _ in _values(text):
        lines.append(json.dumps(without(value, _secrets(value), edits), ensure_ascii=False))
        written += 1
    for line in lines:
        sink(f"{line}\n".encode())
    return Kept(written, edits.write(lambda _: None).cut)


def resources(text: str) -> Resources:
    """Every resource of the file; raises Unreadable where it is no YAML or JSON."""
    found = Resources()
    for value, line in _values(text):
        kind = kind_of(value)
        if kind is None or not isinstance(value, dict):
            reason = "This is no resource: it has no kind and name. Export it again with tctl get."
            found.rejected.append(Rejected(line, "no_resource", reason))
        elif kind not in KINDS:
            found.others[kind[:60]] += 1
        else:
            _add(found, kind, value, line)
    return found


def kind_of(value: object) -> str | None:
    """The kind as tctl calls it."""
    said = text_of(inner(value).get("kind"))
    if said is None:
        return None
    operator = next((kind for name, kind in _OPERATOR.items() if said.startswith(name)), None)
    return operator or said


def _add(found: Resources, kind: str, value: Mapping[str, object], line: int) -> None:
    header = inner(value.get("header"))
    metadata = inner(value.get("metadata")) or inner(header.get("metadata"))
    spec = inner(value.get("spec"))
    name = text_of(metadata.get("name"))
    if kind == "access_list_member":
        name = f"{text_of(spec.get('access_list')) or ''}/{text_of(spec.get('name')) or name or ''}"
    if not name or len(name) > _LONGEST or name.startswith("/") or name.endswith("/"):
        reason = f"The {kind} has no name of at most {_LONGEST} characters. Export it again."
        found.rejected.append(Rejected(line, "no_name", reason, excerpt(value)))
        return
    version = text_of(value.get("version")) or text_of(header.get("version"))
    made = Resource(kind, name, line, metadata, spec, inner(value.get("status")), version)
    first = found.by_kind[kind].setdefault(name, made)
    if first is not made and (first.spec, first.metadata) != (made.spec, made.metadata):
        reason = f"The {kind} {name} is already in line {first.line}, and differs there. Export it again."
        found.rejected.append(Rejected(line, "duplicate_resource", reason, excerpt(value)))


def _refuse_foreign(text: str) -> None:
    found = resources(text)
    if not any(found.by_kind.values()):
        raise Unreadable(
            "wrong_yaml",
            "The file holds no roles, users, bots or access lists of Teleport. Save the output of “tctl get "
            "roles”, “tctl get users” or “tctl get access_lists”.",
            1,
        )


def _secrets(value: object) -> Iterator[Secret]:
    """Secrets of a resource, or of all in a list of them."""
    if isinstance(value, list):
        for number, part in enumerate(value):
            yield from _below(_secrets(part), number)
        return
    items = inner(value).get("items")
    if isinstance(items, list):
        for number, part in enumerate(items):
            yield from _below(_secrets(part), "items", number)
        return
    kind = kind_of(value)
    if kind in KINDS:
        local = inner(inner(value).get("spec")).get("local_auth")
        yield from leaves(local, ("spec", "local_auth"), "local_auth", "unmapped")
        rest = {
            **inner(value),
            "spec": {
                key: part for key, part in inner(inner(value).get("spec")).items() if key != "local_auth"
            },
        }
        yield from secrets_in(rest)
        return
    for key, part in inner(value).items():
        if key in _HEADERS:
            continue
        if key == "metadata" and kind != "token":
            yield from secrets_in(part, key, (key,))
        else:  # the name of a token is the token
            yield from leaves(part, (key,), f"{kind or 'resource'} {key}"[:200], "unmapped")


def _below(found: Iterator[Secret], *steps: str | int) -> Iterator[Secret]:
    for one in found:
        yield Secret((*steps, *one.path), one.name, one.kind, one.is_key)


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _values(text: str) -> Iterator[tuple[object, int]]:
    if _is_json(text):
        for place in documents(text, lambda _: False):
            yield from _of_json(place)
        return
    for item in yaml_items(text):
        yield from _of_yaml(item.node, item.line)


def _of_json(place: Place) -> Iterator[tuple[object, int]]:
    if isinstance(place.value, list):
        for part in place.each():
            yield from _of_json(part)
    elif isinstance(place.value, dict) and isinstance(place.value.get("items"), list):
        yield from _of_json(place.member("items", place.value["items"]))
    else:
        yield place.value, place.line


def _of_yaml(node: YamlNode, line: int) -> Iterator[tuple[object, int]]:
    items = node.get("items") if isinstance(node, YamlMap) else node
    if isinstance(items, YamlList):
        for part in items.items:
            yield from _of_yaml(part, line if isinstance(part, YamlText) else part.line)
    elif (value := plain(node)) is not None:
        yield value, line
