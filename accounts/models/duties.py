"""What whoever answers for machines should look at first, the riskiest before the rest.

Judged by what the inventory says alone; unknown is never taken for bad news, and unused is judged against the
machine's own rhythm.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from accounts.models.asked import OF_PERSON
from accounts.models.effective import positional


class Duty(StrEnum):
    """One kind of thing to do."""

    STANDS_IN = "stands_in"
    EXPOSED = "exposed"
    CONTRACT_ENDED = "contract_ended"
    OLD_KEY = "old_key"
    NO_DEPUTY = "no_deputy"
    REVIEW_PASSED = "review_passed"
    EXPIRES = "expires"
    UNUSED = "unused"
    NO_PURPOSE = "no_purpose"


@dataclass(frozen=True, slots=True)
class ToDo:
    """One thing to do about one machine; `since` is the day it is measured from, `until` the one it ends."""

    machine_id: UUID
    name: str
    duty: Duty
    is_privileged: bool
    when: datetime | None


MINE: Final = """SELECT m.id FROM accounts_identity m
  WHERE m.kind <> 'human' AND m.status <> 'left'
    AND (m.owner_id = %(me)s OR m.deputy_id = %(me)s OR m.stand_in_id = %(me)s)
  UNION
  SELECT m.id FROM accounts_identity m JOIN accounts_application app ON app.id = m.application_id
  WHERE m.kind <> 'human' AND m.status <> 'left'
    AND (app.owner_id = %(me)s OR app.deputy_id = %(me)s OR app.stand_in_id = %(me)s)"""

# Keys older than a year are old, ends within 30 days are near, and a rhythm has as many days to be missed.
_STATEMENT: Final = f"""
WITH mine AS MATERIALIZED ({MINE}),
account AS (
  SELECT a.id, a.identity_id, a.last_used_at, a.expires_at FROM accounts_account a
  JOIN mine ON mine.id = a.identity_id WHERE a.gone_run_id IS NULL),
key AS (
  SELECT account.identity_id, min(coalesce(c.rotated_at, c.created_at)) FILTER
      (WHERE c.kind IN ('access_key', 'password', 'secret', 'ssh_key', 'token')) AS oldest,
    min(c.expires_at) FILTER (WHERE c.expires_at > %(at)s) AS expires_at, max(c.last_used_at) AS last_used_at,
    min(c.exposed_at) FILTER
      (WHERE coalesce(c.rotated_at, c.created_at, '-infinity') < c.exposed_at) AS exposed_at
  FROM account JOIN accounts_credential c ON c.account_id = account.id
  WHERE c.gone_run_id IS NULL AND c.is_active IS NOT FALSE GROUP BY account.identity_id),
held AS (
  SELECT account.identity_id, bool_or(e.carries_privilege) AS is_privileged,
    max(u.last_used_at) AS last_used_at
  FROM account JOIN accounts_grant g ON g.account_id = account.id AND upper_inf(g.held)
  JOIN accounts_entitlement e ON e.id = g.entitlement_id
  LEFT JOIN accounts_grantuse u ON u.grant_id = g.id GROUP BY account.identity_id),
used AS (
  SELECT identity_id, max(last_used_at) AS last_used_at, min(expires_at) FILTER (WHERE expires_at > %(at)s)
    AS expires_at FROM account GROUP BY identity_id),
fact AS (
  SELECT m.id, m.name, m.purpose, m.contract_end, m.review_by, m.stand_in_id,
    coalesce(held.is_privileged, false) AS is_privileged, key.oldest, key.exposed_at,
    coalesce(second.status <> 'left', false) OR coalesce(behind.status <> 'left', false) AS has_deputy,
    least(key.expires_at, used.expires_at) AS expires_at,
    greatest(used.last_used_at, key.last_used_at, held.last_used_at) AS last_used_at,
    %(at)s - make_interval(days => CASE m.rhythm WHEN 'daily' THEN 14 WHEN 'weekly' THEN 30
      WHEN 'monthly' THEN 90 WHEN 'quarterly' THEN 180 WHEN 'yearly' THEN 400 ELSE 90 END) AS missed_before,
    m.rhythm <> 'emergency' AS has_rhythm, app.stand_in_id AS app_stand_in_id
  FROM mine JOIN accounts_identity m ON m.id = mine.id
  LEFT JOIN accounts_application app ON app.id = m.application_id
  LEFT JOIN accounts_identity second ON second.id = m.deputy_id
  LEFT JOIN accounts_identity behind ON behind.id = app.deputy_id
  LEFT JOIN key ON key.identity_id = m.id LEFT JOIN held ON held.identity_id = m.id
  LEFT JOIN used ON used.identity_id = m.id),
duty AS (
  SELECT fact.*, found.duty, found.risk + CASE WHEN is_privileged THEN 15 ELSE 0 END AS risk, found.at
  FROM fact CROSS JOIN LATERAL (VALUES
    ('stands_in', CASE WHEN %(me)s IN (stand_in_id, app_stand_in_id) THEN 100 END, NULL::timestamptz),
    ('exposed', CASE WHEN exposed_at IS NOT NULL THEN 90 END, exposed_at),
    ('contract_ended', CASE WHEN contract_end < %(today)s THEN 85 END, contract_end::timestamptz),
    ('old_key', CASE WHEN oldest < %(at)s - interval '365 days' THEN 75 END, oldest),
    ('no_deputy', CASE WHEN is_privileged AND NOT has_deputy THEN 55 END, NULL),
    ('review_passed', CASE WHEN review_by < %(today)s THEN 60 END, review_by::timestamptz),
    ('expires', CASE WHEN expires_at < %(at)s + interval '30 days' THEN 58 END, expires_at),
    ('unused', CASE WHEN has_rhythm AND last_used_at < missed_before THEN 50 END, last_used_at),
    ('no_purpose', CASE WHEN purpose = '' THEN 20 END, NULL)
  ) AS found(duty, risk, at) WHERE found.risk IS NOT NULL)
SELECT id, name, duty, is_privileged, at FROM duty
ORDER BY risk DESC, at NULLS LAST, name, id, duty LIMIT %(limit)s
"""  # noqa: S608 - put together from constants; what is asked about travels as parameters


def concerns(me: UUID) -> RawSQL:
    """They answer for a machine, or something points to them: a condition, asked on every page."""
    asked, told = positional(f"EXISTS ({MINE}) OR EXISTS ({OF_PERSON})", {"me": me, "person": me})
    return RawSQL(asked, told, BooleanField())  # noqa: S611 - constants; who is asked about is a parameter


def riskiest(me: UUID, at: datetime, *, limit: int = 5) -> list[ToDo]:
    """What one person should do first about the machines they answer for."""
    told: dict[str, Any] = {"me": me, "at": at, "today": at.date(), "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, told)
        return [
            ToDo(machine, name, Duty(duty), privileged, when)
            for machine, name, duty, privileged, when in cursor.fetchall()
        ]
