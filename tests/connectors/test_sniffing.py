"""Which connector a file is for."""

from collections.abc import Callable

import pytest

from accounts.connectors import REGISTRY
from accounts.connectors.sniffing import columns, sniff

Read = Callable[[str], bytes]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("hr-csv/midpoint-hr.csv", "hr_csv"),
        ("hr-csv/simulation-hr.csv", "hr_csv"),
        ("aws-iam/cloudsplaining-example.json", "aws_authorization"),
        ("aws-iam/cloudsplaining-authz-v2.json", "aws_authorization"),
        ("aws-iam/cloudmapper-credential-report.json", "aws_credential_report"),
    ],
)
def test_samples(sample: Read, name: str, first: str) -> None:
    assert sniff(sample(name), name.rpartition("/")[2])[0] == first


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("people.csv", "hr_csv"),
        ("core.csv", "csv_accounts"),
        ("inventory.csv", "csv_accounts"),
        ("authorization-details.json", "aws_authorization"),
        ("credential-report.csv", "aws_credential_report"),
    ],
)
def test_own_files(data: Read, name: str, first: str) -> None:
    assert sniff(data(name), name)[0] == first
    assert sniff(data(name)[:200], "upload")[0] == first


@pytest.mark.parametrize(
    "name",
    [
        "powershell/powershell-jea-doc-excerpt.txt",
        "tlog/journal-good.txt",
        "cloudtrail/aws.execution.ssm-start-session.json",
    ],
)
def test_what_nobody_reads_is_nobodys(sample: Read, name: str) -> None:
    assert sniff(sample(name), name) == []


@pytest.mark.parametrize(
    "head", [b"", b"\x89PNG\r\n", b"PK\x03\x04", b"\0\0\0", b"{}", b"[", b"hello", b"\xff\xfe"]
)
def test_nothing_is_made_of_nothing(head: bytes) -> None:
    assert sniff(head, "x.csv") == []


def test_columns_for_a_mapping_form() -> None:
    assert columns(b"# note\nBadge;Full Name\n7;Ana\n") == ("Badge", "Full Name")
    assert columns("Größe;Name\n".encode("cp1252"), "cp1252") == ("Größe", "Name")
    assert columns(b"\x89PNG") == ()
    assert columns(b'{"a": 1}') == ()


def test_every_connector_says_what_it_is() -> None:
    kinds = {"person", "account", "entitlement", "inclusion", "grant", "credential"}
    for key, connector in REGISTRY.items():
        assert connector.key == key
        assert connector.version >= 1
        assert connector.label
        assert connector.reads <= kinds
