"""LDIF (RFC 2849) as unfolded lines and attributes, one at a time: memory stays flat."""

import binascii
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from accounts.connectors.records import Unreadable

VALUE_LIMIT = 16 * 2**20  # characters of one unfolded value
# What `ldapsearch` prints around the entries: the end of its answer, and places where the search went on.
TRAILERS = frozenset({"search", "result", "ref", "matcheddn", "text", "control"})
_NAME = re.compile(r"([A-Za-z][\w-]*|\d+(?:\.\d+)*)((?:;[\w.=*-]+)*)")


class Unfolded(NamedTuple):
    """One logical line: where it starts, what it says, and the lines of the file that it is made of."""

    line: int
    text: str
    raw: list[str]


class Attribute(NamedTuple):
    """One value of an attribute. Bytes were base64; `is_url` names a file or address that is never opened."""

    name: str  # without options, in lower case
    options: tuple[str, ...]
    value: str | bytes
    line: int
    spelling: str  # the name as the file writes it
    is_url: bool = False


def unfolded(lines: Iterable[str]) -> Iterator[Unfolded]:
    """Put folded lines together again, comments too; a blank line is one of its own."""
    start, parts, raw, size = 1, [""], [""], 0
    for number, line in enumerate(lines, 1):
        said = line.rstrip("\r\n")
        if said[:1] == " " and parts[0].strip():
            parts.append(said[1:])
            raw.append(line)
            size += len(said)
            if size > VALUE_LIMIT:
                raise Unreadable(
                    "value_too_long",
                    f"The value that starts in line {start} is longer than {VALUE_LIMIT // 2**20} MiB. "
                    "Export "
                    "without the attribute it belongs to; a photo or document is not needed here.",
                    start,
                )
            continue
        if number > 1:
            yield Unfolded(start, "".join(parts), raw)
        start, parts, raw, size = number, [said], [line], len(said)
    if raw != [""]:
        yield Unfolded(start, "".join(parts), raw)


def attribute(folded: Unfolded) -> Attribute | None:
    """The line as an attribute, None if it is none; raises `binascii.Error` for what is no base64."""
    spelling, colon, rest = folded.text.partition(":")
    known = _named(spelling) if colon else None
    if known is None:
        return None
    name, options = known
    if rest[:1] == ":":
        return Attribute(name, options, decoded(rest[1:]), folded.line, spelling)
    if rest[:1] == "<":
        return Attribute(name, options, rest[1:].strip(), folded.line, spelling, is_url=True)
    return Attribute(name, options, rest.lstrip(" "), folded.line, spelling)


def decoded(value: str) -> bytes:
    """The bytes of a base64 value."""
    try:
        return binascii.a2b_base64(value.strip().encode("ascii"), strict_mode=True)
    except UnicodeEncodeError:
        raise binascii.Error("no base64") from None


def name_of(folded: Unfolded) -> tuple[str, str] | None:
    """The attribute's name in lower case and as written, even if its value is broken."""
    spelling, colon, _ = folded.text.partition(":")
    known = _named(spelling) if colon else None
    return None if known is None else (known[0], spelling)


def is_noise(said: str) -> bool:
    """What the client tools print above the entries when asked to sign in."""
    return said.startswith(("SASL", "Enter LDAP Password"))


def text_of(value: str | bytes) -> str | None:
    """A value as text; None if it is none. NUL is in no text: no database holds it."""
    if isinstance(value, str):
        return value
    try:
        return value.decode() if b"\0" not in value else None
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=4096)
def _named(spelling: str) -> tuple[str, tuple[str, ...]] | None:
    found = _NAME.fullmatch(spelling)
    if found is None:
        return None
    options = tuple(option.lower() for option in found[2].split(";") if option)
    return found[1].lower(), options
