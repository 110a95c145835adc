"""Pages of a large inventory beside the same pages of a small one: what somebody opens must not grow with it.

Each page is asked for through the real view, by somebody who sees everything and by somebody who sees only
what they answer for. Goal: at a million identities at most 1.5 times of ten thousand (median, warm), with at
most 8 queries a page and 4 a panel. Every request asks two before its page begins, for the session and for
its user. Lists and panels are held to the goal with these two; the pages of one thing without them, and what
they ask in all is shown beside. What the rail counts is one query, and always counted.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks import ground, measure
from benchmarks.inventory_rows import OWNERS, fill

SMALL = 10_000
SIZE = 1_000_000
GOAL = 1.5
SIGN_IN = 2  # queries: the session, and its user
MOST_QUERIES = {"list": 8, "page": 8 + SIGN_IN, "panel": 4}
HEADERS: dict[str, dict[str, str]] = {"list": {}, "page": {}, "panel": {"HX-Request": "true"}}
TIMES = 15  # each page a round
HEADS = 2  # rows on the page of a system beside its accounts: its source, and that table's head
NAME = "inventory_pages"


@dataclass(frozen=True, slots=True)
class Asked:
    """One page: who opens it, its address, and what must stand in it before it is timed."""

    label: str
    who: str
    url: str
    expects: Callable[[str], bool]
    kind: str = "list"


@dataclass(slots=True)
class Found:
    """What one page took: seconds by size and round, and queries at the larger size."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    queries: int = 0


def main(argv: Sequence[str] | None = None) -> int:
    """Fill both, assert, measure in turns."""
    told = measure.arguments(__doc__ or NAME, size=SIZE, argv=argv)
    with ground.stand(), _both(told.size) as (sizes, pages):
        found = {asked.label: Found() for asked in pages[told.size]}
        for size in sizes:
            with _at(sizes[size]):
                _assert_right(pages[size])
        for number in range(told.rounds):
            for size in list(sizes) if number % 2 else list(reversed(sizes)):
                with _at(sizes[size]):
                    _measure(size, pages[size], found)
    result = _result(told.size, told.rounds, pages[told.size], found)
    return measure.report(result, as_json=told.json)


@contextmanager
def _both(size: int) -> Iterator[tuple[dict[int, str], dict[int, list[Asked]]]]:
    """A small and a large inventory side by side, and the pages of each."""
    with ground.fresh_database():
        small = str(connection.settings_dict["NAME"])
        pages = {SMALL: pages_of(fill(SMALL))}
        with ground.fresh_database():
            large = str(connection.settings_dict["NAME"])
            pages[size] = pages_of(fill(size))
            yield {SMALL: small, size: large}, pages


@contextmanager
def _at(name: str) -> Iterator[None]:
    """This one of the two databases, for the views as well."""
    before = {alias: connections[alias].settings_dict["NAME"] for alias in ground.ALIASES}
    for alias in ground.ALIASES:
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name
    try:
        yield
    finally:
        for alias, previous in before.items():
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = previous


