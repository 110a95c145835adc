"""Real exports of others, read, applied, and applied once more."""

from pathlib import Path

import pytest

from accounts.models import Account, Credential, Entitlement, Grant, Identity, ImportRun
from portal.testing import CHECKOUT
from tests.factories import readings
from tests.factories.readings import applied, day

SAMPLES = CHECKOUT.parent / "shared" / "samples"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not beside this checkout"),
]


def sample(name: str) -> bytes:
    return Path(SAMPLES / name).read_bytes()


def changes(run: ImportRun) -> int:
    return sum(one[sort] for one in run.counts.values() for sort in ("new", "changed", "returned", "gone"))


def test_an_hr_export() -> None:
    hr = readings.source()
    run = applied(hr, sample("hr-csv/simulation-hr.csv"), day(1))
    assert (run.state, run.rejected, run.counts["person"]["new"]) == ("applied", 0, 250)
    assert run.cut == [{"name": "phone", "why": "unmapped", "count": 250}]
    assert Identity.objects.get(engagements__number="1001").name == "Tamesha Cornish"
    assert changes(applied(hr, sample("hr-csv/simulation-hr.csv"), day(2))) == 0


def test_another_hr_export_by_login() -> None:
    run = applied(readings.source(), sample("hr-csv/midpoint-hr.csv"), day(1))
    assert run.counts["person"]["new"] == 10
    assert Identity.objects.get(name="Alice Adaway").status == "active"


def test_what_an_aws_account_allows() -> None:
    aws = readings.source(readings.system("AWS-PAY"), connector="aws_authorization", mapping={})
    run = applied(aws, sample("aws-iam/cloudsplaining-example.json"), day(1))
    assert (run.state, run.is_complete, run.rejected) == ("applied", True, 0)
    assert Account.objects.count() == run.counts["account"]["new"] == 122
    assert Grant.objects.held().count() == 201
    assert Entitlement.objects.filter(is_privileged=True).exists()
    # Roles that only services use are workloads; users without a hint belong to nobody known.
    assert Identity.objects.filter(kind="workload").exists()
    assert Account.objects.orphaned().exists()
    again = applied(aws, sample("aws-iam/cloudsplaining-example.json"), day(2))
    assert changes(again) == 0


def test_a_credential_report_of_the_same_system() -> None:
    system = readings.system("AWS-PAY")
    report = readings.source(system, connector="aws_credential_report", mapping={})
    run = applied(report, sample("aws-iam/cloudmapper-credential-report.json"))
    assert (run.state, run.system_reference, run.covers) == ("applied", "123456789012", ["credential"])
    assert run.taken_at is not None
    assert run.taken_at.year == 2019  # the report says so itself
    assert Credential.objects.count() == run.counts["credential"]["new"] == 7
    assert changes(applied(report, sample("aws-iam/cloudmapper-credential-report.json"))) == 0


def test_a_file_of_another_aws_account_is_refused() -> None:
    aws = readings.source(
        readings.system("AWS-PAY", reference="999999999999"), connector="aws_authorization", mapping={}
    )
    run = readings.previewed(aws, sample("aws-iam/cloudsplaining-authz-v2.json"))
    assert run.state == ImportRun.State.FAILED
    assert "012345678901" in run.error
