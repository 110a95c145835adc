"""Secrets cut out of what an API answered: by name, by what a value looks like, out of addresses.

An API writes lists *about* secrets too ({"secrets": [{"name": …}]}): a connector says which of its names
mean such a list, and inside it only numbers, yes or no and further lists stay unseen by the name.
"""

import re
from collections import Counter
from urllib.parse import urlsplit, urlunsplit

from accounts.connectors.connector import Cut, CutKind
from accounts.connectors.records import Unreadable
from accounts.connectors.secret_names import is_secret_name
from accounts.connectors.secret_values import holds_secret

# Where a listing goes on is no secret, though these end in the word token.
_PLACES = frozenset({"pagetoken", "nextpagetoken", "skiptoken", "nexttoken", "continuationtoken"})
# Levels of a permission that is called after what it opens: {"secrets": "write"}.
_LEVELS = frozenset({"read", "write", "admin", "none", "no_access"})
# Addresses whose path is itself the password.
_HOOKS = re.compile(
    r"(?i)https?://(?:hooks\.slack\.com|hooks\.zapier\.com|discord(?:app)?\.com/api/webhooks"
    r"|[\w.-]*webhook\.office\.com|chat\.googleapis\.com)(?=/|$)"
)
_NAMES, _VALUES = ("key", "Key", "name"), ("value", "Value")


class Cleaner:
    """Cuts and counts. `about`: names that mean a list about secrets in this API."""

    def __init__(self, about: frozenset[str] = frozenset()) -> None:
        self._about = about
        self._counts: Counter[tuple[str, CutKind]] = Counter()
        self.total = 0

    def note(self, name: str, kind: CutKind, count: int = 1) -> None:
        """Something of this name was left away."""
        self._counts[name[:200], kind] += count
        self.total += count

    def report(self) -> tuple[Cut, ...]:
        """What was cut, in the order it was met."""
        return tuple(Cut(name, kind, count) for (name, kind), count in self._counts.items())

    def member(self, name: str, value: object) -> object:
        """The value of a member without secrets; None if it is one."""
        try:
            return self._member(name, value, is_permission=False)
        except RecursionError:
            raise Unreadable("too_deep", "The JSON is nested too deeply to be an inventory.") from None

    def element(self, name: str, value: object) -> object:
        """One element of the list that stands under this name."""
        try:
            return self._clean(name, value, is_permission=False)
        except RecursionError:
            raise Unreadable("too_deep", "The JSON is nested too deeply to be an inventory.") from None

    def is_cut(self, name: str, value: object) -> bool:
        """True if the name says that this value is a secret."""
        if value is None or isinstance(value, bool) or "/" in name or not is_secret_name(name):
            return False
        return not (name in self._about and _is_listing(value))

    def address(self, url: str) -> str:
        """A URL without what opens something: user and password, secret parameters, secret paths."""
        if found := _HOOKS.match(url):
            self.note("address", "secret_value")
            return found.group()
        try:
            parts = urlsplit(url)
        except ValueError:
            return self._plain("address", url)
        query = "&".join(self._parameter(pair) for pair in parts.query.split("&")) if parts.query else ""
        place = parts.netloc.rpartition("@")[2]
        if place != parts.netloc:
            self.note("address", "secret_value")
        return self._plain("address", urlunsplit((parts.scheme, place, parts.path, query, "")))

    def _parameter(self, pair: str) -> str:
        name, sign, value = pair.partition("=")
        if not value or re.sub(r"[^a-z]", "", name.casefold()) in _PLACES:
            return pair
        if is_secret_name(name):
            self.note(name, "secret_name")
            return name + sign
        return name + sign + self._plain(name, value)

    def _plain(self, name: str, value: str) -> str:
        if holds_secret(value):
            self.note(name, "secret_value")
            return ""
        return value

    def _member(self, name: str, value: object, *, is_permission: bool) -> object:
        is_level = is_permission and isinstance(value, str) and value in _LEVELS
        if self.is_cut(name, value) and not is_level:
            self.note(name, "secret_name")
            return None
        return self._clean(name, value, is_permission=is_permission or name == "permissions")

    def _clean(self, name: str, value: object, *, is_permission: bool) -> object:
        if isinstance(value, str):
            is_address = value.startswith(("http://", "https://")) and "{" not in value
            return self.address(value) if is_address else self._plain(name, value)
        if isinstance(value, list):
            return [self._clean(name, part, is_permission=is_permission) for part in value]
        if isinstance(value, dict):
            return self._object(value, is_permission=is_permission)
        return value

    def _object(self, value: dict[str, object], *, is_permission: bool) -> dict[str, object]:
        tag = next((said for key in _NAMES if isinstance(said := value.get(key), str)), "")
        is_variable = "variable_type" in value  # a CI variable of GitLab: whatever it is called
        kept: dict[str, object] = {}
        for key, part in value.items():
            if key in _VALUES and part is not None and (is_variable or is_secret_name(tag)):
                self.note(tag or key, "secret_name")
                continue
            cleaned = self._member(key, part, is_permission=is_permission)
            if cleaned is not None or part is None:
                kept[key] = cleaned
        return kept


def _is_listing(value: object) -> bool:
    """A count, a list of objects, or an object that holds nothing but counts and such lists."""
    if isinstance(value, int):
        return True
    if isinstance(value, list):
        return all(isinstance(part, dict) for part in value)
    return isinstance(value, dict) and all(
        part is None or isinstance(part, int) or (isinstance(part, list) and _is_listing(part))
        for part in value.values()
    )
