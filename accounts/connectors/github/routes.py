"""Which list of GitHub an answer is: by the address it was asked for, else by its name, else by its items."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accounts.connectors.exchanges.answers import Answer

_ORG = r"(?:orgs|organizations)/([^/]+)"
_REPO = r"repos/([^/]+/[^/]+)"
_TEAM = r"(?:teams|team)/([^/]+)"
# (end of the path, kind, name of the list in its envelope)
_ROUTES = tuple(
    (re.compile(rf"(?:^|/){path}$"), kind, name)
    for path, kind, name in (
        (rf"{_ORG}/members", "members", ""),
        (rf"{_ORG}/memberships/([^/]+)", "membership", ""),
        (rf"{_ORG}/outside_collaborators", "outside", ""),
        (rf"{_ORG}/(?:invitations|failed_invitations)", "invitations", ""),
        (rf"{_ORG}/teams", "teams", ""),
        (rf"{_ORG}/{_TEAM}/members", "team_members", ""),
        (rf"{_ORG}/{_TEAM}/memberships/([^/]+)", "team_membership", ""),
        (rf"{_ORG}/{_TEAM}/repos", "team_repos", ""),
        (rf"{_ORG}/{_TEAM}/teams", "child_teams", ""),
        (rf"{_ORG}/{_TEAM}", "teams", ""),
        (r"()teams/(\d+)/members", "team_members", ""),
        (r"()teams/(\d+)/repos", "team_repos", ""),
        (r"()teams/\d+", "teams", ""),
        (rf"{_ORG}/installations", "installations", "installations"),
        (rf"{_ORG}/personal-access-tokens", "tokens", ""),
        (rf"{_ORG}/credential-authorizations", "authorizations", ""),
        (rf"{_ORG}/(actions|dependabot|codespaces)/secrets", "org_secrets", "secrets"),
        (rf"{_ORG}/hooks", "hooks", ""),
        (rf"{_ORG}/repos", "repos", ""),
        (rf"{_ORG}/organization-roles", "org_roles", "roles"),
        (rf"{_ORG}/organization-roles/(\d+)/users", "org_role_users", ""),
        (rf"{_ORG}/organization-roles/(\d+)/teams", "org_role_teams", ""),
        (rf"{_ORG}/actions/oidc/customization/sub", "oidc", ""),
        (_ORG, "organization", ""),
        (rf"{_REPO}/collaborators", "collaborators", ""),
        (rf"{_REPO}/collaborators/([^/]+)/permission", "collaborators", ""),
        (rf"{_REPO}/teams", "repo_teams", ""),
        (rf"{_REPO}/keys(?:/\d+)?", "keys", ""),
        (rf"{_REPO}/(actions|dependabot|codespaces)/secrets", "repo_secrets", "secrets"),
        (rf"{_REPO}/environments/([^/]+)/secrets", "repo_secrets", "secrets"),
        (rf"{_REPO}/hooks", "hooks", ""),
        (rf"{_REPO}/actions/oidc/customization/sub", "oidc", ""),
        (_REPO, "repos", ""),
        (r"users/([^/]+)/keys", "user_keys", ""),
        (r"users", "users", ""),
        (r"(?:users/[^/]+|user/\d+|user)", "users", ""),
        (r"apps/[^/]+", "apps", ""),
        (r"graphql", "graphql", ""),
    )
)
# Names that people give to lists in a bundle, and kinds with one argument that the bundle can fill.
NAMES = {
    "members": "members",
    "organization_members": "members",
    "admins": "admins",
    "owners": "admins",
    "memberships": "membership",
    "outside_collaborators": "outside",
    "teams": "teams",
    "repos": "repos",
    "repositories": "repos",
    "installations": "installations",
    "personal_access_tokens": "tokens",
    "credential_authorizations": "authorizations",
    "secrets": "org_secrets",
    "organization_secrets": "org_secrets",
    "hooks": "hooks",
    "webhooks": "hooks",
    "keys": "keys",
    "deploy_keys": "keys",
    "users": "users",
    "organizations": "organization",
    "organization": "organization",
    "org": "organization",
    "apps": "apps",
    "collaborators": "collaborators",
}
# Members that only items of this kind have; the first that fits counts.
_SHAPES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("app_slug", "permissions"), "installations"),
    (("token_id",), "tokens"),
    (("credential_id", "credential_type"), "authorizations"),
    (("role", "state", "user"), "membership"),
    (("key", "read_only"), "keys"),
    (("events", "config"), "hooks"),
    (("include_claim_keys",), "oidc"),
    (("full_name", "owner"), "repos"),
    (("slug", "privacy"), "teams"),
    (("slug", "members_url"), "teams"),
    (("slug", "external_url"), "apps"),
    (("login", "members_url"), "organization"),
    (("login", "default_repository_permission"), "organization"),
    (("login", "permissions"), "collaborators"),
    (("login", "site_admin"), "users"),
    (("login", "node_id"), "users"),
    (("login", "id"), "users"),
    (("data",), "graphql"),
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of an answer, or a single object as a list of one."""

    kind: str
    where: tuple[str, ...]  # what the address names: organisation, team, repository
    items: list[tuple[int, object]]
    answer: Answer
    name: str  # of the list in its answer; a single object has none
    is_single: bool = False


def listings(answer: Answer) -> Iterator[Listing]:
    """The lists of an answer that are known; nothing for an answer that is none of GitHub's."""
    for pattern, kind, name in _ROUTES:
        if found := pattern.search(answer.path):
            where = tuple(unquoted for unquoted in found.groups() if unquoted is not None)
            if name in answer.lists:
                yield Listing(kind, where, answer.lists[name], answer, name)
            elif answer.value and not name:
                yield Listing(kind, where, [(answer.line, answer.value)], answer, "", is_single=True)
            return
    if not answer.path:
        yield from _by_name(answer)


def _by_name(answer: Answer) -> Iterator[Listing]:
    org = _organization(answer.value)
    for name, items in answer.lists.items():
        kind = shape_of(items[0][1]) if items else None
        kind = NAMES.get(name, kind) if name else kind
        # Unmistakable items win over a name that may have been meant otherwise.
        if kind == "members" and items and shape_of(items[0][1]) == "membership":
            kind = "membership"
        if kind is not None:
            yield Listing(kind, org, items, answer, name)
    for name, part in answer.value.items():
        if isinstance(part, dict) and name in NAMES and shape_of(part) != "users":
            yield Listing(NAMES[name], org, [(answer.line, part)], answer, name, is_single=True)
    if answer.value and not any(name in NAMES for name in answer.value):
        single = shape_of(answer.value)
        if single is not None:
            yield Listing(single, org, [(answer.line, answer.value)], answer, "", is_single=True)


def shape_of(item: object) -> str | None:
    """The kind of an item by the members that it has."""
    if not isinstance(item, dict):
        return None
    return next((kind for names, kind in _SHAPES if all(name in item for name in names)), None)


def _organization(bundle: Mapping[str, object]) -> tuple[str, ...]:
    for name in ("organization", "org"):
        found = bundle.get(name)
        login = found.get("login") if isinstance(found, dict) else found
        if isinstance(login, str) and login.strip():
            return (login.strip(),)
    return ()
