"""What a reading of a system says against what is known of it: nothing is written, each row is told apart.

`is_new`: not known yet · `changes`: which columns say something else · `is_back`: was gone · `is_used`: a
later use. What a file does not say (NULL) changes nothing. `gone_…` tables hold what is known and not in it.
"""

from accounts.connectors.records import Rejected
from accounts.reconciliation.reading import Reading
from accounts.reconciliation.staging import reject_twins

ENTITLEMENTS = """
CREATE TEMP TABLE staging_entitlement ON COMMIT DROP AS
SELECT r.*, coalesce(e.id, nextval('accounts_entitlement_id_seq'::regclass)) AS entitlement_id,
  e.id IS NULL AS is_new,
  CASE WHEN e.id IS NULL THEN '{}' ELSE array_remove(ARRAY[
    -- A right that is only named, by its key, says nothing about the one that is known.
    CASE WHEN r.name <> r.external_id AND e.name <> r.name THEN 'name' END,
    CASE WHEN NOT r.is_bare AND e.kind <> r.kind THEN 'kind' END,
    -- What people wrote about a right stays theirs.
    CASE WHEN e.described_by IN ('import', 'suggested') AND e.plain_words <> r.plain_words
      THEN 'plain_words' END,
    CASE WHEN e.described_by IN ('import', 'suggested') AND e.risk <> r.risk THEN 'risk' END,
    CASE WHEN e.described_by <> 'hand'
      AND (r.is_privileged IS NOT NULL OR r.because IS NOT NULL AND e.is_privileged IS NULL)
      AND (e.is_privileged, e.because) IS DISTINCT FROM (r.is_privileged, coalesce(r.because, ''))
      THEN 'is_privileged' END,
    CASE WHEN NOT r.is_bare AND e.marks::text[] <> r.marks THEN 'marks' END,
    CASE WHEN NOT r.is_bare AND (e.reach, e.acts_as_name, e.acts_on_name)
      <> (coalesce(r.reach, ''), coalesce(r.acts_as, ''), coalesce(r.acts_on, '')) THEN 'reach' END,
    CASE WHEN e.removable_at <> r.removable_at THEN 'removable_at' END], NULL) END AS changes
FROM raw_entitlement r
LEFT JOIN accounts_entitlement e ON e.system_id = %(system)s AND e.external_id = r.external_id
"""

ACCOUNTS = """
CREATE TEMP TABLE staging_account ON COMMIT DROP AS
SELECT r.*, coalesce(a.id, nextval('accounts_account_id_seq'::regclass)) AS account_id,
  a.id IS NULL AS is_new, a.gone_run_id IS NOT NULL AS is_back,
  a.id IS NOT NULL AND coalesce(r.last_used_at > coalesce(a.last_used_at, '-infinity'), false) AS is_used,
  CASE WHEN a.id IS NULL THEN '{}' ELSE array_remove(ARRAY[
    CASE WHEN a.name <> r.name THEN 'name' END,
    CASE WHEN a.display_name <> r.display_name THEN 'display_name' END,
    CASE WHEN a.kind <> r.kind AND NOT a.kind_by_hand THEN 'kind' END,
    CASE WHEN a.email <> r.email THEN 'email' END,
    CASE WHEN a.employee_number <> r.employee_number THEN 'employee_number' END,
    CASE WHEN r.is_enabled IS NOT NULL AND a.is_enabled IS DISTINCT FROM r.is_enabled THEN 'is_enabled' END,
    CASE WHEN r.created_at IS NOT NULL AND a.created_at IS DISTINCT FROM r.created_at THEN 'created_at' END,
    CASE WHEN r.expires_at IS NOT NULL AND a.expires_at IS DISTINCT FROM r.expires_at THEN 'expires_at' END,
    CASE WHEN a.hints <> r.hints THEN 'hints' END
    ], NULL) END AS changes
FROM raw_account r LEFT JOIN accounts_account a ON a.system_id = %(system)s AND a.external_id = r.external_id
"""

