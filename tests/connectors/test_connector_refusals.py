"""Files that no connector may swallow: each is refused with what is wrong, where, and a stable code."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from accounts.connectors import REGISTRY
from accounts.connectors.admission import admit
from accounts.connectors.records import Record, Unreadable
from accounts.connectors.text import LINE_LIMIT

HR = b"empNo,firstName,lastName\n"
ROW = b"1001,Tamesha,Cornish\n"
TABLES = ["hr_csv", "csv_accounts"]
JSONS = ["aws_authorization"]


def refusal(key: str, data: bytes, mapping: dict[str, str] | None = None) -> Unreadable:
    """Admission refuses it, and so does reading, should it ever get that far."""
    with pytest.raises(Unreadable) as admitting:
        admit(BytesIO(data), REGISTRY[key], mapping or {}, lambda _: None)
    with pytest.raises(Unreadable):
        read(key, data, mapping)
    return admitting.value


def read(key: str, data: bytes, mapping: dict[str, str] | None = None) -> list[Record]:
    return list(REGISTRY[key].read(BytesIO(data), mapping or {})[1])


@pytest.mark.parametrize("key", sorted(REGISTRY))
def test_an_empty_file_is_refused(key: str) -> None:
    assert refusal(key, b"").code == "empty"


@pytest.mark.parametrize("key", sorted(REGISTRY))
@pytest.mark.parametrize(
    ("begin", "named"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"PK\x03\x04\x14\0\6\0xl/workbook.xml", "ZIP"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office"),
    ],
)
def test_what_is_no_text_is_named(key: str, begin: bytes, named: str) -> None:
    error = refusal(key, begin + b"\0" * 100)
    assert error.code == "not_text"
    assert named in str(error)


@pytest.mark.parametrize("key", TABLES)
def test_a_header_alone_does_not_say_that_everybody_is_gone(key: str) -> None:
    error = refusal(key, b"account,empNo,name\n\n")
    assert (error.code, error.line) == ("no_rows", 1)


def test_wrong_columns_are_told_without_repeating_what_may_be_data() -> None:
    error = refusal("hr_csv", b"jdoe,hunter2,Berlin\nasmith,sesame,Rome\n")
    assert error.code == "wrong_columns"
    assert "number" in str(error)
    assert "column 1, 2, 3" in str(error)
    assert "hunter2" not in str(error)


def test_wrong_columns_name_those_that_were_recognised() -> None:
    error = refusal("hr_csv", b"\n\nfirstName,town\nTamesha,Berlin\n")
    assert error.line == 3
    assert "firstName (given_name)" in str(error)


def test_the_credential_report_needs_its_columns() -> None:
    assert refusal("aws_credential_report", HR + ROW).code == "wrong_columns"


@pytest.mark.parametrize("key", TABLES)
def test_two_columns_of_one_name_are_refused(key: str) -> None:
    error = refusal(key, b"account,empNo,name,Name\na,1,b,c\n")
    assert error.code == "duplicate_column"
    assert "3 and 4" in str(error)


@pytest.mark.parametrize(
    ("data", "line", "byte"),
    [
        (HR + ROW + "1002,Jürgen,Böll\n".encode("cp1252"), 3, 52),
        (b"\xef\xbb\xbf" + HR + b"1,\xff,b\n", 2, 30),
        (HR + b"1001,a,b\r\n1002,c,d\r\n1003,e,\xe2\x82", 4, 52),
    ],
)
def test_a_wrong_encoding_is_named_by_line_and_byte(data: bytes, line: int, byte: int) -> None:
    error = refusal("hr_csv", data)
    assert (error.code, error.line) == ("wrong_encoding", line)
    assert f"byte {byte}," in str(error)
    assert data[byte] > 127
    assert "cp1252" in str(error)


def test_an_encoding_that_python_knows_and_we_do_not_is_refused() -> None:
    assert refusal_of_encoding("unicode_escape").code == "unknown_encoding"
    assert refusal_of_encoding("zlib").code == "unknown_encoding"


def refusal_of_encoding(name: str) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        admit(BytesIO(HR + ROW), REGISTRY["hr_csv"], {"encoding": name}, lambda _: None)
    return refused.value


def test_nul_is_refused_by_line() -> None:
    error = refusal("hr_csv", HR + ROW + b"1002,A\0B,C\n")
    assert (error.code, error.line) == ("nul", 3)


def test_utf_16_without_a_mark_is_told_apart() -> None:
    assert "UTF-16" in str(refusal("hr_csv", (HR + ROW).decode().encode("utf-16-le")))


@pytest.mark.parametrize("key", TABLES)
def test_a_line_of_a_megabyte_is_refused_by_its_number(key: str) -> None:
    error = refusal(key, b"account,empNo,name\na,1,b\na,2," + b"x" * 2**20 + b"\n")
    assert (error.code, error.line) == ("line_too_long", 3)


def test_a_quote_that_is_never_closed_is_refused_by_the_line_it_opens_in() -> None:
    swallowed = b"1002,X,Y\n" * (LINE_LIMIT // 9)
    error = refusal("hr_csv", HR + ROW + b'1001,"Tamesha,Cornish\n' + swallowed)
    assert (error.code, error.line) == ("row_too_long", 3)
    short = refusal("hr_csv", HR + ROW + b'1001,"Tamesha,Cornish\n1002,X,Y\n')
    assert (short.code, short.line) == ("broken_csv", 3)


def test_text_behind_a_closing_quote_is_refused() -> None:
    error = refusal("hr_csv", HR + b'1001,"Ta"mesha,Cornish\n')
    assert (error.code, error.line) == ("broken_csv", 2)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b'{"UserDetailList": []}', "JSON"),
        (b"[1]", "JSON"),
        (b"<html>", "HTML"),
        (b"dn: uid=x\ncn: y\n", "LDIF"),
    ],
)
@pytest.mark.parametrize("key", TABLES)
def test_another_format_given_as_csv_is_named(key: str, data: bytes, named: str) -> None:
    error = refusal(key, data)
    assert error.code == "not_csv"
    assert named in str(error)


@pytest.mark.parametrize("key", JSONS)
@pytest.mark.parametrize("data", [HR + ROW, b"[]", b'"text"', b"dn: uid=x\n"])
def test_what_is_no_object_is_refused_as_json(key: str, data: bytes) -> None:
    assert refusal(key, data).code == "not_json_object"


def test_truncated_json_is_told_by_line_and_byte(data: Callable[[str], bytes]) -> None:
    whole = data("authorization-details.json")
    lines = whole.split(b"\n")
    for last in (3, 20, 60, len(lines) - 3):
        cut = b"\n".join(lines[:last]).rstrip()
        error = refusal("aws_authorization", cut)
        assert (error.code, error.line) == ("truncated", cut.count(b"\n") + 1)
        assert f"byte {len(cut)}" in str(error)


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_json_cut_anywhere_is_refused(cut: int, data: Callable[[str], bytes]) -> None:
    assert refusal("aws_authorization", data("authorization-details.json")[: -cut * 31]).code == "truncated"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"UserDetailList": [], "UserDetailList": []}', "duplicate_key"),
        ('{"UserDetailList": [{"Arn": "a", "Arn": "b"}]}', "duplicate_key"),
        ('[{"UserDetailList": []}] {"UserDetailList": []}', "extra_data"),
        ('{"UserDetailList": [NaN]}', "not_json"),
        ('{"UserDetailList": [,]}', "not_json"),
        ('{"UserDetailList": [' + "9" * 5000 + "]}", "not_json"),
        ('{"UserDetailList": [' + "[" * 100_000, "too_deep"),
        ('{"UserDetailList": ["\\u0000"]}', "nul"),
        ('{"UserDetailList": ["\\ud800"]}', "nul"),
        ('{"Contents": []}', "wrong_json"),
    ],
)
def test_json_that_is_read_differently_by_everybody_is_refused(text: str, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read("aws_authorization", text.encode())
    assert refused.value.code == code


def test_a_file_over_the_limit_is_refused_while_it_is_read() -> None:
    class Endless(BytesIO):
        sent = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.sent += 1
            return HR if self.sent == 1 else ROW * 3000

    endless = Endless()
    with pytest.raises(Unreadable) as refused:
        admit(endless, REGISTRY["hr_csv"], {}, lambda _: None, limit=10**6)
    assert refused.value.code == "too_large"
    assert endless.sent < 30


def test_json_over_its_own_limit_is_refused(monkeypatch: Any) -> None:
    monkeypatch.setattr("accounts.connectors.aws.authorization.LIMIT", 100)
    assert refusal("aws_authorization", b'{"UserDetailList": [' + b" " * 100 + b"]}").code == "too_large"


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"number": "Badge"}, "mapped_column_missing"),
        ({"badge": "empNo"}, "unknown_field"),
        ({"email": "password"}, "mapped_secret"),
        ({"dates": "ymd"}, "unknown_option"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(mapping: dict[str, str], code: str) -> None:
    data = b"empNo,firstName,lastName,password\n1,a,b,hunter2\n"
    with pytest.raises(Unreadable) as refused:
        REGISTRY["hr_csv"].read(BytesIO(data), mapping)
    assert refused.value.code == code
