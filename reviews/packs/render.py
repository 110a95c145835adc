"""How people read a pack: one HTML page without scripts, made from a template, values escaped."""

from collections import Counter

from django.template.loader import render_to_string
from django.utils import translation

from portal.audit import cards
from reviews.models import Decision, EvidencePack, ReviewItem, Shown


def summary(pack: EvidencePack) -> str:
    """The readable summary: what was reviewed, by whom, with what result, what was left out, what ended."""
    campaign = pack.campaign
    items = ReviewItem.objects.filter(campaign=campaign)
    verdicts = Counter(items.values_list("verdict", flat=True))
    coverage = Counter(Decision.objects.filter(item__campaign=campaign).values_list("coverage", flat=True))
    context = {
        "pack": pack,
        "campaign": campaign,
        "root": bytes(campaign.population_root).hex() if campaign.population_root else "",
        "verdicts": [
            (label, verdicts[value]) for value, label in ReviewItem.Verdict.choices if verdicts[value]
        ],
        "undecided": verdicts[""],
        "coverage": [
            (label, coverage[value]) for value, label in Decision.Coverage.choices if coverage[value]
        ],
        "sources": campaign.population_sources.order_by("system_code", "pk"),
        "left_out": sorted(Counter(campaign.exclusions.values_list("code", flat=True)).items()),
        "assignments": campaign.assignments.select_related("reviewer").order_by("reviewer__name"),
        "sign_offs": campaign.sign_offs.order_by("at"),
        "decided": _decided(pack),
    }
    # Evidence reads the same whoever asked for it: English, whatever their browser prefers.
    with translation.override("en"):
        return render_to_string("reviews/pack_summary.html", context)


ROWS_IN_SUMMARY = 500


def _decided(pack: EvidencePack) -> list[dict[str, object]]:
    """The first rows with names from their cards; the whole is in the tables."""
    items = ReviewItem.objects.filter(campaign=pack.campaign).order_by("number")[:ROWS_IN_SUMMARY]
    found = list(items)
    digests = {
        bytes(digest)
        for item in found
        for digest in (item.subject_card, item.account_card, item.entitlement_card)
        if digest
    }
    names = cards.read_many(digests)

    def name(digest: bytes | memoryview | None, erased: str = "(erased)") -> object:
        return names.get(bytes(digest), {}).get("name", erased) if digest else "–"

    return [
        {
            "item": item,
            "subject": name(item.subject_card),
            "account": name(item.account_card),
            "right": name(item.entitlement_card) if item.kind == "grant" else item.kind,
        }
        for item in found
    ]


def shown_bodies(digests: set[bytes]) -> dict[bytes, bytes]:
    """The hashed bytes of what was on screen, by digest."""
    return {bytes(row.digest): bytes(row.body) for row in Shown.objects.filter(digest__in=digests)}
