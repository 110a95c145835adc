"""`manage.py inspect`: what the portal would read, counted as an import would keep it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.connectors import records
from portal.inspection import tally
from portal.inspection.reports import LISTED, InventoryReport
from tests.connectors import workbooks
from tests.inspection.asking import SAMPLES, counts, file, inspect, table

MEMBERS = [
    "path", "format", "identities", "accounts", "entitlements", "grants", "credentials", "active_keys",
    "inclusions", "rejected", "problems", "cut", "notes", "is_full", "taken_at", "system",
]  # fmt: skip


# --- facts derived by hand --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key", "numbers", "system", "taken_at"),
    [
        # Ten rows below the header, 250 below the header.
        ("hr-csv/midpoint-hr.csv", "hr_csv", (10, 0, 0, 0, 0, 0, 0), None, None),
        ("hr-csv/simulation-hr.csv", "hr_csv", (250, 0, 0, 0, 0, 0, 0), None, None),
    ],
)
def test_samples_by_hand(
    name: str, key: str, numbers: tuple[int, ...], system: str | None, taken_at: str | None
) -> None:
    if not (SAMPLES / name).exists():
        pytest.skip("the samples are not beside this checkout")
    (one,) = inspect(SAMPLES / name)
    assert list(one) == MEMBERS
    assert (one["format"], counts(one), one["system"], one["taken_at"]) == (key, numbers, system, taken_at)
    assert (one["rejected"], one["problems"]) == ([], [])


def test_active_keys_of_the_credential_report() -> None:
    sample = SAMPLES / "aws-iam" / "cloudmapper-credential-report.json"
    if not sample.exists():
        pytest.skip("the samples are not beside this checkout")
    (one,) = inspect(sample)
    # root, auditor_tmp and user have an active first key, user an active second one; no certificates.
    assert (one["format"], one["identities"], one["accounts"], one["active_keys"]) == (
        "aws_credential_report", 3, 3, 4,
    )  # fmt: skip
    assert one["taken_at"] == "2019-05-07T15:40:22Z"


def test_an_inventory_of_our_own(tmp_path: Path) -> None:
    data = (
        b"# system: CORE\n# taken: 2026-10-06T08:00:00Z\n"
        b"record,account,email,employee number,identity,kind,entitlement,credential,expires,enabled,"
        b"password\n"
        b"account,tbrandt,T.Brandt@bank.test,1007,,personal,,,,,hunter2\n"
        b"account,tbrandt-adm,,1007,,personal,,,,,\n"  # the same person, by number
        b"account,dana,dana@bank.test,,,,,,,,\n"
        b"account,dana2,DANA@bank.test,,,,,,,,\n"  # the same person, by address
        b"account,opsdesk,,,,shared,,,,,\n"  # nobody's own
        b"account,glass,,,,emergency,,,,,\n"
        b"account,svc-pay,,,svc-pay,machine,,,,,\n"
        b"account,svc-pay-2,,,svc-pay,machine,,,,,\n"  # the same machine
        b"account,lonely,,,,,,,,,\n"  # its own
        b"entitlement,,,,,,READ,,,,\n"
        b"grant,dana,,,,,READ,,,,\n"
        b"grant,lonely,,,,,READ,,,,\n"
        b"grant,lonely,,,,,READ,,,,\n"  # said twice
        b"credential,svc-pay,,,,access key,,K1,2026-10-06T08:00:00Z,,\n"  # expired as it was taken
        b"credential,svc-pay,,,,access key,,K2,2026-10-06T08:00:01Z,,\n"
        b"credential,svc-pay,,,,ssh key,,K3,,no,\n"  # switched off
        b"credential,svc-pay,,,,ssh key,,K4,,yes,\n"
        b"credential,dana,,,,password,,P1,,yes,\n"  # no key
    )
    (one,) = inspect(file(tmp_path, data))
    assert one["format"] == "csv_accounts"
    assert counts(one) == (4, 9, 1, 2, 5, 2, 0)
    assert [(row["line"], row["code"]) for row in one["rejected"]] == [(16, "duplicate")]
    assert one["problems"] == ["1 row would be rejected."]
    assert one["cut"] == [{"name": "password", "why": "secret_name", "count": 1}]
    assert (one["system"], one["taken_at"], one["is_full"]) == ("CORE", "2026-10-06T08:00:00Z", False)
    assert "hunter2" not in json.dumps(one)


def test_a_workbook_is_read_like_its_table(tmp_path: Path) -> None:
    book = workbooks.of_rows(
        ["account", "entitlement", "password"], ["ann", "READ", "hunter2"], ["bob", "READ"]
    )
    (one,) = inspect(file(tmp_path, book, "export.xlsx"))
    assert (one["format"], counts(one)) == ("csv_accounts", (2, 2, 1, 2, 0, 0, 0))


# --- what comes twice -------------------------------------------------------------------------------


def tallied(*found: records.Record) -> InventoryReport:
    report = InventoryReport("x")
    counting = tally.Tally(report, datetime(2026, 10, 6, tzinfo=UTC))
    for one in found:
        counting.add(one)
    return report


def test_what_an_import_would_reject_as_twin_counts_once() -> None:
    account = records.Account(external_id="a", name="a", line=2)
    right = records.Entitlement(external_id="r", name="r", kind="right", line=3)
    grant = records.Grant(account="a", entitlement="r", line=4)
    eligible = records.Grant(account="a", entitlement="r", line=5, is_eligible=True)
    key = records.Credential(account="a", kind="token", fingerprint="f", line=6)
    bond = records.Inclusion(parent="g", child="r", line=7)
    report = tallied(account, right, grant, eligible, key, bond, account, right, grant, key, bond)
    assert (report.identities, report.accounts, report.entitlements) == (1, 1, 1)
    assert (report.grants, report.credentials, report.active_keys, report.inclusions) == (2, 1, 1, 1)
    assert [row["code"] for row in report.rejected] == [
        "duplicate_account", "duplicate_entitlement", "duplicate_grant", "duplicate_credential",
    ]  # fmt: skip


def test_a_number_of_two_companies_is_nobody_s() -> None:
    people = [
        records.Person(number=number, name="x", employer=employer, line=line)
        for line, (number, employer) in enumerate((("1", "A"), ("2", "A"), ("1", "B"), ("1", "C")), 2)
    ]
    report = tallied(*people)
    assert report.identities == 1
    assert sorted(row["line"] for row in report.rejected) == [2, 4, 5]


def test_what_no_column_can_hold_is_rejected() -> None:
    report = tallied(records.Account(external_id="a" * 5000, name="a", line=9))
    assert (report.accounts, report.rejected[0]["line"], report.rejected[0]["code"]) == (0, 9, "too_long")


def test_very_many_keys_are_told_apart() -> None:
    once = tally.Once()
    assert all(once.add(("account", f"a{number}")) for number in range(5000))
    assert not any(once.add(("account", f"a{number}")) for number in range(5000))


def test_rejected_rows_are_listed_up_to_a_thousand_and_all_counted(tmp_path: Path) -> None:
    rows = b"".join(b",Person %d\n" % number for number in range(LISTED + 5))
    (one,) = inspect(file(tmp_path, b"employee number,name\n1,Ann\n" + rows))
    assert len(one["rejected"]) == LISTED
    assert one["rejected"][0] == {
        "line": 3, "code": "missing_number",
        "reason": "The row has no employee number. Without one nobody can say whose row it is.",
    }  # fmt: skip
    assert one["problems"] == ["1,005 rows would be rejected; the first 1,000 are listed."]
    assert "… and 985 more" in table(tmp_path)
