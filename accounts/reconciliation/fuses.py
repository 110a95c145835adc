"""Fuses: what a reading would end that one person alone may not let it end.

More rights or accounts than the source allows at once, more leavers than a day has, an emergency account, the
last holder of an administrator right. A tripped reading waits for a second person, who sees what would end;
until then nothing of it is applied, so it proves nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from accounts.models import ImportRun
from accounts.reconciliation.reading import Reading
from portal.users.models import Approval

LEAVERS, LEAVERS_PERCENT = 5, 1  # people of an HR source who may leave in one reading
HANDFUL = 4  # rows that are no share of anything: in a small system one of them is many percent
LISTED = 500  # of what would end, by name
RELEASE = "release_import"

Found = dict[str, Any]

PEOPLE = """SELECT count(DISTINCT identity_id) FROM accounts_engagement
  WHERE source_id = %(source)s AND gone_run_id IS NULL"""
# A row that is missing proposes that somebody left, one that says so lets them leave.
WHO_LEAVES = """SELECT identity_id FROM gone_engagement
  UNION SELECT s.identity_id FROM staging_identity s JOIN accounts_identity i ON i.id = s.identity_id
    WHERE s.status = 'left' AND i.status <> 'left'"""
HOW_MANY_LEAVE = f"SELECT count(*) FROM ({WHO_LEAVES}) leaving"  # noqa: S608  # a constant
NAMED_LEAVERS = f"""SELECT i.name, i.department FROM ({WHO_LEAVES}) leaving
  JOIN accounts_identity i ON i.id = leaving.identity_id ORDER BY i.name LIMIT %(shown)s"""  # noqa: S608
# Ended, robbed of a right or a credential, switched off, or no emergency account any longer.
EMERGENCY = """
SELECT a.name FROM accounts_account a WHERE a.system_id = %(system)s AND a.kind = 'emergency' AND (
  a.id IN (SELECT id FROM gone_account)
  OR a.id IN (SELECT g.account_id FROM accounts_grant g JOIN gone_grant x ON x.id = g.id)
  OR a.id IN (SELECT c.account_id FROM accounts_credential c JOIN gone_credential x ON x.id = c.id)
  OR a.id IN (SELECT s.account_id FROM staging_account s
    WHERE 'is_enabled' = ANY(s.changes) AND NOT s.is_enabled
      OR 'kind' = ANY(s.changes) AND s.kind <> 'emergency'))
ORDER BY a.name
"""
ENDS_SOMETHING = "SELECT EXISTS (SELECT FROM gone_grant) OR EXISTS (SELECT FROM gone_inclusion)"
# Rights of administrators, each with whatever brings it, as it is and as it would be.
LAST_ADMINS = """
WITH RECURSIVE admin AS (
  SELECT id FROM accounts_entitlement WHERE system_id = %(system)s AND marks @> '{admin}'),
kept AS (
  SELECT i.parent_id, i.child_id FROM accounts_inclusion i
  WHERE i.system_id = %(system)s AND upper_inf(i.held)
    AND NOT EXISTS (SELECT FROM gone_inclusion x WHERE x.id = i.id)
  UNION ALL SELECT parent_id, child_id FROM staging_inclusion WHERE is_new),
was AS (
  SELECT id AS admin_id, id FROM admin
  UNION SELECT w.admin_id, i.parent_id FROM was w JOIN accounts_inclusion i
    ON i.child_id = w.id AND upper_inf(i.held)),
will AS (
  SELECT id AS admin_id, id FROM admin
  UNION SELECT w.admin_id, k.parent_id FROM will w JOIN kept k ON k.child_id = w.id),
holds AS (SELECT g.id, g.entitlement_id, x.id IS NULL AS stays FROM accounts_grant g
  LEFT JOIN gone_grant x ON x.id = g.id WHERE g.system_id = %(system)s AND upper_inf(g.held)),
