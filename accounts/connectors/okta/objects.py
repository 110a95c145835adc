"""The objects of Okta's API in a file, sorted by what they are and whose they are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from accounts.connectors.api.pages import ApiItem, Page, Pages, segments
from accounts.connectors.api.values import excerpt, inner, moment, text_of
from accounts.connectors.records import Rejected

Value = Mapping[str, object]
_HOST = re.compile(r"[\w-]{1,60}\.(?:okta|oktapreview|okta-emea|okta-gov)\.com")
# Last part of an address or name of a list -> what its objects are.
_COLLECTIONS = {
    "users": "user",
    "groups": "group",
    "apps": "app",
    "applications": "app",
    "clients": "app",
    "api-tokens": "api_token",
    "apitokens": "api_token",
    "tokens": "api_token",
    "roles": "role",
}
# Lists that hang on another object: (whose, last part) -> relation.
_HANGING = {
    ("groups", "users"): "members",
    ("groups", "roles"): "group_roles",
    ("users", "roles"): "user_roles",
    ("apps", "users"): "app_users",
    ("apps", "groups"): "app_groups",
    ("apps", "jwks"): "app_keys",
    ("apps", "secrets"): "app_secrets",
    ("users", "groups"): "user_groups",
    ("groups", "apps"): "group_apps",
    ("users", "applinks"): "app_links",
    ("users", "factors"): "factors",
    ("clients", "roles"): "client_roles",
}
# Bundles by name: {"groupMembers": {"<group id>": [...]}}.
_NAMED = {
    "members": "members",
    "groupmembers": "members",
    "groupusers": "members",
    "grouproles": "group_roles",
    "userroles": "user_roles",
    "clientroles": "client_roles",
    "appusers": "app_users",
    "applicationusers": "app_users",
    "appgroups": "app_groups",
    "applicationgroups": "app_groups",
    "usergroups": "user_groups",
    "roleassignments": "user_roles",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One object and its line."""

    value: Value
    line: int


@dataclass(slots=True)
class Org:
    """What a file holds of an Okta organisation."""

    by_id: dict[str, dict[str, Found]] = field(default_factory=dict)  # kind -> id -> object
    related: dict[str, dict[str, list[Found]]] = field(default_factory=dict)  # relation -> owner of the list
    pages: dict[str, list[Page]] = field(default_factory=dict)  # kind or relation/owner -> its pages
    rejected: list[Rejected] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    host: str | None = None
    taken_at: datetime | None = None

    def of(self, kind: str) -> dict[str, Found]:
        """Objects of a kind by their id."""
        return self.by_id.get(kind, {})

    def hanging(self, relation: str) -> list[tuple[str, Found]]:
        """Everything of a relation, with whose it is."""
        return [(owner, part) for owner, parts in self.related.get(relation, {}).items() for part in parts]


def org(found: Pages) -> Org:
    """Sort the items of a file."""
    made = Org(rejected=list(found.rejected))
    for page in found.pages:
        relation, owner, kind = _place(page)
        if key := f"{relation}/{owner}" if relation else kind:
            made.pages.setdefault(key, []).append(page)
            made.kinds.add("role" if relation and relation.endswith("roles") else relation or kind or "")
    hosts = {name for page in found.pages for name in map(_host, page.where) if name}
    for item in found.items:
        _sort(item, made)
        hosts.update(_own_hosts(item.value))
    made.host = hosts.pop() if len(hosts) == 1 else None
    times = [at for page in found.pages if (at := moment(page.about.get("taken_at"))) is not None]
    made.taken_at = min(times) if times and len(times) == len(found.pages) else None
    return made


def _sort(item: ApiItem, made: Org) -> None:
    value = item.value
    relation, owner, collection = _place(item.page)
    if "errorCode" in value:
        code = text_of(value.get("errorCode")) or "no code"
        made.rejected.append(
            Rejected(
                item.line,
                "failed_request",
                f"Okta refused the request ({code[:20]}), so what it asked for is missing. Repeat it with an "
                "account that may read it.",
            )
        )
        return
    if relation is not None and owner is not None:
        made.related.setdefault(relation, {}).setdefault(owner, []).append(Found(value, item.line))
        return
    kind = _by_members(value) or collection
    if kind is None:
        made.rejected.append(
            Rejected(
                item.line,
                "unknown_object",
                "It can't be told what this object is. Export whole objects, or save the answer under the "
                "address it was asked for, for example {“/api/v1/groups/<id>/users”: <answer>}.",
                excerpt(value),
            )
        )
        return
    if kind == "role":
        made.rejected.append(
            Rejected(
                item.line,
                "unknown_holder",
                "It does not say who holds this admin role. Save the answer under the address it was asked "
                "for, for example {“/api/v1/users/<id>/roles”: <answer>}.",
                excerpt(value),
            )
        )
        made.kinds.add(kind)
        return
    _object(kind, item, made)


def _object(kind: str, item: ApiItem, made: Org) -> None:
    key = text_of(item.value.get("id")) or text_of(item.value.get("client_id"))
    if key is None or len(key) > 200:
        made.rejected.append(
            Rejected(item.line, "no_id", "The object has no id. Export it whole.", excerpt(item.value))
        )
        return
    made.kinds.add(kind)
    known = made.by_id.setdefault(kind, {})
    if key not in known:
        known[key] = Found(item.value, item.line)
    elif known[key].value != item.value:
        made.rejected.append(
            Rejected(
                item.line,
                "duplicate_id",
                f"The object {key} occurs twice and differs; the first one counts (line {known[key].line}). "
                "Export again, so that all pages are of one moment.",
                excerpt(item.value),
            )
        )


def _by_members(value: Value) -> str | None:
    profile = inner(value.get("profile"))
    if "signOnMode" in value or "client_id" in value:
        return "app"
    if "tokenWindow" in value or ("clientName" in value and "userId" in value):
        return "api_token"
    if "objectClass" in value or value.get("type") in ("OKTA_GROUP", "APP_GROUP", "BUILT_IN"):
        return "group"
    if "login" in profile and "status" in value:
        return "user"
    if "assignmentType" in value and "label" in value:
        return "role"
    return None


def _place(page: Page) -> tuple[str | None, str | None, str | None]:
    parts = [part for part in segments(page.where) if part not in ("api", "pages", "default")]
    if not parts:
        return None, None, None
    last = parts[-1].lower()
    if len(parts) >= 3 and (relation := _HANGING.get((parts[-3].lower(), last))):
        return relation, parts[-2], None
    if len(parts) >= 3 and parts[-3].lower() == "credentials" and last == "jwks":
        return "app_keys", parts[-4] if len(parts) >= 4 else parts[-2], None
    if len(parts) >= 4 and parts[-2].lower() == "credentials":  # /apps/<id>/credentials/jwks
        return {"jwks": "app_keys", "secrets": "app_secrets"}.get(last), parts[-3], None
    if len(parts) >= 2 and (relation := _NAMED.get(parts[-2].lower())):
        return relation, parts[-1], None
    if last in _COLLECTIONS:
        return None, None, _COLLECTIONS[last]
    if len(parts) == 2:  # one object by its id
        return None, None, _COLLECTIONS.get(parts[0].lower())
    return None, None, None


def _own_hosts(value: Value) -> set[str]:
    """The organisation that an object's own links lead to."""
    own = inner(inner(value.get("_links")).get("self"))
    found = _host(str(own.get("href", "")))
    return {found} if found else set()


def _host(address: str) -> str | None:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return None
    return host if _HOST.fullmatch(host) else None
