"""The statement behind session reach: from what opens a session on a system up to everybody who holds it.

One walk upwards through indexes (OFFSET 0 keeps it there, whatever is thought of how large a table that was
just filled is): from a right to what brings it, to the accounts that hold it, and from these
to the rights to act as them. Steps are keys, those of accounts negative, so that one array holds the way and
shows a circle. Only constants are put together here; what is asked about travels as parameters.
"""

# ruff: noqa: S608 - put together from constants of this module, never from input

from typing import Final

from accounts.models.acting import IS_WHOLE_NAME, SAID

# How sure it is that it leads to the system that is asked about: named and placed are, the others are words.
_FITS: Final = f"""CASE
  WHEN t.id IS NOT NULL THEN CASE
    WHEN t.system_id = %(system)s AND t.gone_run_id IS NULL
      AND (NOT %(by_host)s OR said.place = '' OR said.place = ANY(%(places)s) OR said.place ~ %(words)s
           OR said.place ~ %(everywhere)s OR {IS_WHOLE_NAME}) THEN 'named' END
  WHEN said.place = ANY(%(places)s) THEN CASE WHEN cut.by_title THEN 'words' ELSE 'placed' END
  WHEN said.place = '' AND e.system_id = %(system)s THEN 'placed'
  WHEN said.place = '' THEN CASE
    WHEN (g.is_gateway OR e.reach = 'safe') AND lower(e.name) ~ %(words)s THEN 'words' END
  WHEN said.place ~ %(everywhere)s THEN CASE
    WHEN e.system_id = %(system)s THEN 'placed' WHEN g.is_gateway THEN 'everywhere' END
  WHEN said.place ~ %(words)s AND (g.is_gateway OR e.reach <> '' OR e.system_id = %(system)s) THEN 'words'
END"""

_PRIVILEGE: Final = "CASE WHEN {0}.carries_privilege THEN true ELSE {0}.is_privileged END"

# As `entitlement.time_boxed`, for an end that has not passed: one that has, and is still held, ended nothing.
_BOXED: Final = """(g.ends_at > %(now)s AND g.ends_at <= coalesce(lower(g.held),
  (SELECT r.received_at FROM accounts_importrun r WHERE r.id = g.known_from_run_id))
  + CASE WHEN (SELECT 'admin' = ANY(ge.marks) FROM accounts_entitlement ge WHERE ge.id = g.entitlement_id)
      THEN %(admin_window)s ELSE %(window)s END)"""

# A password that was seen can be used past the gateway, where nobody records.
_SEEN_BY: Final = """CASE WHEN 'secrets_read' = ANY({0}.marks) THEN '{{}}'::uuid[]
  ELSE ARRAY[{0}.system_id] END"""

