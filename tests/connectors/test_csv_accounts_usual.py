"""Usual rows are read in a short way, which must find what the long way finds."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.connectors import csv_accounts
from accounts.connectors.csv_accounts_usual import Usual
from accounts.connectors.records import Grant, Record, Rejected

HEADER = "account,name,entitlement,description,since,until,expires,last used,via\n"
# Few values, so that rows repeat, agree and contradict each other.
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bo", " ann ", ""]),
        st.sampled_from(["Ann", "", "Bo"]),
        st.sampled_from(["READ", "WRITE", ""]),
        st.sampled_from(["", "may read"]),
        st.sampled_from(["", "2024-01-02", "2026-06-01", "someday"]),
        st.sampled_from(["", "2025-01-02", "-"]),
        st.sampled_from(["", "2025-03-04"]),
        st.sampled_from(["", "2026-01-01"]),
        st.sampled_from(["", "", "", "admins"]),
        st.sampled_from(["", "", "yes", "no", "perhaps"]),
    ),
    min_size=1,
    max_size=30,
)


def read(text: str) -> list[Record]:
    return list(csv_accounts.read(BytesIO(text.encode()), {"complete": "yes"})[1])


@given(ROWS)
def test_both_ways_find_the_same(rows: list[tuple[str, ...]]) -> None:
    header = HEADER.replace("via", "via,eligible")
    text = header + "".join(",".join(row) + "\n" for row in rows) + "carla,Carla,READ,,,,,,,\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Usual, "grant", lambda *_: None)
        in_full = read(text)
    assert read(text) == in_full


def refusals(rows: str) -> list[Rejected]:
    return [one for one in read(HEADER + rows) if isinstance(one, Rejected)]


def test_a_right_held_twice_is_refused_with_the_first_line() -> None:
    rows = "ann,Ann,READ,,,,,,\nann,Ann,WRITE,,,,,,\nann,Ann,READ,,,,,,\n"
    found = [one.entitlement for one in read(HEADER + rows) if isinstance(one, Grant)]
    assert found == ["READ", "WRITE"]
    [refused] = refusals(rows)
    assert (refused.line, refused.code) == (4, "duplicate")
    assert "line 2" in refused.reason


def test_an_unclear_date_is_refused_in_a_usual_row_too() -> None:
    rows = "ann,Ann,READ,,,,,,\nbo,Bo,OWN,,,,,,\nbo,Bo,READ,,someday,,,,\n"
    [refused] = refusals(rows)
    assert (refused.line, refused.code) == (4, "no_date")


def test_the_first_thing_wrong_with_a_row_counts_either_way() -> None:
    found = refusals("ann,Ann,READ,,,,,,\nann,Ann,READ,,someday,,,,\nann,Ann,WRITE,,someday,,,,\n")
    assert [(one.line, one.code) for one in found] == [(3, "contradiction"), (4, "no_date")]
