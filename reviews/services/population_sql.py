"""The statements behind a population: who is in it, who reviews it and by which rule, and what is left out.

One statement fills a temporary table; the preview reads it and a launch copies it, so that what was
looked at is what is frozen. Set-based throughout: a million candidates are one pass.
"""

# ruff: noqa: S608 - put together from constants of this module and of models/leaf.py, never from input

from dataclasses import dataclass
from typing import Final

from reviews.models import leaf

# Who may be asked, in this order; the first who exists, is there, and decides on nothing of their own.
# A person's access: the manager, or the next one up who is there. A machine's: its owner attests what is
# not privileged, everything else is decided by the system's owner. What has neither: the fallback.
_CHOICES: Final = (
    ("manager", "CASE WHEN kind_of = 'human' AND mgr_depth = 1 THEN mgr END"),
    ("manager_up", "CASE WHEN kind_of = 'human' THEN mgr END"),
    ("owner", "CASE WHEN kind_of <> 'human' AND is_privileged IS FALSE THEN owner END"),
    ("system_owner", "CASE WHEN kind_of IS DISTINCT FROM 'human' THEN system_owner END"),
    ("system_owner_up", "CASE WHEN kind_of IS DISTINCT FROM 'human' THEN system_owner_up END"),
    ("fallback", "fallback"),
    ("fallback_up", "fallback_up"),
)


def _first(then: str) -> str:
    """CASE over the choices; `then` is 'who' or 'rule'."""
    # A vacancy needs its own test: NULL <> ALL('{}') is true.
    arms = (
        f"WHEN ({who}) IS NOT NULL AND ({who}) <> ALL(barred) THEN {who if then == 'who' else repr(rule)}"
        for rule, who in _CHOICES
    )
    return "CASE " + " ".join(arms) + " END"


REVIEWER: Final = _first("who")
REVIEWER_RULE: Final = f"coalesce({_first('rule')}, '')"

# Why something of the chosen systems is not in the review; the first reason counts. Empty: it is in.
CODE: Final = """CASE
  WHEN is_gone THEN 'account_gone'
  WHEN kind = 'account' THEN 'nothing_held'
  WHEN kind = 'credential' AND NOT is_machine THEN 'not_of_a_machine'
  WHEN kind = 'credential' AND NOT %(with_credentials)s THEN 'credentials_not_chosen'
  WHEN kind_of <> ALL(%(kinds)s) THEN 'kind_not_chosen'
  WHEN %(session_reach)s AND NOT gives_reach THEN 'no_session_reach'
  -- What opens privileged sessions is judged even where nobody knows whether the right itself is privileged.
  WHEN %(privileged_only)s AND NOT %(session_reach)s AND is_privileged IS FALSE THEN 'not_privileged'
  WHEN %(privileged_only)s AND NOT %(session_reach)s AND is_privileged IS NULL THEN 'privileged_unknown'
  WHEN is_leaving THEN 'removal_on_its_way'
  WHEN reviewer_id IS NULL THEN 'no_reviewer'
  ELSE '' END"""

# Changed first, then risk; the sum fits a smallint and is frozen.
RANK: Final = """(
  CASE delta WHEN 'back' THEN 400 WHEN 'new' THEN 200 ELSE 0 END
  + CASE WHEN is_privileged THEN 80 WHEN is_privileged IS NULL THEN 40 ELSE 0 END
  + CASE WHEN subject_status = 'left' THEN 60 ELSE 0 END
  + CASE WHEN subject_id IS NULL THEN 40 ELSE 0 END
  + CASE WHEN kind_of <> 'human' AND accountable_id IS NULL THEN 20 ELSE 0 END
  + CASE WHEN last_used_at IS NULL THEN 10 WHEN last_used_at < %(used_since)s THEN 15 ELSE 0 END
)::smallint"""

