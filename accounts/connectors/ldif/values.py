"""Values of directory attributes: Windows file times, generalised times, days, SIDs and unique ids."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from uuid import UUID

_FILE_TIME = datetime(1601, 1, 1, tzinfo=UTC)  # counted in steps of 100 ns
_NEVER = 0x7FFFFFFFFFFFFFFF
_DAY_ONE = datetime(1970, 1, 1, tzinfo=UTC)
_GENERAL = re.compile(
    r"(\d{4})(\d{2})(\d{2})(\d{2})(?:(\d{2})(?:(\d{2}))?)?(?:[.,]\d+)?(Z|[+-]\d{2}(?:\d{2})?)?", re.ASCII
)
_SID = re.compile(r"S-1-\d+(?:-\d+){1,15}", re.IGNORECASE | re.ASCII)
_ID = re.compile(r"[0-9a-fA-F]{32}")


def filetime(said: str) -> datetime | None:
    """A Windows file time; 0 and the largest number mean never. Raises ValueError for what is none."""
    steps = _number(said)
    if steps <= 0 or steps >= _NEVER:
        return None
    try:
        return _FILE_TIME + timedelta(microseconds=steps // 10)
    except OverflowError:
        return None  # behind the year 9999: never


def generalized(said: str, zone: tzinfo = UTC) -> datetime | None:
    """A generalised time (RFC 4517), in `zone` if it names none. Year 0 and 1601 mean never."""
    found = _GENERAL.fullmatch(said.strip())
    if found is None:
        raise ValueError("no time")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if year in (0, 1, 1601, 9999):
        return None
    at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(found[7], zone))
    return at.astimezone(UTC)


def day_number(said: str) -> datetime | None:
    """Days since 1970, as `shadowExpire` counts; nothing below 1 is a day."""
    days = _number(said)
    if days < 1:
        return None
    try:
        return _DAY_ONE + timedelta(days=days)
    except OverflowError:
        return None


def sid(value: str | bytes) -> str | None:
    """A security identifier in words (`S-1-5-32-544`), from text or as Active Directory stores it."""
    if isinstance(value, bytes):
        if len(value) < 8 or value[0] != 1 or len(value) != 8 + 4 * value[1]:
            return sid(value.decode("ascii", "replace")) if value[:4] == b"S-1-" else None
        authority = int.from_bytes(value[2:8], "big")
        parts = [int.from_bytes(value[at : at + 4], "little") for at in range(8, len(value), 4)]
        return "-".join(["S-1", str(authority), *map(str, parts)])
    said = value.strip()
    return said.upper() if _SID.fullmatch(said) else None


def unique_id(name: str, value: str | bytes) -> UUID | None:
    """An entry's id that a rename leaves: `objectGUID` (stored low byte first) and ids written as text."""
    if name == "objectguid" and isinstance(value, bytes) and len(value) == 16:
        return UUID(bytes_le=value)
    said = value if isinstance(value, str) else value.decode("ascii", "replace")
    digits = said.strip().strip("{}").replace("-", "")
    return UUID(hex=digits) if _ID.fullmatch(digits) else None


def _number(said: str) -> int:
    plain = said.strip()
    if not re.fullmatch(r"-?\d{1,20}", plain, re.ASCII):
        raise ValueError("no number")
    return int(plain)


def _zone(written: str | None, zone: tzinfo) -> tzinfo:
    if written is None:
        return zone
    if written == "Z":
        return UTC
    minutes = int(written[1:3]) * 60 + int(written[3:5] or 0)
    return timezone(timedelta(minutes=-minutes if written[0] == "-" else minutes))
