"""Counting records the way an import would keep them: what comes twice counts once and is rejected."""

from array import array
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.connectors.first_seen import FirstSeen
from accounts.connectors.records import (
    Account,
    Credential,
    Entitlement,
    Grant,
    Inclusion,
    Person,
    Record,
    Rejected,
)
from accounts.reconciliation.staging import KINDS
from portal.inspection.reports import InventoryReport

KEYS = frozenset({"access_key", "ssh_key", "token", "secret", "certificate"})
NO_HOLDERS = frozenset({"shared", "emergency", "role"})  # kinds of account that are nobody's own
_FILL = 0.6


@dataclass(frozen=True, slots=True)
class _Kind:
    """Which number of the report counts it, and what makes two of them the same."""

    counter: str
    key: Callable[[Any], Hashable]


_KINDS: dict[type, _Kind] = {
    Account: _Kind("accounts", lambda one: one.external_id),
    Entitlement: _Kind("entitlements", lambda one: one.external_id),
    Inclusion: _Kind("inclusions", lambda one: (one.parent, one.child)),
    Grant: _Kind("grants", lambda one: (one.account, one.entitlement, one.via, one.is_eligible)),
    Credential: _Kind("credentials", lambda one: (one.account, one.kind, one.fingerprint)),
}


class Tally:
    """Fills a report's numbers; `at` is the moment at which a key is still good or has expired."""

    def __init__(self, report: InventoryReport, at: datetime) -> None:
        self._report, self._at = report, at
        self._seen = {kind: Once() for kind in _KINDS}
        self._holders = Once()
        self._numbers = FirstSeen()  # of people
        self._doubled = Once()

    def add(self, record: Record) -> None:
        """One more record of the file."""
        if isinstance(record, Rejected):
            self._report.reject(record.line, record.reason, record.code)
        elif self._fits(record):
            if isinstance(record, Person):
                self._person(record)
            else:
                self._counted(record)

    def _fits(self, record: Record) -> bool:
        """Whether the record's columns can hold it."""
        for name, limit in KINDS[type(record)].limits:
            value = getattr(record, name)
            if value is not None and len(value) > limit:
                words = name.replace("_", " ")
                reason = (
                    f"The {words} has {len(value)} characters, at most {limit} are kept. Shorten it there."
                )
                self._report.reject(record.line, reason, "too_long")
                return False
        return True

    def _counted(self, record: Account | Entitlement | Inclusion | Grant | Credential) -> None:
        kind = _KINDS[type(record)]
        if not self._seen[type(record)].add(kind.key(record)):
            if not isinstance(record, Inclusion):  # said twice is said once: nothing can differ
                what = type(record).__name__.lower()
                reason = f"This {what} is in the file more than once. Export it again."
                self._report.reject(record.line, reason, f"duplicate_{what}")
            return
        setattr(self._report, kind.counter, getattr(self._report, kind.counter) + 1)
        if isinstance(record, Account) and record.kind not in NO_HOLDERS:
            holder = _holder(record)
            self._report.identities += holder is None or self._holders.add(holder)
        elif isinstance(record, Credential) and self._is_active_key(record):
            self._report.active_keys += 1

    def _person(self, person: Person) -> None:
        """One number of two companies: whose it is can't be told, so none of the rows counts."""
        twin = self._numbers.note(person.number, person.line)
        if twin is None:
            self._report.identities += self._holders.add(("number", person.number))
            return
        lines = [person.line]
        if self._doubled.add(person.number):
            self._report.identities -= 1
            lines.insert(0, twin[0])
        for line in lines:
            self._report.reject(
                line,
                "The number stands in this file for more than one company. A source carries the numbers of "
                "one: split the file, and give each company a source of its own.",
                "number_of_two_companies",
            )

    def _is_active_key(self, credential: Credential) -> bool:
        has_ended = credential.expires_at is not None and credential.expires_at <= self._at
        return credential.kind in KEYS and credential.is_active is not False and not has_ended


def _holder(account: Account) -> Hashable | None:
    """Whose an account is, as far as the file says it: by name, number or address; None is its own."""
    if account.identity_key:
        return "key", account.identity_key
    if account.employee_number:
        return "number", account.employee_number
    if account.email:
        return "email", account.email.strip().casefold()
    return None


class Once:
    """A set of keys that takes eight to twenty-seven bytes a key however long they are."""

    def __init__(self) -> None:
        self._places = array("Q", bytes(8 * 1024))
        self._count = 0

    def add(self, key: Hashable) -> bool:
        """Whether the key is new."""
        # 64 bits: of ten million keys two are taken for one with a chance of 1 in 300,000.
        hashed = hash(key) & 0xFFFF_FFFF_FFFF_FFFF or 1  # 0 marks a free place
        if not self._put(hashed):
            return False
        self._count += 1
        if self._count > len(self._places) * _FILL:
            old, self._places = self._places, array("Q", bytes(16 * len(self._places)))
            for one in old:
                if one:
                    self._put(one)
        return True

    def _put(self, hashed: int) -> bool:
        places, mask = self._places, len(self._places) - 1
        at = (hashed ^ hashed >> 32) & mask
        while places[at]:
            if places[at] == hashed:
                return False
            at = (at + 1) & mask
        places[at] = hashed
        return True
