"""Saved answers of JSON APIs as items: pages, lists, lines, several on end, or a bundle of them by name.

A bundle is an object `{"users": [...], "groups": [...]}` or `{"<address of the request>": <answer>}`; an
answer may also stand as `body` beside its `url`. Every item knows where it came from, and `unproven` says
whether the file shows that all pages of a list are there.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from accounts.connectors.api.json import Place, documents
from accounts.connectors.api.values import inner, text_of
from accounts.connectors.records import Rejected

LIMIT = 256 * 2**20  # bytes; JSON is read at once
_DEEPEST = 6  # bundles in bundles
_BODIES = ("body", "response")  # where a recorded exchange keeps the answer
_ADDRESSES = ("url", "uri", "path", "requestUrl", "request_url")
_STATUS = ("status", "statusCode", "status_code", "code")
# What asks for a part of a list only; words of Graph, Okta and Google.
_NARROWING = frozenset({"$filter", "$search", "filter", "search", "query", "q", "orgunitpath", "userkey"})
_FAILED = 400  # HTTP status from which an answer holds no items


@dataclass(frozen=True, slots=True)
class Shape:
    """How an API writes its pages, and which names in it sound secret and are not, or the other way round."""

    lists: frozenset[str]  # members of a page that hold its items
    nexts: frozenset[str]  # members that lead to the next page
    identifying: frozenset[str]  # members that make an object an item, not a page or bundle
    envelope: frozenset[str] = frozenset()  # members that every page of the API carries
    containers: frozenset[str] = frozenset()  # sound secret and hold objects with facts: looked into
    plain: frozenset[str] = frozenset()  # sound secret and are facts
    secrets: frozenset[str] = frozenset()  # sound harmless and are secrets (names as `normal` writes them)
    neutral: frozenset[str] = frozenset({"value", "items", "results", "data", "body", "responses"})


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: `where` are the names and addresses that lead to it, outermost first."""

    where: tuple[str, ...]
    line: int
    about: Mapping[str, object]  # members that are no items: context, kind, count; also of what is around it
    next: str | None
    count: int
    is_enveloped: bool  # a bare list says nothing about further pages


@dataclass(frozen=True, slots=True)
class ApiItem:
    """One object of an answer."""

    value: Mapping[str, object]
    line: int
    page: Page


@dataclass(slots=True)
class Pages:
    """Everything that a file holds."""

    pages: list[Page] = field(default_factory=list)
    items: list[ApiItem] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def is_page(value: Mapping[str, object], shape: Shape) -> bool:
    """Whether an object holds items, and is none itself."""
    if _answer_of(value) is not None:
        return True
    if any(key in value for key in shape.identifying):
        return False
    return any(_holds_objects(part) for part in value.values()) or any(
        isinstance(value.get(key), list) for key in shape.lists
    )


def pages(text: str, shape: Shape) -> Pages:
    """The items of a whole file; raises Unreadable where it is no JSON."""
    return taken_apart(documents(text, lambda value: is_page(value, shape)), shape)


def taken_apart(places: Iterable[Place], shape: Shape) -> Pages:
    """The items of documents that were parsed already."""
    walker = _Walker(shape, Pages())
    for place in places:
        walker.walk(place, (), {}, 0)
    return walker.found


def segments(where: Iterable[str]) -> list[str]:
    """The parts of names and addresses without host, query and version: `groups`, an id, `members`."""
    parts: list[str] = []
    for name in where:
        if "/" not in name:
            parts.append(name)
            continue
        path = [unquote(part) for part in _split(name)[0].split("/") if part]
        versions = [at for at, part in enumerate(path) if re.fullmatch(r"v\d+(?:\.\d+)?|beta", part)]
        parts.extend(path[versions[-1] + 1 :] if versions else path)
    return parts


def unproven(read: list[Page]) -> str | None:
    """Why these pages of one list may not be all of it; None if the file shows that they are."""
    if any(not page.is_enveloped for page in read):
        return "a bare list does not say whether more pages followed"
    for page in read:
        asked = {key.lower() for name in page.where if "?" in name for key, _ in _query(name)}
        if narrowing := sorted(asked & _NARROWING):
            return f"it was asked for with {', '.join(narrowing)}, so it is a part only"
    leading = [page.next for page in read if page.next]
    if all(_is_there(following, read) for following in leading) and (len(read) == 1 or leading):
        return None
    if len(leading) == len(read):
        return "a page follows that is not in the file"
    return "its pages were joined without their addresses, so nothing shows that none is missing"


