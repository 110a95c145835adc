"""Compares what was found with the findings, and writes only what differs."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from reviews.rules.rule import STEPS

# `was` is the state before. An acceptance holds until its day has passed, whatever else changes.
CHANGE = """
CREATE TEMP TABLE rule_change ON COMMIT DROP AS
SELECT * FROM (
  SELECT x.id, x.identity_id AS was_identity_id, coalesce(f.rule, x.rule) AS rule,
    coalesce(f.subject_type, x.subject_type) AS subject_type,
    coalesce(f.subject_id, x.subject_id) AS subject_id,
    coalesce(f.discriminator, x.discriminator) AS discriminator, f.identity_id, f.system_id, f.is_human,
    f.is_privileged, coalesce(f.weight, x.weight) AS weight, f.facts, f.rule_version,
    CASE WHEN x.id IS NULL THEN 'opened'
      WHEN f.rule IS NULL AND x.state <> 'fixed' THEN 'closed'
      WHEN f.rule IS NULL THEN NULL
      WHEN x.state = 'fixed' THEN 'reopened'
      WHEN x.state = 'accepted' AND a.until < %(today)s THEN 'acceptance_over'
      WHEN (x.identity_id, x.system_id, x.is_human, x.is_privileged, x.weight, x.facts)
        IS DISTINCT FROM (f.identity_id, f.system_id, f.is_human, f.is_privileged, f.weight, f.facts)
        THEN 'changed' END AS what
  FROM rule_found f
  FULL JOIN (SELECT * FROM reviews_finding WHERE {asked}) x
    ON (x.rule, x.subject_type, x.subject_id, x.discriminator)
      = (f.rule, f.subject_type, f.subject_id, f.discriminator)
  LEFT JOIN reviews_acceptance a ON x.state = 'accepted' AND a.finding_id = x.id AND a.ended_at IS NULL) c
WHERE what IS NOT NULL
"""
ONLY_ASKED, WITH_UNKNOWN = "rule = ANY(%(asked)s)", "true"

# Keys in the order of time: 48 bits of milliseconds, version 7, the rest random.
KEY = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  PLACING substring(int8send((extract(epoch FROM %(at)s::timestamptz) * 1000)::bigint) FROM 3)
  FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid"""

OPEN = f"""
INSERT INTO reviews_finding (id, version, rule, rule_version, subject_type, subject_id, discriminator,
  identity_id, system_id, is_human, is_privileged, severity, weight, facts, state, first_seen_at,
  last_seen_at, reopened)
SELECT {KEY}, 1, rule, rule_version, subject_type, subject_id, discriminator, identity_id, system_id,
  is_human, is_privileged, (%(steps)s::text[])[weight + 1], weight, facts, 'open', %(at)s, %(at)s, 0
FROM rule_change WHERE what = 'opened'
ON CONFLICT DO NOTHING
"""

AGAIN = """
UPDATE reviews_finding x SET version = x.version + 1, rule_version = c.rule_version,
  identity_id = c.identity_id, system_id = c.system_id, is_human = c.is_human,
  is_privileged = c.is_privileged, weight = c.weight,
  severity = (%(steps)s::text[])[c.weight + 1], facts = c.facts, last_seen_at = %(at)s, closed_at = NULL,
  state = CASE c.what WHEN 'changed' THEN x.state ELSE 'open' END,
  reopened = x.reopened + (c.what = 'reopened')::int
FROM rule_change c WHERE c.id = x.id AND c.what IN ('reopened', 'acceptance_over', 'changed')
"""

CLOSE = """
UPDATE reviews_finding x SET version = x.version + 1, state = 'fixed', closed_at = %(at)s,
  last_seen_at = greatest(x.last_seen_at, s.evaluated_at),
  facts = CASE WHEN x.rule = ANY(%(off)s) THEN x.facts || '{"closed_because": "rule_off"}'
    WHEN s.code IS NULL THEN x.facts || '{"closed_because": "rule_gone"}' ELSE x.facts END
FROM rule_change c LEFT JOIN reviews_rulesetting s ON s.code = c.rule AND c.rule = ANY(%(asked)s)
WHERE c.id = x.id AND c.what = 'closed'
"""

END_ACCEPTANCES = """
UPDATE reviews_acceptance a SET ended_at = %(at)s FROM rule_change c
WHERE a.finding_id = c.id AND a.ended_at IS NULL AND c.what IN ('acceptance_over', 'closed') RETURNING a.id
"""

# One line a change, in one order; the digest is over the digests of the lines.
DIGEST = """
SELECT sha256(coalesce(string_agg(sha256(convert_to(line, 'UTF8')), ''::bytea ORDER BY line COLLATE "C"), ''))
FROM (SELECT concat_ws(' ', what, rule, (%(steps)s::text[])[weight + 1], subject_type, subject_id,
  discriminator) AS line FROM rule_change) l
"""
BY_RULE = "SELECT rule, what, count(*) FROM rule_change GROUP BY 1, 2 ORDER BY 1, 2"

# The whole column, so that what an interrupted evaluation left is put right as well.
MISCOUNTED = """
CREATE TEMP TABLE rule_miscounted ON COMMIT DROP AS
SELECT coalesce(c.identity_id, o.id) AS id, coalesce(c.found, 0) AS found
FROM (
  SELECT identity_id, count(*) AS found FROM reviews_finding WHERE state = 'open' AND identity_id IS NOT NULL
  GROUP BY identity_id) c
FULL JOIN (SELECT id, open_findings FROM accounts_identity WHERE open_findings <> 0) o ON o.id = c.identity_id
WHERE c.found IS DISTINCT FROM o.open_findings
"""
COUNT_OPEN = """
UPDATE accounts_identity i SET open_findings = c.found FROM rule_miscounted c
WHERE c.id = i.id AND i.open_findings <> c.found
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What an evaluation changed: how many by what happened to them, by rule, and a digest over all."""

    counts: dict[str, int]
    by_rule: dict[str, dict[str, int]]
    present: int
    digest: bytes
    acceptances: list[UUID]


def merge(asked: list[str], *, off: list[str], with_unknown: bool, present: int, at: datetime) -> Done:
    """Bring the findings of the asked rules in step with `rule_found`, which has so many rows."""
    told: dict[str, Any] = {
        "asked": asked,
        "off": off,
        "at": at,
        "today": timezone.localtime(at).date(),
        "steps": [str(step.value) for step in STEPS],
    }
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS rule_change")
        cursor.execute(CHANGE.format(asked=WITH_UNKNOWN if with_unknown else ONLY_ASKED), told)
        cursor.execute("ANALYZE rule_change (what)")
        cursor.execute(OPEN, told)
        cursor.execute(AGAIN, told)
        cursor.execute(CLOSE, told)
        cursor.execute(END_ACCEPTANCES, told)
        ended = [key for (key,) in cursor.fetchall()]
        cursor.execute(DIGEST, told)
        digest = bytes(cursor.fetchone()[0])
        cursor.execute(BY_RULE)
        changes = cursor.fetchall()
    by_rule: dict[str, dict[str, int]] = {}
    counts: dict[str, int] = {}
    for rule, what, count in changes:
        by_rule.setdefault(rule, {})[what] = count
        counts[what] = counts.get(what, 0) + count
    return Done(counts, by_rule, present, digest, ended)


def count_open() -> None:
    """Keep the number of open findings on identities; apart, because it may have to wait for an import."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("DROP TABLE IF EXISTS rule_miscounted")
        cursor.execute(MISCOUNTED)
        if cursor.rowcount:
            cursor.execute("ANALYZE rule_miscounted")
            cursor.execute(COUNT_OPEN)
