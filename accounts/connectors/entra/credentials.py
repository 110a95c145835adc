"""Secrets, certificates and federated credentials of applications: what is public about them."""

import base64
import binascii
import re
from collections.abc import Iterator

from accounts.connectors.api.values import excerpt, moment, objects, text_of
from accounts.connectors.entra.accounts import by_app
from accounts.connectors.entra.directory import Directory, Found, Value, plain
from accounts.connectors.records import Credential, CredentialKind, Entitlement, Mark, Record, Rejected

FEDERATED = "#federated:"
_HEX = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_MOST = 400  # characters of a fingerprint


def credentials(directory: Directory) -> Iterator[Record]:
    """Each once: what a registration has is what its service principal signs in with."""
    seen: set[tuple[str, str, str]] = set()
    for account, found in _holders(directory):
        for name, make in (("passwordCredentials", _secret), ("keyCredentials", _certificate)):
            for part in objects(found.value.get(name)):
                made = make(account, plain(part), found.line)
                if made is None:
                    yield Rejected(
                        found.line,
                        "no_key_id",
                        f"One of the {name} has no keyId, so it can't be told apart. Export it whole.",
                        excerpt(found.value),
                    )
                elif (key := (account, made.kind, made.fingerprint)) not in seen:
                    seen.add(key)
                    yield made
    for account, trust in _federated(directory):
        yield Credential(
            account,
            "federated",
            f"{_said(trust.value, 'issuer')} {_subject(trust.value)}"[:_MOST],
            trust.line,
            is_slot=True,
            weakness=_weakness(trust.value),
        )


def trusts(directory: Directory, names: dict[str, str]) -> Iterator[Entitlement]:
    """Who may act as an application without its secret, because another provider vouches for them."""
    for account, part in _federated(directory):
        key = text_of(part.value.get("id")) or text_of(part.value.get("name")) or _subject(part.value)
        name = names.get(account, account)
        weakness = _weakness(part.value)
        issuer, subject = _said(part.value, "issuer"), _subject(part.value)
        marks: tuple[Mark, ...] = ("oidc_without_sub",) if weakness else ()
        yield Entitlement(
            external_id=f"{account}{FEDERATED}{key}"[:_MOST],
            name=f"may act as {name} ({text_of(part.value.get('name')) or key})"[:_MOST],
            kind="act_as",
            line=part.line,
            plain_words=f"Whoever {issuer} vouches for as {subject} may act as {name} and use all it holds.",
            is_privileged=True if weakness else None,
            because=weakness,
            acts_as=account,
            marks=marks,
        )


def _holders(directory: Directory) -> Iterator[tuple[str, Found]]:
    yield from directory.of("principal").items()
    known = by_app(directory)
    for key, found in directory.of("application").items():
        yield known.get(text_of(found.value.get("appId")) or "", key), found


def _federated(directory: Directory) -> Iterator[tuple[str, Found]]:
    known = by_app(directory)
    for owner, parts in directory.related.get("federatedidentitycredentials", {}).items():
        application = directory.of("application").get(owner)
        app = text_of(application.value.get("appId")) if application else None
        account = known.get(app or "", owner)
        if account in directory.of("principal") or account in directory.of("application"):
            for part in parts:
                yield account, part


def _secret(account: str, value: Value, line: int) -> Credential | None:
    return _made(account, "secret", _key_id(value), value, line)


def _certificate(account: str, value: Value, line: int) -> Credential | None:
    """A certificate by its thumbprint; a key without one is symmetric and as good as a password."""
    if str(value.get("type", "")).casefold() == "symmetric":
        return _made(account, "secret", _key_id(value), value, line)
    return _made(account, "certificate", _thumbprint(value) or _key_id(value), value, line)


def _made(
    account: str, kind: CredentialKind, fingerprint: str | None, value: Value, line: int
) -> Credential | None:
    if fingerprint is None:
        return None
    return Credential(
        account,
        kind,
        fingerprint[:_MOST],
        line,
        created_at=moment(value.get("startDateTime")),
        expires_at=moment(value.get("endDateTime")),
    )


def _key_id(value: Value) -> str | None:
    return text_of(value.get("keyId"))


def _thumbprint(value: Value) -> str | None:
    """Upper-case hex, as certificates are named elsewhere; Graph writes it in base64 or as it was given."""
    said = text_of(value.get("customKeyIdentifier"))
    if said is None:
        return None
    if _HEX.fullmatch(said):
        return said.upper()
    try:
        raw = base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) in (20, 32):
        return raw.hex().upper()
    text = raw.decode("ascii", "ignore")
    return text.upper() if _HEX.fullmatch(text) else None


def _said(value: Value, name: str) -> str:
    return text_of(value.get(name)) or f"(no {name})"


def _subject(value: Value) -> str:
    matching = value.get("claimsMatchingExpression")
    if not text_of(value.get("subject")) and isinstance(matching, dict):
        return text_of(matching.get("value")) or "(no subject)"
    return _said(value, "subject")


def _weakness(value: Value) -> str | None:
    """A provider vouches for everybody it serves, so one that is asked for no subject lets all of them in."""
    subject = _subject(value)
    if subject == "(no subject)":
        return "No subject is asked for: whatever the provider vouches for may act as this application."
    if "*" in subject:
        return "The subject holds a wildcard: more than one named workload may act as this application."
    return None
