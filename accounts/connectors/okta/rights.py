"""Accounts of Okta, their groups, applications and admin roles, and what they sign in with."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from accounts.connectors.api.privilege import spread
from accounts.connectors.api.values import excerpt, inner, moment, objects, text_of
from accounts.connectors.okta.accounts import (
    app_name,
    client_credentials,
    flows,
    is_service,
    password_source,
    service_account,
    user_account,
)
from accounts.connectors.okta.objects import Found, Org, Value
from accounts.connectors.records import (
    Account,
    Credential,
    Entitlement,
    Grant,
    Inclusion,
    Mark,
    Record,
    Rejected,
)
from accounts.connectors.values import KEY_LIMIT, WORDS_LIMIT

_ROLES: dict[str, tuple[bool, str, tuple[Mark, ...]]] = {
    "SUPER_ADMIN": (True, "manages everything, other administrators too", ("admin", "iam_write")),
    "ORG_ADMIN": (True, "manages users, groups and settings of the organisation", ("iam_write",)),
    "APP_ADMIN": (True, "manages applications and who may use them", ("iam_write",)),
    "USER_ADMIN": (True, "manages users and groups and resets passwords", ("iam_write", "impersonate")),
    "GROUP_MEMBERSHIP_ADMIN": (True, "decides who is in groups and has what they bring", ("iam_write",)),
    "HELP_DESK_ADMIN": (True, "resets passwords and factors of users", ("impersonate",)),
    "API_ACCESS_MANAGEMENT_ADMIN": (True, "decides who gets tokens for which interfaces", ("iam_write",)),
    "MOBILE_ADMIN": (True, "manages devices", ()),
    "ACCESS_CERTIFICATIONS_ADMIN": (True, "runs access reviews and so takes rights away", ()),
    "ACCESS_REQUESTS_ADMIN": (True, "decides how access is asked for and given", ("iam_write",)),
    "WORKFLOWS_ADMIN": (True, "changes what Okta does by itself", ("escalate",)),
    "READ_ONLY_ADMIN": (False, "reads everything and changes nothing", ()),
    "REPORT_ADMIN": (False, "reads reports and logs", ()),
}  # fmt: skip
_STATIC = "API token: a static secret with all rights of its user"
APP, ROLE = "app:", "role:"  # what external ids of applications and admin roles begin with


@dataclass(slots=True)
class Rights:
    """Collects accounts and entitlements first and what names them second."""

    found: Org
    accounts: dict[str, Account] = field(default_factory=dict)
    entitlements: dict[str, Entitlement] = field(default_factory=dict)
    inclusions: dict[tuple[str, str], Inclusion] = field(default_factory=dict)
    grants: dict[tuple[str, str], Grant] = field(default_factory=dict)
    credentials: dict[tuple[str, str, str], Credential] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def read(self) -> None:
        """Everything in the order in which later records need earlier ones."""
        self._users()
        self._groups()
        self._apps()
        self._memberships()
        self._roles()
        self._assignments()
        self._tokens()
        spread(self.entitlements, self.inclusions)

    def records(self) -> Iterator[Record]:
        """Accounts and entitlements, then who holds what."""
        yield from self.found.rejected
        yield from self.rejected
        yield from self.accounts.values()
        yield from self.entitlements.values()
        yield from self.inclusions.values()
        yield from self.grants.values()
        yield from self.credentials.values()

    def _users(self) -> None:
        for key, one in self.found.of("user").items():
            account = user_account(key, one)
            if account is None:
                self._reject(
                    one,
                    "name_too_long",
                    f"The login has more than {KEY_LIMIT} characters. Correct it in Okta.",
                )
                continue
            self.accounts[key] = account
            if password_source(one) == "ACTIVE_DIRECTORY":
                self._count("users whose password is in Active Directory and who are disabled there")
            if one.value.get("status") == "STAGED":
                self._count("users that were never activated (STAGED)")
            if (changed := moment(one.value.get("passwordChanged"))) is not None:
                self._credential(
                    Credential(key, "password", "password", one.line, rotated_at=changed, is_slot=True)
                )

    def _groups(self) -> None:
        for key, one in self.found.of("group").items():
            profile = inner(one.value.get("profile"))
            name = (text_of(profile.get("name")) or key)[:KEY_LIMIT]
            kind = text_of(one.value.get("type"))
            removable = None
            if kind == "APP_GROUP":
                source = inner(inner(one.value.get("_embedded")).get("app"))
                removable = text_of(source.get("label")) or "the application that the group comes from"
                if "windowsDomainQualifiedName" in profile or "samAccountName" in profile:
                    removable = "on-premises Active Directory"
            self.entitlements[key] = Entitlement(
                external_id=key,
                name=name,
                kind="group",
                line=one.line,
                plain_words=(text_of(profile.get("description")) or f"Member of the group {name}.")[
                    :WORDS_LIMIT
                ],
                is_privileged=False if kind == "BUILT_IN" and name == "Everyone" else None,
                because="Everybody is in it." if kind == "BUILT_IN" and name == "Everyone" else None,
                removable_at=removable,
            )

    def _apps(self) -> None:
        """Every application as a right to use it; one that signs in for itself is an account too."""
        for key, one in self.found.of("app").items():
            name = app_name(key, one.value)
            old = sorted({"password", "implicit"} & flows(one.value))
            self.entitlements[f"{APP}{key}"] = Entitlement(
                external_id=f"{APP}{key}",
                name=f"{name} (application)"[:KEY_LIMIT],
                kind="right",
                line=one.line,
                plain_words=f"May sign in to {name} through Okta.",
                marks=("deprecated_auth",) if old else (),
                risk=f"It gives out tokens in ways that are given up: {', '.join(old)}." if old else None,
            )
            if is_service(one.value):
                self.accounts[key] = service_account(key, one)
                for made in client_credentials(key, one, self.found):
                    if isinstance(made, Credential):
                        self._credential(made)
                    else:
                        self._reject(made, "no_key_id", "A key has no kid, so it can't be told apart.")

    def _memberships(self) -> None:
        for group, part in self.found.hanging("members"):
            self._hold(text_of(part.value.get("id")), group, part, "group")
        for user, part in self.found.hanging("user_groups"):
            self._hold(user, text_of(part.value.get("id")) or "", part, "group")

    def _roles(self) -> None:
        for relation, is_group in (("user_roles", False), ("client_roles", False), ("group_roles", True)):
            for holder, part in self.found.hanging(relation):
                if text_of(part.value.get("status")) == "INACTIVE":
                    self._count("admin roles that are switched off")
                    continue
                if not is_group and text_of(part.value.get("assignmentType")) == "GROUP":
                    self._count("admin roles of users that come through a group")
                    continue
                role = self._role(part)
                if is_group:
                    self._include(holder, role, part)
                else:
                    self._hold(holder, role, part, "role")

    def _role(self, part: Found) -> str:
        kind = text_of(part.value.get("type")) or "unknown"
        custom = text_of(part.value.get("role"))  # of a role that the organisation made itself
        limits = _targets(part.value)
        key = f"{ROLE}{custom or kind}" + (f"@{part.value.get('id')}" if limits else "")
        label = text_of(part.value.get("label")) or kind
        known = _ROLES.get(kind)
        words = f"This role {known[1]}." if known else None
        if key not in self.entitlements:
            because = f"{words} Limited to {limits}." if words and limits else words
            self.entitlements[key] = Entitlement(
                external_id=key[:KEY_LIMIT],
                name=(f"{label} (for {limits})" if limits else label)[:KEY_LIMIT],
                kind="role",
                line=part.line,
                plain_words=(text_of(part.value.get("description")) or f"Admin role {label}.")[:WORDS_LIMIT],
                is_privileged=known[0] if known else None,
                because=because,
                reach="console" if known and known[0] else None,
                marks=known[2] if known else (),
            )
        return key[:KEY_LIMIT]

    def _assignments(self) -> None:
        for app, part in self.found.hanging("app_users"):
            if text_of(part.value.get("scope")) == "GROUP":
                self._count("assignments of applications that come through a group")
                continue
            self._hold(text_of(part.value.get("id")), f"{APP}{app}", part, "application")
        for app, part in self.found.hanging("app_groups"):
            self._include(text_of(part.value.get("id")) or "", f"{APP}{app}", part)
        for group, part in self.found.hanging("group_apps"):
            self._include(group, f"{APP}{text_of(part.value.get('id'))}", part)

    def _tokens(self) -> None:
        for key, one in self.found.of("api_token").items():
            user = text_of(one.value.get("userId"))
            if user is None or user not in self.accounts:
                self._reject(
                    one, "unknown_user", f"The user of the API token {key} is not in the file. Export users."
                )
                continue
            self._credential(
                Credential(
                    user,
                    "token",
                    key,
                    one.line,
                    created_at=moment(one.value.get("created")),
                    expires_at=moment(one.value.get("expiresAt")),
                    weakness=_STATIC,
                )
            )

    def _hold(self, account: str | None, target: str, part: Found, what: str) -> None:
        if account is None or not target:
            self._reject(part, "no_id", f"It does not say who holds the {what}. Export it with its ids.")
        elif target not in self.entitlements:
            self._reject(part, f"unknown_{what}", f"The {what} {target} is not in the file. Export it too.")
        elif account not in self.accounts and not self._stranger(account, part):
            self._reject(part, "unknown_user", f"{account} is not in the file. Export the users too.")
        else:
            at = moment(part.value.get("created")) if what != "group" else None
            self.grants.setdefault((account, target), Grant(account, target, part.line, starts_at=at))

    def _stranger(self, key: str, part: Found) -> bool:
        """A member is written out whole, so it is known even if the users are not in the file."""
        if "login" not in inner(part.value.get("profile")) or text_of(part.value.get("id")) != key:
            return False
        account = user_account(key, part)
        if account is not None:
            self.accounts[key] = account
        return account is not None

    def _include(self, group: str, target: str, part: Found) -> None:
        if group not in self.entitlements:
            self._reject(
                part, "unknown_group", f"The group {group} is not in the file. Export the groups too."
            )
        elif target not in self.entitlements:
            self._reject(
                part, "unknown_application", f"{target} is not in the file. Export the applications too."
            )
        else:
            self.inclusions.setdefault((group, target), Inclusion(group, target, part.line))

    def _credential(self, made: Credential) -> None:
        self.credentials.setdefault((made.account, made.kind, made.fingerprint), made)

    def _count(self, what: str) -> None:
        self.notes[what] = self.notes.get(what, 0) + 1

    def _reject(self, part: Found, code: str, reason: str) -> None:
        self.rejected.append(Rejected(part.line, code, reason, excerpt(part.value)))


def _targets(value: Value) -> str | None:
    """The groups and applications that an admin role is limited to, if the answer was asked to name them."""
    embedded = inner(inner(value.get("_embedded")).get("targets"))
    groups = [text_of(inner(one.get("profile")).get("name")) for one in objects(embedded.get("groups"))]
    catalog = inner(embedded.get("catalog"))
    apps = [
        text_of(one.get("label")) or text_of(one.get("displayName")) or text_of(one.get("name"))
        for one in objects(catalog.get("apps"))
    ]
    names = [name for name in (*groups, *apps) if name]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") if names else None
