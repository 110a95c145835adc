"""Kubernetes: what is never kept, what is refused, and whose file it is."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.connectors.kubernetes.rbac import CONNECTOR
from accounts.connectors.records import (
    Account,
    Entitlement,
    Unreadable,
)
from tests.connectors.kubernetes_reading import DATA, ROOT, SAMPLES, SECRETS, own, refusal, run

RBAC = "rbac.authorization.k8s.io"


@pytest.mark.parametrize("name", ["cluster.yaml", "manifests.yaml"])
@pytest.mark.parametrize("form", ["as it is", "CRLF", "JSON", "JSON lines"])
def test_no_secret_is_kept_and_lines_stay(name: str, form: str) -> None:
    data = own(name)
    if form == "CRLF":
        data = data.replace(b"\n", b"\r\n")
    elif form != "as it is":
        indent = 2 if form == "JSON" else None
        data = "\n".join(json.dumps(one, indent=indent) for one in yaml.safe_load_all(data)).encode()
    assert any(secret.encode() in data for secret in SECRETS)
    done = run(data)
    for secret in SECRETS:
        assert secret.encode() not in done.data
        assert secret not in repr((done.header, done.records, done.admitted))
    assert done.data.count(b"\n") == data.count(b"\n")
    assert CONNECTOR.sniff(done.data, "kept") == 1.0


def test_what_was_cut_is_named() -> None:
    cut = run(own("cluster.yaml")).cut
    assert cut["Secret.data"] == 3
    assert cut["Secret.stringData"] == 1
    assert cut["deploy-token"] == 1
    assert cut["ConfigMap.data"] == 1
    assert cut["Deployment.spec"] == 4
    assert cut["ClusterRole.metadata.annotations.kubectl.kubernetes.io/last-applied-configuration"] == 1
    assert cut["ClusterRole.metadata.managedFields"] == 5
    assert run(own("manifests.yaml")).cut["comment"] == 2


def test_the_same_is_read_from_what_was_kept_as_from_json() -> None:
    as_yaml = run(own("cluster.yaml"))
    as_json = run(json.dumps(yaml.safe_load(own("cluster.yaml")), indent=4))
    words = [[str(one).split(" line=")[0] for one in done.records] for done in (as_yaml, as_json)]
    assert words[0] == words[1]
    assert as_yaml.header == as_json.header
    # Names of Secrets are no secrets, nor is a yes or no about tokens.
    kept = yaml.safe_load(as_yaml.data)["items"][10]
    assert kept["secrets"] == [{"name": "deployer-token-x7k2p"}]
    assert kept["imagePullSecrets"] == [{"name": "registry-pull"}]
    assert kept["automountServiceAccountToken"] is False


def test_items_of_a_list_of_secrets_have_no_kind_and_are_cut_all_the_same() -> None:
    secret = {"metadata": {"name": "a", "namespace": "b"}, "data": {"x": "c3VuZmxvd2Vy"}}
    account = {
        "kind": "ServiceAccountList",
        "apiVersion": "v1",
        "items": [{"metadata": {"name": "r", "namespace": "b"}}],
    }
    for listed in (
        json.dumps({"kind": "SecretList", "apiVersion": "v1", "items": [secret]}) + json.dumps(account),
        json.dumps([{"items": [secret], "apiVersion": "v1", "kind": "SecretList"}, account]),
        "---\n".join(
            yaml.safe_dump(one)
            for one in ({"kind": "SecretList", "apiVersion": "v1", "items": [secret]}, account)
        ),
    ):
        done = run(listed)
        assert b"c3VuZmxvd2Vy" not in done.data
        assert [one.identity_key for one in done.of(Account)] == ["b/r"]


GOOD = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  namespace: b\n"
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        ("", "empty", 1),
        ("# nothing\n", "no_objects", 1),
        ("apiVersion: v1\nitems: []\nkind: List\n", "no_objects", 1),
        ('{"apiVersion":"v1","items":[],"kind":"List"}', "no_objects", 1),
        ("hello\n", "wrong_kinds", 1),
        ("a,b,c\n1,2,3\n", "wrong_kinds", 1),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n", "wrong_kinds", 1),
        ('{"kind":"RoleList","apiVersion":"rbac.authorization.k8s.io/v1","items":null}', "no_objects", 1),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: x, namespace: y}\ndata: {a: b}\n", "wrong_kinds", 1),
        ('{"kind":"Status","status":"Failure","message":"forbidden","code":403}', "api_refused", 1),
        (GOOD + "  name: c\n", "duplicate_key", 6),
        (GOOD + "x: !!python/object/apply:os.system [ls]\n", "unknown_tag", 6),
        (GOOD + "x: !Ref y\n", "unknown_tag", 6),
        (GOOD + "x: *y\n", "unknown_alias", 6),
        (GOOD + "x: &y [*y]\n", "unknown_alias", 6),
        (GOOD + "x: [*]\n", "not_yaml", 6),
        (GOOD + "x:\n\t- y\n", "not_yaml", 7),
        (GOOD + 'x: "\n', "truncated", 6),
        (GOOD + "x: [a,\n", "truncated", 6),
        (GOOD + "x: \x07\n", "not_yaml", 6),
        (GOOD + 'x: "a\\0b"\n', "nul", 6),
        (GOOD + "? [a]\n: b\n", "not_yaml", 6),
        (GOOD + LAUGHS, "too_many_aliases", 11),
        (GOOD + "x: " + "[" * 300 + "\n", "too_deep", 6),
        ("apiVersion: v1\nitems:\n- " + GOOD.replace("\n", "\n  "), "truncated", 7),
        ('{"apiVersion":"v1","items":[{"kind":"Role"', "truncated", 1),
        ('{"kind":"Role"}\n{"kind":\n', "truncated", 3),
        ('[{"kind":"Role"},\n{"kind"', "truncated", 2),
        ('{"kind":"Role"}\n{"kind":nope}\n', "not_json", 2),
        ('{"kind":"Role","kind":"x"}', "duplicate_key", 1),
        ('{"kind":"Role","x":NaN}', "not_json", 1),
        ('{"kind":"Role","x":"\\ud800"}', "nul", 1),
        ('{"kind":"Role","x":' + "[" * 100_000, "too_deep", 1),
        (GOOD.encode("utf-16-le"), "nul", 1),
        (GOOD.replace("a", "ä").encode("cp1252"), "wrong_encoding", 1),
        (b"PK\x03\x04", "not_text", 1),
    ],
)
def test_what_is_no_inventory_is_refused_before_anything_is_kept(
    data: str | bytes, code: str, line: int
) -> None:
    error = refusal(data)
    assert (error.code, error.line) == (code, line)
    assert str(error).endswith((".", '"'))


def test_a_star_without_quotes_is_explained() -> None:
    assert 'in quotes: "*"' in str(refusal("verbs: [*]\n"))
    assert 'in quotes: "*"' in str(refusal("verbs:\n- *\n"))


def test_a_file_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.connectors.kubernetes.rbac.LIMIT", 100)
    assert refusal(GOOD + "#" * 100).code == "too_large"


def test_odd_names_are_data() -> None:
    name = "=cmd|' /C calc'!A0\u202e__proto__"
    data = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "x"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "name": name}, {"kind": "Group", "name": name}],
    }
    for written in (json.dumps(data), yaml.safe_dump(data)):
        done = run(written)
        assert [one.name for one in done.of(Account)] == [name]
        assert f"group/{name}" in {one.external_id for one in done.of(Entitlement)}


@pytest.mark.parametrize("name", ["cluster.yaml", "manifests.yaml"])
def test_its_own_files_are_recognised(name: str) -> None:
    assert CONNECTOR.sniff(own(name), "upload") == 1.0
    as_json = json.dumps(next(yaml.safe_load_all(own(name))), indent=1).encode()
    assert CONNECTOR.sniff(as_json[:65536], "upload") >= 0.9


def others() -> Iterator[Path]:
    for folder in (SAMPLES, ROOT / "tests" / "data", ROOT / "portal" / "demo"):
        for path in sorted(folder.rglob("*")):
            is_own = "k8s-rbac" in path.parts or "kubernetes" in str(path.relative_to(folder))
            if path.is_file() and not is_own and path.parent != DATA:
                yield path


def test_other_files_are_not_its_own() -> None:
    taken = []
    for path in others():
        with path.open("rb") as file:
            if CONNECTOR.sniff(file.read(65536), path.name) > 0:
                taken.append(path.name)
    assert taken == []


def test_many_comments_of_windows_take_no_time() -> None:
    assert CONNECTOR.sniff(b"# a\r\n" * 8000 + b"?", "x.yaml") == 0.0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        b"# RBAC\n\nUse `apiVersion: rbac.authorization.k8s.io/v1` and `kind: ClusterRole`.\n",
        b"kind: role\nversion: v7\nmetadata:\n  name: access\nspec:\n  allow: {}\n",
        b"name,kind\nClusterRole,rbac.authorization.k8s.io/\n",
        b'{"kind":"Event","auditID":"1","requestObject":{"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1"}}',
    ],
)
def test_what_only_talks_of_it_is_not_its_own(data: bytes) -> None:
    assert CONNECTOR.sniff(data, "rbac.yaml") == 0.0


KEYS = st.sampled_from(
    [
        *("apiVersion", "kind", "metadata", "name", "namespace", "items", "rules", "subjects", "roleRef"),
        *("apiGroups", "resources", "verbs", "resourceNames", "labels", "annotations", "data", "secrets"),
        *(
            "aggregationRule",
            "clusterRoleSelectors",
            "matchLabels",
            "matchExpressions",
            "users",
            "type",
            "<<",
        ),
    ]
)
WORDS = st.sampled_from(
    [
        *("v1", "rbac.authorization.k8s.io/v1", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"),
        *("ServiceAccount", "Secret", "List", "User", "Group", "*", "pods/exec", "a", "", "x: y", "# no"),
        *("kubernetes.io/service-account-token", "multi\nline", "tail ", "'", '"'),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=3), as_json=st.booleans())
def test_whatever_comes_is_read_or_refused_and_is_the_same_when_kept(
    values: list[object], as_json: bool
) -> None:
    text = "\n".join(map(json.dumps, values)) if as_json else yaml.safe_dump_all(values)
    try:
        done = run(text)
    except Unreadable:
        return
    assert all(record.line >= 1 for record in done.records)
    assert done.data.count(b"\n") == text.count("\n")
    # What was admitted holds nothing more to cut.
    assert run(done.data).data == done.data


PIECES = st.lists(
    st.sampled_from(
        ["sunflower", "\n", "  ", "\t", "#", ": ", "- ", "'", '"', "\\", "é", "|", ">", "&a", "*a", "{"]
    ),
    min_size=1,
    max_size=8,
).map(lambda parts: "sunflower" + "".join(parts))


@settings(max_examples=150, deadline=None)
@given(
    values=st.dictionaries(st.sampled_from(["a", "b", "password", "x.y"]), PIECES, min_size=1),
    style=st.sampled_from([None, "'", '"', "|", ">"]),
    is_flow=st.sampled_from([True, False, None]),
    width=st.sampled_from([5, 80]),
    indent=st.sampled_from([2, 7]),
)
def test_no_style_of_yaml_hides_a_secret(
    values: dict[str, str], style: str | None, is_flow: bool | None, width: int, indent: int
) -> None:
    one = next(iter(values.values()))
    objects = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "n", "namespace": "s", "annotations": {"note": one}},
            "data": {**values, "again": one},
            "stringData": [one, {"deep": one}],
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "n", "namespace": "s"}, "x": one},
    ]
    listed = {"apiVersion": "v1", "items": objects, "kind": "List"}
    text = yaml.safe_dump_all(
        [listed, *objects],
        default_style=style,
        default_flow_style=is_flow,
        width=width,
        indent=indent,
        allow_unicode=True,
    )
    done = run(text)
    assert b"sunflower" not in done.data
    assert done.data.count(b"\n") == text.count("\n")
    assert [one.identity_key for one in done.of(Account)] == ["s/n"]
