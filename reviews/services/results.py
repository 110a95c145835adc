"""Counting what was decided, and committing to it: what people sign off."""

from collections.abc import Iterator

from django.db.models import Count, Exists, F, OuterRef

from portal.audit import canonical
from reviews.models import Decision, EvidenceLink, ReviewItem
from reviews.models.campaign import ReviewItemQuerySet


def counts(items: ReviewItemQuerySet) -> dict[str, int]:
    """How many items of each verdict, undecided, no longer applying, and in all."""
    found = dict.fromkeys((*ReviewItem.Verdict.values, "undecided", "no_longer"), 0)
    for verdict, ended_as, count in (
        items.order_by().values_list("verdict", "ended_as").annotate(n=Count("pk"))
    ):
        found[verdict or ended_as or "undecided"] += count
    return found | {"total": sum(found.values())}


def digest(items: ReviewItemQuerySet) -> tuple[int, bytes]:
    """Count and SHA-256 over the decisions that stand: one canonical line each, ordered by item number."""
    return canonical.digest_of_many(_lines(items))


def unopened(items: ReviewItemQuerySet) -> int:
    """How many standing decisions had sessions beside them of which none was opened."""
    standing = Decision.objects.filter(
        item__in=items,
        coverage=Decision.Coverage.SESSIONS,
        ordinal=F("item__ordinal"),
        stage=F("item__stage"),
    ).exclude(item__verdict="")
    opened = EvidenceLink.objects.filter(decision=OuterRef("pk"), opened_at__isnull=False)
    return standing.exclude(Exists(opened)).count()


def _lines(items: ReviewItemQuerySet) -> Iterator[canonical.Facts]:
    standing = Decision.objects.filter(
        item__in=items, item__verdict=F("verdict"), ordinal=F("item__ordinal"), stage=F("item__stage")
    )
    rows = standing.order_by("item__number").values_list("item__number", "ordinal", "verdict", "shown")
    for number, ordinal, verdict, shown in rows.iterator(chunk_size=5_000):
        yield {"number": number, "ordinal": ordinal, "shown": shown, "v": 1, "verdict": verdict}
