"""The readings behind a population: how old, how they came, what is wrong with them.

Only a signed exception goes on with a red one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ImportRun, Source, System
from reviews.models import Campaign, PopulationSource

# Gravest first: the first one is the row's colour, all of them are listed.
RED = {
    "no_reading": _("no reading has been applied"),
    "failed": _("the last reading was refused"),
    "time_unknown": _("the reading does not say when it was taken"),
    "stale": _("older than this source stays fresh"),
    "unconfirmed": _("carried here by hand, and nobody else has confirmed its count"),
    "rejects": _("rows of the reading were rejected"),
    "no_items": _("nothing of this system is in the review"),
}


@dataclass(frozen=True)
class SourceLine:
    """One source of a system in scope, its last applied reading, and what is red about it.

    Sources of people decide who reviews, not what is reviewed: theirs are shown as warnings.
    """

    system_code: str
    source: Source | None
    run: ImportRun | None
    item_count: int = 0
    reds: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    exception_reason: str = ""

    @property
    def key(self) -> str:
        """What an exception refers to."""
        return str(self.source.pk) if self.source else self.system_code

    @property
    def red(self) -> str:
        """The gravest, or nothing."""
        return self.reds[0] if self.reds else ""

    @property
    def red_words(self) -> list[object]:
        """What is red, in words."""
        return [RED.get(code, code) for code in self.reds]

    @property
    def warning_words(self) -> list[object]:
        """What is doubtful, in words."""
        return [RED.get(code, code) for code in self.warnings]

    def facts(self) -> dict[str, object]:
        """What the launch commits to about this source."""
        run = self.run
        return {
            "system": self.system_code,
            "source": self.source.pk if self.source else None,
            "run": run.pk if run else None,
            "admitted_sha256": bytes(run.blob.sha256).hex() if run else None,
            "original_sha256": run.original_sha256 if run else None,
            "taken_at": run.taken_at if run else None,
            "provenance": run.provenance if run else None,
            "items": self.item_count,
            "reds": self.reds,
        }


def behind(
    campaign: Campaign, at: datetime, *, items: Mapping[tuple[str, UUID | None], int]
) -> list[SourceLine]:
    """The sources of the campaign's systems, then those of people.

    `items` counts what is in the review by (system code, source): of the systems that were chosen, and of
    gateways whose rights open sessions there.
    """
    chosen = Q(pk__in=campaign.systems.values("pk"))
    systems = list(System.objects.filter(chosen | Q(code__in={code for code, _source in items})).by_code())
    sources = list(Source.objects.filter(Q(system__in=systems) | Q(system=None)).order_by("name"))
    applied, newest = _last_runs(sources)
    of_system: dict[str, int] = {}
    for (code, _source), count in items.items():
        of_system[code] = of_system.get(code, 0) + count
    lines = []
    for system in systems:
        own: list[Source | None] = [source for source in sources if source.system_id == system.pk]
        for source in own or [None]:
            key = source.pk if source is not None else None
            run = applied.get(key) if key else None
            reds = _reds(source, run, newest.get(key) if key else None, at)
            reds += [] if of_system.get(system.code) else ["no_items"]
            lines.append(SourceLine(system.code, source, run, items.get((system.code, key), 0), reds))
    people = [source for source in sources if source.system_id is None and source.pk in applied]
    return lines + [
        SourceLine(
            "", source, applied[source.pk], 0, [], _reds(source, applied[source.pk], newest[source.pk], at)
        )
        for source in people
    ]


def last_applied(campaign: Campaign) -> dict[UUID, UUID]:
    """The last applied reading of each source; a launch compares it before and after.

    Of a campaign about session reach, of every gateway too: its rights may be in it.
    """
    of_systems = Q(system__in=campaign.systems.all())
    if campaign.session_reach:
        of_systems |= Q(system__isnull=False)
    sources = Source.objects.filter(of_systems)
    return {key: run.pk for key, run in _last_runs(sources)[0].items()}


def _last_runs(sources: Iterable[Source]) -> tuple[dict[UUID, ImportRun], dict[UUID, ImportRun]]:
    """The last applied reading of each source, and the last one whatever came of it."""
    runs = ImportRun.objects.filter(source__in=list(sources)).select_related("blob")
    ended = runs.filter(state__in=[ImportRun.State.APPLIED, ImportRun.State.FAILED])
    applied = runs.applied().order_by("source_id", "-applied_at", "-id").distinct("source_id")
    newest = ended.order_by("source_id", "-id").distinct("source_id")
    return {run.source_id: run for run in applied}, {run.source_id: run for run in newest}


def _reds(source: Source | None, run: ImportRun | None, newest: ImportRun | None, at: datetime) -> list[str]:
    if source is None or run is None:
        return ["no_reading"]
    found = {
        "failed": newest is not None and newest.state == ImportRun.State.FAILED,
        "time_unknown": run.taken_at is None,
        "stale": run.taken_at is not None and run.taken_at < at - timedelta(days=source.fresh_days),
        "unconfirmed": run.is_by_hand and run.confirmed_at is None,
        "rejects": bool(run.rejected),
    }
    return [code for code in RED if found.get(code)]


def frozen(campaign: Campaign) -> list[SourceLine]:
    """The same lines as they were frozen at launch."""
    kept = (
        PopulationSource.objects.filter(campaign=campaign)
        .select_related("source", "run__blob")
        .order_by("id")
    )
    return [
        SourceLine(
            row.system_code,
            row.source,
            row.run,
            row.item_count,
            list(row.counts.get("red", [])),
            list(row.counts.get("warnings", [])),
            row.exception_reason,
        )
        for row in kept
    ]


def freeze(
    campaign: Campaign, lines: Iterable[SourceLine], exceptions: Mapping[str, str], by_id: UUID
) -> list[PopulationSource]:
    """Write the lines into the record, each exception with its reason and who signed it."""
    rows = []
    for line in lines:
        run, reason = line.run, exceptions.get(line.key, "").strip() if line.red else ""
        rows.append(
            PopulationSource(
                campaign=campaign,
                system_code=line.system_code,
                source=line.source,
                run=run,
                admitted_sha256=bytes(run.blob.sha256).hex() if run else "",
                original_sha256=run.original_sha256 if run else "",
                taken_at=run.taken_at if run else None,
                provenance=run.provenance if run else "",
                counts={
                    "read": run.counts if run else {},
                    "rejected": run.rejected if run else 0,
                    "control_total": run.control_total if run else None,
                    "red": line.reds,
                    "warnings": line.warnings,
                },
                item_count=line.item_count,
                red=line.red,
                exception_reason=reason,
                exception_by_id=by_id if reason else None,
            )
        )
    return PopulationSource.objects.bulk_create(rows)
