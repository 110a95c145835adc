"""Who might answer for each machine that nobody answers for, and why: found anew, set-based, in one go.

What the systems themselves say stands in `Account.hints` as words. A word becomes a person only where exactly
one person fits it: by address, by number, by the login they have on the same system, by full name. Proposals
that stay the same keep the day on which they were found, because whoever is asked has from then on to answer.
"""

# ruff: noqa: S608 - put together from constants of this module and of models/asked.py, never from input

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from accounts import ports
from accounts.models import Identity
from accounts.models.asked import ACCOUNTABLE, ANSWERS, IS_OWNED
from portal import moment

# Two evaluations at once would each insert what the other has found.
ADVISORY_LOCK = 7_215_307_021
LONGEST_DETAIL = 200

# How much each reason says, in percent.
WEIGHTS: Final = {
    "named": 90, "application": 80, "creator": 60, "tag": 50, "namespace": 40, "session": 30, "leaver": 25,
    "system": 10,
}  # fmt: skip
ADDRESS: Final = r"[A-Za-z0-9._%%+''-]+@[A-Za-z0-9-]+(?:[.][A-Za-z0-9-]+)+"

_UNOWNED: Final = f"""
CREATE TEMP TABLE staging_unowned ON COMMIT DROP AS
SELECT m.id, m.owner_id, m.application_id, app.deputy_id AS application_deputy_id
FROM accounts_identity m {ANSWERS}
WHERE m.kind <> 'human' AND m.status <> 'left' AND NOT {IS_OWNED}
"""

_ACCOUNTS: Final = """
CREATE TEMP TABLE staging_unowned_account ON COMMIT DROP AS
SELECT a.id, a.system_id, a.identity_id, a.hints
FROM accounts_account a JOIN staging_unowned u ON u.id = a.identity_id WHERE a.gone_run_id IS NULL
"""

_FOUND: Final = """
CREATE TEMP TABLE staging_proposal (
  identity_id uuid, candidate_id uuid, reason text, detail text, weight smallint) ON COMMIT DROP
"""

# Words that the systems say, and which of them is the person meant.
_SAID: Final = f"""
CREATE TEMP TABLE staging_word ON COMMIT DROP AS
SELECT DISTINCT a.identity_id, a.system_id, a.reason, a.word,
  lower(substring(a.word from '{ADDRESS}')) AS address,
  lower(btrim(a.word)) AS folded
FROM (
  SELECT identity_id, system_id, 'named' AS reason, hints->>'owner' AS word FROM staging_unowned_account
  UNION ALL SELECT identity_id, system_id, 'creator', hints->>'creator' FROM staging_unowned_account
  UNION ALL
  SELECT u.identity_id, u.system_id, 'tag', said.value FROM staging_unowned_account u
  CROSS JOIN LATERAL jsonb_each_text(u.hints) said
  WHERE said.key IN ('deputy', 'sponsor')
    OR said.key NOT IN ('owner', 'creator', 'vendor') AND said.value LIKE '%%@%%'
) a WHERE a.word <> ''
"""
_MEANT: Final = """
INSERT INTO staging_proposal
WITH person AS MATERIALIZED (
  SELECT id, lower(email) AS email, lower(name) AS name FROM accounts_identity
  WHERE kind = 'human' AND status <> 'left'),
fits AS (
  SELECT w.*, p.id AS person FROM staging_word w JOIN person p ON p.email = w.address
  UNION SELECT w.*, p.id FROM staging_word w JOIN person p ON p.name = w.folded WHERE w.address IS NULL
  UNION SELECT w.*, p.id FROM staging_word w JOIN accounts_engagement e ON e.number = btrim(w.word)
    JOIN person p ON p.id = e.identity_id WHERE w.address IS NULL
  UNION SELECT w.*, p.id FROM staging_word w
    JOIN accounts_account a ON a.system_id = w.system_id AND a.external_id = btrim(w.word)
      AND a.gone_run_id IS NULL
    JOIN person p ON p.id = a.identity_id)
SELECT identity_id, min(person::text)::uuid, reason, left(word, %(longest)s),
  (%(weights)s::jsonb->>reason)::smallint
FROM fits GROUP BY identity_id, system_id, reason, word HAVING count(*) = 1
"""

