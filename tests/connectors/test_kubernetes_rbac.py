"""Kubernetes: the samples against facts counted by hand, a whole cluster, manifests, and what they prove."""

import json

import pytest

from accounts.connectors.records import (
    Account,
    Credential,
    Entitlement,
    Grant,
    Inclusion,
    Rejected,
)
from tests.connectors.kubernetes_reading import Read, own, run

RBAC = "rbac.authorization.k8s.io"

COUNTS = {
    # file: bound or defined roles, groups, accounts, grants, inclusions
    # One ClusterRole, bound to one user.
    "cluster-autoscaler-rbac.yaml": (1, 0, 1, 1, 0),
    # 12 bindings of 12 ClusterRoles that are not in the file, with 12 subjects: 7 times one of the groups
    # masters, authenticated (3), monitoring, unauthenticated, serviceaccounts; 4 times a user (the
    # controller manager, the scheduler twice, the proxy); once the service account kube-dns.
    "cluster-role-bindings.yaml": (12, 5, 4, 5, 7),
    # 7 bindings of 7 Roles (bootstrap-signer in two namespaces) with 10 subjects, among them 2 users (the
    # controller manager and the scheduler, twice each) and 5 service accounts (bootstrap-signer twice).
    "namespace-role-bindings.yaml": (7, 0, 7, 10, 0),
    # 7 Roles in 2 namespaces.
    "namespace-roles.yaml": (7, 0, 0, 0, 0),
}


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_the_samples_by_count(sample: Read, name: str) -> None:
    done = run(sample(f"k8s-rbac/{name}"))
    kinds = [one.kind for one in done.of(Entitlement)]
    assert COUNTS[name] == (
        kinds.count("role"),
        kinds.count("group"),
        len(done.of(Account)),
        len(done.of(Grant)),
        len(done.of(Inclusion)),
    )
    assert done.of(Rejected) == []
    assert not done.header.is_full


@pytest.mark.parametrize(
    ("name", "key", "line"),
    [
        ("cluster-autoscaler-rbac.yaml", "clusterrole/cluster-autoscaler", 1),
        ("cluster-role-bindings.yaml", "clusterrole/system:kube-dns", 71),
        ("cluster-role-bindings.yaml", "group/system:masters", 3),
        ("cluster-role-bindings.yaml", "group/system:unauthenticated", 152),
        ("namespace-role-bindings.yaml", "role/kube-public/system:controller:bootstrap-signer", 3),
        ("namespace-roles.yaml", "role/kube-system/system:controller:token-cleaner", 151),
    ],
)
def test_the_samples_by_line(sample: Read, name: str, key: str, line: int) -> None:
    assert run(sample(f"k8s-rbac/{name}")).right(key).line == line


@pytest.mark.parametrize(
    ("name", "key", "is_privileged", "words"),
    [
        (
            "namespace-roles.yaml",
            "role/kube-system/system:controller:bootstrap-signer",
            True,
            "read all secrets",
        ),
        (
            "namespace-roles.yaml",
            "role/kube-system/system:controller:token-cleaner",
            True,
            "read all secrets",
        ),
        ("namespace-roles.yaml", "role/kube-public/system:controller:bootstrap-signer", False, "no secrets"),
        ("namespace-roles.yaml", "role/kube-system/system:controller:cloud-provider", False, "no secrets"),
        ("cluster-autoscaler-rbac.yaml", "clusterrole/cluster-autoscaler", False, "change no rights"),
        ("cluster-role-bindings.yaml", "clusterrole/cluster-admin", True, "known by its name"),
        ("cluster-role-bindings.yaml", "clusterrole/system:node", None, "nobody knows what it allows"),
        ("cluster-role-bindings.yaml", "group/system:masters", True, "asks no role for them"),
        ("cluster-role-bindings.yaml", "group/system:authenticated", None, "system:basic-user"),
    ],
)
def test_privilege_in_the_samples(
    sample: Read, name: str, key: str, is_privileged: bool | None, words: str
) -> None:
    right = run(sample(f"k8s-rbac/{name}")).right(key)
    assert right.is_privileged is is_privileged
    assert words in (right.because or "")


