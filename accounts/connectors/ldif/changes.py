"""Telling a list of entries from a list of changes: only the first says what is.

`ldifde` writes an export of Active Directory as if it were to be added (`changetype: add`). Such an entry
holds what only a server writes, and is read; every other change is refused by its line.
"""

from accounts.connectors.ldif.lines import Attribute, text_of
from accounts.connectors.records import Rejected, Unreadable

# Written by a domain controller, never by whoever adds an entry.
_BY_SERVER = frozenset({"objectguid", "usncreated", "instancetype", "whencreated", "distinguishedname"})


class Changes:
    """Watches one entry after the other."""

    def __init__(self) -> None:
        self._entries = 0
        self._line: int | None = None
        self._what = ""
        self._is_exported = False
        self.is_open = False
        self.exported = 0  # entries that ldifde wrote as if to be added

    @property
    def is_inside(self) -> bool:
        """Between the lines of a change."""
        return self._line is not None

    def begin(self) -> None:
        """A line `dn:` was met."""
        self._entries += 1
        self._line, self._is_exported, self.is_open = None, False, True

    def see(self, said: Attribute) -> None:
        """An attribute of the entry."""
        if said.name == "changetype":
            self._line, self._what = said.line, (text_of(said.value) or "").strip().lower()
            if self._what != "add":
                self._refuse_file()
        self._is_exported = self._is_exported or said.name in _BY_SERVER

    def end(self) -> Rejected | None:
        """The entry is over: what is wrong if it was a change. The first entry speaks for the file."""
        if not self.is_open:
            return None
        self.is_open = False
        line, self._line = self._line, None
        if line is None:
            return None
        if self._what == "add" and self._is_exported:
            self.exported += 1
            return None
        if self._entries == 1:
            raise _refusal(line, self._what)
        return Rejected(line, "change_record", _words(line, self._what), f"changetype: {self._what}"[:200])

    def _refuse_file(self) -> None:
        if self._entries == 1 and self._line is not None:
            raise _refusal(self._line, self._what)


def _refusal(line: int, what: str) -> Unreadable:
    return Unreadable("change_record", f"The file lists changes: {_words(line, what)}", line)


def _words(line: int, what: str) -> str:
    return (
        f"line {line} is a change (changetype: {what[:20]}), which says what to do and not what is. Export "
        "the "
        "entries themselves, with ldapsearch, slapcat or ldifde."
    )
