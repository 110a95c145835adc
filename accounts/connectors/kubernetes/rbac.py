"""Kubernetes: service accounts, roles and bindings, as `kubectl get … -A -o yaml` or `-o json` writes them.

Service accounts are accounts of workloads, whoever else a binding names is an account by name. Roles and
groups are entitlements; what a group brings is an inclusion, whose members only the sign-in knows.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.kubernetes.files import Envelope, Written, objects
from accounts.connectors.kubernetes.kinds import Binding, Role, ServiceAccount
from accounts.connectors.kubernetes.objects import Inventory, inventory
from accounts.connectors.kubernetes.records import Records
from accounts.connectors.kubernetes.secrets import admit_objects
from accounts.connectors.records import Header, Record, Unreadable
from accounts.connectors.text import Readable

KEY, VERSION = "kubernetes_rbac", 1
LIMIT = 64 * 2**20  # bytes; the text is held at once
OPTIONS = ("complete", "namespace")
_NEEDED = ("ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
_MOST_NAMED = 3

_RBAC_KINDS = r"(?:Cluster)?Role(?:Binding)?(?:List)?"
_YAML_START = re.compile(
    r"(?:(?:#[^\r\n]*|---[^\r\n]*|%YAML[^\r\n]*|[ \t]*)\r?\n)*(?:- )?[A-Za-z]+:(?:[ \t\r\n]|$)"
)
_YAML_GROUP = re.compile(
    r"""^(?:- |  )?(?:- |  )?["']?apiVersion["']?:[ \t]+["']?rbac\.authorization\.k8s\.io/""", re.MULTILINE
)
_YAML_KIND = re.compile(rf"""^(?:- |  )?(?:- |  )?["']?kind["']?:[ \t]+["']?{_RBAC_KINDS}\b""", re.MULTILINE)
_YAML_ACCOUNT = re.compile(r"^(?:- |  )?(?:- |  )?kind:[ \t]+ServiceAccount(?:List)?\b", re.MULTILINE)
_YAML_LIST = re.compile(r"\AapiVersion:[ \t]+v1[ \t]*\r?\nitems:", re.MULTILINE)
_JSON_DOCUMENTS = re.compile(r"(?:(?:#[^\r\n]*|---[^\r\n{\[]*|[ \t]*)\r?\n)*(?:---[ \t]*)?[{\[]")
_JSON_GROUP = re.compile(r'"apiVersion"\s*:\s*"rbac\.authorization\.k8s\.io/')
_JSON_KIND = re.compile(rf'"kind"\s*:\s*"({_RBAC_KINDS})"')
_JSON_ACCOUNT = re.compile(r'"kind"\s*:\s*"ServiceAccount(?:List)?"')
_JSON_CORE = re.compile(r'"apiVersion"\s*:\s*"v1"')
_JSON_LIST = re.compile(r'\s*\{\s*"apiVersion"\s*:\s*"v1"\s*,\s*"items"\s*:')
_AUDIT = re.compile(r'"auditID"\s*:|"apiVersion"\s*:\s*"audit\.k8s\.io/')


def sniff(head: bytes, _name: str) -> float:
    """The kinds of objects and their API; an audit log holds such objects too and is none."""
    begin = text.beginning(head) or ""
    # Documents of YAML may be written as JSON.
    if begin.lstrip()[:1] in ("{", "[") or _JSON_DOCUMENTS.match(begin):
        return _sniff_json(begin)
    if _YAML_START.match(begin) is None:
        return 0.0
    if _YAML_GROUP.search(begin) and _YAML_KIND.search(begin):
        return 1.0
    if _YAML_ACCOUNT.search(begin) and re.search(r"^(?:- |  )?apiVersion:[ \t]+v1\s*$", begin, re.MULTILINE):
        return 0.9
    return 0.3 if _YAML_LIST.match(begin) else 0.0


def _sniff_json(begin: str) -> float:
    if _AUDIT.search(begin):
        return 0.0
    if _JSON_GROUP.search(begin) and _JSON_KIND.search(begin):
        return 1.0
    if _JSON_ACCOUNT.search(begin) and _JSON_CORE.search(begin):
        return 0.9
    return 0.3 if _JSON_LIST.match(begin) else 0.0


def admit(stream: Readable, mapping: Options, sink: Sink) -> Kept:
    """The fields that tell about access; data of Secrets and everything of other kinds is cut."""
    return admit_objects(text.whole(stream, LIMIT), sink, lambda found: _checked(found, mapping))


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Entitlements and accounts, each before the grants and inclusions that name them."""
    found = _checked(objects(text.whole(stream, LIMIT)), mapping)
    doubts = _doubts(found, mapping)
    made = Records(found, is_full=not doubts)
    records = list(made.records())  # the notes count what the records had to leave out
    return _header(found, made, doubts), iter(records)


def _checked(written: Iterator[Written | Envelope], mapping: Options) -> Inventory:
    """The inventory; raises Unreadable if nothing in the file tells about access."""
    found = inventory(written, mapping.get("namespace") or None)
    if found.kinds.keys() - {"Namespace", "Secret"} or found.rejected or found.found:
        return found
    if found.unread["Status"]:
        raise Unreadable(
            "api_refused",
            "The file is the answer of an API that refused to list. Export again with an account that may "
            "list roles, bindings and service accounts in all namespaces.",
            1,
        )
    if found.unread or found.kinds:
        raise Unreadable(
            "wrong_kinds",
            f"The file holds {_counted(found.unread + found.kinds)} and nothing that tells about access. "
            "Export with “kubectl get clusterroles,clusterrolebindings,roles,rolebindings,serviceaccounts -A "
            "-o yaml”.",
            1,
        )
    raise Unreadable(
        "no_objects",
        "The file holds no objects. If it should, export it again with an account that may list them.",
        1,
    )


