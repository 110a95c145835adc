"""Kubernetes is read page by page, over TLS, with a token; a local server answers as an API server does."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from accounts.connectors import REGISTRY
from accounts.connectors.records import Account, Grant
from accounts.pulls import kubernetes
from accounts.pulls.pull import Limits, PullRefused, Reach, Request, Taken
from tests.pulls.servers import Answer, Asked, certificate_in, serving

TOKEN = "eyJhbGciOiJSUzI1NiJ9.reader-of-access"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMIN = {
    "metadata": {"name": "cluster-admin"},
    "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
}


def named(name: str, namespace: str = "", **fields: Any) -> dict[str, Any]:
    """An object as a list holds it: without kind and version."""
    place = {"namespace": namespace} if namespace else {}
    return {"metadata": {"name": name, **place, "managedFields": [{"manager": "kubectl"}]}, **fields}


def binding(
    name: str, role: str, subject: dict[str, str], namespace: str = "", kind: str = "ClusterRole"
) -> Any:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    return named(name, namespace, roleRef=reference, subjects=[subject])


OBJECTS: dict[str, list[dict[str, Any]]] = {
    f"{RBAC}/clusterroles": [ADMIN],
    f"{RBAC}/clusterrolebindings": [
        binding("cluster-admin", "cluster-admin", {"kind": "Group", "name": "system:masters"}),
        binding("ops", "cluster-admin", {"kind": "ServiceAccount", "name": "deployer", "namespace": "pay"}),
    ],
    f"{RBAC}/roles": [
        named("reader", "pay", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])
    ],
    f"{RBAC}/rolebindings": [binding("ann", "reader", {"kind": "User", "name": "ann"}, "pay", "Role")],
    "/api/v1/serviceaccounts": [
        *(named("default", space) for space in ("default", "kube-system", "kube-public")),
        named("deployer", "pay"),
    ],
}
KINDS = {path: kind for path, _version, kind in kubernetes.LISTS}


def page(path: str, items: list[dict[str, Any]], after: str = "") -> Answer:
    about = {"resourceVersion": "77", **({"continue": after, "remainingItemCount": 9} if after else {})}
    body = {"kind": f"{KINDS[path]}List", "apiVersion": "v1", "metadata": about, "items": items}
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def cluster(asked: Asked) -> Answer:
    """Two objects a page; the place to go on is written in the token."""
    begin = int(asked.query.get("continue", "0"))
    items = OBJECTS[asked.path]
    more = str(begin + 2) if len(items) > begin + 2 else ""
    return page(asked.path, items[begin : begin + 2], more)


def request(url: str, **fields: Any) -> Request:
    values: dict[str, Any] = {
        "settings": {"url": url},
        "secrets": {"TOKEN": TOKEN},
        "reach": Reach(frozenset({"127.0.0.1"}), allows_http=True),
        "limits": Limits(timeout=5),
        "prefix": "PORTAL_PULL_K8S_",
    }
    return Request(**(values | fields))


def taken(answers: Any, **fields: Any) -> tuple[Taken, bytes, list[Asked]]:
    out = BytesIO()
    with serving(answers) as (url, asked):
        told = kubernetes.read(request(url, **fields), out.write)
    return told, out.getvalue(), asked


def test_every_page_of_every_list_becomes_one_file_that_is_read_in_full() -> None:
    told, data, asked = taken(cluster)
    assert told.counts == {
        "ClusterRole": 1,
        "ClusterRoleBinding": 2,
        "Role": 1,
        "RoleBinding": 1,
        "ServiceAccount": 4,
    }
    assert [one.query.get("continue") for one in asked if one.path == "/api/v1/serviceaccounts"] == [
        None,
        "2",
    ]
    assert {one.method for one in asked} == {"GET"}
    header, records = REGISTRY["kubernetes_rbac"].read(BytesIO(data), {})
    found = list(records)
    assert header.is_full
    assert {one.name for one in found if isinstance(one, Account)} >= {"ann"}
    assert sum(isinstance(one, Grant) for one in found) >= 2
    assert b"managedFields" not in data


def test_only_access_is_asked_for_and_never_a_secret() -> None:
    _told, data, asked = taken(cluster)
    assert {one.path for one in asked} == set(OBJECTS)
    assert all(one.headers["authorization"] == f"Bearer {TOKEN}" for one in asked)
    assert TOKEN.encode() not in data


def test_a_path_before_the_api_is_kept() -> None:
    def behind(asked: Asked) -> Answer:
        return cluster(
            Asked(asked.method, asked.path.removeprefix("/k8s/c-1"), asked.query, asked.headers, {})
        )

    with serving(behind) as (url, asked):
        kubernetes.read(request(f"{url}/k8s/c-1/"), BytesIO().write)
    assert all(one.path.startswith("/k8s/c-1/api") for one in asked)


def test_a_snapshot_that_is_gone_is_read_once_more_from_the_beginning() -> None:
    gone: Iterator[bool] = iter([True, *[False] * 99])

    def forgetful(asked: Asked) -> Answer:
        if asked.query.get("continue") and next(gone):
            return 410, {}, b'{"kind": "Status", "reason": "Expired"}'
        return cluster(asked)

    told, _data, _asked = taken(forgetful)
    assert told.counts["ServiceAccount"] == 4


def test_a_server_that_always_forgets_is_refused() -> None:
    def forgetful(asked: Asked) -> Answer:
        return (410, {}, b"{}") if asked.query.get("continue") else cluster(asked)

    with pytest.raises(PullRefused) as refusal:
        taken(forgetful)
    assert refusal.value.code == "expired"


def test_a_trial_reads_one_page_of_each() -> None:
    told, _data, asked = taken(cluster, limits=Limits(timeout=5, is_trial=True))
    assert len(asked) == len(OBJECTS)
    assert (told.counts["ServiceAccount"], told.is_whole) == (2, False)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((401, {}, b"{}"), "not_allowed"),
        ((403, {}, b'{"kind": "Status"}'), "not_allowed"),
        ((302, {"Location": "https://127.0.0.1/"}, b""), "redirected"),
        ((500, {}, b"oops"), "wrong_answer"),
        ((200, {}, b"<html>sign in</html>"), "wrong_answer"),
        ((200, {}, b'{"kind": "PodList", "items": []}'), "wrong_answer"),
        ((200, {}, b'{"kind": "ClusterRoleList", "items": ["x"]}'), "wrong_answer"),
        ((200, {}, b'{"kind": "ClusterRoleList", "items": {}}'), "wrong_answer"),
        ((200, {}, b"[" * 100_000), "wrong_answer"),
    ],
)
def test_what_is_no_list_is_refused_in_words_without_the_token(answer: Answer, code: str) -> None:
    with pytest.raises(PullRefused) as refusal:
        taken(lambda _asked: answer)
    assert refusal.value.code == code
    assert TOKEN not in str(refusal.value)


def test_an_endless_answer_is_cut() -> None:
    with pytest.raises(PullRefused) as refusal:
        taken(lambda _asked: (200, {}, b" " * 50_000), limits=Limits(size=10_000, timeout=5))
    assert refusal.value.code == "too_large"


def test_endless_pages_end() -> None:
    def again(asked: Asked) -> Answer:
        return page(asked.path, [ADMIN] * 20, "more")

    with pytest.raises(PullRefused) as refusal:
        taken(again, limits=Limits(size=10_000, timeout=5))
    assert refusal.value.code == "too_large"


def test_the_certificate_has_to_be_signed_by_the_given_authority(tmp_path: Path) -> None:
    certificate, authority = certificate_in(tmp_path)
    with serving(cluster, certificate=certificate) as (url, _asked):
        known = {"TOKEN": TOKEN, "CA": authority}
        assert kubernetes.read(request(url, secrets=known), BytesIO().write).is_whole
        with pytest.raises(PullRefused, match="PORTAL_PULL_K8S_CA") as refusal:
            kubernetes.read(request(url), BytesIO().write)
    assert refusal.value.code == "not_trusted"


def test_the_certificate_has_to_name_the_host(tmp_path: Path) -> None:
    certificate, authority = certificate_in(tmp_path, address="127.0.0.2")
    secrets = {"TOKEN": TOKEN, "CA": authority}
    with serving(cluster, certificate=certificate) as (url, asked), pytest.raises(PullRefused) as refusal:
        kubernetes.read(request(url, secrets=secrets), BytesIO().write)
    assert refusal.value.code == "not_trusted"
    assert asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1",
        "https://evil.example",
        "https://127.0.0.1@evil.example",
        "https://user:word@127.0.0.1",
        "https://127.0.0.1/?x=1",
        "https://127.0.0.1/#x",
        "https://127.0.0.1/../x",
        "https://127.0.0.1:99999",
        "file:///etc/passwd",
        "//127.0.0.1",
        "https://",
        "https://127.0.0.1/\r\nX: y",
        "",
    ],
)
def test_addresses_that_are_not_allowed_are_refused(url: str) -> None:
    with pytest.raises(PullRefused):
        kubernetes.check({"url": url}, Reach(frozenset({"127.0.0.1"}), allows_http=True))


def test_plain_http_is_for_this_machine_in_development_alone() -> None:
    here = {"url": "http://127.0.0.1:8001"}
    kubernetes.check(here, Reach(frozenset({"127.0.0.1:8001"}), allows_http=True))
    with pytest.raises(PullRefused):
        kubernetes.check(here, Reach(frozenset({"127.0.0.1:8001"})))
    with pytest.raises(PullRefused):
        kubernetes.check({"url": "http://api.example"}, Reach(frozenset({"api.example"}), allows_http=True))


@pytest.mark.parametrize(
    ("token", "code"), [("", "secret_missing"), ("a b", "wrong_token"), ("a\r\nX: y", "wrong_token")]
)
def test_a_token_that_is_none_is_refused_unseen(token: str, code: str) -> None:
    with pytest.raises(PullRefused) as refusal:
        taken(cluster, secrets={"TOKEN": token})
    assert refusal.value.code == code
    assert "X: y" not in str(refusal.value)


def test_an_authority_that_is_none_is_refused() -> None:
    with pytest.raises(PullRefused) as refusal:
        kubernetes.read(request("https://127.0.0.1:1", secrets={"TOKEN": TOKEN, "CA": "x"}), BytesIO().write)
    assert refusal.value.code == "wrong_authority"


def test_nobody_at_home_is_said() -> None:
    with pytest.raises(PullRefused) as refusal:
        kubernetes.read(request("http://127.0.0.1:1"), BytesIO().write)
    assert refusal.value.code == "no_answer"
