"""Admission: what is kept has no secret in it, and says what was cut."""

import base64
import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from accounts.connectors import REGISTRY
from accounts.connectors.admission import Admitted, admit
from accounts.connectors.connector import Cut
from accounts.connectors.records import Account, Person

Run = Callable[..., Any]
Read = Callable[[str], bytes]
FORTY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAvRkO\n-----END RSA PRIVATE KEY-----"


def keep(key: str, data: bytes, mapping: dict[str, str] | None = None) -> tuple[Admitted, bytes]:
    pieces: list[bytes] = []
    return admit(BytesIO(data), REGISTRY[key], mapping or {}, pieces.append), b"".join(pieces)


def test_a_clean_file_is_kept_byte_for_byte() -> None:
    data = 'account,name,entitlement\r\nakovac,"Kovač, Ana",DBA\r\n\r\n'.encode()
    admitted, kept = keep("csv_accounts", data)
    assert kept == data
    assert admitted.cut == ()
    assert admitted.original_sha256 == admitted.admitted_sha256 == hashlib.sha256(data).hexdigest()
    assert (admitted.original_size, admitted.admitted_size, admitted.lines, admitted.rows) == (
        len(data),
        len(data),
        3,
        1,
    )


def test_secret_columns_are_cut_with_their_name_and_both_digests_stand() -> None:
    data = b"account,Kennwort,name,api_key\na,hunter2,A,\nb,hunter3,B,hunter4\n"
    admitted, kept = keep("csv_accounts", data)
    assert kept == b"account,name\na,A\nb,B\n"
    assert admitted.cut == (Cut("Kennwort", "secret_name", 2), Cut("api_key", "secret_name", 1))
    assert admitted.original_sha256 == hashlib.sha256(data).hexdigest()
    assert admitted.admitted_sha256 == hashlib.sha256(kept).hexdigest()
    assert (admitted.original_size, admitted.admitted_size) == (len(data), len(kept))


