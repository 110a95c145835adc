"""What follows from a reading and is kept as columns: what carries privilege, and whom a right acts as.

Kept because lists and rules ask for it of millions of grants; whatever is asked of one account or one day is
derived when it is asked (`accounts.models.effective`). Only rows whose answer changed are written.
"""

# Put together from constants; what is asked about travels as parameters.
# ruff: noqa: S608

from accounts.models.acting import EVERYWHERE, SAID
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

# A right of this system that acts as an account, here or elsewhere; and rights of gateways that act here. The
# whole of what it says may be an account's name here; else its words are read as session reach reads them.
ACTS_AS = f"""
WITH place AS (
  SELECT s.id AS system_id, lower(n) AS name FROM accounts_system s
  CROSS JOIN LATERAL unnest(s.hosts || s.code::text || s.name::text) n WHERE n <> ''),
worded AS (
  SELECT e.id, e.system_id, e.acts_as_name, e.acts_on_name, said.whom, p.system_id AS place,
    -- Everywhere on a system is here; everywhere behind a gateway is no place in particular.
    said.place = '' OR NOT g.is_gateway AND said.place ~ '{EVERYWHERE}' AS is_here
  FROM accounts_entitlement e JOIN accounts_system g ON g.id = e.system_id {SAID}
  LEFT JOIN place p ON p.name = said.place
  WHERE (e.acts_as_name <> '' OR e.acts_as_id IS NOT NULL)
    AND (e.system_id = %(system)s OR p.system_id = %(system)s)),
wanted AS (
  SELECT id, 0 AS likeness, acts_as_name AS whom, system_id AS place FROM worded
  WHERE acts_as_name <> '' AND acts_on_name = ''
  UNION ALL
  SELECT id, 2, whom, coalesce(place, CASE WHEN is_here THEN system_id END) FROM worded
  WHERE acts_as_name <> '' AND (acts_on_name <> '' OR whom <> acts_as_name)),
-- Two joins by equal keys: one with an OR in it would compare every right with every account.
named AS (
  SELECT w.id, a.id AS account_id, w.likeness FROM wanted w JOIN accounts_account a
    ON a.system_id = w.place AND a.external_id = w.whom AND a.gone_run_id IS NULL
  UNION ALL
  SELECT w.id, a.id, w.likeness + 1 FROM wanted w JOIN accounts_account a
    ON a.system_id = w.place AND lower(a.name) = lower(w.whom) AND a.gone_run_id IS NULL),
found AS (
  SELECT DISTINCT ON (w.id) w.id, n.account_id FROM worded w LEFT JOIN named n USING (id)
  ORDER BY w.id, n.likeness NULLS LAST, n.account_id)
UPDATE accounts_entitlement e SET acts_as_id = f.account_id
FROM found f WHERE e.id = f.id AND e.acts_as_id IS DISTINCT FROM f.account_id
"""


def write(reading: Reading) -> None:
    """After entitlements, accounts and inclusions stand."""
    reading.execute(CARRIES)
    reading.execute(ACTS_AS)
