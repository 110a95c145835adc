"""An inventory of any size, written set-based: people, machines, accounts, rights, credentials.

What a page shows does not depend on the size: as many systems, as much of each kind, the same number of
machines for each owner.
"""

import base64
import json
from typing import Any, Final

from django.db import connection

from benchmarks import ground

SYSTEMS = 40
ANSWERED_FOR = 40  # machines in a row, of which nine of ten have the same owner
# What one of them sees: themselves, 12 people, 36 machines; and the accounts of all but those people.
OWNERS = {"identities": 49, "accounts": 37}
NEEDLES = 20  # identities, and accounts, with a name that no other has

# Keys as uuid7 makes them, in the order in which rows were made; and a word for each number.
FUNCTIONS: Final = """
CREATE FUNCTION pg_temp.key(base bigint, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
  SELECT (lpad(to_hex(base + n), 12, '0') || '7000' || '8' || substr(md5(n::text), 1, 15))::uuid $$;
CREATE FUNCTION pg_temp.sys(n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
  SELECT pg_temp.key(x'018000000000'::bigint, n) $$;
CREATE FUNCTION pg_temp.who(n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
  SELECT pg_temp.key(x'019000000000'::bigint, n) $$;
CREATE FUNCTION pg_temp.word(n bigint, size int) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT substr(md5(n::text), 1, size) $$;
CREATE FUNCTION pg_temp.place(n bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT (ARRAY['production', 'test', 'development'])[1 + mod(n, 3)] $$
"""
SYSTEM: Final = """
INSERT INTO accounts_system
  (id, version, code, name, environment, reference, hosts, is_gateway, removal_days)
SELECT pg_temp.sys(n), 1, 'SYS-' || lpad(n::text, 2, '0'), 'System ' || n, pg_temp.place(n), '', '{}',
  mod(n, 13) = 0, 2
FROM generate_series(0, %(systems)s - 1) n
"""
SOURCE: Final = """
INSERT INTO accounts_source
  (id, version, name, connector, system_id, employer, mapping, fresh_days, created_at, released_at)
SELECT id, 1, 'Export of ' || code, 'csv_accounts', id, '', '{}', 35, now(), now() FROM accounts_system
"""
BLOB: Final = """
INSERT INTO vault_blob (sha256, size, storage_key, state, created_at)
SELECT sha256(convert_to(code, 'UTF8')), 1, code, 'kept', now() FROM accounts_system
"""
READING: Final = """
INSERT INTO accounts_importrun
  (id, version, source_id, blob_id, file_name, original_sha256, original_size, cut, connector,
   connector_version, mapping, provenance, received_at, taken_at, is_complete, covers, system_reference,
   counts, rejected, state, state_at, applied_at, error)
SELECT s.id, 1, s.id, b.id, '', repeat('0', 64), 1, '[]', 'csv_accounts', 1, '{}', 'pulled', now(), now(),
  true, '{account,grant,credential,entitlement}', '', '{}', 0, 'applied', now(), now(), ''
FROM accounts_system s JOIN vault_blob b ON b.storage_key = s.code
"""
# The first three tenths are people. Nine of ten machines have an owner, who has just so many.
IDENTITY: Final = """
INSERT INTO accounts_identity
  (id, version, kind, name, email, status, title, department, manager_id, owner_id, purpose, environment,
   vendor, rhythm, open_findings, created_at)
SELECT pg_temp.who(n), 1,
  CASE WHEN n < %(people)s THEN 'human'
    ELSE (ARRAY['service', 'workload', 'bot', 'service', 'workload', 'agent'])[1 + mod(n, 6)] END,
  CASE WHEN mod(n, %(size)s / %(needles)s) = 7 THEN 'needle ' || n
    WHEN n < %(people)s THEN initcap(pg_temp.word(n, 7) || ' ' || pg_temp.word(-n, 9))
    ELSE 'svc-' || pg_temp.word(n, 10) END,
  CASE WHEN n < %(people)s THEN 'p' || md5(n::text) || '@bench.invalid' ELSE '' END,
  CASE WHEN mod(n, 50) = 0 AND n > %(people)s / 2 AND n < %(people)s THEN 'left' ELSE 'active' END, '',
  CASE WHEN n < %(people)s THEN 'Unit ' || mod(n, 200) ELSE '' END,
  CASE WHEN n > 0 AND n < %(people)s THEN pg_temp.who(n / 12) END,
  CASE WHEN n >= %(people)s AND mod(n, 10) > 0
    THEN pg_temp.who(mod((n - %(people)s) / %(answered_for)s, %(people)s)) END,
  '', CASE WHEN n >= %(people)s THEN pg_temp.place(n) ELSE '' END, '', '',
  CASE WHEN mod(n, 20) = 3 THEN 1 + mod(n, 4) ELSE 0 END, now()
FROM generate_series(0::bigint, %(size)s - 1) n
"""
APPLICATION: Final = """
INSERT INTO accounts_application (id, version, name, description, environment, status, created_at, owner_id)
SELECT pg_temp.key(x'017000000000'::bigint, n), 1, 'Application ' || n, '', pg_temp.place(n), 'active', now(),
  pg_temp.who(n + 1) FROM generate_series(0::bigint, %(applications)s - 1) n
"""
RUNS_IN: Final = """
UPDATE accounts_identity SET application_id = pg_temp.key(x'017000000000'::bigint,
  mod(open_findings * 7919 + ('x' || substr(md5(id::text), 1, 7))::bit(28)::int, %(applications)s))
WHERE kind <> 'human' AND open_findings > 0
"""
ACCOUNT: Final = """
INSERT INTO accounts_account
  (system_id, version, external_id, name, display_name, kind, identity_id, match_method, doubt, email,
   employee_number, is_enabled, created_at, last_used_at, last_used_source, first_run_id)
SELECT pg_temp.sys(mod(n, %(systems)s)), 1, 'a' || n,
  CASE WHEN mod(n, %(size)s / %(needles)s) = 7 THEN 'needle-' || n
    ELSE 'acct-' || pg_temp.word(n + 1, 10) END,
  '', CASE WHEN n < %(people)s THEN 'personal' ELSE 'machine' END,
  CASE WHEN mod(n, 100) > 0 THEN pg_temp.who(n) END, CASE WHEN mod(n, 100) > 0 THEN 'number' ELSE '' END,
  '', '', '', mod(n, 25) > 0, now() - make_interval(days => mod(n, 900)::int),
  CASE WHEN mod(n, 4) > 0 THEN now() - make_interval(secs => n) END, '', pg_temp.sys(mod(n, %(systems)s))
FROM generate_series(0::bigint, %(size)s - 1) n
"""
ENTITLEMENT: Final = """
INSERT INTO accounts_entitlement
  (system_id, version, external_id, name, kind, plain_words, is_privileged, because, carries_privilege,
   first_run_id)
SELECT pg_temp.sys(mod(n, %(systems)s)), 1, 'r' || n, 'Right ' || n, 'right', '',
  mod(n / %(systems)s, 20) = 0, '', mod(n / %(systems)s, 20) = 0, pg_temp.sys(mod(n, %(systems)s))
FROM generate_series(0::bigint, %(rights)s - 1) n
"""
GRANT: Final = """
INSERT INTO accounts_grant (system_id, account_id, entitlement_id, held, known_from_run_id)
SELECT a.system_id, a.id, e.id, tstzrange(now() - make_interval(days => mod(a.id, 700)::int), NULL),
  a.first_run_id
FROM accounts_account a CROSS JOIN generate_series(0, 2) g
JOIN accounts_entitlement e ON e.system_id = a.system_id AND e.external_id = 'r'
  || (mod(substr(a.external_id, 2)::bigint, %(systems)s)
    + %(systems)s * mod(a.id * 7 + g, %(rights)s / %(systems)s))
ORDER BY a.id, g
"""
USE: Final = """
INSERT INTO accounts_grantuse (grant_id, last_used_at, source)
SELECT id, now() - make_interval(secs => id), '' FROM accounts_grant WHERE mod(id, 3) = 0
"""
CREDENTIAL: Final = """
INSERT INTO accounts_credential
  (account_id, kind, fingerprint, is_active, created_at, expires_at, first_run_id)
SELECT id, (ARRAY['password', 'access_key', 'token'])[1 + mod(id, 3)],
  'AKIA' || upper(pg_temp.word(id, 16)), true, now() - make_interval(days => mod(id, 1500)::int),
  CASE WHEN mod(id, 3) > 0 THEN now() + make_interval(days => mod(id, 400)::int) END, first_run_id
FROM accounts_account WHERE mod(id, 2) = 0
"""
TABLES = (
    SYSTEM,
    SOURCE,
    BLOB,
    READING,
    IDENTITY,
    APPLICATION,
    RUNS_IN,
    ACCOUNT,
    ENTITLEMENT,
    GRANT,
    USE,
    CREDENTIAL,
)
MIDDLE: Final = """SELECT lower(name), id FROM accounts_identity ORDER BY lower(name) COLLATE "C", id
    OFFSET %(half)s LIMIT 1"""


