"""Organisations, teams, repositories and people of GitHub as records, each before what names it."""

from collections.abc import Iterator

from accounts.connectors.api.values import inner, moment, text_of
from accounts.connectors.github.facts import Facts, Placed, Team
from accounts.connectors.github.machines import key_level, key_repo, machines, tokens
from accounts.connectors.github.rights import LEVELS, on_repository
from accounts.connectors.records import Account, Credential, Entitlement, Grant, Inclusion, Record

_ORG_ROLES = {
    "admin": ("Owner of {}", True, "Everything in the organisation: members, billing, every repository.",
              "Gives and takes every right in the organisation."),
    "member": ("Member of {}", False, "Belongs to the organisation; more comes from teams and repositories.",
               "Membership by itself changes nothing."),
    "": ("Belongs to {}", None, "Belongs to the organisation, as a member or as an owner.",
         "The file does not say whether as an owner: export with role=admin, or the memberships."),
    "outside": ("Outside collaborator of {}", False, "Works on single repositories without being a member.",
                "Reaches only the repositories that are named for it."),
}  # fmt: skip
_STRONG_ROLES = ("admin", "security", "secret", "owner")


class Telling:
    """The records of one file."""

    def __init__(self, found: Facts) -> None:
        self._found = found
        self.repo_right: dict[tuple[str, str], str] = {}
        self._parents = {key: team.parent for key, team in found.teams.items() if team.parent in found.teams}
        self._above: dict[str, tuple[str, ...]] = {}
        self._held: dict[str, dict[str, str]] = {}  # team -> level -> a repository where it holds it
        for team, repo, level in found.team_repos:
            self._held.setdefault(team, {}).setdefault(level, repo)
        self._with_role = {team for _, team in found.org_role_teams}
        self._maintained: dict[str, int] = {}  # team -> line of the first maintainer
        for (team, _), (role, line) in found.members.items():
            if role == "maintainer":
                self._maintained.setdefault(team, line)
        self.through_children = 0
        self.explained = 0

    def records(self) -> Iterator[Record]:
        """Everything, entitlements and accounts first."""
        yield from self._found.rejected
        yield from self._repositories()
        yield from self._organizations()
        for team in self._found.teams.values():
            yield from self._team(team)
        yield from self._org_roles()
        for key, placed in self._found.users.items():
            yield _account(key, placed)
        yield from self._inclusions()
        yield from self._grants()
        yield from self._collaborators()
        yield from tokens(self._found)
        for key, line in self._found.without_2fa.items():
            yield Credential(
                account=self._found.current(key),
                kind="password",
                fingerprint="password",
                line=line,
                is_slot=True,
                weakness="Signs in without a second factor",
            )
        yield from machines(self._found, self.repo_right)

    def _repositories(self) -> Iterator[Record]:
        """A right for every level that somebody or something holds on a repository."""
        found = self._found
        held: dict[tuple[str, str], int] = {}
        for (_, repo, level), line in found.team_repos.items():
            held.setdefault((repo, level), line)
        for (repo, _, level), line in found.collaborators.items():
            held.setdefault((repo, level), line)
        for one in found.keys:
            if (name := key_repo(one)) is not None:
                held.setdefault((found.repo(name), key_level(one)), one.line)
        for (repo, level), line in held.items():
            key = f"repo/{found.repos.get(repo, repo)}#{level}"
            self.repo_right[repo, level] = key
            right = on_repository(level)
            yield Entitlement(
                external_id=key,
                name=f"{level} on {found.repo_names[repo]}",
                kind="right",
                line=line,
                plain_words=right.plain_words,
                is_privileged=right.is_privileged,
                because=right.because,
                marks=right.marks,
            )

    def _organizations(self) -> Iterator[Record]:
        found = self._found
        held = {(org, role): line for (org, _), (role, line) in reversed(found.roles.items())}
        held.update({(org, "outside"): line for (org, _), line in reversed(found.outside.items())})
        for (org, role), line in sorted(held.items()):
            yield self._org_role(org, role, line)
        for org, placed in found.organizations.items():
            base = text_of(placed.value.get("default_repository_permission"))
            if base is None or base == "none":
                continue
            if (org, "member") not in held:
                yield self._org_role(org, "member", placed.line)
            right = on_repository({"read": "pull", "write": "push"}.get(base, base))
            yield Entitlement(
                external_id=f"org/{org}#base-{base}",
                name=f"{base} on every repository of {found.orgs[org]}",
                kind="right",
                line=placed.line,
                plain_words=f"What every member may do on every repository: {right.plain_words}",
                is_privileged=right.is_privileged,
                because=right.because,
                marks=right.marks,
            )
            yield Inclusion(f"org/{org}#member", f"org/{org}#base-{base}", placed.line)

    def _org_role(self, org: str, role: str, line: int) -> Entitlement:
        name, is_privileged, words, because = _ORG_ROLES[role]
        return Entitlement(
            external_id=f"org/{org}#{role or 'belongs'}",
            name=name.format(self._found.orgs[org]),
            kind="role",
            line=line,
            plain_words=words,
            is_privileged=is_privileged,
            because=because,
            marks=("admin", "iam_write") if role == "admin" else (),
        )

    def _team(self, team: Team) -> Iterator[Record]:
        is_privileged, because = self._judged(team)
        yield Entitlement(
            external_id=f"team/{team.key}",
            name=team.name,
            kind="group",
            line=team.line,
            plain_words=team.words or f"Member of the team {team.name}, which hands on what it holds.",
            is_privileged=is_privileged,
            because=because,
        )
        if team.key in self._maintained:
            yield Entitlement(
                external_id=f"team/{team.key}#maintainer",
                name=f"{team.name}: maintainer",
                kind="role",
                line=self._maintained[team.key],
                plain_words=f"Adds and removes members of the team {team.name}.",
                is_privileged=is_privileged,
                because=f"Decides who is in the team. {because}",
                marks=("iam_write",) if is_privileged else (),
            )

    def _judged(self, team: Team) -> tuple[bool | None, str]:
        """A team is as privileged as the strongest of what it and the teams above it hold."""
        above = (team.key, *self._ancestors(team.key))
        levels = {level: repo for key in above for level, repo in self._held.get(key, {}).items()}
        if not self._with_role.isdisjoint(above):
            return None, "It holds a role of the organisation."
        for level in (*LEVELS, *levels):
            if level in levels:
                right = on_repository(level)
                name = self._found.repo_names[levels[level]]
                return right.is_privileged, f"Through {level} on {name}: {right.because}"
        return None, "The file does not say what the team may do."

    def _ancestors(self, key: str) -> tuple[str, ...]:
        """The teams above, nearest first; a circle ends."""
        if (known := self._above.get(key)) is not None:
            return known
        above: dict[str, None] = {}
        current = self._parents.get(key)
        while current is not None and current != key and current not in above:
            above[current] = None
            current = self._parents.get(current)
        self._above[key] = tuple(above)
        return self._above[key]

    def _teams_of(self) -> dict[str, list[str]]:
        """The teams that each person is listed for."""
        teams: dict[str, list[str]] = {}
        for team, user in self._found.members:
            teams.setdefault(self._found.current(user), []).append(team)
        return teams

    def _org_roles(self) -> Iterator[Record]:
        for number, placed in self._found.org_roles.items():
            name = text_of(placed.value.get("name")) or number
            base = text_of(placed.value.get("base_role"))
            is_strong = any(word in name.casefold() for word in _STRONG_ROLES) or base in (
                "admin",
                "maintain",
            )
            yield Entitlement(
                external_id=f"org-role/{number}",
                name=name,
                kind="role",
                line=placed.line,
                plain_words=text_of(placed.value.get("description")),
                is_privileged=True if is_strong else None,
                because=f"Gives {base} on every repository."
                if base
                else "A role of the organisation, judged by its name."
                if is_strong
                else None,
            )
        named = {
            number: line
            for (number, _), line in (
                *self._found.org_role_users.items(),
                *self._found.org_role_teams.items(),
            )
        }
        for number, line in named.items():
            if number not in self._found.org_roles:
                yield Entitlement(f"org-role/{number}", f"organisation role {number}", "role", line)

    def _inclusions(self) -> Iterator[Record]:
        found = self._found
        for child, parent in self._parents.items():
            # Whoever is in a team holds what the teams above it hold.
            yield Inclusion(f"team/{child}", f"team/{parent}", found.teams[child].line)
        for (team, repo, level), line in found.team_repos.items():
            yield Inclusion(f"team/{team}", self.repo_right[repo, level], line)
        for (number, team), line in found.org_role_teams.items():
            yield Inclusion(f"team/{team}", f"org-role/{number}", line)

    def _grants(self) -> Iterator[Record]:
        found = self._found
        for (org, user), (role, line) in found.roles.items():
            yield Grant(found.current(user), f"org/{org}#{role or 'belongs'}", line)
        for (org, user), line in found.outside.items():
            yield Grant(found.current(user), f"org/{org}#outside", line)
        deeper = {  # (team, user) that a team below explains
            (above, user)
            for user, teams in self._teams_of().items()
            if len(teams) > 1
            for team in teams
            for above in self._ancestors(team)
        }
        for (team, user), (role, line) in found.members.items():
            if (team, found.current(user)) in deeper and role != "maintainer":
                self.through_children += 1
                continue
            yield Grant(found.current(user), f"team/{team}", line)
            if role == "maintainer":
                yield Grant(found.current(user), f"team/{team}#maintainer", line)
        for (number, user), line in found.org_role_users.items():
            yield Grant(found.current(user), f"org-role/{number}", line)

    def _collaborators(self) -> Iterator[Record]:
        """Rights of people on repositories, except those that a team of the file or ownership explains."""
        found = self._found
        owners = {
            (org, found.current(user)) for (org, user), (role, _) in found.roles.items() if role == "admin"
        }
        teams = self._teams_of() if found.has_effective else {}
        for (repo, user, level), line in found.collaborators.items():
            person = found.current(user)
            is_owner = level == "admin" and (repo.partition("/")[0], person) in owners
            has_team = any(
                (key, repo, level) in found.team_repos
                for team in teams.get(person, ())
                for key in (team, *self._ancestors(team))
            )
            if found.has_effective and (is_owner or has_team):
                self.explained += 1
                continue
            yield Grant(person, self.repo_right[repo, level], line)


def _account(key: str, placed: Placed) -> Account:
    value = placed.value
    login = text_of(value.get("login")) or key
    is_bot = value.get("type") == "Bot" or login.endswith("[bot]")
    is_person = value.get("type") == "User" and not is_bot
    return Account(
        external_id=key,
        name=login,
        line=placed.line,
        display_name=text_of(value.get("name")),
        kind="machine" if is_bot else "personal" if is_person else None,
        identity_kind="bot" if is_bot else "human" if is_person else None,
        identity_key=login if is_bot else None,
        email=text_of(value.get("email")) or text_of(inner(value.get("plan")).get("email")),
        is_enabled=False if value.get("suspended_at") else None,
        created_at=moment(value.get("created_at")),
    )
