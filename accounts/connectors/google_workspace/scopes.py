"""Admin roles and OAuth scopes of Google: whether they are privileged, and why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from accounts.connectors.api.values import objects, text_of
from accounts.connectors.records import Mark

_ROOT = re.compile(r"https://(?:www\.googleapis\.com/auth/|mail\.google\.com|www\.google\.com/)")
_HARMLESS = frozenset({"openid", "email", "profile", "userinfo.email", "userinfo.profile", "plus.me"})
_SCOPES: tuple[tuple[str, str, tuple[Mark, ...]], ...] = (
    ("mail.google.com", "reads, writes, sends and deletes mail", ()),
    ("gmail.modify", "reads and changes mail", ()),
    ("gmail.readonly", "reads mail, with all that is sent by it", ()),
    ("gmail.settings.sharing", "gives others access to mailboxes", ("impersonate",)),
    ("gmail.send", "sends mail in the name of others", ("impersonate",)),
    ("cloud-platform", "manages everything in Google Cloud that the user may", ("admin",)),
    ("admin.directory.rolemanagement", "gives admin roles", ("admin", "iam_write")),
    ("admin.directory.user.security", "takes away and lists tokens and app passwords", ("iam_write",)),
    ("admin.directory.user", "creates users and resets passwords", ("iam_write", "impersonate")),
    ("admin.directory.group", "changes groups and who is in them", ("iam_write",)),
    ("admin.directory.domain", "adds domains", ("iam_write",)),
    ("apps.groups.settings", "changes who may read and join groups", ("iam_write",)),
    ("apps.security", "changes security settings", ("iam_write",)),
    ("cloud-identity.groups", "changes groups and who is in them", ("iam_write",)),
    ("ediscovery", "searches and exports everybody's mail and files", ()),
    ("drive", "reads and changes every file", ()),
)
# What an admin role may hold to be privileged.
_PRIVILEGES: tuple[tuple[str, str, tuple[Mark, ...]], ...] = (
    ("ROLE_MANAGEMENT", "gives admin roles", ("iam_write",)),
    ("SUPER_ADMIN", "manages everything", ("admin",)),
    ("USERS_RESET_PASSWORD", "resets passwords", ("impersonate",)),
    ("USERS_FORCE_PASSWORD_CHANGE", "resets passwords", ("impersonate",)),
    ("USERS_ALL", "manages users and their passwords", ("iam_write", "impersonate")),
    ("USERS_CREATE", "creates users", ("iam_write",)),
    ("USER_SECURITY_ALL", "manages tokens and second factors of users", ("iam_write",)),
    ("SECURITY_SETTINGS", "changes security settings", ("iam_write",)),
    ("MANAGE_USER_SETTINGS", "changes security settings", ("iam_write",)),
    ("GROUPS_ALL", "changes groups and who is in them", ("iam_write",)),
    ("GROUPS_UPDATE", "changes groups and who is in them", ("iam_write",)),
    ("DOMAIN_MANAGEMENT", "adds domains", ("iam_write",)),
    ("APP_ADMIN", "decides which applications may be used", ("iam_write",)),
    ("ACCESS_ALL_MATTERS", "searches and exports everybody's mail and files", ()),
)
_ALL: tuple[Mark, ...] = ("admin", "iam_write")
_SYSTEM_NAMES: dict[str, tuple[str, tuple[Mark, ...]]] = {
    "_SEED_ADMIN_ROLE": ("manages everything, other administrators too", _ALL),
    "_USER_MANAGEMENT_ADMIN_ROLE": ("manages users and their passwords", ("iam_write", "impersonate")),
    "_HELP_DESK_ADMIN_ROLE": ("resets passwords", ("impersonate",)),
    "_GROUPS_ADMIN_ROLE": ("changes groups and who is in them", ("iam_write",)),
    "_SERVICE_ADMIN_ROLE": ("changes the settings of services and devices", ()),
    "_MOBILE_ADMIN_ROLE": ("manages devices", ()),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether something is privileged and why, in words."""

    name: str
    is_privileged: bool | None
    because: str | None
    marks: tuple[Mark, ...] = ()


def judge_role(value: Mapping[str, object]) -> Judgement:
    """By what Google says of its own roles, and by the privileges of the others."""
    name = text_of(value.get("roleName")) or ""
    if value.get("isSuperAdminRole") is True:
        name = name or "Super Admin"
        return Judgement(name, True, "This role manages everything, other administrators too.", _ALL)
    if (known := _SYSTEM_NAMES.get(name)) is not None:
        return Judgement(name, True, f"This role {known[0]}.", _marks(known[1]))
    held = [text_of(one.get("privilegeName")) or "" for one in objects(value.get("rolePrivileges"))]
    found = [(words, marks) for part, words, marks in _PRIVILEGES if part in held]
    if found:
        words = ", ".join(dict.fromkeys(one for one, _ in found))
        return Judgement(
            name, True, f"This role {words}.", _marks(tuple(m for _, marks in found for m in marks))
        )
    if held:
        return Judgement(
            name, False, "No privilege of this role gives roles, users, groups or security settings."
        )
    return Judgement(name, None, None)


def judge_scope(scope: str, *, is_for_all: bool) -> Judgement:
    """A scope by its name; read-only ones change nothing, but reading everybody's mail is no small thing."""
    name = _ROOT.sub(lambda found: "mail.google.com" if "mail" in found[0] else "", scope).strip("/") or scope
    who = " as anybody, without asking" if is_for_all else ""
    marks: tuple[Mark, ...] = ("impersonate",) if is_for_all else ()
    for part, words, own in _SCOPES:
        if name == part or (name.startswith(f"{part}.") and not name.endswith(("readonly", ".file"))):
            return Judgement(name, True, f"The scope {words}{who}.", _marks((*own, *marks)))
    if name in _HARMLESS:
        return Judgement(name, False, "It only tells who signed in.")
    if name.endswith("readonly"):
        return Judgement(name, None if is_for_all else False, None if is_for_all else "It only reads.")
    return Judgement(name, None, None, marks)


def _marks(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    return tuple(dict.fromkeys(marks))
