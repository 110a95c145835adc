"""Rows that wait between the preview and the end of a reading: trusted only whole, dropped when it ends.

UNLOGGED tables are emptied by PostgreSQL after a crash, and an empty reading would say that everything is
gone. So their counts are kept with the preview, and where one differs the file is read again.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from accounts.models import ImportRun
from accounts.reconciliation.reading import SCHEMA, Reading
from accounts.reconciliation.staging import KINDS

State = ImportRun.State
OPEN = (State.RECEIVED, State.PREVIEWING, State.PREVIEWED, State.APPLYING)
# After that the file is read again if it is still wanted; names should not lie about.
KEPT_FOR = timedelta(days=7)
COUNT = "SELECT count(*) FROM raw_@kind@"
_NAMES = [staged.kind for staged in KINDS.values()]
_TABLE = re.compile(rf"(?:{'|'.join(_NAMES)})_([0-9a-f]{{32}})")


def counted(reading: Reading) -> dict[str, int]:
    """How many rows of each kind wait."""
    return {kind: reading.one(COUNT.replace("@kind@", kind))[0] for kind in _NAMES}


def is_whole(reading: Reading) -> bool:
    """Whether all that the preview saw is still there."""
    kept = reading.run.preview.get("waiting")
    if not kept:
        return False
    for kind in _NAMES:
        if reading.one("SELECT to_regclass(%(table)s)", table=reading.table(kind))[0] is None:
            return False
    return bool(counted(reading) == kept["rows"])


def drop(key: UUID) -> None:
    """Nothing of a reading waits any longer."""
    _drop(key.hex)


def sweep(at: datetime) -> int:
    """Drop what readings left that ended, were previewed long ago, or never were; returns of how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s)", [SCHEMA])
        left = {found[1] for (name,) in cursor.fetchall() if (found := _TABLE.fullmatch(name))}
    return sum(_swept(digits, at) for digits in sorted(left))


def _swept(digits: str, at: datetime) -> bool:
    with transaction.atomic():
        runs = ImportRun.objects.filter(pk=UUID(digits))
        # Whoever is at work with them holds the row.
        run = runs.select_for_update(skip_locked=True).first()
        if run is None and runs.exists():
            return False
        if run is not None and run.state in OPEN and run.state_at > at - KEPT_FOR:
            return False
        _drop(digits)
    return True


def _drop(digits: str) -> None:
    tables: Iterable[str] = (f"{SCHEMA}.{kind}_{digits}" for kind in _NAMES)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(tables)}")
