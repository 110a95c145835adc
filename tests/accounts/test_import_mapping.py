"""A table with any column names, CSV or workbook, comes in by the browser: its columns get a meaning."""

import re
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Grant, Identity, ImportRun, Source
from portal.tasks.testing import drain
from portal.vault.services import open_verified
from tests.conftest import As
from tests.connectors import workbooks
from tests.factories import readings
from tests.factories.people import People

pytestmark = pytest.mark.django_db

NEW = reverse("import_new")
SYSTEM = {"tells_of": "new", "code": "CORE", "system_name": "Core ledger", "environment": "production"}
UNKNOWN = (
    b"Badge,Who,PIN,note\n7,Tomas Brandt,4711,ghp_0123456789abcdefghijABCDEFGHIJ012345\n9,Dana Kovac,4712,x\n"
)
FORTY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def send(client: Client, data: bytes, name: str = "extract.csv", /, **fields: str) -> HttpResponse:
    form = {"name": "First", "tells_of": "people", "file": SimpleUploadedFile(name, data)} | fields
    return client.post(NEW, form)  # type: ignore[return-value]  # the client's response is one


def choice_of(page: str, column: str) -> str:
    """The name of the field that says what this column is."""
    found = re.search(rf'<select name="(column_[0-9a-f]+)" aria-label="[^"]*“{column}”', page)
    assert found, f"no choice for {column}"
    return found[1]


def kept(run: ImportRun) -> str:
    with open_verified(run.blob) as file:
        return file.read().decode()


def applied(client: Client) -> ImportRun:
    drain()
    run = readings.fresh(ImportRun.objects.get())
    assert run.state == ImportRun.State.PREVIEWED, run.error
    client.post(reverse("import_apply", args=[run.pk]), {"version": run.version, "release": "on"})
    drain()
    return readings.fresh(run)


def test_unknown_columns_are_shown_with_their_first_values_and_mapped(people: People, as_: As) -> None:
    client = as_(people.mikael)
    first = send(client, UNKNOWN)
    assert first.status_code == 422
    page = first.content.decode()
    assert "Say below what they are" in page
    assert "Needed: number; name or family name." in page
    for value in ("Badge", "Who", "Tomas Brandt", "Dana Kovac"):
        assert value in page
    for secret in ("4711", "4712", "ghp_0123"):
        assert secret not in page
    assert "cut out: named like a secret" in page
    assert not Source.objects.exists()

    said = {choice_of(page, "Badge"): "number", choice_of(page, "Who"): "name"}
    assert send(client, UNKNOWN, **said).status_code == 302
    run = applied(client)
    assert run.source.connector == "hr_csv"
    assert run.source.mapping == {"number": "Badge", "name": "Who"}
    assert set(Identity.objects.filter(engagements__source=run.source).values_list("name", flat=True)) == {
        "Tomas Brandt",
        "Dana Kovac",
    }
    assert kept(run) == "Badge,Who\n7,Tomas Brandt\n9,Dana Kovac\n"


def test_accounts_with_unknown_columns(people: People, as_: As) -> None:
    client, data = as_(people.mikael), b"Kuerzel;Darf\nann;READ\nann;POST\n"
    page = send(client, data, **SYSTEM).content.decode()
    said = {choice_of(page, "Kuerzel"): "account", choice_of(page, "Darf"): "entitlement"}
    assert send(client, data, **SYSTEM, **said).status_code == 302
    run = applied(client)
    assert run.source.connector == "csv_accounts"
    assert Account.objects.get(system__code="CORE").name == "ann"
    assert Grant.objects.count() == 2


def test_what_was_recognised_can_be_corrected(people: People, as_: As) -> None:
    client, data = as_(people.mikael), b"id,name,real number\nx1,Ann,7\n"
    page = send(client, data, name="").content.decode()  # something else is missing, so it is shown
    assert "as recognised: number" in page
    assert send(client, data, **{choice_of(page, "real number"): "number"}).status_code == 302
    run = ImportRun.objects.get()
    assert run.source.mapping == {"number": "real number"}
    assert kept(run) == "name,real number\nAnn,7\n"


def test_two_columns_can_t_be_one_field(people: People, as_: As) -> None:
    client = as_(people.mikael)
    page = send(client, UNKNOWN).content.decode()
    said = {choice_of(page, "Badge"): "number", choice_of(page, "Who"): "number"}
    response = send(client, UNKNOWN, **said)
    assert response.status_code == 422
    assert "Two columns can’t both be “number”" in response.content.decode()
    assert not Source.objects.exists()


def test_a_field_that_is_still_missing_is_named(people: People, as_: As) -> None:
    client = as_(people.mikael)
    page = send(client, UNKNOWN).content.decode()
    response = send(client, UNKNOWN, **{choice_of(page, "Badge"): "number"})
    assert response.status_code == 422
    assert "no column for: name or family_name" in response.content.decode()


