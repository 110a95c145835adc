"""What an HR reading says of people: engagements by (source, number), and the identities they belong to.

A number belongs to one identity for good. A new number joins an identity that is known only if its address is
that identity's alone; a like name alone is shown in the preview and joins nothing. No reading merges anybody.
"""

from accounts.reconciliation import person_changes
from accounts.reconciliation.carding import with_cards
from accounts.reconciliation.reading import Reading

NAMED = """format('{"kind":"human","name":%%s}', to_json(name))"""
PEOPLE = """
CREATE TEMP TABLE staging_person ON COMMIT DROP AS
WITH said AS (SELECT bool_or(ends_on IS NOT NULL) AS ends, bool_or(manager_number IS NOT NULL) AS managers
  FROM raw_person),
known AS (
  SELECT r.*, lower(r.email) AS address, e.id AS engagement_id, e.identity_id AS whose,
    -- A column that is there and empty says that there is none; one that is not there says nothing.
    CASE WHEN said.ends THEN r.ends_on ELSE e.ends_on END AS end_on,
    CASE WHEN said.managers THEN coalesce(r.manager_number, '') ELSE coalesce(e.manager_number, '') END
      AS boss, said.managers AS says_boss
  FROM raw_person r CROSS JOIN said
  LEFT JOIN accounts_engagement e ON e.source_id = %(source)s AND e.number = r.number),
spoken AS (  -- what the file says of each address
  SELECT address, count(DISTINCT lower(name)) AS names, (array_agg(fresh ORDER BY line))[1] AS fresh,
    count(DISTINCT whose) AS anchors, (array_agg(whose) FILTER (WHERE whose IS NOT NULL))[1] AS anchor
  FROM known WHERE address <> '' GROUP BY address),
holder AS (  -- who has it already, unless the file says that they have another one now
  SELECT address, count(*) AS n, (array_agg(id))[1] AS id, (array_agg(name))[1] AS name,
    bool_or(has_left) AS has_left
  FROM (
    SELECT DISTINCT lower(i.email) AS address, whom.id, lower(whom.name) AS name,
      whom.status = 'left' AS has_left
    FROM accounts_identity i
    -- The address of a duplicate is that of whom it was merged into.
    JOIN accounts_identity whom ON whom.id = coalesce(i.merged_into_id, i.id)
    WHERE i.kind = 'human' AND lower(i.email) IN (SELECT address FROM spoken)
      AND NOT EXISTS (SELECT FROM known k WHERE k.whose = whom.id AND k.address <> lower(i.email))) found
  GROUP BY 1)
SELECT k.line, k.number, k.name, coalesce(k.email, '') AS email, k.title, k.department,
  k.boss AS manager_number, k.says_boss, k.end_on AS ends_on, e.id AS engagement_id,
  coalesce(k.employer, e.employer, %(employer)s) AS employer, coalesce(k.kind, e.kind, '') AS kind,
  coalesce(k.starts_on, e.starts_on) AS starts_on, coalesce(k.status, e.status, 'active') AS status,
  coalesce(k.whose, CASE WHEN s.names = 1 THEN coalesce(
      CASE WHEN s.anchors = 1 THEN s.anchor END,
      CASE WHEN s.anchors = 0 AND h.n = 1 AND (h.name = lower(k.name) OR NOT h.has_left) THEN h.id END,
      s.fresh) END, k.fresh) AS identity_id,
  coalesce(s.names > 1, false) AS shares_address,
  k.whose IS NULL AND coalesce(h.has_left AND h.name <> lower(k.name), false) AS had_leavers_address,
  e.id IS NULL AS is_new, e.gone_run_id IS NOT NULL AS is_back,
  CASE WHEN e.id IS NULL THEN '{}' ELSE array_remove(ARRAY[
    CASE WHEN e.employer <> k.employer THEN 'employer' END, CASE WHEN e.kind <> k.kind THEN 'kind' END,
    CASE WHEN e.title <> k.title THEN 'title' END,
    CASE WHEN e.department <> k.department THEN 'department' END,
    CASE WHEN e.manager_number <> k.boss THEN 'manager_number' END,
    CASE WHEN k.starts_on IS NOT NULL AND e.starts_on IS DISTINCT FROM k.starts_on THEN 'starts_on' END,
    CASE WHEN e.ends_on IS DISTINCT FROM k.end_on THEN 'ends_on' END,
    CASE WHEN e.status <> k.status THEN 'status' END], NULL) END AS changes
FROM known k LEFT JOIN accounts_engagement e ON e.id = k.engagement_id
LEFT JOIN spoken s ON s.address = k.address LEFT JOIN holder h ON h.address = k.address
"""