@pytest.mark.parametrize(
    "name", ["password", "userPassword", "Passwort", "client_secret", "ms-Mcs-AdmPwd", "pwd_hash"]
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_the_secret_word_is_nowhere_in_what_is_kept(run: Run, name: str, place: int) -> None:
    header, row = ["account", "name", "entitlement"], ["akovac", "Ana", "DBA"]
    header.insert(place, name)
    row.insert(place, "supersecret")
    done = run("csv_accounts", (",".join(header) + "\n" + ",".join(row) + "\n").encode())
    assert b"supersecret" not in done.data
    assert "supersecret" not in repr(done.records) + repr(done.header) + repr(done.admitted)
    assert [cut.name for cut in done.admitted.cut] == [name]
    assert done.of(Account)[0].name == "akovac"


def test_what_only_tells_about_a_secret_stays(run: Run) -> None:
    done = run(
        "csv_accounts", b"account,password_last_changed,password_enabled,token_id\na,2024-01-02,true,t-17\n"
    )
    assert done.admitted.cut == ()
    assert b"t-17" in done.data


def test_columns_that_nobody_mapped_are_cut_from_an_hr_file(run: Run, data: Read) -> None:
    done = run("hr_csv", data("people.csv"))
    assert done.admitted.cut == (Cut("Geburtsdatum", "unmapped", 4),)
    assert b"1980" not in done.data
    assert "Geburtsdatum" not in done.data.decode()


def test_lines_keep_their_numbers_when_a_cut_cell_had_line_breaks(run: Run) -> None:
    done = run("hr_csv", b'empNo,note,name\n1,"three\nline\nnote",A\n2,x,B\n3,"two\r\nlines",C\n4,,D\n')
    assert [(one.number, one.line) for one in done.of(Person)] == [("1", 2), ("2", 5), ("3", 6), ("4", 8)]
    assert done.data.count(b"\n") == 8


def test_a_live_secret_in_an_innocent_column_is_blanked_and_counted(run: Run) -> None:
    rows = ["account,name,comment,entitlement", f"a,A,key {FORTY},R", f'b,B,"{PEM}",R', "c,C,fine,R", ""]
    done = run("csv_accounts", "\n".join(rows).encode())
    assert done.admitted.cut == (Cut("comment", "secret_value", 2),)
    assert FORTY.encode() not in done.data
    assert b"PRIVATE KEY" not in done.data
    assert b"MIIEow" not in done.data
    assert [one.line for one in done.of(Account)] == [2, 3, 6]


def test_a_private_key_that_was_not_quoted_leaves_no_line_behind(run: Run) -> None:
    done = run("csv_accounts", f"account,name,key file\na,A,{PEM}\nb,B,\n".encode())
    assert b"MIIEow" not in done.data
    assert [line for line, _ in done.rejected] == [3, 4]
    assert [one.line for one in done.of(Account)] == [2, 5]


@pytest.mark.parametrize("row", ["b,Doe, Jane,hunter2,R", "b,hunter2"])
def test_a_row_whose_cells_moved_is_withheld_and_rejected(run: Run, row: str) -> None:
    done = run("csv_accounts", f"account,name,password,entitlement\na,A,x,R\n{row}\nc,C,y,R\n".encode())
    assert b"hunter2" not in done.data
    assert done.rejected == [(3, "ragged_row")]
    assert [one.external_id for one in done.of(Account)] == ["a", "c"]
    assert done.admitted.rows == 3


def test_empty_cells_too_many_are_forgiven(run: Run) -> None:
    done = run("csv_accounts", b"account,password,name\na,hunter2,A,,\n")
    assert done.data == b"account,name\na,A\n"


def test_lines_above_the_header_are_not_kept_unless_they_mean_something(run: Run) -> None:
    done = run("csv_accounts", b"# exported by admin/hunter2\n# system: CORE\n\naccount,name\na,A\n")
    assert done.data == b"\n# system: CORE\n\naccount,name\na,A\n"
    assert done.header.system_reference == "CORE"
    assert done.of(Account)[0].line == 5


def test_a_cut_does_not_turn_a_row_into_a_remark(run: Run) -> None:
    done = run("csv_accounts", b"password,account,name\nhunter2,# total: 99,A\nhunter2,b,B\n")
    assert [one.external_id for one in done.of(Account)] == ["# total: 99", "b"]
    assert done.rejected == []


def test_any_encoding_is_kept_as_utf_8(run: Run) -> None:
    text = "empNo,name\n1,Jürgen\n2,Žofie\n"
    for data, mapping in (
        (text.encode(), {}),
        (text.encode("utf-8-sig"), {}),
        (text.encode("utf-16"), {}),
        (text.encode("utf-16-be"), {"encoding": "utf-16-be"}),
        (text.encode("cp1250"), {"encoding": "windows-1250"}),
    ):
        done = run("hr_csv", data, mapping)
        assert done.data == text.encode()
        assert done.admitted.original_sha256 == hashlib.sha256(data).hexdigest()


def test_secrets_in_json_are_cut_by_name_by_tag_and_by_value_and_lines_stay() -> None:
    data = b"""{
  "Note": "see wiki",
  "UserDetailList": [
    {
      "UserName": "a", "SecretAccessKey": "supersecret",
      "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
      "Tags": [{"Key": "db-password", "Value": "supersecret"}, {"Value": "Dana", "Key": "owner"}]
    },
    {"UserName": "b", "Comment": "%s"},
    {"UserName": "c", "PasswordLastUsed": "2024-01-01"}
  ],
  "secretText": {"nested": ["supersecret"]},
  "IsTruncated": false
}
""" % FORTY.encode()
    admitted, kept = keep("aws_authorization", data)
    assert b"supersecret" not in kept
    assert FORTY.encode() not in kept
    assert admitted.cut == (
        Cut("SecretAccessKey", "secret_name", 1),
        Cut("db-password", "secret_name", 1),
        Cut("Comment", "secret_value", 1),
        Cut("secretText", "secret_name", 1),
    )
    left = json.loads(kept)
    assert left["UserDetailList"] == [
        {
            "UserName": "a",
            "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "Tags": [{"Key": "db-password"}, {"Value": "Dana", "Key": "owner"}],
        },
        {"UserName": "b", "Comment": ""},
        {"UserName": "c", "PasswordLastUsed": "2024-01-01"},
    ]
    assert left["secretText"] is None
    before, after = data.split(b"\n"), kept.split(b"\n")
    assert len(before) == len(after) == admitted.lines + 1
    assert [n for n, line in enumerate(after) if b'"c"' in line] == [9]
    assert before[9:11] == after[9:11]


def test_clean_json_is_kept_byte_for_byte(sample: Read) -> None:
    data = sample("aws-iam/cloudsplaining-example.json")
    admitted, kept = keep("aws_authorization", data)
    assert kept == data
    assert (admitted.lines, admitted.cut) == (15446, ())


@pytest.mark.parametrize("wrap", ["plain", "base64"])
def test_a_secret_inside_a_wrapped_report_is_cut(run: Run, data: Read, wrap: str) -> None:
    csv = data("credential-report.csv").decode().replace("user,arn,", "user,password,arn,")
    csv = csv.replace("<root_account>,", "<root_account>,supersecret,").replace(
        "pay,arn", "pay,supersecret,arn"
    )
    csv = csv.replace("bg-aws-1,arn", "bg-aws-1,supersecret,arn")
    content = csv if wrap == "plain" else base64.b64encode(csv.encode()).decode()
    done = run("aws_credential_report", json.dumps({"Content": content, "Other": "supersecret"}).encode())
    assert b"supersecret" not in done.data
    assert base64.b64encode(b"supersecret")[:-4] not in done.data
    assert {cut.name for cut in done.admitted.cut} == {"password", "Other"}
    assert len(done.of(Account)) == 3


def test_formula_cells_stay_the_text_they_are(run: Run) -> None:
    formulas = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "<script>alert(1)</script>"]
    text = "account,name\n" + "".join(f'u{n},"{cell}"\n' for n, cell in enumerate(formulas))
    done = run("csv_accounts", text.encode())
    assert [one.display_name for one in done.of(Account)] == [cell.strip() for cell in formulas]


def test_a_file_of_many_chunks_is_hashed_and_counted_whole() -> None:
    data = b"user,arn\n" + b"x,y\n" * 50_000
    admitted, kept = keep("csv_accounts", data)
    assert kept == data
    assert (admitted.original_size, admitted.rows, admitted.lines) == (len(data), 50_000, 50_001)
    assert admitted.original_sha256 == hashlib.sha256(data).hexdigest()
