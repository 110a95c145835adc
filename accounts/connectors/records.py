"""What a connector hands over: frozen records of somebody else's words, nothing interpreted.

Unknown is `None`, never a guess. `line` is where the record stood in the file as admitted (1-based),
so that a rejection can be found again. Times are aware. Plain Python: no Django, nothing of ours.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

IdentityKind = Literal["human", "service", "workload", "bot", "agent", "integration"]
# A role is an account that nobody has of their own: others act as it (an AWS role, root on a host).
AccountKind = Literal["personal", "shared", "emergency", "machine", "role"]
EntitlementKind = Literal["right", "group", "role", "act_as"]
CredentialKind = Literal[
    "password", "access_key", "certificate", "token", "ssh_key", "mfa_device", "secret", "federated"
]
# Keys of Account.hints: what the system itself says about who answers for it and what it is for.
HINTS = (
    "owner", "deputy", "purpose", "environment", "application", "vendor", "contract_end", "creator",
    "sponsor", "namespace",
)  # fmt: skip
# How a right opens a privileged session.
Reach = Literal["console", "ssh", "rdp", "exec", "assume_role", "safe", "sudo", "database"]
# What makes a right dangerous, as codes that rules ask for; `because` says it in words.
Mark = Literal[
    "admin",  # everything, or the right to give oneself everything
    "wildcard",  # every action, verb or resource
    "iam_write",  # changes who may do what
    "pass_role",  # hands rights to something that runs as another
    "secrets_read",  # opens stored secrets
    "escalate",  # gives more than one has: escalate, bind, privileged pods
    "impersonate",  # acts as anybody
    "exec",  # runs commands in somebody else's machine or container
    "open_trust",  # anybody may assume it
    "oidc_without_sub",  # any workload of a provider may assume it, not one named
    "external_trust",  # parties outside the organisation may assume it
    "deprecated_auth",  # what it lets in signs in by a way that is given up (basic, ROPC, implicit)
    "unconfined",  # no host, command or password is asked for (sudo ALL, NOPASSWD)
]


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
    expires_at: datetime | None = None  # when the account ends by itself
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
    acts_as: str | None = None  # kind act_as: the account that it lets its holder use, by its name there
    acts_on: str | None = None  # kind act_as: the system or host where, as the file calls it; None: here
    reach: Reach | None = None  # how it opens a privileged session, if it does
    marks: tuple[Mark, ...] = ()
    removable_at: str | None = None  # where to take it away, if not on this system ("Entra ID")
    risk: str | None = None  # what can go wrong, in words
    owner: str | None = None  # who answers for it, by e-mail, number or name


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Holding `parent` brings `child` with it: a group in a group, a policy on a group or role.

    Only what the system itself says is a record; what follows from it is derived, never stored.
    """

    parent: str  # Entitlement.external_id of the group or role
    child: str  # Entitlement.external_id of what it brings
    line: int


@dataclass(frozen=True, slots=True)
class Grant:
    """An account holding an entitlement, as the system asserts it; what follows is left to Inclusion."""

    account: str  # Account.external_id
    entitlement: str  # Entitlement.external_id
    line: int
    # Only of sources that tell of an inherited right and not of what hands it on.
    via: str | None = None  # Entitlement.external_id of the group or role it comes through
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    last_used_at: datetime | None = None
    is_eligible: bool = False  # may be switched on, is not in force by itself


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
    storage: str | None = None  # where the secret is kept, as the system says ("vault", "code", "file")
    weakness: str | None = None  # why it should not be in use, in words ("RSA 1024", "SHA-1", "basic")


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that could not be read; `code` is stable, `reason` is for people and says what to do."""

    line: int
    code: str
    reason: str
    excerpt: str = ""  # at most 200 characters of the row as admitted


Record = Person | Account | Entitlement | Inclusion | Grant | Credential | Rejected


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says about itself, known before its records are trusted."""

    format: str  # key in REGISTRY
    version: int  # of the connector, kept on every derived row
    system_reference: str | None = None  # e.g. the AWS account id in the file
    taken_at: datetime | None = None  # when it was read at the source; unknown proves nothing
    is_full: bool = False  # it lists everything of `covers`, so what is missing is gone
    covers: frozenset[str] = frozenset()  # person account entitlement inclusion grant credential
    columns: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = field(default=())
    control_total: int | None = None  # rows that the file itself says it holds
    notes: tuple[str, ...] = ()  # why it is not full and what else to know, for a person


class Unreadable(Exception):
    """The whole file is refused; the message says what, where and what to do, for a person."""

    def __init__(self, code: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.code, self.line = code, line
