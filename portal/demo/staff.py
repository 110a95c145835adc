"""Who works at Nordhaven Bank, and what people are called on its systems."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from portal.demo import tables
from portal.demo.tables import Row

DOMAIN = "nordhaven.example"
_FOLDED = str.maketrans({"ö": "oe", "ä": "ae", "å": "a", "é": "e", "ø": "oe"})
# The second of two who would have the same login on CORE; the directory gave him that of the first again.
_OTHER_LOGINS = {"Jon Smith": "josmith"}


@dataclass(frozen=True)
class Person:
    """One employment or contract, as HR has it on a day."""

    row: Row

    @property
    def name(self) -> str:
        """As HR writes it."""
        return self.row["name"]

    @property
    def number(self) -> str:
        """HR's number of this employment."""
        return self.row["number"]

    @property
    def email(self) -> str:
        """At work."""
        return self.row["email"] or email_of(self.name)

    @property
    def login(self) -> str:
        """On CORE and JUMP."""
        return _OTHER_LOGINS.get(self.name, login_of(self.name))

    @property
    def is_running(self) -> bool:
        """Not ended as far as HR has heard."""
        return self.row["status"] != "terminated"


def on(day: int) -> list[Person]:
    """Everybody of HR's file on that day, in its order."""
    return [Person(row) for row in tables.rows_on("people", day)]


def running_on(day: int) -> dict[str, Person]:
    """Who works here on that day, by login."""
    return {person.login: person for person in on(day) if person.is_running}


def with_an_account(day: int) -> Iterator[Person]:
    """Who is in the directory: an account goes two days after its holder; Nils still has his."""
    seen = set()
    for person in on(day):
        is_still_there = person.name == "Nils Aaberg" or (person.name == "John Smith" and day < -148)
        if (person.is_running or is_still_there) and person.name not in seen:
            seen.add(person.name)
            yield person


@cache
def first_days() -> dict[str, str]:
    """The earliest start of each login, as the table writes it."""
    found: dict[str, str] = {}
    for row in tables.rows("people"):
        login, start = Person(row).login, row["starts"]
        known = found.setdefault(login, start)
        if start[0] not in "+-" and (known[0] in "+-" or start < known):
            found[login] = start
    return found


def login_of(name: str) -> str:
    """`tbrandt`."""
    given, _, family = name.lower().translate(_FOLDED).partition(" ")
    return f"{given[0]}{family}"


def email_of(name: str) -> str:
    """`tomas.brandt@…`."""
    return f"{'.'.join(name.lower().translate(_FOLDED).split())}@{DOMAIN}"
