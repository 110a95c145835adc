"""How every list answers: narrowed, sorted, one page of it, or all of its rows as a file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from django.db.models import Model, QuerySet
from django.db.models.expressions import BaseExpression
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode

from accounts.forms.filters import ListFilter
from accounts.models import SavedView
from accounts.models.listing import Counted, Order, Page, counted, in_order, page_of
from accounts.services import exporting
from portal import exports, moment
from portal.ui.render import page, wants_fragment
from portal.users.models import User

M = TypeVar("M", bound=Model)
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Listing(Generic[M]):
    """One kind of list. `columns` are those of its files: their names, and where their values come from."""

    url_name: str
    template: str
    form: type[ListFilter]
    orders: Mapping[str, Order]
    order: str  # the one that nobody asked for, with a minus to go down
    columns: Mapping[str, "str | BaseExpression"]
    related: Sequence[str] = ()
    also: Mapping[str, Any] = field(default_factory=dict)  # annotations that its page shows

    def sorting(self, said: str) -> tuple[str, bool]:
        """The name of an order and whether it goes down; what this list does not have is its own."""
        wanted = said if said.removeprefix("-") in self.orders else self.order
        return wanted.removeprefix("-"), wanted.startswith("-")


@dataclass(frozen=True, slots=True)
class Shown(Generic[M]):
    """One page of a list as its template wants it."""

    form: ListFilter
    page: Page[M]

    @property
    def rows(self) -> list[M]:
        """The rows of this page."""
        return self.page.rows

    @property
    def total(self) -> Counted | None:
        """None where counting would take longer than the page: it is asked for beside it."""
        return self.page.total


def shown(
    listing: Listing[M], form: ListFilter, rows: "QuerySet[M, M]", given: Mapping[str, str], **also: Any
) -> Shown[M]:
    """The page that an address asks for, of the rows that somebody may see and that fit.

    `also` is what else each row of the page is shown with.
    """
    found = form.narrow(rows)
    name, is_down = listing.sorting(given.get("sort", ""))
    every = found.model._default_manager.annotate(**listing.also, **also)
    one = page_of(
        found,
        listing.orders[name],
        is_down=is_down,
        at=given.get("after", ""),
        ahead=form.ahead if name == "name" else None,
        dressed=every.select_related(*listing.related) if listing.related else every,
        is_counted=not form.is_far or "count" in given,
    )
    return Shown(form, one)


def other(
    listing: Listing[M], form: ListFilter, rows: "QuerySet[M, M]", request: HttpRequest
) -> HttpResponseBase | None:
    """What is asked for instead of a page: all rows as a file, or for htmx how many there are.

    A filter that is not understood is said on the page, and no file is made.
    """
    if request.GET.get("export") in exports.FORMATS and form.is_valid():
        return _file(listing, form, rows, request)
    if "count" in request.GET and wants_fragment(request):
        return page(request, "accounts/_filters_total.html", {"total": counted(form.narrow(rows))})
    return None


def _file(
    listing: Listing[M], form: ListFilter, rows: "QuerySet[M, M]", request: HttpRequest
) -> HttpResponseBase:
    """All rows of the filter in its order. What left stands in the log."""
    kind, user = request.GET["export"], cast(User, request.user)
    sort, is_down = listing.sorting(request.GET.get("sort", ""))
    found = in_order(form.narrow(rows), listing.orders[sort], is_down=is_down)
    query = {one: str(form.data[one]) for one in form.asked}
    told = exporting.told(listing.url_name, form=kind, query=query, by=user)
    file_name = f"{listing.url_name.removesuffix('_list')}-{moment.now():%Y-%m-%dT%H-%MZ}"
    return exports.write(kind, file_name, list(listing.columns), _values(found, listing), tell=told)


def _values(rows: "QuerySet[M, M]", listing: Listing[M]) -> Iterator[Sequence[object]]:
    """One snapshot, fetched in batches."""
    made = {f"file_{name}": how for name, how in listing.columns.items() if not isinstance(how, str)}
    paths = [how if isinstance(how, str) else f"file_{name}" for name, how in listing.columns.items()]
    yield from rows.annotate(**made).values_list(*paths).iterator(chunk_size=BATCH)


def context_of(listing: Listing[M], found: Shown[M], request: HttpRequest) -> dict[str, Any]:
    """What the parts that every list has in common want: filters, saved views, the way to other pages."""
    query = kept_query(listing, found.form, request.GET.get("sort", ""))
    return {
        "list_url": reverse(listing.url_name),
        "list_page": listing.url_name,
        "form": found.form,
        "rows": found.rows,
        "list": found.page,
        "total": found.total,
        "is_filtered": bool(found.form.asked),
        "query": query,
        "sort": request.GET.get("sort", ""),
        "saved_views": saved_views(listing.url_name, cast(User, request.user)),
    }


def kept_query(listing: Listing[M], form: ListFilter, sort: str) -> str:
    """The filter and the order of a list as an address holds them, and nothing else."""
    is_known = sort.removeprefix("-") in listing.orders
    return "&".join(part for part in (form.query, urlencode({"sort": sort}) if is_known else "") if part)


def saved_views(url_name: str, user: User) -> list[SavedView]:
    """Their own views of this list."""
    return list(SavedView.objects.filter(user=user, page=url_name).order_by("name"))


def answer(
    request: HttpRequest, listing: Listing[M], rows: "QuerySet[M, M]", **more: Any
) -> HttpResponseBase:
    """A page of the list, or its file; for lists whose rows need nothing added."""
    form = listing.form(request.GET, cast(User, request.user))
    if instead := other(listing, form, rows, request):
        return instead
    return drawn(request, listing, shown(listing, form, rows, request.GET), **more)


def drawn(request: HttpRequest, listing: Listing[M], found: Shown[M], **more: Any) -> HttpResponse:
    """The page of a list."""
    return page(request, listing.template, {**context_of(listing, found, request), **more})
