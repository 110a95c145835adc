"""Columns of safe member lists as PVWA, psPAS and CyberArk's reports write them, and what rights mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from accounts.connectors.columns import aliases
from accounts.connectors.records import Mark, Reach
from accounts.connectors.secret_names import normal

FIELDS = aliases(
    {
        "safe": "safe | safe name | safeurlid | sm safe name | safe url id",
        "member": "member name | member | safe member | user name | user | sm member name | owner name | "
        "group name",
        "member_type": "member type | type | sm member type | owner type | user type",
        "expires": "membership expiration date | expiration date | expiration | expires | sm membership "
        "expiration date",
        "predefined": "is predefined user | predefined | predifined | is predefined",
        "permissions": "permissions | rights | authorizations | authorisations",
        "description": "safe description | description",
    }
)

# Names of the API first, then those of older versions and of reports.
_SPELLINGS = {
    "useAccounts": "use accounts | use password | use | restricted retrieve",
    "retrieveAccounts": "retrieve accounts | retrieve | retrieve password | retrieve files",
    "listAccounts": "list accounts | list | list content | list files",
    "addAccounts": "add accounts | add | create object | add files",
    "updateAccountContent": "update account content | update | update object content | update files",
    "updateAccountProperties": "update account properties | update metadata | update object properties",
    "initiateCPMAccountManagementOperations": "initiate cpm account management operations | "
    "initiate cpm change | initiate cpm | initiate cpm password management operations",
    "specifyNextAccountContent": "specify next account content | initiate cpm change with manual password",
    "renameAccounts": "rename accounts | rename | rename object",
    "deleteAccounts": "delete accounts | delete | delete object",
    "unlockAccounts": "unlock accounts | unlock | unlock object",
    "manageSafe": "manage safe",
    "manageSafeMembers": "manage safe members | manage safe owners | manage members",
    "backupSafe": "backup safe | backup",
    "viewAuditLog": "view audit log | view audit",
    "viewSafeMembers": "view safe members | view members | view owners",
    "accessWithoutConfirmation": "access without confirmation | access no confirmation | no confirm required",
    "createFolders": "create folders | add rename folder | create folder",
    "deleteFolders": "delete folders | delete folder",
    "moveAccountsAndFolders": "move accounts and folders | move files and folders | move from | move into",
    "requestsAuthorizationLevel1": "requests authorization level 1 | authorize account requests level 1 | "
    "confirm level 1 | supervise | requests authorization level",
    "requestsAuthorizationLevel2": "requests authorization level 2 | authorize account requests level 2",
}
PERMISSIONS: Mapping[str, str] = {
    normal(name): permission
    for permission, names in _SPELLINGS.items()
    for name in (permission, *names.split("|"), f"sm{permission}")
}


@dataclass(frozen=True, slots=True)
class Power:
    """One right on a safe, made of permissions that mean the same to whoever decides."""

    key: str
    permissions: tuple[str, ...]
    name: str  # with {safe}
    words: str  # with {safe}
    kind: Literal["right", "act_as"] = "right"
    is_privileged: bool | None = False
    because: str | None = None
    reach: Reach | None = None
    marks: tuple[Mark, ...] = ()


POWERS = (
    Power(
        "use",
        ("useAccounts",),
        "use the accounts of safe {safe}",
        "Opens sessions with the accounts of the safe {safe}, without seeing their passwords.",
        kind="act_as",
        is_privileged=None,
        because="What the accounts in the safe may do is not in the file.",
        reach="safe",
    ),
    Power(
        "retrieve",
        ("retrieveAccounts",),
        "see the passwords of safe {safe}",
        "Sees and copies the passwords and keys of the accounts of the safe {safe}.",
        kind="act_as",
        is_privileged=True,
        because="Sees the secrets themselves, so they can be used outside, where nothing is recorded.",
        reach="safe",
        marks=("secrets_read",),
    ),
    Power(
        "manage",
        ("manageSafe", "manageSafeMembers"),
        "administer safe {safe}",
        "Decides who may do what in the safe {safe}, or changes the safe itself.",
        is_privileged=True,
        because="Can give every right on the safe, to oneself too.",
        marks=("admin", "iam_write"),
    ),
    Power(
        "unconfirmed",
        ("accessWithoutConfirmation",),
        "skip confirmation for safe {safe}",
        "Uses what it may in the safe {safe} without the confirmation that others have to wait for.",
        is_privileged=True,
        because="Takes away the second person where the safe asks for one.",
        marks=("unconfined",),
    ),
    Power(
        "confirm",
        ("requestsAuthorizationLevel1", "requestsAuthorizationLevel2"),
        "confirm requests for safe {safe}",
        "Confirms requests of others to use accounts of the safe {safe}.",
        is_privileged=True,
        because="Lets others in.",
        marks=("iam_write",),
    ),
    Power(
        "change",
        (
            *("addAccounts", "updateAccountContent", "updateAccountProperties", "renameAccounts"),
            *("deleteAccounts", "unlockAccounts", "initiateCPMAccountManagementOperations"),
            *("specifyNextAccountContent", "createFolders", "deleteFolders", "moveAccountsAndFolders"),
        ),
        "change the accounts of safe {safe}",
        "Adds, changes, moves or deletes accounts of the safe {safe}, or has their passwords changed.",
        is_privileged=None,
        because="Changes what is kept in the safe and does not show it; setting a password of one's own "
        "choice is part of it.",
    ),
    Power(
        "backup",
        ("backupSafe",),
        "back up safe {safe}",
        "Makes backups of the safe {safe}.",
        is_privileged=None,
        because="A backup holds everything of the safe, encrypted.",
    ),
    Power(
        "look",
        ("listAccounts", "viewAuditLog", "viewSafeMembers"),
        "look into safe {safe}",
        "Sees which accounts the safe {safe} holds, who its members are or what they did; no passwords.",
        because="Sees names, no secrets.",
    ),
)
# `@{useAccounts=True; retrieveAccounts=False}`, `{ListContent, Retrieve}` or `Use;Retrieve`.
_PAIR = re.compile(r"([A-Za-z][A-Za-z0-9 ]{1,60}?)\s*[=:]\s*(true|false|yes|no|1|0)\b", re.IGNORECASE)
_APART = re.compile(r"[,;|{}@\[\]\r\n]+")


def permissions_in(cell: str) -> tuple[set[str], list[str]]:
    """The permissions that a single cell names, and words in it that are none."""
    pairs = _PAIR.findall(cell)
    said = (
        [name for name, value in pairs if value.casefold() in ("true", "yes", "1")]
        if pairs
        else [part.strip() for part in _APART.split(cell)]
    )
    found = {PERMISSIONS[normal(name)] for name in said if normal(name) in PERMISSIONS}
    return found, [name for name in said if name and normal(name) not in PERMISSIONS]
