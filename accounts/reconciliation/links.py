"""Whose account it is: by employee number, then by address, machines by their own name. In doubt, nobody's.

A link that stands is never changed here: a reading that claims somebody else leaves a doubt for a person to
settle.
"""

from accounts.reconciliation.carding import with_cards
from accounts.reconciliation.reading import Reading

NAMED = """format('{"kind":%%s,"name":%%s}', to_json(kind), to_json(name))"""
CLAIMS_OF_SYSTEM = """
CREATE TEMP TABLE staging_claim ON COMMIT DROP AS
SELECT s.account_id, %(system)s::uuid AS system_id, s.is_new, s.line, lower(s.name) AS login,
  coalesce(s.kind, a.kind, '') AS kind, s.identity_kind, s.identity_key, s.fresh, s.purpose, s.environment,
  coalesce(s.employee_number, a.employee_number, '') AS employee_number,
  lower(coalesce(s.email, a.email, '')) AS address,
  coalesce(s.created_at, a.created_at) AS created_at, a.identity_id AS holder_id,
  coalesce(a.match_method, '') AS held_by, coalesce(a.doubt, '') AS doubt
FROM staging_account s LEFT JOIN accounts_account a ON a.id = s.account_id
"""
# New people may be those whom accounts that are known have been waiting for.
CLAIMS_OF_PEOPLE = """
CREATE TEMP TABLE staging_claim ON COMMIT DROP AS
SELECT a.id AS account_id, a.system_id, false AS is_new, 0 AS line, lower(a.name) AS login, a.kind,
  NULL::text AS identity_kind, NULL::text AS identity_key, NULL::uuid AS fresh, NULL::text AS purpose,
  NULL::text AS environment, a.employee_number, lower(a.email) AS address, a.created_at,
  a.identity_id AS holder_id, a.match_method AS held_by, a.doubt
FROM accounts_account a
WHERE a.gone_run_id IS NULL AND a.identity_id IS NULL AND (a.employee_number <> '' OR a.email <> '')
"""

# Who is claimed. Number and address together are an answer only where they agree.
CANDIDATES = """
CREATE TEMP TABLE staging_candidate ON COMMIT DROP AS
WITH claim AS (
  SELECT * FROM staging_claim WHERE kind NOT IN ('machine', 'shared', 'emergency', 'role')
    AND coalesce(identity_kind, 'human') = 'human'),
numbered AS (
  SELECT c.account_id, array_agg(DISTINCT e.identity_id) AS ids
  FROM claim c JOIN accounts_engagement e ON e.number = c.employee_number
  WHERE c.employee_number <> '' GROUP BY 1),
addressed AS (
  SELECT c.account_id, array_agg(DISTINCT i.id) AS ids
  FROM claim c JOIN accounts_identity i ON lower(i.email) = c.address AND i.kind = 'human'
  WHERE c.address <> '' GROUP BY 1)
SELECT c.account_id, CASE WHEN n.ids IS NULL THEN 'email' ELSE 'number' END AS method,
  CASE WHEN n.ids IS NULL THEN a.ids WHEN a.ids IS NULL THEN n.ids
    WHEN n.ids && a.ids THEN ARRAY(SELECT unnest(n.ids) INTERSECT SELECT unnest(a.ids))
    ELSE n.ids || a.ids END AS ids
FROM claim c LEFT JOIN numbered n USING (account_id) LEFT JOIN addressed a USING (account_id)
WHERE n.ids IS NOT NULL OR a.ids IS NOT NULL
"""

LINKS = """
CREATE TEMP TABLE staging_link ON COMMIT DROP AS
WITH claimed AS (
  SELECT c.*, d.method, d.ids FROM staging_claim c JOIN staging_candidate d USING (account_id)),
first_day AS (
  SELECT identity_id, CASE WHEN bool_and(starts_on IS NOT NULL) THEN min(starts_on) END AS day
  FROM accounts_engagement GROUP BY 1),
leavers AS (SELECT id FROM accounts_identity WHERE kind = 'human' AND status = 'left'),
recycled AS (  -- another account of this login belonged to somebody else, who left
  SELECT DISTINCT c.account_id FROM accounts_account o JOIN leavers l ON l.id = o.identity_id
  JOIN claimed c ON c.system_id = o.system_id AND c.login = lower(o.name)
  WHERE o.id <> c.account_id AND NOT o.identity_id = ANY(c.ids)),
let_go AS (  -- somebody said by hand that it is not theirs
  SELECT e.subject_id::bigint AS account_id, (array_agg(p.facts ->> 'before' ORDER BY e.id DESC))[1] AS before
  FROM audit_event e LEFT JOIN audit_payload p ON p.event_id = e.id
  WHERE e.verb = 'account.unlinked' GROUP BY 1),
judged AS (
  SELECT c.account_id, c.holder_id, c.method, c.ids[1] AS claimant, CASE
    WHEN c.holder_id = ANY(c.ids) THEN ''
    WHEN c.holder_id IN (SELECT id FROM leavers) THEN 'recycled'
    WHEN c.holder_id IS NOT NULL AND c.held_by = 'hand' THEN c.doubt
    WHEN c.holder_id IS NOT NULL THEN 'ambiguous'
    WHEN g.before IN (SELECT id::text FROM leavers) AND NOT g.before = ANY(c.ids::text[]) THEN 'recycled'
    WHEN g.account_id IS NOT NULL THEN 'ambiguous'
    WHEN c.doubt = 'recycled' THEN 'recycled'
    WHEN cardinality(c.ids) > 1 AND c.ids && ARRAY(SELECT id FROM leavers) THEN 'recycled'
    WHEN cardinality(c.ids) > 1 THEN 'ambiguous'
    WHEN r.account_id IS NOT NULL THEN 'recycled'
    WHEN c.created_at < f.day::timestamptz THEN 'older'
    ELSE '' END AS doubt
  FROM claimed c LEFT JOIN recycled r USING (account_id) LEFT JOIN let_go g USING (account_id)
  LEFT JOIN first_day f ON f.identity_id = c.ids[1])
SELECT account_id, method, doubt,
  CASE WHEN doubt = '' AND holder_id IS NULL THEN claimant END AS identity_id
FROM judged
"""

