"""Pages of a long list by the last row of the page before: as fast at the end as at the beginning."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)
PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Piece(Generic[M]):
    """Rows of one page; `after` goes on behind them, and is empty on the last page."""

    rows: list[M]
    after: str
    is_first: bool


def key_of(text: str) -> UUID | None:
    """The key in an address; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def piece(shown: "QuerySet[M]", after: str, *order: str, size: int = PER_PAGE) -> Piece[M]:
    """The rows behind the one called `after`, in the given order, which ends with the key.

    A row that left the list meanwhile no longer says where to go on, so that page is the first again.
    """
    key = key_of(after)
    position = (
        shown.filter(pk=key).values_list(*(name.removeprefix("-") for name in order)).first() if key else None
    )
    rows = shown.order_by(*order)
    if position is not None:
        rows = rows.filter(_behind(order, position))
    found = list(rows[: size + 1])
    more = str(found[size - 1].pk) if len(found) > size else ""
    return Piece(found[:size], more, position is None)


def _behind(order: tuple[str, ...], position: tuple[Any, ...]) -> Q:
    behind, same = Q(pk__in=[]), Q()
    for name, value in zip(order, position, strict=True):
        plain = name.removeprefix("-")
        behind |= same & Q(**{f"{plain}__{'lt' if name.startswith('-') else 'gt'}": value})
        same &= Q(**{plain: value})
    return behind
