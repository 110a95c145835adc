"""What `import_inventory` measures. Models are imported here, so a ground has to stand before."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from accounts.models import ImportRun
from accounts.services import imports, sources
from benchmarks import ground, measure
from benchmarks.measure import Ratio, Result, must
from portal.audit.services import PORTAL
from portal.tasks import inline
from portal.users import services as users
from portal.users.roles import Role

HELD, RIGHTS = 3, 2000
FEW = 10_000  # accounts of the small import that the time per row is compared with
BLOCK = 1 << 20  # bytes handed to the server at once
MEGABYTE = 1 << 20
TABLES = ("accounts_account", "accounts_entitlement", "accounts_grant", "audit_card")
TAKEN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def write_file(path: Path, accounts: int) -> None:
    """An export as systems write it: a row for each right that an account holds, all about it in each row."""
    with path.open("w", encoding="utf-8") as file:
        file.write("account,display name,email,enabled,created,entitlement,since\n")
        for number in range(accounts):
            about = (
                f"acct{number:07d},Person {number:07d},p{number:07d}@nordhaven.example,yes,"
                f"20{10 + number % 15}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
            )
            file.writelines(
                f"{about},RIGHT_{(number * 7 + held * 131) % RIGHTS:04d},2024-0{(number + held) % 9 + 1}-15\n"
                for held in range(HELD)
            )


class Imports:
    """One system and its source in the database of the moment, and files sent to it."""

    def __init__(self) -> None:
        self.administrator = users.create(
            email="iam@bench.example", name="Iam", roles=[Role.IAM], actor=PORTAL
        )
        system = sources.create_system(code="CORE", name="Core", actor=PORTAL)
        mapping = {"complete": "yes", "covers": "account, grant"}
        made = sources.create_source(
            name="Core", connector="csv_accounts", system=system, mapping=mapping, actor=PORTAL
        )
        self.source = sources.release(made, version=made.version, by=self.administrator)
        self.sent = 0

    def send(self, path: Path) -> float:
        """Receive, preview and apply a file; returns the seconds of all three."""
        self.sent += 1
        began = time.perf_counter()
        with path.open("rb") as file, inline.jobs():
            run = imports.receive(
                self.source,
                file,
                file_name=path.name,
                by=self.administrator,
                provenance=ImportRun.Provenance.UPLOADED,
                taken_at=TAKEN + timedelta(days=self.sent),
            )
        run.refresh_from_db()
        with inline.jobs():
            imports.apply(run, version=run.version, by=self.administrator)
        taken = time.perf_counter() - began
        run.refresh_from_db()
        must(
            run.state == ImportRun.State.APPLIED and not run.rejected,
            run.error or "the import is applied whole",
        )
        return taken


class Limit:
    """The rows that an import left, in files, and how fast PostgreSQL takes them."""

    def __init__(self, folder: Path) -> None:
        self._files = {table: folder / table for table in TABLES}
        self._columns: dict[str, str] = {}

    def keep(self) -> None:
        """Write down the rows of the database of the moment."""
        with ground.owner_connection() as server:
            for table, path in self._files.items():
                described = server.execute(f"SELECT * FROM {table} LIMIT 0").description or []  # noqa: S608
                self._columns[table] = ", ".join(f'"{column.name}"' for column in described)
                with server.cursor().copy(f"COPY {table} TO STDOUT") as rows, path.open("wb") as file:
                    for row in rows:
                        file.write(row)

    def write(self) -> float:
        """The same rows into the same tables without triggers and foreign keys; returns the seconds."""
        with ground.owner_connection() as server:
            for table in TABLES:
                server.execute(f"CREATE TABLE limit_{table} (LIKE {table} INCLUDING ALL)")
                server.execute(f"CREATE UNLOGGED TABLE raw_{table} (LIKE {table})")
            server.execute("CHECKPOINT")
            began = time.perf_counter()
            with server.transaction():
                for table, path in self._files.items():
                    with server.cursor().copy(f"COPY raw_{table} FROM STDIN") as rows:
                        for block in _blocks(path):
                            rows.write(block)
                    columns = self._columns[table]
                    server.execute(
                        f"INSERT INTO limit_{table} ({columns}) "  # noqa: S608
                        f"OVERRIDING SYSTEM VALUE SELECT {columns} FROM raw_{table}"
                    )
            return time.perf_counter() - began


def assert_correct(folder: Path) -> None:
    """A small import says what its file says, a second one writes nothing, the limit has the same rows."""
    path, limit = folder / "correct.csv", Limit(folder)
    write_file(path, 1000)
    with ground.fresh_database():
        ours = Imports()
        ours.send(path)
        with ground.owner_connection() as server:
            held = server.execute(
                """SELECT a.name, a.email, e.name, lower(g.held)::date::text FROM accounts_grant g
                JOIN accounts_account a ON a.id = g.account_id
                JOIN accounts_entitlement e ON e.id = g.entitlement_id ORDER BY g.id"""
            ).fetchall()
        said = [line.split(",") for line in path.read_text().splitlines()[1:]]
        must(
            _rows(*TABLES[:3]) == (1000, len({row[5] for row in said}), len(said)),
            "all of it is in the record",
        )
        must(
            sorted(held) == sorted((row[0], row[2], row[5], row[6]) for row in said),
            "rights are as the file says",
        )
        must(_written_by(lambda: ours.send(path)) == 0, "the same again writes nothing")
        limit.keep()
        limit.write()
        with ground.owner_connection() as server:
            for table in TABLES:
                differ = server.execute(
                    f"SELECT count(*) FROM (TABLE {table} EXCEPT ALL TABLE limit_{table}) rest"  # noqa: S608
                ).fetchone()
                must(differ == (0,), f"the limit writes the same rows of {table}")
    path.unlink()


def measured(size: int, rounds: int, folder: Path) -> Result:
    """All figures; the small import, the large one, the same again and the limit take turns."""
    large, small, limit = folder / "large.csv", folder / "small.csv", Limit(folder)
    write_file(large, size)
    write_file(small, min(size, FEW))
    again: list[float] = []
    memory: list[float] = []

    def first() -> float:
        with ground.fresh_database(), measure.peak_memory() as peak:
            ours = Imports()
            _settle()
            taken = ours.send(large)
            must(
                _rows("accounts_account", "accounts_grant") == (size, size * HELD),
                "every row is in the record",
            )
            if not again:
                limit.keep()
            _settle()
            second: list[float] = []
            written = _written_by(lambda: second.append(ours.send(large)))
            must(written == 0, "the same again writes nothing")
            again.extend(second)
            memory.append(peak() / MEGABYTE)
        return taken

    def few() -> float:
        with ground.fresh_database():
            ours = Imports()
            _settle()
            return ours.send(small)

    def bare() -> float:
        with ground.fresh_database():
            return limit.write()

    found: dict[str, list[float]] = {"first": [], "few": [], "limit": []}
    for _ in range(rounds):
        # The first import leaves the rows that the limit writes.
        for name, contestant in (("few", few), ("first", first), ("limit", bare)):
            found[name].append(contestant())
    return _result(size, rounds, found | {"again": again, "memory": memory})


def _result(size: int, rounds: int, found: Mapping[str, list[float]]) -> Result:
    few = min(size, FEW)
    per_row = measure.by_round(
        [taken / size for taken in found["first"]], [taken / few for taken in found["few"]]
    )
    of_limit = measure.by_round(found["first"], found["limit"])
    of_first = measure.by_round(found["again"], found["first"])
    return Result(
        "import_inventory",
        rounds,
        [
            Ratio("first import, as a multiple of the limit", of_limit, 3),
            Ratio("unchanged again, as a multiple of the first", of_first, 1),
            Ratio("memory of the process, MB", tuple(found["memory"]), 300),
            Ratio(f"time of a row, as a multiple of {few} accounts'", per_row, 1.25),
        ],
        {
            f"first import of {size} accounts": found["first"],
            "unchanged again": found["again"],
            "limit": found["limit"],
            f"first import of {few} accounts": found["few"],
        },
    )


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _rows(*tables: str) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        counts = []
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  # names of ours
            counts.append(cursor.fetchone()[0])
    return tuple(counts)


def _written_by(act: Callable[[], object]) -> int:
    """How many rows of the inventory this writes or marks."""
    with ground.owner_connection() as server:
        before = int(_one(server, "SELECT pg_current_xact_id()::text")) % (1 << 32)
        act()
        return sum(
            _one(server, f"SELECT count(*) FROM {table} WHERE age(xmin) < age('{before}'::xid)")  # noqa: S608
            for table in TABLES
        )


def _one(server: psycopg.Connection, statement: str) -> Any:
    found = server.execute(statement).fetchone()
    return found[0] if found else None


def _settle() -> None:
    """What was written so far goes to the disk now, not while something is timed."""
    with ground.owner_connection() as server:
        server.execute("CHECKPOINT")
