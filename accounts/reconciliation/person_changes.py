"""Joiners, movers, leavers and returners: an HR reading compared with what was known before it.

Written before anything else of the reading, while the record still says how it was. The first reading of a
source has nothing to be compared with. A unit whose people moved together to a new name was renamed: that
moves nobody.
"""

from accounts.models import ImportRun
from accounts.reconciliation.reading import Reading

TOGETHER = 2  # people who make a renaming; one alone has moved

SAME_UNIT = """
WITH continuing AS (
  SELECT i.department AS was, s.department AS now FROM staging_identity s
  JOIN accounts_identity i ON i.id = s.identity_id
  WHERE i.status <> 'left' AND s.status <> 'left' AND i.department <> ''),
unit AS (SELECT was, count(*) AS people FROM continuing GROUP BY 1)
INSERT INTO accounts_personchange
  (id, run_id, kind, number, fields, before, after, people, is_proposed, dismissed_because)
SELECT gen_random_uuid(), %(run)s, 'renamed', '', '{unit}', jsonb_build_object('unit', c.was),
  jsonb_build_object('unit', c.now), count(*), false, ''
FROM continuing c JOIN unit u USING (was)
WHERE c.now <> c.was AND c.now <> '' AND NOT EXISTS (SELECT FROM unit k WHERE k.was = c.now)
GROUP BY c.was, c.now, u.people HAVING count(*) >= %(together)s AND count(*) * 2 > u.people
"""
# What was not known before is no move, and what is no longer told neither.
MOVED = """
WITH renamed AS (
  SELECT before ->> 'unit' AS was, after ->> 'unit' AS now FROM accounts_personchange
  WHERE run_id = %(run)s AND kind = 'renamed'),
compared AS (
  SELECT s.identity_id, s.line, i.department AS unit_was, s.department AS unit_now, i.title AS title_was,
    s.title AS title_now, i.manager_id AS manager_was, s.manager_id AS manager_now,
    array_remove(ARRAY[
      CASE WHEN i.department <> '' AND s.department <> '' AND i.department <> s.department
        AND r.was IS NULL THEN 'unit' END,
      CASE WHEN i.title <> '' AND s.title <> '' AND i.title <> s.title THEN 'title' END,
      CASE WHEN i.manager_id IS NOT NULL AND i.manager_id IS DISTINCT FROM s.manager_id THEN 'manager' END],
      NULL) AS fields
  FROM staging_identity s JOIN accounts_identity i ON i.id = s.identity_id
  LEFT JOIN renamed r ON r.was = i.department AND r.now = s.department
  WHERE s.changes <> '{}' AND i.status <> 'left' AND s.status <> 'left')
INSERT INTO accounts_personchange
  (id, run_id, identity_id, kind, number, fields, before, after, people, is_proposed, dismissed_because)
SELECT gen_random_uuid(), %(run)s, c.identity_id, 'moved', coalesce(p.number, ''), c.fields,
  jsonb_strip_nulls(jsonb_build_object(
    'unit', CASE WHEN 'unit' = ANY(c.fields) THEN c.unit_was END,
    'title', CASE WHEN 'title' = ANY(c.fields) THEN c.title_was END,
    'manager', CASE WHEN 'manager' = ANY(c.fields) THEN c.manager_was END)),
  jsonb_strip_nulls(jsonb_build_object(
    'unit', CASE WHEN 'unit' = ANY(c.fields) THEN c.unit_now END,
    'title', CASE WHEN 'title' = ANY(c.fields) THEN c.title_now END,
    'manager', CASE WHEN 'manager' = ANY(c.fields) THEN c.manager_now END)), 1, false, ''
FROM compared c LEFT JOIN staging_person p ON p.line = c.line WHERE c.fields <> '{}'
"""
# Whoever had left, or whose row was missing, and is here again. A new number of somebody who is here is one
# more engagement: they joined with it, and nothing else.
CAME = """
WITH came AS (
  SELECT DISTINCT ON (p.identity_id) p.identity_id, p.number, s.department, s.title, s.manager_id,
    i.id IS NOT NULL AS is_known, coalesce(i.status, '') AS was,
    p.is_back OR coalesce(i.status = 'left', false) AS is_back
  FROM staging_person p JOIN staging_identity s ON s.identity_id = p.identity_id
  LEFT JOIN accounts_identity i ON i.id = p.identity_id
  WHERE s.status <> 'left' AND (p.is_new OR p.is_back OR i.status = 'left')
  ORDER BY p.identity_id, p.is_back DESC, p.line)
INSERT INTO accounts_personchange
  (id, run_id, identity_id, kind, number, fields, before, after, people, is_proposed, dismissed_because)
SELECT gen_random_uuid(), %(run)s, c.identity_id, CASE WHEN c.is_back THEN 'returned' ELSE 'joined' END,
  c.number, '{}',
  CASE WHEN c.is_back AND c.was = 'left' THEN '{"status": "left"}'::jsonb
    WHEN c.is_back THEN '{"status": "missing"}'::jsonb
    WHEN c.is_known THEN '{"status": "engaged"}'::jsonb ELSE '{}'::jsonb END,
  jsonb_strip_nulls(jsonb_build_object('unit', nullif(c.department, ''), 'title', nullif(c.title, ''),
    'manager', c.manager_id)), 1, false, ''
FROM came c
"""
# Of those whose row is missing: who has another engagement that runs, here or in another company, goes on.
WENT = """
WITH going AS (
  SELECT DISTINCT ON (g.identity_id) g.identity_id, g.number FROM gone_engagement g
  ORDER BY g.identity_id, g.number),
running AS (
  SELECT p.identity_id FROM staging_person p
  WHERE p.status <> 'left' AND coalesce(p.ends_on >= %(today)s, true)
  UNION
  SELECT e.identity_id FROM accounts_engagement e JOIN going g ON g.identity_id = e.identity_id
  WHERE e.gone_run_id IS NULL AND e.status <> 'left' AND coalesce(e.ends_on >= %(today)s, true)
    AND NOT EXISTS (SELECT FROM gone_engagement x WHERE x.id = e.id)
    AND NOT EXISTS (SELECT FROM staging_person p WHERE p.engagement_id = e.id)),
went AS (
  SELECT g.identity_id, g.number, CASE WHEN r.identity_id IS NULL THEN 'left' ELSE 'ended' END AS kind,
    true AS is_missing
  FROM going g LEFT JOIN running r ON r.identity_id = g.identity_id
  UNION ALL
  SELECT s.identity_id, coalesce(p.number, ''), 'left', false FROM staging_identity s
  JOIN accounts_identity i ON i.id = s.identity_id LEFT JOIN staging_person p ON p.line = s.line
  WHERE s.status = 'left' AND i.status <> 'left')
INSERT INTO accounts_personchange
  (id, run_id, identity_id, kind, number, fields, before, after, people, is_proposed, dismissed_because)
SELECT DISTINCT ON (w.identity_id) gen_random_uuid(), %(run)s, w.identity_id, w.kind, w.number, '{}',
  jsonb_strip_nulls(jsonb_build_object('unit', nullif(i.department, ''), 'title', nullif(i.title, ''),
    'manager', i.manager_id, 'status', i.status)),
  jsonb_build_object('status', CASE WHEN w.is_missing THEN 'missing' ELSE 'left' END), 1,
  w.is_missing AND w.kind = 'left', ''
FROM went w JOIN accounts_identity i ON i.id = w.identity_id
WHERE i.status <> 'left' ORDER BY w.identity_id, w.is_missing
"""


def write(reading: Reading) -> None:
    """Keep what differs from the reading before; nothing of the first reading of a source."""
    run = reading.run
    if not ImportRun.objects.applied().filter(source=run.source_id).exclude(pk=run.pk).exists():
        return
    reading.execute(SAME_UNIT, together=TOGETHER)
    for statement in (MOVED, CAME, WENT):
        reading.execute(statement)
