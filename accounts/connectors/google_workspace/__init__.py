"""Google Workspace: saved answers of the Admin SDK Directory API about users, groups, roles and tokens.

Users are accounts, and so is every third-party application that somebody let in. Groups, admin roles and
what such an application may do are entitlements.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.api.admit import admit_answers
from accounts.connectors.api.pages import LIMIT, Pages, Shape, pages, unproven
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.google_workspace.apps import Apps
from accounts.connectors.google_workspace.objects import Customer, customer
from accounts.connectors.google_workspace.rights import Rights
from accounts.connectors.records import Header, Record, Unreadable
from accounts.connectors.text import Readable

KEY, VERSION = "google_workspace", 1
OPTIONS = ("complete", "customer")
SHAPE = Shape(
    lists=frozenset({"users", "groups", "members", "items"}),
    nexts=frozenset({"nextPageToken"}),
    envelope=frozenset({"kind", "etag"}),
    identifying=frozenset(
        {"id", "primaryEmail", "roleAssignmentId", "roleId", "clientId", "codeId", "email"}
    ),
    containers=frozenset({"tokens", "token", "userTokens", "asps", "oauthTokens", "oauth_tokens"}),
    secrets=frozenset({"hashfunction"}),
)
_KIND = re.compile(r'"admin#directory#(?:user|group|member|role|roleAssignment|token|asp)(?:s|List)?"')
_SIGNS = (
    ('"primaryEmail"', '"orgUnitPath"'),
    ('"primaryEmail"', '"isAdmin"'),
    ('"roleAssignmentId"', '"assignedTo"'),
    ('"directMembersCount"', '"email"'),
    ('"rolePrivileges"', '"roleId"'),
)
_WHOLE = {
    "account": ("user", "token"),
    "entitlement": ("group", "role"),
    "grant": ("user", "group", "role", "role_assignment", "token"),
    "credential": ("asp",),
}


def sniff(head: bytes, _name: str) -> float:
    """The kind that every object of the API names; without it, members that stand together nowhere else."""
    begin = text.beginning(head) or ""
    if _KIND.search(begin):
        return 1.0
    is_json = begin.lstrip().startswith(("{", "["))
    return 0.9 if is_json and any(all(name in begin for name in names) for names in _SIGNS) else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets; the API tells of tokens and app passwords without their text."""
    return admit_answers(stream, SHAPE, sink, _recognised)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Accounts and entitlements, each before the grants and credentials that name them."""
    found = _recognised(pages(text.whole(stream, LIMIT), SHAPE))
    rights = Rights(found)
    rights.read()
    Apps(rights).read()
    return _header(found, rights, mapping), rights.records()


def _recognised(read_pages: Pages) -> Customer:
    """Refuses a file in which nothing is of this format."""
    found = customer(read_pages)
    if found.kinds:
        return found
    refused = next((one for one in found.rejected if one.code == "failed_request"), None)
    if refused is not None:
        raise Unreadable(refused.code, refused.reason, refused.line)
    raise Unreadable(
        "wrong_json",
        "The file holds no users, groups, members, roles or tokens of Google Workspace. Check that it is the "
        "right file.",
        1,
    )


def _header(found: Customer, rights: Rights, mapping: Options) -> Header:
    doubts = _doubts(found, rights, mapping)
    covers = {kind for kind, needed in _WHOLE.items() if all(one in found.kinds for one in needed)}
    if "grant" in covers and rights.groups_short:
        covers.discard("grant")
    if "grant" in covers:
        covers.add("inclusion")
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=mapping.get("customer") or found.customer,
        is_full=not doubts and bool(covers),
        covers=frozenset(covers),
        notes=(*doubts, *_notes(found, rights)),
    )


def _doubts(found: Customer, rights: Rights, mapping: Options) -> list[str]:
    """Why the file may not prove that something is gone; empty if it may."""
    doubts: list[str] = []
    if mapping.get("complete") == "no":
        doubts.append("The source is set up as not complete.")
    for kind, read in found.pages.items():
        reason = unproven(read)
        if mapping.get("complete") == "yes" and not all(page.next for page in read):
            reason = None
        if reason is not None:
            doubts.append(f"{kind}: {reason}.")
    if len(doubts) > 12:
        doubts = [*doubts[:12], f"And {len(doubts) - 12} more lists of which it is not known."]
    if mapping.get("complete") != "yes" and doubts:
        doubts.append("If the file holds everything, set the option “complete” to yes.")
    if rejected := len(found.rejected) + len(rights.rejected):
        doubts.append(f"Objects that could not be read: {rejected}.")
    return doubts


def _notes(found: Customer, rights: Rights) -> list[str]:
    notes: list[str] = []
    if rights.groups_short:
        notes.append(
            f"Groups whose members are not all in the file: {len(rights.groups_short)}. Who is in them is "
            "unknown."
        )
    if "user" in found.kinds and "token" not in found.kinds:
        notes.append("No tokens are in the file, so third-party applications with access are unknown.")
    if "user" in found.kinds and "asp" not in found.kinds:
        notes.append("No app passwords (asps) are in the file, so whether anybody has one is unknown.")
    notes.extend(f"{what[:1].upper()}{what[1:]}: {count}." for what, count in rights.notes.items())
    return notes


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="Google Workspace (Directory API, JSON)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
