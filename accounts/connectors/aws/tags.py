"""What AWS tags say about the account they hang on; unknown tags say nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from accounts.connectors.records import AccountKind, IdentityKind
from accounts.connectors.secret_names import normal

_KEYS = ("identity", "identitykey", "nhi", "machineidentity", "serviceaccount")
_IDENTITY_KINDS = ("identitykind", "identitytype", "nhikind", "kind", "type")
_ACCOUNT_KINDS = ("accountkind", "accounttype", "kind", "type")
_NUMBERS = ("employeenumber", "employeeno", "employeeid", "personnelnumber", "personalnummer", "staffid")
_MAILS = ("email", "mail", "useremail")
_HINTS = {
    "owner": ("owner", "ownedby", "responsible", "contact", "owneremail"),
    "deputy": ("deputy", "backupowner", "secondaryowner"),
    "purpose": ("purpose", "description", "usecase", "usage"),
    "environment": ("environment", "env", "stage"),
    "application": ("application", "app", "project", "workload", "product"),
    "vendor": ("vendor", "supplier", "thirdparty", "provider"),
    "contract_end": ("contractend", "contractends", "contractenddate", "contractuntil"),
    "creator": ("creator", "createdby"),
    "sponsor": ("sponsor", "sponsoredby"),
}


@dataclass(frozen=True, slots=True)
class TagFacts:
    """Fields of an Account that its tags fill."""

    identity_key: str | None
    identity_kind: IdentityKind | None
    kind: AccountKind | None
    employee_number: str | None
    email: str | None
    hints: tuple[tuple[str, str], ...]


def facts_in(tags: Mapping[str, str]) -> TagFacts:
    """Read the tags of a user or role; spelling and prefixes (`nordhaven:Owner`) don't matter."""
    said = {normal(key.rpartition(":")[2]): value.strip() for key, value in tags.items() if value.strip()}
    identity_kind = _word(said, _IDENTITY_KINDS, get_args(IdentityKind))
    kind = _word(said, _ACCOUNT_KINDS, get_args(AccountKind))
    hints = tuple((hint, value) for hint, keys in _HINTS.items() if (value := _first(said, keys)) is not None)
    return TagFacts(
        _first(said, _KEYS),
        cast(IdentityKind | None, identity_kind),
        cast(AccountKind | None, kind),
        _first(said, _NUMBERS),
        _first(said, _MAILS),
        hints,
    )


def _first(said: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    return next((said[key] for key in keys if key in said), None)


def _word(said: Mapping[str, str], keys: tuple[str, ...], words: tuple[str, ...]) -> str | None:
    return next((word for key in keys if (word := said.get(key, "").casefold()) in words), None)