PATHS: Final = f"""
WITH RECURSIVE
asked AS MATERIALIZED (
  SELECT a.id FROM accounts_account a
  WHERE a.system_id = %(system)s AND a.external_id = %(account)s AND a.gone_run_id IS NULL
  UNION
  SELECT a.id FROM accounts_account a
  WHERE a.system_id = %(system)s AND lower(a.name) = lower(%(account)s) AND a.gone_run_id IS NULL
    AND %(account)s <> ''
),
door AS MATERIALIZED (
  SELECT e.id, e.reach, {_PRIVILEGE.format("e")} AS is_privileged, {_SEEN_BY.format("e")} AS seen_by,
    coalesce(t.id, found.id) AS target_id, fit.is_any,
    CASE WHEN fit.is_any THEN '' ELSE said.whom END AS target_name,
    CASE WHEN said.place = ANY(%(hosts)s) THEN said.place ELSE '' END AS place, fit.fits
  FROM accounts_entitlement e
  JOIN accounts_system g ON g.id = e.system_id
  LEFT JOIN accounts_account t ON t.id = e.acts_as_id
  {SAID}
  CROSS JOIN LATERAL (SELECT {_FITS} AS fits,
    t.id IS NULL AND (said.whom = '' OR said.whom ~* %(everywhere)s) AS is_any) fit
  LEFT JOIN LATERAL (
    SELECT a.id FROM accounts_account a
    WHERE t.id IS NULL AND NOT fit.is_any AND a.system_id = %(system)s AND a.gone_run_id IS NULL
      AND a.external_id = said.whom LIMIT 1
  ) found ON true
  WHERE e.kind = 'act_as' AND fit.fits IS NOT NULL
    AND (%(with_unprivileged)s OR e.carries_privilege OR e.is_privileged IS NOT FALSE)
    AND (%(account)s = '' OR coalesce(t.id, found.id) IN (SELECT id FROM asked)
      OR CASE WHEN fit.is_any THEN position(lower(%(account)s) IN lower(said.whom)) = 0
         ELSE lower(said.whom) = lower(%(account)s) END)
),
own_right AS MATERIALIZED (
  SELECT e.id, e.is_privileged, e.reach FROM accounts_entitlement e
  WHERE e.system_id = %(system)s AND e.carries_privilege AND e.kind <> 'act_as' AND e.is_privileged
  UNION ALL
  SELECT e.id, e.is_privileged, e.reach FROM accounts_entitlement e
  WHERE e.system_id = %(system)s AND e.kind <> 'act_as' AND e.reach <> '' AND e.is_privileged IS NULL
),
walk AS (
  SELECT d.id AS door_id, false AS is_own, false AS at_account, d.id AS node, ARRAY[d.id]::bigint[] AS steps,
    '{{}}'::bigint[] AS grants, NULL::timestamptz AS since, NULL::timestamptz AS ends_at,
    false AS is_eligible, false AS is_boxed, NULL::timestamptz AS last_used_at, d.seen_by, 1 AS hops
  FROM door d
  UNION ALL
  SELECT r.id, true, false, r.id, ARRAY[r.id]::bigint[], '{{}}'::bigint[], NULL, NULL, false, false, NULL,
    '{{}}'::uuid[], 1
  FROM own_right r
  UNION ALL
  SELECT w.door_id, w.is_own, n.* FROM walk w CROSS JOIN LATERAL (
    SELECT false AS at_account, i.parent_id AS node, i.parent_id || w.steps AS steps, w.grants,
      greatest(w.since, lower(i.held)), w.ends_at, w.is_eligible, w.is_boxed, w.last_used_at, w.seen_by,
      w.hops
    FROM accounts_inclusion i
    WHERE NOT w.at_account AND i.child_id = w.node AND upper_inf(i.held) AND NOT i.parent_id = ANY(w.steps)
    UNION ALL
    SELECT true, g.account_id, -g.account_id || w.steps, g.id || w.grants,
      greatest(w.since, lower(g.held)), least(w.ends_at, g.ends_at), w.is_eligible OR g.is_eligible,
      w.is_boxed OR {_BOXED},
      -- Of a chain the earliest, because each link was used at least then; one unknown makes it unknown.
      CASE WHEN cardinality(w.grants) = 0 THEN u.last_used_at
           WHEN w.last_used_at IS NOT NULL AND u.last_used_at IS NOT NULL
           THEN least(w.last_used_at, u.last_used_at) END,
      w.seen_by, w.hops
    FROM (
      SELECT h.* FROM accounts_grant h WHERE NOT w.at_account AND h.entitlement_id = w.node
        AND upper_inf(h.held) AND NOT -h.account_id = ANY(w.steps)
        AND (NOT w.is_own OR %(account)s = '' OR h.account_id IN (SELECT id FROM asked))
      OFFSET 0
    ) g
    CROSS JOIN LATERAL (
      SELECT FROM accounts_account a
      WHERE a.id = g.account_id AND a.gone_run_id IS NULL AND a.is_enabled IS DISTINCT FROM false
        AND (a.expires_at IS NULL OR a.expires_at > %(now)s) OFFSET 0
    ) there
    LEFT JOIN LATERAL (
      SELECT used.last_used_at FROM accounts_grantuse used WHERE used.grant_id = g.id OFFSET 0
    ) u ON true
    UNION ALL
    SELECT false, e.id, e.id || w.steps, w.grants, w.since, w.ends_at, w.is_eligible, w.is_boxed,
      w.last_used_at, w.seen_by || {_SEEN_BY.format("e")}, w.hops + 1
    FROM accounts_entitlement e
    WHERE w.at_account AND NOT w.is_own AND w.hops < %(most_hops)s AND e.kind = 'act_as'
      AND e.acts_as_id = w.node AND NOT e.id = ANY(w.steps)
      AND (e.carries_privilege OR e.is_privileged IS NOT FALSE)
  ) n
  WHERE cardinality(n.steps) < %(longest)s
),
held AS MATERIALIZED (
  SELECT w.node AS account_id, array_agg(DISTINCT r.id) AS rights, bool_or(r.is_privileged) AS is_privileged,
    coalesce(array_agg(DISTINCT w.grants[1]) FILTER (WHERE r.is_privileged),
      array_agg(DISTINCT w.grants[1])) AS grants,
    min(w.since) FILTER (WHERE r.is_privileged) AS since,
    max(w.ends_at) FILTER (WHERE r.is_privileged) AS ends_at,
    bool_and(w.is_eligible) FILTER (WHERE r.is_privileged) AS is_eligible,
    bool_and(w.is_eligible OR w.is_boxed) FILTER (WHERE r.is_privileged) AS is_boxed,
    max(w.last_used_at) AS last_used_at,
    coalesce(array_agg(DISTINCT r.reach::text) FILTER (WHERE r.reach <> ''), '{{}}') AS reaches
  FROM walk w JOIN own_right r ON r.id = w.door_id
  WHERE w.is_own AND w.at_account GROUP BY w.node
),
wanted AS MATERIALIZED (  -- accounts that count as they are, whatever they hold
  SELECT d.target_id AS account_id FROM door d WHERE d.target_id IS NOT NULL UNION SELECT id FROM asked
),
own AS MATERIALIZED (
  SELECT h.* FROM held h
  WHERE h.is_privileged OR %(with_unprivileged)s OR h.account_id IN (SELECT account_id FROM wanted)
  UNION ALL
  SELECT w.account_id, '{{}}'::bigint[], NULL, '{{}}'::bigint[], NULL, NULL, NULL, NULL, NULL, '{{}}'::text[]
  FROM wanted w WHERE w.account_id NOT IN (SELECT account_id FROM held)
),
path AS (
  SELECT 'act_as' AS way, d.target_id, d.target_name, d.place, d.fits, d.is_privileged, w.node AS account_id,
    w.steps, '{{}}'::bigint[] AS rights, w.grants, ARRAY[d.reach::text] AS reaches, w.seen_by,
    CASE WHEN w.is_eligible THEN 'eligible' WHEN w.is_boxed THEN 'time_boxed' ELSE 'standing' END AS state,
    w.since, w.ends_at, w.last_used_at, '{{}}'::text[] AS opened_by
  FROM walk w JOIN door d ON d.id = w.door_id WHERE w.at_account AND NOT w.is_own
  UNION ALL
  SELECT 'own', a.id, a.name, '', 'named', own.is_privileged, a.id, ARRAY[-a.id]::bigint[], own.rights,
    own.grants, own.reaches, '{{}}'::uuid[],
    CASE WHEN own.is_eligible THEN 'eligible' WHEN own.is_boxed THEN 'time_boxed' ELSE 'standing' END,
    own.since, own.ends_at, greatest(own.last_used_at, a.last_used_at), opened.kinds
  FROM own CROSS JOIN LATERAL (
    SELECT o.id, o.name, o.kind, o.identity_id, o.is_enabled, o.expires_at, o.last_used_at
    FROM accounts_account o WHERE o.id = own.account_id OFFSET 0
  ) a
  CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(DISTINCT c.kind::text), '{{}}') AS kinds FROM accounts_credential c
    WHERE c.account_id = a.id AND c.gone_run_id IS NULL AND c.is_active IS DISTINCT FROM false
      AND c.kind <> 'mfa_device' AND (c.expires_at IS NULL OR c.expires_at > %(now)s)
  ) opened
  WHERE a.is_enabled IS DISTINCT FROM false AND (a.expires_at IS NULL OR a.expires_at > %(now)s)
    -- A role that no secret opens is nobody's own: whoever acts as it stands in the other rows.
    AND (a.kind <> 'role' OR a.identity_id IS NOT NULL OR opened.kinds <> '{{}}')
),
entry AS (
  SELECT p.*, t.name AS known_as, t.kind AS target_kind, a.name AS account_name, a.kind AS account_kind,
    s.code AS system_code, i.id AS identity_id, i.name AS identity_name, i.kind AS identity_kind,
    i.status, i.rhythm, m.id IS NOT NULL AS is_member,
    CASE WHEN i.kind = 'human' THEN 'people' WHEN i.id IS NOT NULL OR a.kind = 'machine' THEN 'machines'
         ELSE 'nobody' END AS who
  FROM path p
  CROSS JOIN LATERAL (
    SELECT o.id, o.name, o.kind, o.system_id, o.identity_id FROM accounts_account o
    WHERE o.id = p.account_id OFFSET 0
  ) a
  JOIN accounts_system s ON s.id = a.system_id
  LEFT JOIN LATERAL (
    SELECT o.name, o.kind FROM accounts_account o WHERE o.id = p.target_id OFFSET 0
  ) t ON true
  LEFT JOIN accounts_membership m ON m.account_id = a.id AND upper_inf(m.during)
    AND a.kind IN ('shared', 'emergency')
  LEFT JOIN LATERAL (
    SELECT n.id, n.name, n.kind, n.status, n.rhythm FROM accounts_identity n
    WHERE n.id = coalesce(m.identity_id, a.identity_id) OFFSET 0
  ) i ON true
)
"""

