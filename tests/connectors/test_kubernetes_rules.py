"""What the rules of a Kubernetes role are worth."""

import json

import pytest

from accounts.connectors.records import (
    Entitlement,
    Inclusion,
    Unreadable,
)
from tests.connectors.kubernetes_reading import run


def role(rule: dict[str, object] | None, namespace: str = "", **more: object) -> Entitlement:
    metadata = {"name": "r", **({"namespace": namespace} if namespace else {})}
    kind = "Role" if namespace else "ClusterRole"
    made = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "rules": [rule] if rule is not None else None,
        **more,
    }
    (found,) = run(json.dumps(made)).of(Entitlement)
    return found


def rule(groups: str, resources: str, verbs: str, names: str = "") -> dict[str, object]:
    made: dict[str, object] = {
        "apiGroups": groups.split(",") if groups else [""],
        "resources": resources.split(","),
        "verbs": verbs.split(","),
    }
    return {**made, "resourceNames": names.split(",")} if names else made


RBAC = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("given_rule", "namespace", "is_privileged", "marks", "reach"),
    [
        (rule("*", "*", "*"), "", True, "admin wildcard", "exec"),
        (rule("*", "*", "*"), "shop", True, "admin wildcard", "exec"),
        (rule("apps", "*", "*"), "", True, "escalate wildcard", None),
        (rule("example.com", "widgets", "*"), "", True, "wildcard", None),
        (rule("example.com", "*", "get,list"), "", False, "wildcard", None),
        (rule("example.com", "*", "get,update"), "", True, "wildcard", None),
        (rule("", "*", "get,list,watch"), "", True, "escalate exec secrets_read wildcard", "exec"),
        (rule("", "*", "list"), "", True, "secrets_read wildcard", None),
        (rule("*", "pods", "list"), "", False, "wildcard", None),
        (rule("", "secrets", "list"), "", True, "secrets_read", None),
        (rule("", "secrets", "get", "tls"), "", False, "", None),
        (rule("", "secrets", "create,delete"), "", False, "", None),
        (rule("example.com", "secrets", "get"), "", False, "", None),
        (rule(RBAC, "clusterroles", "escalate"), "", True, "escalate iam_write", None),
        (rule(RBAC, "clusterroles", "escalate"), "shop", False, "", None),
        (rule(RBAC, "roles", "escalate", "one"), "shop", True, "escalate iam_write", None),
        (rule(RBAC, "clusterroles", "bind"), "", True, "escalate iam_write", None),
        (rule(RBAC, "clusterroles", "bind", "view"), "", False, "", None),
        (rule(RBAC, "clusterroles", "bind", "view,admin"), "", True, "escalate iam_write", None),
        (rule(RBAC, "rolebindings", "create"), "shop", True, "iam_write", None),
        (rule(RBAC, "rolebindings", "get,list"), "shop", False, "", None),
        (rule("", "users", "impersonate", "ana"), "", True, "impersonate", None),
        (rule("", "users", "impersonate"), "shop", False, "", None),
        (rule("", "serviceaccounts", "impersonate"), "shop", True, "impersonate", None),
        (rule("", "serviceaccounts/token", "create", "ci"), "shop", True, "impersonate", None),
        (rule("", "pods/exec", "create"), "shop", True, "exec", "exec"),
        (rule("", "pods/exec", "get"), "shop", True, "exec", "exec"),
        (rule("", "pods/attach", "create", "one"), "shop", True, "exec", "exec"),
        (rule("", "*/exec", "create"), "shop", True, "exec", "exec"),
        (rule("", "pods/*", "create"), "shop", False, "", None),  # Kubernetes knows no such pattern
        (rule("", "pods/ephemeralcontainers", "patch"), "shop", True, "exec", "exec"),
        (rule("", "pods/log", "get"), "shop", False, "", None),
        (rule("", "pods", "create"), "shop", True, "escalate", None),
        (rule("", "pods", "create", "one"), "shop", False, "", None),  # a name is not known before
        (rule("apps", "deployments", "patch"), "shop", True, "escalate", None),
        (rule("apps", "deployments", "patch", "one"), "shop", False, "", None),
        (rule("batch", "cronjobs", "create"), "shop", True, "escalate", None),
        (rule("", "nodes/proxy", "get"), "", True, "escalate exec", "exec"),
        (rule("", "nodes/proxy", "get"), "shop", False, "", None),
        (
            rule("certificates.k8s.io", "certificatesigningrequests/approval", "update"),
            "",
            True,
            "impersonate",
            None,
        ),
        (rule("certificates.k8s.io", "signers", "approve", "example.com/mine"), "", False, "", None),
        (
            rule("certificates.k8s.io", "signers", "approve", "kubernetes.io/kube-apiserver-client"),
            *("", True, "impersonate", None),
        ),
        (
            rule("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "create"),
            *("", True, "escalate", None),
        ),
        (rule("", "persistentvolumes", "create"), "", True, "escalate", None),
        (rule("", "persistentvolumeclaims", "create"), "shop", False, "", None),
        (rule("", "namespaces", "patch"), "", True, "escalate", None),
        (
            rule("security.openshift.io", "securitycontextconstraints", "use", "restricted"),
            "",
            False,
            "",
            None,
        ),
        (
            rule("security.openshift.io", "securitycontextconstraints", "use", "privileged"),
            "",
            True,
            "escalate",
            None,
        ),
        ({"nonResourceURLs": ["*"], "verbs": ["get"]}, "", True, "wildcard", None),
        ({"nonResourceURLs": ["/healthz"], "verbs": ["get"]}, "", False, "", None),
        (rule("", "configmaps,events", "get,create"), "shop", False, "", None),
        (rule("", "pods/exec", ""), "shop", False, "", None),
        ({"apiGroups": "", "resources": ["secrets"], "verbs": ["get"]}, "", None, "", None),
        (None, "", False, "", None),
    ],
)
def test_what_a_rule_is_worth(
    given_rule: dict[str, object] | None,
    namespace: str,
    is_privileged: bool | None,
    marks: str,
    reach: str | None,
) -> None:
    found = role(given_rule, namespace)
    assert found.is_privileged is is_privileged
    assert " ".join(sorted(found.marks)) == marks
    assert found.reach == reach
    assert found.because


