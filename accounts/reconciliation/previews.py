"""What a person is shown before a reading is applied: counts, samples, warnings, and what refuses it.

Warnings and refusals are codes with figures; the screen has the words. Samples hold names and are removed
when the reading is settled.
"""

from typing import Any

from accounts.connectors.records import Header
from accounts.models import ImportRun
from accounts.reconciliation import fuses
from accounts.reconciliation.proof import Verdicts
from accounts.reconciliation.reading import Reading

SHOWN = 8  # names of each sort

COUNTS = {
    "person": """SELECT count(*), count(*) FILTER (WHERE is_new),
      count(*) FILTER (WHERE NOT is_new AND NOT is_back AND (changes <> '{}' OR line IN
        (SELECT line FROM staging_identity WHERE changes <> '{}'))),
      count(*) FILTER (WHERE is_back), (SELECT count(*) FROM gone_engagement) FROM staging_person""",
    "account": """SELECT count(*), count(*) FILTER (WHERE is_new),
      count(*) FILTER (WHERE NOT is_back AND changes <> '{}'), count(*) FILTER (WHERE is_back),
      (SELECT count(*) FROM gone_account) FROM staging_account""",
    "entitlement": """SELECT count(*), count(*) FILTER (WHERE is_new),
      count(*) FILTER (WHERE changes <> '{}'), 0, 0 FROM staging_entitlement""",
    "inclusion": """SELECT count(*), count(*) FILTER (WHERE is_new), 0, 0,
      (SELECT count(*) FROM gone_inclusion) FROM staging_inclusion""",
    "grant": """SELECT count(*), count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE changes <> '{}'), 0,
      (SELECT count(*) FROM gone_grant) FROM staging_grant""",
    "credential": """SELECT count(*), count(*) FILTER (WHERE is_new),
      count(*) FILTER (WHERE NOT is_back AND changes <> '{}'), count(*) FILTER (WHERE is_back),
      (SELECT count(*) FROM gone_credential) FROM staging_credential""",
}
# How many are known to be there now, so that a loss can be told from a trickle.
PRESENT = {
    "person": "SELECT count(*) FROM accounts_engagement WHERE source_id = %(source)s AND gone_run_id IS NULL",
    "account": "SELECT count(*) FROM accounts_account WHERE system_id = %(system)s AND gone_run_id IS NULL",
    "entitlement": "SELECT 0",
    "inclusion": """SELECT count(*) FROM accounts_inclusion
      WHERE system_id = %(system)s AND upper_inf(held)""",
    "grant": "SELECT count(*) FROM accounts_grant WHERE system_id = %(system)s AND upper_inf(held)",
    "credential": """SELECT count(*) FROM accounts_credential c JOIN accounts_account a ON a.id = c.account_id
      WHERE a.system_id = %(system)s AND c.gone_run_id IS NULL""",
}
# The first by line, then their names: of the file, else as another file of the system named them.
GRANT_SAMPLE = """
WITH first AS (SELECT line, account_id, entitlement_id FROM staging_grant WHERE %s
  ORDER BY line LIMIT %%(shown)s)
SELECT coalesce(s.external_id, a.external_id), coalesce(r.external_id, e.external_id) FROM first f
LEFT JOIN staging_account s ON s.account_id = f.account_id LEFT JOIN accounts_account a ON a.id = f.account_id
LEFT JOIN staging_entitlement r ON r.entitlement_id = f.entitlement_id
LEFT JOIN accounts_entitlement e ON e.id = f.entitlement_id ORDER BY f.line"""
SAMPLES = {
    "person": {
        "new": "SELECT name, number FROM staging_person WHERE is_new ORDER BY line LIMIT %(shown)s",
        "changed": """SELECT p.name, array_to_string(p.changes || i.changes, ', ') FROM staging_person p
          JOIN staging_identity i ON i.identity_id = p.identity_id
          WHERE NOT p.is_new AND (p.changes <> '{}' OR i.line = p.line AND i.changes <> '{}')
          ORDER BY p.line LIMIT %(shown)s""",
        "returned": "SELECT name, number FROM staging_person WHERE is_back ORDER BY line LIMIT %(shown)s",
        "gone": """SELECT i.name, g.number FROM gone_engagement g
          JOIN accounts_identity i ON i.id = g.identity_id ORDER BY g.number LIMIT %(shown)s""",
    },
    "account": {
        "new": """SELECT name, coalesce(display_name, '') FROM staging_account WHERE is_new
          ORDER BY line LIMIT %(shown)s""",
        "changed": """SELECT name, array_to_string(changes, ', ') FROM staging_account
          WHERE NOT is_back AND changes <> '{}' ORDER BY line LIMIT %(shown)s""",
        "returned": "SELECT name, '' FROM staging_account WHERE is_back ORDER BY line LIMIT %(shown)s",
        "gone": "SELECT name, '' FROM gone_account ORDER BY name LIMIT %(shown)s",
    },
    "entitlement": {
        "new": """SELECT name, coalesce(plain_words, '') FROM staging_entitlement WHERE is_new
          ORDER BY is_privileged DESC NULLS LAST, line LIMIT %(shown)s""",
        "changed": """SELECT name, array_to_string(changes, ', ') FROM staging_entitlement
          WHERE changes <> '{}' ORDER BY line LIMIT %(shown)s""",
    },
    "inclusion": {
        "new": "SELECT parent, child FROM staging_inclusion WHERE is_new ORDER BY line LIMIT %(shown)s",
        "gone": """SELECT p.name, c.name FROM gone_inclusion x JOIN accounts_inclusion i ON i.id = x.id
          JOIN accounts_entitlement p ON p.id = i.parent_id
          JOIN accounts_entitlement c ON c.id = i.child_id
          ORDER BY p.name, c.name LIMIT %(shown)s""",
    },
    "grant": {
        "new": GRANT_SAMPLE % "is_new",
        "changed": GRANT_SAMPLE % "changes <> '{}'",
        "gone": """SELECT a.name, e.name FROM gone_grant x JOIN accounts_grant g ON g.id = x.id
          JOIN accounts_account a ON a.id = g.account_id
          JOIN accounts_entitlement e ON e.id = g.entitlement_id
          ORDER BY a.name, e.name LIMIT %(shown)s""",
    },
    "credential": {
        "new": """SELECT account, fingerprint FROM staging_credential WHERE is_new
          ORDER BY line LIMIT %(shown)s""",
        "changed": """SELECT account, fingerprint FROM staging_credential
          WHERE NOT is_back AND changes <> '{}' ORDER BY line LIMIT %(shown)s""",
        "returned": """SELECT account, fingerprint FROM staging_credential WHERE is_back
          ORDER BY line LIMIT %(shown)s""",
        "gone": """SELECT a.name, c.fingerprint FROM gone_credential x
          JOIN accounts_credential c ON c.id = x.id
          JOIN accounts_account a ON a.id = c.account_id ORDER BY a.name LIMIT %(shown)s""",
    },
}
LINKS = """SELECT CASE WHEN l.doubt <> '' THEN l.doubt ELSE l.method END, count(*) FROM staging_link l
  LEFT JOIN accounts_account a ON a.id = l.account_id
  WHERE l.identity_id IS NOT NULL OR (l.doubt <> '' AND l.doubt <> coalesce(a.doubt, '')) GROUP BY 1"""
