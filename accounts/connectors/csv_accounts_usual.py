"""The usual row of a long inventory: an account and a right that rows before described, and that it holds it.

It says nothing that has to be compared, so it is read in a few steps. Any other row is read in full, and what
that finds is learned here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from operator import itemgetter
from typing import Any

from accounts.connectors import values
from accounts.connectors.first_seen import FirstSeen
from accounts.connectors.records import Grant
from accounts.connectors.tables import Row

MANY = 50_000  # rights and moments that are remembered; of more of them, rows are read in full


class Usual:
    """What was learned from the rows above; `about` are the fields of an account, a right, a grant."""

    def __init__(
        self,
        at: Mapping[str, int],
        grants: FirstSeen,
        about: tuple[Sequence[str], Sequence[str], Sequence[str]],
        *,
        order: str | None,
        zone: tzinfo,
    ) -> None:
        self._grants, self._order, self._zone = grants, order, zone
        # A row that says what it is, and a credential, take more than this.
        self._is_on = "record" not in at and "entitlement" in at and "credential" not in at
        self._account_of = _cells(at, ("account_id", "account", *about[0]))
        self._right_of = _cells(at, ("entitlement", *about[1]))
        self._about_grant = [at[name] for name in about[2] if name in at]
        self._rare = [at[name] for name in ("via", "eligible") if name in at]
        self._since, self._last_used = at.get("since"), at.get("last_used")
        self._until, self._expires = at.get("until"), at.get("expires")
        self._account: tuple[Any, str] | None = None  # its cells and its key
        self._rights: dict[Any, str] = {}
        self._moments: dict[str, datetime | None] = {"": None}

    def grant(self, row: Row) -> Grant | None:
        """The one record of a usual row; None for any other, or one with something wrong in it."""
        try:
            return self._grant(row)
        except values.Unclear:  # more may be wrong with it, and what comes first counts
            return None

    def _grant(self, row: Row) -> Grant | None:
        cells = row.cells
        if self._account is None or self._account_of(cells) != self._account[0]:
            return None
        right = self._rights.get(self._right_of(cells))
        if right is None or any(map(cells.__getitem__, self._rare)):
            return None
        starts_at = None if self._since is None else self._moment(cells[self._since], "since")
        ends_at = None if self._until is None else self._moment(cells[self._until], "until")
        if ends_at is None and self._expires is not None:
            ends_at = self._moment(cells[self._expires], "expires")
        last_used_at = None if self._last_used is None else self._moment(cells[self._last_used], "last_used")
        if ends_at is not None and starts_at is not None and ends_at < starts_at:
            return None
        account = self._account[1]
        content = tuple([cells[place] for place in self._about_grant])
        if self._grants.note((account, right, None), row.line, content) is not None:
            return None
        return Grant(account, right, row.line, None, starts_at, ends_at, last_used_at)

    def learn(self, row: Row, grant: Grant) -> None:
        """A row that was read in full and found right."""
        if not self._is_on:
            return
        self._account = self._account_of(row.cells), grant.account
        if len(self._rights) < MANY:
            self._rights[self._right_of(row.cells)] = grant.entitlement

    def _moment(self, cell: str, name: str) -> datetime | None:
        if cell in self._moments:
            return self._moments[cell]
        at = values.moment(cell, name, self._order, self._zone)
        if len(self._moments) < MANY:
            self._moments[cell] = at
        return at


def _cells(at: Mapping[str, int], names: Sequence[str]) -> "itemgetter[Any]":
    places = [at[name] for name in names if name in at]
    return itemgetter(*places or [0])
