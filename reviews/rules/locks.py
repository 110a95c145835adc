"""Rules are asked one evaluation at a time; while it writes, nobody accepts a finding."""

from django.db import connection

# Advisory, so that they end with the transaction and hold no row.
_SPACE, _ASKING, _WRITING = 7_462_101, 1, 2


def asking() -> None:
    """Until the end of the transaction no other evaluation asks; a second one waits and finds the same."""
    _take("pg_advisory_xact_lock", _ASKING)


def writing() -> None:
    """Until the end of the transaction this evaluation alone writes findings."""
    _take("pg_advisory_xact_lock", _WRITING)


def beside_others() -> None:
    """For people's acts: until the end of the transaction no evaluation writes, other people do."""
    _take("pg_advisory_xact_lock_shared", _WRITING)


def _take(how: str, key: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {how}(%s, %s)", [_SPACE, key])
