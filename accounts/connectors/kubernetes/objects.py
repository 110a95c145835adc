"""Kubernetes objects, checked: what is broken is rejected by line, what tells of no access is counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from accounts.connectors.kubernetes.files import Envelope, Written
from accounts.connectors.kubernetes.kinds import (
    OPERATORS,
    Binding,
    Group,
    Named,
    Person,
    Read,
    Role,
    Selector,
    ServiceAccount,
    Subject,
    TokenSecret,
    service_account_of,
)
from accounts.connectors.kubernetes.rules import Rule
from accounts.connectors.records import Rejected
from accounts.connectors.secret_names import normal
from accounts.connectors.values import KEY_LIMIT, WORDS_LIMIT

T = TypeVar("T")
LONGEST = KEY_LIMIT - 150  # characters of a name, so that a namespace and a prefix still fit beside it
TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105  # the type's name
_HINTS = {
    "owner": "owner ownedby responsible contact owneremail team",
    "deputy": "deputy backupowner secondaryowner",
    "purpose": "purpose description usecase usage",
    "environment": "environment env stage",
    "application": "partof application app k8sapp project product",
    "vendor": "vendor supplier",
    "contract_end": "contractend contractends",
    "creator": "creator createdby requester",
    "sponsor": "sponsor",
}
# Annotations by which a service account becomes an identity of a cloud.
_FEDERATED = (
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
)


@dataclass(slots=True)
class Inventory:
    """Everything of the file that could be read, by kind and name, and what could not."""

    found: dict[tuple[str, str, str], Read] = field(default_factory=dict)  # kind, namespace, name
    rejected: list[Rejected] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)  # known ones, as read
    unread: Counter[str] = field(default_factory=Counter)  # kinds that tell nothing about access
    other_secrets: int = 0
    same: int = 0  # objects that came twice, word for word
    users_in_namespaces: int = 0
    is_partial: bool = False
    cluster: str | None = None  # the uid of the namespace kube-system, which is how clusters are told apart

    def of(self, kind: type[T]) -> list[T]:
        """The objects of a kind in the order of the file."""
        return [one for one in self.found.values() if isinstance(one, kind)]


class _Broken(Exception):
    """Something in an object is not what the API documents."""


def inventory(written: Iterable[Written | Envelope], namespace: str | None) -> Inventory:
    """Check every object. `namespace` is where objects belong that name none, as hand-written ones may."""
    read = Inventory()
    for one in written:
        if isinstance(one, Envelope):
            _envelope(one, read)
        elif not one.kind:
            read.unread[one.said[:60]] += 1
        else:
            try:
                _keep(one, namespace, read)
            except _Broken as broken:
                read.rejected.append(
                    Rejected(one.line, "broken_object", f"A {one.kind} can't be read: {broken}")
                )
    return read


def _envelope(found: Envelope, read: Inventory) -> None:
    metadata = found.members.get("metadata", (None,))[0]
    if isinstance(metadata, dict) and (metadata.get("continue") or metadata.get("remainingItemCount")):
        read.is_partial = True


def _keep(written: Written, namespace: str | None, read: Inventory) -> None:
    value = written.value if isinstance(written.value, dict) else {}
    at = _named(value, written, namespace)
    read.kinds[written.kind] += 1
    if written.kind == "Namespace":
        if at.name == "kube-system":
            read.cluster = _maybe(_metadata(value), "uid")
        return
    if written.kind == "Secret" and value.get("type") != TOKEN_TYPE:
        read.other_secrets += 1
        return
    made = _made(written.kind, value, at, read)
    key = (written.kind, at.namespace, at.name)
    first = read.found.setdefault(key, made)
    if first is made:
        return
    if replace(first, at=replace(first.at, line=0)) == replace(made, at=replace(at, line=0)):
        read.same += 1
        return
    read.rejected.append(
        Rejected(
            written.line,
            "duplicate_object",
            f"The {written.kind} {at.name} is already in line {first.at.line} and says something else there. "
            "Export again, one cluster in one file.",
        )
    )


def _made(kind: str, value: dict[str, object], at: Named, read: Inventory) -> Read:
    if kind == "ServiceAccount":
        return _service_account(value, at)
    if kind in ("Role", "ClusterRole"):
        rules = tuple(_rule(part, n) for n, part in enumerate(_list(value, "rules"), 1))
        return Role(at, rules, _labels(value, "labels"), _selectors(value))
    if kind in ("RoleBinding", "ClusterRoleBinding"):
        return _binding(value, at, read)
    if kind == "Secret":
        return _token(value, at)
    if kind == "User":
        return Person(at, _maybe(value, "fullName"))
    members = _list(value, "users")
    if not all(isinstance(one, str) and 0 < len(one) <= LONGEST for one in members):
        raise _Broken("one of its users is no name. Export it again.")
    return Group(at, tuple(dict.fromkeys(str(one) for one in members)))


def _named(value: dict[str, object], written: Written, fallback: str | None) -> Named:
    metadata = _metadata(value)
    name = _name(metadata, "name")
    namespace = ""
    if written.kind in ("ServiceAccount", "Role", "RoleBinding", "Secret"):
        namespace = _maybe(metadata, "namespace") or fallback or ""
        if not 0 < len(namespace) <= 100:
            raise _Broken(
                f"{name} names no namespace. Export with “kubectl get -o yaml”, which writes it, or set the "
                "option “namespace” to where the file is applied."
            )
    return Named(
        name,
        namespace,
        written.line,
        _moment(metadata.get("creationTimestamp")),
        {**_labels(value, "labels"), **_labels(value, "annotations")},
    )


def _metadata(value: dict[str, object]) -> dict[str, object]:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        raise _Broken("it has no metadata. If the file was shortened, export it again.")
    return metadata


def _service_account(value: dict[str, object], at: Named) -> ServiceAccount:
    automount = value.get("automountServiceAccountToken")
    return ServiceAccount(
        at=at,
        hints=_hints(at.marks, at.namespace),
        secrets=_references(value, "secrets"),
        pull_secrets=_references(value, "imagePullSecrets"),
        automount=automount if isinstance(automount, bool) else None,
        acts_elsewhere=next((at.marks[key] for key in _FEDERATED if at.marks.get(key)), None),
    )


def _binding(value: dict[str, object], at: Named, read: Inventory) -> Binding:
    ref = value.get("roleRef")
    if not isinstance(ref, dict):
        raise _Broken(f"{at.name} has no roleRef. If the file was shortened, export it again.")
    kind = ref.get("kind")
    if kind not in (("ClusterRole", "Role") if at.namespace else ("ClusterRole",)):
        raise _Broken(f"{at.name} binds a role of a kind that it can't bind. Correct its roleRef.")
    subjects: list[Subject] = []
    for part in _list(value, "subjects"):
        try:
            subjects.append(_subject(part, read))
        except _Broken as broken:
            read.rejected.append(
                Rejected(at.line, "broken_subject", f"A subject of {at.name} can't be read: {broken}")
            )
    return Binding(at, kind == "ClusterRole", _name(ref, "name"), tuple(dict.fromkeys(subjects)))


def _subject(part: object, read: Inventory) -> Subject:
    if not isinstance(part, dict):
        raise _Broken("it is no object. Export it again.")
    kind, name, namespace = part.get("kind"), _name(part, "name"), _maybe(part, "namespace") or ""
    if kind not in ("User", "Group", "ServiceAccount"):
        raise _Broken("its kind is neither User, Group nor ServiceAccount. Export it again.")
    if kind == "ServiceAccount" and not 0 < len(namespace) <= 100:
        raise _Broken(f"the ServiceAccount {name} has no namespace. Add it, or export from the cluster.")
    if kind == "User" and (of := service_account_of(name)) is not None:
        return Subject("ServiceAccount", of[1], of[0])
    if kind != "ServiceAccount" and namespace:
        read.users_in_namespaces += 1  # Kubernetes itself ignores it
        namespace = ""
    return Subject(str(kind), name, namespace)


def _token(value: dict[str, object], at: Named) -> TokenSecret:
    account = at.marks.get("kubernetes.io/service-account.name")
    if not account:
        raise _Broken(f"{at.name} is a token of no service account. Remove it if nobody needs it.")
    return TokenSecret(
        at=at,
        uid=_maybe(_metadata(value), "uid"),
        account=account,
        last_used_at=_moment(at.marks.get("kubernetes.io/legacy-token-last-used")),
        is_invalid="kubernetes.io/legacy-token-invalid-since" in at.marks,
    )


def _rule(part: object, number: int) -> Rule:
    if not isinstance(part, dict):
        return Rule(number)
    fields = [
        part.get(key) for key in ("apiGroups", "resources", "resourceNames", "verbs", "nonResourceURLs")
    ]
    if not all(one is None or _are_texts(one) for one in fields):
        return Rule(number)
    groups, resources, names, verbs, urls = (tuple(map(str, one or ())) for one in map(_texts, fields))
    return Rule(number, groups, resources, names, verbs, urls, is_readable=True)


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _selectors(value: dict[str, object]) -> tuple[Selector, ...] | None:
    rule = value.get("aggregationRule")
    if not isinstance(rule, dict):
        return None
    return tuple(_selector(part) for part in _list(rule, "clusterRoleSelectors"))


def _selector(part: object) -> Selector:
    if not isinstance(part, dict):
        raise _Broken("its aggregationRule has a selector that is no object. Export it again.")
    labels = part.get("matchLabels")
    expressions: list[tuple[str, str, tuple[str, ...]]] = []
    for one in _list(part, "matchExpressions"):
        values = one.get("values") if isinstance(one, dict) else None
        if not isinstance(one, dict) or one.get("operator") not in OPERATORS:
            raise _Broken("its aggregationRule has an expression that is not known. Export it again.")
        expressions.append((_name(one, "key"), str(one["operator"]), tuple(map(str, _texts(values)))))
    said = labels if isinstance(labels, dict) else {}
    return Selector(tuple((key, str(word)) for key, word in said.items()), tuple(expressions))


def _hints(marks: dict[str, str], namespace: str) -> tuple[tuple[str, str], ...]:
    """What labels and annotations say in so many words; the part behind the slash counts."""
    said = {normal(key.rpartition("/")[2]): value.strip() for key, value in marks.items()}
    if name := marks.get("app.kubernetes.io/name"):
        said.setdefault("app", name)
    hints = [
        (hint, said[key][:WORDS_LIMIT])
        for hint, keys in _HINTS.items()
        for key in [next((one for one in keys.split() if said.get(one)), None)]
        if key is not None
    ]
    return (*hints, ("namespace", namespace))


def _labels(value: dict[str, object], key: str) -> dict[str, str]:
    said = _metadata(value).get(key)
    found = said if isinstance(said, dict) else {}
    return {
        name: str(one).lower() if isinstance(one, bool) else str(one)
        for name, one in found.items()
        if isinstance(one, str | int) and one != ""
    }


def _references(value: dict[str, object], key: str) -> tuple[str, ...]:
    names = (part.get("name") for part in _list(value, key) if isinstance(part, dict))
    return tuple(name for name in names if isinstance(name, str))


def _list(value: dict[str, object], key: str) -> list[object]:
    found = value.get(key)
    if found is not None and not isinstance(found, list):
        raise _Broken(f"{key} is no list. Export it again.")
    return found or []


def _name(value: dict[str, object], key: str) -> str:
    found = value.get(key)
    said = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    if not 0 < len(said.strip().replace("@", "%40")) <= LONGEST:
        raise _Broken(f"it has no {key} of at most {LONGEST} characters. Export it again.")
    return said


def _maybe(value: dict[str, object], key: str) -> str | None:
    found = value.get(key)
    return (found.strip() or None) if isinstance(found, str) else None


def _moment(said: object) -> datetime | None:
    """A moment with an offset, or the day of a label, which Kubernetes writes in UTC."""
    if not isinstance(said, str):
        return None
    try:
        at = datetime.fromisoformat(said)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