GATHER: Final = f"""
CREATE TEMP TABLE staging_population ON COMMIT DROP AS
WITH RECURSIVE
scope AS MATERIALIZED (
  SELECT id, code, owner_id, id = ANY(%(systems)s) AS is_chosen FROM accounts_system
  WHERE id = ANY(%(systems)s) OR id IN (SELECT system_id FROM staging_reach)
),
shown_by AS MATERIALIZED (  -- the last complete reading of each source, by what it covers
  SELECT DISTINCT ON (run.source_id, covered.kind) run.source_id, covered.kind, run.id, run.applied_at
  FROM accounts_importrun run CROSS JOIN LATERAL unnest(run.covers) AS covered(kind)
  WHERE run.state = 'applied' AND run.is_complete
  ORDER BY run.source_id, covered.kind, run.applied_at DESC, run.id DESC
),
held_right AS MATERIALIZED (
  SELECT g.id, g.account_id, g.entitlement_id, g.system_id,
         CASE WHEN e.carries_privilege THEN true ELSE e.is_privileged END AS is_privileged,
         e.card, lower(g.held) AS since,
         u.last_used_at, u.source AS last_used_source, g.known_from_run_id AS first_run_id
  FROM accounts_grant g
  JOIN scope ON scope.id = g.system_id
  JOIN accounts_entitlement e ON e.id = g.entitlement_id
  LEFT JOIN accounts_grantuse u ON u.grant_id = g.id
  WHERE upper_inf(g.held)
    AND (scope.is_chosen OR g.id IN (SELECT grant_id FROM staging_reach))
),
holds AS MATERIALIZED (  -- a credential is as privileged as the account it opens; unknown stays unknown
  SELECT account_id,
         CASE WHEN bool_or(is_privileged) THEN true
              WHEN bool_or(is_privileged IS NULL) THEN NULL ELSE false END AS is_privileged
  FROM held_right GROUP BY account_id
),
candidate AS (
  SELECT 'grant' AS kind, id AS grant_id, NULL::bigint AS credential_id, account_id, entitlement_id,
         system_id, is_privileged, card AS entitlement_card, since, last_used_at, last_used_source,
         first_run_id
  FROM held_right
  UNION ALL
  SELECT 'credential', NULL, c.id, c.account_id, NULL, a.system_id, holds.is_privileged, NULL,
         coalesce(c.rotated_at, c.created_at), c.last_used_at, '', c.first_run_id
  FROM accounts_credential c
  JOIN accounts_account a ON a.id = c.account_id
  JOIN scope ON scope.id = a.system_id
  LEFT JOIN holds ON holds.account_id = a.id
  WHERE c.gone_run_id IS NULL
    AND (scope.is_chosen OR a.id IN (SELECT account_id FROM staging_reach))
  UNION ALL
  SELECT 'account', NULL, NULL, a.id, NULL, a.system_id, NULL, NULL, a.created_at, a.last_used_at, '',
         a.first_run_id
  FROM accounts_account a
  JOIN scope ON scope.id = a.system_id AND scope.is_chosen
  LEFT JOIN holds ON holds.account_id = a.id
  WHERE a.gone_run_id IS NULL AND holds.account_id IS NULL
),
member AS MATERIALIZED (  -- who shares an account decides on it as little as its one holder would
  SELECT m.account_id, array_agg(m.identity_id) AS ids
  FROM accounts_membership m
  JOIN accounts_account a ON a.id = m.account_id
  JOIN scope ON scope.id = a.system_id
  WHERE m.during @> %(at)s GROUP BY m.account_id
),
iam AS MATERIALIZED (
  SELECT identity_id FROM users_user WHERE 'iam' = ANY(roles) AND is_active AND identity_id IS NOT NULL
),
start AS MATERIALIZED (  -- access of IAM administrators and of the campaign's creator is decided outside IAM
  SELECT begun.id, begun.id IN (SELECT identity_id FROM iam) OR begun.id = %(creator)s AS is_outside
  FROM (
    SELECT i.id FROM accounts_account a JOIN scope ON scope.id = a.system_id
    JOIN accounts_identity i ON i.id = a.identity_id AND i.kind = 'human'
    UNION SELECT owner_id FROM scope WHERE owner_id IS NOT NULL
    UNION SELECT %(fallback)s::uuid
  ) AS begun
),
up AS (  -- from somebody to the first above them who is there: vacant, left and on leave are passed over
  SELECT start.id AS start_id, start.is_outside, m.id, m.manager_id, 1 AS depth,
         ARRAY[start.id, m.id] AS path,
         m.status = 'active'
           AND NOT (coalesce(start.is_outside, false) AND m.id IN (SELECT identity_id FROM iam)) AS fits
  FROM start JOIN accounts_identity i ON i.id = start.id JOIN accounts_identity m ON m.id = i.manager_id
  UNION ALL
  SELECT up.start_id, up.is_outside, m.id, m.manager_id, up.depth + 1, up.path || m.id,
         m.status = 'active'
           AND NOT (coalesce(up.is_outside, false) AND m.id IN (SELECT identity_id FROM iam))
  FROM up JOIN accounts_identity m ON m.id = up.manager_id
  WHERE NOT up.fits AND m.id <> ALL(up.path)
),
above AS MATERIALIZED (SELECT start_id, id, depth FROM up WHERE fits),
last_resort AS MATERIALIZED (
  SELECT CASE WHEN f.status = 'active' THEN f.id END AS fallback, above.id AS fallback_up
  FROM accounts_identity f LEFT JOIN above ON above.start_id = f.id WHERE f.id = %(fallback)s
),
leaving AS MATERIALIZED (  -- asked to go already, and not come back as impossible
  SELECT grant_id, credential_id, account_id FROM accounts_revocation
  WHERE state IN ('requested', 'reported') AND act IN ('remove', 'disable')
    AND system_id IN (SELECT id FROM scope)
),
judged AS MATERIALIZED (
  SELECT item.grant_id, item.credential_id, item.account_id, item.entitlement_id,
         bool_or(item.verdict = 'revoke' OR item.ended_as <> '') AS was_ended
  FROM reviews_reviewitem item JOIN reviews_campaign c ON c.id = item.campaign_id AND c.state = 'closed'
  WHERE item.system_id IN (SELECT id FROM scope)
  GROUP BY item.grant_id, item.credential_id, item.account_id, item.entitlement_id
),
ended AS MATERIALIZED (
  SELECT DISTINCT judged.account_id, judged.entitlement_id
  FROM judged JOIN accounts_grant g ON g.id = judged.grant_id
  WHERE judged.was_ended AND NOT upper_inf(g.held)
),
known AS (
  SELECT c.*, scope.code AS system_code, a.card AS account_card, a.kind AS account_kind,
         a.gone_run_id IS NOT NULL AS is_gone,
         i.id AS subject_id, coalesce(i.kind, '') AS subject_kind, i.kind AS kind_of, i.card AS subject_card,
         i.status AS subject_status,
         CASE WHEN i.kind = 'human' THEN i.id ELSE o.id END AS accountable_id,
         coalesce(i.kind <> 'human', a.kind = 'machine') AS is_machine,
         mgr.id AS mgr, mgr.depth AS mgr_depth,
         CASE WHEN o.status = 'active' THEN o.id END AS owner,
         CASE WHEN so.status = 'active' THEN so.id END AS system_owner, so_up.id AS system_owner_up,
         last_resort.fallback, last_resort.fallback_up,
         array_remove(
           ARRAY[i.id, CASE WHEN i.kind <> 'human' AND c.is_privileged IS NOT FALSE THEN o.id END]
           || member.ids, NULL) AS barred,
         run.source_id AS source_id,
         CASE WHEN shown_by.applied_at >= run.applied_at THEN shown_by.id ELSE run.id END AS run_id,
         CASE c.kind WHEN 'grant' THEN c.grant_id IN (SELECT grant_id FROM staging_reach)
           ELSE c.account_id IN (SELECT account_id FROM staging_reach) END AS gives_reach,
         leaving_grant.grant_id IS NOT NULL OR leaving_credential.credential_id IS NOT NULL
           OR leaving_account.account_id IS NOT NULL AS is_leaving,
         CASE WHEN judged_grant.grant_id IS NOT NULL
                OR judged_credential.credential_id IS NOT NULL THEN 'same'
              WHEN ended.account_id IS NOT NULL THEN 'back' ELSE 'new' END AS delta
  FROM candidate c
  CROSS JOIN last_resort
  JOIN scope ON scope.id = c.system_id
  JOIN accounts_account a ON a.id = c.account_id
  JOIN accounts_importrun run ON run.id = c.first_run_id
  LEFT JOIN shown_by ON shown_by.source_id = run.source_id AND shown_by.kind = c.kind
  LEFT JOIN accounts_identity i ON i.id = a.identity_id
  LEFT JOIN accounts_identity own ON own.id = i.owner_id
  LEFT JOIN accounts_application app ON app.id = i.application_id
  LEFT JOIN accounts_identity through ON through.id = app.owner_id
  LEFT JOIN accounts_identity o ON o.id = CASE WHEN own.status <> 'left' THEN own.id
    WHEN through.status <> 'left' THEN through.id ELSE coalesce(own.id, through.id) END
  LEFT JOIN accounts_identity so ON so.id = scope.owner_id
  LEFT JOIN above so_up ON so_up.start_id = scope.owner_id
  LEFT JOIN above mgr ON mgr.start_id = i.id
  LEFT JOIN member ON member.account_id = a.id
  LEFT JOIN leaving leaving_grant ON leaving_grant.grant_id = c.grant_id
  LEFT JOIN leaving leaving_credential ON leaving_credential.credential_id = c.credential_id
  LEFT JOIN leaving leaving_account ON leaving_account.account_id = c.account_id
  LEFT JOIN judged judged_grant ON judged_grant.grant_id = c.grant_id
  LEFT JOIN judged judged_credential ON judged_credential.credential_id = c.credential_id
  LEFT JOIN ended ON ended.account_id = c.account_id AND ended.entitlement_id = c.entitlement_id
),
chosen AS (SELECT known.*, {REVIEWER} AS reviewer_id, {REVIEWER_RULE} AS reviewer_rule FROM known)
SELECT kind, grant_id, credential_id, account_id, entitlement_id, system_id, system_code, subject_id,
       accountable_id, subject_kind, account_kind, subject_card, account_card, entitlement_card,
       is_privileged, since, last_used_at, coalesce(last_used_source, '') AS last_used_source, run_id,
       source_id, reviewer_id, reviewer_rule, delta, {RANK} AS rank, {CODE} AS code,
       coalesce(grant_id, credential_id, account_id) AS key_id
FROM chosen
"""