_APPLICATION: Final = """
INSERT INTO staging_proposal
SELECT u.identity_id, owner.id, 'application', left(app.name, %(longest)s), %(application)s
FROM staging_unowned_account u
JOIN accounts_application app ON lower(app.name) = lower(btrim(u.hints->>'application'))
JOIN accounts_identity owner ON owner.id = app.owner_id AND owner.status <> 'left'
UNION ALL
SELECT u.id, deputy.id, 'application', left(app.name, %(longest)s), %(application)s
FROM staging_unowned u
JOIN accounts_application app ON app.id = u.application_id
JOIN accounts_identity deputy ON deputy.id = u.application_deputy_id AND deputy.status <> 'left'
"""

# The one who owns most of the machines beside it; a namespace of many owners points to nobody clearly.
_NAMESPACE: Final = f"""
INSERT INTO staging_proposal
WITH place AS (
  SELECT DISTINCT system_id, hints->>'namespace' AS name FROM staging_unowned_account
  WHERE hints->>'namespace' <> ''),
sibling AS (
  SELECT place.system_id, place.name, {ACCOUNTABLE} AS owner_id, m.id
  FROM place
  JOIN accounts_account a ON a.system_id = place.system_id AND a.hints->>'namespace' = place.name
    AND a.gone_run_id IS NULL
  JOIN accounts_identity m ON m.id = a.identity_id AND m.kind <> 'human' AND m.status <> 'left'
  {ANSWERS}
  WHERE {IS_OWNED}),
counted AS (
  SELECT system_id, name, owner_id, count(DISTINCT id) AS owned,
    sum(count(DISTINCT id)) OVER (PARTITION BY system_id, name) AS of_all,
    row_number() OVER (PARTITION BY system_id, name ORDER BY count(DISTINCT id) DESC, owner_id) AS place
  FROM sibling GROUP BY system_id, name, owner_id)
SELECT DISTINCT ON (u.identity_id) u.identity_id, counted.owner_id, 'namespace',
  left(counted.name || ': ' || counted.owned || '/' || counted.of_all, %(longest)s), %(namespace)s
FROM staging_unowned_account u
JOIN counted ON counted.system_id = u.system_id AND counted.name = u.hints->>'namespace'
  AND counted.place = 1 AND counted.owned * 2 > counted.of_all
ORDER BY u.identity_id, counted.owned DESC
"""

# The first above the owner who left who is still there; longer chains are circles or mistakes of the file.
_LEAVER: Final = """
INSERT INTO staging_proposal
WITH RECURSIVE up AS (
  SELECT DISTINCT gone.id AS leaver, gone.name, boss.id AS boss, boss.manager_id, boss.status, 1 AS depth
  FROM staging_unowned u JOIN accounts_identity gone ON gone.id = u.owner_id AND gone.status = 'left'
  JOIN accounts_identity boss ON boss.id = gone.manager_id
  UNION ALL
  SELECT up.leaver, up.name, boss.id, boss.manager_id, boss.status, up.depth + 1
  FROM up JOIN accounts_identity boss ON boss.id = up.manager_id
  WHERE up.status = 'left' AND up.depth < 40)
SELECT u.id, up.boss, 'leaver', left(up.name, %(longest)s), %(leaver)s
FROM staging_unowned u JOIN up ON up.leaver = u.owner_id AND up.status <> 'left'
"""

