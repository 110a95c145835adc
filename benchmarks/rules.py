"""All rules over an inventory, beside a bare scan of the tables they read.

The limit reads every table that the rules name once (`SELECT count(*)`, no index, one process). An evaluation
that finds the same again, which is what a night is, is held against it; and beside it against a scan of each
rule's tables for each rule, the least that asking the rules one by one could take. The first evaluation also
writes every finding; its limit is that second scan and the same rows written into a bare copy of the table
with its indexes. Before anything is timed, counts of some rules are compared with other statements.
"""

import sys
import time
from collections.abc import Sequence

from django.db import connection, transaction

from benchmarks import ground, measure
from benchmarks.inventory_rows import fill

SIZE = 100_000
GOAL = 10
NAME = "rules"

# What the rules must find in what `inventory_rows` writes, said in another way than the rules say it.
EXPECTED = {
    "N1.2": """
      SELECT count(*) FROM accounts_identity WHERE kind <> 'human' AND status = 'active'
        AND owner_id IS NULL AND application_id IS NULL""",
    "H1": """
      SELECT count(*) FROM accounts_account WHERE is_enabled AND gone_run_id IS NULL AND identity_id IN (
        SELECT id FROM accounts_identity WHERE kind = 'human' AND status = 'left')""",
    "N5.2": """
      SELECT count(*) FROM accounts_grant WHERE ends_at IS NULL AND upper_inf(held) AND NOT is_eligible
        AND entitlement_id IN (SELECT id FROM accounts_entitlement WHERE carries_privilege)
        AND account_id IN (SELECT id FROM accounts_account WHERE is_enabled)""",
    "N7.2": """
      SELECT count(*) FROM accounts_credential c
      JOIN accounts_account a ON a.id = c.account_id AND a.is_enabled
      LEFT JOIN accounts_identity i ON i.id = a.identity_id
      WHERE c.kind IN ('access_key', 'token') AND i.kind IS DISTINCT FROM 'human'
        AND (c.expires_at IS NULL OR c.expires_at > c.created_at + interval '365 days')""",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Fill, ask once, compare, and measure in turns."""
    told = measure.arguments(__doc__ or NAME, size=SIZE, rounds=3, argv=argv)
    with ground.stand(), ground.fresh_database():
        fill(told.size)
        first = _first()
        _assert_right()
        written = _written()
        _settle()
        taken = measure.interleaved(told.rounds, {"again": _again, "bare": _bare, "once": _once})
    scans, once = taken["bare"], taken["once"]
    ratios = {
        "the same again / bare scan of each table once": measure.by_round(taken["again"], once),
        "the same again / bare scan for each rule": measure.by_round(taken["again"], scans),
        "first evaluation / scan for each rule and bare writing": tuple(
            first / (scan + written) for scan in scans
        ),
    }
    seconds = {
        "first evaluation": [first],
        "the same again": taken["again"],
        "bare scan for each rule": scans,
        "bare writing of the findings": [written],
        "bare scan of each table once": once,
    }
    found = [measure.Ratio(label, values, GOAL) for label, values in ratios.items()]
    result = measure.Result(NAME, told.rounds, found, seconds)
    return measure.report(result, as_json=told.json)


def _first() -> float:
    from reviews.models import Evaluation  # noqa: PLC0415 - models exist once the settings are read
    from reviews.rules import engine  # noqa: PLC0415 - models exist once the settings are read

    began = time.perf_counter()
    engine.evaluate(trigger=Evaluation.Trigger.NIGHT)
    return time.perf_counter() - began


def _again() -> None:
    from reviews.models import Evaluation  # noqa: PLC0415 - models exist once the settings are read
    from reviews.rules import engine  # noqa: PLC0415 - the same

    done = engine.evaluate(trigger=Evaluation.Trigger.NIGHT)
    if done.counts:
        raise AssertionError(f"nothing was changed, and yet {done.counts}")


def _bare() -> None:
    """Each rule's tables, once for each rule."""
    from reviews.rules import RULES  # noqa: PLC0415 - the same

    _scan([table for rule in RULES.values() for table in rule.reads])


def _once() -> None:
    """Each table once, however many rules read it."""
    from reviews.rules import RULES  # noqa: PLC0415 - the same

    _scan(sorted({table for rule in RULES.values() for table in rule.reads}))


def _written() -> float:
    """The same findings into a copy of their table, keys and indexes included, and nothing else."""
    with ground.owner_connection() as owner:
        owner.execute("CREATE TABLE bench_finding (LIKE reviews_finding INCLUDING ALL)")
        began = time.perf_counter()
        owner.execute("INSERT INTO bench_finding SELECT * FROM reviews_finding")
        taken = time.perf_counter() - began
        owner.execute("DROP TABLE bench_finding")
    return taken


def _scan(tables: list[str]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        for way in ("indexonlyscan", "indexscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - names from the rules


def _assert_right() -> None:
    from reviews.models import Finding  # noqa: PLC0415 - the same

    with connection.cursor() as cursor:
        for code, statement in EXPECTED.items():
            cursor.execute(statement)
            expected, found = cursor.fetchone()[0], Finding.objects.open().filter(rule=code).count()
            if expected != found:
                raise AssertionError(f"{code}: {found} findings, expected {expected}")
        cursor.execute("SELECT sum(open_findings) FROM accounts_identity")
        counted, linked = cursor.fetchone()[0], Finding.objects.open().filter(identity__isnull=False).count()
    if counted != linked:
        raise AssertionError(f"identities count {counted} findings, there are {linked}")


def _settle() -> None:
    with ground.owner_connection() as owner:
        owner.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    sys.exit(main())
