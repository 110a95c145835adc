"""What happened to an identity, as rows of one shape, so that the rows of every room make one list.

Each room answers the port `timeline` with querysets made by `told`; the page unites them in the database and
takes one page of the whole.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import DateTimeField, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

Told = QuerySet[Any, Any]
COLUMNS = ("t_at", "t_code", "t_name", "t_detail", "t_page", "t_key", "t_tie")


class Happening(NamedTuple):
    """Something that happened: when, what, to what, and its page."""

    at: datetime
    code: str
    name: str
    detail: str
    page: str  # the name of its address; empty where it has none
    key: str
    tie: str  # the order among what happened at the same moment


def told(
    rows: QuerySet[Any],
    *,
    at: Any,
    code: Any,
    name: Any,
    key: Any,
    page: str = "",
    detail: Any = "",
) -> Told:
    """These rows as happenings. All but `page` are expressions, or words that stand for themselves.

    Code and key together name the happening: no two rows of an answer share them.
    """
    found: Told = (
        rows.annotate(
            t_at=Cast(at, DateTimeField()),
            t_code=_text(code),
            t_name=_text(name),
            t_detail=_text(detail),
            t_page=_text(page),
            t_key=_text(key),
        )
        .annotate(t_tie=Concat("t_code", _text(" "), "t_key"))
        .filter(t_at__isnull=False)
        .values_list(*COLUMNS)
    )
    return found


def newest(answers: Iterable[Told], count: int, before: Happening | None = None) -> list[Happening]:
    """The newest of all these rows that are older than `before`, in one query."""
    parts = []
    for rows in answers:
        older = rows
        if before is not None:
            older = rows.filter(Q(t_at__lt=before.at) | Q(t_at=before.at, t_tie__gt=before.tie))
        parts.append(older.order_by("-t_at", "t_tie")[:count])
    if not parts:
        return []
    rows = parts[0]
    if len(parts) > 1:
        rows = parts[0].union(*parts[1:], all=True).order_by("-t_at", "t_tie")[:count]
    return [Happening(*row) for row in rows]


def words_of(happening: Happening) -> str:
    """A place in the list as an address holds it."""
    return f"{happening.at.astimezone(UTC).isoformat()}~{happening.tie}"


def place_of(words: str) -> Happening | None:
    """The place that an address names; nonsense is the beginning."""
    at, _separator, tie = words.partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return Happening(moment, "", "", "", "", "", tie) if moment.tzinfo else None


def _text(said: Any) -> Any:
    return Cast(Value(said) if isinstance(said, str) else said, TextField())
