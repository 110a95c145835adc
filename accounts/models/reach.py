"""Who may enter: every account, human or machine, that can open a privileged session on a system, and how.

By the account itself; by a right to act as it, held directly or through groups, here or at a gateway; and by
a chain of such rights. A right that names no account counts for any account there. Everything here reads.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from accounts.models.acting import EVERYWHERE
from accounts.models.effective import LONGEST_WAY
from accounts.models.entitlement import ADMIN_WINDOW, WINDOW
from accounts.models.identity import Identity
from accounts.models.reach_sql import LISTED, NAMES, STAGE, STAGED
from accounts.models.system import System

MOST_HOPS = 5  # rights to act as one another in a row; a longer chain is a circle or a mistake
WHO = ("people", "machines", "nobody")
OWN = "own"  # the way of whoever has the account itself
_NOTHING = r"[^\s\S]"
_SHORTEST_WORD = 3  # shorter names of systems stand in too many other words

# How long without a use is still as expected, by rhythm: twice the rhythm, a yearly job a month more.
PATIENCE: dict[str, timedelta] = {
    Identity.Rhythm.DAILY: timedelta(days=14),
    Identity.Rhythm.WEEKLY: timedelta(days=28),
    Identity.Rhythm.MONTHLY: timedelta(days=62),
    Identity.Rhythm.QUARTERLY: timedelta(days=184),
    Identity.Rhythm.YEARLY: timedelta(days=396),
}
OF_PEOPLE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a system: everything, or one account, host, way or kind of holder.

    `account` is a name as people say it; `host` one of the system's host names. `reach` is a code of
    `Entitlement.Reach`, or `own`. Rights known not to be privileged count only with `with_unprivileged`.
    """

    system: System
    account: str = ""
    host: str = ""
    reach: str = ""
    who: str = ""
    with_unprivileged: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """One way of one person or machine to a privileged session; `steps` run from them to the session.

    Keys of accounts among the steps are negative. `fits` tells how it was found that it leads here: `named`
    and `placed` by its record, `words` and `everywhere` by what its name or its place says.
    """

    way: str
    target_id: int | None
    target_name: str
    target_kind: str
    place: str
    fits: str
    is_privileged: bool | None
    account_id: int
    account_name: str
    account_kind: str
    system_code: str
    identity_id: UUID | None
    identity_name: str | None
    identity_kind: str
    identity_status: str
    rhythm: str
    is_member: bool
    who: str
    steps: tuple[int, ...]
    rights: tuple[int, ...]
    grants: tuple[int, ...]
    reaches: tuple[str, ...]
    seen_by: tuple[UUID, ...]
    state: str
    since: datetime | None
    ends_at: datetime | None
    last_used_at: datetime | None
    opened_by: tuple[str, ...]

    @property
    def is_sure(self) -> bool:
        """The record itself says that it leads here."""
        return self.fits in {"named", "placed"}

    @property
    def target(self) -> tuple[int | None, str, str]:
        """What rows are grouped by."""
        return self.target_id, self.target_name, self.place

    def is_needed(self, last_used_at: datetime | None, at: datetime) -> bool | None:
        """Used as often as expected; None where the use or the rhythm is unknown.

        Emergency ways stand outside of this: that they are not used is their purpose.
        """
        if self.account_kind == "emergency" or self.rhythm == Identity.Rhythm.EMERGENCY:
            return True
        if last_used_at is None:
            return None
        patience = PATIENCE.get(self.rhythm)
        if patience is not None:
            return last_used_at >= at - patience
        if self.who == "people":
            return last_used_at >= at - OF_PEOPLE
        return True if last_used_at >= at - OF_PEOPLE else None


class Step(NamedTuple):
    """One step of a way, with its name."""

    key: int  # negative: an account
    name: str
    kind: str
    system_code: str


@dataclass(frozen=True, slots=True)
class Names:
    """What the steps and rights of paths are called."""

    by_key: dict[int, Step] = field(default_factory=dict)

    def of(self, keys: Sequence[int]) -> list[Step]:
        """In their order; what has no name any more is left out."""
        return [self.by_key[key] for key in keys if key in self.by_key]


def paths(asked: Asked, at: datetime, *, most: int | None = None) -> list[Path]:
    """Every path, grouped by the account that it leads to: accounts that others act as come first."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        # Compiling it takes longer than running it.
        cursor.execute(f"SET LOCAL jit = off; {LISTED}", _parameters(asked, at, most))
        cursor.nextset()
        return [_path(row) for row in cursor.fetchall()]


def streamed(asked: Asked, at: datetime, *, batch: int = 1_000) -> Iterator[list[Path]]:
    """The same in pieces, for exports: memory stays flat however many there are."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(LISTED, _parameters(asked, at, None))
        while rows := cursor.fetchmany(batch):
            yield [_path(row) for row in rows]


def names_of(found: Collection[Path]) -> Names:
    """Names of every step and right of these paths, in one query."""
    keys = {key for path in found for key in (*path.steps, *path.rights)}
    wanted = {"rights": [key for key in keys if key > 0], "accounts": [-key for key in keys if key < 0]}
    with connection.cursor() as cursor:
        cursor.execute(NAMES, wanted)
        return Names({row[0]: Step(*row) for row in cursor.fetchall()})


def stage(systems: Collection[System], at: datetime) -> None:
    """Fill the temporary table `staging_reach` with every grant that is part of a path to these systems.

    It lives as long as the transaction: grant, its account and its system, which may be a gateway.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.staging_reach")
        cursor.execute(STAGE)
        for system in systems:
            cursor.execute(STAGED, _parameters(Asked(system), at, None))
        cursor.execute("ANALYZE pg_temp.staging_reach")


def _path(row: Sequence[Any]) -> Path:
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return Path(*values)


def _parameters(asked: Asked, at: datetime, most: int | None) -> dict[str, Any]:
    system, host = asked.system, asked.host.strip().lower()
    hosts = [name.lower() for name in system.hosts if name]
    places = [*([host] if host else hosts), system.code.lower(), system.name.lower()]
    words = "|".join(re.escape(word) for word in dict.fromkeys(places) if len(word) >= _SHORTEST_WORD)
    return {
        "system": system.pk,
        "account": asked.account,
        "hosts": hosts,
        "by_host": bool(host),
        "places": places,
        "words": f"(^|[^a-z0-9])({words})([^a-z0-9]|$)" if words else _NOTHING,
        "everywhere": EVERYWHERE,
        "with_unprivileged": asked.with_unprivileged,
        "who": asked.who,
        "reach": asked.reach,
        "now": at,
        "admin_window": ADMIN_WINDOW,
        "window": WINDOW,
        "most_hops": MOST_HOPS,
        # Each hop may lead through groups in groups, and names its account.
        "longest": MOST_HOPS + LONGEST_WAY,
        "most": most,
    }
