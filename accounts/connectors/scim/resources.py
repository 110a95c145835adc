"""The users and groups in answers of a SCIM service, and whether they are all that there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from accounts.connectors.api.values import excerpt, inner, text_of, texts
from accounts.connectors.exchanges.answers import UNSAID, Answer, Answers, doubt
from accounts.connectors.records import Rejected, Unreadable

Item = Mapping[str, object]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
_CHANGES = frozenset({"patchop", "bulkrequest", "bulkresponse", "searchrequest"})
_DEFINITIONS = frozenset({"Schema", "ResourceType", "ServiceProviderConfig"})
_SINGLE, _NONE = "single ones prove no list", "the file has no list of them"
SAYABLE = frozenset({_SINGLE, _NONE, UNSAID})  # doubts that a person may dispel by saying that all is there
_PAGE_SIZE = 10**9  # a list says how much there is


@dataclass(frozen=True, slots=True)
class Placed:
    """A resource and its line."""

    line: int
    value: Item


@dataclass(slots=True)
class Resources:
    """Everything of a file, by id."""

    users: dict[str, Placed] = field(default_factory=dict)
    groups: dict[str, Placed] = field(default_factory=dict)
    lists: list[Answer] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    taken_at: datetime | None = None

    def doubt(self, kind: str) -> str | None:
        """Why not all users (or groups) may be there; None if the file shows that they are."""
        pages: dict[tuple[object, ...], list[Answer]] = {}
        for answer in self.lists:
            held = {kind_of(item) for _, item in answer.lists.get("Resources", ()) if isinstance(item, dict)}
            if kind in held or (not held and answer.path.casefold().endswith(f"/{kind.casefold()}s")):
                pages.setdefault(answer.listing, []).append(answer)
        if not pages:
            there = self.users if kind == "User" else self.groups
            return _SINGLE if there else _NONE
        for listed in pages.values():
            narrowed = {key.casefold() for key in listed[0].narrowed} - {"attributes", "excludedattributes"}
            if narrowed:
                return f"asked for with {', '.join(sorted(narrowed))}, so it is a part only"
            if kind == "Group" and _lacks_members(listed):
                return "asked for without their members"
            if (why := doubt(listed, "Resources", _PAGE_SIZE)) is not None:
                return why
        return None


def resources(read: Answers) -> Resources:
    """Sort the resources; a file that holds nothing but a change is refused."""
    found = Resources(rejected=list(read.rejected), notes=list(read.notes), taken_at=read.taken_at)
    for answer in read.found:
        _refuse_change(answer.value, answer.line, is_alone=len(read.found) == 1)
        if "Resources" in answer.lists:
            found.lists.append(answer)
            for line, item in answer.lists["Resources"]:
                _take(found, line, item)
        elif is_list(answer.value):
            found.lists.append(answer)  # nothing was found
        elif answer.value:
            bundled = [
                name
                for name, items in answer.lists.items()
                if items and kind_of(items[0][1]) in ("User", "Group")
            ]
            for name in bundled if "id" not in answer.value else []:
                for line, item in answer.lists[name]:
                    _take(found, line, item)
            if not bundled or "id" in answer.value:
                _take(found, answer.line, answer.value)
        for line, item in answer.lists.get("", ()):
            if isinstance(item, dict) and isinstance(item.get("Resources"), list):
                _take_list(found, line, item)
            else:
                _take(found, line, item)
    return found


def is_list(value: Item) -> bool:
    """Whether an answer is a list, even an empty one without Resources."""
    return any(schema.casefold().endswith(":listresponse") for schema in texts(value.get("schemas")))


def kind_of(value: object) -> str | None:
    """User, Group, Agent or a definition; by what the resource says it is, else by what it has."""
    if not isinstance(value, dict):
        return None
    said = text_of(inner(value.get("meta")).get("resourceType"))
    if said:
        return "User" if said in ("User", "EnterpriseUser") else said
    for schema in texts(value.get("schemas")):
        if not schema.startswith(_MESSAGES) and ":extension:" not in schema:
            return schema.rpartition(":")[2]
    if "userName" in value:
        return "User"
    return "Group" if "displayName" in value and "members" in value else None


def _take_list(found: Resources, line: int, item: Item) -> None:
    parts = item["Resources"]
    elements = [(line, part) for part in parts] if isinstance(parts, list) else []
    found.lists.append(Answer(line, lists={"Resources": list(elements)}, value=item))
    for at, part in elements:
        _take(found, at, part)


def _take(found: Resources, line: int, item: object) -> None:
    if not isinstance(item, dict):
        found.rejected.append(Rejected(line, "broken_item", "A resource is no object. Export it again."))
        return
    if any(schema.casefold().endswith(":error") for schema in texts(item.get("schemas"))):
        status = text_of(item.get("status")) or "an error"
        found.rejected.append(
            Rejected(
                line,
                "failed_request",
                f"The service answered {status} instead of a resource. Ask again with an account that may "
                "read it.",
            )
        )
        return
    _refuse_change(item, line, is_alone=False)
    kind, number = kind_of(item), text_of(item.get("id"))
    if kind in _DEFINITIONS:
        return
    if kind not in ("User", "Group", "Agent") or number is None:
        found.rejected.append(
            Rejected(
                line,
                "broken_item",
                "A resource lacks its id, or is neither user nor group. Export it again, with schemas "
                "and meta.",
                excerpt(item),
            )
        )
        return
    there = found.groups if kind == "Group" else found.users
    if number in there and there[number].value != item:
        found.rejected.append(
            Rejected(
                line,
                "duplicate_id",
                f"{number[:100]} stands in line {there[number].line} too and differs. Export it again, at "
                "one time.",
            )
        )
        return
    there.setdefault(number, Placed(line, item))
    location = text_of(inner(item.get("meta")).get("location")) or ""
    host = _host(location)
    if host and host not in found.hosts:
        found.hosts.append(host)


def _host(location: str) -> str | None:
    try:
        return urlsplit(location).hostname if location.startswith(("http://", "https://")) else None
    except ValueError:
        return None


def _refuse_change(value: Item, line: int, *, is_alone: bool) -> None:
    for schema in texts(value.get("schemas")):
        message = schema.rpartition(":")[2].casefold()
        if schema.startswith(_MESSAGES) and message in _CHANGES:
            what, name = "The file" if is_alone else f"Line {line}", schema.rpartition(":")[2][:40]
            raise Unreadable(
                "change",
                f"{what} holds a {name}: this is a change, not a listing. Save the answers of /Users and "
                "/Groups instead.",
                line,
            )


def _lacks_members(pages: list[Answer]) -> bool:
    """Whether a list of groups was asked for in a way that leaves members out."""
    for page in pages:
        asked = {key.casefold(): value for key, value in page.query.items()}
        if "members" in asked.get("excludedattributes", ""):
            return True
        if asked.get("attributes") and "members" not in asked["attributes"]:
            return True
    return False
