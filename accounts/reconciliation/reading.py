"""One reading on its way into the record: what its statements are told, and what it had to leave out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.connectors.records import Header, Rejected
from accounts.models import ImportRun

LISTED = 1000  # rejected rows that are kept with line and reason; all are counted
SCHEMA = "staging"
# Statements say raw_grant; each reading has tables of its own, which outlive the transaction.
_RAW = re.compile(r"\braw_(person|entitlement|inclusion|account|grant|credential)\b")
# Sets are joined as sets. The statistics of tables that this very reading fills are unknown or old, and a
# nested loop chosen for a few rows would run for hours over millions. Words to be searched are put into their
# index in few large portions.
BULK = """SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true),
  set_config('work_mem', '64MB', true), set_config('gin_pending_list_limit', '64MB', true)"""
ORDINARY = """SELECT set_config('enable_nestloop', 'on', true), set_config('jit', 'on', true)"""
CLEAR = """DROP TABLE IF EXISTS staging_person, staging_identity, staging_entitlement, staging_account,
staging_bond, staging_inclusion, staging_right, staging_grant, staging_credential, staging_claim,
staging_candidate, staging_machine, staging_link, gone_engagement, gone_account, gone_inclusion, gone_grant,
gone_credential, changed_row"""


class Reading:
    """The run, the header of its file, and the connection that holds its temporary tables."""

    def __init__(self, run: ImportRun, header: Header) -> None:
        self.run, self.header = run, header
        self.rejected = 0
        self.read_rejected = 0  # of these, by the file alone; the others by what is known
        self.counts_differ: tuple[int, int] | None = None  # rows of the file, and what the source counted
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
        is_whole = self.header.is_full and self.counts_differ is None and not self.rejected
        return is_whole and kind in self.header.covers

    def reject(self, rejected: Rejected) -> None:
        """Count a row that could not be used, and keep the first of them to be shown."""
        self.rejected += 1
        if len(self.rejects) < LISTED:
            self.rejects.append(rejected)

    def clear(self) -> None:
        """Drop what an earlier reading of the same transaction left; ON COMMIT DROP does it otherwise."""
        self.execute(CLEAR)

    def execute(self, statement: str, **more: Any) -> int:
        """Run one statement; returns how many rows it touched."""
        self._cursor.execute(self.named(statement), self.told | more)
        return max(int(self._cursor.rowcount), 0)

    def rows(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        """All rows of a short answer."""
        self._cursor.execute(self.named(statement), self.told | more)
        return list(self._cursor.fetchall())

    def one(self, statement: str, **more: Any) -> tuple[Any, ...]:
        """The only row of an answer."""
        return self.rows(statement, **more)[0]

    def lines(self, statement: str) -> Iterator[bytes]:
        """Rows of a long answer of one text column, each with its line end, as they come; nothing is held."""
        with self._cursor.copy(f"COPY ({statement}) TO STDOUT", self.told) as answer:
            for line in answer:
                yield bytes(line)

    def fill(self, statement: str, text: str) -> None:
        """Send rows, written as COPY reads them, into a table."""
        with self._cursor.copy(self.named(statement)) as copy:
            copy.write(text)

    def named(self, statement: str) -> str:
        """The statement with the tables of this reading."""
        return _RAW.sub(lambda found: self.table(found[1]), statement)

    def table(self, kind: str) -> str:
        """Where its rows of one kind wait between the preview and the end."""
        return f"{SCHEMA}.{kind}_{self.run.pk.hex}"

    @contextmanager
    def in_bulk(self) -> Iterator[None]:
        """Inside, statements are planned for many rows."""
        self.execute(BULK)
        yield
        self.execute(ORDINARY)

    def _usual_start(self, kind: str) -> datetime | None:
        """Since when a row of `kind` that is new here is held, where the file does not say.

        Known only if an earlier reading listed everything and did not show it; else it is unknown. One of
        another format did not show it because it was never to know of it.
        """
        before = ImportRun.objects.applied().filter(
            source__system=self.run.source.system_id,
            connector=self.run.connector,
            is_complete=True,
            rejected=0,
            covers__contains=[kind],
        )
        has_before = self.run.source.system_id is not None and before.exclude(pk=self.run.pk).exists()
        return self.run.taken_at if has_before else None
