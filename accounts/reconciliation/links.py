"""Whose account it is, by rules of correlation, and machines by their own name. In doubt, nobody's.

A link that stands is never changed here: a reading that claims somebody else leaves a doubt for a person to
settle. What people said by hand holds: neither a link, nor one taken away, nor a *not theirs* is overridden.
Where no rule is sure, whom the others find is left with the account as a claim, for a person to settle.
"""

from collections.abc import Sequence
from typing import Final

from accounts.models import CorrelationRule
from accounts.reconciliation import matching
from accounts.reconciliation.carding import with_cards
from accounts.reconciliation.reading import Reading

MOST_CLAIMS: Final = 5  # people who are proposed for one account
NAMED = """format('{"kind":%%s,"name":%%s}', to_json(kind), to_json(name))"""
CLAIMS_OF_SYSTEM = """
CREATE TEMP TABLE staging_claim ON COMMIT DROP AS
SELECT s.account_id, %(system)s::uuid AS system_id, s.is_new, s.line, lower(s.name) AS login,
  CASE WHEN a.kind_by_hand THEN a.kind ELSE coalesce(s.kind, a.kind, '') END AS kind,
  s.identity_kind, s.identity_key, s.fresh, s.purpose, s.environment,
  coalesce(s.employee_number, a.employee_number, '') AS employee_number,
  lower(coalesce(s.email, a.email, '')) AS address,
  coalesce(s.display_name, a.display_name, '') AS display_name,
  coalesce(s.created_at, a.created_at) AS created_at, a.identity_id AS holder_id,
  coalesce(a.match_method, '') AS held_by, coalesce(a.doubt, '') AS doubt
FROM staging_account s LEFT JOIN accounts_account a ON a.id = s.account_id
"""
# New people may be those whom accounts that are known have been waiting for.
CLAIMS_OF_PEOPLE = """
CREATE TEMP TABLE staging_claim ON COMMIT DROP AS
SELECT a.id AS account_id, a.system_id, false AS is_new, 0 AS line, lower(a.name) AS login, a.kind,
  NULL::text AS identity_kind, NULL::text AS identity_key, NULL::uuid AS fresh, NULL::text AS purpose,
  NULL::text AS environment, a.employee_number, lower(a.email) AS address, a.display_name, a.created_at,
  a.identity_id AS holder_id, a.match_method AS held_by, a.doubt
FROM accounts_account a
WHERE a.gone_run_id IS NULL AND a.identity_id IS NULL
  AND a.kind NOT IN ('machine', 'shared', 'emergency', 'role')
LIMIT %(most)s
"""
HAS_PEOPLE = "SELECT EXISTS (SELECT FROM accounts_identity WHERE kind = 'human')"

# Who is claimed by rules that are sure. Several of them are an answer only where they agree.
CANDIDATES = """
CREATE TEMP TABLE staging_candidate ON COMMIT DROP AS
WITH claim AS (
  SELECT account_id, system_id, login, employee_number, address, display_name FROM staging_claim
  WHERE kind NOT IN ('machine', 'shared', 'emergency', 'role')
    AND coalesce(identity_kind, 'human') = 'human'),
hit AS (@hits@),
found AS (
  SELECT h.account_id, h.identity_id, count(DISTINCT h.n) AS rules, min(h.n) AS n FROM hit h
  WHERE NOT EXISTS (SELECT FROM accounts_correlationrefusal r
    WHERE r.account_id = h.account_id AND r.identity_id = h.identity_id)
  GROUP BY 1, 2),
told AS (
  SELECT h.account_id, count(DISTINCT h.n) AS rules FROM hit h
  JOIN found f USING (account_id, identity_id) GROUP BY 1)
SELECT f.account_id, min(f.n) AS n, coalesce(array_agg(f.identity_id) FILTER (WHERE f.rules = t.rules),
  array_agg(f.identity_id)) AS ids
FROM found f JOIN told t USING (account_id) GROUP BY 1
"""

