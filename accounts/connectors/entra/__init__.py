"""Microsoft Entra ID: answers of Microsoft Graph about users, groups, applications, roles and permissions.

Users and service principals are accounts. Groups, directory roles (with their scope) and permissions are
entitlements; an eligible assignment is a grant that is not in force by itself. What the answers say about
secrets is kept without them.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.api.admit import admit_answers
from accounts.connectors.api.pages import LIMIT, Page, Pages, Shape, pages, unproven
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.entra.accounts import applications, passwords, principals, tenant_of, users
from accounts.connectors.entra.credentials import credentials, trusts
from accounts.connectors.entra.directory import LEFT_OUT, Directory, directory
from accounts.connectors.entra.rights import Rights
from accounts.connectors.records import Account, Header, Record, Unreadable
from accounts.connectors.text import Readable

KEY, VERSION = "entra", 1
OPTIONS = ("complete", "tenant")
SHAPE = Shape(
    lists=frozenset({"value"}),
    nexts=frozenset({"@odata.nextLink", "odata.nextLink"}),
    envelope=frozenset({"@odata.context", "@odata.count"}),
    identifying=frozenset(
        {
            *("id", "Id", "roleDefinitionId", "appRoleId", "consentType", "servicePrincipalType"),
            *("userPrincipalName", "issuer", "subject", "accessId", "verifiedDomains"),
        }
    ),
    containers=frozenset(
        {
            *("passwordCredentials", "PasswordCredentials", "keyCredentials", "KeyCredentials"),
            *("federatedIdentityCredentials", "FederatedIdentityCredentials"),
        }
    ),
    plain=frozenset({"@odata.context", "lastPasswordChangeDateTime", "LastPasswordChangeDateTime"}),
    secrets=frozenset({"hint", "key", "secrettext", "passwordprofile"}),
)
_CONTEXT = re.compile(
    r"graph\.microsoft\.(?:com|us)/[\w.]{1,10}/\$metadata#(?:users|groups|servicePrincipals|applications|"
    r"directoryObjects|directoryRoles|roleManagement|appRoleAssignments|oauth2PermissionGrants|organization|"
    r"identityGovernance/privilegedAccess)"
)
_SIGNS = (
    ('"servicePrincipalType"', '"appId"'),
    ('"userPrincipalName"', '"accountEnabled"'),
    ('"userPrincipalName"', '"businessPhones"'),
    ('"UserPrincipalName"', '"AccountEnabled"'),
    ('"passwordCredentials"', '"appId"'),
    ('"roleDefinitionId"', '"directoryScopeId"'),
    ('"appRoleId"', '"resourceId"', '"principalId"'),
    ('"consentType"', '"clientId"', '"resourceId"'),
    ('"isAssignableToRole"', '"securityEnabled"'),
    ('"#microsoft.graph.group"',),
    ('"#microsoft.graph.user"',),
    ('"#microsoft.graph.servicePrincipal"',),
)
# Without these a file does not hold everything of a kind.
_WHOLE = {
    "account": ("user", "principal"),
    "entitlement": ("group", "definition"),
    "credential": ("principal", "application"),
    "grant": ("user", "principal", "group", "assignment", "app_role", "delegated"),
}


def sniff(head: bytes, _name: str) -> float:
    """The addresses of Graph's own lists; without them, members that stand together nowhere else."""
    begin = text.beginning(head) or ""
    if not begin.lstrip().startswith(("{", "[")) and "graph.microsoft.com" not in begin:
        return 0.0
    if _CONTEXT.search(begin):
        return 1.0
    if not begin.lstrip().startswith(("{", "[")):
        return 0.0
    return 0.9 if any(all(name in begin for name in names) for names in _SIGNS) else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets: the text of one, its first characters (`hint`) and the raw key are not kept."""
    return admit_answers(stream, SHAPE, sink, _recognised)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Accounts and entitlements, each before the grants, inclusions and credentials that name them."""
    found = _recognised(pages(text.whole(stream, LIMIT), SHAPE))
    tenant = tenant_of(found, mapping.get("tenant"))
    accounts = [*users(found), *principals(found, tenant), *applications(found)]
    known = {one.external_id for one in accounts if isinstance(one, Account)}
    rights = Rights(found, known)
    rights.read()
    return _header(found, rights, tenant, mapping), _records(found, accounts, rights)