def test_who_is_bound_to_what_in_the_samples(sample: Read) -> None:
    done = run(sample("k8s-rbac/cluster-role-bindings.yaml"))
    assert {(one.account, one.entitlement, one.line) for one in done.of(Grant)} == {
        ("system:kube-controller-manager", "clusterrole/system:kube-controller-manager", 54),
        ("system:serviceaccount:kube-system:kube-dns", "clusterrole/system:kube-dns", 71),
        ("system:kube-scheduler", "clusterrole/system:kube-scheduler", 88),
        ("system:kube-proxy", "clusterrole/system:node-proxier", 135),
        ("system:kube-scheduler", "clusterrole/system:volume-scheduler", 189),
    }
    assert ("group/system:masters", "clusterrole/cluster-admin") in {
        (one.parent, one.child) for one in done.of(Inclusion)
    }
    assert done.note("name nobody").endswith(": 1.")  # system:node
    assert "12 (" in done.note("not in the file: 12")
    spaces = run(sample("k8s-rbac/namespace-role-bindings.yaml"))
    assert sorted(
        one.entitlement for one in spaces.of(Grant) if one.account.endswith(":bootstrap-signer")
    ) == [
        "role/kube-public/system:controller:bootstrap-signer",
        "role/kube-system/system:controller:bootstrap-signer",
    ]


def test_a_user_with_a_namespace_is_a_user(sample: Read) -> None:
    done = run(sample("k8s-rbac/cluster-autoscaler-rbac.yaml"))
    (user,) = done.of(Account)
    assert (user.external_id, user.kind, user.identity_kind) == ("cluster-autoscaler", None, None)
    assert done.note("Kubernetes ignores").endswith(": 1.")
    assert done.cut == {"comment": 4}
    assert len(done.data.split(b"\n")) == len(sample("k8s-rbac/cluster-autoscaler-rbac.yaml").split(b"\n"))


def test_a_whole_cluster_is_full_and_named() -> None:
    done = run(own("cluster.yaml"))
    assert done.header.is_full
    assert done.header.system_reference == "c1u57e12-0004-4000-8000-000000000004"
    assert done.header.covers == {"account", "entitlement", "inclusion", "grant", "credential"}
    assert done.header.taken_at is None
    assert done.of(Rejected) == []


def test_service_accounts_of_a_cluster() -> None:
    accounts = {one.external_id: one for one in run(own("cluster.yaml")).of(Account)}
    # 6 objects, one that only a binding names, one person, and whoever does not sign in.
    assert len(accounts) == 9
    deployer = accounts["system:serviceaccount:shop:deployer"]
    assert (deployer.kind, deployer.identity_kind) == ("machine", "workload")
    assert (deployer.identity_key, deployer.display_name) == ("shop/deployer", "shop/deployer")
    assert deployer.created_at is not None
    assert deployer.created_at.isoformat() == "2026-02-03T09:30:00+00:00"
    assert dict(deployer.hints) == {
        "owner": "dana.kovac@example.com",
        "purpose": "Deploys the shop",
        "environment": "production",
        "application": "shop",
        "namespace": "shop",
    }
    gone = accounts["system:serviceaccount:shop:long-gone"]
    assert (gone.is_enabled, deployer.is_enabled) == (False, None)
    assert accounts["aiko.tanaka@example.com"].email == "aiko.tanaka@example.com"
    assert accounts["aiko.tanaka@example.com"].identity_kind is None
    assert accounts["system:anonymous"].kind == "shared"


