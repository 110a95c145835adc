"""The story's own calendar: everything in it lies so many days before the moment at which it is built."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True)
class Calendar:
    """Day 0 is the day on which the demonstration was begun; the past has negative numbers."""

    begun_at: datetime

    def day(self, offset: int) -> date:
        """The date of a day of the story."""
        return self.begun_at.date() + timedelta(days=offset)

    def at(self, offset: int, clock: str) -> datetime:
        """A moment, in UTC. What would still lie ahead on day 0 happens just before the beginning."""
        moment = datetime.combine(self.day(offset), time.fromisoformat(clock), UTC)
        return min(moment, self.begun_at) if offset == 0 else moment

    def date(self, written: str) -> date | None:
        """What the tables write: `2019-04-01`, `-45` or `+20` days, or nothing."""
        if not written:
            return None
        return self.day(int(written)) if written[0] in "+-" else date.fromisoformat(written)

    @property
    def quarter(self) -> str:
        """The last quarter that has ended: `Q3`."""
        return f"Q{self._quarter_ended() + 1}"

    @property
    def quarter_before(self) -> str:
        """The one before it."""
        return f"Q{(self._quarter_ended() - 1) % 4 + 1}"

    def _quarter_ended(self) -> int:
        """Numbered from 0."""
        return ((self.begun_at.month - 1) // 3 - 1) % 4
