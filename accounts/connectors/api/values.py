"""Members of JSON objects as values: texts, yes and no, moments; what is of another kind is unknown."""

from collections.abc import Mapping
from datetime import UTC, datetime

EXCERPT = 200
_NO_YEARS = frozenset({1, 1601, 9999})  # "no such moment", as APIs write it


def text_of(value: object) -> str | None:
    """A text without surrounding space, or a number as text; None for nothing and for anything else."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    return None


def flag(value: object) -> bool | None:
    """Yes or no; None for anything else."""
    return value if isinstance(value, bool) else None


def objects(value: object) -> list[Mapping[str, object]]:
    """The objects of a list; nothing for anything else."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """The texts of a list; nothing for anything else."""
    return [said for part in value if (said := text_of(part))] if isinstance(value, list) else []


def inner(value: object) -> Mapping[str, object]:
    """An object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def moment(value: object) -> datetime | None:
    """A moment of ISO 8601 with its offset, in UTC; the years that stand for never are none."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None or at.year in _NO_YEARS:
            return None
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def excerpt(value: Mapping[str, object]) -> str:
    """What of an item is shown beside the reason why it could not be read: its texts, cut short."""
    shown = (f"{key}={part}" for key, part in value.items() if isinstance(part, str | int) and len(key) < 40)
    return ", ".join(shown)[:EXCERPT]


def since_epoch(value: object, unit: int) -> datetime | None:
    """A count since 1970 in parts of a second (some clients write whole seconds instead); 0 is never."""
    said = text_of(value)
    if said is None or not said.isascii() or not said.isdigit() or len(said) > 20:
        return moment(value)
    is_in_seconds = int(said) < 10**10
    try:
        return datetime.fromtimestamp(int(said) / (1 if is_in_seconds else unit), UTC) if int(said) else None
    except (OverflowError, ValueError, OSError):
        return None
