"""Writing what `inventory` told apart; each write leaves its rows to `changes` for the event's digest."""

from accounts.reconciliation import derived
from accounts.reconciliation.carding import with_cards
from accounts.reconciliation.reading import Reading

NAMED = """format('{"name":%%s,"system":%%s}', to_json(name), to_json(%(code)s::text))"""

NEW_ENTITLEMENTS = """
WITH done AS (
  INSERT INTO accounts_entitlement
    (id, system_id, external_id, name, kind, plain_words, is_privileged, because, carries_privilege, marks,
     reach, acts_as_name, acts_on_name, removable_at, risk, first_run_id, card)
  SELECT entitlement_id, %(system)s, external_id, name, kind, coalesce(plain_words, ''), is_privileged,
    coalesce(because, ''), coalesce(is_privileged, false), marks, coalesce(reach, ''), coalesce(acts_as, ''),
    coalesce(acts_on, ''), coalesce(removable_at, ''), coalesce(risk, ''), %(run)s,
    audit_card('entitlement', entitlement_id::text,
      format('{"name":%%s,"system":%%s}', to_json(name), to_json(%(code)s::text)))
  FROM staging_entitlement WHERE is_new RETURNING id, card)
INSERT INTO changed_row SELECT 'entitlement', 'new', id::text, card FROM done
"""
CHANGED_ENTITLEMENTS = """
WITH done AS (
  UPDATE accounts_entitlement e SET
    name = CASE WHEN 'name' = ANY(s.changes) THEN s.name ELSE e.name END,
    kind = CASE WHEN s.is_bare THEN e.kind ELSE s.kind END,
    plain_words = CASE WHEN 'plain_words' = ANY(s.changes) THEN s.plain_words ELSE e.plain_words END,
    risk = CASE WHEN 'risk' = ANY(s.changes) THEN s.risk ELSE e.risk END,
    described_by = CASE WHEN s.changes && '{plain_words,risk}' THEN 'import' ELSE e.described_by END,
    marks = CASE WHEN s.is_bare THEN e.marks ELSE s.marks END,
    reach = CASE WHEN s.is_bare THEN e.reach ELSE coalesce(s.reach, '') END,
    acts_as_name = CASE WHEN s.is_bare THEN e.acts_as_name ELSE coalesce(s.acts_as, '') END,
    acts_on_name = CASE WHEN s.is_bare THEN e.acts_on_name ELSE coalesce(s.acts_on, '') END,
    removable_at = coalesce(s.removable_at, e.removable_at), version = e.version + 1,
    is_privileged = CASE WHEN 'is_privileged' = ANY(s.changes) THEN s.is_privileged ELSE e.is_privileged END,
    -- What it brings may still carry privilege: derived anew when everything stands.
    carries_privilege = e.carries_privilege
      OR 'is_privileged' = ANY(s.changes) AND coalesce(s.is_privileged, false),
    because = CASE WHEN 'is_privileged' = ANY(s.changes) THEN coalesce(s.because, '') ELSE e.because END,
    card = CASE WHEN 'name' = ANY(s.changes) OR e.card IS NULL THEN audit_card('entitlement', e.id::text,
      format('{"name":%%s,"system":%%s}', to_json(s.name), to_json(%(code)s::text))) ELSE e.card END
  FROM staging_entitlement s WHERE e.id = s.entitlement_id AND s.changes <> '{}' RETURNING e.id, e.card)
INSERT INTO changed_row SELECT 'entitlement', 'changed', id::text, card FROM done
"""