def test_a_role_put_together_is_as_privileged_as_its_parts() -> None:
    part = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "part", "labels": {"x": "y"}},
        "rules": [rule("", "pods/exec", "create")],
    }
    whole = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "whole", "labels": {"x": "y"}},
        "rules": [],
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]},
    }
    done = run(json.dumps([part, whole]))
    assert done.right("clusterrole/whole").because == (
        "Its holder may open sessions in the containers of all pods in the whole cluster (pods/exec) "
        "(rule 1 of part)."
    )
    assert [(one.parent, one.child) for one in done.of(Inclusion)] == [
        ("clusterrole/whole", "clusterrole/part")
    ]
    alone = role(None, aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]})
    assert alone.is_privileged is None


def test_an_at_in_a_name_is_no_namespace() -> None:
    done = run(
        json.dumps(
            [
                {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "view@shop"}},
                {
                    "apiVersion": f"{RBAC}/v1",
                    "kind": "RoleBinding",
                    "metadata": {"name": "b", "namespace": "shop"},
                    "roleRef": {"kind": "ClusterRole", "name": "view"},
                },
            ]
        )
    )
    assert {one.external_id for one in done.of(Entitlement)} == {
        "clusterrole/view%40shop",
        "clusterrole/view@shop",
    }


def test_roles_that_are_all_put_into_each_other_are_refused() -> None:
    roles = [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": f"role-{number}"},
            "aggregationRule": {"clusterRoleSelectors": [{}]},
        }
        for number in range(600)
    ]
    with pytest.raises(Unreadable) as refused:
        run("\n".join(map(json.dumps, roles)))
    assert refused.value.code == "too_many_parts"


def test_a_cluster_role_is_worth_the_same_in_each_namespace() -> None:
    bindings = [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "b", "namespace": namespace},
            "roleRef": {"kind": "ClusterRole", "name": "r"},
        }
        for namespace in ("one", "two")
    ]
    made = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        "rules": [rule("", "secrets", "get"), rule("", "nodes/proxy", "get")],
    }
    done = run(json.dumps([made, *bindings]))
    for namespace in ("one", "two"):
        assert done.right(f"clusterrole/r@{namespace}").because == (
            f"Its holder may read all secrets in the namespace {namespace} (get) (rule 1)."
        )
    assert "kubelets" in (done.right("clusterrole/r").because or "")
