"""Which rows a reading changed, as the lines (docs/evidence-format.md) that its event commits to."""

import hashlib
from collections.abc import Iterator

from accounts.reconciliation.reading import Reading

NOTED = "CREATE TEMP TABLE changed_row (kind text, change text, id text, card bytea) ON COMMIT DROP"
# What comes by the million is not noted: new rows name the run that showed them first.
WRITTEN = {
    ("account", "new"): "SELECT id::text, card FROM accounts_account WHERE first_run_id = %(run)s",
    ("grant", "new"): """SELECT id::text, NULL::bytea AS card FROM accounts_grant
      WHERE known_from_run_id = %(run)s""",
}
REST = "SELECT id, card FROM changed_row WHERE (kind, change) = ('@kind@', '@change@')"
LINES = """
SELECT '{"card":' || CASE WHEN card IS NULL THEN 'null' ELSE '"' || encode(card, 'hex') || '"' END
  || ',"change":"@change@","id":"' || id || '","kind":"@kind@"}'
FROM (@rows@) changed ORDER BY id COLLATE "C"
"""


def note(reading: Reading) -> None:
    """From here on, writes leave their rows in `changed_row`."""
    reading.execute(NOTED)


def digest(reading: Reading) -> tuple[int, bytes]:
    """How many rows changed, and SHA-256 over their lines in one order."""
    count, running = 0, hashlib.sha256()
    for line in _lines(reading):
        running.update(line)
        count += 1
    return count, running.digest()


def _lines(reading: Reading) -> Iterator[bytes]:
    """By kind, change and id; no line holds a character that COPY would write differently."""
    noted = {(kind, change) for kind, change in reading.rows("SELECT DISTINCT kind, change FROM changed_row")}
    written = {} if reading.is_of_people else WRITTEN
    for kind, change in sorted(noted | written.keys()):
        rows = written.get((kind, change), REST)
        lines = LINES.replace("@rows@", rows).replace("@kind@", kind).replace("@change@", change)
        yield from reading.lines(lines)
