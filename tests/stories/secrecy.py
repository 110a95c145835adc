"""A secret that stood in a file is nowhere afterwards: not in a file of the portal's, not in its database."""

from collections.abc import Collection, Iterator
from pathlib import Path

from django.db import connections

from tests.stories.theatre import Theatre, apart


def leaves_no_secret(theatre: Theatre) -> None:
    """Neither does any password of CORE's file; that the search finds what is there is tried with a login."""
    secrets = theatre.core.secrets
    assert secrets
    assert list(_files_with(theatre, secrets)) == []
    assert apart(lambda: list(_tables_with(secrets))) == []
    assert list(_files_with(theatre, {"dkovac"})) != []
    assert "accounts_account" in apart(lambda: list(_tables_with({"dkovac"})))


def _files_with(theatre: Theatre, words: Collection[str]) -> Iterator[Path]:
    """Files of the portal, what its processes said, their temporary files, and the unpacked packs."""
    wanted = [word.encode() for word in words]
    for path in theatre.stage.files():
        data = path.read_bytes()
        if any(word in data for word in wanted):
            yield path


def _tables_with(words: Collection[str]) -> Iterator[str]:
    """Tables of which a row says one of the words, as text or as bytes."""
    patterns = [f"%{form}%" for word in words for form in (word, word.encode().hex())]
    connection = connections["owner"]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            rows = f"SELECT FROM {connection.ops.quote_name(table)} AS one WHERE one::text LIKE ANY (%s)"
            cursor.execute(f"SELECT EXISTS ({rows})", [patterns])
            if cursor.fetchone()[0]:
                yield table
