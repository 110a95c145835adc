"""The objects of the Admin SDK Directory API in a file, sorted by what they are and whose they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accounts.connectors.api.pages import ApiItem, Page, Pages, segments
from accounts.connectors.api.values import excerpt, inner, text_of
from accounts.connectors.records import Rejected

Value = Mapping[str, object]
_KIND = "admin#directory#"
_COLLECTIONS = {
    "users": "user",
    "groups": "group",
    "members": "member",
    "roles": "role",
    "roleassignments": "role_assignment",
    "tokens": "token",
    "usertokens": "token",
    "oauthtokens": "token",
    "asps": "asp",
    "domainwidedelegation": "delegation",
    "domainwidedelegations": "delegation",
    "delegation": "delegation",
    "delegations": "delegation",
    "domain_wide_delegation": "delegation",
}
_KINDS = {
    "user": "user",
    "group": "group",
    "member": "member",
    "role": "role",
    "roleassignment": "role_assignment",
    "token": "token",
    "asp": "asp",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One object and its line."""

    value: Value
    line: int


@dataclass(slots=True)
class Customer:
    """What a file holds of a Google Workspace customer."""

    users: dict[str, Found] = field(default_factory=dict)
    groups: dict[str, Found] = field(default_factory=dict)
    roles: dict[str, Found] = field(default_factory=dict)
    members: dict[str, list[Found]] = field(default_factory=dict)  # group as the address names it -> members
    lists: dict[str, list[Found]] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)  # id() of an item -> user of its list
    pages: dict[str, list[Page]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    customer: str | None = None

    def listed(self, kind: str) -> list[Found]:
        """Assignments, tokens, app passwords and delegations."""
        return self.lists.get(kind, [])


def customer(found: Pages) -> Customer:
    """Sort the items of a file."""
    made = Customer(rejected=list(found.rejected))
    for page in found.pages:
        kind, owner = _place(page)
        if kind is not None:
            made.kinds.add(kind)
            made.pages.setdefault(f"{kind}/{owner}" if owner else kind, []).append(page)
            if kind == "member" and owner:
                made.members.setdefault(owner, [])
    ids: set[str] = set()
    for item in found.items:
        _sort(item, made)
        if said := text_of(item.value.get("customerId")) or text_of(item.page.about.get("customerId")):
            ids.add(said)
    made.customer = ids.pop() if len(ids) == 1 else None
    return made


def _sort(item: ApiItem, made: Customer) -> None:
    value = item.value
    kind, owner = _kind(value), _place(item.page)[1]
    kind = kind or _place(item.page)[0]
    error = inner(value.get("error")) or value
    if kind is None and "code" in error and "message" in error:
        _reject(
            made,
            item,
            "failed_request",
            "Google refused the request, so what it asked for is missing. Repeat "
            "it with an account that may read it.",
        )
        return
    if kind is None:
        _reject(
            made,
            item,
            "unknown_object",
            "It can't be told what this object is. Export whole objects with "
            "their kind, or save the answer under the address it was asked for.",
        )
        return
    made.kinds.add(kind)
    found = Found(value, item.line)
    if kind == "member":
        if owner is None:
            _reject(
                made,
                item,
                "unknown_parent",
                "It does not say whose member this is. Save the answer under the "
                "address it was asked for, for example {“/groups/<group>/members”: <answer>}.",
            )
        else:
            made.members.setdefault(owner, []).append(found)
    elif kind in ("user", "group", "role"):
        _object(kind, item, made)
    else:
        if owner is not None:
            made.owners[id(value)] = owner
        made.lists.setdefault(kind, []).append(found)


def _object(kind: str, item: ApiItem, made: Customer) -> None:
    key = text_of(item.value.get("roleId" if kind == "role" else "id"))
    key = key or text_of(item.value.get("primaryEmail")) or text_of(item.value.get("email"))
    if key is None or len(key) > 200:
        _reject(made, item, "no_id", "The object has no id. Export it whole.")
        return
    known = {"user": made.users, "group": made.groups, "role": made.roles}[kind]
    if key not in known:
        known[key] = Found(item.value, item.line)
    elif {**known[key].value, "etag": None} != {**item.value, "etag": None}:
        _reject(
            made,
            item,
            "duplicate_id",
            f"The object {key} occurs twice and differs; the first one counts (line {known[key].line}). "
            "Export again, so that all pages are of one moment.",
        )


def _kind(value: Value) -> str | None:
    said = str(value.get("kind", ""))
    if said.startswith(_KIND):
        return _KINDS.get(said.removeprefix(_KIND).lower())
    if "primaryEmail" in value:
        return "user"
    if "roleAssignmentId" in value or ("assignedTo" in value and "roleId" in value):
        return "role_assignment"
    if "rolePrivileges" in value or "roleName" in value:
        return "role"
    if "codeId" in value:
        return "asp"
    if "clientId" in value:
        return "token" if "userKey" in value else None
    if "directMembersCount" in value:
        return "group"
    return "member" if "role" in value and "type" in value else None


def _place(page: Page) -> tuple[str | None, str | None]:
    """What a list holds and whose it is: by address, by name, by the kind of its page."""
    parts = segments(page.where)
    last = parts[-1].lower() if parts else ""
    before = parts[-2].lower() if len(parts) >= 2 else ""
    if last in ("members", "tokens", "asps") and len(parts) >= 3 and parts[-3].lower() in ("groups", "users"):
        return _COLLECTIONS[last], parts[-2]
    for name in ("members", "tokens", "asps"):  # {"groupMembers": {"<group>": [...]}}
        if before.endswith(name):
            return _COLLECTIONS[name], parts[-1]
    if last in _COLLECTIONS:
        return _COLLECTIONS[last], None
    said = str(page.about.get("kind", "")).removeprefix(_KIND).removesuffix("List").lower()
    if said in _COLLECTIONS or said in _KINDS:
        return _COLLECTIONS.get(said) or _KINDS[said], None
    return _COLLECTIONS.get(before) if len(parts) == 2 else None, None


def _reject(made: Customer, item: ApiItem, code: str, reason: str) -> None:
    made.rejected.append(Rejected(item.line, code, reason, excerpt(item.value)))
