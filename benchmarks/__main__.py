"""Every benchmark at a size that takes minutes: whether it runs and is right, and roughly where it stands.

    python -m benchmarks

So few rows are no measure of a goal, so a missed one is shown and is no failure here.
"""

import subprocess
import sys
from typing import Final

SMALL: Final = {"import_inventory": 10_000, "inventory_pages": 20_000, "rules": 20_000}
FINE: Final = {0, 1}  # 1: a goal is missed


def main() -> int:
    """One after the other, each in a process of its own; 1 where one does not come to its end."""
    broken = []
    for name, size in SMALL.items():
        command = [sys.executable, "-m", f"benchmarks.{name}", "--size", str(size), "--rounds", "1"]
        if subprocess.run(command, check=False).returncode not in FINE:
            broken.append(name)
    if broken:
        sys.stderr.write(f"did not come to its end: {', '.join(broken)}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
