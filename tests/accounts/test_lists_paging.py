"""Pages by their last row: every row once, forwards and back, whatever comes and goes meanwhile."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import DateTimeField, F, TextField
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Credential, Identity
from accounts.models.listing import MOST_COUNTED, Counted, Order, Page, begins_with, counted, folded, page_of
from tests.factories import inventory

pytestmark = pytest.mark.django_db

NAME = Order("name", folded("name"), TextField())
EXPIRES = Order("expires", F("expires_at"), DateTimeField(), may_be_unknown=True)
ADDED = Order("added")
DAY = datetime(2026, 3, 1, tzinfo=UTC)


def names(page: Page[Identity]) -> list[str]:
    return [one.name for one in page.rows]


def walk(order: Order, *, is_down: bool, size: int = 3) -> tuple[list[list[int]], list[list[int]]]:
    """The keys of every page to the end, and of every page on the way back."""
    rows = Credential.objects.all()
    page = page_of(rows, order, is_down=is_down, size=size)
    there = [[one.pk for one in page.rows]]
    while page.after:
        page = page_of(rows, order, is_down=is_down, size=size, at=page.after)
        there.append([one.pk for one in page.rows])
    back = [there[-1]]
    while page.before:
        page = page_of(rows, order, is_down=is_down, size=size, at=page.before)
        back.append([one.pk for one in page.rows])
    return there, back


@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize(("known", "unknown"), [(7, 4), (6, 3), (0, 7), (7, 0), (2, 1)])
def test_every_row_stands_on_one_page_and_the_way_back_is_the_same(
    known: int, unknown: int, *, is_down: bool
) -> None:
    account = inventory.account(inventory.system())
    # Two of each day, so that the key decides between equals.
    ends = [DAY + timedelta(days=number // 2) for number in range(known)] + [None] * unknown
    made = [inventory.credential(account, expires_at=end) for end in ends]
    there, back = walk(EXPIRES, is_down=is_down)
    with_end, without = [one.pk for one in made[:known]], [one.pk for one in made[known:]]
    # What is unknown comes last, whichever way the list goes.
    expected = with_end[::-1] + without[::-1] if is_down else with_end + without
    assert [key for page in there for key in page] == expected
    # The first page is whole on the way back, too; the others are those of the way there.
    assert all(len(page) == 3 for page in there[:-1])
    assert set(map(tuple, back[:-1])) <= {tuple(expected[at : at + 3]) for at in range(len(expected))}
    assert back[-1] == there[0]


@pytest.mark.parametrize("is_down", [False, True])
def test_by_key_alone(*, is_down: bool) -> None:
    account = inventory.account(inventory.system())
    made = [inventory.credential(account).pk for _ in range(8)]
    there, back = walk(ADDED, is_down=is_down)
    assert [key for page in there for key in page] == (made[::-1] if is_down else made)
    assert back[-1] == there[0]


def test_rows_that_come_and_go_move_nothing() -> None:
    for name in "bdfhjlnp":
        inventory.identity(name)
    first = page_of(Identity.objects.all(), NAME, is_down=False, size=3)
    assert names(first) == ["b", "d", "f"]
    inventory.identity("a")  # before the place
    inventory.identity("g")  # behind it
    Identity.objects.filter(name="f").update(name="zz")  # the place itself is elsewhere
    second = page_of(Identity.objects.all(), NAME, is_down=False, size=3, at=first.after)
    assert names(second) == ["g", "h", "j"]
    back = page_of(Identity.objects.all(), NAME, is_down=False, size=3, at=second.before)
    assert names(back) == ["a", "b", "d"]


def test_case_and_other_letters_are_sorted_and_gone_on_from() -> None:
    for name in ["Zoë", "adam", "Ärzte", "ADAM", "zeta", "日本"]:
        inventory.identity(name)
    page, found = page_of(Identity.objects.all(), NAME, is_down=False, size=1), []
    found += names(page)
    while page.after:
        page = page_of(Identity.objects.all(), NAME, is_down=False, size=1, at=page.after)
        found += names(page)
    assert found == ["adam", "ADAM", "zeta", "Zoë", "Ärzte", "日本"]


def test_a_place_behind_which_nothing_is_left_leads_to_the_beginning() -> None:
    for name in "abcd":
        inventory.identity(name)
    first = page_of(Identity.objects.all(), NAME, is_down=False, size=3)
    Identity.objects.filter(name="d").update(name="0")
    again = page_of(Identity.objects.all(), NAME, is_down=False, size=3, at=first.after)
    assert names(again) == ["0", "a", "b"]
    assert not again.before


def test_names_that_begin_so_come_before_those_that_hold_it() -> None:
    for name in ["a-svc", "svc-2", "x-svc", "SVC-1", "other"]:
        inventory.identity(name)
    rows = Identity.objects.filter(name__containing="svc")
    ahead = begins_with("name", "svc")
    first = page_of(rows, NAME, is_down=False, ahead=ahead, size=3)
    assert names(first) == ["SVC-1", "svc-2", "a-svc"]
    second = page_of(rows, NAME, is_down=False, ahead=ahead, size=3, at=first.after)
    assert names(second) == ["x-svc"]
    assert names(page_of(rows, NAME, is_down=False, ahead=ahead, size=3, at=second.before)) == names(first)


@pytest.mark.parametrize("words", ["%", "_", "\\", "50%", "a_b"])
def test_signs_of_patterns_mean_themselves(words: str) -> None:
    inventory.identity(f"x{words}y and more")
    inventory.identity("x?y, axb, 50 and more")
    assert [one.name for one in Identity.objects.filter(name__containing=words)] == [f"x{words}y and more"]
    assert not Identity.objects.filter(begins_with("name", words)).exists()
    assert Identity.objects.filter(begins_with("name", f"X{words}")).count() == 1


def token(*told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode()


@pytest.mark.parametrize(
    "at",
    [
        "",
        "!",
        "a" * 5000,
        "é",
        token(">", "name", 0, "b\x00", "x"),
        token(">", "name", 0, "\ud800", "0192aaaa-0000-7000-8000-000000000000"),
        token(">", "name", 0, None, "0192aaaa-0000-7000-8000-000000000000"),
        token(">", "name", 0, {"a": 1}, "0192aaaa-0000-7000-8000-000000000000"),
        token(">", "name", 7, "b", "0192aaaa-0000-7000-8000-000000000000"),
        token(">", "name", -1, "b", "0192aaaa-0000-7000-8000-000000000000"),
        token(">", "-name", 0, "b", "0192aaaa-0000-7000-8000-000000000000"),
        token("?", "name", 0, "b", "0192aaaa-0000-7000-8000-000000000000"),
        token([], "name", 0, "b", "0192aaaa-0000-7000-8000-000000000000"),
        token(">", "name", 0, "b", [7]),
        token(">"),
        base64.urlsafe_b64encode(b"[" * 1400).decode(),
    ],
)
def test_nonsense_is_the_beginning(at: str) -> None:
    inventory.identity("a")
    inventory.identity("c")
    assert names(page_of(Identity.objects.all(), NAME, is_down=False, at=at)) == ["a", "c"]


@pytest.mark.parametrize(
    ("value", "key"),
    [("2026-03-01T00:00:00", 1), ("no day", 1), (5, 1), ("2026-03-01T00:00:00+00:00", 10**30)],
)
def test_moments_and_keys_that_the_database_would_refuse_are_the_beginning(value: object, key: int) -> None:
    made = inventory.credential(inventory.account(inventory.system()), expires_at=DAY)
    at = token(">", "expires", 0, value, key)
    assert [one.pk for one in page_of(Credential.objects.all(), EXPIRES, is_down=False, at=at).rows] == [
        made.pk
    ]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=6))
def test_any_text_is_answered(text: str, told: object) -> None:
    for at in (text, token(told), token(">", "name", 0, told, text)):
        page_of(Identity.objects.all(), NAME, is_down=False, at=at)


def test_counting_stops() -> None:
    assert str(Counted(1312, is_more=False)) == "1,312"
    assert str(Counted(MOST_COUNTED, is_more=True)) == "more than 10,000"
    for name in "abc":
        inventory.identity(name)
    assert counted(Identity.objects.all()) == Counted(3, is_more=False)
    assert "LIMIT 10001" in str(Identity.objects.all()[: MOST_COUNTED + 1].query)
