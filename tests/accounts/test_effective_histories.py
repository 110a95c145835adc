"""Any history at all, answered as the plainest way to say the definitions does."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Grant, Inclusion
from accounts.models.effective import Moment, holders_of, rights_of
from tests.factories import inventory

pytestmark = pytest.mark.django_db
DAY, MAY = timedelta(days=1), datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(6))
def test_any_history_is_answered_as_the_definitions_say(seed: int) -> None:
    draw, system = random.Random(seed), inventory.system()
    source = inventory.source(system)
    days = [MAY + number * DAY for number in range(12)]
    runs = [inventory.run(source, day) for day in days]
    for run in runs:  # some come late
        run.applied_at = run.taken_at + draw.randrange(4) * DAY  # type: ignore[operator,assignment]
        run.save(update_fields=["applied_at"])
    rights = [inventory.entitlement(system, first_run=runs[0]) for _ in range(7)]
    accounts = [inventory.account(system, first_run=runs[0]) for _ in range(3)]

    def interval() -> dict[str, object]:
        begin = draw.randrange(len(days) - 1)
        end = draw.choice([None, None, draw.randrange(begin + 1, len(days))])
        since = None if draw.random() < 0.2 else days[begin]
        return {
            "system": system,
            "held": DateTimeTZRange(since, None if end is None else days[end]),
            "known_from_run": runs[begin],
            "known_to_run": None if end is None else runs[end],
        }

    pairs = draw.sample([(one, other) for one in rights for other in rights], 12)
    bonds = [Inclusion.objects.create(parent=one, child=other, **interval()) for one, other in pairs]
    held = [
        Grant.objects.create(account=account, entitlement=right, **interval())
        for account, right in draw.sample([(one, other) for one in accounts for other in rights], 9)
    ]
    for _question in range(25):
        moment = Moment(draw.choice(days) + timedelta(hours=6), draw.choice([None, draw.choice(days)]))
        expected = {
            (one.account_id, one.pk, way)
            for one in held
            if stood(one, moment)
            for way in walked((one.entitlement_id,), bonds, moment)
        }
        asked = [account.pk for account in accounts]
        assert {(r.account_id, r.grant_id, r.way) for r in rights_of(asked, moment)} == expected
        target = draw.choice(rights).pk
        reached = {(r.account_id, r.grant_id, r.way) for r in holders_of([target], moment)}
        assert reached == {row for row in expected if row[2][-1] == target}


def stood(row: Grant | Inclusion, moment: Moment) -> bool:
    at, known_at = moment
    if row.held.lower is not None and row.held.lower > at:
        return False
    if known_at is None:
        return row.held.upper is None or bool(row.held.upper > at)
    if row.known_from_run.applied_at > known_at:  # type: ignore[operator]
        return False
    is_known_to_end = row.known_to_run is not None and row.known_to_run.applied_at <= known_at  # type: ignore[operator]
    return not is_known_to_end or bool(row.held.upper > at)


def walked(way: tuple[int, ...], bonds: list[Inclusion], moment: Moment) -> Iterator[tuple[int, ...]]:
    yield way
    for bond in bonds:
        if bond.parent_id == way[-1] and bond.child_id not in way and stood(bond, moment):
            yield from walked((*way, bond.child_id), bonds, moment)
