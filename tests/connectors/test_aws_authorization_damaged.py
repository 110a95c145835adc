"""Account authorization details that are damaged, cut short or of something else."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from accounts.connectors.records import Account, Entitlement, Rejected

Run = Callable[..., Any]
Read = Callable[[str], bytes]
ARN = "arn:aws:iam::111122223333"


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