# Ordered by reviewer, so that one reviewer's items lie on neighbouring pages of the table.
ORDER: Final = "reviewer_id, rank DESC, subject_id, system_code, entitlement_id, kind, key_id"

FREEZE_ITEMS: Final = f"""
WITH numbered AS (
  SELECT p.*, row_number() OVER (ORDER BY {ORDER})::int AS number, 1 AS v, %(code)s::text AS campaign_code
  FROM staging_population p WHERE p.code = ''
)
INSERT INTO reviews_reviewitem (
  campaign_id, number, kind, grant_id, credential_id, account_id, entitlement_id, system_id, subject_id,
  accountable_id, subject_kind, subject_card, account_card, entitlement_card, is_privileged, since,
  last_used_at, last_used_source, run_id, reviewer_rule, delta, rank, assignment_id, leaf, stage, ordinal,
  verdict, ended_as)
SELECT %(campaign)s, n.number, n.kind, n.grant_id, n.credential_id, n.account_id, n.entitlement_id,
  n.system_id, n.subject_id, n.accountable_id, n.subject_kind, n.subject_card, n.account_card,
  n.entitlement_card, n.is_privileged, n.since, n.last_used_at, n.last_used_source, n.run_id,
  n.reviewer_rule, n.delta, n.rank, share.id,
  sha256('\\x00'::bytea || convert_to({leaf.line_sql(leaf.ITEM, "n")}, 'UTF8')),
  1, 0, '', ''
FROM numbered n
JOIN reviews_assignment share ON share.campaign_id = %(campaign)s AND share.reviewer_id = n.reviewer_id
ORDER BY n.number
"""