LINKS = """
CREATE TEMP TABLE staging_link ON COMMIT DROP AS
WITH claimed AS (
  SELECT c.*, d.n, d.ids FROM staging_claim c JOIN staging_candidate d USING (account_id)),
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
refused AS (SELECT DISTINCT account_id FROM accounts_correlationrefusal),
judged AS (
  SELECT c.account_id, c.holder_id, c.n, c.ids[1] AS claimant, x.account_id IS NOT NULL AS is_by_hand, CASE
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
  LEFT JOIN refused x USING (account_id) LEFT JOIN first_day f ON f.identity_id = c.ids[1])
SELECT account_id, (%(rule_methods)s::text[])[n] AS method, doubt,
  CASE WHEN doubt = '' AND holder_id IS NULL AND NOT is_by_hand THEN claimant END AS identity_id,
  (%(rule_sure)s::smallint[])[n] AS confidence, NULL::jsonb AS claims
FROM judged
"""

# Whom any rule finds for accounts that stay nobody's, the surest first, with what speaks against each.
GUESSES = """
CREATE TEMP TABLE staging_guess ON COMMIT DROP AS
WITH claim AS (
  SELECT c.account_id, c.system_id, c.login, c.employee_number, c.address, c.display_name, c.created_at
  FROM staging_claim c WHERE c.holder_id IS NULL
    AND kind NOT IN ('machine', 'shared', 'emergency', 'role') AND coalesce(identity_kind, 'human') = 'human'
    AND NOT EXISTS (SELECT FROM staging_link l WHERE l.account_id = c.account_id
      AND l.identity_id IS NOT NULL)),
hit AS (@hits@),
best AS (
  SELECT DISTINCT ON (h.account_id, h.identity_id) h.account_id, h.identity_id, h.n,
    (%(rule_sure)s::int[])[h.n] AS sure
  FROM hit h WHERE NOT EXISTS (SELECT FROM accounts_correlationrefusal r
    WHERE r.account_id = h.account_id AND r.identity_id = h.identity_id)
  ORDER BY h.account_id, h.identity_id, (%(rule_sure)s::int[])[h.n] DESC, h.n),
let_go AS (
  SELECT DISTINCT e.subject_id AS account, p.facts ->> 'before' AS identity
  FROM audit_event e JOIN audit_payload p ON p.event_id = e.id WHERE e.verb = 'account.unlinked'),
placed AS (
  SELECT b.*, c.system_id, c.login, c.created_at,
    row_number() OVER (PARTITION BY b.account_id ORDER BY b.sure DESC, b.identity_id) AS place
  FROM best b JOIN claim c USING (account_id)
  WHERE NOT EXISTS (SELECT FROM let_go g
    WHERE g.account = b.account_id::text AND g.identity = b.identity_id::text)),
shown AS (SELECT * FROM placed WHERE place <= @most@),
former AS (  -- who left, and held an account of that login there, or this one
  SELECT DISTINCT s.account_id, o.identity_id FROM shown s
  JOIN accounts_account o ON o.system_id = s.system_id AND lower(o.name) = s.login
  JOIN accounts_identity i ON i.id = o.identity_id AND i.kind = 'human' AND i.status = 'left'
  UNION
  SELECT s.account_id, i.id FROM shown s JOIN let_go g ON g.account = s.account_id::text
  JOIN accounts_identity i ON i.id::text = g.identity AND i.kind = 'human' AND i.status = 'left'),
first_day AS (
  SELECT identity_id, CASE WHEN bool_and(starts_on IS NOT NULL) THEN min(starts_on) END AS day
  FROM accounts_engagement WHERE identity_id IN (SELECT identity_id FROM shown) GROUP BY 1),
recycled AS (
  SELECT DISTINCT s.account_id, s.identity_id FROM shown s JOIN former o USING (account_id)
  WHERE o.identity_id <> s.identity_id),
judged AS (
  SELECT s.*, CASE WHEN r.account_id IS NOT NULL THEN 'recycled'
    WHEN s.created_at < f.day::timestamptz THEN 'older' END AS against
  FROM shown s LEFT JOIN recycled r USING (account_id, identity_id) LEFT JOIN first_day f USING (identity_id))
SELECT account_id, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
  'identity', identity_id, 'rule', (%(rule_keys)s::text[])[n], 'confidence', sure, 'doubt', against))
  ORDER BY place) AS claims
FROM judged GROUP BY 1
""".replace("@most@", str(MOST_CLAIMS))
CLAIM_DOUBTED = (
    "UPDATE staging_link l SET claims = g.claims FROM staging_guess g WHERE g.account_id = l.account_id"
)
CLAIM_OTHERS = """
INSERT INTO staging_link (account_id, method, doubt, claims)
SELECT g.account_id, '', c.doubt, g.claims FROM staging_guess g JOIN staging_claim c USING (account_id)
WHERE NOT EXISTS (SELECT FROM staging_link l WHERE l.account_id = g.account_id)
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
  SET identity_id = l.identity_id, match_method = l.method, confidence = l.confidence, doubt = '',
    claims = '[]', version = version + 1
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
CLAIM_KNOWN = """
WITH done AS (
  UPDATE accounts_account a SET claims = l.claims, version = version + 1
  FROM staging_link l WHERE l.account_id = a.id AND a.identity_id IS NULL AND a.claims <> l.claims
  RETURNING a.id, a.card)
