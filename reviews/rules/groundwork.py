"""What many rules ask for, found once per evaluation and kept in temporary tables until its end.

`rule_system`   every system: number, until when what is known of it reaches, in production or not
`rule_power`    privileged rights held now, by themselves or through what they bring, whoever holds them
`rule_account`  accounts that can act: neither gone, nor switched off, nor at their own end
`rule_left`     identities that left
`rule_machine`  machine identities in force, with who answers for them, themselves or through an application,
                and whether they work in production, or `everywhere`: there and outside
`rule_marked`   entitlements with what makes them dangerous, by themselves or through what they bring
`rule_secret`   credentials that work, of accounts that can act
`rule_twin`     of those, the ones whose fingerprint is found on more than one account

An unknown is NULL here as everywhere; no rule takes it for an answer.
"""

from typing import Any

from django.db import connection

SYSTEM = """
CREATE TEMP TABLE rule_system ON COMMIT DROP AS
SELECT s.id AS system_id, row_number() OVER (ORDER BY s.id) AS number,
  s.environment = 'production' AS production, least(r.seen_until, %(at)s) AS seen_until
FROM accounts_system s LEFT JOIN (
  SELECT o.system_id, max(coalesce(r.taken_at, r.received_at)) AS seen_until
  FROM accounts_source o JOIN accounts_importrun r ON r.source_id = o.id AND r.state = 'applied'
  GROUP BY o.system_id) r ON r.system_id = s.id
"""

# `since` is unknown where the source does not tell; then the reading counts that showed it first.
POWER = """
CREATE TEMP TABLE rule_power ON COMMIT DROP AS
SELECT g.id, g.account_id, g.is_eligible, g.ends_at, lower(g.held) AS since,
  CASE WHEN lower_inf(g.held) THEN g.known_from_run_id END AS shown_by_id, 'admin' = ANY(e.marks) AS is_admin
FROM accounts_entitlement e JOIN accounts_grant g ON g.entitlement_id = e.id AND upper_inf(g.held)
WHERE e.carries_privilege
"""

ACCOUNT = """
CREATE TEMP TABLE rule_account ON COMMIT DROP AS
SELECT a.id, a.identity_id, a.kind, a.last_used_at, s.system_id, s.number, s.production, s.seen_until,
  CASE WHEN a.identity_id IS NOT NULL THEN h.id IS NOT NULL WHEN a.kind = 'machine' THEN false END
    AS is_human,
  p.account_id IS NOT NULL AS privileged
FROM accounts_account a JOIN rule_system s ON s.system_id = a.system_id
LEFT JOIN (SELECT id FROM accounts_identity WHERE kind = 'human') h ON h.id = a.identity_id
LEFT JOIN (SELECT DISTINCT account_id FROM rule_power) p ON p.account_id = a.id
WHERE a.gone_run_id IS NULL AND a.is_enabled IS NOT FALSE
  AND (a.expires_at IS NULL OR a.expires_at > %(at)s)
"""

LEFT = """
CREATE TEMP TABLE rule_left ON COMMIT DROP AS
SELECT id, kind FROM accounts_identity WHERE status = 'left'
"""

