"""Access keys as `aws iam list-access-keys` answers: key ids, states and ages, never a secret.

The answers of several users may stand in one file, one after the other or in a list, and so may those of
`aws iam get-access-key-last-used`. They name users without their ARN: with the option “account” (twelve
digits) the keys are those of the users of that account, as the other files of AWS call them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.api.admit import admit_answers
from accounts.connectors.api.pages import LIMIT, ApiItem, Pages, Shape, pages
from accounts.connectors.api.values import excerpt, inner, moment, text_of
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.records import Account, Credential, Header, Record, Rejected, Unreadable
from accounts.connectors.text import Readable

KEY, VERSION = "aws_access_keys", 1
OPTIONS = ("account",)
SHAPE = Shape(
    lists=frozenset({"AccessKeyMetadata"}),
    nexts=frozenset({"Marker"}),
    identifying=frozenset({"AccessKeyId", "AccessKeyLastUsed"}),
    envelope=frozenset({"IsTruncated"}),
    containers=frozenset({"AccessKeyMetadata"}),
)
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_LONGEST = 200  # characters of a user's name; AWS allows 64


def sniff(head: bytes, _name: str) -> float:
    """The name of its list is that of no other file."""
    begin = text.beginning(head) or ""
    if begin.lstrip()[:1] not in ("{", "["):
        return 0.0
    return 1.0 if '"AccessKeyMetadata"' in begin else 0.9 if '"AccessKeyLastUsed"' in begin else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets: the answer of create-access-key holds one."""
    return admit_answers(stream, SHAPE, sink, _gather)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Every user as an account, followed by its keys."""
    account = mapping.get("account")
    if account is not None and not re.fullmatch(r"[0-9]{12}", account):
        raise Unreadable("unknown_option", "The option “account” is the AWS account id: twelve digits.")
    found = pages(text.whole(stream, LIMIT), SHAPE)
    read_keys = _gather(found)
    header = Header(
        format=KEY,
        version=VERSION,
        system_reference=account,
        covers=frozenset({"credential"}),
        notes=_notes(found, account),
    )
    return header, _records(read_keys, account)


@dataclass(slots=True)
class _User:
    line: int
    keys: dict[str, Credential] = field(default_factory=dict)
    used: list[datetime] = field(default_factory=list)  # of a key that the answer does not name


@dataclass(slots=True)
class _Read:
    users: dict[str, _User] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)


def _gather(found: Pages) -> _Read:
    """The keys by user; refuses a file in which nothing is a key."""
    read_keys = _Read(rejected=list(found.rejected))
    is_ours = any("AccessKeyMetadata" in page.where for page in found.pages)
    for item in found.items:
        is_ours = is_ours or any(key in item.value for key in SHAPE.identifying)
        name = text_of(item.value.get("UserName"))
        if name is None or len(name) > _LONGEST:
            read_keys.rejected.append(_refused(item, "no_user", "The item names no user"))
        else:
            problem = _add(read_keys.users.setdefault(name, _User(item.line)), name, item)
            read_keys.rejected += [problem] if problem is not None else []
    if not is_ours:
        raise Unreadable(
            "wrong_json",
            "The JSON has no access keys. Save the answer of “aws iam list-access-keys” unchanged.",
            1,
        )
    return read_keys


def _add(user: _User, name: str, item: ApiItem) -> Rejected | None:
    used = inner(item.value.get("AccessKeyLastUsed"))
    last_used_at = moment(used.get("LastUsedDate"))
    key = text_of(item.value.get("AccessKeyId"))
    if key is None and used:
        user.used += [last_used_at] if last_used_at is not None else []
        return None
    if key is None or not _KEY_ID.fullmatch(key):
        return _refused(item, "no_key_id", "The item names no access key id")
    if key in user.keys:
        return _refused(item, "duplicate_key_id", f"The key is already in line {user.keys[key].line}")
    status = (text_of(item.value.get("Status")) or "").casefold()
    user.keys[key] = Credential(
        account=name,
        kind="access_key",
        fingerprint=key,
        line=item.line,
        is_active={"active": True, "inactive": False}.get(status),
        created_at=moment(item.value.get("CreateDate")),
        last_used_at=last_used_at,
    )
    return None


def _records(read_keys: _Read, account: str | None) -> Iterator[Record]:
    yield from read_keys.rejected
    for name, user in read_keys.users.items():
        key = f"arn:aws:iam::{account}:user/{name}" if account else name
        credentials = list(user.keys.values())
        if len(credentials) == 1 and user.used:
            credentials = [_used(credentials[0], max(user.used))]
        used = [*user.used, *(one.last_used_at for one in credentials if one.last_used_at)]
        yield Account(
            external_id=key,
            name=name,
            line=user.line,
            last_used_at=max(used, default=None),
            last_used_source="AWS AccessKeyLastUsed" if used else None,
        )
        for one in credentials:
            yield replace(one, account=key)


def _used(credential: Credential, at: datetime) -> Credential:
    return replace(credential, last_used_at=max(filter(None, (credential.last_used_at, at))))


def _notes(found: Pages, account: str | None) -> tuple[str, ...]:
    notes = ["It lists the keys of the users in it, not of all users: a key that is missing is not gone."]
    if any(page.about.get("IsTruncated") is True for page in found.pages):
        notes.append("An answer is one page of several (IsTruncated), so it lacks keys.")
    if account is None:
        notes.append(
            "Users are named without their account. Set the option “account” to its twelve digits, so that "
            "they are the users of the other AWS files."
        )
    else:
        notes.append("Users under a path of their own are known by another ARN than the one made here.")
    return tuple(notes)


def _refused(item: ApiItem, code: str, what: str) -> Rejected:
    return Rejected(item.line, code, f"{what}. Export it again.", excerpt(item.value))


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="AWS access keys (JSON of list-access-keys)",
    reads=frozenset({"account", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