# What each identity is once the reading is applied. The running engagement that began last speaks for it.
IDENTITIES = """
CREATE TEMP TABLE staging_identity ON COMMIT DROP AS
WITH boss AS (
  SELECT p.line, coalesce(m.identity_id, e.identity_id) AS id FROM staging_person p
  LEFT JOIN staging_person m ON m.number = p.manager_number
  LEFT JOIN accounts_engagement e ON e.source_id = %(source)s AND e.number = p.manager_number
  WHERE p.manager_number <> ''),
engaged AS (
  SELECT p.identity_id, p.line, p.name, p.email, p.title, p.department, p.says_boss, b.id AS manager_id,
    p.starts_on, p.status, p.status <> 'left' AND coalesce(p.ends_on >= %(today)s, true) AS is_running,
    false AS is_gone,
    p.is_new OR p.is_back OR ('status' = ANY(p.changes) AND p.status <> 'left') AS is_news
  FROM staging_person p LEFT JOIN boss b ON b.line = p.line
  UNION ALL
  SELECT e.identity_id, NULL, NULL, NULL, NULL, NULL, false, NULL, e.starts_on, e.status,
    e.status <> 'left' AND coalesce(e.ends_on >= %(today)s, true), e.gone_run_id IS NOT NULL, false
  FROM accounts_engagement e WHERE e.identity_id IN (SELECT identity_id FROM staging_person)
    AND NOT EXISTS (SELECT FROM staging_person p WHERE p.engagement_id = e.id)),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY identity_id
      ORDER BY is_running DESC, is_gone, starts_on DESC NULLS LAST, line NULLS LAST) AS place,
    bool_or(is_running) OVER all_of AS runs, bool_or(is_news) OVER all_of AS has_news,
    bool_and(status = 'on_leave') FILTER (WHERE is_running) OVER all_of AS is_on_leave
  FROM engaged WINDOW all_of AS (PARTITION BY identity_id))
SELECT r.identity_id, r.line, i.id IS NULL AS is_new, coalesce(r.name, i.name) AS name,
  coalesce(nullif(r.email, ''), i.email, '') AS email, coalesce(r.title, i.title, '') AS title,
  coalesce(r.department, i.department, '') AS department,
  CASE WHEN r.says_boss THEN nullif(r.manager_id, r.identity_id) ELSE i.manager_id END AS manager_id,
  CASE WHEN NOT runs THEN 'left'
    -- Whose access was ended stays away, until HR says more than that the row is still there.
    WHEN i.status = 'left' AND NOT has_news AND EXISTS (SELECT FROM accounts_offboardingcase c
      WHERE c.identity_id = i.id AND c.begun_at IS NOT NULL AND c.state <> 'cancelled') THEN 'left'
    WHEN is_on_leave THEN 'on_leave' ELSE 'active' END AS status
FROM ranked r LEFT JOIN accounts_identity i ON i.id = r.identity_id WHERE r.place = 1
"""

# Whoever would be their own manager, over however many others, has none: nobody may approve their own.
BREAK_CIRCLES = """
WITH RECURSIVE boss AS MATERIALIZED (
  SELECT identity_id AS id, manager_id FROM staging_identity WHERE manager_id IS NOT NULL
  UNION ALL
  SELECT i.id, i.manager_id FROM accounts_identity i WHERE i.manager_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM staging_identity s WHERE s.identity_id = i.id)),
way (start, at, steps) AS (
  SELECT id, manager_id, 1 FROM boss
  UNION ALL
  SELECT w.start, b.manager_id, w.steps + 1 FROM way w JOIN boss b ON b.id = w.at
  WHERE w.at <> w.start AND w.steps < 64)
UPDATE staging_identity SET manager_id = NULL WHERE identity_id IN (SELECT start FROM way WHERE at = start)
"""
IDENTITY_CHANGES = """
ALTER TABLE staging_identity ADD COLUMN changes text[] NOT NULL DEFAULT '{}';
UPDATE staging_identity s SET changes = array_remove(ARRAY[
  CASE WHEN i.name <> s.name THEN 'name' END, CASE WHEN i.email <> s.email THEN 'email' END,
  CASE WHEN i.title <> s.title THEN 'title' END, CASE WHEN i.department <> s.department THEN 'department' END,
  CASE WHEN i.manager_id IS DISTINCT FROM s.manager_id THEN 'manager' END,
  CASE WHEN i.status <> s.status THEN 'status' END], NULL)
FROM accounts_identity i WHERE i.id = s.identity_id
"""
GONE_ENGAGEMENTS = """
CREATE TEMP TABLE gone_engagement ON COMMIT DROP AS
SELECT e.id, e.number, e.identity_id FROM accounts_engagement e
WHERE %(vanishes)s AND e.source_id = %(source)s AND e.gone_run_id IS NULL
  AND NOT EXISTS (SELECT FROM staging_person p WHERE p.engagement_id = e.id)
"""

