"""What follows from asserted rights on any day: which rights an account really has, and by which way.

Asserted are grants and inclusions, both with *held* (as the source says) and *known* (which reading showed
it, which ended it). `Moment(at, known_at)` asks what was held at `at` by what was known at `known_at`, so an
answer given on an earlier day can be given again. Everything here reads; nothing is stored.

A question takes two queries for each batch: the grants, and the bonds between what they grant and what that
brings. The ways are put together here and not in SQL, where groups that share their members multiply.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, F, Q, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from accounts.models.entitlement import Grant, GrantQuerySet, time_boxed
from portal import moment as clock

LONGEST_WAY = 24  # groups in groups; a longer way is a circle or a mistake
MOST_WAYS = 16  # from one granted thing to one right; the shortest stay
BATCH = 1_000

# Why it is not certain that a right was held then.
START, END = "start", "end"


class Moment(NamedTuple):
    """The day asked about, and by whose knowledge; both None is: now, by what is known now."""

    at: datetime | None = None
    known_at: datetime | None = None


NOW = Moment()


@dataclass(frozen=True, slots=True)
class Right:
    """A right that an account had, and the way to it.

    `way` are keys of entitlements from what was granted to the right itself; of one element when the right
    was granted itself. `since` is None where the beginning of any part of the way is unknown, `until` where
    nothing has ended yet. `doubt` is START where the source does not say since when and no reading had shown
    it by then, END where one reading had shown it for the last time and the next had not yet found it gone.
    """

    account_id: int
    entitlement_id: int
    grant_id: int
    way: tuple[int, ...]
    since: datetime | None
    until: datetime | None
    ends_at: datetime | None
    is_eligible: bool
    is_time_boxed: bool
    last_used_at: datetime | None
    doubt: str

    @property
    def is_certain(self) -> bool:
        """Some reading or the source itself vouches for that moment."""
        return not self.doubt

    @property
    def is_inherited(self) -> bool:
        """It came with something else, and is taken away there."""
        return len(self.way) > 1

    @property
    def granted_id(self) -> int:
        """What was granted to the account: this is what can be removed on the account."""
        return self.way[0]


class Place(NamedTuple):
    """Where an earlier page ended: after this way of this grant."""

    account_id: int
    grant_id: int
    way: tuple[int, ...]


class _Asserted(NamedTuple):
    """A grant in force at the moment asked about."""

    account_id: int
    grant_id: int
    entitlement_id: int
    via_id: int | None
    since: datetime | None
    until: datetime | None
    ends_at: datetime | None
    is_eligible: bool
    is_time_boxed: bool
    last_used_at: datetime | None
    doubt: str


class _Bond(NamedTuple):
    """An inclusion in force then."""

    parent_id: int
    child_id: int
    since: datetime | None
    until: datetime | None
    doubt: str


class _Way(NamedTuple):
    """From one entitlement to another, without whoever holds it."""

    keys: tuple[int, ...]
    bonds: tuple[_Bond, ...] = ()


# --- conditions in SQL, for whoever asks of rows with `held` and `known_…_run` ------------------------


def parameters(moment: Moment, **more: Any) -> dict[str, Any]:
    """Of a statement that uses the conditions below; knowledge without a moment is about now."""
    at = clock.now() if moment.at is None and moment.known_at is not None else moment.at
    return {"at": at, "known_at": moment.known_at, "longest": LONGEST_WAY, **more}


def in_force(alias: str, moment: Moment) -> str:
    """The row `alias` (held, known_from_run_id, known_to_run_id) was in force."""
    if moment == NOW:
        return f"upper_inf({alias}.held)"
    begun = f"(lower_inf({alias}.held) OR lower({alias}.held) <= %(at)s)"
    if moment.known_at is None:
        return f"({begun} AND (upper_inf({alias}.held) OR upper({alias}.held) > %(at)s))"
    known = (
        f"EXISTS (SELECT FROM accounts_importrun kf WHERE kf.id = {alias}.known_from_run_id"
        " AND kf.applied_at <= %(known_at)s)"
    )
    still = f"(NOT {_end_was_known(alias)} OR upper({alias}.held) > %(at)s)"
    return f"({begun} AND {known} AND {still})"


def known_end(alias: str, moment: Moment) -> str:
    """When it was first found gone, as far as that was known; NULL where it was not."""
    if moment.known_at is None:
        return f"upper({alias}.held)"
    return f"CASE WHEN {_end_was_known(alias)} THEN upper({alias}.held) END"


def doubt(alias: str, moment: Moment) -> str:
    """'start', 'end' or '': see `Right`. Only what was in force then is asked."""
    if moment == NOW:
        return "''"
    told_by, known = "", "true"
    if moment.known_at is not None:
        told_by, known = " AND s.applied_at <= %(known_at)s", _end_was_known(alias)
    shown_by_then = (
        f"EXISTS (SELECT FROM accounts_importrun f WHERE f.id = {alias}.known_from_run_id"
        " AND coalesce(f.taken_at, f.received_at) <= %(at)s)"
    )
    # A later reading of the same source that lists everything, and did not find it gone, has seen it.
    seen_after = (
        "EXISTS (SELECT FROM accounts_importrun e JOIN accounts_importrun s ON s.source_id = e.source_id"
        f" WHERE e.id = {alias}.known_to_run_id AND s.state = 'applied'"
        f" AND (s.is_complete OR s.id = {alias}.known_from_run_id)"
        f" AND s.taken_at >= %(at)s AND s.taken_at < upper({alias}.held){told_by})"
    )
    return (
        f"CASE WHEN lower_inf({alias}.held) AND NOT {shown_by_then} THEN '{START}'"
        f" WHEN NOT upper_inf({alias}.held) AND {known} AND NOT {seen_after} THEN '{END}' ELSE '' END"
    )


def _end_was_known(alias: str) -> str:
    return (
        f"EXISTS (SELECT FROM accounts_importrun kt WHERE kt.id = {alias}.known_to_run_id"
        " AND kt.applied_at <= %(known_at)s)"
    )


# --- questions -----------------------------------------------------------------------------------------


def rights_of(accounts: Collection[int], moment: Moment = NOW) -> Iterator[Right]:
    """Every right of these accounts, granted or inherited, in the order of account, grant and way."""
    return follow(Grant.objects.filter(account__in=list(accounts)), moment)


def holders_of(entitlements: Collection[int], moment: Moment = NOW) -> Iterator[Right]:
    """Who has one of these rights, by every way; a right held by two grants stands once for each."""
    return follow(Grant.objects.all(), moment, rights=entitlements)


def as_of(
    at: datetime,
    known_at: datetime | None = None,
    *,
    grants: GrantQuerySet | None = None,
    rights: Collection[int] | None = None,
) -> Iterator[Right]:
    """Who had what at that moment, by what is known today or was known at `known_at`; nothing is held whole.

    `grants` narrows whose, `rights` which.
    """
    return follow(Grant.objects.all() if grants is None else grants, Moment(at, known_at), rights=rights)


def follow(
    grants: GrantQuerySet,
    moment: Moment = NOW,
    *,
    rights: Collection[int] | None = None,
    after: Place | None = None,
    at_once: int = 100,
    is_scattered: bool = False,
) -> Iterator[Right]:
    """The grants in force among these and what they bring, in the order of account, grant and way.

    With `rights` only the ways that end at one of them; with `after` what follows that place. Grants are read
    in batches, `at_once` of them first, so that whoever takes only some rights reads no more. Of grants that
    lie far apart (`is_scattered`) the database collects all first, instead of walking the table to find some.
    """
    wanted = None
    if rights is not None:
        wanted = frozenset(rights)
        above = _bonds(wanted, moment, upwards=True)
        grants = grants.filter(entitlement__in=sorted(wanted | above.keys()))
    # No index has the sum, so that none is walked in its order.
    account = F("account_id") + 0 if is_scattered else F("account_id")
    in_order = asserted(grants, moment).order_by(account, "pk")
    size, place = at_once, after
    while batch := [_Asserted(*row) for row in _after(in_order, place)[:size]]:
        below = _bonds({one.entitlement_id for one in batch}, moment, upwards=False)
        ways: dict[int, list[_Way]] = {}
        for one in batch:
            if one.entitlement_id not in ways:
                ways[one.entitlement_id] = _ways(one.entitlement_id, below, wanted)
            found = (_right(one, way) for way in ways[one.entitlement_id])
            for right in sorted(found, key=lambda right: right.way):
                if after is None or (one.account_id, one.grant_id, right.way) > after:
                    yield right
        if len(batch) < size:
            return
        last = batch[-1]
        place, size = Place(last.account_id, last.grant_id + 1, ()), BATCH


def asserted(grants: GrantQuerySet, moment: Moment = NOW) -> Any:
    """Of these grants those in force then, as rows of facts; what they bring is not among them."""
    told = parameters(moment)

    def sql(expression: str, field: Any) -> RawSQL:
        # Put together from constants; what is asked about travels as parameters.
        return RawSQL(*positional(expression, told), output_field=field)  # noqa: S611

    table = Grant._meta.db_table
    return (
        grants.filter(sql(in_force(table, moment), BooleanField()))
        .annotate(
            since_then=Lower("held"),
            until_then=sql(known_end(table, moment), DateTimeField()),
            is_boxed=ExpressionWrapper(time_boxed(at=told["at"] or clock.now()), output_field=BooleanField()),
            doubt_then=sql(doubt(table, moment), TextField()),
        )
        .values_list(
            *("account_id", "pk", "entitlement_id", "via_id", "since_then", "until_then", "ends_at"),
            *("is_eligible", "is_boxed", "use__last_used_at", "doubt_then"),
        )
    )


def positional(expression: str, told: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """An expression with named parameters as the ORM takes it."""
    names = re.findall(r"%\((\w+)\)s", expression)
    return re.sub(r"%\(\w+\)s", "%s", expression), [told[name] for name in names]


def _after(rows: Any, place: Place | None) -> Any:
    """From that place on; what was seen of its own grant is left out by whoever reads the ways."""
    if place is None:
        return rows
    # The first condition is a range of the index, the second only takes out the part of one account.
    seen = Q(account_id=place.account_id, pk__lt=place.grant_id)
    return rows.filter(account_id__gte=place.account_id).exclude(seen)


def _bonds(start: Collection[int], moment: Moment, *, upwards: bool) -> dict[int, list[_Bond]]:
    """The inclusions in force below these entitlements, or above them, by their parent."""
    near, far = ("child_id", "parent_id") if upwards else ("parent_id", "child_id")
    columns = (
        f"i.parent_id, i.child_id, lower(i.held) AS since, {known_end('i', moment)} AS until,"
        f" {doubt('i', moment)} AS doubt"
    )
    statement = f"""
    WITH RECURSIVE bond AS (
      SELECT {columns} FROM accounts_inclusion i
      WHERE i.{near} = ANY(%(start)s) AND {in_force("i", moment)}
      UNION
      SELECT {columns} FROM bond b JOIN accounts_inclusion i ON i.{near} = b.{far}
      WHERE {in_force("i", moment)})
    SELECT parent_id, child_id, since, until, doubt FROM bond ORDER BY parent_id, child_id, doubt
    """  # noqa: S608 - put together from constants; what is asked about travels as parameters
    found: dict[int, list[_Bond]] = defaultdict(list)
    if start:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters(moment, start=list(start)))
            for bond in map(_Bond._make, cursor.fetchall()):
                siblings = found[bond.parent_id]
                # Told twice for that moment, by an earlier and a later reading: once is enough.
                if not siblings or siblings[-1].child_id != bond.child_id:
                    siblings.append(bond)
    return found


def _ways(start: int, below: Mapping[int, list[_Bond]], wanted: frozenset[int] | None) -> list[_Way]:
    """Every way down from an entitlement, itself included, the shortest first; circles end."""
    counted: dict[int, int] = defaultdict(int)
    counted[start] = 1
    ways, frontier = [_Way((start,))], [_Way((start,))]
    while frontier:
        longer = []
        for way in frontier:
            for bond in below.get(way.keys[-1], ()):
                child = bond.child_id
                if child in way.keys or counted[child] >= MOST_WAYS or len(way.keys) >= LONGEST_WAY:
                    continue
                counted[child] += 1
                longer.append(_Way((*way.keys, child), (*way.bonds, bond)))
        ways += longer
        frontier = longer
    return ways if wanted is None else [way for way in ways if way.keys[-1] in wanted]


def _right(one: _Asserted, way: _Way) -> Right:
    parts = [(one.since, one.until, one.doubt), *((bond.since, bond.until, bond.doubt) for bond in way.bonds)]
    begun = [since for since, _until, _doubt in parts if since is not None]
    ended = [until for _since, until, _doubt in parts if until is not None]
    # Some files tell of an inherited right and of what handed it on, not of how that is granted.
    handed_on = (one.via_id,) if one.via_id is not None else ()
    return Right(
        account_id=one.account_id,
        entitlement_id=way.keys[-1],
        grant_id=one.grant_id,
        way=(*handed_on, *way.keys),
        since=max(begun) if len(begun) == len(parts) else None,
        until=min(ended, default=None),
        ends_at=one.ends_at,
        is_eligible=one.is_eligible,
        is_time_boxed=one.is_time_boxed and not one.is_eligible,
        last_used_at=one.last_used_at,
        doubt=next((doubt for _since, _until, doubt in parts if doubt), ""),
    )


def first(count: int, rights: Iterator[Right]) -> tuple[list[Right], bool]:
    """The first of them, and whether there are more."""
    taken = list(islice(rights, count + 1))
    return taken[:count], len(taken) > count
