"""Kubernetes: roles, bindings and service accounts of a whole cluster, page by page.

The reader needs `list` on these five kinds in all namespaces and nothing else; Secrets are never asked for.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from accounts.pulls.pull import (
    MIB,
    Address,
    Paper,
    Pull,
    PullRefused,
    Reach,
    Request,
    Sink,
    Taken,
    address,
    settled,
)
from accounts.pulls.web import Api

RBAC_API = "rbac.authorization.k8s.io/v1"
# Path, what the API calls them, their kind.
LISTS = (
    (f"/apis/{RBAC_API}/clusterroles", RBAC_API, "ClusterRole"),
    (f"/apis/{RBAC_API}/clusterrolebindings", RBAC_API, "ClusterRoleBinding"),
    (f"/apis/{RBAC_API}/roles", RBAC_API, "Role"),
    (f"/apis/{RBAC_API}/rolebindings", RBAC_API, "RoleBinding"),
    ("/api/v1/serviceaccounts", "v1", "ServiceAccount"),
)
PAGE = "500"  # objects
MOST_PAGES = 10_000
FIELDS, NEEDED = ("url",), frozenset({"url"})
PORTS = {"https": 443}


class _Expired(Exception):
    """The snapshot that the pages are of is gone on the server."""


def check(settings: Mapping[str, str], reach: Reach) -> None:
    """Whether the settings could work."""
    _address(settings, reach)


def read(request: Request, sink: Sink) -> Taken:
    """One list of everything, as `kubectl get … -A -o json` writes it."""
    at = _address(request.settings, request.reach)
    paper, counts, is_whole = Paper(request, sink), dict[str, int](), True
    api = Api(at, request, paper)
    try:
        paper.write(b'{"apiVersion":"v1","kind":"List","items":[')
        separator = b"\n"
        for path, version, kind in LISTS:
            found, has_all = _list(api, path, kind, request, paper)
            counts[kind] = len(found)
            is_whole = is_whole and has_all
            for one in found:
                # Objects in a list don't name their kind; the list does.
                whole = {"apiVersion": version, "kind": kind, **_without_managers(one)}
                paper.write(separator + json.dumps(whole, separators=(",", ":")).encode())
                separator = b",\n"
        paper.write(b"\n]}\n")
    finally:
        api.close()
    kinds = ", ".join(path.rpartition("/")[2] for path, _, _ in LISTS)
    asked = f"GET {kinds} of {at.shown}{at.path}, all namespaces, no selector, pages of {PAGE}"
    return Taken("rbac.json", asked, counts, is_whole=is_whole)


def _address(settings: Mapping[str, str], reach: Reach) -> Address:
    settled(settings, FIELDS, NEEDED)
    return address(settings["url"], reach, PORTS)


def _list(
    api: Api, path: str, kind: str, request: Request, paper: Paper
) -> tuple[list[dict[str, Any]], bool]:
    """All objects of a kind; once more from the beginning if the server forgot the snapshot meanwhile."""
    try:
        return _pages(api, path, kind, request, paper)
    except _Expired:
        pass
    try:
        return _pages(api, path, kind, request, paper)
    except _Expired:
        raise PullRefused(
            "expired",
            f"{api.at.shown} forgets its snapshot before all {kind} objects are read. Read it at a quieter "
            "hour.",
        ) from None


def _pages(
    api: Api, path: str, kind: str, request: Request, paper: Paper
) -> tuple[list[dict[str, Any]], bool]:
    found: list[dict[str, Any]] = []
    query = {"limit": PAGE}
    for _ in range(MOST_PAGES):
        paper.on_time()
        status, answer = api.get(path, query)
        found += _items(status, answer, kind, api)
        after = answer["metadata"].get("continue") if isinstance(answer.get("metadata"), dict) else None
        if not after:
            return found, True
        if request.limits.is_trial:
            return found, False
        query = {"limit": PAGE, "continue": str(after)}
    raise PullRefused("no_end", f"{api.at.shown} never ends its list of {kind} objects.")


def _without_managers(one: dict[str, Any]) -> dict[str, Any]:
    """Who wrote which field last is half of an object's size and no part of what kubectl shows."""
    about = one.get("metadata")
    if not isinstance(about, dict):
        return one
    return {**one, "metadata": {name: value for name, value in about.items() if name != "managedFields"}}


def _items(status: int, answer: Any, kind: str, api: Api) -> Iterator[dict[str, Any]]:
    """The objects of one page, if it is one."""
    at = api.at
    if status == 410:
        raise _Expired
    if status in (401, 403):
        what = (
            f"does not accept the token: renew it, and set {api.prefix}TOKEN"
            if status == 401
            else f"does not let the portal list {kind} objects: allow “list” on them in all namespaces"
        )
        raise PullRefused("not_allowed", f"{at.shown} {what}.")
    is_list = isinstance(answer, dict) and answer.get("kind") == f"{kind}List"
    if status != 200 or not is_list or not isinstance(answer.get("items"), list | None):
        raise PullRefused(
            "wrong_answer",
            f"{at.shown} answers {status} and no list of {kind} objects. Check that the address is that of "
            "the API server.",
        )
    items = answer.get("items") or []
    if not all(isinstance(one, dict) for one in items):
        raise PullRefused("wrong_answer", f"{at.shown} sends {kind} objects that are none.")
    return iter(items)


RBAC = Pull(
    kind="kubernetes",
    label="Kubernetes API",
    fields=FIELDS,
    needed=NEEDED,
    secrets=("TOKEN", "CA"),
    size=64 * MIB,
    check=check,
    read=read,
)