NEW_IDENTITIES = with_cards(
    """
WITH @cards@,
done AS (
  INSERT INTO accounts_identity
    (id, version, kind, name, email, status, title, department, manager_id,
     purpose, environment, vendor, rhythm, card)
  SELECT s.identity_id, 1, 'human', s.name, s.email, s.status, s.title, s.department, s.manager_id,
    '', '', '', '', c.digest
  FROM staging_identity s JOIN card c ON c.key = s.identity_id RETURNING id, card)
INSERT INTO changed_row SELECT 'identity', 'new', id::text, card FROM done
""",
    "identity",
    key="identity_id",
    names=NAMED,
    rows="staging_identity WHERE is_new",
)
CHANGED_IDENTITIES = """
WITH done AS (
  UPDATE accounts_identity i SET version = i.version + 1, name = s.name, email = s.email, title = s.title,
    department = s.department, manager_id = s.manager_id, status = s.status,
    card = CASE WHEN i.name = s.name AND i.card IS NOT NULL THEN i.card
      ELSE audit_card('identity', i.id::text, format('{"kind":"human","name":%%s}', to_json(s.name))) END
  FROM staging_identity s WHERE i.id = s.identity_id AND s.changes <> '{}' RETURNING i.id, i.card)
INSERT INTO changed_row SELECT 'identity', 'changed', id::text, card FROM done
"""
NEW_ENGAGEMENTS = """
WITH done AS (
  INSERT INTO accounts_engagement (identity_id, source_id, number, employer, kind, title, department,
    manager_number, starts_on, ends_on, status, first_run_id)
  SELECT identity_id, %(source)s, number, employer, kind, coalesce(title, ''), coalesce(department, ''),
    manager_number, starts_on, ends_on, status, %(run)s
  FROM staging_person WHERE is_new RETURNING id)
INSERT INTO changed_row SELECT 'engagement', 'new', id::text, NULL FROM done
"""
CHANGED_ENGAGEMENTS = """
WITH done AS (
  UPDATE accounts_engagement e SET employer = s.employer, kind = s.kind, title = coalesce(s.title, e.title),
    department = coalesce(s.department, e.department), manager_number = s.manager_number,
    starts_on = s.starts_on, ends_on = s.ends_on, status = s.status, gone_run_id = NULL
  FROM staging_person s WHERE e.id = s.engagement_id AND (s.is_back OR s.changes <> '{}')
  RETURNING e.id, s.is_back)
INSERT INTO changed_row
SELECT 'engagement', CASE WHEN is_back THEN 'returned' ELSE 'changed' END, id::text, NULL FROM done
"""
# A missing row proposes that somebody left. It ends nothing and nobody by itself.
VANISHED_ENGAGEMENTS = """
WITH done AS (
  UPDATE accounts_engagement e SET gone_run_id = %(run)s
  FROM gone_engagement g WHERE e.id = g.id RETURNING e.id)
INSERT INTO changed_row SELECT 'engagement', 'gone', id::text, NULL FROM done
"""


def compare(reading: Reading) -> None:
    """Tell apart what is new, changed and back, and work out what each identity becomes."""
    reading.execute(PEOPLE)
    reading.execute("ANALYZE staging_person")
    reading.execute(IDENTITIES)
    reading.execute("ANALYZE staging_identity")
    reading.told["circles"] = reading.execute(BREAK_CIRCLES)
    reading.execute(IDENTITY_CHANGES)


def find_gone(reading: Reading) -> None:
    """Engagements that are known and not in the file."""
    reading.execute(GONE_ENGAGEMENTS, vanishes=reading.vanishes("person"))


def write(reading: Reading) -> None:
    """What differs from before first, then identities: engagements hang on them."""
    person_changes.write(reading)
    for statement in (
        NEW_IDENTITIES,
        CHANGED_IDENTITIES,
        NEW_ENGAGEMENTS,
        CHANGED_ENGAGEMENTS,
        VANISHED_ENGAGEMENTS,
    ):
        reading.execute(statement)