def _doubts(found: Inventory, mapping: Options) -> list[str]:
    """Why the file may not prove that something is gone; empty if it may."""
    if mapping.get("complete") == "no":
        return ["The source is set up as not complete."]
    doubts: list[str] = []
    if found.is_partial:
        doubts.append(
            "The file is one page of several (metadata.continue), so what is missing may be elsewhere."
        )
    if found.rejected:
        doubts.append(f"Objects or subjects that could not be read: {len(found.rejected)}.")
    missing = [kind for kind in _NEEDED if not found.kinds[kind]]
    if missing:
        doubts.append(f"The file has no objects of the kind {_all(missing)}, so it does not list everything.")
    elif mapping.get("complete") != "yes" and not _is_whole_cluster(found):
        doubts.append(
            "The file lacks what every cluster has (cluster-admin and the service account default of several "
            "namespaces): it was taken of one namespace, with a selector, or is no export. If it is "
            "complete, set the option “complete” to yes."
        )
    return doubts


def _is_whole_cluster(found: Inventory) -> bool:
    """Objects that every cluster has, and that no filter by namespace, label or field lets through."""
    has_admin = any(not one.at.namespace and one.at.name == "cluster-admin" for one in found.of(Role))
    has_binding = ("ClusterRoleBinding", "", "cluster-admin") in found.found
    homes = {one.at.namespace for one in found.of(ServiceAccount) if one.at.name == "default"}
    return has_admin and has_binding and {"default", "kube-system", "kube-public"} <= homes


def _header(found: Inventory, made: Records, doubts: list[str]) -> Header:
    covers = {"account", "entitlement", "inclusion", "grant"}
    if found.kinds["Secret"]:
        covers.add("credential")
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=found.cluster,
        is_full=not doubts,
        covers=frozenset(covers),
        notes=(*doubts, *_notes_on_roles(found, made), *_notes_on_accounts(found, made)),
    )


def _notes_on_roles(found: Inventory, made: Records) -> Iterator[str]:
    if found.unread:
        yield f"{_counted(found.unread)} tell nothing about access and were not read."
    if made.missing:
        names = _all([one.key for one in made.missing])
        yield (
            f"Roles that are bound and not in the file: {len(made.missing)} ({names}). What they allow "
            "is not known from it."
        )
    if made.repeated:
        yield f"Rights that more than one binding gives, and that end only with the last: {made.repeated}."
    if idle := sum(not one.subjects for one in found.of(Binding)):
        yield f"Bindings that name nobody: {idle}."
    if found.same:
        yield f"Objects that stand in the file twice, word for word: {found.same}."
    if found.users_in_namespaces:
        yield (
            "Users and groups that are named with a namespace, which Kubernetes ignores: "
            f"{found.users_in_namespaces}."
        )
    for name, count in made.silent_groups.items():
        yield (
            f"Accounts of the file that are in the group {name} by what they are: {count}. Nothing that it "
            "brings is known to be privileged, so it is not listed for each of them."
        )


def _notes_on_accounts(found: Inventory, made: Records) -> Iterator[str]:
    accounts = found.of(ServiceAccount)
    if made.absent_accounts:
        names = _all(made.absent_accounts)
        yield f"Service accounts that are named and not in the file: {len(made.absent_accounts)} ({names})."
    if accounts:
        mounted = sum(one.automount is not False for one in accounts)
        yield (
            "Service accounts whose token every pod of theirs gets unless the pod says no: "
            f"{mounted} of {len(accounts)}."
        )
    if referring := sum(bool(one.secrets) for one in accounts):
        yield f"Service accounts that name Secrets for their pods: {referring}."
    if pulling := sum(bool(one.pull_secrets) for one in accounts):
        yield f"Service accounts that name Secrets for pulling images: {pulling}."
    if found.other_secrets:
        yield f"Secrets that are no token of a service account, and not kept: {found.other_secrets}."
    elsewhere = [
        f"{one.at.namespace}/{one.at.name} as {one.acts_elsewhere}" for one in accounts if one.acts_elsewhere
    ]
    if elsewhere:
        yield f"Service accounts that are set up to act as identities of a cloud: {_all(elsewhere)}."
    yield (
        "Kubernetes keeps no list of people and groups: they are known by the bindings that name them, and "
        "who is in a group only the sign-in knows."
    )


def _counted(found: Counter[str]) -> str:
    """`3 objects of the kinds ConfigMap and Deployment`."""
    count, kinds = sum(found.values()), sorted(found)
    return f"{count} object{'s' * (count != 1)} of the kind{'s' * (len(kinds) > 1)} {_all(kinds)}"


def _all(names: list[str]) -> str:
    shown = [name[:200] for name in names[:_MOST_NAMED]]
    if len(names) > _MOST_NAMED:
        return ", ".join(shown) + f" and {len(names) - _MOST_NAMED} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="Kubernetes roles, bindings and service accounts (YAML or JSON)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
