"""First and unchanged import of an inventory, beside the bare limit of writing the same rows.

    python -m benchmarks.import_inventory [--size 1000000] [--rounds 5] [--json]

`--size` counts accounts; each holds three of 2,000 rights. Ours is everything from the file on disk to the
record: received without secrets, read, compared, shown, applied, with cards and the event's digest. The limit
is COPY of ready-made rows of the same four tables (accounts, rights, grants, cards) into bare tables,
and INSERT … SELECT from there into tables with the same columns and indexes, in one transaction; it checks,
compares and keeps nothing else.
"""

import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks import ground, measure

SIZE = 100_000
NAME = "import_inventory"


def main(argv: Sequence[str] | None = None) -> int:
    """Assert, measure and report; 1 where a goal is missed."""
    told = measure.arguments(__doc__ or NAME, size=SIZE, argv=argv)
    with ground.stand() as home, tempfile.TemporaryDirectory(dir=home) as name:
        importing = import_module("benchmarks.importing")  # models can be imported from here on
        importing.assert_correct(Path(name))
        result = importing.measured(told.size, told.rounds, Path(name))
    return measure.report(result, as_json=told.json)


if __name__ == "__main__":
    sys.exit(main())