FREEZE_EXCLUSIONS: Final = """
INSERT INTO reviews_exclusion
  (campaign_id, kind, subject_id, code, system_code, account_card, entitlement_card)
SELECT %(campaign)s, kind, key_id, code, system_code, account_card, entitlement_card
FROM staging_population WHERE code <> '' ORDER BY kind COLLATE "C", key_id
"""

EXCLUSION_LINES: Final = f"""
SELECT {leaf.line_sql(leaf.EXCLUSION, "x")}
FROM (SELECT *, 1 AS v FROM reviews_exclusion WHERE campaign_id = %(campaign)s) x
ORDER BY x.kind COLLATE "C", x.subject_id
"""

# Tells whether somebody who launches saw what is there: it changes with any row, reviewer or reason.
FINGERPRINT: Final = """
SELECT count(*) FILTER (WHERE code = '')
       || '-' || to_hex(coalesce(
         bit_xor(hashtextextended(concat_ws('|', kind, key_id, reviewer_id, code), 0)), 0))
FROM staging_population
"""


@dataclass(frozen=True)
class Relation:
    """Where the rows of a population are: in the temporary table, or frozen."""

    items: str
    left_out: str
    order: str


STAGED: Final = Relation(
    items="(SELECT * FROM staging_population WHERE code = '')",
    left_out="""(SELECT kind, key_id AS subject_id, code, system_code FROM staging_population
      WHERE code <> '')""",
    order=ORDER,
)
FROZEN: Final = Relation(
    items="""(SELECT i.*, s.code AS system_code, a.reviewer_id FROM reviews_reviewitem i
      JOIN reviews_assignment a ON a.id = i.assignment_id
      JOIN accounts_system s ON s.id = i.system_id WHERE i.campaign_id = %(campaign)s)""",
    left_out="""(SELECT kind, subject_id, code, system_code FROM reviews_exclusion
      WHERE campaign_id = %(campaign)s)""",
    order="number",
)