LISTED: Final = f"""
{PATHS}
SELECT way, target_id, coalesce(known_as, target_name), coalesce(target_kind, ''), place, fits, is_privileged,
  account_id, account_name, account_kind, system_code, identity_id, identity_name,
  coalesce(identity_kind, ''), coalesce(status, ''), coalesce(rhythm, ''), is_member, who, steps, rights,
  grants, reaches, seen_by, state, since, ends_at, last_used_at, opened_by
FROM entry
WHERE (%(who)s = '' OR who = %(who)s)
  AND (%(reach)s = '' OR CASE WHEN %(reach)s = 'own' THEN way = 'own' ELSE %(reach)s = ANY(reaches) END)
ORDER BY coalesce(known_as, target_name) = '',
  way = 'own' AND coalesce(target_kind, '') NOT IN ('shared', 'emergency', 'role'),
  lower(coalesce(known_as, target_name)), target_id, place, way DESC, who DESC,
  lower(coalesce(identity_name, account_name)), account_id, identity_id, steps
LIMIT %(most)s
"""

STAGE: Final = """
CREATE TEMP TABLE staging_reach (grant_id bigint, account_id bigint, system_id uuid) ON COMMIT DROP
"""
STAGED: Final = f"""
{PATHS}
INSERT INTO staging_reach
SELECT g.id, g.account_id, g.system_id
FROM (SELECT DISTINCT unnest(grants) AS id FROM path) p JOIN accounts_grant g ON g.id = p.id
"""

NAMES: Final = """
SELECT e.id, e.name, e.kind, s.code FROM accounts_entitlement e JOIN accounts_system s ON s.id = e.system_id
WHERE e.id = ANY(%(rights)s)
UNION ALL
SELECT -a.id, a.name, 'account', s.code FROM accounts_account a JOIN accounts_system s ON s.id = a.system_id
WHERE a.id = ANY(%(accounts)s)
"""