# What brings which: both ends may be known from another file of the same system.
BONDS = """
CREATE TEMP TABLE staging_bond ON COMMIT DROP AS
SELECT r.*, p.entitlement_id AS parent_id, c.entitlement_id AS child_id
FROM raw_inclusion r LEFT JOIN staging_entitlement p ON p.external_id = r.parent
LEFT JOIN staging_entitlement c ON c.external_id = r.child
"""
FIND_BONDS = (
    """UPDATE staging_bond r SET parent_id = e.id FROM accounts_entitlement e
    WHERE r.parent_id IS NULL AND e.system_id = %(system)s AND e.external_id = r.parent""",
    """UPDATE staging_bond r SET child_id = e.id FROM accounts_entitlement e
    WHERE r.child_id IS NULL AND e.system_id = %(system)s AND e.external_id = r.child""",
)
LOST_BONDS = """
DELETE FROM staging_bond WHERE parent_id IS NULL OR child_id IS NULL
RETURNING line, CASE WHEN parent_id IS NULL THEN parent ELSE child END
"""
INCLUSIONS = """
CREATE TEMP TABLE staging_inclusion ON COMMIT DROP AS
SELECT r.*, coalesce(i.id, nextval('accounts_inclusion_id_seq'::regclass)) AS inclusion_id,
  i.id IS NULL AS is_new
FROM staging_bond r
LEFT JOIN accounts_inclusion i
  ON i.parent_id = r.parent_id AND i.child_id = r.child_id AND upper_inf(i.held)
"""
GONE_INCLUSIONS = """
CREATE TEMP TABLE gone_inclusion ON COMMIT DROP AS
SELECT i.id FROM accounts_inclusion i WHERE %(vanishes)s AND i.system_id = %(system)s AND upper_inf(i.held)
  AND NOT EXISTS (SELECT FROM staging_inclusion s WHERE s.inclusion_id = i.id)
  -- What another format of this system told of is ended by its own readings: files don't know all.
  AND NOT EXISTS (SELECT FROM accounts_importrun r JOIN accounts_source o ON o.id = r.source_id
    WHERE r.id = i.known_from_run_id AND o.id <> %(source)s AND r.connector <> %(connector)s)
"""

# Keys of the file become keys of the record. Most files list everything that their rows name …
LISTED_RIGHTS = """
SELECT r.line, r.starts_at, r.ends_at, r.last_used_at, r.is_eligible, a.account_id, e.entitlement_id,
  v.entitlement_id AS via_id
FROM raw_grant r JOIN staging_account a ON a.external_id = r.account
JOIN staging_entitlement e ON e.external_id = r.entitlement
LEFT JOIN staging_entitlement v ON v.external_id = r.via
WHERE r.via IS NULL OR v.entitlement_id IS NOT NULL
"""
# … what one does not list may be known from another.
OTHER_RIGHTS = """
CREATE TEMP TABLE staging_right ON COMMIT DROP AS
SELECT r.*, a.account_id, e.entitlement_id, v.entitlement_id AS via_id
FROM raw_grant r LEFT JOIN staging_account a ON a.external_id = r.account
LEFT JOIN staging_entitlement e ON e.external_id = r.entitlement
LEFT JOIN staging_entitlement v ON v.external_id = r.via
WHERE a.account_id IS NULL OR e.entitlement_id IS NULL OR (r.via IS NOT NULL AND v.entitlement_id IS NULL)
"""
FIND_REST = (
    """UPDATE staging_right r SET account_id = a.id FROM accounts_account a
    WHERE r.account_id IS NULL AND a.system_id = %(system)s AND a.external_id = r.account""",
    """UPDATE staging_right r SET entitlement_id = e.id FROM accounts_entitlement e
    WHERE r.entitlement_id IS NULL AND e.system_id = %(system)s AND e.external_id = r.entitlement""",
    """UPDATE staging_right r SET via_id = e.id FROM accounts_entitlement e
    WHERE r.via_id IS NULL AND r.via IS NOT NULL AND e.system_id = %(system)s AND e.external_id = r.via""",
)
LOST_RIGHTS = """
DELETE FROM staging_right
WHERE account_id IS NULL OR entitlement_id IS NULL OR (via IS NOT NULL AND via_id IS NULL)
RETURNING line,
  CASE WHEN account_id IS NULL THEN 'account' WHEN entitlement_id IS NULL THEN 'entitlement' ELSE 'group' END,
  CASE WHEN account_id IS NULL THEN account WHEN entitlement_id IS NULL THEN entitlement ELSE via END
"""
FOUND_RIGHTS = """
SELECT line, starts_at, ends_at, last_used_at, is_eligible, account_id, entitlement_id, via_id
FROM staging_right
"""


