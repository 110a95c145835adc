"""A role of Teleport as rights: which accounts it lets act as, by which path, what it changes in Teleport."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from accounts.connectors.api.values import inner, objects, text_of
from accounts.connectors.records import Entitlement, Mark, Reach
from accounts.connectors.teleport.conditions import (
    Selector,
    is_template,
    matches,
    names,
    selector_of,
    trait_of,
)
from accounts.connectors.teleport.files import Resource

ROLE = "role:"
_WRITES = frozenset({"create", "update", "delete", "*", "create_enroll_token"})
# Resources that decide who may do what.
_DECIDING = frozenset(
    {
        *("*", "role", "user", "access_list", "auth_connector", "saml", "oidc", "github", "token", "bot"),
        *(
            "cert_authority",
            "trusted_cluster",
            "cluster_auth_preference",
            "login_rule",
            "lock",
            "access_request",
        ),
        *("scoped_role", "scoped_role_assignment", "user_group", "okta_assignment", "integration"),
    }
)
_ADMINISTRATORS = frozenset(
    {"root", "administrator", "admin", "system:masters", "cluster-admin", "sa", "postgres"}
)
_SUDO_GROUPS = frozenset({"root", "sudo", "wheel", "admin", "docker", "lxd", "disk"})
_EVERYBODY = "*"
_PLACEHOLDER = "-teleport-"  # stands in certificates that open nothing


@dataclass(frozen=True, slots=True)
class _Path:
    """Names in a role that are accounts somewhere else, and how one comes there."""

    field: str
    labels: str
    plural: str
    reach: Reach
    code: str
    words: str  # with {who} and {where}


_PATHS = (
    _Path("logins", "node", "servers", "ssh", "ssh", "Opens a shell as {who} on {where}."),
    _Path(
        "kubernetes_groups",
        "kubernetes",
        "Kubernetes clusters",
        "exec",
        "k8s-group",
        "Uses {where} as a member of the group {who}.",
    ),
    _Path(
        "kubernetes_users", "kubernetes", "Kubernetes clusters", "exec", "k8s-user", "Uses {where} as {who}."
    ),
    _Path("db_users", "db", "databases", "database", "db", "Signs in to {where} as {who}."),
    _Path(
        "windows_desktop_logins",
        "windows_desktop",
        "Windows desktops",
        "rdp",
        "rdp",
        "Opens the desktop of {where} as {who}.",
    ),
    _Path("aws_role_arns", "app", "applications", "assume_role", "aws", "Acts as the AWS role {who}."),
    _Path(
        "azure_identities", "app", "applications", "assume_role", "azure", "Acts as the Azure identity {who}."
    ),
    _Path(
        "gcp_service_accounts",
        "app",
        "applications",
        "assume_role",
        "gcp",
        "Acts as the account {who} of GCP.",
    ),
)


@dataclass(slots=True)
class RoleRights:
    """What a role brings, and what depends on the user who holds it."""

    brought: list[Entitlement] = field(default_factory=list)
    # Trait -> how a right is made of each of its values; the fields of Entitlement but for the name.
    by_trait: list[tuple[str, "_Path", Selector]] = field(default_factory=list)
    may_ask_for: list[str] = field(default_factory=list)  # names or patterns of roles
    not_ask_for: list[str] = field(default_factory=list)


def rights_of(role: Resource) -> RoleRights:
    """The rights of a role, apart from the role itself."""
    found = RoleRights()
    allow, deny = inner(role.spec.get("allow")), inner(role.spec.get("deny"))
    for path in _PATHS:
        where = _where(role, allow, deny, path)
        denied = [one.casefold() for one in names(deny.get(path.field))]
        for name in dict.fromkeys(names(allow.get(path.field))):
            if name.casefold() in denied or _EVERYBODY in denied or name.startswith(_PLACEHOLDER):
                continue
            if (trait := trait_of(name)) is not None:
                found.by_trait.append((trait, path, where))
            found.brought.append(_door(role, path, name, where, allow))
    found.brought += _inside(role, allow)
    request, refused = inner(allow.get("request")), inner(deny.get("request"))
    found.may_ask_for = [*names(request.get("roles")), *names(request.get("search_as_roles"))]
    found.not_ask_for = [*names(refused.get("roles")), *names(refused.get("search_as_roles"))]
    return found


def door_of_trait(role: Resource, path: "_Path", where: Selector, value: str) -> Entitlement:
    """The right that a value of a user's trait makes of a template."""
    return _door(role, path, value, where, inner(role.spec.get("allow")))


def role_entitlement(role: Resource, rights: RoleRights) -> Entitlement:
    """The role itself, as privileged as the strongest of what it brings."""
    strong = next((one for one in rights.brought if one.is_privileged), None)
    unknown = next((one for one in rights.brought if one.is_privileged is None), None)
    if strong is not None:
        because: str | None = f"Through “{strong.name}”: {strong.because}"
    elif unknown is not None:
        because = f"Through “{unknown.name}”: {unknown.because}"
    else:
        because = "It opens no sessions and changes nothing that decides who may do what."
    return Entitlement(
        external_id=f"{ROLE}{role.name}",
        name=role.name,
        kind="role",
        line=role.line,
        plain_words=_words(role, rights),
        is_privileged=True if strong is not None else None if unknown is not None else False,
        because=because,
    )


def _where(role: Resource, allow: Mapping[str, object], deny: Mapping[str, object], path: _Path) -> Selector:
    where = selector_of(allow, path.labels, path.plural)
    if where.is_nothing and path.labels == "node" and role.version == "v3":
        where = Selector("all servers", True, False)  # version 3 reaches all, unless it says otherwise
    if selector_of(deny, path.labels, path.plural).is_everything:
        return Selector(f"no {path.plural}", False, True)
    return where


