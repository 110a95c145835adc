"""What a file says about GitHub, gathered before it is told: lists come in any order and overlap."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accounts.connectors.api.values import excerpt, text_of
from accounts.connectors.github.routes import Listing
from accounts.connectors.records import Rejected

Item = Mapping[str, object]


@dataclass(slots=True)
class Team:
    """A team by its number, or by organisation and slug if that is all the file says."""

    key: str
    name: str
    line: int
    slug: str = ""
    org: str = ""
    parent: str | None = None
    words: str | None = None


@dataclass(slots=True)
class Placed:
    """An item with its line and what it belongs to: an organisation, a repository, a number."""

    line: int
    value: Item
    where: str = ""
    detail: str = ""


@dataclass(slots=True)
class Facts:
    """Everything that could be read. Users are by number, or by login where there is no number."""

    users: dict[str, Placed] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)  # login in small letters -> key of users
    orgs: dict[str, str] = field(default_factory=dict)  # login in small letters -> as written
    organizations: dict[str, Placed] = field(default_factory=dict)
    roles: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)  # (org, user) -> role, line
    outside: dict[tuple[str, str], int] = field(default_factory=dict)
    without_2fa: dict[str, int] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    slugs: dict[tuple[str, str], str] = field(default_factory=dict)  # organisation and slug -> key of teams
    members: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)  # (team, user) -> role
    repos: dict[str, str] = field(default_factory=dict)  # full name in small letters -> number
    repo_names: dict[str, str] = field(default_factory=dict)
    team_repos: dict[tuple[str, str, str], int] = field(default_factory=dict)  # team, repo, level -> line
    collaborators: dict[tuple[str, str, str], int] = field(default_factory=dict)  # repo, user, level
    has_effective: bool = False  # collaborators were listed with what they hold through teams
    installations: list[Placed] = field(default_factory=list)
    apps: dict[str, Item] = field(default_factory=dict)
    keys: list[Placed] = field(default_factory=list)
    user_keys: list[Placed] = field(default_factory=list)
    tokens: list[Placed] = field(default_factory=list)
    authorizations: list[Placed] = field(default_factory=list)
    secrets: list[Placed] = field(default_factory=list)
    hooks: list[Placed] = field(default_factory=list)
    org_roles: dict[str, Placed] = field(default_factory=dict)
    org_role_users: dict[tuple[str, str], int] = field(default_factory=dict)
    org_role_teams: dict[tuple[str, str], int] = field(default_factory=dict)
    sub_claims: list[tuple[str, str]] = field(default_factory=list)
    listed: dict[str, list[Listing]] = field(default_factory=dict)  # by kind
    unknown: set[str] = field(default_factory=set)  # addresses that nothing is read of
    pending: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def user(self, item: Item, line: int) -> str | None:
        """Note a person or bot and return its key; None if the item names nobody."""
        login, number = text_of(item.get("login")), text_of(item.get("id"))
        if login is None:
            return None
        before = self.logins.get(login.casefold())
        key = number or before or login
        known = self.users.get(key)
        if known is None and before is not None and before.casefold() == login.casefold():
            known = self.users.pop(before, None)  # was known by its login alone
        # A profile says more than a line in a list; what is known stays.
        value = {**(known.value if known else {}), **{k: v for k, v in item.items() if v is not None}}
        self.users[key] = Placed(known.line if known else line, value)
        self.logins[login.casefold()] = key
        return key

    def current(self, key: str) -> str:
        """The key of a user who was first met by login alone."""
        return key if key in self.users else self.logins.get(key.casefold(), key)

    def org(self, login: str) -> str:
        """The key of an organisation."""
        self.orgs.setdefault(login.casefold(), login)
        return login.casefold()

    def repo(self, full_name: str, number: str | None = None) -> str:
        """The key of a repository."""
        key = full_name.casefold()
        self.repo_names.setdefault(key, full_name)
        if number:
            self.repos[key] = number
        return key

    def reject(self, line: int, what: str, item: object) -> None:
        """Put down an item that lacks what it is known by."""
        shown = excerpt(item) if isinstance(item, dict) else ""
        self.rejected.append(Rejected(line, "broken_item", f"{what} Export it again.", shown))
