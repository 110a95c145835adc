"""Judging policy documents: what is privileged, and the words that say why."""

import time
from typing import Any

import pytest

from accounts.connectors.aws.policies import judge, judge_managed
from accounts.connectors.aws.trust import read_trust


def document(action: object, resource: object = "*", **more: Any) -> dict[str, object]:
    return {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **more}]}


@pytest.mark.parametrize(
    ("policy", "because"),
    [
        (document("*"), "Allows every action on every resource (statement 1)."),
        (document("*:*"), "Allows every action on every resource (statement 1)."),
        (document("**"), "Allows every action on every resource (statement 1)."),
        (document(["*"], "arn:aws:s3:::x/*"), "Allows every action on arn:aws:s3:::x/* (statement 1)."),
        (document("ec2:*", Sid="Machines"), "Allows all of ec2 (statement “Machines”)."),
        (
            document("iam:*", "arn:aws:iam::1:role/x"),
            "Allows all of iam on arn:aws:iam::1:role/x (statement 1).",
        ),
        (document("i*:*"), "Allows all of i* (statement 1)."),
        (document("IAM:putuserPOLICY"), "Allows changes to IAM: IAM:putuserPOLICY (statement 1)."),
        (document("iam:*Policy"), "Allows changes to IAM: iam:*Policy (statement 1)."),
        (document("iam:Create*"), "Allows changes to IAM: iam:Create* (statement 1)."),
        (
            document("iam:Pass*", Sid="P"),
            (
                "Allows iam:PassRole, which hands a role to a service (statement “P”); "
                "allows changes to IAM: iam:Pass* (statement “P”)."
            ),
        ),
        (
            document("sts:AssumeRole"),
            "Allows sts:AssumeRole, which assumes any role that trusts this account (statement 1).",
        ),
        (
            document("sts:AssumeRole", "arn:aws:iam::*:role/*"),
            "Allows sts:AssumeRole, which assumes any role that trusts this account (statement 1).",
        ),
        (
            document("secretsmanager:Get*"),
            "Allows secretsmanager:Get*, which reads every secret (statement 1).",
        ),
        (
            {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}},
            "Allows everything except iam:* (statement 1).",
        ),
        (
            {"Statement": [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::x"}]},
            "Allows all of s3 (statement 1).",
        ),
        (
            document("*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
            "Allows every action on every resource (statement 1, only if Bool aws:SecureTransport holds).",
        ),
    ],
)
def test_privileged(policy: object, because: str) -> None:
    found = judge(policy)
    assert (found.is_privileged, found.because) == (True, because)


@pytest.mark.parametrize(
    "policy",
    [
        document(["s3:GetObject", "s3:PutObject"]),
        document("s3:*", "arn:aws:s3:::bucket/*"),
        document(["iam:Get*", "iam:List*", "iam:GenerateCredentialReport", "iam:SimulatePrincipalPolicy"]),
        document("iam:CreateServiceLinkedRole"),
        document("iam:ChangePassword"),
        document("iam:*AccessKey*", "arn:aws:iam::*:user/${aws:username}"),
        document("sts:AssumeRole", "arn:aws:iam::1:role/reader"),
        document("lambda:UpdateFunctionCode", "arn:aws:lambda:eu-central-1:1:function:one"),
        document([]),
        {"Statement": []},
        {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]},
    ],
)
def test_not_privileged(policy: object) -> None:
    assert judge(policy).is_privileged is False
    assert judge(policy).because


def test_the_heaviest_reason_comes_first_and_the_rest_is_counted() -> None:
    actions = [
        "ssm:SendCommand",
        "iam:PassRole",
        "iam:CreateUser",
        "s3:*",
        "kms:CreateGrant",
        "ecs:ExecuteCommand",
    ]
    because = judge(document(actions)).because
    assert because.startswith("Allows all of s3 (statement 1); allows iam:PassRole")
    assert because.endswith("; and 2 more.")


def test_only_three_managed_policies_are_known_without_a_document() -> None:
    for name in ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess"):
        assert judge_managed(f"arn:aws:iam::aws:policy/{name}").is_privileged
        assert judge_managed(f"arn:aws-cn:iam::aws:policy/{name}").is_privileged
    assert judge_managed("arn:aws:iam::aws:policy/ReadOnlyAccess").is_privileged is None
    assert judge_managed("arn:aws:iam::111122223333:policy/AdministratorAccess").is_privileged is None


def test_a_pattern_made_of_stars_is_judged_at_once() -> None:
    began = time.monotonic()
    judge(document(["secretsmanager:" + "*a" * 200 + "b"] * 20))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("principal", "accounts", "is_open", "words"),
    [
        ("*", [], True, "its principal is “*”"),
        ({"AWS": "*"}, [], True, "its principal is “*”"),
        ({"AWS": "111122223333"}, [], False, "Whoever account 111122223333"),
        ({"AWS": "arn:aws:iam::111122223333:root"}, [], False, "Whoever account 111122223333"),
        ({"AWS": "arn:aws:iam::111122223333:user/a/b"}, ["arn:aws:iam::111122223333:user/a/b"], False, ""),
        ({"AWS": "AROAEXAMPLE"}, [], False, "the user or role was deleted"),
        ({"Service": ["ec2.amazonaws.com"]}, [], False, "The AWS service ec2.amazonaws.com"),
        ({"Federated": "token.actions.githubusercontent.com"}, [], False, "githubusercontent.com signs in"),
    ],
)
def test_parties_of_a_trust_policy(principal: object, accounts: list[str], is_open: bool, words: str) -> None:
    trust = read_trust({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}})
    assert [party.arn for party in trust.parties] == accounts
    assert trust.is_open is is_open
    assert words in " ".join(trust.words)


def test_statements_that_do_not_let_assume_are_no_trust() -> None:
    tagging = {"Statement": {"Effect": "Allow", "Action": "sts:TagSession", "Principal": "*"}}
    assert read_trust(tagging).words == ()
    denied = read_trust({"Statement": {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*"}})
    assert not denied.is_open
    assert denied.words == ("Its trust policy denies everybody.",)


def test_everybody_but_some_is_everybody() -> None:
    trust = read_trust(
        {
            "Statement": {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "NotPrincipal": {"AWS": "111122223333"},
            }
        }
    )
    assert trust.is_open


def test_a_trust_policy_that_cannot_be_read_says_so() -> None:
    assert not read_trust(None).is_readable
    assert not read_trust({"Statement": 7}).is_readable