MACHINES = """
CREATE TEMP TABLE staging_machine ON COMMIT DROP AS
WITH keyed AS (
  SELECT lower(identity_key) AS key, (array_agg(identity_key ORDER BY line))[1] AS name,
    (array_agg(identity_kind ORDER BY line) FILTER (WHERE identity_kind IS NOT NULL))[1] AS kind,
    (array_agg(fresh ORDER BY line))[1] AS fresh,
    (array_agg(purpose ORDER BY line) FILTER (WHERE purpose IS NOT NULL))[1] AS purpose,
    (array_agg(environment ORDER BY line) FILTER (WHERE environment IS NOT NULL))[1] AS environment
  FROM staging_claim WHERE identity_key IS NOT NULL AND identity_kind IS DISTINCT FROM 'human' GROUP BY 1),
known AS (
  SELECT lower(name) AS key, count(*) AS n, (array_agg(id))[1] AS id FROM accounts_identity
  WHERE kind <> 'human' AND lower(name) IN (SELECT key FROM keyed) GROUP BY 1)
SELECT k.*, coalesce(known.n, 0) AS n, known.id IS NULL AND k.kind IS NOT NULL AS is_new,
  coalesce(known.id, CASE WHEN k.kind IS NOT NULL THEN k.fresh END) AS identity_id
FROM keyed k LEFT JOIN known USING (key)
"""
MACHINE_LINKS = """
INSERT INTO staging_link (account_id, method, doubt, identity_id)
SELECT c.account_id, 'name', CASE WHEN m.n > 1 THEN 'ambiguous' ELSE '' END,
  CASE WHEN m.n <= 1 THEN m.identity_id END
FROM staging_claim c JOIN staging_machine m ON m.key = lower(c.identity_key)
WHERE c.identity_kind IS DISTINCT FROM 'human' AND c.holder_id IS NULL AND m.identity_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM staging_link l WHERE l.account_id = c.account_id)
  AND NOT EXISTS (SELECT FROM audit_event e WHERE e.subject_type = 'accounts.account'
    AND e.subject_id = c.account_id::text AND e.verb = 'account.unlinked')
"""

NEW_MACHINES = with_cards(
    """
WITH @cards@,
done AS (
  INSERT INTO accounts_identity
    (id, version, kind, name, email, status, title, department, purpose, environment, vendor, rhythm, card)
  SELECT s.identity_id, 1, s.kind, s.name, '', 'active', '', '', coalesce(s.purpose, ''),
    CASE WHEN length(s.environment) <= 24 THEN s.environment ELSE '' END, '', '', c.digest
  FROM staging_machine s JOIN card c ON c.key = s.identity_id RETURNING id, card)
INSERT INTO changed_row SELECT 'identity', 'new', id::text, card FROM done
""",
    "identity",
    key="identity_id",
    names=NAMED,
    rows="staging_machine WHERE is_new",
)
LINK_KNOWN = """
WITH done AS (
  UPDATE accounts_account a
  SET identity_id = l.identity_id, match_method = l.method, doubt = '', version = version + 1
  FROM staging_link l WHERE l.account_id = a.id AND l.identity_id IS NOT NULL AND a.identity_id IS NULL
  RETURNING a.id, a.card)
INSERT INTO changed_row SELECT 'account', 'linked', id::text, card FROM done
"""
DOUBT_KNOWN = """
WITH done AS (
  UPDATE accounts_account a SET doubt = l.doubt, version = version + 1
  FROM staging_link l WHERE l.account_id = a.id AND a.doubt <> l.doubt RETURNING a.id, a.card)
INSERT INTO changed_row SELECT 'account', 'doubted', id::text, card FROM done
"""


def decide(reading: Reading) -> None:
    """Fill `staging_link`: for each account that somebody is claimed for, whom it gets or why nobody."""
    reading.execute(CLAIMS_OF_PEOPLE if reading.is_of_people else CLAIMS_OF_SYSTEM)
    reading.execute("ANALYZE staging_claim")
    for statement in (CANDIDATES, LINKS, MACHINES, MACHINE_LINKS):
        reading.execute(statement)


def write_machines(reading: Reading) -> None:
    """Machine identities at first sight; nobody answers for them yet. Before the accounts that name them."""
    reading.execute(NEW_MACHINES)


def write(reading: Reading) -> None:
    """Link and doubt accounts that were known before; new ones got theirs when they were written."""
    reading.execute(LINK_KNOWN)
    reading.execute(DOUBT_KNOWN)