JOINED = """SELECT name, number FROM (
    SELECT p.line, p.name, p.number, p.is_new, i.id IS NOT NULL
      OR row_number() OVER (PARTITION BY p.identity_id ORDER BY p.line) > 1 AS is_further
    FROM staging_person p LEFT JOIN accounts_identity i ON i.id = p.identity_id) placed
  WHERE is_new AND is_further ORDER BY line"""
NAMESAKES = """SELECT name, number FROM (
    SELECT p.line, p.name, p.number, p.is_new AND i.id IS NULL AS is_unknown, n.name IS NOT NULL
      OR p.identity_id <> first_value(p.identity_id) OVER (PARTITION BY lower(p.name) ORDER BY p.line)
      AS is_namesake
    FROM staging_person p LEFT JOIN accounts_identity i ON i.id = p.identity_id
    LEFT JOIN (SELECT DISTINCT lower(name) AS name FROM accounts_identity WHERE kind = 'human') n
      ON n.name = lower(p.name)) placed
  WHERE is_unknown AND is_namesake ORDER BY line"""
UNKNOWN_MANAGERS = """SELECT count(*) FROM staging_person p WHERE p.manager_number <> ''
  AND NOT EXISTS (SELECT FROM staging_person m WHERE m.number = p.manager_number)
  AND NOT EXISTS (SELECT FROM accounts_engagement e
    WHERE e.source_id = %(source)s AND e.number = p.manager_number)"""

Found = dict[str, Any]


def header_of(run: ImportRun) -> Header:
    """What the file said about itself, as the preview kept it."""
    kept = run.preview
    return Header(
        format=run.connector,
        version=run.connector_version,
        system_reference=run.system_reference or None,
        taken_at=run.taken_at if kept.get("taken_at_from_file") else None,
        is_full=run.is_complete,
        covers=frozenset(run.covers),
        unmapped=tuple(kept.get("unmapped", ())),
        control_total=kept.get("file_total"),
        notes=tuple(kept.get("notes", ())),
    )


