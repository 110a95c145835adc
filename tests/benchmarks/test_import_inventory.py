"""The benchmark of imports runs, and measures an import that is right."""

import json
import subprocess
import sys

from portal.testing import CHECKOUT


def test_a_small_one_is_correct_and_reports_every_figure() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.import_inventory", "--size", "300", "--rounds", "1", "--json"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    # Few rows are no measure of speed: what counts here is that it comes to its end.
    assert done.returncode in {0, 1}, done.stderr
    found = json.loads(done.stdout)
    assert (found["name"], found["rounds"], len(found["ratios"])) == ("import_inventory", 1, 4)
    assert all(ratio["value"] > 0 for ratio in found["ratios"])
