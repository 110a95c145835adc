"""How long rights live on after somebody asked for their removal, per system."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import Aggregate, Case, Count, DurationField, ExpressionWrapper, F, Value, When

from accounts.models.revocation import RevocationQuerySet


@dataclass(frozen=True, slots=True)
class Latency:
    """From asked to gone: (p50, p95) when reported, at the earliest (last seen), at the latest (proven)."""

    system: str
    count: int
    reported: tuple[timedelta | None, timedelta | None]
    earliest: tuple[timedelta | None, timedelta | None]
    latest: tuple[timedelta | None, timedelta | None]


class _Percentile(Aggregate):
    """percentile_cont over an interval; rows in which it is unknown do not count."""

    function = "PERCENTILE_CONT"
    name = "Percentile"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"


def latencies(revocations: RevocationQuerySet, since: datetime) -> list[Latency]:
    """Of what was proven gone since, by system code."""
    spans = {
        "reported": _from_request("reported_at"),
        "earliest": _from_request("last_seen_at"),
        "latest": _from_request("verified_at"),
    }
    measures = {
        f"{name}_{fraction}": _Percentile(span, fraction=f"{fraction / 100}", output_field=DurationField())
        for name, span in spans.items()
        for fraction in (50, 95)
    }
    proven = revocations.filter(verified_at__gte=since, requested_at__isnull=False).order_by("system__code")
    counted = proven.values("system__code").annotate(count=Count("pk"), **measures)
    return [
        Latency(
            row["system__code"], row["count"], *((row[f"{name}_50"], row[f"{name}_95"]) for name in spans)
        )
        for row in cast("Iterable[dict[str, Any]]", counted)
    ]


def _from_request(field: str) -> Case:
    """From the request to `field`, NULL where that is unknown; what was gone before took no time."""
    span = ExpressionWrapper(F(field) - F("requested_at"), output_field=DurationField())
    return Case(
        When(**{f"{field}__gt": F("requested_at")}, then=span),
        When(**{f"{field}__isnull": False}, then=Value(timedelta(), output_field=DurationField())),
        output_field=DurationField(),
    )
