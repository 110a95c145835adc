"""Cards: names as they were then. Written when a name changes, so that evidence copies 32 bytes."""

import json
from collections.abc import Iterable

from django.db import connection

from portal.audit import canonical
from portal.audit.models import Card


def write(type_: str, subject_id: object, names: canonical.Facts) -> bytes:
    """Keep a card and return its digest; `names` are facts such as name, number, system."""
    body = canonical.encode({"id": str(subject_id), "names": names, "type": type_, "v": 1})
    salt = canonical.salt()
    digest = canonical.commit(body, salt)
    Card.objects.create(digest=digest, type=type_, subject_id=str(subject_id), salt=salt, body=body)
    return digest


def read(digest: bytes | memoryview | None) -> dict[str, object] | None:
    """The names on a card, or None where it was erased or never was."""
    if digest is None:
        return None
    return read_many([bytes(digest)]).get(bytes(digest))


def read_many(digests: Iterable[bytes]) -> dict[bytes, dict[str, object]]:
    """The names on several cards by their digest; erased ones are missing."""
    cards = Card.objects.filter(digest__in=set(digests), body__isnull=False)
    return {bytes(card.digest): json.loads(bytes(card.body))["names"] for card in cards if card.body}


def erase(digest: bytes) -> None:
    """Empty a card for good; the digest stays, so no proof breaks. Runs as the owner of the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_erase_card(%s)", [digest])
