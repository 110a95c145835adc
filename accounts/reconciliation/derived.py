"""What follows from a reading and is kept as columns: what carries privilege, and whom a right acts as.

Kept because lists and rules ask for it of millions of grants; whatever is asked of one account or one day is
derived when it is asked (`accounts.models.effective`). Only rows whose answer changed are written.
"""

from accounts.reconciliation.reading import Reading

# Upwards from what is privileged by itself: whoever brings it carries it. UNION ends circles of groups.
CARRIES = """
WITH RECURSIVE carried AS (
  SELECT e.id, e.id AS source FROM accounts_entitlement e
  WHERE e.system_id = %(system)s AND e.is_privileged
  UNION
  SELECT i.parent_id, c.source FROM carried c JOIN accounts_inclusion i
    ON i.child_id = c.id AND upper_inf(i.held)),
-- Of several, the one that is named stays the same from reading to reading.
answer AS (SELECT id, min(source) FILTER (WHERE source <> id) AS through, bool_or(source = id) AS itself
  FROM carried GROUP BY id),
told AS (
  SELECT e.id, a.id IS NOT NULL AS carries, CASE WHEN a.itself THEN NULL ELSE a.through END AS through
  FROM accounts_entitlement e LEFT JOIN answer a USING (id) WHERE e.system_id = %(system)s)
UPDATE accounts_entitlement e SET carries_privilege = t.carries, privileged_through_id = t.through
FROM told t WHERE e.id = t.id
  AND (e.carries_privilege, e.privileged_through_id) IS DISTINCT FROM (t.carries, t.through)
"""

# A right of this system that acts as an account, here or elsewhere; and rights of gateways that act here.
ACTS_AS = """
WITH place AS (
  SELECT s.id AS system_id, lower(n) AS name FROM accounts_system s
  CROSS JOIN LATERAL unnest(s.hosts || s.code::text || s.name::text) n WHERE n <> ''),
wanted AS (
  SELECT e.id, e.acts_as_name,
    coalesce(p.system_id, CASE WHEN e.acts_on_name = '' THEN e.system_id END) AS place
  FROM accounts_entitlement e LEFT JOIN place p ON p.name = lower(e.acts_on_name)
  WHERE e.acts_as_name <> '' AND (e.system_id = %(system)s OR p.system_id = %(system)s)),
-- Two joins by equal keys: one with an OR in it would compare every right with every account.
named AS (
  SELECT w.id, a.id AS account_id, 0 AS likeness FROM wanted w JOIN accounts_account a
    ON a.system_id = w.place AND a.external_id = w.acts_as_name AND a.gone_run_id IS NULL
  UNION ALL
  SELECT w.id, a.id, 1 FROM wanted w JOIN accounts_account a
    ON a.system_id = w.place AND lower(a.name) = lower(w.acts_as_name) AND a.gone_run_id IS NULL),
found AS (
  SELECT DISTINCT ON (w.id) w.id, n.account_id FROM wanted w LEFT JOIN named n USING (id)
  ORDER BY w.id, n.likeness NULLS LAST, n.account_id)
UPDATE accounts_entitlement e SET acts_as_id = f.account_id
FROM found f WHERE e.id = f.id AND e.acts_as_id IS DISTINCT FROM f.account_id
"""


def write(reading: Reading) -> None:
    """After entitlements, accounts and inclusions stand."""
    reading.execute(CARRIES)
    reading.execute(ACTS_AS)