def settled(run: ImportRun) -> Found:
    """What stays of a preview when the reading has ended: no names."""
    left_out = ("samples", "joined", "namesakes", "waiting")
    kept = {name: value for name, value in run.preview.items() if name not in left_out}
    if fuse := kept.get("fuse"):
        nameless = [
            {name: value for name, value in reason.items() if name not in ("names", "leavers")}
            for reason in fuse["reasons"]
        ]
        kept["fuse"] = {**fuse, "reasons": nameless}
    return kept


def count(reading: Reading) -> dict[str, dict[str, int]]:
    """Per kind that this format reads: read, matched (known before), new, changed, returned, gone."""
    counts = {}
    for kind in sorted(_kinds(reading)):
        read, new, changed, returned, gone = reading.one(COUNTS[kind])
        counts[kind] = {
            "read": read,
            "matched": read - new,
            "new": new,
            "changed": changed,
            "returned": returned,
            "gone": gone,
        }
    return counts


def describe(reading: Reading, counts: dict[str, dict[str, int]], verdicts: Verdicts | None) -> Found:
    """Everything the preview shows beside the counts."""
    found: Found = {
        "notes": list(reading.header.notes),
        "unmapped": list(reading.header.unmapped),
        "file_total": reading.header.control_total,
        "taken_at_from_file": reading.header.taken_at is not None,
        "refusals": refusals(reading),
        "warnings": _warnings(reading),
    }
    if (fuse := fuse_of(reading, counts)) is not None:
        found["fuse"] = fuse
    # Whoever releases it sees more than a sample of what would end.
    found["samples"] = _samples(reading, counts, SHOWN if fuse is None else fuses.LISTED)
    if reading.is_of_people:
        found["joined"] = _people(reading, JOINED)
        found["namesakes"] = _people(reading, NAMESAKES)
    else:
        found["links"] = dict(reading.rows(LINKS))
        found["machines"] = reading.one("SELECT count(*) FROM staging_machine WHERE is_new")[0]
    if verdicts is not None:
        found["proof"] = {
            **verdicts.counts,
            "why_not": {code: len(rows) for code, rows in verdicts.not_proven.items()},
        }
    return found


def _kinds(reading: Reading) -> set[str]:
    """Kinds with rows in the file, and those it says it lists in full."""
    of_system = {"account", "entitlement", "inclusion", "grant", "credential"}
    kinds = {"person"} if reading.is_of_people else of_system
    return {kind for kind in kinds if kind in reading.header.covers or reading.one(COUNTS[kind])[0]}


def fuse_of(reading: Reading, counts: dict[str, dict[str, int]]) -> Found | None:
    """Why it waits for a second person, or None."""
    return fuses.tripped(reading, counts, lambda kind: reading.one(PRESENT[kind])[0])


def _samples(reading: Reading, counts: dict[str, dict[str, int]], ends: int) -> Found:
    return {
        kind: {
            sort: reading.rows(statement, shown=ends if sort == "gone" else SHOWN)
            for sort, statement in SAMPLES[kind].items()
            if numbers.get(sort)
        }
        for kind, numbers in counts.items()
    }


def _people(reading: Reading, statement: str) -> Found:
    found = reading.rows(statement)
    return {"count": len(found), "sample": found[:SHOWN]}


def refusals(reading: Reading) -> list[Found]:
    """A reading from before one that is applied would bring back what has ended since."""
    run = reading.run
    if run.taken_at is None:
        return []
    same = {"source": run.source_id} if reading.is_of_people else {"source__system": run.source.system_id}
    newer = ImportRun.objects.applied().filter(
        **same, taken_at__gt=run.taken_at, covers__overlap=sorted(reading.header.covers)
    )
    latest = newer.order_by("-taken_at").values_list("taken_at", flat=True).first()
    return [] if latest is None else [{"code": "older_than_applied", "at": latest.isoformat()}]


def _warnings(reading: Reading) -> list[Found]:
    found: list[Found] = []
    if reading.counts_differ is not None:
        counted, said = reading.counts_differ
        found.append({"code": "count_differs", "count": counted, "of": said})
    if reading.rejected:
        found.append({"code": "rejected", "count": reading.rejected})
    if reading.run.taken_at is None:
        found.append({"code": "time_unknown"})
    if not reading.header.is_full:
        found.append({"code": "not_complete"})
    if reading.is_of_people:
        found += _about_people(reading)
    return found


def _about_people(reading: Reading) -> list[Found]:
    figures = {
        "shared_addresses": reading.one("SELECT count(*) FROM staging_person WHERE shares_address")[0],
        "leavers_addresses": reading.one("SELECT count(*) FROM staging_person WHERE had_leavers_address")[0],
        "unknown_managers": reading.one(UNKNOWN_MANAGERS)[0],
        "circular_managers": reading.told["circles"],
    }
    return [{"code": code, "count": number} for code, number in figures.items() if number]