def pages_of(known: Mapping[str, Any]) -> list[Asked]:
    """What people open; equal work in both sizes, so every filtered list fills its first page."""

    def rows(count: int) -> Callable[[str], bool]:
        return lambda text: text.count("<tr") == count + 1  # and the head

    def counts(text: str) -> bool:
        return text.startswith("<span>")

    full, identities = rows(50), reverse("identity_list")
    return [
        Asked("first page of identities", "iam", identities, full),
        Asked("a page in the middle", "iam", f"{identities}?after={known['middle']}", full),
        Asked(
            "filtered: machines of production",
            "iam",
            f"{identities}?kind=machines&environment=production",
            full,
        ),
        Asked("filtered: of one system", "iam", f"{identities}?system=SYS-07", full),
        Asked("filtered: privileged", "iam", f"{identities}?privileged=yes", full),
        Asked("filtered: with findings", "iam", f"{identities}?findings=yes&sort=-findings", full),
        Asked("filtered: nobody answers", "iam", f"{identities}?no_owner=on", full),
        Asked("searched: a word that is rare", "iam", f"{identities}?q=needle", rows(20)),
        Asked("searched: a word that is common", "iam", f"{identities}?q=svc", full),
        Asked(
            "one identity",
            "iam",
            reverse("identity", args=[known["machine"]]),
            lambda text: "<h1" in text,
            "page",
        ),
        Asked("first page of accounts", "iam", reverse("account_list"), full),
        Asked("first page of rights held", "iam", reverse("grant_list"), full),
        Asked("filtered: always-on privileged", "iam", f"{reverse('grant_list')}?stands=standing", full),
        Asked("filtered: old credentials", "iam", f"{reverse('credential_list')}?older=365&sort=age", full),
        Asked("one system", "iam", reverse("system", args=["SYS-07"]), rows(50 + HEADS), "page"),
        Asked(
            "panel: how many are privileged", "iam", f"{identities}?privileged=yes&count=1", counts, "panel"
        ),
        Asked("search box", "iam", f"{reverse('search')}?q=needle", lambda text: "needle" in text, "page"),
        Asked("an owner's identities", "owner", identities, rows(OWNERS["identities"])),
        Asked("an owner's accounts", "owner", reverse("account_list"), rows(OWNERS["accounts"])),
        Asked("an owner's rights held", "owner", reverse("grant_list"), full),
    ]


def _client(who: str) -> Client:
    from portal.users.models import User  # noqa: PLC0415 - models exist once the settings are read

    client = Client(headers={"host": "localhost"})
    user = User.objects.get(email=f"{who}@bench.invalid")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def _assert_right(pages: Sequence[Asked]) -> None:
    """Nothing is timed that does not answer rightly."""
    clients = {who: _client(who) for who in {asked.who for asked in pages}}
    for asked in pages:
        answer = clients[asked.who].get(asked.url, headers=HEADERS[asked.kind])
        assert answer.status_code == 200, (asked.label, answer.status_code)  # noqa: S101
        assert asked.expects(answer.text), f"{asked.label}: not what was asked for"  # noqa: S101


def _measure(size: int, pages: Sequence[Asked], found: dict[str, Found]) -> None:
    clients = {who: _client(who) for who in {asked.who for asked in pages}}
    for asked in pages:
        client, headers = clients[asked.who], HEADERS[asked.kind]
        with CaptureQueriesContext(connection) as queries:
            client.get(asked.url, headers=headers)
        _assert_signs_in([one["sql"] for one in queries.captured_queries])
        found[asked.label].queries = max(found[asked.label].queries, len(queries))
        taken = measure.median_of(partial(client.get, asked.url, headers=headers), times=TIMES)
        found[asked.label].seconds.setdefault(size, []).append(taken)


def _assert_signs_in(statements: Sequence[str]) -> None:
    """The first queries are those that every request asks before its page."""
    tables = ("django_session", "users_user")
    measure.must(
        all(f'FROM "{table}"' in asked for table, asked in zip(tables, statements, strict=False)),
        f"the first {SIGN_IN} queries ask for session and user",
    )


def _result(size: int, rounds: int, pages: Sequence[Asked], found: Mapping[str, Found]) -> measure.Result:
    result = measure.Result(NAME, rounds)
    seconds: dict[str, Sequence[float]] = {}
    for asked in pages:
        its = found[asked.label]
        large, small = its.seconds[size], its.seconds[SMALL]
        seconds[f"{asked.label}, {SMALL:,}"], seconds[f"{asked.label}, {size:,}"] = small, large
        if asked.kind != "panel":  # a panel comes after its page, and is shown by its seconds
            result.ratios.append(measure.Ratio(asked.label, measure.by_round(large, small), GOAL))
    for kind, most in MOST_QUERIES.items():
        asked_of = max(found[asked.label].queries for asked in pages if asked.kind == kind)
        if kind == "page":
            result.ratios.append(
                measure.Ratio("queries of a page, rail included", (asked_of - SIGN_IN,), most - SIGN_IN)
            )
        result.ratios.append(
            measure.Ratio(f"queries of a {kind}, rail and sign-in included", (asked_of,), most)
        )
    result.seconds = seconds
    return result


if __name__ == "__main__":
    sys.exit(main())
