"""Lists of any length: orders that an index holds, pages by their last row, counts that stop, words.

A page begins after a row and not after a number of rows, so that it costs the same anywhere in the list and
stays where it is when rows come and go before it.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import BooleanField, F, Field, Func, IntegerField, Lookup, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Collate, Lower
from django.db.models.lookups import IsNull
from django.utils.formats import number_format
from django.utils.translation import gettext as _

M = TypeVar("M", bound=models.Model)

PER_PAGE: Final = 50
MOST_COUNTED: Final = 10_000
SHORTEST_PART = 3  # letters; an index of parts of words knows none that are shorter
LONGEST_PLACE = 2_000  # characters of an address

FORWARD, BACK = ">", "<"


@models.CharField.register_lookup
@models.TextField.register_lookup
class Containing(Lookup[str]):
    """`name__containing=words`: anywhere, whatever the case, as an index of trigrams answers it (ILIKE)."""

    lookup_name = "containing"

    def get_prep_lookup(self) -> str:
        """The words are words: `%` and `_` mean themselves."""
        return f"%{_literally(str(self.rhs))}%"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        """`column ILIKE pattern`."""
        column, told = self.process_lhs(compiler, connection)
        return f"{column} ILIKE %s", (*told, self.rhs)


def has_words(name: str, words: str) -> Q:
    """The column holds these words; fewer letters than an index knows are taken for its beginning."""
    if len(words) >= SHORTEST_PART:
        return Q(**{f"{name}__containing": words})
    return begins_with(name, words)


def begins_with(name: str, words: str) -> Q:
    """The column begins with these words, whatever the case."""
    return Q(_Begins(name, words))


def folded(name: str) -> Collate:
    """What lists by name are sorted by: whatever the case, letter by letter (collation C).

    Of that order alone PostgreSQL knows that names which begin alike lie side by side, so that one index
    sorts and finds.
    """
    return Collate(Lower(name), "C")


class _Begins(Func):
    """`lower(column) COLLATE "C" LIKE lower('words%')`, which the index of names in order answers."""

    output_field = BooleanField()

    def __init__(self, name: str, words: str) -> None:
        super().__init__(F(name), Value(f"{_literally(words)}%"))

    def as_sql(self, compiler: Any, *_connection: Any, **_context: Any) -> tuple[str, Any]:
        """Both sides folded in the same way."""
        (column, told), (pattern, words) = map(compiler.compile, self.get_source_expressions())
        return f'(lower({column}) COLLATE "C") LIKE lower({pattern})', [*told, *words]


def _literally(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# --- orders and places ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by, which an index holds together with the key; without `by` the key alone.

    Rows whose value is unknown come last, whichever way the list goes. A place says of which order it is, by
    `name` and direction: in another one it means nothing.
    """

    name: str
    by: Combinable | None = None
    field: "Field[Any, Any] | None" = None  # reads a value of it back from an address
    may_be_unknown: bool = False


class Place(NamedTuple):
    """A row as a page's beginning or end: its part of the list, what that is sorted by, and its key."""

    part: int
    value: Any
    key: Any


