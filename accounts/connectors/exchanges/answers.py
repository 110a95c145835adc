"""What an API answered, from recordings and saved JSON alike: lists with lines, and the request if known.

Saved JSON is an answer as it came, several on end, one object a line, or a bundle: an object of answers by
the address they were asked for. A bundle by plain names is one answer with several lists.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, unquote, urlsplit

from accounts.connectors.api.json import Place, documents
from accounts.connectors.connector import Kept, Sink
from accounts.connectors.exchanges import admit_exchanges, is_exchanges, unwrapped
from accounts.connectors.exchanges.cleaning import Cleaner
from accounts.connectors.exchanges.formats import value_of
from accounts.connectors.records import Rejected

LIMIT = 256 * 2**20  # bytes; JSON is read at once
HEAD = 64 * 1024  # characters that are enough to know a recording by
_PIECE = 64 * 1024
_FAILED = 400
TOTALS = ("total_count", "totalCount", "totalResults")
# Parameters that choose a page, not a part.
_PAGING = frozenset(
    {"page", "per_page", "perpage", "limit", "after", "before", "cursor", "offset", "startindex", "count"}
    | {"pagination", "order_by", "sort", "direction", "id", "id_after", "all_available", "simple"}
)
UNSAID = "a saved list does not say whether more pages followed"  # a person may know
_SIZES = ("per_page", "perpage", "limit", "count")


@dataclass(slots=True)
class Answer:
    """One answer. `lists` by name, "" for an answer that is itself a list; items with lines."""

    line: int
    path: str = ""  # of the request, without host and query; "" if the file does not say
    host: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    lists: dict[str, list[tuple[int, object]]] = field(default_factory=dict)
    value: Mapping[str, object] = field(default_factory=dict)  # the whole object, if it is one
    next_url: str = ""
    is_recorded: bool = False  # so that the absence of a next page means something
    taken_at: datetime | None = None

    @property
    def listing(self) -> tuple[object, ...]:
        """Equal for the pages of one listing."""
        return (self.host, self.path, tuple(sorted(self.narrowed.items())))

    @property
    def narrowed(self) -> dict[str, str]:
        """Parameters that ask for a part only."""
        return {key: value for key, value in self.query.items() if key.casefold() not in _PAGING}


@dataclass(slots=True)
class Answers:
    """Everything of a file, and what was no answer."""

    found: list[Answer] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    taken_at: datetime | None = None  # the earliest: what came later is not older


def begins_like_answers(head: str) -> bool:
    """Whether a file that begins so can be read here at all: JSON or a recording."""
    return head.lstrip()[:1] in ("{", "[") or is_exchanges(head)


def answers(text: str) -> Answers:
    """Read a whole file; raises Unreadable where it is neither a recording nor JSON."""
    read = Answers()
    if is_exchanges(text[:HEAD]):
        _from_pages(text, read)
    else:
        for place in documents(text, _is_envelope):
            _collect(place, "", read)
    moments = [one.taken_at for one in read.found if one.taken_at]
    read.taken_at = min(moments, default=None)
    return read


def admit_answers(text: str, sink: Sink, about: frozenset[str] = frozenset()) -> Kept:
    """Write a file without its secrets: a recording as pages, JSON as it came."""
    if is_exchanges(text[:HEAD]):
        return admit_exchanges(text, sink, about)
    cleaner = Cleaner(about)
    edits: list[tuple[int, int, str]] = []
    for place in documents(text, _is_envelope):
        _clean(place, "", cleaner, text, edits)
    at = 0
    for start, end, instead in edits:
        _write(text[at:start] + instead, sink)
        at = end
    _write(text[at:], sink)
    return Kept(text.count("\n") + (not text.endswith("\n")), cleaner.report())


def doubt(pages: list[Answer], name: str, default_size: int) -> str | None:
    """Why these pages of one listing may not be all of it; None if the file shows that they are."""
    # One item on two pages is one: a page saved twice does not stand for the one that is missing.
    held = len({_named(item) for page in pages for _, item in page.lists.get(name, ())})
    totals = [total for page in pages for key in TOTALS if isinstance(total := page.value.get(key), int)]
    if totals:
        return None if held >= max(totals) else f"{held} of {max(totals)} are in the file"
    if not all(page.is_recorded for page in pages):
        return UNSAID
    there = {_address(page.path, page.query) for page in pages}
    leading = [_address(*_split(page.next_url)[1:]) for page in pages if page.next_url]
    if any(following not in there for following in leading):
        return "a page follows that is not in the file"
    if not any(_is_first(page) for page in pages):
        return "its first page is not in the file"
    last = [page for page in pages if not page.next_url]
    if len(set(leading)) < len(pages) - len(last) or (len(pages) > 1 and len(last) != 1):
        return "pages between are not in the file"
    if len(pages) == 1 and held >= _size(pages[0], default_size) and not leading:
        return "its only page is full, and nothing says that none followed"
    return None


def _named(item: object) -> object:
    if not isinstance(item, dict):
        return str(item)
    return next(
        (str(item[key]) for key in ("id", "credential_id", "name", "login") if key in item), str(item)
    )


def _from_pages(text: str, read: Answers) -> None:
    changes = 0
    for page in unwrapped(text):
        host, path, query = _split(page.url)
        if page.method not in ("GET", "POST"):
            changes += 1
        elif page.status >= _FAILED or page.broken:
            why = page.broken or f"the system answered {page.status}"
            read.rejected.append(
                Rejected(
                    page.line,
                    "failed_request" if page.status >= _FAILED else "broken_answer",
                    f"The answer to {path[:200]} is missing: {why}. Ask again with an account that may read "
                    "it.",
                )
            )
        elif page.body:
            answer = Answer(
                page.line,
                path,
                host,
                query,
                page.method,
                next_url=page.next_url,
                is_recorded=True,
                taken_at=page.taken_at,
            )
            _fill(answer, value_of(page.body))
            read.found.append(answer)
    if changes:
        read.notes.append(f"Recorded requests that change something and list nothing: {changes}.")


def _fill(answer: Answer, value: object) -> None:
    if isinstance(value, list):
        answer.lists[""] = [(answer.line, part) for part in value]
    elif isinstance(value, dict):
        answer.value = value
        answer.lists = {
            key: [(answer.line, one) for one in part] for key, part in value.items() if isinstance(part, list)
        }


def _collect(place: Place, address: str, read: Answers) -> None:
    """Answers of one value: a list, an object, or a bundle of both by address."""
    value = place.value
    if isinstance(value, dict) and any("/" in key for key in value) and not address:
        for key, part in value.items():
            _collect(place.member(key, part), key if "/" in key else "", read)
    elif isinstance(value, dict):
        answer = _answer(place, address)
        answer.value = value
        answer.lists = {
            key: [(one.line, one.value) for one in place.member(key, part).each()]
            for key, part in value.items()
            if isinstance(part, list)
        }
        read.found.append(answer)
    elif isinstance(value, list):
        answer = _answer(place, address)
        answer.lists[""] = []
        pages = list(_flat(place.each()))
        for one in pages:
            if isinstance(one.value, dict) and _is_envelope(one.value):
                _collect(one, address or " ", read)
            else:
                answer.lists[""].append((one.line, one.value))
        if answer.lists[""] or not pages:
            read.found.append(answer)


def _flat(places: Iterable[Place]) -> Iterator[Place]:
    """Elements; pages that were put into one list (`--slurp`) are opened."""
    for place in places:
        if isinstance(place.value, list):
            yield from place.each()
        else:
            yield place


def _answer(place: Place, address: str) -> Answer:
    host, path, query = _split(address.strip())
    return Answer(place.line, path, host, query)


def _is_envelope(value: dict[str, object]) -> bool:
    """A page with its list, standing in a list of pages."""
    return any(key in value for key in (*TOTALS, "ok")) and any(
        isinstance(one, list) for one in value.values()
    )


def _clean(place: Place, name: str, cleaner: Cleaner, text: str, edits: list[tuple[int, int, str]]) -> None:
    newlines = "\n" * text.count("\n", place.start, place.end)
    if place.members is not None and _is_outer(place.value):
        for key, member in place.members.items():
            if cleaner.is_cut(key, member.value):
                cleaner.note(key, "secret_name")
                lost = "\n" * text.count("\n", member.start, member.end)
                edits.append((member.start, member.end, "null" + lost))
            else:
                _clean(member, key, cleaner, text, edits)
    elif place.elements is not None:
        for element in place.elements:
            _clean(element, name, cleaner, text, edits)
    else:
        before = cleaner.total
        cleaned = cleaner.element(name, place.value)
        if cleaner.total != before:
            edits.append((place.start, place.end, json.dumps(cleaned, ensure_ascii=False) + newlines))


def _is_outer(value: object) -> bool:
    return isinstance(value, dict) and any(
        "/" in key or isinstance(part, list) for key, part in value.items()
    )


def _write(text: str, sink: Sink) -> None:
    for at in range(0, len(text), _PIECE):
        sink(text[at : at + _PIECE].encode())


def _split(url: str) -> tuple[str, str, dict[str, str]]:
    """Host, path without a closing slash, and parameters."""
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=200)
    except ValueError:
        return "", url, {}
    return parts.netloc.casefold(), unquote(parts.path).rstrip("/"), dict(pairs)


def _address(path: str, query: Mapping[str, str]) -> tuple[object, ...]:
    # GitLab's links repeat parts of the path as parameters and sort the rest.
    return (
        path,
        tuple(sorted((key, value) for key, value in query.items() if key not in ("id", "pagination"))),
    )


def _is_first(page: Answer) -> bool:
    query = {key.casefold(): value for key, value in page.query.items()}
    return query.get("page", "1") in ("", "0", "1") and not (
        query.get("after") or query.get("cursor") or query.get("offset", "0") not in ("0", "")
    )


def _size(page: Answer, default: int) -> int:
    said = next((value for key in _SIZES if (value := page.query.get(key)) is not None), "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else default
