"""The lists of a file, item by item, into what is known of GitHub."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from accounts.connectors.api.values import inner, objects, text_of
from accounts.connectors.exchanges.answers import Answers
from accounts.connectors.github.facts import Facts, Item, Placed, Team
from accounts.connectors.github.rights import level_of
from accounts.connectors.github.routes import Listing, listings, shape_of

_EMBEDDED_IN_TEAM = {"members": "team_members", "repos": "team_repos", "repositories": "team_repos"}
_EMBEDDED_IN_REPO = {
    "collaborators": "collaborators",
    "teams": "repo_teams",
    "keys": "keys",
    "deploy_keys": "keys",
    "hooks": "hooks",
    "webhooks": "hooks",
    "secrets": "repo_secrets",
}


def facts(read: Answers) -> Facts:
    """Gather every list of the file."""
    found = Facts(rejected=list(read.rejected))
    waiting: list[Listing] = []
    for answer in read.found:
        known = list(listings(answer))
        if not known and (answer.path or answer.value or answer.lists.get("")):
            found.unknown.add(answer.path or "an answer without its address")
        waiting.extend(known)
    # What names things comes before what only points at them by slug or login.
    waiting.sort(key=lambda one: _ORDER.get(one.kind, 9))
    for listing in waiting:
        _take(found, listing)
    return found


def _take(found: Facts, listing: Listing) -> None:
    found.listed.setdefault(listing.kind, []).append(listing)
    handler = _HANDLERS.get(listing.kind)
    for line, item in listing.items:
        if not isinstance(item, dict):
            found.reject(line, f"An item of {listing.kind.replace('_', ' ')} is no object.", None)
        elif handler is not None:
            handler(found, listing, line, item)


def _members(found: Facts, listing: Listing, line: int, item: Item) -> None:
    key = found.user(item, line)
    if key is None:
        found.reject(line, "A member has no login.", item)
        return
    query = listing.answer.query
    if query.get("filter") == "2fa_disabled":
        found.without_2fa[key] = line
        return
    if not listing.where:
        return
    asked = query.get("role", "")
    role = text_of(item.get("role")) or (asked if asked in ("admin", "member") else "")
    if listing.kind == "admins":
        role = "admin"
    place = (found.org(listing.where[0]), key)
    if role or place not in found.roles:
        found.roles[place] = (_ROLES.get(role.casefold(), ""), line)


_ROLES = {"admin": "admin", "owner": "admin", "member": "member", "direct_member": "member"}


def _membership(found: Facts, listing: Listing, line: int, item: Item) -> None:
    login = listing.where[1] if len(listing.where) > 1 else None
    org = text_of(inner(item.get("organization")).get("login")) or (
        listing.where[0] if listing.where else None
    )
    key = found.user(inner(item.get("user")), line) or (_by_login(found, login, line) if login else None)
    role = text_of(item.get("role"))
    if key is None or org is None or role is None:
        found.reject(line, "A membership lacks its user, organisation or role.", item)
    elif item.get("state") == "pending":
        found.pending += 1
    else:
        found.roles[found.org(org), key] = (_ROLES.get(role.casefold(), ""), line)


def _outside(found: Facts, listing: Listing, line: int, item: Item) -> None:
    key = found.user(item, line)
    if key is None:
        found.reject(line, "An outside collaborator has no login.", item)
    elif listing.where:
        found.outside[found.org(listing.where[0]), key] = line


def _by_login(found: Facts, login: str, line: int) -> str:
    return found.logins.get(login.casefold()) or found.user({"login": login}, line) or login


def _teams(found: Facts, listing: Listing, line: int, item: Item) -> None:
    team = _team(found, item, line, listing.where[0] if listing.where else "")
    if team is None:
        found.reject(line, "A team has neither number nor slug.", item)
        return
    for inside in _embedded(item, line, _EMBEDDED_IN_TEAM, replace(listing, where=(team.org, team.key))):
        _take(found, inside)


def _team(found: Facts, item: Item, line: int, org: str = "") -> Team | None:
    """Note a team, and its parent if it names one."""
    number, slug = text_of(item.get("id")), text_of(item.get("slug"))
    address = (text_of(item.get("html_url")) or "").partition("/orgs/")[2].partition("/")[0]
    org = org or text_of(inner(item.get("organization")).get("login")) or address
    key = number or (f"{org.casefold()}/{slug.casefold()}" if slug else None)
    if key is None:
        return None
    team = found.teams.setdefault(key, Team(key, text_of(item.get("name")) or slug or key, line))
    team.slug, team.org = team.slug or slug or "", team.org or org
    if team.slug:
        found.slugs.setdefault((team.org.casefold(), team.slug.casefold()), team.key)
    team.words = team.words or text_of(item.get("description"))
    parent = inner(item.get("parent"))
    if parent and (above := _team(found, parent, line, org)) is not None:
        team.parent = above.key
    return team


def team_key(found: Facts, listing: Listing, line: int) -> str | None:
    """The team that an address names, by number or slug; one that no list describes is known by its slug."""
    if len(listing.where) < 2:
        return None
    org, named = listing.where[0], listing.where[1]
    if named in found.teams:
        return named
    for place in ((org.casefold(), named.casefold()), ("", named.casefold())):
        if place in found.slugs:
            return found.slugs[place]
    made = _team(found, {"id": named} if named.isdigit() else {"slug": named, "name": named}, line, org)
    return made.key if made else None


def _child_teams(found: Facts, listing: Listing, line: int, item: Item) -> None:
    team, parent = _team(found, item, line, listing.where[0]), team_key(found, listing, line)
    if team is None:
        found.reject(line, "A team has neither number nor slug.", item)
    else:
        team.parent = team.parent or parent


def _team_members(found: Facts, listing: Listing, line: int, item: Item) -> None:
    team, key = team_key(found, listing, line), found.user(item, line)
    if team is None or key is None:
        found.reject(line, "A member of a team lacks a login, or nothing says which team it is.", item)
        return
    asked = listing.answer.query.get("role", "")
    role = text_of(item.get("role")) or (asked if asked in ("maintainer", "member") else "")
    if role or (team, key) not in found.members:
        found.members[team, key] = (role, line)


def _team_membership(found: Facts, listing: Listing, line: int, item: Item) -> None:
    team, role = team_key(found, listing, line), text_of(item.get("role"))
    if team is None or role is None:
        found.reject(line, "A membership of a team lacks its role.", item)
    elif item.get("state") == "pending":
        found.pending += 1
    else:
        found.members[team, _by_login(found, listing.where[2], line)] = (role, line)


def _repo_of(found: Facts, item: Item) -> str | None:
    full_name = text_of(item.get("full_name"))
    return found.repo(full_name, text_of(item.get("id"))) if full_name and "/" in full_name else None


def _repos(found: Facts, listing: Listing, line: int, item: Item) -> None:
    repo = _repo_of(found, item)
    if repo is None:
        found.reject(line, "A repository has no full name.", item)
        return
    place = replace(listing, where=(found.repo_names[repo],))
    for inside in _embedded(item, line, _EMBEDDED_IN_REPO, place):
        _take(found, inside)


def _team_repos(found: Facts, listing: Listing, line: int, item: Item) -> None:
    team, repo = team_key(found, listing, line), _repo_of(found, item)
    level = level_of(item.get("permissions"), item.get("role_name"), item.get("permission"))
    if team is None or repo is None or level is None:
        found.reject(line, "A repository of a team lacks its name or what the team may do there.", item)
    else:
        found.team_repos[team, repo, level] = line


def _repo_teams(found: Facts, listing: Listing, line: int, item: Item) -> None:
    owner = listing.where[0].partition("/")[0]
    team, repo = _team(found, item, line, owner), found.repo(listing.where[0])
    level = level_of(item.get("permissions"), item.get("role_name"), item.get("permission"))
    if team is None or level is None:
        found.reject(line, "A team of a repository lacks its slug or what it may do there.", item)
    else:
        found.team_repos[team.key, repo, level] = line


def _collaborators(found: Facts, listing: Listing, line: int, item: Item) -> None:
    person = inner(item.get("user")) or item
    key = found.user(person, line)
    level = level_of(item.get("permissions"), item.get("role_name"), item.get("permission"))
    if key is None or level is None or not listing.where or "/" not in listing.where[0]:
        found.reject(line, "A collaborator lacks a login, a permission or the repository.", item)
        return
    if level == "none":
        return
    found.collaborators[found.repo(listing.where[0]), key, level] = line
    if listing.answer.query.get("affiliation") not in ("direct", "outside"):
        found.has_effective = True


def _embedded(item: Item, line: int, names: Mapping[str, str], like: Listing) -> Iterator[Listing]:
    """Lists that a bundle puts inside the object they belong to, which `like` names."""
    for name, kind in names.items():
        parts: list[tuple[int, object]] = [(line, part) for part in objects(item.get(name))]
        if parts and (kind not in ("keys", "hooks") or shape_of(parts[0][1]) == kind):
            yield replace(like, kind=kind, items=parts, name=name, is_single=True)


def _organization(found: Facts, _listing: Listing, line: int, item: Item) -> None:
    login = text_of(item.get("login"))
    if login is None:
        found.reject(line, "An organisation has no login.", item)
    else:
        found.organizations.setdefault(found.org(login), Placed(line, item))


def _kept(name: str) -> Callable[[Facts, Listing, int, Item], None]:
    """Keep items as they are, with what their address names."""

    def keep(found: Facts, listing: Listing, line: int, item: Item) -> None:
        where = listing.where[0] if listing.where else ""
        detail = listing.where[1] if len(listing.where) > 1 else ""
        kept: list[Placed] = getattr(found, name)
        kept.append(Placed(line, item, where, detail))

    return keep


def _users(found: Facts, _listing: Listing, line: int, item: Item) -> None:
    if item.get("type") != "Organization" and found.user(item, line) is None:
        found.reject(line, "A user has no login.", item)


def _apps(found: Facts, _listing: Listing, line: int, item: Item) -> None:
    slug = text_of(item.get("slug"))
    if slug is None:
        found.reject(line, "An app has no slug.", item)
    else:
        found.apps[slug] = item


def _org_roles(found: Facts, listing: Listing, line: int, item: Item) -> None:
    number = text_of(item.get("id"))
    if number is None:
        found.reject(line, "A role of the organisation has no number.", item)
    else:
        found.org_roles[number] = Placed(line, item, found.org(listing.where[0]) if listing.where else "")


def _org_role_users(found: Facts, listing: Listing, line: int, item: Item) -> None:
    if item.get("assignment") == "indirect":
        return  # held through a team, which is told by itself
    key = found.user(item, line)
    if key is None:
        found.reject(line, "A holder of a role has no login.", item)
    else:
        found.org_role_users[listing.where[1], key] = line


def _org_role_teams(found: Facts, listing: Listing, line: int, item: Item) -> None:
    team = _team(found, item, line, listing.where[0])
    if team is None:
        found.reject(line, "A team with a role has no slug.", item)
    else:
        found.org_role_teams[listing.where[1], team.key] = line


def _oidc(found: Facts, listing: Listing, _line: int, item: Item) -> None:
    claims = item.get("include_claim_keys")
    said = ", ".join(part for part in claims if isinstance(part, str)) if isinstance(claims, list) else ""
    found.sub_claims.append((listing.where[0] if listing.where else "", said or "repo, context"))


def _graphql(found: Facts, listing: Listing, line: int, item: Item) -> None:
    org = inner(inner(item.get("data")).get("organization"))
    login = text_of(org.get("login")) or "organization"
    people = inner(org.get("membersWithRole"))
    for edge, node in _edges(people):
        made = {
            "login": node.get("login"),
            "id": node.get("databaseId") or node.get("id"),
            "name": node.get("name"),
            "email": node.get("email") or None,
            "created_at": node.get("createdAt"),
            "type": "User",
        }
        key = found.user(made, line)
        if key is None:
            found.reject(line, "A member has no login.", node)
            continue
        found.roles[found.org(login), key] = (
            _ROLES.get((text_of(edge.get("role")) or "").casefold(), ""),
            line,
        )
        if edge.get("hasTwoFactorEnabled") is False:
            found.without_2fa[key] = line
    if people:
        found.listed.setdefault("members", []).append(
            Listing(
                "members", (login,), [(line, one) for one, _ in _edges(people)], listing.answer, "graphql"
            )
        )
    identities = inner(inner(org.get("samlIdentityProvider")).get("externalIdentities"))
    for _, node in _edges(identities):
        name_id = text_of(inner(node.get("samlIdentity")).get("nameId"))
        user = text_of(inner(node.get("user")).get("login"))
        if user and name_id and "@" in name_id:
            found.user({"login": user, "email": name_id}, line)


def _edges(connection: Item) -> Iterator[tuple[Item, Item]]:
    """Edges with their nodes, or nodes alone."""
    for edge in objects(connection.get("edges")):
        yield edge, inner(edge.get("node"))
    for node in objects(connection.get("nodes")):
        yield node, node


def _invitation(found: Facts, _listing: Listing, _line: int, _item: Item) -> None:
    found.pending += 1


_HANDLERS: Mapping[str, Callable[[Facts, Listing, int, Item], None]] = {
    "members": _members,
    "admins": _members,
    "membership": _membership,
    "outside": _outside,
    "invitations": _invitation,
    "teams": _teams,
    "child_teams": _child_teams,
    "team_members": _team_members,
    "team_membership": _team_membership,
    "team_repos": _team_repos,
    "repo_teams": _repo_teams,
    "repos": _repos,
    "collaborators": _collaborators,
    "organization": _organization,
    "users": _users,
    "apps": _apps,
    "org_roles": _org_roles,
    "org_role_users": _org_role_users,
    "org_role_teams": _org_role_teams,
    "oidc": _oidc,
    "graphql": _graphql,
    "installations": _kept("installations"),
    "keys": _kept("keys"),
    "user_keys": _kept("user_keys"),
    "tokens": _kept("tokens"),
    "authorizations": _kept("authorizations"),
    "org_secrets": _kept("secrets"),
    "repo_secrets": _kept("secrets"),
    "hooks": _kept("hooks"),
}
_ORDER = {
    "organization": 0,
    "users": 1,
    "members": 2,
    "admins": 2,
    "graphql": 2,
    "teams": 3,
    "repos": 3,
    "outside": 4,
    "team_members": 5,
}
