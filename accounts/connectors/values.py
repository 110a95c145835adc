"""Cells to values: dates, moments, yes and no, words. An empty cell is None; an unclear one is refused."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from accounts.connectors.records import Unreadable

KEY_LIMIT = 500  # characters of a name, number or key: what an index of the database can hold
WORDS_LIMIT = 4000  # characters of a description


def words(said: str) -> frozenset[str]:
    """`"yes | ja | oui"` as a set."""
    return frozenset(word.strip() for word in said.split("|"))


def meanings(said: Mapping[str, str]) -> dict[str, str]:
    """`{"active": "active | employed"}` turned round: what each word stands for."""
    return {word: meaning for meaning, spoken in said.items() for word in words(spoken)}


NOTHING = words(
    "| - | -- | n/a | na | null | none | nil | never | nie | jamais | unknown | unbekannt | (none) | "
    "not_supported | no_information"
)
YES = words(
    "yes | y | true | t | 1 | x | ja | j | wahr | oui | vrai | si | sim | on | enabled | active | aktiv | "
    "actif | activo | granted"
)
NO = words(
    "no | n | false | f | 0 | nein | falsch | non | faux | nao | off | disabled | inactive | inaktiv | "
    "inactif | inactivo | deaktiviert | gesperrt | locked | blocked"
)

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{4})(\d{2})(\d{2})")
_DOTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHES = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_MOMENT = re.compile(
    r"(?P<day>[\d./-]+)(?:[T\s]\s*(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)\s*"
    r"(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?",
    re.IGNORECASE,
)
# Systems write these for "no such moment": zero dates, open ends, the start of Windows file time.
_NO_YEARS = frozenset({0, 1, 1601, 9999})


class Unclear(Exception):
    """A cell that cannot be read; `code` and `reason` go into the rejected row."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def text(cell: str, longest: int = KEY_LIMIT) -> str | None:
    """The cell without surrounding space; None if nothing is left."""
    said = cell.strip()
    if len(said) > longest:
        raise Unclear(
            "too_long",
            f"“{_short(said)}” is longer than {longest} characters. Check that a quote was not left open.",
        )
    return said or None


@lru_cache(maxsize=16_384)  # the same few thousand days stand in a million rows
def day(cell: str, name: str, order: str | None) -> date | None:
    """A calendar day. 03/04/2026 is refused unless `order` says dmy or mdy; year 9999 is no end."""
    found = _MOMENT.fullmatch(cell.strip())
    if cell.strip().casefold() in NOTHING:
        return None
    if found is None:
        raise _no_date(cell, name)
    return _day(found["day"], cell, name, order)


@lru_cache(maxsize=16_384)
def moment(cell: str, name: str, order: str | None, zone: tzinfo) -> datetime | None:
    """A moment, aware. Without an offset in the cell it is read in `zone`; a day alone is its midnight."""
    if cell.strip().casefold() in NOTHING:
        return None
    found = _MOMENT.fullmatch(cell.strip())
    if found is None:
        raise _no_date(cell, name)
    on = _day(found["day"], cell, name, order)
    if on is None:
        return None
    try:
        clock = found["clock"] or "00:00"
        hours, _, fraction = clock.partition(".")
        at = datetime.fromisoformat(f"{on.isoformat()}T{hours.zfill(len(hours) + (hours[1:2] == ':'))}")
        at = at.replace(microsecond=int(f"{fraction:0<6}"[:6]))
        return at.replace(tzinfo=_offset(found["zone"], zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _no_date(cell, name) from None


def yes_or_no(cell: str, name: str) -> bool | None:
    """True or False for the usual words in several languages, None for an empty cell."""
    word = cell.strip().casefold()
    if word in NOTHING:
        return None
    if word in YES or word in NO:
        return word in YES
    raise Unclear(
        "unknown_word", f"“{_short(cell)}” in {name} is neither yes nor no. Use yes, no or leave it empty."
    )


def word(cell: str, name: str, words: Mapping[str, str], mapping: Mapping[str, str]) -> str | None:
    """The value that stands for this word; the option `name:word` teaches a source's own words."""
    if cell.strip().casefold() in NOTHING:
        return None
    said = " ".join(cell.casefold().replace("_", " ").replace("-", " ").split())
    taught = mapping.get(f"{name}:{said}")
    value = taught if taught in words.values() else words.get(said)
    if value is None:
        allowed = ", ".join(dict.fromkeys(words.values()))
        raise Unclear(
            "unknown_word",
            f"“{_short(cell)}” in {name} is not known. Use one of: {allowed}; or teach the source its word "
            f"with the option “{name}:{_short(said)}”.",
        )
    return value


def zone_of(mapping: Mapping[str, str]) -> tzinfo:
    """The time zone of moments without an offset: the option “zone”, else UTC."""
    name = mapping.get("zone")
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Unreadable(
            "unknown_zone", f"The time zone “{name[:40]}” is not known; write it like Europe/Berlin."
        ) from None


def order_of(mapping: Mapping[str, str]) -> str | None:
    """How days written with slashes are ordered: the option “dates”, else unknown."""
    order = mapping.get("dates")
    if order not in (None, "dmy", "mdy"):
        raise Unreadable("unknown_option", "The option “dates” is dmy (day first) or mdy (month first).")
    return order


def _day(digits: str, cell: str, name: str, order: str | None) -> date | None:
    if found := _ISO.fullmatch(digits):
        year, month, on = (int(part) for part in found.groups() if part is not None)
    elif found := _DOTS.fullmatch(digits):
        on, month, year = map(int, found.groups())
    elif found := _SLASHES.fullmatch(digits):
        first, second, year = map(int, found.groups())
        on, month = _ordered(first, second, cell, name, order)
    else:
        raise _no_date(cell, name)
    if year in _NO_YEARS:
        return None
    try:
        return date(year, month, on)
    except ValueError:
        raise _no_date(cell, name) from None


def _ordered(first: int, second: int, cell: str, name: str, order: str | None) -> tuple[int, int]:
    """Day and month of 03/04: clear if one is above 12, both are equal, or the order was said."""
    if first > 12 or first == second:
        return first, second
    if second > 12:
        return second, first
    if order is None:
        raise Unclear(
            "ambiguous_date",
            f"“{_short(cell)}” in {name} can be day or month first. Write it as 2026-12-31, or set the "
            "option “dates” to dmy or mdy.",
        )
    return (first, second) if order == "dmy" else (second, first)


def _offset(written: str | None, zone: tzinfo) -> tzinfo:
    if not written:
        return zone
    if written.upper() in ("Z", "UTC", "GMT"):
        return UTC
    given = datetime.strptime(written.replace(":", "").ljust(5, "0"), "%z").tzinfo
    return given or zone


def _no_date(cell: str, name: str) -> Unclear:
    return Unclear(
        "no_date", f"“{_short(cell)}” in {name} is no date. Write it as 2026-12-31 or 2026-12-31T23:59:00Z."
    )


def _short(cell: str) -> str:
    said = cell.strip()
    return said if len(said) <= 40 else said[:39] + "…"
