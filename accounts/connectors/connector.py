"""What a connector is: how to recognise its files, what of them may be kept, and how to read that."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal

from accounts.connectors.records import Header, Record
from accounts.connectors.text import Readable

Options = Mapping[str, str]  # {field: column} of a source, and its options such as encoding
Sink = Callable[[bytes], None]
CutKind = Literal["secret_name", "unmapped", "secret_value", "ragged_row", "comment"]


@dataclass(frozen=True, slots=True)
class Cut:
    """Something that was not kept: a column or field by name, and how many values stood in it."""

    name: str
    kind: CutKind
    count: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What admission let through: lines written, rows among them if it is a table, and what it cut."""

    lines: int
    cut: tuple[Cut, ...] = ()
    rows: int | None = None
    control_total: int | None = None


@dataclass(frozen=True, slots=True)
class Connector:
    """One format of somebody else's inventory. `version` stands on every row that was read with it."""

    key: str
    version: int
    label: str
    # Kinds of record it can hand over: person account entitlement inclusion grant credential
    reads: frozenset[str]
    sniff: Callable[[bytes, str], float]  # confidence from 0 to 1, of the first bytes and the file's name
    admit: Callable[[Readable, Options, Sink], Kept]
    read: Callable[[BinaryIO, Options], tuple[Header, Iterator[Record]]]
    fields: tuple[str, ...] = ()  # that an Options may map to a column
    options: tuple[str, ...] = ()  # that an Options may set besides