def _recognised(read_pages: Pages) -> Directory:
    """Refuses a file in which nothing is of this format."""
    found = directory(read_pages)
    if found.by_id or found.lists or found.related or found.pages:
        return found
    refused = next((one for one in found.rejected if one.code == "failed_request"), None)
    if refused is not None:
        raise Unreadable(refused.code, refused.reason, refused.line)
    raise Unreadable(
        "wrong_json",
        "The file holds no users, groups, applications, roles or permissions of Microsoft Graph. Check that "
        "it is the right file.",
        1,
    )


def _records(found: Directory, accounts: list[Record], rights: Rights) -> Iterator[Record]:
    yield from found.rejected
    yield from accounts
    names = {one.external_id: one.name for one in accounts if isinstance(one, Account)}
    yield from trusts(found, names)
    yield from rights.records()
    yield from passwords(found)
    yield from credentials(found)


def _header(found: Directory, rights: Rights, tenant: str | None, mapping: Options) -> Header:
    doubts = _doubts(found, rights, mapping)
    is_whole = not doubts
    covers = {
        kind
        for kind, needed in _WHOLE.items()
        if all(found.of(one) or found.listed(one) or one in found.pages for one in needed)
    }
    if "grant" in covers and _groups_without_members(found):
        covers.discard("grant")
    if "grant" in covers:
        covers.add("inclusion")
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=tenant,
        is_full=is_whole and bool(covers),
        covers=frozenset(covers),
        notes=(*doubts, *_notes(found, rights, tenant)),
    )


def _doubts(found: Directory, rights: Rights, mapping: Options) -> list[str]:
    """Why the file may not prove that something is gone; empty if it may."""
    doubts: list[str] = []
    if mapping.get("complete") == "no":
        doubts.append("The source is set up as not complete.")
    for key, read in found.sequences.items():
        reason = _missing_page(read) if mapping.get("complete") == "yes" else unproven(read)
        if reason is not None and key.partition("/")[0] not in LEFT_OUT:
            doubts.append(f"{key}: {reason}.")
    if len(doubts) > 12:
        doubts = [*doubts[:12], f"And {len(doubts) - 12} more lists of which it is not known."]
    if mapping.get("complete") != "yes" and doubts:
        doubts.append("If the file holds everything, set the option “complete” to yes.")
    if rejected := len(found.rejected) + len(rights.rejected):
        doubts.append(f"Objects that could not be read: {rejected}.")
    return doubts


def _missing_page(read: list[Page]) -> str | None:
    """Also who says that a file is complete does not mean one whose last page leads on."""
    return "a page follows that is not in the file" if read and all(page.next for page in read) else None


def _groups_without_members(found: Directory) -> list[str]:
    lists = found.related.get("members", {})
    return [key for key in found.of("group") if key not in lists and f"members/{key}" not in found.pages]


def _notes(found: Directory, rights: Rights, tenant: str | None) -> list[str]:
    notes: list[str] = []
    if tenant is None and found.of("principal"):
        notes.append(
            "The file does not say which tenant it is of (organization), so applications of others are known "
            "only where Microsoft made them. Set the option “tenant” to its id."
        )
    if missing := len(_groups_without_members(found)):
        notes.append(f"Groups whose members are not in the file: {missing}. Who is in them is unknown.")
    synced = sum(one.value.get("onPremisesSyncEnabled") is True for one in found.of("user").values())
    if synced:
        notes.append(f"Users that are kept in on-premises Active Directory and are disabled there: {synced}.")
    if found.of("user") and not any("signInActivity" in one.value for one in found.of("user").values()):
        notes.append("The users were exported without signInActivity, so when they signed in is unknown.")
    alone = [one for one in found.of("application") if one in rights.accounts]
    if alone:
        notes.append(
            f"Registrations without their service principal in the file: {len(alone)}. They stand as "
            "accounts of their own."
        )
    for kind, count in found.left_out.items():
        notes.append(f"Left out: {count} {LEFT_OUT[kind]}.")
    notes.extend(f"{what[:1].upper()}{what[1:]}: {count}." for what, count in rights.notes.items())
    return notes


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="Microsoft Entra ID (Graph, JSON)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
