"""What every benchmark does: rounds in which ours and the limit take turns, ratios, a table or JSON."""

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Contestant = Callable[[], float | None]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure of a benchmark, by round; machines differ, so goals are ratios within one run.

    The median counts, the worst round is shown beside it.
    """

    label: str
    values: tuple[float, ...]
    goal: float
    better: Literal["lower", "higher"] = "lower"

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.values)

    @property
    def worst(self) -> float:
        """The round that was furthest from the goal."""
        return max(self.values) if self.better == "lower" else min(self.values)

    @property
    def met(self) -> bool:
        """Whether the median reaches the goal."""
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal


@dataclass(slots=True)
class Result:
    """What one benchmark found; `seconds` are shown in the table and never judged."""

    name: str
    rounds: int
    ratios: list[Ratio] = field(default_factory=list)
    seconds: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Every goal is reached."""
        return all(ratio.met for ratio in self.ratios)


def must(is_so: bool, what: str) -> None:
    """Stop a benchmark whose result is wrong, also where Python leaves out `assert`."""
    if not is_so:
        raise AssertionError(f"not true: {what}")


def arguments(
    about: str, *, size: int, rounds: int = 5, argv: Sequence[str] | None = None
) -> argparse.Namespace:
    """`--size`, `--rounds` and `--json` of a benchmark, with its own defaults."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--size", type=_at_least_one, default=size, help=f"rows (default {size})")
    parser.add_argument("--rounds", type=_at_least_one, default=rounds, help=f"rounds (default {rounds})")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    return parser.parse_args(argv)


def interleaved(rounds: int, contestants: Mapping[str, Contestant]) -> dict[str, list[float]]:
    """Seconds of each contestant by round; they take turns, and another one begins each round.

    A contestant that returns seconds has measured itself, so that its preparation does not count.
    """
    found: dict[str, list[float]] = {name: [] for name in contestants}
    order = list(contestants)
    for number in range(rounds):
        turn = number % len(order)
        for name in order[turn:] + order[:turn]:
            began = time.perf_counter()
            own = contestants[name]()
            found[name].append(time.perf_counter() - began if own is None else own)
    return found


def by_round(ours: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    """Ours as a multiple of the other, round by round."""
    return tuple(mine / its for mine, its in zip(ours, other, strict=True))


def median_of(call: Callable[[], object], *, times: int, warm: int = 3) -> float:
    """The median seconds of a call, after a few that are not counted."""
    for _ in range(warm):
        call()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


@contextmanager
def peak_memory() -> Iterator[Callable[[], int]]:
    """How many bytes of memory this process held at most meanwhile; what it held before counts, too."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the high-water mark starts anew
    yield _high_water


def report(result: Result, *, as_json: bool) -> int:
    """Print what was found; the exit code is 1 where a goal is missed."""
    text = json.dumps(as_object(result)) if as_json else as_table(result)
    sys.stdout.write(text + "\n")
    return 0 if result.met else 1


def as_object(result: Result) -> dict[str, object]:
    """For machines."""
    return {
        "name": result.name,
        "rounds": result.rounds,
        "ratios": [
            {
                "label": ratio.label,
                "value": round(ratio.value, 3),
                "worst": round(ratio.worst, 3),
                "goal": ratio.goal,
                "better": ratio.better,
                "met": ratio.met,
            }
            for ratio in result.ratios
        ],
    }


def as_table(result: Result) -> str:
    """For people."""
    lines = [f"{result.name}, {result.rounds} rounds"]
    width = max((len(name) for name in [*result.seconds, *(one.label for one in result.ratios)]), default=0)
    for name, taken in result.seconds.items():
        lines.append(
            f"  {name:<{width}}  {statistics.median(taken):9.3f} s  "
            f"({', '.join(f'{one:.3f}' for one in taken)})"
        )
    for ratio in result.ratios:
        sign = "≤" if ratio.better == "lower" else "≥"
        lines.append(
            f"  {ratio.label:<{width}}  {ratio.value:9.2f}    worst {ratio.worst:.2f}, goal {sign} "
            f"{ratio.goal:g}: {'met' if ratio.met else 'MISSED'}"
        )
    return "\n".join(lines)


def _at_least_one(said: str) -> int:
    number = int(said)
    if number < 1:
        raise argparse.ArgumentTypeError("say at least 1")
    return number


def _high_water() -> int:
    with suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in status if line.startswith("VmHWM:")).split()[1]) * 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024
