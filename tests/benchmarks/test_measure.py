"""Rounds, ratios and reports of benchmarks."""

import json

import pytest

from benchmarks import measure
from benchmarks.measure import Ratio, Result


def test_the_median_is_judged_and_the_worst_round_is_shown() -> None:
    lower = Ratio("ours / limit", (2.0, 2.5, 9.0), goal=3)
    assert (lower.value, lower.worst, lower.met) == (2.5, 9.0, True)
    higher = Ratio("peer / ours", (12.0, 9.0, 3.0), goal=10, better="higher")
    assert (higher.value, higher.worst, higher.met) == (9.0, 3.0, False)


def test_contestants_take_turns_and_another_one_begins_each_round() -> None:
    called = []

    def contestant(name: str, seconds: float | None) -> measure.Contestant:
        def run() -> float | None:
            called.append(name)
            return seconds

        return run

    found = measure.interleaved(3, {"ours": contestant("ours", 2.0), "limit": contestant("limit", None)})
    assert called == ["ours", "limit", "limit", "ours", "ours", "limit"]
    assert found["ours"] == [2.0, 2.0, 2.0]
    assert all(0 <= seconds < 1 for seconds in found["limit"])
    assert measure.by_round(found["ours"], [1.0, 2.0, 4.0]) == (2.0, 1.0, 0.5)


@pytest.mark.parametrize(("goal", "code"), [(3, 0), (2, 1)])
def test_a_missed_goal_is_the_exit_code(goal: float, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    result = Result("some", 3, [Ratio("ours / limit", (2.0, 2.5, 9.0), goal)], {"ours": (1.0, 1.5, 2.0)})
    assert measure.report(result, as_json=True) == code
    assert json.loads(capsys.readouterr().out) == {
        "name": "some",
        "rounds": 3,
        "ratios": [
            {
                "label": "ours / limit", "value": 2.5, "worst": 9.0, "goal": goal, "better": "lower",
                "met": code == 0,
            }
        ],
    }  # fmt: skip
    assert measure.report(result, as_json=False) == code
    shown = capsys.readouterr().out
    assert ("MISSED" in shown) is bool(code)
    assert "1.500 s" in shown


def test_memory_is_what_was_held_at_most() -> None:
    with measure.peak_memory() as peak:
        before = peak()
        held = bytearray(64 << 20)
        del held
        assert peak() - before > 48 << 20


def test_what_is_not_true_stops_a_benchmark() -> None:
    measure.must(1 + 1 == 2, "arithmetic")
    with pytest.raises(AssertionError, match="arithmetic"):
        measure.must(1 + 1 == 3, "arithmetic")


def test_size_and_rounds_are_at_least_one() -> None:
    told = measure.arguments("about", size=7, argv=["--rounds", "2", "--json"])
    assert (told.size, told.rounds, told.json) == (7, 2, True)
    with pytest.raises(SystemExit):
        measure.arguments("about", size=7, argv=["--size", "0"])
