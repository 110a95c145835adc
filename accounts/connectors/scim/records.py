"""SCIM users and groups as records: groups, roles and accounts first, then who is in what."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from accounts.connectors.api.values import flag, inner, moment, objects, text_of
from accounts.connectors.records import (
    Account,
    Credential,
    Entitlement,
    EntitlementKind,
    Grant,
    IdentityKind,
    Inclusion,
    Record,
    Rejected,
)
from accounts.connectors.scim.resources import ENTERPRISE, Item, Placed, Resources, kind_of

# What services write as userType of accounts that nobody is.
_MACHINES: dict[str, IdentityKind] = {
    "service": "service",
    "serviceaccount": "service",
    "serviceprincipal": "service",
    "bot": "bot",
    "robot": "bot",
    "application": "integration",
    "integration": "integration",
    "workload": "workload",
    "agent": "agent",
}
_UNSAID = "SCIM does not say what it allows."
_LISTS: tuple[tuple[str, Literal["role", "right"]], ...] = (("roles", "role"), ("entitlements", "right"))


class Telling:
    """The records of one file."""

    def __init__(self, found: Resources) -> None:
        self._found = found
        self.lost = 0
        self.indirect = 0
        self._bare_users: dict[str, tuple[str, int]] = {}  # named by a group and not in the file

    def records(self) -> Iterator[Record]:
        """Everything, entitlements and accounts before what names them."""
        yield from self._found.rejected
        yield from self._groups()
        yield from self._values()
        for number, placed in self._found.users.items():
            yield _account(number, placed)
        memberships = list(self._memberships())
        for number, (name, line) in self._bare_users.items():
            yield Account(external_id=number, name=name, line=line)
        yield from memberships
        for number, placed in self._found.users.items():
            yield from self._certificates(number, placed)

    def _groups(self) -> Iterator[Record]:
        known: set[str] = set()
        for number, placed in self._found.groups.items():
            known.add(number)
            yield _group(number, text_of(placed.value.get("displayName")) or number, placed.line)
        # A user's own list of groups proves that they exist.
        for placed in self._found.users.values():
            for part in objects(placed.value.get("groups")):
                number_of = text_of(part.get("value"))
                if number_of is not None and number_of not in known:
                    known.add(number_of)
                    yield _group(number_of, text_of(part.get("display")) or number_of, placed.line)
        for placed in self._found.groups.values():
            for part in objects(placed.value.get("members")):
                number_of = text_of(part.get("value"))
                if (
                    number_of is not None
                    and number_of not in known
                    and self._kind(number_of, part) == "Group"
                ):
                    known.add(number_of)
                    yield _group(number_of, text_of(part.get("display")) or number_of, placed.line)

    def _values(self) -> Iterator[Record]:
        """Roles and entitlements, which users carry as bare values."""
        known: set[str] = set()
        for placed in self._found.users.values():
            for name, kind in _LISTS:
                for value, shown in _valued(placed.value.get(name)):
                    key = f"{kind}/{value}"
                    if key not in known:
                        known.add(key)
                        yield Entitlement(key, shown or value, kind, placed.line, because=_UNSAID)

    def _memberships(self) -> Iterator[Record]:
        told: set[tuple[str, str]] = set()
        for number, placed in self._found.groups.items():
            for part in objects(placed.value.get("members")):
                yield from self._member(number, placed, part, told)
        for number, placed in self._found.users.items():
            for part in objects(placed.value.get("groups")):
                group = text_of(part.get("value"))
                if group is None:
                    self.lost += 1
                    yield Rejected(
                        placed.line, "broken_item", "A group of a user has no value. Export it again."
                    )
                elif (number, group) in told:
                    continue
                elif part.get("type") == "indirect":
                    self.indirect += group not in self._found.groups
                else:
                    told.add((number, group))
                    yield Grant(number, group, placed.line)
            for name, kind in _LISTS:
                for value, _ in _valued(placed.value.get(name)):
                    if (number, f"{kind}/{value}") not in told:
                        told.add((number, f"{kind}/{value}"))
                        yield Grant(number, f"{kind}/{value}", placed.line)

    def _member(self, group: str, placed: Placed, part: Item, told: set[tuple[str, str]]) -> Iterator[Record]:
        number = text_of(part.get("value"))
        kind = self._kind(number, part) if number else None
        if number is None or kind is None:
            self.lost += 1
            yield Rejected(
                placed.line,
                "unknown_member",
                f"A member of {text_of(placed.value.get('displayName')) or group} is not in the file, and "
                "nothing says whether it is a user or a group. Export the users too.",
                number or "",
            )
        elif (number, group) in told:
            return
        elif kind == "Group":
            told.add((number, group))
            # Whoever is in the inner group is in the outer one.
            yield Inclusion(number, group, placed.line)
        else:
            told.add((number, group))
            if number not in self._found.users:
                self._bare_users.setdefault(number, (text_of(part.get("display")) or number, placed.line))
            yield Grant(number, group, placed.line)

    def _kind(self, number: str, part: Item) -> str | None:
        """User or Group: what the file has under that id, else what the member or its address says."""
        if number in self._found.users:
            return "User"
        if number in self._found.groups:
            return "Group"
        said = text_of(part.get("type"))
        if said in ("User", "Group"):
            return said
        address = text_of(part.get("$ref")) or ""
        return next((kind for kind in ("User", "Group") if re.search(rf"(?:^|/){kind}s/", address)), None)

    def _certificates(self, number: str, placed: Placed) -> Iterator[Record]:
        for part in objects(placed.value.get("x509Certificates")):
            made = _certificate(number, placed.line, text_of(part.get("value")) or "")
            if made is None:
                self.lost += 1
                yield Rejected(
                    placed.line,
                    "broken_certificate",
                    "A value under x509Certificates is no certificate in base64. Export it again.",
                )
            else:
                yield made


def _group(number: str, name: str, line: int) -> Entitlement:
    kind: EntitlementKind = "group"
    return Entitlement(number, name, kind, line, f"Member of the group {name}.", because=_UNSAID)


def _valued(value: object) -> list[tuple[str, str | None]]:
    """The values of a list of objects or texts, with what they are called."""
    found: list[tuple[str, str | None]] = []
    for part in value if isinstance(value, list) else []:
        said = text_of(part.get("value")) if isinstance(part, dict) else text_of(part)
        if said:
            found.append((said[:400], text_of(part.get("display")) if isinstance(part, dict) else None))
    return found


def _account(number: str, placed: Placed) -> Account:
    value = placed.value
    person = inner(value.get(ENTERPRISE))
    user_name = text_of(value.get("userName")) or text_of(value.get("displayName")) or number
    said = re.sub(r"[^a-z]", "", (text_of(value.get("userType")) or "").casefold())
    machine = "agent" if kind_of(value) == "Agent" else _MACHINES.get(said)
    manager = inner(person.get("manager"))
    boss = text_of(manager.get("displayName")) or text_of(manager.get("value"))
    hints = [("owner", boss)] if machine and boss else []
    return Account(
        external_id=number,
        name=user_name,
        line=placed.line,
        display_name=text_of(value.get("displayName")) or text_of(inner(value.get("name")).get("formatted")),
        kind="machine" if machine else "personal",
        identity_kind=_identity(machine),
        identity_key=user_name if machine else None,
        employee_number=None if machine else text_of(person.get("employeeNumber")),
        email=_email(value),
        is_enabled=flag(value.get("active")),
        created_at=moment(inner(value.get("meta")).get("created")),
        hints=tuple(hints),
    )


def _identity(machine: str | None) -> IdentityKind:
    return "agent" if machine == "agent" else _MACHINES.get(machine or "", "human")


def _email(value: Item) -> str | None:
    """The primary address, else the one for work, else the first."""
    emails = objects(value.get("emails"))
    ranked = [one for one in emails if one.get("primary") is True]
    ranked += [one for one in emails if text_of(one.get("type")) == "work"]
    return next((said for one in (*ranked, *emails) if (said := text_of(one.get("value")))), None)


def _certificate(number: str, line: int, written: str) -> Credential | None:
    try:
        der = base64.b64decode("".join(written.split()), validate=True)
        found = x509.load_der_x509_certificate(der)
        begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    except (binascii.Error, ValueError, TypeError, OverflowError):
        return None
    return Credential(
        account=number,
        kind="certificate",
        fingerprint=hashlib.sha256(der).hexdigest(),
        line=line,
        created_at=begins,
        expires_at=ends,
        weakness=_weakness(found),
    )


def _weakness(found: x509.Certificate) -> str | None:
    said: list[str] = []
    try:
        digest = found.signature_hash_algorithm
        if digest is not None and digest.name in ("sha1", "md5"):
            said.append({"sha1": "SHA-1", "md5": "MD5"}[digest.name])
        key = found.public_key()
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
            said.append(f"RSA {key.key_size}")
    except Exception:  # noqa: BLE001 - an algorithm nobody knows is no reason to lose the certificate
        return ", ".join(said) or None
    return ", ".join(said) or None
