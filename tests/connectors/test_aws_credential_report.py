"""The credential report: every user's passwords, keys, certificates and MFA, by slot."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.connectors.records import Account, Credential, Entitlement, Grant

Run = Callable[..., Any]
Read = Callable[[str], bytes]


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day, hour, minute, second


def test_the_sample(run: Run, sample: Read) -> None:
    done = run("aws_credential_report", sample("aws-iam/cloudmapper-credential-report.json"))
    assert done.header.taken_at == at(2019, 5, 7, 15, 40, 22)
    assert done.header.system_reference == "123456789012"
    assert done.header.is_full
    assert done.header.covers == {"credential"}  # roles and rights are not in it
    root, auditor, user = done.of(Account)
    assert root == Account(
        external_id="arn:aws:iam::123456789012:root",
        name="root",
        line=2,
        created_at=at(2018, 8, 12, 17, 20, 55),
        last_used_at=at(2019, 3, 3, 16, 58, 16),
        last_used_source="credential report",
    )
    assert (auditor.name, auditor.last_used_at, auditor.last_used_source) == ("auditor_tmp", None, None)
    assert user.line == 4
    found = [
        (one.account.rpartition(":")[2], one.fingerprint, one.is_active, one.rotated_at)
        for one in done.of(Credential)
    ]
    assert found == [
        ("root", "password", None, None),  # not_supported: it has one, AWS doesn't say more
        ("root", "access key 1", True, at(2018, 11, 23, 16, 1, 14)),
        ("root", "MFA", True, None),
        ("user/auditor_tmp", "access key 1", True, at(2019, 5, 7, 15, 35, 55)),
        ("user/user", "password", True, None),
        ("user/user", "access key 1", True, at(2019, 5, 7, 15, 35, 55)),
        ("user/user", "access key 2", True, at(2018, 5, 7, 15, 35, 54)),
    ]
    assert all(one.is_slot for one in done.of(Credential))
    weak = {(one.account.rpartition(":")[2], one.fingerprint): one.weakness for one in done.of(Credential)}
    assert weak["root", "password"] is None  # MFA is on
    assert "root user" in weak["root", "access key 1"]
    assert "MFA" in weak["user/user", "password"]
    assert weak["user/user", "access key 1"] is None


def test_who_may_open_the_console(run: Run, sample: Read) -> None:
    done = run("aws_credential_report", sample("aws-iam/cloudmapper-credential-report.json"))
    (console,) = done.of(Entitlement)
    assert (console.name, console.kind, console.reach) == ("AWS console sign-in", "right", "console")
    assert console.is_privileged is None
    root = "arn:aws:iam::123456789012:root"
    # auditor_tmp has no password.
    assert done.of(Grant) == [
        Grant(root, console.external_id, 2, last_used_at=at(2019, 3, 3, 16, 58, 16)),
        Grant(
            "arn:aws:iam::123456789012:user/user",
            console.external_id,
            4,
            last_used_at=at(2018, 5, 7, 15, 35, 54),
        ),
    ]
    # It lists all credentials and not all rights, so no other right ends by it.
    assert done.header.covers == {"credential"}


def test_a_root_user_whose_password_was_taken_away_cannot_sign_in(run: Run, data: Read) -> None:
    said = data("credential-report.csv").decode()
    assert len(run("aws_credential_report", said.encode()).of(Grant)) == 2
    without = said.replace(
        ":root,2020-01-01T00:00:00+00:00,not_supported", ":root,2020-01-01T00:00:00+00:00,false"
    )
    done = run("aws_credential_report", without.encode())
    assert [one.account.rpartition("/")[2] for one in done.of(Grant)] == ["bg-aws-1"]
    assert [one.kind for one in done.of(Credential) if one.account.endswith("root")] == ["mfa_device"]


def test_a_plain_report(run: Run, data: Read) -> None:
    done = run("aws_credential_report", data("credential-report.csv"))
    assert done.header.taken_at is None
    assert done.data == data("credential-report.csv")
    root, deploy, emergency = done.of(Account)
    assert (root.last_used_at, root.identity_kind, root.kind) == (None, None, None)
    assert deploy.last_used_at == at(2026, 10, 5, 23, 10)
    assert emergency.last_used_at == at(2026, 6, 30, 12)
    of = {
        name: [one for one in done.of(Credential) if one.account.endswith(name)]
        for name in ("root", "pay", "aws-1")
    }
    assert [one.kind for one in of["root"]] == ["password", "mfa_device"]
    assert of["pay"] == [
        Credential(
            deploy.external_id,
            "access_key",
            "access key 1",
            3,
            is_active=True,
            rotated_at=at(2024, 4, 8, 9),
            last_used_at=at(2026, 10, 5, 23, 10),
            is_slot=True,
        ),
        # Switched off, but it exists.
        Credential(
            deploy.external_id,
            "access_key",
            "access key 2",
            3,
            is_active=False,
            rotated_at=at(2023, 2, 1),
            is_slot=True,
        ),
        Credential(
            deploy.external_id,
            "certificate",
            "signing certificate 1",
            3,
            is_active=True,
            rotated_at=at(2022, 5, 5),
            is_slot=True,
        ),
    ]
    assert of["aws-1"][0] == Credential(
        emergency.external_id,
        "password",
        "password",
        4,
        is_active=True,
        rotated_at=at(2026, 1, 1),
        expires_at=at(2027, 1, 1),
        last_used_at=at(2026, 6, 30, 12),
        is_slot=True,
    )


def test_the_answer_of_the_bare_api_is_base64(run: Run, data: Read) -> None:
    plain = run("aws_credential_report", data("credential-report.csv"))
    content = base64.encodebytes(data("credential-report.csv")).decode()
    wrapped = run(
        "aws_credential_report",
        json.dumps({"Content": content, "GeneratedTime": "2026-10-06T08:00:00+00:00"}).encode(),
    )
    assert wrapped.records == plain.records
    assert wrapped.header.taken_at == at(2026, 10, 6, 8)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("111122223333:user/bg", "999988887777:user/bg", "other_account"),
        ("arn:aws:iam::111122223333:user/bg-aws-1", "bg-aws-1", "no_arn"),
        ("arn:aws:iam::111122223333:user/bg-aws-1", "arn:aws:iam::111122223333:root", "duplicate_account"),
        ("bg-aws-1,arn", "bg-aws-1,more,arn", "ragged_row"),
    ],
)
def test_rows_that_do_not_belong_are_rejected(run: Run, data: Read, old: str, new: str, code: str) -> None:
    done = run("aws_credential_report", data("credential-report.csv").decode().replace(old, new).encode())
    assert done.rejected == [(4, code)]
    assert len(done.of(Account)) == 2
    assert done.of(Entitlement)[0].name == "AWS console sign-in"