BY_SOURCE: Final = """
SELECT system_code, source_id, count(*) AS n FROM staging_population
WHERE code = '' GROUP BY system_code, source_id
"""
SHARES: Final = """
SELECT reviewer_id, count(*) AS n FROM staging_population WHERE code = '' GROUP BY reviewer_id ORDER BY 1
"""
BY_SYSTEM: Final = """
SELECT p.system_code, p.kind, count(*) AS n FROM {items} p
GROUP BY p.system_code, p.kind ORDER BY 1, 2 DESC
"""
BY_KIND: Final = """
SELECT p.subject_kind, count(*) AS n FROM {items} p GROUP BY p.subject_kind ORDER BY n DESC, 1
"""
BY_REVIEWER: Final = """
SELECT p.reviewer_id, p.reviewer_rule, count(*) AS n FROM {items} p
GROUP BY p.reviewer_id, p.reviewer_rule ORDER BY n DESC, p.reviewer_rule
"""
BY_REASON: Final = """
SELECT x.code, x.system_code, count(*) AS n FROM {left_out} x
GROUP BY x.code, x.system_code ORDER BY x.system_code
"""
WORDS: Final = """
SELECT s.code AS system_code, count(*) AS rights,
  count(*) FILTER (WHERE e.plain_words = '') AS without,
  count(*) FILTER (WHERE e.plain_words <> '' AND e.described_by = 'suggested') AS suggested
FROM {items} p JOIN accounts_entitlement e ON e.id = p.entitlement_id
JOIN accounts_system s ON s.id = e.system_id
GROUP BY s.code ORDER BY s.code
"""
OUTSIDE: Final = """
SELECT s.code, s.name, count(g.id) AS n FROM accounts_system s
LEFT JOIN (accounts_grant g JOIN accounts_entitlement e ON e.id = g.entitlement_id AND e.carries_privilege)
  ON g.system_id = s.id AND upper_inf(g.held)
WHERE s.id NOT IN (SELECT system_id FROM reviews_campaign_systems WHERE campaign_id = %(campaign)s)
GROUP BY s.code, s.name ORDER BY n DESC, s.code
"""
ITEMS: Final = """
WITH shown AS (
  SELECT p.*, row_number() OVER (ORDER BY {order}) AS place FROM {items} p
  WHERE %(reviewer)s::uuid IS NULL OR p.reviewer_id = %(reviewer)s::uuid
  ORDER BY {order} OFFSET %(offset)s LIMIT %(limit)s
)
SELECT shown.place, shown.kind, shown.system_code, shown.is_privileged, shown.since, shown.last_used_at,
       shown.last_used_source, shown.delta, shown.reviewer_rule, shown.reviewer_id, shown.subject_id,
       i.name AS subject, i.kind AS subject_kind, a.name AS account, a.kind AS account_kind,
       e.name AS entitlement, e.plain_words, e.because, c.kind AS credential_kind, c.fingerprint,
       r.name AS reviewer
FROM shown JOIN accounts_account a ON a.id = shown.account_id
LEFT JOIN accounts_identity i ON i.id = shown.subject_id
LEFT JOIN accounts_entitlement e ON e.id = shown.entitlement_id
LEFT JOIN accounts_credential c ON c.id = shown.credential_id
LEFT JOIN accounts_identity r ON r.id = shown.reviewer_id
ORDER BY shown.place
"""
LEFT_OUT_ROWS: Final = """
WITH shown AS (
  SELECT x.* FROM {left_out} x WHERE %(code)s = '' OR x.code = %(code)s
  ORDER BY x.code, x.system_code, x.kind, x.subject_id OFFSET %(offset)s LIMIT %(limit)s
)
SELECT shown.*, a.name AS account, i.name AS subject, i.kind AS subject_kind, e.name AS entitlement,
       c.kind AS credential_kind, c.fingerprint
FROM shown
LEFT JOIN accounts_grant g ON shown.kind = 'grant' AND g.id = shown.subject_id
LEFT JOIN accounts_credential c ON shown.kind = 'credential' AND c.id = shown.subject_id
LEFT JOIN accounts_account a
  ON a.id = coalesce(g.account_id, c.account_id, CASE WHEN shown.kind = 'account' THEN shown.subject_id END)
LEFT JOIN accounts_entitlement e ON e.id = g.entitlement_id
LEFT JOIN accounts_identity i ON i.id = a.identity_id
ORDER BY shown.code, shown.system_code, shown.kind, shown.subject_id
"""
