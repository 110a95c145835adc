"""SCIM 2.0 (RFC 7643, RFC 7644): users and groups as a provisioning interface lists them.

Read from single resources, lists, arrays, one resource a line, and recordings. Messages that change something
(PatchOp, bulk) are refused: they say what was wanted, not what is.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.exchanges.answers import LIMIT, admit_answers, answers, begins_like_answers
from accounts.connectors.records import Header, Record, Unreadable
from accounts.connectors.scim.records import Telling
from accounts.connectors.scim.resources import SAYABLE, Resources, resources
from accounts.connectors.text import Readable

KEY, VERSION = "scim", 1
OPTIONS = ("complete",)
_SCHEMA = re.compile(r'"urn:ietf:params:scim:(?:schemas:|api:messages:2\.0:)[\w:.-]+"')


def sniff(head: bytes, _name: str) -> float:
    """By the schemas that every resource and message names."""
    begin = text.beginning(head) or ""
    if not begins_like_answers(begin):
        return 0.0
    return 1.0 if _SCHEMA.search(begin) is not None else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets: passwords, headers of a recording."""
    whole = text.whole(stream, LIMIT)
    _resources(whole)
    return admit_answers(whole, sink)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Groups, roles and accounts, each before what names them."""
    found = _resources(text.whole(stream, LIMIT))
    telling = Telling(found)
    records = list(telling.records())
    return _header(found, telling, mapping), iter(records)


def _resources(whole: str) -> Resources:
    found = resources(answers(whole))
    answered = any(one.code == "failed_request" for one in found.rejected)
    if not (found.users or found.groups or found.lists or answered):
        raise Unreadable(
            "wrong_json",
            "Nothing in the file is a SCIM user, group or list of them. Save the answers of /Users and "
            "/Groups unchanged.",
            1,
        )
    return found


def _header(found: Resources, telling: Telling, mapping: Options) -> Header:
    notes = list(found.notes)
    whole: set[str] = set()
    for kind in ("User", "Group"):
        why = found.doubt(kind)
        if why is None or (mapping.get("complete") == "yes" and why in SAYABLE):
            whole.add(kind)
        else:
            notes.append(f"{kind}s: {why}.")
    covers = {"account"} if "User" in whole else set()
    covers |= {"entitlement", "inclusion"} if "Group" in whole else set()
    # Roles stand with users and memberships with groups, so grants need both.
    covers |= {"grant"} if len(whole) == 2 else set()
    if mapping.get("complete") == "no":
        covers.clear()
        notes.append("The source is set up as not complete.")
    if found.rejected or telling.lost:
        covers.clear()
        notes.append(f"Resources and members that could not be read: {len(found.rejected) + telling.lost}.")
    if telling.indirect:
        notes.append(
            "Memberships that a user has through another group and the file does not explain: "
            f"{telling.indirect}."
        )
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=",".join(found.hosts[:20]) or None,
        taken_at=found.taken_at,
        is_full=bool(covers),
        covers=frozenset(covers) or frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
        notes=tuple(notes),
    )


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="SCIM 2.0 (users and groups)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