# Accounts and grants come by the million, so that new ones are not noted a second time: see `changes`. They
# are written in the order of their indexes.
NEW_ACCOUNTS = with_cards(
    """
WITH @cards@
INSERT INTO accounts_account
  (id, version, system_id, external_id, name, display_name, kind, identity_id, match_method, confidence,
   doubt, claims, email, employee_number, is_enabled, created_at, expires_at, last_used_at, last_used_source,
   hints, first_run_id, card)
SELECT s.account_id, 1, %(system)s, s.external_id, s.name, coalesce(s.display_name, ''),
  coalesce(s.kind, ''), l.identity_id,
  CASE WHEN l.identity_id IS NULL THEN '' ELSE l.method END,
  CASE WHEN l.identity_id IS NOT NULL THEN l.confidence END, coalesce(l.doubt, ''), coalesce(l.claims, '[]'),
  coalesce(s.email, ''), coalesce(s.employee_number, ''), s.is_enabled, s.created_at,
  s.expires_at, s.last_used_at, coalesce(s.last_used_source, ''), coalesce(s.hints, '{}'), %(run)s,
  c.digest
FROM staging_account s JOIN card c ON c.key = s.account_id LEFT JOIN staging_link l USING (account_id)
ORDER BY s.account_id
""",
    "account",
    key="account_id",
    names=NAMED,
    rows="staging_account WHERE is_new",
)
CHANGED_ACCOUNTS = """
WITH done AS (
  UPDATE accounts_account a SET
    version = a.version + 1, name = s.name, display_name = coalesce(s.display_name, a.display_name),
    kind = CASE WHEN a.kind_by_hand THEN a.kind ELSE coalesce(s.kind, a.kind) END,
    email = coalesce(s.email, a.email),
    employee_number = coalesce(s.employee_number, a.employee_number),
    is_enabled = coalesce(s.is_enabled, a.is_enabled), created_at = coalesce(s.created_at, a.created_at),
    expires_at = coalesce(s.expires_at, a.expires_at), hints = coalesce(s.hints, a.hints),
    gone_run_id = NULL, gone_at = NULL,
    card = CASE WHEN a.name <> s.name OR a.card IS NULL THEN audit_card('account', a.id::text,
      format('{"name":%%s,"system":%%s}', to_json(s.name), to_json(%(code)s::text))) ELSE a.card END
  FROM staging_account s
  WHERE a.id = s.account_id AND NOT s.is_new AND (s.is_back OR s.changes <> '{}')
  RETURNING a.id, a.card, s.is_back)
INSERT INTO changed_row
SELECT 'account', CASE WHEN is_back THEN 'returned' ELSE 'changed' END, id::text, card FROM done
"""
# Use is no change: it writes no version, so that nobody's form goes stale over a sign-in.
USED_ACCOUNTS = """
UPDATE accounts_account a
SET last_used_at = s.last_used_at, last_used_source = coalesce(s.last_used_source, '')
FROM staging_account s WHERE a.id = s.account_id AND s.is_used
"""
GONE_ACCOUNTS = """
WITH done AS (
  UPDATE accounts_account a SET version = version + 1, gone_run_id = %(run)s, gone_at = %(at)s
  FROM gone_account g WHERE a.id = g.id RETURNING a.id, a.card)
INSERT INTO changed_row SELECT 'account', 'gone', id::text, card FROM done
"""

NEW_INCLUSIONS = """
WITH done AS (
  INSERT INTO accounts_inclusion (id, system_id, parent_id, child_id, held, known_from_run_id)
  SELECT inclusion_id, %(system)s, parent_id, child_id, tstzrange(%(bonds_started)s, NULL), %(run)s
  FROM staging_inclusion WHERE is_new RETURNING id)
INSERT INTO changed_row SELECT 'inclusion', 'new', id::text, NULL FROM done
"""
GONE_INCLUSIONS = """
WITH done AS (
  UPDATE accounts_inclusion i SET known_to_run_id = %(run)s,
    held = tstzrange(lower(i.held), greatest(%(at)s, lower(i.held) + interval '1 microsecond'))
  FROM gone_inclusion x WHERE i.id = x.id RETURNING i.id)
INSERT INTO changed_row SELECT 'inclusion', 'gone', id::text, NULL FROM done
"""