MACHINE = """
CREATE TEMP TABLE rule_machine ON COMMIT DROP AS
SELECT i.id, i.kind, i.vendor, i.vendor_contact, i.contract_end, i.review_by, i.rhythm,
  cardinality(i.consumers) AS consumers, i.created_at, i.application_id,
  CASE WHEN i.owner_id IS NOT NULL AND gone.id IS NULL THEN i.owner_id
    WHEN p.is_here THEN p.owner_id ELSE coalesce(i.owner_id, p.owner_id) END AS owner_id,
  (i.owner_id IS NULL OR gone.id IS NOT NULL) AND p.is_here IS NOT TRUE
    AND coalesce(i.owner_id, p.owner_id) IS NOT NULL AS owner_left,
  i.deputy_id IS NOT NULL AND behind.id IS NULL OR p.has_deputy IS TRUE AS has_deputy,
  held.system_id, coalesce(held.privileged, false) AS privileged, held.id IS NOT NULL AS has_account,
  coalesce(held.production, false) OR lower(i.environment) IN ('production', 'prod') AS production,
  coalesce(held.everywhere, false) AS everywhere
FROM accounts_identity i
LEFT JOIN rule_left gone ON gone.id = i.owner_id
LEFT JOIN rule_left behind ON behind.id = i.deputy_id
LEFT JOIN (
  SELECT a.id, a.owner_id, a.owner_id IS NOT NULL AND o.id IS NULL AS is_here,
    a.deputy_id IS NOT NULL AND d.id IS NULL AS has_deputy
  FROM accounts_application a LEFT JOIN rule_left o ON o.id = a.owner_id
  LEFT JOIN rule_left d ON d.id = a.deputy_id) p ON p.id = i.application_id
LEFT JOIN (
  SELECT f.id, f.privileged, f.production, f.everywhere, s.system_id
  FROM (
    SELECT identity_id AS id, bool_or(privileged) AS privileged, bool_or(production) AS production,
      bool_or(production) AND bool_or(NOT production) AS everywhere,
      CASE WHEN min(number) = max(number) THEN min(number) END AS number
    FROM rule_account WHERE is_human IS FALSE AND identity_id IS NOT NULL GROUP BY identity_id) f
  LEFT JOIN rule_system s ON s.number = f.number) held ON held.id = i.id
WHERE i.kind <> 'human' AND i.status <> 'left'
"""

MARKED = """
CREATE TEMP TABLE rule_marked ON COMMIT DROP AS
WITH RECURSIVE marked AS (
  SELECT e.id, m.mark FROM accounts_entitlement e CROSS JOIN LATERAL unnest(e.marks) AS m(mark)
  WHERE e.marks <> '{}'
  UNION
  SELECT i.parent_id, m.mark FROM marked m JOIN accounts_inclusion i
    ON i.child_id = m.id AND upper_inf(i.held))
SELECT id, array_agg(mark ORDER BY mark) AS marks FROM marked GROUP BY id
"""

SECRETS = """
CREATE TEMP TABLE rule_secret ON COMMIT DROP AS
SELECT c.id, c.account_id, c.kind, c.fingerprint, c.is_slot, c.created_at, c.rotated_at, c.expires_at,
  c.last_used_at, c.exposed_at, c.storage, c.weakness, coalesce(c.rotated_at, c.created_at) AS same_since,
  a.identity_id, a.system_id, a.is_human, a.privileged, a.production, a.seen_until, a.kind AS account_kind
FROM accounts_credential c JOIN rule_account a ON a.id = c.account_id
WHERE c.gone_run_id IS NULL AND c.is_active IS NOT FALSE AND c.kind <> 'mfa_device'
"""

TWIN = """
CREATE TEMP TABLE rule_twin ON COMMIT DROP AS
SELECT s.* FROM rule_secret s JOIN (
  SELECT fingerprint, kind FROM rule_secret WHERE NOT is_slot AND kind NOT IN ('password', 'federated')
  GROUP BY fingerprint, kind HAVING min(account_id) <> max(account_id)) d USING (fingerprint, kind)
WHERE NOT s.is_slot
"""

# In this order: later ones read earlier ones. With the columns whose spread the planner has to know.
TABLES = {
    "rule_system": (SYSTEM, "system_id, number"),
    "rule_power": (POWER, "id, account_id, is_eligible"),
    "rule_account": (ACCOUNT, "id, identity_id, system_id, kind, is_human, privileged, production"),
    "rule_left": (LEFT, "id, kind"),
    "rule_machine": (MACHINE, "id, kind, owner_id, application_id, rhythm, vendor, privileged, owner_left"),
    "rule_marked": (MARKED, "id"),
    "rule_secret": (
        SECRETS,
        "account_id, identity_id, system_id, kind, is_human, storage, weakness, is_slot",
    ),
    "rule_twin": (TWIN, "fingerprint, kind"),
}


def lay(told: dict[str, Any]) -> None:
    """Make the tables; the transaction's end removes them, and so does `clear`."""
    clear()
    with connection.cursor() as cursor:
        for name, (statement, columns) in TABLES.items():
            cursor.execute(statement, told)
            cursor.execute(f"ANALYZE {name} ({columns})")


def clear() -> None:
    """Remove what an evaluation of the same transaction left."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(TABLES)}")
