"""The tables of `data/`: rows of text, each there for all of the story or from one day to another."""

import csv
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

Row = dict[str, str]
DATA = files("portal.demo").joinpath("data")


@cache
def rows(name: str) -> tuple[Row, ...]:
    """The rows of `data/NAME.csv`, in order."""
    return tuple(csv.DictReader(DATA.joinpath(f"{name}.csv").read_text("utf-8").splitlines()))


def rows_on(name: str, day: int) -> Iterator[Row]:
    """The rows that are there on this day: `from` is the first one, `to` the first one without."""
    for row in rows(name):
        begins, ends = row.get("from"), row.get("to")
        if (not begins or int(begins) <= day) and (not ends or day < int(ends)):
            yield row


@cache
def document(name: str) -> Any:
    """The content of `data/NAME.json`."""
    return json.loads(DATA.joinpath(f"{name}.json").read_text("utf-8"))


def used(row: Row, day: int, key: str = "used") -> str:
    """The last use as somebody who looks on this day sees it: not one that is still to come."""
    return str(min(int(row[key]), day - 1)) if row[key] else ""