INSERT INTO changed_row SELECT 'account', 'claimed', id::text, card FROM done
"""
UNCLAIM_KNOWN = """
WITH done AS (
  UPDATE accounts_account a SET claims = '[]', version = version + 1
  FROM staging_claim c WHERE c.account_id = a.id AND a.identity_id IS NULL AND a.claims <> '[]'
    AND NOT EXISTS (SELECT FROM staging_link l WHERE l.account_id = a.id AND l.claims IS NOT NULL)
  RETURNING a.id, a.card)
INSERT INTO changed_row SELECT 'account', 'unclaimed', id::text, card FROM done
"""


def decide(
    reading: Reading, *, rules: Sequence[CorrelationRule] | None = None, most: int | None = None
) -> None:
    """Fill `staging_link`: for each account that somebody is claimed for, whom it gets or why nobody.

    `rules` are those in force unless others are to be tried; `most` accounts are looked at where a person
    waits for the answer.
    """
    asked = list(CorrelationRule.objects.in_force() if rules is None else rules)
    told = matching.told(asked) | {"most": most}
    reading.execute("DROP TABLE IF EXISTS staging_guess")
    reading.execute(CLAIMS_OF_PEOPLE if reading.is_of_people else CLAIMS_OF_SYSTEM, **told)
    reading.execute("ANALYZE staging_claim")
    has_people = reading.one(HAS_PEOPLE)[0]
    sure = matching.hits(asked, only_sure=True) if has_people else matching.NO_HIT
    for statement in (CANDIDATES.replace("@hits@", sure), LINKS, MACHINES, MACHINE_LINKS):
        reading.execute(statement, **told)
    if has_people:
        every = matching.hits(asked, only_sure=False)
        for statement in (GUESSES.replace("@hits@", every), CLAIM_DOUBTED, CLAIM_OTHERS):
            reading.execute(statement, **told)


def write_machines(reading: Reading) -> None:
    """Machine identities at first sight; nobody answers for them yet. Before the accounts that name them."""
    reading.execute(NEW_MACHINES)


def write(reading: Reading) -> None:
    """Link, doubt and claim accounts that were known before; new ones got theirs when they were written."""
    for statement in (LINK_KNOWN, DOUBT_KNOWN, CLAIM_KNOWN, UNCLAIM_KNOWN):
        reading.execute(statement)
