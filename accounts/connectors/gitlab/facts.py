"""What a file says about GitLab, gathered before it is told: lists come in any order and overlap."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from accounts.connectors.api.values import excerpt, inner, objects, text_of
from accounts.connectors.exchanges.answers import Answer, Answers
from accounts.connectors.records import Rejected

Item = Mapping[str, object]
# (end of the path, kind); the groups are: groups or projects, and the number or path of one of them
_ROUTES = tuple(
    (re.compile(rf"(?:^|/){path}$"), kind)
    for path, kind in (
        (r"(groups|projects)/(.+?)/(?:members|billable_members)(?:/all)?(?:/\d+)?", "members"),
        (r"(groups|projects)/(.+?)/access_tokens(?:/\d+)?", "access_tokens"),
        (r"(groups|projects)/(.+?)/deploy_tokens(?:/\d+)?", "deploy_tokens"),
        (r"(groups|projects)/(.+?)/deploy_keys(?:/\d+)?", "deploy_keys"),
        (r"(groups|projects)/(.+?)/variables(?:/[^/]+)?", "variables"),
        (r"(groups)/(.+?)/(?:subgroups|descendant_groups)", "groups"),
        (r"(groups)/(.+?)/projects", "projects"),
        (r"(groups)/(.+?)/(?:invited_groups|groups/shared)", "skipped"),
        (r"(groups|projects)/(.+?)/invitations", "invitations"),
        (r"()()admin/ci/variables", "variables"),
        (r"()()deploy_tokens", "deploy_tokens"),
        (r"()()deploy_keys", "deploy_keys"),
        (r"()()personal_access_tokens(?:/\w+)?", "personal_tokens"),
        (r"(users)/(\d+)/(?:impersonation_tokens|personal_access_tokens)", "personal_tokens"),
        (r"(users)/(\d+)/keys", "user_keys"),
        (r"(?:groups/[^/]+/)?()()service_accounts", "users"),
        (r"()()users(?:/\d+)?|()()user", "users"),
        (r"()()groups(?:/[^/]+)?", "groups"),
        (r"()()projects(?:/[^/]+)?", "projects"),
    )
)
_NAMES = {
    "users": "users",
    "service_accounts": "users",
    "groups": "groups",
    "projects": "projects",
    "members": "members",
    "personal_access_tokens": "personal_tokens",
    "deploy_keys": "deploy_keys",
    "deploy_tokens": "deploy_tokens",
}
_SHAPES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("path_with_namespace",), "projects"),
    (("full_path", "visibility"), "groups"),
    (("full_path", "parent_id"), "groups"),
    (("scopes", "user_id", "access_level"), "access_tokens"),
    (("scopes", "user_id"), "personal_tokens"),
    (("scopes", "username"), "deploy_tokens"),
    (("key", "title", "created_at"), "deploy_keys"),
    (("variable_type", "key"), "variables"),
    (("username", "access_level"), "members"),
    (("username", "state"), "users"),
)
_INSIDE = {
    "members": "members",
    "access_tokens": "access_tokens",
    "deploy_tokens": "deploy_tokens",
    "deploy_keys": "deploy_keys",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """One list and what its address names; `place` is ("group" or "project", number or path)."""

    kind: str
    place: tuple[str, str]
    items: list[tuple[int, object]]
    answer: Answer
    name: str
    is_single: bool


@dataclass(slots=True)
class Place:
    """A group or project."""

    kind: str
    number: str
    path: str
    line: int
    parent: str | None = None  # number of the group above
    shares: list[Item] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """Kind and number."""
        return self.kind, self.number


@dataclass(frozen=True, slots=True)
class Placed:
    """An item, its line, and the group or project it was listed for."""

    line: int
    value: Item
    place: tuple[str, str]
    is_direct: bool = True


@dataclass(slots=True)
class Facts:
    """Everything that could be read, by kind."""

    users: dict[str, Placed] = field(default_factory=dict)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)  # by kind and number
    paths: dict[tuple[str, str], str] = field(default_factory=dict)  # by kind and path -> number
    kept: dict[str, list[Placed]] = field(default_factory=dict)
    listed: dict[str, list[Listing]] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    rejected: list[Rejected] = field(default_factory=list)

    def place(self, place: tuple[str, str], line: int) -> Place:
        """The group or project that an address names; it exists, even if no list describes it."""
        kind, named = place
        number = named if named.isdigit() else self.paths.get((kind, named.casefold()), named)
        return self.places.setdefault((kind, number), Place(kind, number, named, line))

    def of(self, kind: str) -> list[Placed]:
        """The items of a kind."""
        return self.kept.get(kind, [])


def facts(read: Answers) -> Facts:
    """Gather every list of the file."""
    found = Facts(rejected=list(read.rejected))
    waiting: list[Listing] = []
    for answer in read.found:
        known = list(_listings(answer))
        if not known and (answer.path or answer.value or answer.lists.get("")):
            found.unknown.add(answer.path or "an answer without its address")
        elif answer.host:
            found.hosts.add(answer.host)
        waiting.extend(known)
    waiting.sort(key=lambda one: {"groups": 0, "projects": 1, "users": 2}.get(one.kind, 3))
    for listing in waiting:
        found.listed.setdefault(listing.kind, []).append(listing)
        is_direct = not listing.answer.path.endswith("/all")
        for line, item in listing.items:
            _take(found, listing.kind, line, item, listing.place, is_direct=is_direct)
    return found


def _listings(answer: Answer) -> Iterator[Listing]:
    for pattern, kind in _ROUTES:
        if found := pattern.search(answer.path):
            kinds, named = (*found.groups(), "", "")[:2]
            place = ((kinds or "").rstrip("s"), named or "")
            if "" in answer.lists:
                yield Listing(kind, place, answer.lists[""], answer, "", is_single=False)
            elif answer.value:
                yield Listing(kind, place, [(answer.line, answer.value)], answer, "", is_single=True)
            return
    if answer.path:
        return
    known = False
    for name, items in answer.lists.items():
        kind_of_list = _NAMES.get(name) or (shape_of(items[0][1]) if items and not name else None)
        if kind_of_list is not None:
            known = True
            yield Listing(kind_of_list, ("", ""), items, answer, name, is_single=False)
    if not known and (single := shape_of(answer.value)) is not None:
        yield Listing(single, ("", ""), [(answer.line, answer.value)], answer, "", is_single=True)


def shape_of(item: object) -> str | None:
    """The kind of an item by the members that it has."""
    if not isinstance(item, dict):
        return None
    return next((kind for names, kind in _SHAPES if all(name in item for name in names)), None)


def _take(
    found: Facts, kind: str, line: int, item: object, place: tuple[str, str], *, is_direct: bool
) -> None:
    if not isinstance(item, dict):
        found.rejected.append(
            Rejected(
                line, "broken_item", f"An item of {kind.replace('_', ' ')} is no object. Export it again."
            )
        )
        return
    if kind in ("groups", "projects"):
        _place(found, kind, line, item)
    elif kind in ("users", "members"):
        _person(found, kind, line, item, place, is_direct=is_direct)
    else:
        found.kept.setdefault(kind, []).append(Placed(line, item, place))


def _place(found: Facts, kind: str, line: int, item: Item) -> None:
    number = text_of(item.get("id"))
    path = text_of(item.get("full_path")) or text_of(item.get("path_with_namespace"))
    if number is None or path is None:
        reject(found, line, f"One of the {kind} lacks its number or path.", item)
        return
    singular = kind.rstrip("s")
    namespace = inner(item.get("namespace"))
    parent = text_of(item.get("parent_id"))
    if namespace and namespace.get("kind", "group") == "group":
        parent = text_of(namespace.get("id"))
    known = found.places.setdefault((singular, number), Place(singular, number, path, line))
    known.path, known.parent = path, known.parent or parent
    known.shares = known.shares or list(objects(item.get("shared_with_groups")))
    found.paths[singular, path.casefold()] = number
    for name, inside in _INSIDE.items():
        for one in objects(item.get(name)):
            _take(found, inside, line, one, (singular, number), is_direct=True)


def _person(
    found: Facts, kind: str, line: int, item: Item, place: tuple[str, str], *, is_direct: bool
) -> None:
    number, name = text_of(item.get("id")), text_of(item.get("username"))
    if number is None or name is None:
        reject(found, line, "A user lacks its number or user name.", item)
        return
    known = found.users.get(number)
    # A membership tells less of a person than the list of users, and its dates are its own.
    told = {k: v for k, v in item.items() if kind == "users" or k not in ("created_at", "expires_at")}
    value = (
        {**told, **known.value} if known and kind == "members" else {**(known.value if known else {}), **told}
    )
    found.users[number] = Placed(known.line if known else line, value, ("", ""))
    if kind == "members":
        found.kept.setdefault("members", []).append(Placed(line, item, place, is_direct))


def reject(found: Facts, line: int, what: str, item: Item) -> None:
    """Put down an item that lacks what it is known by."""
    found.rejected.append(Rejected(line, "broken_item", f"{what} Export it again.", excerpt(item)))