def test_rights_of_a_cluster() -> None:
    done = run(own("cluster.yaml"))
    assert {(one.account, one.entitlement) for one in done.of(Grant)} == {
        ("system:serviceaccount:shop:deployer", "role/shop/settings"),
        ("system:serviceaccount:shop:checkout", "role/shop/settings"),
        ("aiko.tanaka@example.com", "clusterrole/shop-debug@shop"),
        ("system:serviceaccount:shop:long-gone", "clusterrole/retired-role@shop"),
        # In these groups by what they are.
        ("system:serviceaccount:shop:deployer", "group/system:serviceaccounts:shop"),
        ("system:serviceaccount:shop:checkout", "group/system:serviceaccounts:shop"),
        ("system:serviceaccount:shop:default", "group/system:serviceaccounts:shop"),
        ("system:serviceaccount:shop:long-gone", "group/system:serviceaccounts:shop"),
        ("system:anonymous", "group/system:unauthenticated"),
    }
    assert {(one.parent, one.child) for one in done.of(Inclusion)} == {
        ("clusterrole/shop-operator", "clusterrole/shop-debug"),  # by its label
        ("group/system:masters", "clusterrole/cluster-admin"),
        ("group/system:unauthenticated", "clusterrole/shop-debug"),
        ("group/oidc:shop/developers", "clusterrole/shop-debug@shop"),
        ("group/system:serviceaccounts:shop", "clusterrole/shop-debug@shop"),
    }
    assert done.note("more than one binding").endswith(": 1.")
    assert "clusterrole/retired-role@shop" in done.note("bound and not in the file")
    assert done.note("tell nothing about access").startswith(
        "2 objects of the kinds ConfigMap and Deployment"
    )
    assert "shop/deployer as arn:aws:iam::111122223333:role/shop-deployer" in done.note(
        "identities of a cloud"
    )
    assert done.note("every pod").endswith(": 5 of 6.")


def test_what_rights_of_a_cluster_are_worth() -> None:
    done = run(own("cluster.yaml"))
    debug = done.right("clusterrole/shop-debug@shop")
    assert (debug.name, debug.reach, debug.marks) == ("shop-debug (namespace shop)", "exec", ("exec",))
    assert debug.because == (
        "Its holder may open sessions in the containers of all pods in the namespace shop (pods/exec) "
        "(rule 2)."
    )
    assert (debug.plain_words or "").endswith("Given by the RoleBindings debuggers, debuggers-again.")
    admin = done.right("clusterrole/cluster-admin")
    assert (admin.reach, admin.marks) == ("exec", ("admin", "wildcard"))
    named = done.right("role/shop/settings")
    assert named.is_privileged is False
    assert "may read secrets named payment-settings" in (named.because or "")
    assert (named.plain_words or "").startswith("Lets the shop read its own settings.")
    everybody = done.right("group/system:unauthenticated")
    assert (everybody.is_privileged, everybody.marks) == (True, ("open_trust",))
    assert done.right("clusterrole/retired-role@shop").is_privileged is None


def test_the_token_of_a_service_account_is_a_credential_without_its_token() -> None:
    (token,) = run(own("cluster.yaml")).of(Credential)
    assert token.account == "system:serviceaccount:shop:deployer"
    assert (token.kind, token.fingerprint) == ("token", "7d1c1d2e-0003-4000-8000-000000000003")
    assert token.is_active is True
    assert token.last_used_at is not None
    assert token.last_used_at.isoformat() == "2026-03-01T00:00:00+00:00"
    assert token.storage == "Kubernetes Secret shop/deployer-token-x7k2p"


def test_everything_named_comes_before_what_names_it() -> None:
    known: set[str] = set()
    for record in run(own("cluster.yaml")).records:
        if isinstance(record, Account | Entitlement):
            known.add(record.external_id)
        elif isinstance(record, Grant):
            assert {record.account, record.entitlement} <= known
        elif isinstance(record, Inclusion):
            assert {record.parent, record.child} <= known


