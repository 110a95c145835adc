"""One reading on its way into the record: what its statements are told, and what it had to leave out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.connectors.records import Header, Rejected
from accounts.models import ImportRun

LISTED = 1000  # rejected rows that are kept with line and reason; all are counted


class Reading:
    """The run, the header of its file, and the connection that holds its temporary tables."""

    def __init__(self, run: ImportRun, header: Header) -> None:
        self.run, self.header = run, header
        self.rejected = 0
        self.rejects: list[Rejected] = []
        self._cursor = connection.cursor()
        system = run.source.system
        self.told: dict[str, Any] = {
            "run": run.pk,
            "source": run.source_id,
            "connector": run.connector,
            "employer": run.source.employer,
            "system": system.pk if system else None,
            "code": system.code if system else "",
            "source_name": run.source.name[:100],
            "at": self.at,
            "today": self.at.date(),
            "started": self._usual_start("grant"),
            "bonds_started": self._usual_start("inclusion"),
        }

    @property
    def at(self) -> datetime:
        """The moment the reading speaks of: at the source if known, else when it came here."""
        return self.run.taken_at or self.run.received_at

    @property
    def is_of_people(self) -> bool:
        """From HR: its rows are engagements, not accounts."""
        return self.run.source.system_id is None

    def vanishes(self, kind: str) -> bool:
        """Whether what it does not show of `kind` is gone: it lists all of them, and every row was read."""
        return self.header.is_full and kind in self.header.covers and not self.rejected

    def reject(self, rejected: Rejected) -> None:
        """Count a row that could not be used, and keep the first of them to be shown."""
        self.rejected += 1
        if len(self.rejects) < LISTED:
            self.rejects.append(rejected)

    def execute(self, statement: str, **more: Any) -> int:
        """Run one statement; returns how many rows it touched."""
        self._cursor.execute(statement, self.told | more)
        return max(int(self._cursor.rowcount), 0)

    def rows(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        """All rows of a short answer."""
        self._cursor.execute(statement, self.told | more)
        return list(self._cursor.fetchall())

    def one(self, statement: str, **more: Any) -> tuple[Any, ...]:
        """The only row of an answer."""
        return self.rows(statement, **more)[0]

    def stream(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a long answer, a few thousand in memory at a time."""
        with connection.chunked_cursor() as cursor:
            cursor.execute(statement, self.told)
            while batch := cursor.fetchmany(5000):
                yield from batch

    def copy(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Send rows into a temporary table."""
        with self._cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def _usual_start(self, kind: str) -> datetime | None:
        """Since when a row of `kind` that is new here is held, where the file does not say.

        Known only if an earlier reading listed everything and did not show it; else it is unknown.
        """
        before = ImportRun.objects.applied().filter(
            source__system=self.run.source.system_id, is_complete=True, rejected=0, covers__contains=[kind]
        )
        has_before = self.run.source.system_id is not None and before.exclude(pk=self.run.pk).exists()
        return self.run.taken_at if has_before else None