NEW_GRANTS = """
INSERT INTO accounts_grant
  (system_id, account_id, entitlement_id, via_id, held, ends_at, is_eligible, known_from_run_id)
SELECT %(system)s, account_id, entitlement_id, via_id,
  tstzrange(coalesce(starts_at, %(started)s), NULL), ends_at, is_eligible, %(run)s
FROM staging_grant WHERE is_new
"""
CHANGED_GRANTS = """
WITH done AS (
  UPDATE accounts_grant g SET
    ends_at = CASE WHEN 'ends_at' = ANY(s.changes) THEN s.ends_at ELSE g.ends_at END,
    held = tstzrange(coalesce(s.starts_at, lower(g.held)), NULL)
  FROM staging_grant s WHERE g.id = s.grant_id AND s.changes <> '{}' RETURNING g.id)
INSERT INTO changed_row SELECT 'grant', 'changed', id::text, NULL FROM done
"""
USED_GRANTS = """
INSERT INTO accounts_grantuse (grant_id, last_used_at, source)
SELECT g.id, s.last_used_at, %(source_name)s
FROM staging_grant s JOIN accounts_grant g ON g.account_id = s.account_id
  AND g.entitlement_id = s.entitlement_id AND g.via_id IS NOT DISTINCT FROM s.via_id
  AND g.is_eligible = s.is_eligible AND upper_inf(g.held)
WHERE s.is_used
ON CONFLICT (grant_id) DO UPDATE SET last_used_at = EXCLUDED.last_used_at, source = EXCLUDED.source
"""
# An end before the start it was known with would be no range at all.
GONE_GRANTS = """
WITH done AS (
  UPDATE accounts_grant g SET known_to_run_id = %(run)s,
    held = tstzrange(lower(g.held), greatest(%(at)s, lower(g.held) + interval '1 microsecond'))
  FROM gone_grant x WHERE g.id = x.id RETURNING g.id)
INSERT INTO changed_row SELECT 'grant', 'gone', id::text, NULL FROM done
"""

NEW_CREDENTIALS = """
WITH done AS (
  INSERT INTO accounts_credential
    (id, account_id, kind, fingerprint, is_active, created_at, rotated_at, expires_at,
     last_used_at, is_slot, storage, weakness, first_run_id)
  SELECT credential_id, account_id, kind, fingerprint, is_active, created_at, rotated_at, expires_at,
    last_used_at, is_slot, coalesce(storage, ''), coalesce(weakness, ''), %(run)s
  FROM staging_credential WHERE is_new RETURNING id)
INSERT INTO changed_row SELECT 'credential', 'new', id::text, NULL FROM done
"""
CHANGED_CREDENTIALS = """
WITH done AS (
  UPDATE accounts_credential c SET is_active = coalesce(s.is_active, c.is_active),
    created_at = coalesce(s.created_at, c.created_at), rotated_at = coalesce(s.rotated_at, c.rotated_at),
    expires_at = coalesce(s.expires_at, c.expires_at), is_slot = s.is_slot,
    storage = coalesce(s.storage, c.storage), weakness = coalesce(s.weakness, ''),
    gone_run_id = NULL, gone_at = NULL
  FROM staging_credential s
  WHERE c.id = s.credential_id AND NOT s.is_new AND (s.is_back OR s.changes <> '{}')
  RETURNING c.id, s.is_back)
INSERT INTO changed_row
SELECT 'credential', CASE WHEN is_back THEN 'returned' ELSE 'changed' END, id::text, NULL FROM done
"""
USED_CREDENTIALS = """
UPDATE accounts_credential c SET last_used_at = s.last_used_at
FROM staging_credential s WHERE c.id = s.credential_id AND s.is_used
"""
GONE_CREDENTIALS = """
WITH done AS (
  UPDATE accounts_credential c SET gone_run_id = %(run)s, gone_at = %(at)s
  FROM gone_credential g WHERE c.id = g.id RETURNING c.id)
INSERT INTO changed_row SELECT 'credential', 'gone', id::text, NULL FROM done
"""

ENTITLEMENTS = (NEW_ENTITLEMENTS, CHANGED_ENTITLEMENTS)
ACCOUNTS = (NEW_ACCOUNTS, CHANGED_ACCOUNTS, USED_ACCOUNTS, GONE_ACCOUNTS)
INCLUSIONS = (GONE_INCLUSIONS, NEW_INCLUSIONS)
GRANTS = (GONE_GRANTS, NEW_GRANTS, CHANGED_GRANTS, USED_GRANTS)
CREDENTIALS = (NEW_CREDENTIALS, CHANGED_CREDENTIALS, USED_CREDENTIALS, GONE_CREDENTIALS)


def write(reading: Reading) -> None:
    """Entitlements and accounts first: grants and credentials hang on them. `staging_link` stands by then."""
    for statement in (*ENTITLEMENTS, *ACCOUNTS, *INCLUSIONS, *GRANTS, *CREDENTIALS):
        reading.execute(statement)
    derived.write(reading)
