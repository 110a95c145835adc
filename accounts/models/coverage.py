"""How much is known of the machines on each system: who answers for them, what for, and how they are used.

Six facts make a machine *fully known*: owner, deputy, purpose, consumer, key age, last use. How old a key is
and when a machine was used may be unknown because nothing that was read says so; that is counted apart.
"""

# ruff: noqa: S608 - put together from constants; what is asked about travels as parameters

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from accounts.models.account import Account
from accounts.models.asked import ANSWERS, IS_OWNED
from portal.users.models import User
from portal.users.permissions import Perm

FACTS: Final = ("owner", "deputy", "purpose", "consumer", "key_age", "last_use")
# What rows can be asked for: a fact, all of them together, or the deputies of privileged machines alone.
PARTS: Final = (*FACTS, "privileged_deputy", "full")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of one system, or of all together (`system_id` is None)."""

    system_id: UUID | None
    machines: int
    owner: int
    deputy: int
    purpose: int
    consumer: int
    key_age: int
    last_use: int
    privileged: int
    privileged_deputy: int
    full: int

    @property
    def owner_percent(self) -> int | None:
        """Of all machines; None where there is none."""
        return percent(self.owner, self.machines)

    @property
    def deputy_percent(self) -> int | None:
        """Of those with a privileged right; None where there is none."""
        return percent(self.privileged_deputy, self.privileged)

    @property
    def full_percent(self) -> int | None:
        """Of all machines; None where there is none."""
        return percent(self.full, self.machines)

    @property
    def owner_missing(self) -> int:
        """Nobody here answers for them."""
        return self.machines - self.owner

    @property
    def deputy_missing(self) -> int:
        """Privileged, and nobody is behind the owner."""
        return self.privileged - self.privileged_deputy

    @property
    def full_missing(self) -> int:
        """At least one of the facts is missing."""
        return self.machines - self.full

    @property
    def key_age_unknown(self) -> int:
        """No key is known, or one without a date."""
        return self.machines - self.key_age

    @property
    def last_use_unknown(self) -> int:
        """Nothing that was read says when it was used."""
        return self.machines - self.last_use


def percent(part: int, whole: int) -> int | None:
    """Rounded down, so that 100 means all."""
    return part * 100 // whole if whole else None


_FACTS_OF: Final = f"""
seen AS MATERIALIZED (
  SELECT a.id, a.system_id, a.identity_id, a.last_used_at FROM accounts_account a
  WHERE a.gone_run_id IS NULL AND a.identity_id IS NOT NULL AND {{scope}}),
key AS (
  SELECT seen.system_id, seen.identity_id, bool_and(c.kind = 'federated'
    OR coalesce(c.rotated_at, c.created_at) IS NOT NULL) AS is_dated, max(c.last_used_at) AS last_used_at
  FROM seen JOIN accounts_credential c ON c.account_id = seen.id
  WHERE c.gone_run_id IS NULL AND c.is_active IS NOT FALSE AND c.kind <> 'mfa_device'
  GROUP BY 1, 2),
held AS (
  SELECT seen.system_id, seen.identity_id, bool_or(e.carries_privilege) AS is_privileged,
    max(u.last_used_at) AS last_used_at
  FROM seen JOIN accounts_grant g ON g.account_id = seen.id AND upper_inf(g.held)
  JOIN accounts_entitlement e ON e.id = g.entitlement_id
  LEFT JOIN accounts_grantuse u ON u.grant_id = g.id
  GROUP BY 1, 2),
used AS (SELECT system_id, identity_id, max(last_used_at) AS last_used_at FROM seen GROUP BY 1, 2),
fact AS (
  SELECT used.system_id, m.id, m.name, {IS_OWNED} AS owner,
    coalesce(second.status <> 'left', false) OR coalesce(behind.status <> 'left', false) AS deputy,
    m.purpose <> '' AS purpose, cardinality(m.consumers) > 0 AS consumer,
    coalesce(key.is_dated, false) AS key_age,
    coalesce(used.last_used_at, key.last_used_at, held.last_used_at) IS NOT NULL AS last_use,
    coalesce(held.is_privileged, false) AS privileged
  FROM used JOIN accounts_identity m ON m.id = used.identity_id AND m.kind <> 'human' AND m.status <> 'left'
  {ANSWERS}
  LEFT JOIN accounts_identity second ON second.id = m.deputy_id
  LEFT JOIN accounts_identity behind ON behind.id = app.deputy_id
  LEFT JOIN key ON key.system_id = used.system_id AND key.identity_id = used.identity_id
  LEFT JOIN held ON held.system_id = used.system_id AND held.identity_id = used.identity_id)
"""
_FULL: Final = " AND ".join(FACTS)
_COUNTS: Final = ", ".join(
    [
        "count(*)",
        *(f"count(*) FILTER (WHERE {fact})" for fact in FACTS),
        "count(*) FILTER (WHERE privileged)",
        "count(*) FILTER (WHERE privileged AND deputy)",
        f"count(*) FILTER (WHERE {_FULL})",
    ]
)


def by_system(user: User, system: UUID | None = None) -> dict[UUID, Coverage]:
    """Of each system with machines whose accounts this user may see, or of one."""
    scope, told = _scope(user, system)
    rows = _ask(f"WITH {scope} SELECT system_id, {_COUNTS} FROM fact GROUP BY system_id", told)
    return {row[0]: Coverage(*row) for row in rows}


def machines_of(
    user: User, system: UUID | None, part: str, *, is_known: bool, after: tuple[str, UUID] | None, limit: int
) -> list[UUID]:
    """Keys of the machines behind a number, by name; `after` is the last name and key of the page before."""
    scope, told = _scope(user, system)
    known = {"full": f"({_FULL})", "privileged_deputy": "deputy"}.get(part, part)
    if part not in PARTS:
        raise LookupError(part)
    only = "privileged AND" if part == "privileged_deputy" else ""
    told |= {"name": after[0] if after else None, "key": after[1] if after else None, "limit": limit}
    rows = _ask(
        f"""WITH {scope} SELECT id FROM (
          SELECT id, name, bool_and({known}) AS is_known FROM fact WHERE {only} true GROUP BY id, name) one
        WHERE is_known = %(is_known)s
          AND (%(name)s::text IS NULL OR (name, id) > (%(name)s::text, %(key)s::uuid))
        ORDER BY name, id LIMIT %(limit)s""",
        told | {"is_known": is_known},
    )
    return [row[0] for row in rows]


def _scope(user: User, system: UUID | None) -> tuple[str, dict[str, Any]]:
    """What this user may see: by role everything, else the accounts they have a reason to see."""
    conditions, told = ["true"], dict[str, Any](system=system)
    if system is not None:
        conditions.append("a.system_id = %(system)s")
    if not user.may(Perm.INVENTORY_VIEW):
        visible = Account.objects.visible_to(user).present()
        if system is not None:
            visible = visible.filter(system=system)
        conditions.append("a.id = ANY(%(visible)s)")
        told["visible"] = list(visible.values_list("pk", flat=True))
    return _FACTS_OF.format(scope=" AND ".join(conditions)), told


def _ask(statement: str, told: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, told)
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return rows
