"""Account authorization details: accounts, entitlements and grants, and what the file may prove."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.connectors.records import Account, Entitlement, Grant, Inclusion, Rejected

Run = Callable[..., Any]
Read = Callable[[str], bytes]
ARN = "arn:aws:iam::111122223333"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


_LARGE: list[Any] = []


def large(run: Run, sample: Read) -> Any:
    """The large sample, read once: its records are frozen."""
    if not _LARGE:
        _LARGE.append(run("aws_authorization", sample("aws-iam/cloudsplaining-example.json")))
    return _LARGE[0]


def test_the_large_sample_by_count(run: Run, sample: Read) -> None:
    done = large(run, sample)
    rights, grants = done.of(Entitlement), done.of(Grant)
    # 44 users and 78 roles; the root user is in no such file. 29 roles may be used by AWS services only.
    assert len(done.of(Account)) == 122
    assert Counter(one.kind for one in done.of(Account)) == {None: 44, "role": 49, "machine": 29}
    assert sum(one.identity_kind == "workload" for one in done.of(Account)) == 29
    # 84 managed policies and 39 inline ones (2 of users, 1 of a group, 36 of roles); 5 groups.
    assert Counter(one.kind for one in rights) == {"right": 123, "group": 5, "act_as": 49}
    assert {one.reach for one in rights if one.kind == "act_as"} == {"assume_role"}
    kind = {one.external_id: one.kind for one in rights}
    # Attached 43 (users) and 60 (roles), inline 2 and 36; 6 memberships. 40 roles trust one person's single
    # sign-on session, 4 another role or user of the file, one everybody whose policies let them: 10.
    assert Counter(kind[one.entitlement] for one in grants) == {"right": 141, "group": 6, "act_as": 54}
    assert {one.via for one in grants} == {None}
    bonds = done.of(Inclusion)
    # 4 policies of 3 groups; 49 policies of roles that others may act as; and who may act as a role may act
    # as the next: starting > intermediate > ending, and 7 such roles > the permissive one.
    assert Counter((kind[one.parent], kind[one.child]) for one in bonds) == {
        ("group", "right"): 4,
        ("act_as", "right"): 49,
        ("act_as", "act_as"): 9,
    }
    assert sum(one.last_used_at is not None for one in done.of(Account)) == 26
    assert done.of(Rejected) == []
    assert done.header.covers == {"account", "entitlement", "inclusion", "grant"}
    # Two accounts were put into one file: it is of neither alone.
    assert done.header.system_reference == "012345678901,200611803367"
    assert "2 AWS accounts" in done.header.notes[0]
    assert done.header.taken_at is None


def test_the_large_sample_by_line(run: Run, sample: Read) -> None:
    done = large(run, sample)
    users = {one.name: one for one in done.of(Account)}
    # The objects open one line before their Path.
    assert users["fn1-privesc3-partial-user"].line == 3
    assert users["obama"].line == 622
    assert users["fn1-privesc3-partial-user"].created_at == datetime(2023, 3, 9, 10, 41, 45, tzinfo=UTC)


BIG = "arn:aws:iam::200611803367"
SMALL = "arn:aws:iam::012345678901"


@pytest.mark.parametrize(
    ("account", "held"),
    [
        (f"{SMALL}:user/obama", {ADMIN, f"{SMALL}:group/admin"}),
        (
            f"{SMALL}:user/biden",
            {
                f"{SMALL}:group/biden",
                "arn:aws:iam::aws:policy/AWSLambdaFullAccess",
                f"{SMALL}:user/biden#inline:InsecureUserPolicy",
            },
        ),
        (
            f"{SMALL}:user/userwithlotsofpermissions",
            {
                f"{SMALL}:group/admin",
                f"{SMALL}:user/userwithlotsofpermissions#inline:InsecureUserPolicy",
            },
        ),
        (f"{BIG}:user/privesc-AssumeRole-start-user", set()),
        (
            f"{BIG}:user/privesc-sre-user",
            {f"{BIG}:group/privesc-sre-group", f"{BIG}:role/privesc-sre-role#act-as"},
        ),
        (
            f"{BIG}:user/fp2-allow-and-deny-multiple-policies-user",
            {f"{BIG}:policy/deny-all", f"{BIG}:policy/fp2-allow-all"},
        ),
        (f"{BIG}:role/privesc-permissive-role-trust", set()),
        (
            f"{BIG}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_ViewOnlyAccess_0ace44bbc7092ea8",
            {
                "arn:aws:iam::aws:policy/ReadOnlyAccess",
                "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
            },
        ),
    ],
)
def test_who_holds_what_in_the_large_sample(run: Run, sample: Read, account: str, held: set[str]) -> None:
    done = large(run, sample)
    assert {one.entitlement for one in done.of(Grant) if one.account == account} == held


SSO = f"{BIG}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_AdministratorAccess_dc6414f7f2ab04fc"


@pytest.mark.parametrize(
    ("role", "who", "marks", "words"),
    [
        ("privesc-sre-role", [f"{BIG}:user/privesc-sre-user"], (), "privesc-sre-user may assume it"),
        ("privesc4-CreateAccessKey-role", [SSO], (), "only the session elad@codsec.io"),
        (
            "privesc-AssumeRole-ending-role",
            [f"{BIG}:role/privesc-AssumeRole-intermediate-role"],
            (),
            "every action on every resource",
        ),
        (
            "AWS-QuickSetup-StackSet-Local-ExecutionRole",
            [f"{BIG}:role/AWS-QuickSetup-StackSet-Local-AdministrationRole"],
            (),
            "may assume it",
        ),
        (
            "OrganizationAccountAccessRole",
            [],
            ("external_trust",),
            "another AWS account, 072528804237, without an external id",
        ),
        ("stacksets-exec-b5520cb2730c2f54b523d6375a319abb", [], ("external_trust",), "is not in this file"),
        (
            "aws-reserved/sso.amazonaws.com/AWSReservedSSO_AdministratorAccess_dc6414f7f2ab04fc",
            [],
            (),
            "People whom AWSSSO_b937d2dff24f2774_DO_NOT_DELETE signs in (SAML)",
        ),
        (
            # It trusts its whole account: whoever has sts:AssumeRole on it, and no Deny; and not the
            # administrator of the other account.
            "privesc-permissive-role-trust",
            [
                f"{BIG}:user/fn4-exploitableNotAction-user",
                f"{BIG}:user/privesc14-UpdatingAssumeRolePolicy-user",
                f"{BIG}:role/AWS-QuickSetup-StackSet-Local-ExecutionRole",
                SSO,
                f"{BIG}:role/fn4-exploitableNotAction-role",
                f"{BIG}:role/OrganizationAccountAccessRole",
                f"{BIG}:role/privesc-AssumeRole-ending-role",
                f"{BIG}:role/privesc-high-priv-service-role",
                f"{BIG}:role/privesc14-UpdatingAssumeRolePolicy-role",
                f"{BIG}:role/stacksets-exec-b5520cb2730c2f54b523d6375a319abb",
            ],
            (),
            "Whoever account 200611803367 lets assume roles may assume it",
        ),
    ],
)
def test_who_may_assume_what_in_the_large_sample(
    run: Run, sample: Read, role: str, who: list[str], marks: tuple[str, ...], words: str
) -> None:
    done = large(run, sample)
    (door,) = [one for one in done.of(Entitlement) if one.external_id == f"{BIG}:role/{role}#act-as"]
    assert [one.account for one in done.of(Grant) if one.entitlement == door.external_id] == who
    assert door.marks == marks
    assert words in door.because


def test_groups_and_doors_bring_what_they_hold(run: Run, sample: Read) -> None:
    done = large(run, sample)
    brings: dict[str, list[str]] = {}
    for one in done.of(Inclusion):
        brings.setdefault(one.parent, []).append(one.child)
    assert brings[f"{SMALL}:group/admin"] == [ADMIN]
    assert brings[f"{SMALL}:group/biden"] == [
        "arn:aws:iam::aws:policy/AmazonRDSFullAccess",
        f"{SMALL}:group/biden#inline:InlinePolicyForBidenGroup",
    ]
    assert brings[f"{BIG}:group/privesc-sre-group"] == [f"{BIG}:policy/privesc-sre-admin-policy"]
    assert f"{BIG}:group/privesc8-AttachGroupPolicy-group" not in brings
    assert brings[f"{BIG}:role/privesc-AssumeRole-starting-role#act-as"] == [
        f"{BIG}:role/privesc-AssumeRole-intermediate-role#act-as"
    ]
    # One person's session of a role does not let everybody who has the role in.
    assert brings[f"{SSO}#act-as"] == [ADMIN, f"{BIG}:role/privesc-permissive-role-trust#act-as"]


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("AdministratorAccess", ("admin", "wildcard")),
        ("fp2-allow-all", ("admin", "wildcard")),
        ("IAMFullAccess", ("admin", "wildcard", "iam_write", "pass_role")),
        ("PowerUserAccess", ("wildcard", "iam_write", "secrets_read", "escalate", "exec")),
        ("fn1-passrole-star", ("pass_role",)),
        ("AmazonS3FullAccess", ("wildcard", "iam_write")),
        ("privesc1-CreateNewPolicyVersion", ("iam_write", "escalate")),
        ("privesc-ssmStartSession-policy", ("exec",)),
        ("deny-all", ()),
        ("ReadOnlyAccess", ()),
    ],
)
def test_marks_of_the_large_sample(run: Run, sample: Read, name: str, marks: tuple[str, ...]) -> None:
    done = large(run, sample)
    assert [one.marks for one in done.of(Entitlement) if one.name == name] == [marks]


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
    done = large(run, sample)
    (policy,) = [one for one in done.of(Entitlement) if one.name == name]
    assert policy.is_privileged is is_privileged
    assert words in policy.because


def test_the_small_sample(run: Run, sample: Read) -> None:
    done = run("aws_authorization", sample("aws-iam/cloudsplaining-authz-v2.json"))
    assert done.header.system_reference == "012345678901"
    assert done.header.is_full
    # AdministratorAccess is attached and its document is not in the file.
    assert done.header.covers == {"account", "grant", "inclusion"}
    assert [(one.name, one.kind) for one in done.of(Account)] == [
        ("BlakeBortles", None),
        ("GOAT", "machine"),
        ("MyOtherRole", "machine"),
    ]
    group, roles = "arn:aws:iam::012345678901:group/GOAT", "arn:aws:iam::012345678901:role"
    assert {(one.account, one.entitlement) for one in done.of(Grant)} == {
        ("arn:aws:iam::012345678901:user/BlakeBortles", group),
        (f"{roles}/GOAT", f"{roles}/GOAT#inline:SsmOnboardingInlinePolicy"),
        (f"{roles}/MyOtherRole", f"{roles}/MyOtherRole#inline:InlinePolicyForTestingOverrides"),
    }
    assert [(one.parent, one.child) for one in done.of(Inclusion)] == [(group, ADMIN)]
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
    assert rights["AdministratorAccess"].marks == ("admin", "wildcard")
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
    assert (roles["pay-admin"].kind, roles["pay-admin"].identity_kind) == ("role", None)
    assert roles["pay-admin"].last_used_at == datetime(2026, 9, 30, 10, tzinfo=UTC)
    assert (roles["pay-task"].identity_kind, roles["pay-task"].identity_key) == ("workload", "pay-task")
    assert roles["pay-task"].kind == "machine"
    assert roles["AWSReservedSSO_Admin_1"].kind == "role"  # people come through single sign-on

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
    assert pay.marks == ("external_trust",)
    assert open_door.marks == ("open_trust",)
    assert open_door.is_privileged
    assert "its principal is “*”" in open_door.because
    assert "only the session aiko@example.com" in session.because
    assert {(one.account, one.entitlement) for one in done.of(Grant) if "#act-as" in one.entitlement} == {
        (f"{ARN}:user/bg-aws-1", pay.external_id),
        (f"{ARN}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1", session.external_id),
        # Open to anybody, so to whoever of the file has the permission: this one, and a group.
        (f"{ARN}:role/pay-admin", open_door.external_id),
    }
    assert (f"{ARN}:group/admins", open_door.external_id) in {
        (one.parent, one.child) for one in done.of(Inclusion)
    }


def test_the_default_version_counts_and_notes_say_what_narrows(run: Run, data: Read) -> None:
    done = run("aws_authorization", data("authorization-details.json"))
    (admin,) = [one for one in done.of(Entitlement) if one.external_id == ADMIN]
    assert admin.is_privileged
    assert any("permissions boundary" in note and ": 1." in note for note in done.header.notes)
    assert done.header.system_reference == "111122223333"
    assert done.header.is_full
    assert done.header.covers == {"account", "grant", "inclusion", "entitlement"}


def test_every_grant_comes_after_what_it_names(run: Run, sample: Read) -> None:
    done = large(run, sample)
    known: set[str] = set()
    for record in done.records:
        if isinstance(record, Grant):
            assert {record.account, record.entitlement} <= known
        elif isinstance(record, Inclusion):
            assert {record.parent, record.child} <= known
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
