"""Remembering keys: what was seen, where, and whether it was the same."""

import tracemalloc

from accounts.connectors.first_seen import FirstSeen


def test_the_first_line_is_remembered_and_the_content_compared() -> None:
    seen = FirstSeen()
    assert seen.find("a") is None
    assert seen.note("a", 7, ("x", "y")) is None
    assert seen.note("a", 9, ("x", "y")) == (7, True)
    assert seen.note("a", 9, ("x", "z")) == (7, False)
    assert seen.find(("a",)) is None
    assert "a" in seen
    assert "b" not in seen
    assert len(seen) == 1


def test_it_keeps_everything_while_it_grows_and_stays_small() -> None:
    tracemalloc.start()
    seen = FirstSeen()
    for number in range(50_000):
        assert seen.note(("somebody's rather long account name", number), number + 2, number) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(seen) == 50_000
    assert all(
        seen.find(("somebody's rather long account name", n), n) == (n + 2, True)
        for n in range(0, 50_000, 997)
    )
    assert peak < 10 * 2**20
