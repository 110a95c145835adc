"""What a format is: how to tell it, and how to read it. One `FORMAT` per module, listed in `registry.py`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sessions_app.formats.events import Reading
from sessions_app.formats.lines import Limits, Source
from sessions_app.formats.logs import LogReading
from sessions_app.formats.parts import Part

AnyReading = Reading | LogReading


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is one file.

    `recognises` gets the first 64 KiB (unpacked) and the name in lower case, which may only break ties.
    """

    key: str
    label: str
    parser_version: int  # kept on every row derived from a recording
    recognises: Callable[[bytes, str], bool]
    read: Callable[[Source], AnyReading]


@dataclass(frozen=True, slots=True)
class BundleFormat:
    """A format of several files that belong together.

    `recognises` gets the first 64 KiB (unpacked) of each file by its name below their common folder;
    `read` the files by the same names. Files it has no use for are named in a notice `extra_file`.
    """

    key: str
    label: str
    parser_version: int
    recognises: Callable[[Mapping[str, bytes]], bool]
    read: Callable[[Mapping[str, Part], Limits], AnyReading]


AnyFormat = Format | BundleFormat
Files = Sequence[Part]
