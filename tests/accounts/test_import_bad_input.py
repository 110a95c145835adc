"""Files that are not what they should be: a clear message with its line, and nothing half imported."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Account, Identity, ImportRun, Source, System
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from portal.vault.models import Blob
from tests.accounts.conftest import TokenFor
from tests.conftest import As
from tests.factories import readings
from tests.factories.people import People

pytestmark = pytest.mark.django_db

NEW = reverse("import_new")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
AWS = b'{"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}'


@dataclass(frozen=True)
class Bad:
    connector: str
    data: bytes
    words: str  # part of what a person reads
    line: int


BAD = {
    "hr empty": Bad("hr_csv", b"", "The file is empty", 1),
    "hr header only": Bad("hr_csv", b"employee number,name\n", "a header and no rows", 1),
    "hr wrong columns": Bad(
        "hr_csv", b"shoe,size\nred,42\n", "no column for: number; name or family_name", 1
    ),
    "hr wrong encoding": Bad("hr_csv", b"number,name\n1,Ann\n2,J\xfcrgen\n", "is not UTF-8 text", 3),
    "hr binary": Bad("hr_csv", PNG, "a PNG picture, not a text file", 1),
    "hr long line": Bad("hr_csv", b"number,name\n1," + b"x" * 2**20 + b"\n", "longer than", 2),
    "hr open quote": Bad("hr_csv", b'number,name\n1,"Ann\n', "a quote is not closed", 2),
    "hr json": Bad("hr_csv", b'{"people": []}', "JSON, not like CSV", 1),
    "csv empty": Bad("csv_accounts", b"", "The file is empty", 1),
    "csv header only": Bad("csv_accounts", b"account,entitlement\n", "a header and no rows", 1),
    "csv wrong columns": Bad("csv_accounts", b"shoe,size\nred,42\n", "no column for: account", 1),
    "csv wrong encoding": Bad("csv_accounts", b"account\nann\nj\xfcrgen\n", "is not UTF-8 text", 3),
    "csv binary": Bad("csv_accounts", PNG, "a PNG picture", 1),
    "csv long line": Bad("csv_accounts", b"account\n" + b"x" * 2**20 + b"\n", "longer than", 2),
    "csv twice the same column": Bad("csv_accounts", b"account,Account\na,b\n", "have the same name", 1),
    "csv nul": Bad("csv_accounts", b"account\nann\nb\0b\n", "NUL character", 3),
    "aws empty": Bad("aws_authorization", b"", "The file is empty", 1),
    "aws truncated": Bad(
        "aws_authorization", b'{"UserDetailList": [\n{"Arn": "arn:aws:iam::1', "the file is cut off", 2
    ),
    "aws csv": Bad("aws_authorization", b"account\nann\n", "does not begin with", 1),
    "aws duplicate key": Bad("aws_authorization", b'{"Policies": [], "Policies": []}', "occurs twice", 1),
    "report empty": Bad("aws_credential_report", b"", "The file is empty", 1),
    "report header only": Bad(
        "aws_credential_report",
        b"user,arn,password_enabled,mfa_active,access_key_1_active\n",
        "a header and no rows",
        1,
    ),
    "report wrong columns": Bad("aws_credential_report", b"user,arn\na,b\n", "no column for", 1),
    "report wrapped in other json": Bad("aws_credential_report", b'{"Content": 7}', "no text under", 1),
}


def source_of(connector: str) -> Source:
    system = None if connector == "hr_csv" else readings.system()
    return readings.source(system, connector=connector, mapping={})


def nothing_came_of_it() -> bool:
    made = (ImportRun.objects.exists(), Account.objects.exists(), Blob.objects.exists())
    return not any(made) and not Event.objects.filter(verb=Verb.IMPORT_RECEIVED).exists()


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_at_the_form_with_line_and_words(people: People, as_: As, name: str) -> None:
    bad = BAD[name]
    source, people_before = source_of(bad.connector), Identity.objects.count()
    response = as_(people.mikael).post(
        f"{NEW}?source={source.pk}", {"file": SimpleUploadedFile("x.csv", bad.data)}
    )
    assert response.status_code == 422
    assert "Not saved yet" in response.text
    shown = response.context["form"].errors["file"][0]
    assert bad.words in shown
    drain()
    assert nothing_came_of_it()
    assert Identity.objects.count() == people_before


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_at_the_door_for_machines_with_its_line(import_token: TokenFor, name: str) -> None:
    bad = BAD[name]
    source = source_of(bad.connector)
    response = Client().post(
        reverse("import_api") + f"?source={source.pk}",
        bad.data,
        content_type="application/octet-stream",
        headers={"Authorization": f"Bearer {import_token(source)}"},
    )
    assert response.status_code == 422
    answer = response.json()
    assert bad.words in answer["message"]
    assert answer["error"]
    assert answer["line"] == bad.line
    assert nothing_came_of_it()


def test_nothing_of_a_new_source_stays_when_its_first_file_is_refused(people: People, as_: As) -> None:
    form = {
        "name": "CORE", "tells_of": "new", "code": "CORE", "system_name": "Core", "connector": "csv_accounts",
        "environment": "production", "file": SimpleUploadedFile("x.csv", b"account\nann\nj\xfc\n"),
    }  # fmt: skip
    response = as_(people.mikael).post(NEW, form)
    assert response.status_code == 422
    assert "Line 3, byte" in response.context["form"].errors["file"][0]
    assert not Source.objects.exists()
    assert not System.objects.exists()
    assert not Event.objects.filter(verb__in=[Verb.SOURCE_CREATED, Verb.SYSTEM_CREATED]).exists()


def test_what_is_only_found_while_reading_is_refused_then_and_kept_as_refused(
    people: People, as_: As
) -> None:
    run = readings.previewed(source_of("aws_authorization"), b'{"shoes": []}')
    assert run.state == ImportRun.State.FAILED
    assert "has none of the lists" in run.error
    assert run.error_line == 1
    shown = as_(people.mikael).get(reverse("import_run", args=[run.pk])).text
    assert "Refused; nothing of it was kept" in shown
    assert "has none of the lists" in shown


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (PNG, "neither a table nor JSON"),
        (b"shoe,size\nred,42\n", "No format has columns like these: shoe, size"),
        (AWS, "tells of accounts on a system, not of people"),
    ],
)
def test_what_nobody_recognises_is_said_at_the_format(
    people: People, as_: As, data: bytes, words: str
) -> None:
    form = {"name": "x", "tells_of": "people", "file": SimpleUploadedFile("x", data)}
    response = as_(people.mikael).post(NEW, form)
    assert response.status_code == 422
    assert words in response.context["form"].errors["connector"][0]


def test_another_format_than_the_source_s_is_named(people: People, as_: As) -> None:
    source = source_of("csv_accounts")
    report = (
        b"user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active\nx,y,z,true,true,true\n"
    )
    response = as_(people.mikael).post(f"{NEW}?source={source.pk}", {"file": SimpleUploadedFile("x", report)})
    assert "looks like “AWS credential report" in response.context["form"].errors["file"][0]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"tells_of": "known"}, "system", "Choose the system"),
        ({"tells_of": "new", "code": "X"}, "system_name", "needs this"),
        ({"tells_of": "new", "system_name": "X"}, "code", "needs this"),
        ({"tells_of": "new", "code": "core", "system_name": "X"}, "code", "is known already"),
        ({"name": "Taken"}, "name", "of this name already"),
        (
            {"tells_of": "new", "code": "X", "system_name": "X", "owner": "Nobody Here"},
            "owner",
            "Nobody here fits",
        ),
    ],
)
def test_what_the_form_lacks_is_said_at_its_field(
    people: People, as_: As, fields: dict[str, str], field: str, words: str
) -> None:
    readings.source(readings.system("CORE"), name="Taken")
    form = {"name": "x", "tells_of": "people", "file": SimpleUploadedFile("x", b"account\nann\n")} | fields
    response = as_(people.mikael).post(NEW, form)
    assert response.status_code == 422
    assert words in response.context["form"].errors[field][0]
    assert not ImportRun.objects.exists()


# --- what is fine, or fine in part ------------------------------------------------------------------


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"sep=;\n" + text.replace(",", ";").encode(),
    ],
    ids=["UTF-8 with a mark", "UTF-16 with a mark", "semicolons", "CRLF", "Excel"],
)
def test_a_mark_or_another_delimiter_is_no_mistake(encode: Callable[[str], bytes]) -> None:
    readings.applied(readings.source(), encode("number,name\n1,Jürgen Groß\n"))
    assert Identity.objects.get().name == "Jürgen Groß"


def test_an_encoding_that_is_named_is_read(people: People, as_: As) -> None:
    source = readings.source()
    form = {
        "file": SimpleUploadedFile("x.csv", "number,name\n1,Jürgen\n".encode("cp1252")),
        "encoding": "cp1252",
    }
    as_(people.mikael).post(f"{NEW}?source={source.pk}", form)
    drain()
    readings.apply(ImportRun.objects.get())
    assert Identity.objects.filter(name="Jürgen").exists()


def test_duplicate_keys_are_rejected_with_their_lines_and_the_rest_is_read(people: People, as_: As) -> None:
    run = readings.previewed(readings.source(), "number,name\n1,Ann\n2,Bo\n1,Cy\n")
    reject = run.rejects.get()
    assert (reject.line, reject.code) == (4, "duplicate_number")
    assert "already in line 2" in reject.reason
    assert run.counts["person"]["new"] == 2
    shown = as_(people.mikael).get(reverse("import_run", args=[run.pk])).text
    assert "already in line 2" in shown
    assert "nothing that is missing counts as gone" in shown


def test_only_so_many_rejected_rows_are_listed_and_all_are_counted(people: People, as_: As) -> None:
    rows = "".join(f"{number},\n" for number in range(1, 1203))
    run = readings.previewed(readings.source(), f"number,name\n{rows}")
    assert (run.rejected, run.rejects.count()) == (1202, 1000)
    text = as_(people.mikael).get(reverse("import_run", args=[run.pk])).text
    assert "1000 of 1,202" in text


# --- too large --------------------------------------------------------------------------------------


def test_more_than_the_limit_is_refused_by_its_length(people: People, as_: As, settings: Settings) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 1000
    source = readings.source()
    data = b"number,name\n" + b"1,Ann\n" * 300_000
    response = as_(people.mikael).post(
        f"{NEW}?source={source.pk}", {"file": SimpleUploadedFile("x.csv", data)}
    )
    assert response.status_code == 413
    assert "larger than" in response.text
    assert nothing_came_of_it()


def test_more_than_the_limit_is_refused_while_it_is_counted(
    people: People, as_: As, settings: Settings
) -> None:
    """A body within the overhead of a form says nothing by its length."""
    settings.PORTAL_UPLOAD_LIMIT = 1000
    source = readings.source()
    data = b"number,name\n" + b"1,Ann\n" * 300
    response = as_(people.mikael).post(
        f"{NEW}?source={source.pk}", {"file": SimpleUploadedFile("x.csv", data)}
    )
    assert response.status_code == 413
    assert nothing_came_of_it()


@pytest.mark.parametrize("size", [1_001, 3_000_000])
def test_a_machine_is_told_that_it_is_too_large(
    import_token: TokenFor, settings: Settings, size: int
) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 1000
    source = readings.source()
    response = Client().post(
        reverse("import_api") + f"?source={source.pk}",
        b"x" * size,
        content_type="text/csv",
        headers={"Authorization": f"Bearer {import_token(source)}"},
    )
    assert response.status_code == 413
    assert "larger than" in response.text
    assert nothing_came_of_it()
