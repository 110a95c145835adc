"""Recorded HTTP exchanges: cassettes (go-vcr, VCR, vcrpy), nock fixtures, HAR files; as pages.

What admission writes of them is one JSON document, `{"pages": [{"method", "url", "status", "next",
"taken_at", "body"}]}` with one page a line: the answers without requests, headers and secrets. It is read
like the others.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from accounts.connectors.connector import Kept, Sink
from accounts.connectors.exchanges.cleaning import Cleaner
from accounts.connectors.exchanges.formats import (
    NO_JSON,
    Exchange,
    body_of,
    no_exchange,
    recorded,
    text_in,
    value_of,
)
from accounts.connectors.records import Unreadable
from accounts.connectors.secret_names import is_secret_name

_YAML = re.compile(r"(?m)^(?:http_)?interactions:")
_NEXT = re.compile(r"<([^<>]{1,4000})>((?:\s*;\s*[\w*-]{1,40}=(?:\"[^\"]{0,200}\"|[^\s;,\"]{0,200})){1,10})")
_REL_NEXT = re.compile(r"(?i);\s*rel=\"?[^\"]*\bnext\b")
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of an API. `line` is where its exchange begins in the file that was read."""

    method: str
    url: str
    status: int
    body: str  # JSON; empty if there was none
    line: int
    next_url: str = ""  # where the listing goes on, as the answer's headers say
    taken_at: datetime | None = None
    broken: str = ""  # why the body cannot be read

    @property
    def next_link(self) -> bool:
        """True if the answer's headers say that more follows."""
        return bool(self.next_url)


def is_exchanges(head: str) -> bool:
    """Whether a file that begins so is a recording, by the names its formats begin with."""
    begin = head.lstrip()
    if begin.startswith("["):
        return all(f'"{name}"' in begin for name in ("scope", "method", "path", "status"))
    if begin.startswith("{"):
        names = ("pages", "interactions", "http_interactions")
        if any(re.match(rf'\{{\s*"{name}"\s*:\s*\[\s*\{{', begin) for name in names):
            return True
        return ('"log"' in begin[:200] and '"entries"' in begin) or (
            '"interactions"' in begin and '"request"' in begin
        )
    return _YAML.search(begin) is not None and "request:" in begin


def unwrapped(text: str) -> list[Page]:
    """Every answer in the order of the file; raises Unreadable if it is no recording or is cut off."""
    exchanges, pages = recorded(text)
    return [_page(one) for one in exchanges] + [_written(line, value) for line, value in pages]


def admit_exchanges(text: str, sink: Sink, about: frozenset[str] = frozenset()) -> Kept:
    """Write the answers as pages, one a line; `about`: names of this API that list facts about secrets."""
    cleaner = Cleaner(about)
    exchanges, pages = recorded(text)
    for one in exchanges:
        _note_headers(one, cleaner)
    lines: list[str] = []
    for page in [_page(one) for one in exchanges] + [_written(line, value) for line, value in pages]:
        if page.broken == NO_JSON:
            cleaner.note("answers that are no JSON", "unmapped")
        else:
            lines.append(_line_of(page, cleaner))
    if not lines:
        raise Unreadable(
            "no_json",
            "No answer in the recording is JSON, so it holds nothing of an inventory. Record the API.",
            1,
        )
    sink(b'{"pages": [\n')
    for number, line in enumerate(lines):
        sink((line + ("," if number < len(lines) - 1 else "") + "\n").encode())
    sink(b"]}\n")
    return Kept(len(lines) + 2, cleaner.report())


def _page(one: Exchange) -> Page:
    code = re.match(r"\d{3}\b", str(one.status))
    if not one.url or code is None:
        raise no_exchange(one.line)
    method = one.method.upper() or "GET"
    body, broken = body_of(one)
    return Page(
        method,
        one.url,
        int(code.group()),
        body,
        one.line,
        _next_url(one.headers, one.url),
        _moment(one.at) or _moment(one.headers.get("date")),
        broken,
    )


def _next_url(headers: Mapping[str, str], url: str) -> str:
    for found in _NEXT.finditer(headers.get("link", "")):
        if _REL_NEXT.search(found[2]):
            try:
                return str(urljoin(url, found[1]))
            except ValueError:  # a bracket where no host can have one
                return str(found[1])
    number = headers.get("x-next-page", "").strip()  # GitLab
    if not number:
        return ""
    bare = re.sub(r"([?&])page=\d*(?:&|$)", r"\1", url).rstrip("?&")
    return f"{bare}{'&' if '?' in bare else '?'}page={number}"


def _line_of(page: Page, cleaner: Cleaner) -> str:
    body = cleaner.element("body", value_of(page.body)) if page.body else None
    made: dict[str, object] = {
        "method": page.method,
        "url": cleaner.address(page.url),
        "status": page.status,
        "next": cleaner.address(page.next_url) or None,
        "taken_at": page.taken_at.isoformat() if page.taken_at else None,
        "body": body,
    }
    if page.broken:
        made["broken"] = page.broken
    return json.dumps(made, ensure_ascii=False)


def _written(line: int, value: object) -> Page:
    """A page as admission writes it; one that somebody wrote by hand needs no more than url and body."""
    if not isinstance(value, dict) or not isinstance(value.get("url"), str) or "body" not in value:
        raise no_exchange(line)
    status, body = value.get("status", 200), value["body"]
    if isinstance(status, bool) or not isinstance(status, int):
        raise no_exchange(line)
    return Page(
        text_in(value.get("method")).upper() or "GET",
        value["url"],
        status,
        "" if body is None else json.dumps(body, ensure_ascii=False),
        line,
        text_in(value.get("next")),
        _moment(value.get("taken_at")),
        text_in(value.get("broken")),
    )


def _note_headers(one: Exchange, cleaner: Cleaner) -> None:
    """Headers are never kept; the ones that hold secrets are named."""
    for name in (*one.sent, *one.headers):
        is_secret = name in _SECRET_HEADERS or is_secret_name(name)
        cleaner.note(name if is_secret else "headers", "secret_name" if is_secret else "unmapped")


def _moment(value: object) -> datetime | None:
    """ISO 8601 with an offset, or the date of a header."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        pass
    try:
        return parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