def _door(
    role: Resource, path: _Path, name: str, where: Selector, allow: Mapping[str, object]
) -> Entitlement:
    is_one = not is_template(name) and name != _EVERYBODY
    who = name if is_one else "any account" if name == _EVERYBODY else f"what {name} says of each user"
    reaches = not where.is_nothing or path.labels == "app"
    is_privileged, because, marks = _privilege(path, name, allow)
    if not reaches:
        is_privileged, because, marks = False, f"The role selects {where.words}, so it opens nothing.", ()
    return Entitlement(
        external_id=f"{ROLE}{role.name}#{path.code}:{name}"[:500],
        name=f"{who} on {where.words} ({role.name})"[:256],
        kind="act_as",
        line=role.line,
        plain_words=path.words.format(who=who, where=where.words),
        is_privileged=is_privileged,
        because=because,
        acts_as=name if is_one else None,
        acts_on=where.words if reaches and path.labels != "app" else None,
        reach=path.reach if reaches else None,
        marks=marks,
    )


def _privilege(
    path: _Path, name: str, allow: Mapping[str, object]
) -> tuple[bool | None, str, tuple[Mark, ...]]:
    marks: tuple[Mark, ...] = ("exec",) if path.reach == "exec" else ()
    if path.field == "logins":
        sudo = names(allow.get("host_sudoers"))
        groups = _SUDO_GROUPS & {one.casefold() for one in names(allow.get("host_groups"))}
        if sudo:
            is_all = any("ALL" in one for one in sudo)
            return True, f"Its user may use sudo there: {sudo[0][:100]}.", ("unconfined",) if is_all else ()
        if groups:
            return True, f"Its user is put into the group {min(groups)} there.", ()
    if name == _EVERYBODY:
        return True, "It names any account, so those of administrators too.", ("wildcard", *marks)
    if name.casefold() in _ADMINISTRATORS:
        is_admin = path.reach == "exec"
        return True, f"{name} is an account of administrators.", ("admin", *marks) if is_admin else marks
    if is_template(name):
        return None, f"Which accounts {name} stands for depends on each user.", marks
    return None, f"What {name} may do there is not in the file.", marks


def _inside(role: Resource, allow: Mapping[str, object]) -> Iterator[Entitlement]:
    """Rights on Teleport itself."""
    impersonate = inner(allow.get("impersonate"))
    users, roles = names(impersonate.get("users")), names(impersonate.get("roles"))
    if users or roles:
        yield _right(
            role,
            "impersonate",
            f"Acts as {_listed(users) or 'itself'} with the roles {_listed(roles) or 'of theirs'}.",
            ("impersonate",),
        )
    review = inner(allow.get("review_requests"))
    mapped = [one for rule in objects(review.get("claims_to_roles")) for one in names(rule.get("roles"))]
    if reviewed := [*names(review.get("roles")), *mapped]:
        yield _right(
            role, "review", f"Approves requests of others for the roles {_listed(reviewed)}.", ("iam_write",)
        )
    rules = [(names(rule.get("resources")), names(rule.get("verbs"))) for rule in objects(allow.get("rules"))]
    if any("*" in resources and "*" in verbs for resources, verbs in rules):
        yield _right(
            role,
            "admin",
            "Changes everything in Teleport: roles, users, connectors, recordings.",
            ("admin", "wildcard"),
        )
        return
    changed = sorted(
        {one for resources, verbs in rules if _WRITES & set(verbs) for one in resources if one in _DECIDING}
    )
    if changed:
        words = f"Changes in Teleport {_listed(changed)}, and so who may do what."
        yield _right(role, "rules", words, ("iam_write",))


_NAMES = {
    "impersonate": "acts as others in Teleport",
    "review": "approves requests for access",
    "admin": "administers Teleport",
    "rules": "changes who may do what in Teleport",
}


def _right(role: Resource, code: str, words: str, marks: tuple[Mark, ...]) -> Entitlement:
    return Entitlement(
        external_id=f"{ROLE}{role.name}#{code}",
        name=f"{_NAMES[code]} ({role.name})"[:256],
        kind="right",
        line=role.line,
        plain_words=words,
        is_privileged=True,
        because=words,
        marks=marks,
    )


def _words(role: Resource, rights: RoleRights) -> str:
    about = text_of(role.metadata.get("description"))
    said = [f"{about[:1000].rstrip('.')}."] if about else []
    options = inner(role.spec.get("options"))
    if ttl := text_of(options.get("max_session_ttl")):
        said.append(f"A sign-in lasts at most {ttl}.")
    recording = options.get("record_session")
    if parts := [f"{key} {value}" for key, value in inner(recording).items() if text_of(value)]:
        said.append(f"Recording of sessions: {', '.join(parts)}.")
    if text_of(options.get("require_session_mfa")) or options.get("require_session_mfa") is True:
        said.append(
            f"Asks for a second factor for each session: {str(options['require_session_mfa']).lower()}."
        )
    if options.get("request_access") in ("always", "reason"):
        said.append("Always asks for access first.")
    if rights.may_ask_for:
        said.append(f"May ask for the roles {_listed(rights.may_ask_for)}.")
    if any(value for key, value in inner(role.spec.get("deny")).items() if key not in ("logins", "request")):
        said.append("Of its deny rules only names and whole kinds were weighed.")
    if not rights.brought:
        said.append("Opens no sessions.")
    return " ".join(said)


def _listed(said: list[str]) -> str:
    more = f" and {len(said) - 5} more" if len(said) > 5 else ""
    return ", ".join(one[:80] for one in said[:5]) + more


def may_ask(rights: RoleRights, role: str) -> bool:
    """Whether who has these rights may ask for that role."""
    return matches(role, rights.may_ask_for) and not matches(role, rights.not_ask_for)
