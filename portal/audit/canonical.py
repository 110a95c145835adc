"""Canonical facts: the bytes that are hashed (RFC 8785), from a small set of value types.

Facts are strings, booleans, null, integers below 2^53, and lists and maps of them. No floats, because two
programs print them differently; times are RFC 3339 in UTC with microseconds, digests lower-case hex.
docs/evidence-format.md fixes all of this for verifiers that never saw this code.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import TypeAlias
from uuid import UUID

import rfc8785

Fact: TypeAlias = "str | bool | int | Sequence[Fact] | Mapping[str, Fact] | None"
Facts = Mapping[str, object]

SALT_BYTES = 16


def rfc3339(at: datetime) -> str:
    """`2026-10-05T14:00:00.000000Z`; a naive time is refused because it means nothing elsewhere."""
    if at.tzinfo is None:
        raise ValueError("a time in evidence must know its zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def fact(value: object) -> Fact:  # noqa: C901, PLR0911, PLR0912 - a table of types reads best as one match
    """`value` as one of the permitted types, or TypeError."""
    match value:
        case None | bool():
            return value
        case Enum():
            return fact(value.value)
        case str():
            return value
        case int():
            if abs(value) >= 2**53:
                raise TypeError(f"{value} does not fit into a fact: at most 2^53")
            return value
        case datetime():
            return rfc3339(value)
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case bytes() | memoryview():
            return bytes(value).hex()
        case Mapping():
            return {str(key): fact(inner) for key, inner in value.items()}
        case set() | frozenset():
            return sorted((fact(inner) for inner in value), key=str)
        case list() | tuple():
            return [fact(inner) for inner in value]
        case _:
            # str(value) covers translated labels that must not be evidence: refuse, never guess.
            raise TypeError(f"{type(value).__name__} can't be a fact")


def encode(facts: Facts) -> bytes:
    """The canonical bytes of a map of facts (RFC 8785, UTF-8)."""
    return rfc8785.dumps(fact(facts))


def commit(body: bytes, salt: bytes) -> bytes:
    """The salted commitment: SHA-256(salt ‖ body), 32 bytes."""
    return hashlib.sha256(salt + body).digest()


def salt() -> bytes:
    """Sixteen fresh random bytes, so that a digest of few possible names can't be guessed back."""
    return secrets.token_bytes(SALT_BYTES)


def digest_of_many(rows: Iterable[Facts]) -> tuple[int, bytes]:
    """How an act on many rows commits to them: their count, and SHA-256 over their canonical lines."""
    count, running = 0, hashlib.sha256()
    for row in rows:
        running.update(encode(row) + b"\n")
        count += 1
    return count, running.digest()
