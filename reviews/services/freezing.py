"""Writing a population into the record: items, what is left out, shares, readings, and their digests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection

from portal.audit import canonical, merkle
from reviews.models import Assignment, Campaign, ReviewItem
from reviews.services import population, readings
from reviews.services import population_sql as sql
from reviews.services.population import Population


@dataclass(frozen=True)
class Frozen:
    """The Merkle root over the items in the order of their numbers, and the facts of the launch."""

    root: bytes
    facts: dict[str, object]


def write(campaign: Campaign, found: Population, exceptions: Mapping[str, str], *, by_id: UUID) -> Frozen:
    """Copy the gathered population into the record of a campaign that is being launched."""
    shares = [
        Assignment(campaign=campaign, reviewer_id=reviewer, total=count)
        for reviewer, count in population.shares()
    ]
    Assignment.objects.bulk_create(shares)
    parameters: dict[str, Any] = {"campaign": campaign.pk, "code": campaign.code}
    with connection.cursor() as cursor:
        cursor.execute(sql.FREEZE_ITEMS, parameters)
        cursor.execute(sql.FREEZE_EXCLUSIONS, parameters)
    sources = readings.freeze(campaign, found.sources, exceptions, by_id)
    left_out, left_out_digest = _digest_of_exclusions(parameters)
    given, given_digest = canonical.digest_of_many(
        {"items": share.total, "reviewer": share.reviewer_id, "v": 1} for share in shares
    )
    root = merkle.root(_leaves(campaign))
    facts: dict[str, object] = {
        "items": found.total,
        "population_root": root,
        "sources": [
            {**line.facts(), "exception": row.exception_reason or None}
            for line, row in zip(found.sources, sources, strict=True)
        ],
        "exclusions": {"count": left_out, "sha256": left_out_digest},
        "assignments": {"count": given, "sha256": given_digest},
    }
    return Frozen(root, facts)


def _leaves(campaign: Campaign) -> Iterator[bytes]:
    leaves = ReviewItem.objects.filter(campaign=campaign).order_by("number").values_list("leaf", flat=True)
    return (bytes(leaf) for leaf in leaves.iterator(chunk_size=10_000))


def _digest_of_exclusions(parameters: Mapping[str, Any]) -> tuple[int, bytes]:
    """Count and SHA-256 over their canonical lines, read in pieces: there may be more of them than items."""
    count, running = 0, sha256()
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql.EXCLUSION_LINES, parameters)
        while lines := cursor.fetchmany(10_000):
            count += len(lines)
            running.update("".join(f"{line}\n" for (line,) in lines).encode())
    return count, running.digest()
