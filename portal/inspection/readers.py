"""What a reader is: it says how it would try a file; the first attempt that works tells what is in it.

A new kind of thing that files can hold is a reader more in `registry`, with a report of its own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO, Protocol

from portal.inspection.inputs import Input
from portal.inspection.reports import Report


class Refused(Exception):
    """The file is not what it was tried as; the message says what is wrong, where, and what to do."""


class Claim(IntEnum):
    """Why a format is tried, and so in which order."""

    INVENTORY = 1  # names that no other export has
    RECORDING = 2  # the beginning of the file is that of the format
    LIKELY = 3  # columns or words that others have, too
    TEXT = 4  # nothing but that it is text; only where nobody else claims it


@dataclass(frozen=True, slots=True)
class Attempt:
    """One format a file may have. `read` tells what is in the file at its start, or raises Refused."""

    format: str
    label: str
    claim: Claim
    read: Callable[[], Report]
    unread: Callable[[str], Report]  # the report, of the same kind, of a path of which nothing was read


class Reader(Protocol):
    """One family of formats."""

    @property
    def formats(self) -> Mapping[str, str]:
        """Key and label of every format it reads."""

    def attempts(self, file: BinaryIO, one: Input) -> Iterable[Attempt]:
        """How to try this file, the likeliest first; the file is at its start before and after."""
