"""A secret in a file is nowhere afterwards: not on disk, not in the database, not in what was rejected."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from psycopg import sql

from accounts.models import Account, ImportRun
from portal.tasks.testing import drain
from tests.accounts.conftest import TokenFor
from tests.conftest import As
from tests.factories import readings
from tests.factories.people import People

pytestmark = pytest.mark.django_db

SECRET = "Xk9-very-hidden-Pq2"
ROWS = 60_000  # more than waits in memory while it is received
CSV = (
    "account,password,note,entitlement\n"
    f"ann,{SECRET},fine,LEDGER_READ\n"
    f"bo,{SECRET},fine,LEDGER_READ,one cell too many,{SECRET}\n"
    + "".join(f"acct{number},{SECRET},fine,LEDGER_READ\n" for number in range(ROWS))
)


def columns() -> list[tuple[str, str]]:
    """Every column of every table that could hold it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type IN
              ('text', 'character varying', 'character', 'bytea', 'json', 'jsonb', 'ARRAY')"""
        )
        return list(cursor.fetchall())


def places_with(word: str) -> list[str]:
    """Tables and files that hold the word."""
    found = []
    needle = word.encode().hex()
    with connection.cursor() as cursor:
        for table, column in columns():
            query = sql.SQL(
                "SELECT EXISTS (SELECT FROM {table} WHERE {column}::text LIKE %s OR {column}::text LIKE %s)"
            ).format(table=sql.Identifier(table), column=sql.Identifier(column))
            cursor.execute(query, [f"%{word}%", f"%{needle}%"])
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    files = [path for path in Path(settings.PORTAL_DATA).rglob("*") if path.is_file()]
    return found + [str(path) for path in files if word.encode() in path.read_bytes()]


def test_the_search_finds_what_is_kept(people: People) -> None:
    run = readings.applied(readings.source(readings.system()), "account,note\nFindMe-77,x\n")
    found = places_with("FindMe-77")
    assert "accounts_account.name" in found
    assert "audit_card.body" in found
    assert any(path.endswith(run.blob.hexdigest) for path in found)


@pytest.mark.parametrize("way", ["browser", "token"])
def test_a_password_column_leaves_no_password(
    people: People, as_: As, import_token: TokenFor, way: str
) -> None:
    source = readings.source(readings.system())
    if way == "browser":
        upload = SimpleUploadedFile("core.csv", CSV.encode())
        as_(people.mikael).post(f"{reverse('import_new')}?source={source.pk}", {"file": upload})
    else:
        Client().post(
            f"{reverse('import_api')}?source={source.pk}",
            CSV.encode(),
            content_type="text/csv",
            headers={"Authorization": f"Bearer {import_token(source)}"},
        )
    drain()
    run = ImportRun.objects.get()
    assert run.cut[0] == {"name": "password", "why": "secret_name", "count": ROWS + 1}
    assert run.rejected == 1
    readings.apply(run)
    assert Account.objects.count() == ROWS + 1
    assert places_with(SECRET) == []


def test_a_refused_file_leaves_nothing_either(people: People, as_: As) -> None:
    source = readings.source(readings.system())
    bad = SimpleUploadedFile("core.csv", CSV.encode() + b"j\xfcrgen\n")
    response = as_(people.mikael).post(f"{reverse('import_new')}?source={source.pk}", {"file": bad})
    assert response.status_code == 422
    assert SECRET not in response.text
    assert places_with(SECRET) == []
