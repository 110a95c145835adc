"""Trust policies of roles: who is let in, what is too wide, and who of a trusted account may really come."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from accounts.connectors.aws.assuming import rules_in
from accounts.connectors.aws.trust import read_trust
from accounts.connectors.records import Account, Entitlement, Grant, Inclusion

Run = Callable[..., Any]
OWN = "111122223333"
ARN = f"arn:aws:iam::{OWN}"
GITHUB = f"{ARN}:oidc-provider/token.actions.githubusercontent.com"
CLUSTER = f"{ARN}:oidc-provider/oidc.eks.eu-north-1.amazonaws.com/id/ABC"


def trust(principal: object, condition: object = None, **more: object) -> Any:
    statement: dict[str, object] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    if condition is not None:
        statement["Condition"] = condition
    return read_trust({"Version": "2012-10-17", "Statement": [{**statement, **more}]}, OWN)


def sub(
    value: object, test: str = "StringLike", provider: str = "token.actions.githubusercontent.com"
) -> Any:
    return {test: {f"{provider}:sub": value, f"{provider}:aud": "sts.amazonaws.com"}}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (None, "no condition on its subject"),
        (
            {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}},
            "no condition on",
        ),
        (sub("*"), "as wide as “*”"),
        (sub("*", "StringEquals"), "as wide as “*”"),
        (sub("repo:*"), "as wide as “repo:*”"),
        (sub("repo:*/*:ref:refs/heads/main"), "as wide as “repo:*/*:ref"),
        (sub("repo:acme*"), "as wide as “repo:acme*”"),  # acme-evil/x is somebody else's
        (sub("repo:????/x:*"), "as wide as"),
        (sub(["repo:acme/pay:*", "repo:*"]), "as wide as “repo:*”"),
        (sub("repo:acme/x:*", "StringNotLike"), "no condition on its subject"),
    ],
)
def test_any_workload_of_a_provider_gets_in(condition: object, words: str) -> None:
    found = trust({"Federated": GITHUB}, condition, Action="sts:AssumeRoleWithWebIdentity")
    assert found.marks == ("oidc_without_sub",)
    assert words in " ".join(found.words)
    assert not found.only_services


@pytest.mark.parametrize(
    "condition",
    [
        sub("repo:acme/pay:ref:refs/heads/main", "StringEquals"),
        sub("repo:acme/*"),
        sub(["repo:acme/pay:*", "repo:acme/web:environment:prod"], "ForAnyValue:StringLike"),
        {**sub("repo:acme/pay:*"), "StringLikeIfExists": {"token.actions.githubusercontent.com:sub": "*"}},
        {"stringlike": {"TOKEN.actions.githubusercontent.com:SUB": "repo:acme/pay:*"}},
    ],
)
def test_workloads_that_are_named_are_not_marked(condition: object) -> None:
    assert trust({"Federated": GITHUB}, condition).marks == ()


@pytest.mark.parametrize(
    ("subject", "is_wide"),
    [
        ("system:serviceaccount:pay:ledger", False),
        ("system:serviceaccount:pay:*", False),
        ("system:serviceaccount:*:ledger", True),
        ("system:serviceaccount:*", True),
        ("system:*", True),
    ],
)
def test_service_accounts_of_a_cluster(subject: str, is_wide: bool) -> None:
    provider = "oidc.eks.eu-north-1.amazonaws.com/id/ABC"
    found = trust({"Federated": CLUSTER}, sub(subject, provider=provider))
    assert (found.marks == ("oidc_without_sub",)) is is_wide


def test_sign_in_of_people_names_them_in_its_own_way() -> None:
    pool = {"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-north-1:pool"}}
    assert trust({"Federated": "cognito-identity.amazonaws.com"}, pool).marks == ()
    assert trust({"Federated": "cognito-identity.amazonaws.com"}).marks == ("oidc_without_sub",)
    saml = trust({"Federated": f"{ARN}:saml-provider/Entra"}, Action="sts:AssumeRoleWithSAML")
    assert (saml.people_sign_in, saml.marks) == (True, ())
    assert "People whom Entra signs in (SAML) may assume it" in saml.words[0]


@pytest.mark.parametrize(
    ("principal", "condition", "marks", "words"),
    [
        ("*", None, ("open_trust",), "Anybody in any AWS account"),
        ("*", {"StringEquals": {"sts:ExternalId": "x"}}, ("open_trust",), "Anybody in any AWS account"),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "*"}}, ("open_trust",), "Anybody"),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, (), "Whoever meets the condition"),
        ({"AWS": "999988887777"}, None, ("external_trust",), "999988887777, without an external id"),
        (
            {"AWS": "arn:aws:iam::999988887777:root"},
            {"StringEquals": {"sts:ExternalId": "x"}},
            ("external_trust",),
            "999988887777, with an external id",
        ),
        ({"AWS": "arn:aws:iam::999988887777:role/x"}, None, ("external_trust",), "another AWS account"),
        (
            {"AWS": "*"},
            {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::999988887777:role/x"}},
            ("external_trust",),
            "another AWS account",
        ),
        ({"AWS": f"{ARN}:root"}, None, (), f"Whoever account {OWN} lets assume roles"),
    ],
)
def test_how_far_a_trust_reaches(
    principal: object, condition: object, marks: tuple[str, ...], words: str
) -> None:
    found = trust(principal, condition)
    assert found.marks == marks
    assert words in " ".join(found.words)


def test_who_is_denied_by_name_is_not_let_in() -> None:
    names = [f"{ARN}:user/a", f"{ARN}:user/b"]
    found = read_trust(
        {
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": names}},
                {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"AWS": names[1]}},
                {
                    "Effect": "Deny",
                    "Action": "sts:AssumeRole",
                    "Principal": "*",
                    "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
                },
            ]
        },
        OWN,
    )
    assert [party.arn for party in found.parties] == names[:1]
    assert "Its Deny statements were not weighed." in found.words


ROLE = f"{ARN}:role/pay-admin"


@pytest.mark.parametrize(
    ("statement", "may"),
    [
        ({"Action": "sts:AssumeRole", "Resource": "*"}, True),
        ({"Action": "*", "Resource": "*"}, True),
        ({"Action": "STS:assume*", "Resource": ROLE}, True),
        (
            {"Action": ["s3:*", "sts:AssumeRole"], "Resource": [f"{ARN}:role/other", f"{ARN}:role/pay-*"]},
            True,
        ),
        ({"Action": "sts:AssumeRole", "Resource": f"{ARN}:role/other"}, False),
        ({"Action": "sts:AssumeRole", "Resource": f"{ARN}:role/PAY-admin"}, False),
        ({"Action": "sts:AssumeRole", "NotResource": ROLE}, False),
        ({"Action": "sts:AssumeRole", "NotResource": f"{ARN}:role/other"}, True),
        ({"Action": "sts:AssumeRoleWithSAML", "Resource": "*"}, False),
        ({"NotAction": "iam:*", "Resource": "*"}, True),
        ({"NotAction": ["sts:*"], "Resource": "*"}, False),
        ({"Action": "sts:AssumeRole", "Resource": f"{ARN}:role/${{aws:username}}-admin"}, True),
        ({"Action": "sts:AssumeRole", "Resource": f"{ARN}:role/[p]ay-admin"}, False),
    ],
)
def test_a_permission_for_a_role(statement: dict[str, object], may: bool) -> None:
    rules = rules_in({"Statement": {"Effect": "Allow", **statement}})
    assert rules.allows(ROLE, "pay") is may
    assert not rules.denies(ROLE, "pay")
    assert rules_in({"Statement": {"Effect": "Deny", **statement}}).denies(ROLE, "pay") is may


def test_a_deny_under_a_condition_takes_nothing_away() -> None:
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"x": "y"}}}
    assert not rules_in({"Statement": statement}).denies(ROLE, "pay")
    assert rules_in("no policy").is_unknown


def _policy(action: object, resource: object = "*", effect: str = "Allow") -> dict[str, object]:
    return {"Statement": [{"Effect": effect, "Action": action, "Resource": resource}]}


def _user(name: str, *groups: str, **policies: object) -> dict[str, object]:
    return {
        "UserName": name,
        "Arn": f"{ARN}:user/{name}",
        "GroupList": list(groups),
        "UserPolicyList": [{"PolicyName": key, "PolicyDocument": text} for key, text in policies.items()],
    }


def _file(role: dict[str, object], users: list[dict[str, object]], groups: list[str]) -> bytes:
    assume = _policy("sts:AssumeRole", ROLE)
    return json.dumps(
        {
            "UserDetailList": users,
            "GroupDetailList": [
                {
                    "GroupName": name,
                    "Arn": f"{ARN}:group/{name}",
                    "GroupPolicyList": [{"PolicyName": "assume", "PolicyDocument": assume}],
                }
                for name in groups
            ],
            "RoleDetailList": [{"RoleName": "pay-admin", "Arn": ROLE, **role}],
            "Policies": [],
        }
    ).encode()


def _trusting(principal: object) -> dict[str, object]:
    return {
        "AssumeRolePolicyDocument": {
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}]
        }
    }


def test_a_trusted_account_and_a_permission_make_the_right_together(run: Run) -> None:
    users = [
        _user("own", assume=_policy("sts:AssumeRole", ROLE)),
        _user("member", "admins"),
        _user("both", "admins", assume=_policy("sts:*")),
        _user("nobody", read=_policy("s3:GetObject")),
        _user("denied", assume=_policy("*"), stop=_policy("sts:AssumeRole", ROLE, "Deny")),
    ]
    done = run("aws_authorization", _file(_trusting({"AWS": f"{ARN}:root"}), users, ["admins"]))
    door = f"{ROLE}#act-as"
    # Through a group the group brings it: leaving the group ends it.
    assert [one.account.rpartition("/")[2] for one in done.of(Grant) if one.entitlement == door] == [
        "own",
        "both",
    ]
    assert Inclusion(f"{ARN}:group/admins", door, done.of(Inclusion)[-1].line) in done.of(Inclusion)


def test_a_group_with_a_member_who_is_denied_hands_it_to_the_others_one_by_one(run: Run) -> None:
    users = [
        _user("member", "admins"),
        _user("denied", "admins", stop=_policy("sts:AssumeRole", "*", "Deny")),
    ]
    done = run("aws_authorization", _file(_trusting({"AWS": OWN}), users, ["admins"]))
    door = f"{ROLE}#act-as"
    assert [one.account.rpartition("/")[2] for one in done.of(Grant) if one.entitlement == door] == ["member"]
    assert door not in {one.child for one in done.of(Inclusion)}


def test_a_user_of_another_account_needs_a_permission_there_too(run: Run) -> None:
    foreign = {**_user("x", assume=_policy("sts:AssumeRole")), "Arn": "arn:aws:iam::999988887777:user/x"}
    without = {**_user("y"), "Arn": "arn:aws:iam::999988887777:user/y"}
    trusting = _trusting({"AWS": [foreign["Arn"], without["Arn"]]})
    done = run("aws_authorization", _file(trusting, [foreign, without], []))
    (door,) = [one for one in done.of(Entitlement) if one.kind == "act_as"]
    assert door.marks == ("external_trust",)
    assert [one.account for one in done.of(Grant) if one.entitlement == door.external_id] == [foreign["Arn"]]
    assert "y is trusted, but its own policies do not let it" in door.because


def test_roles_alone_say_who_may_assume_them_and_not_what_for(run: Run) -> None:
    roles = {
        "Roles": [
            {
                "Path": "/",
                "RoleName": "deploy",
                "RoleId": "AROA1",
                "Arn": f"{ARN}:role/deploy",
                "CreateDate": "2024-01-01T00:00:00+00:00",
                "Description": "Deploys the payment service",
                "MaxSessionDuration": 3600,
                **_trusting({"AWS": f"{ARN}:role/runner"}),
            },
            {
                "RoleName": "runner",
                "Arn": f"{ARN}:role/runner",
                **_trusting({"Service": "ec2.amazonaws.com"}),
            },
        ]
    }
    done = run("aws_authorization", json.dumps(roles, indent=1).encode())
    assert [(one.name, one.kind, one.identity_kind) for one in done.of(Account)] == [
        ("deploy", "role", None),
        ("runner", "machine", "workload"),
    ]
    assert done.of(Account)[0].hints == (("purpose", "Deploys the payment service"),)
    (door,) = done.of(Entitlement)
    assert door.is_privileged is None
    assert "does not say which policies" in door.because
    assert [one.account for one in done.of(Grant)] == [f"{ARN}:role/runner"]
    assert not done.header.is_full
    assert done.header.covers == frozenset()
    assert any("alone" in note for note in done.header.notes)
