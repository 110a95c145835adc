"""What of a Kubernetes file is kept: the fields that tell about access, and of a Secret that it exists.

Fields are let through by name. Everything else becomes null: data of Secrets, specs of other kinds (they hold
environment variables), managed fields, and the copy of an object that kubectl keeps in an annotation.
"""

import json
from collections.abc import Callable, Iterator

from accounts.connectors.admit_yaml import Edits, Path, Secret, leaves, secrets_in, without
from accounts.connectors.connector import CutKind, Kept, Sink
from accounts.connectors.kubernetes.files import Envelope, Place, Span, Written, is_json, objects
from accounts.connectors.records import Unreadable

Found = Written | Envelope
_IDENTITY = frozenset({"apiVersion", "kind"})
_KEPT = {
    "ServiceAccount": frozenset({"automountServiceAccountToken"}),
    "Role": frozenset({"rules"}),
    "ClusterRole": frozenset({"rules", "aggregationRule"}),
    "RoleBinding": frozenset({"roleRef", "subjects"}),
    "ClusterRoleBinding": frozenset({"roleRef", "subjects"}),
    "User": frozenset({"fullName", "groups"}),
    "Group": frozenset({"users"}),
    "Secret": frozenset({"type", "immutable"}),
}
_NAMES_ONLY = frozenset({"secrets", "imagePullSecrets"})  # of a ServiceAccount: references, not secrets
_REFERENCE = frozenset({"name", "namespace", "kind", "apiVersion", "uid"})
_METADATA = frozenset(
    {
        *("name", "generateName", "namespace", "uid", "creationTimestamp", "deletionTimestamp"),
        *("resourceVersion", "generation", "selfLink"),
    }
)
_BARE = frozenset({"name", "namespace"})  # all that is kept of kinds that tell nothing about access
_TOKEN = frozenset(
    {
        *("kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"),
        *("kubernetes.io/legacy-token-last-used", "kubernetes.io/legacy-token-invalid-since"),
    }
)
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_ENVELOPE = frozenset({"resourceVersion", "selfLink", "continue", "remainingItemCount"})


def admit_objects(text: str, sink: Sink, look: Callable[[Iterator[Found]], object]) -> Kept:
    """Write the file without what must not be kept, after `look` saw everything in it and refused nothing."""
    edits = Edits(text)
    try:
        look(_cutting(text, edits))
    except RecursionError:
        raise Unreadable("too_deep", "The file is nested too deeply to be an inventory.") from None
    if not is_json(text):
        edits.cut_comments()
    return edits.write(sink)


def _cutting(text: str, edits: Edits) -> Iterator[Found]:
    """Hand on what stands in the file, and note what is cut of it."""
    for found in objects(text):
        if isinstance(found, Envelope):
            for key, (value, place) in found.members.items():
                _cut(edits, place, value, _around(key, value))
        else:
            _cut(edits, found.place, found.value, _in(found))
        yield found


def _cut(edits: Edits, place: Place, value: object, secrets: Iterator[Secret]) -> None:
    if not isinstance(place, Span):
        edits.cut(place, secrets)
    elif found := list(secrets):
        kept = without(value, found, edits)
        edits.replace(place.start, place.end, json.dumps(kept, ensure_ascii=False))


def _around(key: str, value: object) -> Iterator[Secret]:
    """What is cut of a list's own members."""
    if key == "metadata" and isinstance(value, dict):
        for name, part in value.items():
            if name not in _ENVELOPE:
                yield from leaves(part, (name,), f"List.metadata.{name}", "unmapped")
    elif key not in _IDENTITY:
        yield from leaves(value, (), f"List.{key}", "unmapped")


def _in(found: Written) -> Iterator[Secret]:
    """What is cut of an object."""
    if not isinstance(found.value, dict):
        yield from leaves(found.value, (), "what is no object", "unmapped")
        return
    kept = _KEPT.get(found.kind, frozenset())
    for key, part in found.value.items():
        if key == "metadata" and isinstance(part, dict):
            yield from _metadata(found.kind, found.said, part)
        elif found.kind == "ServiceAccount" and key in _NAMES_ONLY:
            yield from _references(key, part)
        elif key in kept:
            yield from secrets_in(part, key, (key,))
        elif key in _IDENTITY:
            yield from (
                secrets_in(part, key, (key,))
                if isinstance(part, str)
                else leaves(part, (key,), key, "unmapped")
            )
        else:
            yield from leaves(part, (key,), f"{found.said}.{key}", _why(found.kind, key))


def _why(kind: str, key: str) -> CutKind:
    """Nulls in the data of a Secret are named as what they are: secrets by their field's name."""
    return "secret_value" if kind == "Secret" and key in ("data", "stringData") else "unmapped"


def _metadata(kind: str, said: str, metadata: dict[str, object]) -> Iterator[Secret]:
    allowed = _METADATA if kind else _BARE
    for key, part in metadata.items():
        path: Path = ("metadata", key)
        if key in ("labels", "annotations") and kind and isinstance(part, dict):
            yield from _marks(kind, key, part, path)
        elif key in allowed:
            yield from secrets_in(part, key, path)
        else:
            yield from leaves(part, path, f"{said}.metadata.{key}", "unmapped")


def _marks(kind: str, key: str, marks: dict[str, object], path: Path) -> Iterator[Secret]:
    """Labels and annotations: of a Secret only those about its token, of others all but secrets."""
    rest: dict[str, object] = {}
    for name, value in marks.items():
        if name == _APPLIED or (kind == "Secret" and name not in _TOKEN):
            yield from leaves(value, (*path, name), f"{kind}.metadata.{key}.{name}"[:200], "unmapped")
        elif kind == "Secret":
            yield from secrets_in(value, name, (*path, name))
        else:
            rest[name] = value
    yield from secrets_in(rest, key, path)


def _references(key: str, value: object) -> Iterator[Secret]:
    """Names of Secrets; anything else in their place is cut."""
    for number, part in enumerate(value if isinstance(value, list) else []):
        if not isinstance(part, dict):
            yield from leaves(part, (key, number), f"ServiceAccount.{key}", "secret_name")
            continue
        for name, said in part.items():
            kind: CutKind = "secret_name"
            if name in _REFERENCE and isinstance(said, str):
                yield from secrets_in(said, name, (key, number, name))
            else:
                yield from leaves(said, (key, number, name), f"ServiceAccount.{key}.{name}", kind)
    if not isinstance(value, list):
        yield from leaves(value, (key,), f"ServiceAccount.{key}", "secret_name")