def test_manifests_by_hand() -> None:
    done = run(own("manifests.yaml"))
    broken = [(one.line, one.code) for one in done.of(Rejected)]
    assert broken == [(21, "broken_object"), (27, "broken_subject"), (27, "broken_subject")]
    assert "namespace" in done.of(Rejected)[0].reason
    builder = done.right("role/tools/builder")
    # The merge brings the verbs of the first rule to its own resources.
    assert (
        builder.because == "Its holder may read all secrets in the namespace tools (get and list) (rule 3)."
    )
    robot = next(one for one in done.of(Account) if one.identity_key == "tools/robot")
    assert dict(robot.hints) == {"owner": "platform", "application": "tools", "namespace": "tools"}
    assert not done.header.is_full


def test_a_namespace_can_be_given_for_manifests_without_one() -> None:
    done = run(own("manifests.yaml"), namespace="lab")
    assert done.right("role/lab/nowhere").because == "It has no rules, so it allows nothing."


def test_people_and_groups_of_openshift() -> None:
    done = run(own("manifests.yaml"))
    people = {one.external_id: one.display_name for one in done.of(Account)}
    assert (people["ana"], people["bo"]) == ("Ana Lopes", None)
    assert {one.account for one in done.of(Grant) if one.entitlement == "group/builders"} == {
        "ana",
        "bo",
        "system:serviceaccount:tools:robot",
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('resourceVersion: ""', 'continue: "eyJ2IjoibWV0YS5rOHMuaW8vdjEi"', "one page of several"),
        (
            "    name: default\n    namespace: kube-public",
            "    name: x\n    namespace: kube-public",
            "selector",
        ),
        ("  kind: RoleBinding\n  metadata:\n    name: leftover", "  kind: X\n  metadata:\n    name: x", ""),
        ("    name: long-gone\n    namespace: shop", "    name: long-gone", "could not be read: 1"),
        (
            "kind: ServiceAccount\n  metadata",
            "kind: Other\n  metadata",
            "no objects of the kind ServiceAccount",
        ),
    ],
)
def test_a_file_that_may_lack_something_proves_no_absence(old: str, new: str, words: str) -> None:
    text = own("cluster.yaml").decode()
    assert old in text
    done = run(text.replace(old, new))
    assert done.header.is_full is (words == "")
    assert any(words in note for note in done.header.notes)


def test_the_source_can_say_whether_it_is_complete() -> None:
    text = own("cluster.yaml").decode().replace("namespace: kube-public", "namespace: other")
    assert not run(text).header.is_full
    assert run(text, complete="yes").header.is_full
    assert not run(own("cluster.yaml"), complete="no").header.is_full


def test_an_object_that_comes_twice_is_told() -> None:
    one = '{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a","namespace":"b"}}\n'
    other = one.replace('"b"}', '"b","labels":{"x":"y"}}')
    done = run(one + one + other)
    assert done.note("word for word").endswith(": 1.")
    assert [(one.line, one.code) for one in done.of(Rejected)] == [(3, "duplicate_object")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metadata": None}, "no metadata"),
        ({"metadata": {"namespace": "b"}}, "no name"),
        ({"metadata": {"name": "x" * 400, "namespace": "b"}}, "no name"),
        ({"metadata": {"name": "a"}}, "no namespace"),
        ({"roleRef": None}, "no roleRef"),
        ({"roleRef": {"kind": "ClusterRole"}}, "no name"),
        ({"roleRef": {"kind": "User", "name": "x"}}, "can't bind"),
        ({"subjects": {}}, "no list"),
        ({"subjects": ["x"]}, "no object"),
        ({"subjects": [{"kind": "User"}]}, "no name"),
        ({"subjects": [{"kind": "ServiceAccount", "name": "x"}]}, "no namespace"),
    ],
)
def test_a_broken_binding_is_rejected_with_its_line(change: dict[str, object], reason: str) -> None:
    good: dict[str, object] = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "a", "namespace": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [],
    }
    done = run(f"\n{json.dumps(good)}\n{json.dumps({**good, **change})}\n")
    (refused,) = done.of(Rejected)
    assert refused.line == 3
    assert reason in refused.reason
