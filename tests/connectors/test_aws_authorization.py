"""Account authorization details: accounts, entitlements and grants, and what the file may prove."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.connectors.records import Account, Entitlement, Grant, Rejected

Run = Callable[..., Any]
Read = Callable[[str], bytes]
ARN = "arn:aws:iam::111122223333"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def test_the_large_sample_by_count(run: Run, sample: Read) -> None:
    done = run("aws_authorization", sample("aws-iam/cloudsplaining-example.json"))
    rights, grants = done.of(Entitlement), done.of(Grant)
    # 44 users and 78 roles; the root user is in no such file.
    assert len(done.of(Account)) == 122
    # 84 managed policies and 39 inline ones (2 of users, 1 of a group, 36 of roles); 5 groups; 78 roles of
    # which 29 may be used by AWS services only.
    assert Counter(one.kind for one in rights) == {"right": 123, "group": 5, "act_as": 49}
    kind = {one.external_id: one.kind for one in rights}
    # Attached 43 (users) and 60 (roles), inline 2 and 36; 6 memberships, through which 5 policies are held;
    # 40 roles trust one person's single sign-on session, 4 another role or user of the file.
    assert Counter((kind[one.entitlement], one.via is not None) for one in grants) == {
        ("right", False): 141,
        ("right", True): 5,
        ("group", False): 6,
        ("act_as", False): 44,
    }
    assert sum(one.last_used_at is not None for one in done.of(Account)) == 26
    assert done.of(Rejected) == []
    # Two accounts were put into one file: it is of neither alone.
    assert done.header.system_reference == "012345678901,200611803367"
    assert "2 AWS accounts" in done.header.notes[0]
    assert done.header.taken_at is None


def test_the_large_sample_by_line(run: Run, sample: Read) -> None:
    done = run("aws_authorization", sample("aws-iam/cloudsplaining-example.json"))
    users = {one.name: one for one in done.of(Account)}
    # The objects open one line before their Path.
    assert users["fn1-privesc3-partial-user"].line == 3
    assert users["obama"].line == 622
    assert users["fn1-privesc3-partial-user"].created_at == datetime(2023, 3, 9, 10, 41, 45, tzinfo=UTC)


def test_who_holds_what_in_the_large_sample(run: Run, sample: Read) -> None:
    done = run("aws_authorization", sample("aws-iam/cloudsplaining-example.json"))
    prefix = "arn:aws:iam::012345678901"
    held = {(one.entitlement, one.via) for one in done.of(Grant) if one.account == f"{prefix}:user/obama"}
    assert held == {(ADMIN, None), (f"{prefix}:group/admin", None), (ADMIN, f"{prefix}:group/admin")}
    sre = "arn:aws:iam::200611803367:role/privesc-sre-role#act-as"
    assert [one.account for one in done.of(Grant) if one.entitlement == sre] == [
        "arn:aws:iam::200611803367:user/privesc-sre-user"
    ]
    session = "arn:aws:iam::200611803367:role/privesc4-CreateAccessKey-role#act-as"
    assert [one.account for one in done.of(Grant) if one.entitlement == session] == [
        "arn:aws:iam::200611803367:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_AdministratorAccess_dc6414f7f2ab04fc"
    ]


@pytest.mark.parametrize(
    ("name", "is_privileged", "words"),
    [
        ("AdministratorAccess", True, "every action on every resource"),
        ("IAMFullAccess", True, "all of iam"),
        ("PowerUserAccess", True, "everything except iam:*, organizations:*, account:*"),
        ("AmazonS3FullAccess", True, "all of s3"),
        ("fn1-passrole-star", True, "iam:PassRole"),
        ("fn4-exploitableNotAction", True, "everything except iam:Update*"),
        ("fp5-nonExploitableConditionConstraint", True, "only if DateLessThan aws:TokenIssueTime holds"),
        ("privesc4-CreateAccessKey", True, "iam:CreateAccessKey (statement 1)"),
        ("privesc14-UpdatingAssumeRolePolicy", True, "sts:AssumeRole"),
        ("fp1-allow-and-deny", True, "Deny statements were not weighed"),
        ("deny-all", False, "only denies"),
        ("ReadOnlyAccess", False, "no change to IAM"),
        ("IAMReadOnlyAccess", False, "no change to IAM"),
        ("InsecurePolicy", False, "no change to IAM"),
        ("fn1-privesc3-partial", False, "no whole service"),
    ],
)
def test_policies_of_the_large_sample(
    run: Run, sample: Read, name: str, is_privileged: bool, words: str
) -> None:
    done = run("aws_authorization", sample("aws-iam/cloudsplaining-example.json"))
    (policy,) = [one for one in done.of(Entitlement) if one.name == name]
    assert policy.is_privileged is is_privileged
    assert words in policy.because


def test_the_small_sample(run: Run, sample: Read) -> None:
    done = run("aws_authorization", sample("aws-iam/cloudsplaining-authz-v2.json"))
    assert done.header.system_reference == "012345678901"
    assert done.header.is_full
    # AdministratorAccess is attached and its document is not in the file.
    assert done.header.covers == {"account", "grant"}
    assert [one.name for one in done.of(Account)] == ["BlakeBortles", "GOAT", "MyOtherRole"]
    rights = {one.name: one for one in done.of(Entitlement)}
    assert set(rights) == {
        "NotYourPolicy",
        "PolicyForTestingOverrides",
        "AdministratorAccess",
        "GOAT",
        "SsmOnboardingInlinePolicy (inline, GOAT)",
        "InlinePolicyForTestingOverrides (inline, MyOtherRole)",
    }
    assert rights["AdministratorAccess"].is_privileged
    assert "known by its name" in rights["AdministratorAccess"].because
    assert rights["GOAT"].kind == "group"
    assert rights["GOAT"].is_privileged


def test_tags_fill_what_they_say(run: Run, data: Read) -> None:
    done = run("aws_authorization", data("authorization-details.json"))
    deploy, emergency = done.of(Account)[:2]
    assert deploy == Account(
        external_id=f"{ARN}:user/ci-deploy-pay",
        name="ci-deploy-pay",
        line=3,
        identity_kind="workload",
        identity_key="ci-deploy-pay",
        created_at=datetime(2024, 4, 8, 9, tzinfo=UTC),
        hints=(("owner", "dana.kovac@example.com"), ("purpose", "Deploys the payment service")),
    )
    assert (emergency.name, emergency.kind, emergency.identity_kind) == ("bg-aws-1", "emergency", None)
    assert b"hunter2" not in done.data


def test_an_encoded_inline_policy_is_judged(run: Run, data: Read) -> None:
    done = run("aws_authorization", data("authorization-details.json"))
    (inline,) = [one for one in done.of(Entitlement) if "#inline:" in one.external_id]
    assert inline.external_id == f"{ARN}:user/ci-deploy-pay#inline:deploy"
    assert inline.because == "Allows all of ecs (statement 1)."


def test_roles_are_accounts_and_who_may_act_as_them(run: Run, data: Read) -> None:
    done = run("aws_authorization", data("authorization-details.json"))
    roles = {one.name: one for one in done.of(Account) if ":role/" in one.external_id}
    assert (roles["pay-admin"].kind, roles["pay-admin"].identity_kind) == ("machine", None)
    assert roles["pay-admin"].last_used_at == datetime(2026, 9, 30, 10, tzinfo=UTC)
    assert (roles["pay-task"].identity_kind, roles["pay-task"].identity_key) == ("workload", "pay-task")
    assert roles["AWSReservedSSO_Admin_1"].kind == "shared"  # people come through single sign-on

    doors = {one.acts_as.rpartition("/")[2]: one for one in done.of(Entitlement) if one.kind == "act_as"}
    assert set(doors) == {"pay-admin", "open-door", "AWSReservedSSO_Admin_1", "by-session"}
    pay, open_door, session = doors["pay-admin"], doors["open-door"], doors["by-session"]
    assert pay.is_privileged
    assert "Through AdministratorAccess" in pay.because
    assert (
        "bg-aws-1 may assume it (statement “People”, only if Bool aws:MultiFactorAuthPresent holds)"
        in pay.because
    )
    assert "user/gone may assume it and is not in this file" in pay.because
    assert "Whoever account 999988887777 lets assume roles" in pay.because
    assert open_door.is_privileged
    assert "its principal is “*”" in open_door.because
    assert "only the session aiko@example.com" in session.because
    assert {(one.account, one.entitlement) for one in done.of(Grant) if "#act-as" in one.entitlement} == {
        (f"{ARN}:user/bg-aws-1", pay.external_id),
        (f"{ARN}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1", session.external_id),
    }


def test_the_default_version_counts_and_notes_say_what_narrows(run: Run, data: Read) -> None:
    done = run("aws_authorization", data("authorization-details.json"))
    (admin,) = [one for one in done.of(Entitlement) if one.external_id == ADMIN]
    assert admin.is_privileged
    assert any("permissions boundary" in note and ": 1." in note for note in done.header.notes)
    assert done.header.system_reference == "111122223333"
    assert done.header.is_full
    assert done.header.covers == {"account", "grant", "entitlement"}


def test_every_grant_comes_after_what_it_names(run: Run, sample: Read) -> None:
    done = run("aws_authorization", sample("aws-iam/cloudsplaining-example.json"))
    known: set[str] = set()
    for record in done.records:
        if isinstance(record, Grant):
            assert {record.account, record.entitlement} <= known
        elif isinstance(record, Account | Entitlement):
            known.add(record.external_id)


def altered(data: bytes, change: Callable[[Any], object]) -> bytes:
    found = json.loads(data)
    change(found)
    return json.dumps(found, indent=1).encode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.update(IsTruncated=True), "IsTruncated"),
        (lambda file: file.pop("Policies"), "lacks Policies"),
        (lambda file: file.update(UserDetailList=[]), "no user"),
        (lambda file: file.update(RoleDetailList=[], UserDetailList=[]), "no user and no role"),
        (lambda file: file.update(GroupDetailList=[]), "groups that are not in the file"),
        (lambda file: file["UserDetailList"].append({"UserName": "x"}), "could not be read"),
        (lambda file: file["UserDetailList"].append(file["UserDetailList"][0]), "could not be read"),
    ],
)
def test_a_file_that_may_lack_something_proves_no_absence(
    run: Run, data: Read, change: Callable[[Any], object], words: str
) -> None:
    header = run("aws_authorization", altered(data("authorization-details.json"), change)).header
    assert not header.is_full
    assert any(words in note for note in header.notes)


def test_an_account_without_users_can_be_said_to_be_complete(run: Run, data: Read) -> None:
    file = altered(data("authorization-details.json"), lambda file: file.update(UserDetailList=[]))
    assert run("aws_authorization", file, {"complete": "yes"}).header.is_full
    assert not run("aws_authorization", data("authorization-details.json"), {"complete": "no"}).header.is_full


def test_a_group_that_is_not_in_the_file_is_told_by_line(run: Run, data: Read) -> None:
    file = altered(data("authorization-details.json"), lambda file: file.update(GroupDetailList=[]))
    done = run("aws_authorization", file)
    (refused,) = done.of(Rejected)
    assert refused.code == "unknown_group"
    assert file.split(b"\n")[refused.line - 1].strip() == b"{"
    assert b"bg-aws-1" in b"".join(file.split(b"\n")[refused.line - 1 : refused.line + 3])


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("text", "broken_item"),
        ({"UserName": "x"}, "broken_item"),
        ({"UserName": "x", "Arn": "arn:aws:iam::aws:user/x"}, "broken_item"),
        ({"UserName": "", "Arn": f"{ARN}:user/x"}, "broken_item"),
        ({"UserName": "x" * 2000, "Arn": f"{ARN}:user/x"}, "broken_item"),
        ({"UserName": "x", "Arn": f"{ARN}:user/x", "Tags": {}}, "broken_item"),
        ({"UserName": "x", "Arn": f"{ARN}:user/x", "AttachedManagedPolicies": ["a"]}, "broken_item"),
        ({"UserName": "x", "Arn": f"{ARN}:user/bg-aws-1"}, "duplicate_arn"),
    ],
)
def test_broken_items_are_rejected_and_the_rest_is_read(
    run: Run, data: Read, item: object, code: str
) -> None:
    done = run(
        "aws_authorization",
        altered(data("authorization-details.json"), lambda file: file["UserDetailList"].append(item)),
    )
    assert [one.code for one in done.of(Rejected)] == [code]
    assert len(done.of(Account)) == 7


@pytest.mark.parametrize(
    "document", [None, "not json", "%7Bbroken", [], {"Statement": "x"}, {"Statement": ["x"]}, {}]
)
def test_a_policy_that_cannot_be_read_is_unknown_and_not_harmless(
    run: Run, data: Read, document: object
) -> None:
    def change(file: Any) -> None:
        file["UserDetailList"][0]["UserPolicyList"][0]["PolicyDocument"] = document

    done = run("aws_authorization", altered(data("authorization-details.json"), change))
    (inline,) = [one for one in done.of(Entitlement) if "#inline:" in one.external_id]
    assert inline.is_privileged is None
    assert "could not be read" in inline.because
