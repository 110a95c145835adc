"""What logs of calls share: moments as text, calls that come twice, and sessions that only silence ends."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from sessions_app.formats import fields
from sessions_app.formats.events import Tally
from sessions_app.formats.logs import LogSession

IDLE = timedelta(minutes=60)
OWNERS_KEPT = 100_000
STRETCHES_KEPT = 8  # of one owner that another call may still join
REMEMBERED = 50_000  # calls among which one that comes again is noticed
LONGEST = 500


def moment(value: Any, line: int, tally: Tally) -> datetime | None:
    """A moment of ISO 8601 with its zone, between 1990 and 2100; None for anything else, with a notice."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 50 else None
        if found is not None and found.tzinfo is not None:
            found = found.astimezone(UTC)
            if fields.EARLIEST <= found < fields.LATEST:
                return found
    except (ValueError, OverflowError):
        pass
    tally.warn(line, "bad_timestamp", "The time is no moment with its zone between 1990 and 2100: unknown.")
    return None


def word(value: Any, limit: int = LONGEST) -> str | None:
    """Text, a number or a truth value as safe text; None for anything else and for nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) < 10**18:
        return str(value)
    return fields.clean(value, limit) or None if isinstance(value, str) else None


def words(value: Any, most: int = 50) -> str | None:
    """A list of texts, joined; None where there is none."""
    if not isinstance(value, list):
        return word(value)
    found = [text for one in value[:most] if (text := word(one))]
    if len(value) > most:
        found.append("…")
    return ", ".join(found)[:4000] or None


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def known(pairs: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """The facts that are known."""
    return {name: value for name, value in pairs if value is not None}


class Repeats:
    """Tells a call that was seen already, among the last 50 000 at least."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._new: set[bytes] = set()
        self._old: set[bytes] = set()

    def is_new(self, name: str) -> bool:
        """Whether this name was not seen; from now on it is."""
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        if digest in self._new or digest in self._old:
            return False
        self._new.add(digest)
        if len(self._new) >= self._size:
            self._old, self._new = self._new, set()
        return True


@dataclass(slots=True)
class _Stretch:
    session: LogSession
    start: datetime | None
    end: datetime | None


class Stretches:
    """Sessions of those who sign no one in and out: calls of one owner with less than 60 minutes between.

    Calls need not be sorted: each joins the stretch it lies in or near to.
    """

    def __init__(self) -> None:
        self._owners: OrderedDict[str, list[_Stretch]] = OrderedDict()

    def of(
        self, owner: str, at: datetime | None, make: Callable[[str], LogSession], *, opens: bool = False
    ) -> LogSession:
        """The session of a call; `make` gets the key of a new one; a call that `opens` always begins one."""
        stretches = self._owners.setdefault(owner, [])
        self._owners.move_to_end(owner)
        found = None if opens else self._near(stretches, at)
        if found is None:
            start = at.isoformat(timespec="milliseconds").removesuffix("+00:00") if at else "?"
            found = _Stretch(make(f"{owner}/{start}"), at, at)
            stretches.append(found)
            del stretches[:-STRETCHES_KEPT]
        if at is not None:
            found.start = min(found.start or at, at)
            found.end = max(found.end or at, at)
        if len(self._owners) > OWNERS_KEPT:
            self._owners.popitem(last=False)
        return found.session

    @staticmethod
    def _near(stretches: list[_Stretch], at: datetime | None) -> _Stretch | None:
        for one in reversed(stretches):
            if at is None or one.start is None or one.end is None:
                return one
            if one.start - IDLE <= at <= one.end + IDLE:
                return one
        return None
