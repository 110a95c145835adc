"""Benchmarks: ours beside a bare limit in one run, correctness asserted before anything is timed.

`python -m benchmarks.NAME [--size N] [--rounds N] [--json]`; docs/benchmarks.md has goals and figures.
"""
