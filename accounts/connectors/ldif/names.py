"""Distinguished names (RFC 4514): compared without regard to case, spaces and ways of escaping."""

import re
import unicodedata
from functools import lru_cache

_PLAIN = re.compile(r'[^\\"+#;<>\0]*')
_TYPE = re.compile(r"[A-Za-z][\w-]*|(?:OID\.|oid\.)?\d+(?:\.\d+)*")
_HEX = re.compile(r"[0-9A-Fa-f]{2}")
_SPECIAL = re.compile(r'[,+"\\<>;=]')

Pair = tuple[str, str]  # type and value
Rdn = tuple[Pair, ...]


class NoName(Exception):
    """Not a distinguished name."""


@lru_cache(maxsize=8192)  # the same few thousand groups and containers stand in a million entries
def canonical(dn: str) -> str | None:
    """The one spelling of a name that all its spellings share; None if it is no distinguished name."""
    try:
        parts = parsed(dn)
    except NoName:
        return None
    return ",".join(
        "+".join(sorted(f"{kind.lower()}={_escaped(_folded(value))}" for kind, value in part))
        for part in parts
    )


def parsed(dn: str) -> list[Rdn]:
    """The parts of a name from the entry up to the root; an empty name has none."""
    if not dn.strip():
        return []
    if _PLAIN.fullmatch(dn):
        return [(_pair(part),) for part in dn.split(",")]
    return _scanned(dn)


def first_value(dn: str) -> str:
    """How a person calls the entry: the value of its first part, or the name itself if it is none."""
    try:
        parts = parsed(dn)
    except NoName:
        return dn
    return parts[0][0][1] if parts else dn


def suffix(dn: str, other: str | None) -> str:
    """The end that two canonical names share."""
    if other is None:
        return dn
    shared: list[str] = []
    for one, two in zip(reversed(_split(dn)), reversed(_split(other)), strict=False):
        if one != two:
            break
        shared.append(one)
    return ",".join(reversed(shared))


def domain(dn: str) -> str:
    """The `dc=` end of a canonical name, or all of it if it has none."""
    parts = _split(dn)
    ends = [part for part in parts if part.startswith("dc=")]
    return ",".join(ends) if ends and parts[-len(ends) :] == ends else dn


def _split(dn: str) -> list[str]:
    return re.split(r"(?<!\\),", dn) if dn else []


def _pair(part: str) -> Pair:
    kind, sign, value = part.partition("=")
    kind = kind.strip()
    if not sign or not _TYPE.fullmatch(kind):
        raise NoName
    return kind.removeprefix("OID.").removeprefix("oid."), value.strip()


def _scanned(dn: str) -> list[Rdn]:
    """The way for names with escapes, quotes or several pairs in one part."""
    parts: list[Rdn] = []
    pairs: list[Pair] = []
    at = 0
    while True:
        sign = dn.find("=", at)
        kind = dn[at:sign].strip()
        if sign < 0 or not _TYPE.fullmatch(kind):
            raise NoName
        value, at = _value(dn, sign + 1)
        pairs.append((kind.removeprefix("OID.").removeprefix("oid."), value))
        if at >= len(dn) or dn[at] in ",;":
            parts.append(tuple(pairs))
            pairs = []
        if at >= len(dn):
            return parts
        at += 1


def _value(dn: str, at: int) -> tuple[str, int]:
    """A value without its escapes and the place of the separator behind it."""
    while dn[at : at + 1] == " ":
        at += 1
    if dn[at : at + 1] == '"':
        return _quoted(dn, at + 1)
    made, kept = bytearray(), 0  # spaces at the end are none of the value unless they were escaped
    while at < len(dn) and dn[at] not in ",;+":
        if dn[at] == "\\":
            piece, at = _escape(dn, at)
            made += piece
            kept = len(made)
        else:
            made += dn[at].encode("utf-8", "surrogatepass")
            kept = kept if dn[at] == " " else len(made)
            at += 1
    return _text(bytes(made[:kept])), at


def _quoted(dn: str, at: int) -> tuple[str, int]:
    made = bytearray()
    while at < len(dn) and dn[at] != '"':
        if dn[at] == "\\":
            piece, at = _escape(dn, at)
            made += piece
        else:
            made += dn[at].encode("utf-8", "surrogatepass")
            at += 1
    end = at + 1
    while dn[end : end + 1] == " ":
        end += 1
    if at >= len(dn) or (end < len(dn) and dn[end] not in ",;+"):
        raise NoName
    return _text(bytes(made)), end


def _escape(dn: str, at: int) -> tuple[bytes, int]:
    pair = dn[at + 1 : at + 3]
    if _HEX.fullmatch(pair):
        return bytes.fromhex(pair), at + 3
    if not pair:
        raise NoName
    return pair[0].encode("utf-8", "surrogatepass"), at + 2


def _text(made: bytes) -> str:
    try:
        said = made.decode()
    except UnicodeDecodeError:
        raise NoName from None
    if "\0" in said:
        raise NoName
    return said


def _folded(value: str) -> str:
    # Spaces at the ends and several in a row say nothing, by the rule these attributes are compared by.
    plain = " ".join(part for part in value.split(" ") if part)
    return plain.lower() if plain.isascii() else unicodedata.normalize("NFKC", plain.casefold())


def _escaped(value: str) -> str:
    made = _SPECIAL.sub(lambda sign: "\\" + sign[0], value)
    return "\\" + made if made.startswith("#") else made