# In the order of the indexes that they will be written to, in which equal ones lie together, too.
COMPARED_RIGHTS = """
SELECT r.*, g.id AS grant_id, g.id IS NULL AS is_new,
  coalesce(r.last_used_at > coalesce(u.last_used_at, '-infinity'), false) AS is_used,
  row_number() OVER (
    PARTITION BY r.account_id, r.entitlement_id, r.via_id, r.is_eligible ORDER BY r.line) AS nth,
  CASE WHEN g.id IS NULL THEN '{}' ELSE array_remove(ARRAY[
    CASE WHEN r.starts_at IS NOT NULL AND lower(g.held) IS DISTINCT FROM r.starts_at THEN 'held' END,
    -- A column of ends that is empty here says that there is none; no such column says nothing.
    CASE WHEN said.ends AND g.ends_at IS DISTINCT FROM r.ends_at THEN 'ends_at' END
    ], NULL) END AS changes
FROM (@rights@) r CROSS JOIN (SELECT bool_or(ends_at IS NOT NULL) AS ends FROM raw_grant) said
LEFT JOIN accounts_grant g ON g.account_id = r.account_id AND g.entitlement_id = r.entitlement_id
  AND g.via_id IS NOT DISTINCT FROM r.via_id AND g.is_eligible = r.is_eligible AND upper_inf(g.held)
LEFT JOIN accounts_grantuse u ON u.grant_id = g.id
"""
GRANTS = "CREATE TEMP TABLE staging_grant ON COMMIT DROP AS" + COMPARED_RIGHTS.replace(
    "@rights@", LISTED_RIGHTS
)
MORE_GRANTS = "INSERT INTO staging_grant" + COMPARED_RIGHTS.replace("@rights@", FOUND_RIGHTS)
TWIN_GRANTS = """
WITH twin AS (DELETE FROM staging_grant WHERE nth > 1 RETURNING line, account_id)
SELECT t.line, coalesce(a.external_id, '') FROM twin t LEFT JOIN staging_account a USING (account_id)
"""

CREDENTIALS = """
CREATE TEMP TABLE staging_credential ON COMMIT DROP AS
SELECT r.*, k.account_id,
  coalesce(c.id, nextval('accounts_credential_id_seq'::regclass)) AS credential_id,
  c.id IS NULL AS is_new, c.gone_run_id IS NOT NULL AS is_back,
  c.id IS NOT NULL AND coalesce(r.last_used_at > coalesce(c.last_used_at, '-infinity'), false) AS is_used,
  CASE WHEN c.id IS NULL THEN '{}' ELSE array_remove(ARRAY[
    CASE WHEN r.is_active IS NOT NULL AND c.is_active IS DISTINCT FROM r.is_active THEN 'is_active' END,
    CASE WHEN r.created_at IS NOT NULL AND c.created_at IS DISTINCT FROM r.created_at THEN 'created_at' END,
    CASE WHEN r.rotated_at IS NOT NULL AND c.rotated_at IS DISTINCT FROM r.rotated_at THEN 'rotated_at' END,
    CASE WHEN r.expires_at IS NOT NULL AND c.expires_at IS DISTINCT FROM r.expires_at THEN 'expires_at' END,
    CASE WHEN c.storage <> r.storage THEN 'storage' END,
    CASE WHEN c.weakness <> coalesce(r.weakness, '') THEN 'weakness' END
    ], NULL) END AS changes
FROM raw_credential r JOIN (
  SELECT external_id, account_id FROM staging_account UNION ALL
  SELECT a.external_id, a.id FROM accounts_account a WHERE a.system_id = %(system)s
    AND a.external_id IN (SELECT account FROM raw_credential EXCEPT SELECT external_id FROM raw_account)
) k ON k.external_id = r.account
LEFT JOIN accounts_credential c
  ON c.account_id = k.account_id AND c.kind = r.kind AND c.fingerprint = r.fingerprint
"""
LOST_CREDENTIALS = """
SELECT line, account FROM raw_credential r WHERE NOT EXISTS (
  SELECT FROM staging_credential s
  WHERE s.line = r.line AND s.account = r.account AND s.kind = r.kind AND s.fingerprint = r.fingerprint)
"""