before AS (SELECT DISTINCT w.admin_id FROM was w JOIN holds h ON h.entitlement_id = w.id),
afterwards AS (
  SELECT w.admin_id FROM will w JOIN holds h ON h.entitlement_id = w.id AND h.stays
  UNION SELECT w.admin_id FROM will w JOIN staging_grant s ON s.entitlement_id = w.id AND s.is_new)
SELECT e.name FROM before JOIN accounts_entitlement e ON e.id = before.admin_id
WHERE NOT EXISTS (SELECT FROM afterwards WHERE admin_id = before.admin_id) ORDER BY e.name
"""
SEAL = """
SELECT encode(sha256(convert_to(coalesce(string_agg(what, ',' ORDER BY what), ''), 'UTF8')), 'hex')
FROM (@ends@) ended
"""
ENDS_OF_SYSTEM = """
SELECT 'account:' || id AS what FROM gone_account UNION ALL SELECT 'inclusion:' || id FROM gone_inclusion
UNION ALL SELECT 'grant:' || id FROM gone_grant UNION ALL SELECT 'credential:' || id FROM gone_credential
UNION ALL SELECT 'off:' || account_id FROM staging_account
  WHERE 'is_enabled' = ANY(changes) AND NOT is_enabled OR 'kind' = ANY(changes)
"""


def tripped(
    reading: Reading, counts: Mapping[str, Mapping[str, int]], present: Callable[[str], int]
) -> Found | None:
    """Why this reading needs a second person, and a seal over what it would end; None if it does not.

    `present(kind)` says how many are known to be there now.
    """
    reasons = _of_people(reading) if reading.is_of_people else _of_system(reading, counts, present)
    if not reasons:
        return None
    of_people = f"SELECT identity_id::text AS what FROM ({WHO_LEAVES}) l"  # noqa: S608 - constants
    ends = of_people if reading.is_of_people else ENDS_OF_SYSTEM
    return {"reasons": reasons, "seal": reading.one(SEAL.replace("@ends@", ends))[0]}


def release_of(run: ImportRun, seal: str) -> Approval | None:
    """The grant of a second person, who neither asked nor sent the file, of exactly these ends."""
    kept = run.preview.get("release")
    if not kept or kept["seal"] != seal:
        return None
    granted = Approval.objects.of(run).filter(
        pk=kept["approval"], action=RELEASE, verdict=Approval.Verdict.GRANTED
    )
    return granted.exclude(decided_by=run.received_by_id).first()


def _of_system(
    reading: Reading, counts: Mapping[str, Mapping[str, int]], present: Callable[[str], int]
) -> list[Found]:
    source, reasons = reading.run.source, []
    for kind, numbers in counts.items():
        gone = numbers["gone"]
        if gone > min(HANDFUL, source.fuse_rows):
            of = present(kind)
            if gone > source.fuse_rows or gone * 100 > source.fuse_percent * of:
                reasons.append({"code": "many_gone", "kind": kind, "count": gone, "of": of})
    if touched := [name for (name,) in reading.rows(EMERGENCY)]:
        reasons.append({"code": "emergency", "count": len(touched), "names": touched[:LISTED]})
    if reading.one(ENDS_SOMETHING)[0] and (lost := [name for (name,) in reading.rows(LAST_ADMINS)]):
        reasons.append({"code": "last_admin", "count": len(lost), "names": lost[:LISTED]})
    return reasons


def _of_people(reading: Reading) -> list[Found]:
    leaving, of = reading.one(HOW_MANY_LEAVE)[0], reading.one(PEOPLE)[0]
    is_many = leaving > LEAVERS or (leaving > HANDFUL and leaving * 100 > LEAVERS_PERCENT * of)
    if not is_many:
        return []
    names = [list(row) for row in reading.rows(NAMED_LEAVERS, shown=LISTED)]
    return [{"code": "leavers", "count": leaving, "of": of, "leavers": names}]
