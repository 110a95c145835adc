"""The same inventory as different tools write it down: marks, line ends, encodings, pages, several documents.

Whatever the form, the records are the same, and the format is recognised without being named.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from accounts.connectors.records import Account, Entitlement, Grant, Inclusion, Person, Rejected, Unreadable
from accounts.connectors.sniffing import sniff

Run = Callable[..., Any]
Read = Callable[[str], bytes]
Form = Callable[[bytes], bytes]


def as_it_is(data: bytes) -> bytes:
    return data


def with_mark(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def of_windows(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def in_utf_16(data: bytes) -> bytes:
    return data.decode().encode("utf-16")


def without_last_end(data: bytes) -> bytes:
    return data.rstrip(b"\n")


FORMS = [as_it_is, with_mark, of_windows, in_utf_16, without_last_end]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("hr-csv/midpoint-hr.csv", "hr_csv"),
        ("aws-iam/cloudsplaining-authz-v2.json", "aws_authorization"),
        ("aws-iam/cloudmapper-credential-report.json", "aws_credential_report"),
        ("k8s-rbac/cluster-role-bindings.yaml", "kubernetes_rbac"),
        ("ldif/opendj-example.ldif", "ldif"),
        ("ldif/openldap-test-ordered.ldif", "ldif"),
        ("ldif/sudoers-sample.ldif", "sudoers"),
        ("saas-api-cassettes/github.yaml", "github"),
        ("saas-api-cassettes/okta.yaml", "okta"),
        ("saas-api-cassettes/slack.yaml", "slack"),
        ("scim/rfc7643-8.3-enterprise_user.json", "scim"),
    ],
)
def test_marks_line_ends_and_encodings(run: Run, sample: Read, name: str, key: str, form: Form) -> None:
    data = form(sample(name))
    assert sniff(data, "upload")[0] == key
    done, plain = run(key, data), run(key, sample(name))
    kinds = (Account, Entitlement, Grant, Inclusion, Person, Rejected)
    assert [len(done.of(kind)) for kind in kinds] == [len(plain.of(kind)) for kind in kinds]
    assert (done.header.is_full, done.header.system_reference) == (
        plain.header.is_full,
        plain.header.system_reference,
    )
    assert any(plain.of(kind) for kind in kinds)


# --- pages of AWS


def page(name: str, *, is_truncated: bool, **more: object) -> dict[str, object]:
    """One page with one user who is an administrator, and a role for the last."""
    policy = {"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    own = {"UserName": name, "Path": "/", "Arn": f"arn:aws:iam::111122223333:user/{name}", "GroupList": []}
    role = {"RoleName": "r", "Path": "/", "Arn": "arn:aws:iam::111122223333:role/r"}
    return {
        "UserDetailList": [
            {**own, "AttachedManagedPolicies": [policy], "Tags": [{"Key": "x", "Value": "y"}]}
        ],
        "GroupDetailList": [],
        "RoleDetailList": [] if is_truncated else [{**role, "AssumeRolePolicyDocument": {"Statement": []}}],
        "Policies": [],
        "IsTruncated": is_truncated,
        **more,
    }


PAGES = [page("ann", is_truncated=True, Marker="m1"), page("bo", is_truncated=False)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(PAGES),
        json.dumps(PAGES, indent=2),
        "".join(map(json.dumps, PAGES)),
        "\n".join(map(json.dumps, PAGES)) + "\n",
        "\n\n".join(json.dumps(one, indent=2) for one in PAGES),
    ],
)
def test_pages_of_an_aws_account_in_one_file(run: Run, text: str) -> None:
    assert sniff(text.encode(), "upload")[0] == "aws_authorization"
    done = run("aws_authorization", text.encode())
    assert [one.name for one in done.of(Account)] == ["ann", "bo", "r"]
    assert len(done.of(Grant)) == 2
    assert done.rejected == []
    # A page between them may be missing, which none of them would show.
    assert not done.header.is_full
    assert run("aws_authorization", text.encode(), {"complete": "yes"}).header.is_full


def test_pages_without_the_last_prove_nothing_whatever_is_said(run: Run) -> None:
    first = [page("ann", is_truncated=True), page("bo", is_truncated=True)]
    assert not run("aws_authorization", json.dumps(first).encode(), {"complete": "yes"}).header.is_full


def test_one_page_in_an_array_is_the_whole_answer(run: Run) -> None:
    assert run("aws_authorization", json.dumps(PAGES[1:]).encode()).header.is_full


def test_lines_are_counted_across_pages(run: Run) -> None:
    text = json.dumps(PAGES[0]) + "\n" + json.dumps(PAGES[1])
    assert [one.line for one in run("aws_authorization", text.encode()).of(Account)] == [1, 2, 2]


def test_secrets_of_every_page_are_cut(run: Run) -> None:
    hidden = [page(name, is_truncated=name == "ann", SecretAccessKey="hidden-7") for name in ("ann", "bo")]
    done = run("aws_authorization", json.dumps(hidden).encode())
    assert b"hidden-7" not in done.data
    assert len(done.of(Account)) == 3


@pytest.mark.parametrize("text", ["[{}", "[{},]", "[{} {}]", "{}[", "[1]", "[]"])
def test_what_is_no_row_of_objects_is_refused(run: Run, text: str) -> None:
    with pytest.raises(Unreadable):
        run("aws_authorization", text.encode())


# --- documents of Kubernetes


BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "admins"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [
        {"kind": "User", "name": "dana", "apiGroup": "rbac.authorization.k8s.io"},
        {"kind": "ServiceAccount", "name": "ci", "namespace": "build"},
    ],
}
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "cluster-admin"},
    "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [BINDING, ROLE]}),
        json.dumps([BINDING, ROLE]),
        f"{json.dumps(BINDING)}\n{json.dumps(ROLE)}\n",
        f"---\n{json.dumps(BINDING)}\n---\n{json.dumps(ROLE)}\n",
        f"# of the cluster\n--- {json.dumps(BINDING)}\n---\n{json.dumps(ROLE)}\n",
    ],
)
def test_objects_of_kubernetes_in_json_however_they_follow(run: Run, text: str) -> None:
    assert sniff(text.encode(), "upload")[0] == "kubernetes_rbac"
    done = run("kubernetes_rbac", text.encode())
    assert {one.name.rpartition(":")[2] for one in done.of(Account)} == {"dana", "ci"}
    assert len(done.of(Grant)) == 2
    assert done.rejected == []


# --- sudoers, GitLab, HR


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("ubuntu ALL=(ALL) NOPASSWD:ALL", "ALL"),
        ("deploy ALL=(root) NOPASSWD:/usr/bin/systemctl restart app", "/usr/bin/systemctl restart app"),
        ("deploy ALL=(root) PASSWD:/usr/bin/less, NOPASSWD:/usr/bin/tail", "/usr/bin/tail"),
    ],
)
def test_a_tag_of_sudoers_is_no_password(run: Run, line: str, command: str) -> None:
    text = f"# User rules\n{line}\n".encode()
    assert sniff(text, "90-cloud-init-users")[0] == "sudoers"
    done = run("sudoers", text)
    assert command in done.data.decode()
    assert [one.name for one in done.of(Account)] == [line.split(maxsplit=1)[0]]
    assert [cut.name for cut in done.admitted.cut] == ["remark"]


def test_a_password_behind_a_tag_of_sudoers_is_cut(run: Run) -> None:
    done = run("sudoers", b"ops ALL=(root) NOPASSWD:/usr/bin/tool --password hunter2, NOPASSWD: /bin/x -p\n")
    assert b"hunter2" not in done.data
    assert b"NOPASSWD:/usr/bin/tool" in done.data


def test_a_bare_list_of_gitlab_users(run: Run) -> None:
    person = {"id": 7, "username": "ann", "name": "Ann", "state": "active", "is_admin": True}
    data = json.dumps([{**person, "web_url": "https://gitlab.example/ann"}]).encode()
    assert sniff(data, "users.json")[0] == "gitlab"
    assert [one.name for one in run("gitlab", data).of(Account)] == ["ann"]


def test_columns_of_a_common_hr_system(run: Run) -> None:
    data = (
        b'"Employee ID","Legal Name","Worker Type","Business Title","Manager Employee ID","Hire Date"\n'
        b'"00017","Ann A","Employee","Developer","","2020-01-01"\n'
        b'"00018","Bo, B","Contingent Worker","Developer","00017","2020-01-01"\n'
    )
    assert sniff(data, "report.csv")[0] == "hr_csv"
    assert [(one.number, one.name, one.kind, one.title) for one in run("hr_csv", data).of(Person)] == [
        ("00017", "Ann A", "employee", "Developer"),
        ("00018", "Bo, B", "contractor", "Developer"),
    ]