GONE_ACCOUNTS = """
CREATE TEMP TABLE gone_account ON COMMIT DROP AS
SELECT a.id, a.name FROM accounts_account a
WHERE %(vanishes)s AND a.system_id = %(system)s AND a.gone_run_id IS NULL
  AND NOT EXISTS (SELECT FROM staging_account s WHERE s.account_id = a.id)
  -- What another format of this system told of is ended by its own readings: files don't know all.
  AND NOT EXISTS (SELECT FROM accounts_importrun r JOIN accounts_source o ON o.id = r.source_id
    WHERE r.id = a.first_run_id AND o.id <> %(source)s AND r.connector <> %(connector)s)
"""
# Whoever is gone holds nothing, whether or not the file lists rights and credentials in full.
GONE_GRANTS = """
CREATE TEMP TABLE gone_grant ON COMMIT DROP AS
SELECT g.id FROM accounts_grant g WHERE %(vanishes)s AND g.system_id = %(system)s AND upper_inf(g.held)
  AND NOT EXISTS (SELECT FROM staging_grant s WHERE s.grant_id = g.id)
  -- What another format of this system told of is ended by its own readings: files don't know all.
  AND NOT EXISTS (SELECT FROM accounts_importrun r JOIN accounts_source o ON o.id = r.source_id
    WHERE r.id = g.known_from_run_id AND o.id <> %(source)s AND r.connector <> %(connector)s)
UNION
SELECT g.id FROM accounts_grant g JOIN gone_account a ON a.id = g.account_id WHERE upper_inf(g.held)
"""
GONE_CREDENTIALS = """
CREATE TEMP TABLE gone_credential ON COMMIT DROP AS
SELECT c.id FROM accounts_credential c JOIN accounts_account a ON a.id = c.account_id
WHERE %(vanishes)s AND a.system_id = %(system)s AND c.gone_run_id IS NULL
  AND NOT EXISTS (SELECT FROM staging_credential s WHERE s.credential_id = c.id)
  -- What another format of this system told of is ended by its own readings: files don't know all.
  AND NOT EXISTS (SELECT FROM accounts_importrun r JOIN accounts_source o ON o.id = r.source_id
    WHERE r.id = c.first_run_id AND o.id <> %(source)s AND r.connector <> %(connector)s)
UNION
SELECT c.id FROM accounts_credential c JOIN gone_account a ON a.id = c.account_id WHERE c.gone_run_id IS NULL
"""


def compare(reading: Reading) -> None:
    """Tell apart what is new, changed, back, used and gone."""
    for name, statement in (("entitlement", ENTITLEMENTS), ("account", ACCOUNTS), ("bond", BONDS)):
        reading.execute(statement)
        reading.execute(f"ANALYZE staging_{name}")
    for statement in FIND_BONDS:
        reading.execute(statement)
    for line, key in sorted(reading.rows(LOST_BONDS)):
        reading.reject(Rejected(line, "unknown_entitlement", _unknown("right", key), key[:200]))
    _compare_grants(reading)
    for name, statement in (("inclusion", INCLUSIONS), ("credential", CREDENTIALS)):
        reading.execute(statement)
        reading.execute(f"ANALYZE staging_{name}")
    for line, key in sorted(reading.rows(LOST_CREDENTIALS)):
        reading.reject(Rejected(line, "unknown_account", _unknown("account", key), key[:200]))


def find_gone(reading: Reading) -> None:
    """What is known and not in the file. Asked once all rejections are known: one is enough for none."""
    reading.execute(GONE_ACCOUNTS, vanishes=reading.vanishes("account"))
    reading.execute(GONE_INCLUSIONS, vanishes=reading.vanishes("inclusion"))
    reading.execute(GONE_GRANTS, vanishes=reading.vanishes("grant"))
    reading.execute(GONE_CREDENTIALS, vanishes=reading.vanishes("credential"))
    for kind in ("account", "inclusion", "grant", "credential"):
        reading.execute(f"ANALYZE gone_{kind}")


def _compare_grants(reading: Reading) -> None:
    listed = reading.execute(GRANTS)
    if listed != reading.one("SELECT count(*) FROM raw_grant")[0]:
        reading.execute(OTHER_RIGHTS)
        for statement in FIND_REST:
            reading.execute(statement)
        for line, what, key in sorted(reading.rows(LOST_RIGHTS)):
            reading.reject(Rejected(line, f"unknown_{what}", _unknown(what, key), key[:200]))
        reading.execute(MORE_GRANTS)
    reject_twins(reading, "grant", reading.rows(TWIN_GRANTS))
    reading.execute("ANALYZE staging_grant")


def _unknown(what: str, key: str) -> str:
    return f"The row names the {what} {key[:80]}, which is neither in the file nor known. Export both."
