"""One page of a share, in an order that does not move while its reviewer decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from reviews.models.campaign import Assignment

PER_PAGE = 50

# What lines can be grouped by; groups with the line that matters most come first.
GROUPS: Final = {
    "person": "coalesce(subject_id::text, 'account ' || account_id)",
    "system": "system_id::text",
    "right": "coalesce(entitlement_id::text, 'credential')",
}
# What can be shown alone. Places are counted over the whole share, so paging stays where it was.
SHOWN: Final = {
    "all": "true",
    "undecided": "verdict = '' AND ended_as = ''",
    "privileged": "is_privileged IS NOT FALSE",
    "unused": "(last_used_at IS NULL OR last_used_at < %(used_since)s)",
    "changed": "delta <> 'same'",
}

_ORDERED = """
WITH grouped AS (
  SELECT *, {group} AS group_key, max(rank) OVER (PARTITION BY {group}) AS top
  FROM reviews_reviewitem WHERE assignment_id = %(share)s
), ordered AS (
  SELECT *, row_number() OVER (ORDER BY top DESC, group_key, rank DESC, number) AS place FROM grouped
)
"""
_PAGE = (
    _ORDERED
    + """
SELECT id, place, group_key FROM ordered WHERE {shown} AND {edge} ORDER BY place {direction} LIMIT %(limit)s
"""
)
_COUNTS = "SELECT {counts} FROM reviews_reviewitem WHERE assignment_id = %(share)s"


@dataclass(frozen=True)
class Place:
    """One line: its item, where it stands in the whole share, and the group it belongs to."""

    item_id: int
    place: int
    group: str


@dataclass(frozen=True)
class WorkPage:
    """The lines of a page, whether there are more on either side, and how many each filter would show."""

    places: list[Place]
    has_before: bool
    has_after: bool
    counts: dict[str, int]

    @property
    def first(self) -> int:
        """The place before which an earlier page ends."""
        return self.places[0].place if self.places else 0

    @property
    def last(self) -> int:
        """The place after which a later page begins."""
        return self.places[-1].place if self.places else 0


def page(
    share: Assignment,
    *,
    group: str,
    shown: str,
    used_since: datetime,
    after: int = 0,
    before: int | None = None,
    limit: int = PER_PAGE,
) -> WorkPage:
    """The lines after (or before) a place; two queries however large the share is."""
    parameters: dict[str, Any] = {
        "share": share.pk,
        "used_since": used_since,
        "after": after,
        "before": before,
        "limit": limit + 1,
    }
    statement = _PAGE.format(
        group=GROUPS[group],
        shown=SHOWN[shown],
        edge="place > %(after)s" if before is None else "place < %(before)s",
        direction="ASC" if before is None else "DESC",
    )
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in SHOWN.values())
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = [Place(*row) for row in cursor.fetchall()]
        cursor.execute(_COUNTS.format(counts=counts), parameters)
        counted = dict(zip(SHOWN, cursor.fetchone() or (), strict=False))
    is_more, places = len(found) > limit, found[:limit]
    if before is not None:
        return WorkPage(places[::-1], has_before=is_more, has_after=True, counts=counted)
    return WorkPage(places, has_before=after > 0, has_after=is_more, counts=counted)