@dataclass(slots=True)
class _Walker:
    shape: Shape
    found: Pages

    def walk(self, place: Place, where: tuple[str, ...], around: Mapping[str, object], depth: int) -> None:
        """Everything below a value that is reached by `where`."""
        value = place.value
        if isinstance(value, list):
            page = Page(where, place.line, around, None, len(value), is_enveloped=False)
            if not any(isinstance(part, dict) and is_page(part, self.shape) for part in value[:1]):
                self.found.pages.append(page)
            self._elements(place, page, depth)
        elif not isinstance(value, dict) or not value:
            return
        elif (key := _answer_of(value)) is not None:
            self._answer(place, key, where, depth)
        elif isinstance(broken := value.get("broken"), str) and "url" in value:
            self._reject(
                place, "broken_answer", f"The recorded answer can't be read: {broken[:80]}. Record again."
            )
        elif depth <= _DEEPEST and is_page(value, self.shape):
            self._members(place, value, where, around, depth)
        else:
            alone = Page(where, place.line, around, None, 1, is_enveloped=False)
            self.found.pages.append(alone)
            self.found.items.append(ApiItem(value, place.line, alone))

    def _members(
        self,
        place: Place,
        value: Mapping[str, object],
        where: tuple[str, ...],
        around: Mapping[str, object],
        depth: int,
    ) -> None:
        """A page with its list, or a bundle with several."""
        own = {key: part for key, part in value.items() if not isinstance(part, dict | list)}
        about = {**around, **own}
        lists = [key for key in self.shape.lists if isinstance(value.get(key), list)]
        is_enveloped = any(key in own for key in (*self.shape.envelope, *self.shape.nexts))
        for key, part in value.items():
            is_named = key not in self.shape.neutral and not (is_enveloped and where and len(lists) == 1)
            deeper = (*where, key) if is_named else where
            if is_enveloped and key in lists and isinstance(part, list):
                following = next(
                    (said for name in self.shape.nexts if (said := text_of(own.get(name)))), None
                )
                page = Page(deeper, place.line, about, following, len(part), is_enveloped=True)
                self.found.pages.append(page)
                self._elements(place.member(key, part), page, depth)
            elif isinstance(part, dict | list):
                self.walk(place.member(key, part), deeper, about, depth + 1)

    def _elements(self, place: Place, page: Page, depth: int) -> None:
        for element in place.each():
            value = element.value
            if isinstance(value, dict) and not is_page(value, self.shape):
                self.found.items.append(ApiItem(value, element.line, page))
            elif isinstance(value, dict | list):
                self.walk(element, page.where, page.about, depth + 1)
            else:
                self._reject(element, "no_object", "An item of the list is no object. Export it again.")

    def _answer(self, place: Place, key: str, where: tuple[str, ...], depth: int) -> None:
        """A recorded exchange: what it was asked for is where its items come from."""
        value = inner(place.value)
        asked = (value, inner(value.get("request")))
        address = next(
            (said for one in asked for name in _ADDRESSES if (said := text_of(one.get(name)))), None
        )
        status = re.match(r"\d{3}", str(next((value[name] for name in _STATUS if name in value), "")))
        if status and int(status[0]) >= _FAILED:
            self._reject(
                place,
                "failed_request",
                f"The request{f' for {address[:120]}' if address else ''} was answered with {status[0]}, so "
                "what it asked for is missing. Repeat it with an account that may read it.",
            )
            return
        deeper = (*where, address) if address else where
        answer, part = place.member(key, value[key]), value[key]
        if isinstance(part, list) and "next" in value:  # the headers said whether a page follows
            about = {"taken_at": value.get("taken_at")}
            page = Page(deeper, place.line, about, text_of(value["next"]), len(part), is_enveloped=True)
            self.found.pages.append(page)
            self._elements(answer, page, depth)
        else:
            self.walk(answer, deeper, {"taken_at": value.get("taken_at")}, depth + 1)

    def _reject(self, place: Place, code: str, reason: str) -> None:
        self.found.rejected.append(Rejected(place.line, code, reason))


def _answer_of(value: Mapping[str, object]) -> str | None:
    """The member of a recorded exchange that holds the answer."""
    if not any(name in value for name in (*_ADDRESSES, *_STATUS, "request")):
        return None
    return next((key for key in _BODIES if isinstance(value.get(key), dict | list)), None)


def _holds_objects(part: object) -> bool:
    return isinstance(part, dict) or (isinstance(part, list) and bool(part) and isinstance(part[0], dict))


def _split(address: str) -> tuple[str, str]:
    """Path and query; an address that is none is all path."""
    try:
        found = urlsplit(address)
    except ValueError:
        return address, ""
    return found.path, found.query


def _query(address: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(_split(address)[1], keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def _is_there(following: str, read: list[Page]) -> bool:
    """Whether the page that `following` leads to was saved under its address."""
    wanted = _address(following)
    for name in (name for page in read for name in page.where if "/" in name):
        if name == following or _address(name) == wanted:
            return True
        if "/" not in following and any(value == following for _, value in _query(name)):
            return True
    return False


def _address(name: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    return tuple(segments([name])), tuple(sorted(_query(name)))
