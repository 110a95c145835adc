"""Okta: saved answers of its API about users, groups, applications, admin roles and API tokens.

Users and service applications are accounts; groups, admin roles and assigned applications are entitlements.
Answers of Okta are bare lists whose next page stands in a header, so only a recording that kept the headers
shows that a list is whole.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.api.admit import admit_answers
from accounts.connectors.api.pages import LIMIT, Pages, Shape, pages, unproven
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.okta.objects import Org, org
from accounts.connectors.okta.rights import Rights
from accounts.connectors.records import Header, Record, Unreadable
from accounts.connectors.text import Readable

KEY, VERSION = "okta", 1
OPTIONS = ("complete", "org")
SHAPE = Shape(
    lists=frozenset({"value"}),
    nexts=frozenset(),
    identifying=frozenset({"id", "client_id", "kid", "errorCode"}),
    containers=frozenset(
        {"credentials", "tokens", "apiTokens", "apitokens", "api-tokens", "api_tokens", "secrets"}
    ),
    plain=frozenset({"tokenWindow", "token_endpoint_auth_method", "userNameTemplate"}),
    secrets=frozenset({"recoveryquestion", "secrethash", "answer"}),
)
_HOST = re.compile(r"https://[\w-]{1,60}\.(?:okta|oktapreview|okta-emea|okta-gov)\.com/")
_SIGNS = (
    ('"lastLogin"', '"profile"', '"login"'),
    ('"statusChanged"', '"profile"', '"login"'),
    ('"lastMembershipUpdated"', '"objectClass"'),
    ('"OKTA_GROUP"',),
    ('"okta:user_group"',),
    ('"assignmentType"', '"SUPER_ADMIN"'),
    ('"tokenWindow"', '"clientName"'),
    ('"signOnMode"', '"lastUpdated"', '"credentials"'),
)
_WHOLE = {
    "account": ("user", "app"),
    "entitlement": ("group", "app"),
    "grant": ("user", "group", "app"),
    "credential": ("api_token", "app"),
}


def sniff(head: bytes, _name: str) -> float:
    """Addresses of an Okta organisation, also in a recording; or members that stand together nowhere else."""
    begin = text.beginning(head) or ""
    is_json = begin.lstrip().startswith(("{", "["))
    if _HOST.search(begin) and (is_json or "interactions:" in begin) and "/api/v1/" in begin:
        return 1.0
    return 0.9 if is_json and any(all(name in begin for name in names) for names in _SIGNS) else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets; of `credentials` only who vouches for a user and how a client signs in stay."""
    return admit_answers(stream, SHAPE, sink, _recognised)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Accounts and entitlements, each before the grants and credentials that name them."""
    found = _recognised(pages(text.whole(stream, LIMIT), SHAPE))
    rights = Rights(found)
    rights.read()
    return _header(found, rights, mapping), rights.records()


def _recognised(read_pages: Pages) -> Org:
    """Refuses a file in which nothing is of this format."""
    found = org(read_pages)
    if found.kinds:
        return found
    refused = next((one for one in found.rejected if one.code == "failed_request"), None)
    if refused is not None:
        raise Unreadable(refused.code, refused.reason, refused.line)
    raise Unreadable(
        "wrong_json",
        "The file holds no users, groups, applications, roles or tokens of Okta. Check that it is the right "
        "file.",
        1,
    )


def _header(found: Org, rights: Rights, mapping: Options) -> Header:
    doubts = _doubts(found, rights, mapping)
    covers = {kind for kind, needed in _WHOLE.items() if all(one in found.kinds for one in needed)}
    if "grant" in covers and (_lists_missing(found, "members", "group") or "role" not in found.kinds):
        covers.discard("grant")
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=mapping.get("org") or found.host,
        taken_at=found.taken_at,
        is_full=not doubts and bool(covers),
        covers=frozenset(covers),
        notes=(*doubts, *_notes(found, rights)),
    )


def _doubts(found: Org, rights: Rights, mapping: Options) -> list[str]:
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
        doubts.append(
            "Okta names the next page in a header (Link). Import a recording that kept them, or set the "
            "option “complete” to yes if the file holds everything."
        )
    if rejected := len(found.rejected) + len(rights.rejected):
        doubts.append(f"Objects that could not be read: {rejected}.")
    return doubts


def _lists_missing(found: Org, relation: str, kind: str) -> list[str]:
    known = found.related.get(relation, {})
    return [key for key in found.of(kind) if key not in known and f"{relation}/{key}" not in found.pages]


def _notes(found: Org, rights: Rights) -> list[str]:
    notes: list[str] = []
    if missing := len(_lists_missing(found, "members", "group")):
        notes.append(f"Groups whose members are not in the file: {missing}. Who is in them is unknown.")
    if "role" not in found.kinds:
        notes.append(
            "No admin roles are in the file (/users/<id>/roles, /groups/<id>/roles), so who administers Okta "
            "is unknown."
        )
    statuses = {one.value.get("status") for one in found.of("user").values()}
    if statuses and "DEPROVISIONED" not in statuses:
        notes.append(
            "No deactivated user is in the file; Okta lists them only when asked (filter=status eq "
            "“DEPROVISIONED”)."
        )
    notes.extend(f"{what[:1].upper()}{what[1:]}: {count}." for what, count in rights.notes.items())
    return notes


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="Okta (API, JSON)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
