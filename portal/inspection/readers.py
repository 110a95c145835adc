"""What a reader is: it says how it would try a file, and fills the report of the first attempt that works.

A new kind of thing that files can hold is a reader more in `registry`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from portal.inspection.reports import Report


class Refused(Exception):
    """The file is not what it was tried as; the message says what is wrong, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One format a file may have. `read` fills the report from the file at its start, or raises Refused."""

    format: str
    label: str
    read: Callable[[BinaryIO, Report], None]


class Reader(Protocol):
    """One family of formats."""

    @property
    def formats(self) -> Mapping[str, str]:
        """Key and label of every format it reads."""

    def attempts(self, file: BinaryIO, name: str) -> Iterable[Attempt]:
        """How to try this file, the likeliest first; the file is at its start before and after."""