# Of several systems the one with most of its accounts comes first.
_SYSTEM: Final = """
INSERT INTO staging_proposal
SELECT u.identity_id, coalesce(owner.id, deputy.id), 'system', s.code,
  least(%(system)s + count(*), %(system)s + 5)
FROM staging_unowned_account u
JOIN accounts_system s ON s.id = u.system_id
LEFT JOIN accounts_identity owner ON owner.id = s.owner_id AND owner.status <> 'left'
LEFT JOIN accounts_identity deputy ON deputy.id = s.deputy_id AND deputy.status <> 'left'
WHERE coalesce(owner.id, deputy.id) IS NOT NULL
GROUP BY u.identity_id, coalesce(owner.id, deputy.id), s.code
"""

_SETTLE: Final = """
CREATE TEMP TABLE staging_settled ON COMMIT DROP AS
SELECT DISTINCT ON (identity_id, candidate_id, reason) identity_id, candidate_id, reason, detail, weight
FROM staging_proposal WHERE identity_id <> candidate_id
ORDER BY identity_id, candidate_id, reason, weight DESC, detail
"""
_DROP: Final = """
DELETE FROM accounts_ownerproposal p WHERE NOT EXISTS (
  SELECT FROM staging_settled s WHERE s.identity_id = p.identity_id AND s.candidate_id = p.candidate_id
    AND s.reason = p.reason)
"""
_KEEP: Final = """
INSERT INTO accounts_ownerproposal AS p (identity_id, candidate_id, reason, detail, weight, found_at)
SELECT identity_id, candidate_id, reason, detail, weight, %(at)s FROM staging_settled
ON CONFLICT (identity_id, candidate_id, reason)
DO UPDATE SET detail = excluded.detail, weight = excluded.weight
WHERE (p.detail, p.weight) IS DISTINCT FROM (excluded.detail, excluded.weight)
"""
_TEMPORARY: Final = ", ".join(
    f"pg_temp.staging_{name}" for name in ("unowned", "unowned_account", "proposal", "word", "settled")
)


@transaction.atomic
def propose(at: datetime | None = None) -> int:
    """Find every proposal anew; what no longer holds goes. Returns how many stand."""
    told: dict[str, Any] = {
        "at": at or moment.now(),
        "longest": LONGEST_DETAIL,
        "weights": "{" + ", ".join(f'"{reason}": {weight}' for reason, weight in WEIGHTS.items()) + "}",
        **WEIGHTS,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        cursor.execute(f"DROP TABLE IF EXISTS {_TEMPORARY}")
        for statement in (_UNOWNED, _ACCOUNTS, _FOUND, _SAID):
            cursor.execute(statement, told)
        cursor.execute("ANALYZE staging_unowned, staging_unowned_account, staging_word")
        for statement in (_MEANT, _APPLICATION, _NAMESPACE, _LEAVER, _SYSTEM):
            cursor.execute(statement, told)
    _from_sessions()
    with connection.cursor() as cursor:
        for statement in (_SETTLE, _DROP, _KEEP):
            cursor.execute(statement, told)
        cursor.execute("SELECT count(*) FROM staging_settled")
        (count,) = cursor.fetchone()
        cursor.execute(f"DROP TABLE IF EXISTS {_TEMPORARY}")
    return int(count)


def _from_sessions() -> None:
    """Whoever was last at work as the machine, as far as the rooms above have seen it."""
    last: dict[UUID, tuple[datetime, UUID]] = {}
    for answer in ports.worked_as.ask().values():
        for machine, person, seen in answer:
            if machine not in last or last[machine][0] < seen:
                last[machine] = (seen, person)
    here = set(
        Identity.objects.human().active().filter(pk__in=_people(last.values())).values_list("pk", flat=True)
    )
    rows = [
        (machine, person, "session", seen.date().isoformat(), WEIGHTS["session"])
        for machine, (seen, person) in last.items()
        if person in here
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO staging_proposal SELECT %s, %s, %s, %s, %s
            WHERE EXISTS (SELECT FROM staging_unowned WHERE id = %s)""",
            [(*row, row[0]) for row in rows],
        )


def _people(found: Iterable[tuple[datetime, UUID]]) -> set[UUID]:
    return {person for _seen, person in found}