def test_names_of_columns_are_shown_as_text(people: People, as_: As) -> None:
    page = send(as_(people.mikael), b'"<script>alert(1)</script>",b\n<b>x</b>,2\n').content.decode()
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_file_without_header_shows_no_secret(people: People, as_: As) -> None:
    page = send(as_(people.mikael), f"jdoe,{FORTY}\nann,2\n".encode()).content.decode()
    assert "jdoe" in page
    assert FORTY not in page


# --- workbooks --------------------------------------------------------------------------------------


def people_book() -> bytes:
    return workbooks.of_rows(
        ["Employee No", "Name", "Hire date", "Password", "Phone"],
        [7, "Tomas Brandt", date(2019, 4, 1), "hunter2", "0170"],
        [9, "Dana Kovac", date(2020, 2, 29), "hunter3", None],
    )


def test_a_workbook_is_recognised_kept_as_csv_and_applied(people: People, as_: As) -> None:
    client = as_(people.mikael)
    assert "Excel workbook (.xlsx)" in client.get(NEW).text
    assert send(client, people_book(), "hr.xlsx", complete="on").status_code == 302
    run = applied(client)
    assert (run.source.connector, run.file_name, run.counts["person"]["new"]) == ("hr_csv", "hr.xlsx", 2)
    assert kept(run) == "Employee No,Name,Hire date\n7,Tomas Brandt,2019-04-01\n9,Dana Kovac,2020-02-29\n"
    dana = Identity.objects.get(name="Dana Kovac", engagements__source=run.source)
    assert dana.engagements.get().starts_on == date(2020, 2, 29)
    shown = client.get(reverse("import_run", args=[run.pk])).text
    assert "named like a secret" in shown
    assert "hunter" not in shown


def test_columns_of_a_workbook_are_mapped(people: People, as_: As) -> None:
    data = workbooks.of_rows(["Badge", "Who", "PIN"], [7, "Tomas Brandt", 4711], title="Staff")
    client = as_(people.mikael)
    page = send(client, data, "x.xlsx", sheet="Staff").content.decode()
    assert "Tomas Brandt" in page
    assert "4711" not in page
    said = {choice_of(page, "Badge"): "number", choice_of(page, "Who"): "name"}
    assert send(client, data, "x.xlsx", sheet="Staff", **said).status_code == 302
    run = applied(client)
    assert run.source.mapping == {"number": "Badge", "name": "Who", "sheet": "Staff"}
    assert run.counts["person"]["new"] == 1


def test_another_reading_offers_tables_and_takes_a_sheet(people: People, as_: As) -> None:
    client, source = as_(people.mikael), readings.source()
    url = f"{NEW}?source={source.pk}"
    page = client.get(url).text
    assert 'accept=".csv,.tsv,.txt,.xlsx"' in page
    assert reverse("source_edit", args=[source.pk]) in page
    book = SimpleUploadedFile("hr.xlsx", people_book())
    wrong = client.post(url, {"file": book, "sheet": "Nowhere"})
    assert "The workbook has no sheet “Nowhere”" in wrong.context["form"].errors["file"][0]
    book.seek(0)
    assert client.post(url, {"file": book, "sheet": "Export"}).status_code == 302
    drain()
    assert readings.fresh(ImportRun.objects.get()).counts["person"]["read"] == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "encrypted with a password",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "(.xls)"),
        (workbooks.raw(workbooks.HEADER, more={"xl/vbaProject.bin": b"x"}), "holds macros"),
    ],
)
def test_what_is_no_plain_workbook_is_refused_with_what_to_do(
    people: People, as_: As, data: bytes, words: str
) -> None:
    source = readings.source()
    response = as_(people.mikael).post(f"{NEW}?source={source.pk}", {"file": SimpleUploadedFile("x", data)})
    assert response.status_code == 422
    assert words in response.context["form"].errors["file"][0]
    assert not ImportRun.objects.exists()


# --- at the source ----------------------------------------------------------------------------------


def test_the_source_s_form_says_what_a_column_may_be_and_keeps_the_sheet(people: People, as_: As) -> None:
    source, client = readings.source(mapping={}), as_(people.mikael)
    url = reverse("source_edit", args=[source.pk])
    page = client.get(url).text
    assert "<code>manager_number</code>" in page
    assert "<code>number</code> <b>needed</b>" in page
    form = {
        "version": source.version, "name": "HR", "fresh_days": 2, "sheet": "Staff",
        "columns": "number = Badge\nname = Who",
    }  # fmt: skip
    assert client.post(url, form).status_code == 302
    source.refresh_from_db()
    assert source.mapping == {"number": "Badge", "name": "Who", "sheet": "Staff"}
    assert 'value="Staff"' in client.get(url).text
    book = workbooks.of_rows(["Badge", "Who"], [7, "Ann"], title="Staff")
    run = readings.applied(source, book, readings.day(1))
    assert run.counts["person"]["new"] == 1