class _Part(NamedTuple):
    """A piece of a list that one walk along an index yields in order; a list is one or two of them."""

    condition: Q | None
    by: Combinable | None


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Some rows of a list, and the places before and after them; empty where there is nothing more.

    `total` is how many the list has, where that was asked for or is plain to see.
    """

    rows: list[M]
    before: str = ""
    after: str = ""
    total: "Counted | None" = None

    @property
    def is_whole(self) -> bool:
        """Nothing before, nothing after."""
        return not self.before and not self.after


@dataclass(frozen=True, slots=True)
class _Walk:
    """A list in one order and direction."""

    rows: "QuerySet[Any, Any]"
    order: Order
    is_down: bool
    parts: Sequence[_Part]

    @property
    def sort(self) -> str:
        """As an address says it."""
        return f"-{self.order.name}" if self.is_down else self.order.name

    def take(self, start: Place | None, count: int, *, is_back: bool = False) -> list[Place]:
        """The places from one on, or back from it."""
        found: list[Place] = []
        numbers = range(len(self.parts))
        for number in reversed(numbers) if is_back else numbers:
            if start is not None and (number > start.part if is_back else number < start.part):
                continue
            part = self._part(number, start, is_back=is_back)
            found += [Place(number, *place) for place in part[: count - len(found)]]
            if len(found) == count:
                break
        return found

    def _part(self, number: int, start: Place | None, *, is_back: bool) -> "QuerySet[Any, Any]":
        condition, by = self.parts[number]
        is_down = self.is_down != is_back
        sign = "-" if is_down else ""
        rows = self.rows.annotate(listed_by=Value(None, IntegerField()) if by is None else by)
        if condition is not None:
            rows = rows.filter(condition)
        names = ["pk"] if by is None else ["listed_by", "pk"]
        if start is not None and start.part == number:
            values = [start.key] if by is None else [start.value, start.key]
            rows = rows.filter(_Beyond(names, values, is_down=is_down))
        in_order: QuerySet[Any, Any] = rows.order_by(*(f"{sign}{name}" for name in names))
        return in_order.values_list("listed_by", "pk")

    def write(self, way: str, place: Place) -> str:
        """A place as an address holds it."""
        value = place.value.isoformat() if isinstance(place.value, datetime) else place.value
        key = place.key if isinstance(place.key, int) else str(place.key)
        told = [way, self.sort, place.part, value, key]
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    def read(self, text: str) -> tuple[str, Place | None]:
        """What an address says; anything that is not of this list and order is the beginning."""
        nowhere = FORWARD, None
        if not text or len(text) > LONGEST_PLACE:
            return nowhere
        try:
            told = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            way, sort, part, said, key = json.loads(told)
            if way not in {FORWARD, BACK} or sort != self.sort or part not in range(len(self.parts)):
                return nowhere
            has_value = self.parts[part].by is not None
            value = _clean(self.order.field, said) if has_value else None
            return way, Place(part, value, _clean(self.rows.model._meta.pk, key))
        except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError, ValidationError):
            return nowhere


def page_of(
    rows: "QuerySet[M, M]",
    order: Order,
    *,
    is_down: bool,
    at: str = "",
    ahead: Q | None = None,
    dressed: "QuerySet[M, M] | None" = None,
    is_counted: bool = False,
    size: int = PER_PAGE,
) -> Page[M]:
    """The page that begins at the place named by an address; nonsense is the beginning.

    Rows that fulfil `ahead` come before all others: what begins with the words before what holds them
    somewhere. Names that begin with them lie side by side in the index, wherever in the list that is.

    The keys are found first, then the rows, from `dressed`: all rows of the model with what a page shows of
    them beside. So few rows need no plan for joining many. With `is_counted` the same query counts the list.
    """
    walk = _Walk(rows, order, is_down, _parts(order, ahead))
    way, place = walk.read(at)
    has_more = False
    if way == BACK:
        found = walk.take(place, size + 1, is_back=True)[::-1]
        if has_before := len(found) > size:
            found, has_more = found[1:], True
        else:
            place = None  # fewer than a page are left: the first page, whole
    if way == FORWARD or place is None:
        found = walk.take(place, size + 1)
        if place is not None and not found:
            place, found = None, walk.take(None, size + 1)  # what was there is gone
        has_before, has_more = place is not None, len(found) > size
        found = found[:size]
    every: QuerySet[Any, Any] = rows.model._default_manager.all() if dressed is None else dressed
    if is_whole := not has_before and not has_more:
        is_counted = False  # all of them are here
    if is_counted:
        every = every.annotate(in_list=CountOf(rows))
    by_key = {row.pk: row for row in every.filter(pk__in=[one.key for one in found])}
    shown = [by_key[one.key] for one in found if one.key in by_key]
    total = Counted(len(shown), is_more=False) if is_whole else None
    return Page(
        shown,
        walk.write(BACK, found[0]) if has_before else "",
        walk.write(FORWARD, found[-1]) if has_more else "",
        _at_most(shown[0].in_list) if is_counted and shown else total,
    )


def _parts(order: Order, ahead: Q | None) -> list[_Part]:
    """An index holds either part in order, but not both."""
    if order.by is None:
        return [_Part(None, None)]
    if order.may_be_unknown:
        return [_Part(Q(listed_by__isnull=False), order.by), _Part(_is_unknown(order.by), None)]
    return [_Part(ahead, order.by), _Part(~ahead, order.by)] if ahead is not None else [_Part(None, order.by)]


def _is_unknown(by: Combinable) -> Q:
    return Q(IsNull(by, True))  # a lookup as a condition


def in_order(rows: "QuerySet[M, M]", order: Order, *, is_down: bool) -> "QuerySet[M, M]":
    """All rows in that order, for who reads them to the end."""
    if order.by is None:
        return rows.order_by("-pk" if is_down else "pk")
    by = F("listed_by")
    placed = by.desc(nulls_last=True) if is_down else by.asc(nulls_last=True)
    listed: Any = rows.annotate(listed_by=order.by)
    return cast("QuerySet[M, M]", listed.order_by(placed, "-pk" if is_down else "pk"))


class _Beyond(Func):
    """`(a, b) > (x, y)`: a comparison of rows, which an index of a and b answers."""

    output_field = BooleanField()

    def __init__(self, names: Sequence[str], values: Sequence[Any], *, is_down: bool) -> None:
        super().__init__(*(F(name) for name in names), *(Value(value) for value in values))
        self.sign = "<" if is_down else ">"

    def as_sql(self, compiler: Any, *_connection: Any, **_context: Any) -> tuple[str, Any]:
        """Left of the sign the columns, right of it the values."""
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        return f"(({left}) {self.sign} ({right}))", [one for _, told in parts for one in told]


def _clean(field: "Field[Any, Any] | None", said: Any) -> Any:
    """A value that the database takes: of the column's kind and size, without what no text may hold."""
    if field is None or not isinstance(said, str | int):
        raise TypeError("no value")
    if isinstance(said, str):
        said.encode()  # refuses halves of characters
        if "\x00" in said:
            raise ValueError("no text")
    value = field.to_python(said)
    field.run_validators(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("a moment without a zone")
    return value


# --- counts --------------------------------------------------------------------------------------------


class Counted(NamedTuple):
    """How many rows there are, counted no further than MOST_COUNTED."""

    number: int
    is_more: bool

    def __str__(self) -> str:
        """For a caption: "1,312", or "more than 10,000"."""
        shown = str(number_format(self.number, force_grouping=True))
        return _("more than %(number)s") % {"number": shown} if self.is_more else shown


def counted(rows: "QuerySet[M, M]") -> Counted:
    """How many, in a time that does not grow with them."""
    return _at_most(rows.order_by()[: MOST_COUNTED + 1].values("pk").count())


def _at_most(number: int) -> Counted:
    return Counted(min(number, MOST_COUNTED), number > MOST_COUNTED)


class CountOf(Subquery):
    """The number of rows of a subquery, counted no further than one beyond MOST_COUNTED."""

    template = "(SELECT count(*) FROM (%(subquery)s) counted)"

    def __init__(self, rows: "QuerySet[Any, Any]") -> None:
        super().__init__(rows.order_by().values("pk")[: MOST_COUNTED + 1], IntegerField())
