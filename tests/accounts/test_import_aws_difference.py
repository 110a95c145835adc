"""An AWS account read, then read again with less and with more in it: exactly that is shown, or it stops."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Account, Grant, ImportRun, Inclusion, Revocation, RevocationCause, Source
from accounts.services import imports, revocations
from portal.audit.services import PORTAL
from portal.tasks.testing import drain
from portal.testing import CHECKOUT
from tests.factories import readings
from tests.factories.readings import applied, day, previewed

SAMPLE = CHECKOUT.parent / "shared" / "samples" / "aws-iam" / "cloudsplaining-example.json"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not SAMPLE.is_file(), reason="the sample files are not beside this checkout"),
]
# Counted in the file: two attached policies; a group, an attached and an inline policy; a group and a policy.
LEAVING = {"fn1-privesc3-partial-user": 2, "biden": 3, "privesc11-PutGroupPolicy-user": 2}
GETS_MORE = "privesc-AssumeRole-start-user"  # holds nothing in the file
State = ImportRun.State


@pytest.fixture
def aws() -> Source:
    """The account as it was on the first day."""
    made = readings.source(readings.system("AWS-PAY"), connector="aws_authorization", mapping={})
    applied(made, SAMPLE.read_bytes(), day(1))
    return made


def exported() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SAMPLE.read_text())
    return found


def written(details: dict[str, Any]) -> str:
    return json.dumps(details, indent=4)


def differences(run: ImportRun) -> dict[str, tuple[int, int, int, int]]:
    """New, changed, returned and gone of each kind that differs at all."""
    sorts = ("new", "changed", "returned", "gone")
    found = {kind: tuple(counts[sort] for sort in sorts) for kind, counts in run.counts.items()}
    return {kind: numbers for kind, numbers in found.items() if any(numbers)}


def test_three_users_less_and_one_right_more_is_exactly_what_is_shown(aws: Source) -> None:
    held, bonds = Grant.objects.held().count(), Inclusion.objects.held().count()
    details = exported()
    details["UserDetailList"] = [one for one in details["UserDetailList"] if one["UserName"] not in LEAVING]
    user = next(one for one in details["UserDetailList"] if one["UserName"] == GETS_MORE)
    user["AttachedManagedPolicies"] = [
        {"PolicyName": "AmazonRDSFullAccess", "PolicyArn": "arn:aws:iam::aws:policy/AmazonRDSFullAccess"}
    ]
    run = previewed(aws, written(details), day(2))
    assert differences(run) == {"account": (0, 0, 0, 3), "grant": (1, 0, 0, sum(LEAVING.values()))}
    shown = run.preview["samples"]
    assert {name for name, _ in shown["account"]["gone"]} == set(LEAVING)
    assert {name for name, _ in shown["grant"]["gone"]} == set(LEAVING)
    assert len(shown["grant"]["new"]) == 1

    assert readings.apply(run).state == State.APPLIED
    assert set(Account.objects.filter(gone_run=run).values_list("name", flat=True)) == set(LEAVING)
    ended = Grant.objects.filter(known_to_run=run)
    assert {grant.account.name for grant in ended} == set(LEAVING)
    assert all(grant.until == day(2) for grant in ended)
    more = Grant.objects.get(known_from_run=run)
    assert (more.account.name, more.entitlement.name) == (GETS_MORE, "AmazonRDSFullAccess")
    assert Grant.objects.held().count() == held + 1 - sum(LEAVING.values())
    # The groups that they were in bring what they brought before.
    assert Inclusion.objects.held().count() == bonds
    assert differences(previewed(aws, written(details), day(3))) == {}


def test_a_group_that_brings_less_is_a_difference_of_its_own(aws: Source) -> None:
    details = exported()
    group = next(one for one in details["GroupDetailList"] if one["GroupName"] == "admin")
    group["AttachedManagedPolicies"] = []
    run = previewed(aws, written(details), day(2))
    found = differences(run)
    assert found["inclusion"] == (0, 0, 0, 1)
    assert not {"account", "grant"} & found.keys()
    readings.apply(run)
    ended = Inclusion.objects.get(known_to_run=run)
    assert (ended.parent.name, ended.child.name) == ("admin", "AdministratorAccess")


def test_a_cut_file_is_refused_with_its_place(aws: Source) -> None:
    whole = written(exported())
    cut = whole[: len(whole) // 2]
    with pytest.raises(imports.Refused) as refused:
        readings.received(aws, cut, day(2))
    assert refused.value.line is not None
    assert refused.value.line >= cut.count("\n") - 1
    assert ImportRun.objects.count() == 1
    assert Account.objects.present().count() == 122


def test_a_shortened_file_stops_at_the_fuse_and_proves_nothing(aws: Source) -> None:
    details = exported()
    grant = Grant.objects.filter(account__name="biden").earliest("id")
    cause = revocations.Cause(RevocationCause.Kind.DECISION, "1", "CAM/1")
    asked = revocations.decide(grant, act=Revocation.Act.REMOVE, cause=cause, actor=PORTAL, at=day(1))
    revocations.request(Revocation.objects.filter(pk=asked.pk), actor=PORTAL, at=day(1))
    details["UserDetailList"] = details["UserDetailList"][:20]
    run = previewed(aws, written(details), day(2))
    assert run.is_complete, "the file itself looks whole"
    assert {reason["code"] for reason in run.preview["fuse"]["reasons"]} >= {"many_gone"}
    with pytest.raises(ValidationError, match="second person"):
        imports.apply(run, version=run.version, by=readings.iam())
    drain()
    assert readings.fresh(run).state == State.PREVIEWED
    assert Account.objects.present().count() == 122
    assert Revocation.objects.get().state == Revocation.State.REQUESTED