def fill(size: int) -> dict[str, Any]:
    """Write it into the database of the moment; what pages need to know of it."""
    people = size * 3 // 10
    told = {
        "size": size,
        "people": people,
        "systems": SYSTEMS,
        "rights": max(SYSTEMS * 25, size // 100),
        "needles": NEEDLES,
        "applications": size // 1000,
        "answered_for": ANSWERED_FOR,
        "half": size // 2,
        "owner": (size - people) // ANSWERED_FOR // 2,  # the one in the middle
    }
    with ground.owner_connection() as owner:
        owner.execute(FUNCTIONS)
        for statement in TABLES:
            owner.execute(statement, told)
        keys = owner.execute("SELECT pg_temp.who(%(owner)s), pg_temp.who(%(people)s + 1)", told).fetchone()
        owner.execute("VACUUM ANALYZE")
    with connection.cursor() as cursor:
        cursor.execute(MIDDLE, told)
        place = [">", "name", *map(str, cursor.fetchone())]
    owns, machine = keys or (None, None)
    _sign_up(owns)
    middle = base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).rstrip(b"=").decode()
    return {"machine": machine, "middle": middle}


def _sign_up(owner: Any) -> None:
    """Somebody who sees everything, and somebody who only sees what they answer for."""
    from portal.users.models import User  # noqa: PLC0415 - models exist once the settings are read
    from portal.users.roles import Role  # noqa: PLC0415

    User.objects.create_user("iam@bench.invalid", name="Iam", roles=[Role.IAM.value])
    User.objects.create_user("owner@bench.invalid", name="Owner", identity_id=owner)
