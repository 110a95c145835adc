"""The standing privilege meter: how many hours privileged rights were there, by how they were there.

*Standing* is usable without a fresh approval; *eligible* has to be switched on first; *time-boxed* ends
within the longest window of its kind (`entitlement.ADMIN_WINDOW`, `WINDOW`). A right that outlives its agreed
end is standing from then on: the end was agreed and not enforced. An unknown beginning counts from the first
reading that showed the right, so nothing is counted that nobody saw. Times are in seconds; a quarter that is
not over counts until now.

*Used* means a last use within the quarter. What was used last before it was not used in it; a use after it,
or none known, leaves it unknown.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from django.db import connection

from accounts.models.entitlement import ADMIN_WINDOW, WINDOW

By = Literal["total", "system", "owner", "kind", "right"]
MONTHS = 3


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A quarter of a year, in UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, at: datetime) -> "Quarter":
        """The one that `at` lies in."""
        at = at.astimezone(UTC)
        return cls(at.year, (at.month - 1) // MONTHS + 1)

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, (self.number - 1) * MONTHS + 1, 1, tzinfo=UTC)

    @property
    def ends(self) -> datetime:
        """The first moment that is not in it."""
        return self.later(1).begins

    def later(self, by: int) -> "Quarter":
        """So many quarters on, or back if negative."""
        year, rest = divmod(self.year * 4 + self.number - 1 + by, 4)
        return Quarter(year, rest + 1)

    def __str__(self) -> str:
        return f"{self.year} Q{self.number}"


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds of privileged rights in a quarter; the last three divide the standing ones."""

    quarter: Quarter
    key: str  # of what it was asked by: a system, an owner, people or machines, a right; empty for the total
    label: str
    grants: int
    standing: int
    eligible: int
    time_boxed: int
    used: int
    unused: int
    use_unknown: int

    @property
    def all(self) -> int:
        """Privileged hours of every sort."""
        return self.standing + self.eligible + self.time_boxed


_BY: dict[By, tuple[str, str]] = {
    "total": ("''", "''"),
    "system": ("s.id::text", "s.code"),
    "owner": ("coalesce(o.id::text, '')", "coalesce(o.name, '')"),
    "kind": ("coalesce(k.is_human, '')", "coalesce(k.is_human, '')"),
    "right": ("e.id::text", "e.name || ' · ' || s.code"),
}

_METER = """
WITH quarter AS (
  SELECT begins, least(ends, %(now)s) AS ends FROM unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS q(begins, ends) WHERE begins < %(now)s),
privileged AS MATERIALIZED (
  SELECT g.id, g.account_id, g.entitlement_id, g.system_id, g.is_eligible,
    coalesce(lower(g.held), r.taken_at, r.received_at) AS since, coalesce(upper(g.held), %(now)s) AS until,
    g.ends_at, CASE WHEN 'admin' = ANY(e.marks) THEN %(admin)s ELSE %(other)s END::interval AS longest
  FROM accounts_entitlement e JOIN accounts_grant g ON g.entitlement_id = e.id
  JOIN accounts_importrun r ON r.id = g.known_from_run_id
  WHERE e.carries_privilege AND (%(systems)s::uuid[] IS NULL OR e.system_id = ANY(%(systems)s::uuid[]))
    AND (upper_inf(g.held) OR upper(g.held) > %(first)s)),
spent AS (
  SELECT q.begins, p.*, u.last_used_at,
    extract(epoch FROM least(p.until, q.ends) - greatest(p.since, q.begins)) AS seconds,
    -- The part that lies before an agreed end within the window; what is left over stands.
    CASE WHEN NOT p.is_eligible AND p.ends_at <= p.since + p.longest THEN
      greatest(0, extract(epoch FROM least(p.until, q.ends, p.ends_at) - greatest(p.since, q.begins)))
      ELSE 0 END AS boxed,
    CASE WHEN u.last_used_at >= q.begins AND u.last_used_at < q.ends THEN 'used'
      WHEN u.last_used_at < q.begins THEN 'unused' ELSE 'unknown' END AS used
  FROM quarter q JOIN privileged p ON p.since < q.ends AND p.until > q.begins
  LEFT JOIN accounts_grantuse u ON u.grant_id = p.id),
told AS (
  SELECT begins, account_id, entitlement_id, system_id, used, is_eligible,
    CASE WHEN is_eligible THEN seconds ELSE 0 END AS eligible, boxed,
    CASE WHEN is_eligible THEN 0 ELSE seconds - boxed END AS standing
  FROM spent)
SELECT t.begins, {key} AS key, {label} AS label, count(*),
  sum(t.standing)::bigint, sum(t.eligible)::bigint, sum(t.boxed)::bigint,
  coalesce(sum(t.standing) FILTER (WHERE t.used = 'used'), 0)::bigint,
  coalesce(sum(t.standing) FILTER (WHERE t.used = 'unused'), 0)::bigint,
  coalesce(sum(t.standing) FILTER (WHERE t.used = 'unknown'), 0)::bigint
FROM told t
JOIN accounts_system s ON s.id = t.system_id JOIN accounts_entitlement e ON e.id = t.entitlement_id
JOIN accounts_account a ON a.id = t.account_id LEFT JOIN accounts_identity i ON i.id = a.identity_id
LEFT JOIN accounts_application app ON app.id = i.application_id
-- Who answers: a person for themselves, the owner of a machine or of its application, else of the system.
LEFT JOIN accounts_identity o ON o.id = CASE WHEN i.kind = 'human' THEN i.id
  ELSE coalesce(i.owner_id, app.owner_id, s.owner_id) END
CROSS JOIN LATERAL (SELECT CASE WHEN i.kind = 'human' THEN 'people'
  WHEN i.id IS NOT NULL OR a.kind IN ('machine', 'role') THEN 'machines' END AS is_human) k
GROUP BY 1, 2, 3 ORDER BY 1, 5 DESC, 3 LIMIT %(most)s
"""


def meter(
    quarters: Collection[Quarter],
    *,
    now: datetime,
    by: By = "total",
    systems: Collection[UUID] | None = None,
    most: int = 10_000,
) -> list[Reading]:
    """What these quarters came to, by quarter and then by the most standing; `systems=None` is all."""
    if not quarters:
        return []
    key, label = _BY[by]
    told: dict[str, Any] = {
        "now": now,
        "begins": [quarter.begins for quarter in quarters],
        "ends": [quarter.ends for quarter in quarters],
        "first": min(quarters).begins,
        "admin": ADMIN_WINDOW,
        "other": WINDOW,
        "systems": None if systems is None else list(systems),
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_METER.format(key=key, label=label), told)
        return [Reading(Quarter.of(begins), *rest) for begins, *rest in cursor.fetchall()]
