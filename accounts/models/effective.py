"""What follows from asserted rights on any day: which rights an account really has, and by which way.

Asserted are grants and inclusions, both with *held* (as the source says) and *known* (which reading showed
it, which ended it). `Moment(at, known_at)` asks what was held at `at` by what was known at `known_at`, so an
answer given on an earlier day can be given again. Everything here reads; nothing is stored.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

LONGEST_WAY = 24  # groups in groups; a longer way is a circle or a mistake


class Moment(NamedTuple):
    """The day asked about, and by whose knowledge; both None is: now, by what is known now."""

    at: datetime | None = None
    known_at: datetime | None = None


NOW = Moment()


@dataclass(frozen=True, slots=True)
class Right:
    """A right that an account had, and the way to it.

    `way` are keys of entitlements from what was granted to the right itself; of one element when the right
    was granted itself. `is_certain` is False where the source does not say since when and no reading had
    shown it by then.
    """

    account_id: int
    entitlement_id: int
    grant_id: int
    way: tuple[int, ...]
    since: datetime | None
    ends_at: datetime | None
    is_eligible: bool
    is_certain: bool

    @property
    def is_inherited(self) -> bool:
        """It came with something else, and is taken away there."""
        return len(self.way) > 1

    @property
    def granted_id(self) -> int:
        """What was granted to the account: this is what can be removed on the account."""
        return self.way[0]


def in_force(alias: str, moment: Moment) -> str:
    """SQL condition: the row `alias` (held, known_from_run_id, known_to_run_id) was in force.

    Uses the parameters %(at)s and %(known_at)s; see `parameters`.
    """
    if moment.at is None and moment.known_at is None:
        return f"upper_inf({alias}.held)"
    begun = f"(lower_inf({alias}.held) OR lower({alias}.held) <= %(at)s)"
    if moment.known_at is None:
        return f"({begun} AND (upper_inf({alias}.held) OR upper({alias}.held) > %(at)s))"
    known = (
        f"EXISTS (SELECT FROM accounts_importrun kf WHERE kf.id = {alias}.known_from_run_id"
        " AND kf.applied_at <= %(known_at)s)"
    )
    ended = (
        f"EXISTS (SELECT FROM accounts_importrun kt WHERE kt.id = {alias}.known_to_run_id"
        " AND kt.applied_at <= %(known_at)s)"
    )
    return f"({begun} AND {known} AND (NOT {ended} OR upper({alias}.held) > %(at)s))"


def parameters(moment: Moment, **more: Any) -> dict[str, Any]:
    """Of a statement that uses `in_force`."""
    return {"at": moment.at, "known_at": moment.known_at, "longest": LONGEST_WAY, **more}


def certain(alias: str, moment: Moment) -> str:
    """SQL: the beginning is known, or a reading taken by then had shown it."""
    if moment.at is None:
        return "true"
    return (
        f"(NOT lower_inf({alias}.held) OR EXISTS (SELECT FROM accounts_importrun cf"
        f" WHERE cf.id = {alias}.known_from_run_id AND coalesce(cf.taken_at, cf.received_at) <= %(at)s))"
    )


def rights_of(accounts: Collection[int], moment: Moment = NOW) -> Iterator[Right]:
    """Every right of these accounts, granted or inherited, each way once; ordered by account and way."""
    statement = f"""
    WITH RECURSIVE way AS (
      SELECT g.account_id, g.entitlement_id, g.id AS grant_id, ARRAY[g.entitlement_id] AS way,
        lower(g.held) AS since, g.ends_at, g.is_eligible, {certain("g", moment)} AS is_certain
      FROM accounts_grant g WHERE g.account_id = ANY(%(accounts)s) AND {in_force("g", moment)}
      UNION ALL
      SELECT w.account_id, i.child_id, w.grant_id, w.way || i.child_id,
        greatest(w.since, lower(i.held)), w.ends_at, w.is_eligible,
        w.is_certain AND {certain("i", moment)}
      FROM way w JOIN accounts_inclusion i ON i.parent_id = w.entitlement_id AND {in_force("i", moment)}
      WHERE NOT i.child_id = ANY(w.way) AND cardinality(w.way) < %(longest)s)
    SELECT account_id, entitlement_id, grant_id, way, since, ends_at, is_eligible, is_certain
    FROM way ORDER BY account_id, way
    """  # noqa: S608 - put together from constants; what is asked about travels as parameters
    return _rights(statement, parameters(moment, accounts=list(accounts)))


def holders_of(entitlements: Collection[int], moment: Moment = NOW) -> Iterator[Right]:
    """Who has one of these rights, by every way; a right via via stands once for each grant."""
    statement = f"""
    WITH RECURSIVE above AS (
      SELECT e AS entitlement_id, e AS target, ARRAY[e] AS way, NULL::timestamptz AS since,
        true AS is_certain
      FROM unnest(%(entitlements)s::bigint[]) e
      UNION ALL
      SELECT i.parent_id, a.target, i.parent_id || a.way, greatest(a.since, lower(i.held)),
        a.is_certain AND {certain("i", moment)}
      FROM above a JOIN accounts_inclusion i ON i.child_id = a.entitlement_id AND {in_force("i", moment)}
      WHERE NOT i.parent_id = ANY(a.way) AND cardinality(a.way) < %(longest)s)
    SELECT g.account_id, a.target, g.id, a.way, greatest(a.since, lower(g.held)), g.ends_at, g.is_eligible,
      a.is_certain AND {certain("g", moment)}
    FROM above a JOIN accounts_grant g ON g.entitlement_id = a.entitlement_id AND {in_force("g", moment)}
    ORDER BY g.account_id, a.way
    """  # noqa: S608 - the same
    return _rights(statement, parameters(moment, entitlements=list(entitlements)))


def _rights(statement: str, told: dict[str, Any]) -> Iterator[Right]:
    with connection.cursor() as cursor:
        cursor.execute(statement, told)
        while batch := cursor.fetchmany(2000):
            for account, entitlement, grant, way, since, ends_at, is_eligible, is_certain in batch:
                yield Right(account, entitlement, grant, tuple(way), since, ends_at, is_eligible, is_certain)
