"""The objects of Microsoft Graph in a file, sorted by what they are and whose they are."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from accounts.connectors.api.pages import ApiItem, Page, Pages, segments
from accounts.connectors.api.values import excerpt, inner, objects, text_of
from accounts.connectors.records import Rejected

Value = Mapping[str, object]
# Lists that hang on another object, by the last part of the address.
RELATIONS = ("members", "owners", "sponsors", "federatedidentitycredentials")
# What follows from other lists, and objects without accounts or rights: left out, and said.
LEFT_OUT = {
    "memberof": "memberships seen from the member (memberOf)",
    "transitivemembers": "members through other groups (transitiveMembers)",
    "transitivememberof": "memberships through other groups (transitiveMemberOf)",
    "devices": "devices",
    "contacts": "contacts",
    "domains": "domains",
    "administrativeunits": "administrative units, of which only the names are used",
}
_COLLECTIONS = {
    "users": "user",
    "groups": "group",
    "serviceprincipals": "principal",
    "applications": "application",
    "directoryroles": "directory_role",
    "roledefinitions": "definition",
    "unifiedroledefinitions": "definition",
    "directoryroletemplates": "definition",
    "roleassignments": "assignment",
    "unifiedroleassignments": "assignment",
    "roleassignmentschedules": "assignment",
    "roleassignmentscheduleinstances": "assignment",
    "roleeligibilityschedules": "eligibility",
    "roleeligibilityscheduleinstances": "eligibility",
    "roleeligibilities": "eligibility",
    "assignmentschedules": "group_assignment",
    "assignmentscheduleinstances": "group_assignment",
    "eligibilityschedules": "group_eligibility",
    "eligibilityscheduleinstances": "group_eligibility",
    "approleassignments": "app_role",
    "approleassignedto": "app_role",
    "oauth2permissiongrants": "delegated",
    "organization": "organization",
    "serviceprincipalsigninactivities": "activity",
}
_TYPES = {
    "user": "user",
    "agentuser": "user",
    "group": "group",
    "serviceprincipal": "principal",
    "agentidentity": "principal",
    "agentidentityblueprintprincipal": "principal",
    "application": "application",
    "agentidentityblueprint": "application",
    "directoryrole": "directory_role",
    "directoryroletemplate": "definition",
    "unifiedroledefinition": "definition",
    "approleassignment": "app_role",
    "oauth2permissiongrant": "delegated",
    "organization": "organization",
    "device": "devices",
    "orgcontact": "contacts",
    "administrativeunit": "administrativeunits",
}
_CONTEXT = re.compile(r"\$metadata#(?:(\w{1,60})\('([^']{1,100})'\)/)?(?:[\w.]{1,100}/)?(\w{1,80})")

_Place = tuple[str | None, str | None, str | None]  # relation, whose it is, or the kind of a collection
_NOWHERE: _Place = (None, None, None)


@dataclass(frozen=True, slots=True)
class Found:
    """One object and its line."""

    value: Value
    line: int


@dataclass(slots=True)
class Directory:
    """What a file holds of a tenant, by object id or as lists."""

    by_id: dict[str, dict[str, Found]] = field(default_factory=dict)  # kind -> object id -> object
    lists: dict[str, list[Found]] = field(default_factory=dict)  # kind -> assignments and grants
    related: dict[str, dict[str, list[Found]]] = field(default_factory=dict)  # relation -> owner of the list
    pages: dict[str, list[Page]] = field(default_factory=dict)  # kind or relation/owner -> its pages
    sequences: dict[str, list[Page]] = field(default_factory=dict)  # the same by address, to see gaps
    left_out: dict[str, int] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    registrations: dict[str, list[Found]] = field(default_factory=dict)  # application id -> registrations
    names: dict[str, str] = field(default_factory=dict)  # object id -> name, of everything that has one

    def of(self, kind: str) -> dict[str, Found]:
        """Objects of a kind by their id."""
        return self.by_id.get(kind, {})

    def listed(self, kind: str) -> list[Found]:
        """Assignments and grants of a kind."""
        return self.lists.get(kind, [])

    def hanging(self, relation: str, owner: str) -> list[Found]:
        """What the file lists as members, owners … of an object."""
        return self.related.get(relation, {}).get(owner, [])


def directory(found: Pages) -> Directory:
    """Sort the items of a file."""
    made = Directory(rejected=list(found.rejected))
    last, place = None, _NOWHERE
    for page in found.pages:
        relation, owner, kind = _place(page)
        key = f"{relation}/{owner}" if relation else kind
        if key:
            made.pages.setdefault(key, []).append(page)
            path = "/".join(segments(page.where))
            made.sequences.setdefault(key if relation else path or key, []).append(page)
    for item in found.items:
        if item.page is not last:
            last, place = item.page, _place(item.page)
        _sort(item, place, made)
    return made


def _sort(item: ApiItem, place: _Place, made: Directory) -> None:
    value = plain(item.value)
    relation, owner, collection = place
    if relation in RELATIONS:
        if owner is None:
            made.rejected.append(
                Rejected(
                    item.line,
                    "unknown_parent",
                    f"It does not say whose {relation} these are. Save the answer under the address it was "
                    "asked for, for example {“/groups/<id>/members”: <answer>}.",
                    excerpt(value),
                )
            )
        else:
            made.related.setdefault(relation, {}).setdefault(owner, []).append(Found(value, item.line))
            _name(value, made)
        return
    if relation is not None:
        made.left_out[relation] = made.left_out.get(relation, 0) + 1
        return
    kind = _kind(value, collection)
    if kind in LEFT_OUT:
        made.left_out[kind] = made.left_out.get(kind, 0) + 1
        _name(value, made)
    elif kind in (
        "user",
        "group",
        "principal",
        "application",
        "directory_role",
        "definition",
        "organization",
    ):
        _object(kind, value, item.line, made)
    elif kind is not None:
        made.lists.setdefault(kind, []).append(Found(value, item.line))
    else:
        made.rejected.append(_unknown(value, item.line))


def _object(kind: str, value: Value, line: int, made: Directory) -> None:
    key = text_of(value.get("id"))
    if key is None or len(key) > 200:
        made.rejected.append(
            Rejected(
                line, "no_id", "The object has no id. Export it with its id ($select=id,…).", excerpt(value)
            )
        )
        return
    known = made.by_id.setdefault(kind, {})
    if (before := known.get(key)) is not None:
        if before.value != value:
            made.rejected.append(
                Rejected(
                    line,
                    "duplicate_id",
                    f"The object {key} occurs twice and differs; the first one counts (line {before.line}). "
                    "Export again, so that all pages are of one moment.",
                    excerpt(value),
                )
            )
        return
    known[key] = Found(value, line)
    _name(value, made)
    if kind == "application" and (app := text_of(value.get("appId"))):
        made.registrations.setdefault(app, []).append(known[key])
    for relation in RELATIONS:
        name = "federatedIdentityCredentials" if relation.startswith("federated") else relation
        if isinstance(value.get(name), list):
            parts = [Found(plain(part), line) for part in objects(value[name])]
            made.related.setdefault(relation, {}).setdefault(key, []).extend(parts)
    for name in ("appRoleAssignments", "appRoleAssignedTo"):
        made.lists.setdefault("app_role", []).extend(
            Found(plain(part), line) for part in objects(value.get(name))
        )


def _name(value: Value, made: Directory) -> None:
    key = text_of(value.get("id"))
    said = text_of(value.get("userPrincipalName")) or text_of(value.get("displayName"))
    if key and said:
        made.names.setdefault(key, said)


def _kind(value: Value, collection: str | None) -> str | None:
    """By the members that only one kind has, else by its type, else by where it stood."""
    named = str(value.get("@odata.type", "")).rpartition(".")[2].lower()
    if named in _TYPES:
        return _TYPES[named]
    return _by_members(value) or collection


def _by_members(value: Value) -> str | None:
    if "roleDefinitionId" in value and "principalId" in value:
        is_eligible = "roleEligibilityScheduleId" in value or (
            "memberType" in value and "assignmentType" not in value and "roleAssignmentOriginId" not in value
        )
        return "eligibility" if is_eligible else "assignment"
    if "accessId" in value and "groupId" in value:
        return "group_assignment" if "assignmentType" in value else "group_eligibility"
    for kind, names in _SIGNS:
        if all(name in value for name in names):
            return kind
    return None


_SIGNS = (
    ("app_role", ("appRoleId", "principalId")),
    ("delegated", ("consentType", "clientId")),
    ("principal", ("servicePrincipalType",)),
    ("user", ("userPrincipalName",)),
    ("directory_role", ("roleTemplateId",)),
    ("definition", ("rolePermissions",)),
    ("application", ("appId", "signInAudience")),
    ("application", ("appId", "requiredResourceAccess")),
    ("organization", ("verifiedDomains",)),
    ("group", ("groupTypes",)),
    ("group", ("securityEnabled",)),
)


def _place(page: Page) -> _Place:
    """Relation and whose it is, or the collection, as the address, the name or the context says."""
    parts = [part for part in segments(page.where) if not part.lower().startswith("microsoft.graph")]
    casts = [part for part in segments(page.where) if part.lower().startswith("microsoft.graph.")]
    if casts and len(parts) <= 1:
        return None, None, _TYPES.get(casts[-1].rpartition(".")[2].lower())
    last = parts[-1].lower() if parts else ""
    if last in RELATIONS or last in LEFT_OUT:
        if len(parts) >= 2 or last in RELATIONS:
            return last, parts[-2] if len(parts) >= 2 else None, None
        return None, None, last
    before = parts[-2].lower() if len(parts) >= 2 else ""
    relation = next((one for one in (*LEFT_OUT, *RELATIONS) if before.endswith(one)), None)
    if relation is not None:  # {"groupMembers": {"<id>": [...]}}
        return relation, parts[-1], None
    if last in _COLLECTIONS:
        return None, None, _COLLECTIONS[last]
    if before in _COLLECTIONS and len(parts) == 2:
        return None, None, _COLLECTIONS[before]
    return _by_context(page)


def _by_context(page: Page) -> _Place:
    said = _CONTEXT.search(str(page.about.get("@odata.context", "")))
    if said is None:
        return None, None, None
    _, owner, name = said.groups()
    name = name.lower()
    if owner and (name in RELATIONS or name in LEFT_OUT):
        return name, owner, None
    if name == "directoryobjects":  # the answer to …/members, which names no group
        return "members", None, None
    return None, None, _COLLECTIONS.get(name) or (name if name in LEFT_OUT else None)


def plain(value: Value) -> Value:
    """An object as the API writes it; the PowerShell module begins names with capitals."""
    if "Id" not in value or "id" in value:
        return value
    return {
        **inner(value.get("AdditionalProperties")),
        **{_low(key): _lowered(v) for key, v in value.items()},
    }


def _lowered(value: object) -> object:
    if isinstance(value, list):
        return [_lowered(part) for part in value]
    if isinstance(value, dict):
        return {_low(key): part for key, part in value.items()}
    return value


def _low(name: str) -> str:
    return name[:1].lower() + name[1:]


def _unknown(value: Value, line: int) -> Rejected:
    error = inner(value.get("error")) or value
    if "code" in error and "message" in error:
        return Rejected(
            line,
            "failed_request",
            f"Microsoft Graph refused the request ({text_of(error.get('code')) or 'no code'}), so what it "
            "asked for is missing. Repeat it with an account that may read it.",
        )
    return Rejected(
        line,
        "unknown_object",
        "It can't be told what this object is. Export whole objects, or save the answer under the address it "
        "was asked for.",
        excerpt(value),
    )


def each_with_owner(made: Directory, relation: str) -> Iterator[tuple[str, Found]]:
    """Everything that hangs on something, with whose it is."""
    for owner, parts in made.related.get(relation, {}).items():
        for part in parts:
            yield owner, part
