"""What a connector hands over: frozen records of somebody else's words, nothing interpreted.

Unknown is `None`, never a guess. `line` is where the record stood in the file as admitted (1-based),
so that a rejection can be found again. Times are aware. Plain Python: no Django, nothing of ours.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

IdentityKind = Literal["human", "service", "workload", "bot", "agent", "integration"]
AccountKind = Literal["personal", "shared", "emergency", "machine"]
EntitlementKind = Literal["right", "group", "role", "act_as"]
CredentialKind = Literal["password", "access_key", "certificate", "token", "ssh_key", "mfa_device"]
HINTS = ("owner", "deputy", "purpose", "environment", "application")  # keys of Account.hints


@dataclass(frozen=True, slots=True)
class Person:
    """One row of an HR export: an engagement of a human identity."""

    number: str
    name: str
    line: int
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    employer: str | None = None
    kind: Literal["employee", "contractor"] | None = None
    title: str | None = None
    department: str | None = None
    manager_number: str | None = None
    sponsor_number: str | None = None  # who answers for a contractor inside the organisation
    starts_on: date | None = None
    ends_on: date | None = None
    status: Literal["active", "on_leave", "left"] | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account on the system that was read."""

    external_id: str
    name: str
    line: int
    display_name: str | None = None
    kind: AccountKind | None = None
    identity_kind: IdentityKind | None = None
    identity_key: str | None = None  # the identity's own name, for machines ("svc-settlement")
    employee_number: str | None = None
    email: str | None = None
    is_enabled: bool | None = None
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_source: str | None = None  # e.g. "credential report", "AD lastLogonTimestamp"
    hints: tuple[tuple[str, str], ...] = ()  # what the system says about ownership: see HINTS


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A right, group or role that accounts of the system can hold."""

    external_id: str
    name: str
    kind: EntitlementKind
    line: int
    plain_words: str | None = None
    is_privileged: bool | None = None
    because: str | None = None  # why privileged or not, in words
    acts_as: str | None = None  # kind act_as: Account.external_id that it lets its holder use


@dataclass(frozen=True, slots=True)
class Grant:
    """An account holding an entitlement, directly or through another one (`via`)."""

    account: str  # Account.external_id
    entitlement: str  # Entitlement.external_id
    line: int
    via: str | None = None  # Entitlement.external_id of the group or role it comes through
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """Metadata of what proves an account; never the secret itself."""

    account: str  # Account.external_id
    kind: CredentialKind
    fingerprint: str  # public id: key id, serial, thumbprint, "password", "slot 1"
    line: int
    is_active: bool | None = None
    created_at: datetime | None = None
    rotated_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    is_slot: bool = False  # the fingerprint names a place, so equal ones are not one secret


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that could not be read; `code` is stable, `reason` is for people and says what to do."""

    line: int
    code: str
    reason: str
    excerpt: str = ""  # at most 200 characters of the row as admitted


Record = Person | Account | Entitlement | Grant | Credential | Rejected


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says about itself, known before its records are trusted."""

    format: str  # key in REGISTRY
    version: int  # of the connector, kept on every derived row
    system_reference: str | None = None  # e.g. the AWS account id in the file
    taken_at: datetime | None = None  # when it was read at the source; unknown proves nothing
    is_full: bool = False  # it lists everything of `covers`, so what is missing is gone
    covers: frozenset[str] = frozenset()  # person account entitlement grant credential
    columns: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = field(default=())
    control_total: int | None = None  # rows that the file itself says it holds
    notes: tuple[str, ...] = ()  # why it is not full and what else to know, for a person


class Unreadable(Exception):
    """The whole file is refused; the message says what, where and what to do, for a person."""

    def __init__(self, code: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.code, self.line = code, line
