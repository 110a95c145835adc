"""Slack: the people and bots of a workspace and their roles, from `users.list` saved or recorded."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.api.values import excerpt, flag, inner, text_of
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.exchanges.answers import (
    LIMIT,
    Answer,
    Answers,
    admit_answers,
    answers,
    begins_like_answers,
)
from accounts.connectors.records import (
    Account,
    Credential,
    Entitlement,
    Grant,
    Header,
    Mark,
    Record,
    Rejected,
    Unreadable,
)
from accounts.connectors.text import Readable

KEY, VERSION = "slack", 1
OPTIONS = ("complete",)
_SLACKBOT = "USLACKBOT"
_SURE = re.compile(r'"(?:is_ultra_restricted|is_primary_owner|is_app_user)"\s*:')
# The member that says it, the role, its name, and why it is privileged or not; strongest first.
_ROLES: tuple[tuple[str, str, str, bool, str, tuple[Mark, ...]], ...] = (
    ("is_primary_owner", "primary_owner", "Primary owner", True,
     "Everything, and the only one who can delete the workspace.", ("admin", "iam_write")),
    ("is_owner", "owner", "Owner", True,
     "Changes settings, members and administrators.", ("admin", "iam_write")),
    ("is_admin", "admin", "Administrator", True, "Changes members, channels and apps.", ("iam_write",)),
    ("is_ultra_restricted", "single_channel_guest", "Guest of one channel", False, "Sees one channel.", ()),
    ("is_restricted", "guest", "Guest", False, "Sees the channels it was invited to.", ()),
    ("", "member", "Member", False, "Reads and writes; changes no settings.", ()),
)  # fmt: skip


def sniff(head: bytes, _name: str) -> float:
    """By members that only Slack's users have."""
    begin = text.beginning(head) or ""
    if not begins_like_answers(begin):
        return 0.0
    if "slack.com/api/" in begin and ("users.list" in begin or "users.info" in begin):
        return 1.0
    return 1.0 if _SURE.search(begin) is not None else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets: headers and requests of a recording, tokens."""
    whole = text.whole(stream, LIMIT)
    _people(answers(whole))
    return admit_answers(whole, sink)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Roles and accounts, each before the grants that name them."""
    found = answers(text.whole(stream, LIMIT))
    people, rejected = _people(found)
    records = [*rejected, *_records(people)]
    lost = sum(isinstance(one, Rejected) for one in records)
    return _header(found, people, lost, mapping), iter(records)


def _people(found: Answers) -> tuple[list[tuple[int, object]], list[Rejected]]:
    people: list[tuple[int, object]] = []
    rejected = list(found.rejected)
    known = False
    for answer in found.found:
        if answer.value.get("ok") is False:
            said = text_of(answer.value.get("error")) or "an error"
            rejected.append(
                Rejected(
                    answer.line,
                    "failed_request",
                    f"Slack answered {said[:100]} instead of its users. Ask again with a token that may read "
                    "them.",
                )
            )
        lists = [answer.lists[name] for name in ("members", "users", "") if name in answer.lists]
        people.extend(one for items in lists for one in items)
        single = answer.value.get("user") if not lists else None
        if isinstance(single, dict):
            people.append((answer.line, single))
        elif not lists and "is_bot" in answer.value:
            people.append((answer.line, answer.value))
        known = known or bool(lists)
    if not any(_is_user(one) for _, one in people) and not rejected and not (known and not people):
        raise Unreadable(
            "wrong_json",
            "Nothing in the file is a user of Slack. Save the answer of users.list unchanged.",
            1,
        )
    return people, rejected


def _is_user(item: object) -> bool:
    return (
        isinstance(item, dict)
        and "id" in item
        and any(key in item for key in ("is_bot", "deleted", "profile"))
    )


def _records(people: list[tuple[int, object]]) -> Iterator[Record]:
    told: set[str] = set()
    known: dict[str, int] = {}
    for line, item in people:
        number = text_of(item.get("id")) if isinstance(item, dict) else None
        if not isinstance(item, dict) or number is None:
            shown = excerpt(item) if isinstance(item, dict) else ""
            yield Rejected(line, "broken_item", "A user has no id. Export it again.", shown)
            continue
        if number in known:
            yield Rejected(
                line,
                "duplicate_id",
                f"The user {number[:40]} stands in line {known[number]} too. Export it again.",
            )
            continue
        known[number] = line
        account = _account(number, line, item)
        yield account
        role = _role(item, account)
        if role is not None:
            _, key, name, is_privileged, because, marks = role
            if key not in told:
                told.add(key)
                yield Entitlement(
                    f"role/{key}",
                    name,
                    "role",
                    line,
                    is_privileged=is_privileged,
                    because=because,
                    marks=marks,
                )
            yield Grant(number, f"role/{key}", line)
        if item.get("has_2fa") is False and account.identity_kind == "human" and account.is_enabled:
            yield Credential(
                number,
                "password",
                "password",
                line,
                is_slot=True,
                weakness="Signs in without a second factor",
            )


def _account(number: str, line: int, item: Mapping[str, object]) -> Account:
    profile = inner(item.get("profile"))
    is_bot = item.get("is_bot") is True or number == _SLACKBOT
    name = text_of(item.get("name")) or text_of(item.get("username")) or number
    shown = (
        text_of(profile.get("real_name")) or text_of(item.get("real_name")) or text_of(item.get("full_name"))
    )
    gone = flag(item.get("deleted"))
    if gone is None and (active := flag(item.get("is_active"))) is not None:
        gone = not active
    return Account(
        external_id=number,
        name=name,
        line=line,
        display_name=shown,
        kind="machine" if is_bot else "personal",
        identity_kind="bot" if is_bot else "human",
        identity_key=name if is_bot else None,
        email=None if is_bot else text_of(profile.get("email")) or text_of(item.get("email")),
        is_enabled=None if gone is None else not gone,
        created_at=_moment(item.get("date_created")),
        expires_at=_moment(profile.get("guest_expiration_ts")) or _moment(item.get("expiration_ts")),
    )


def _role(
    item: Mapping[str, object], account: Account
) -> tuple[str, str, str, bool, str, tuple[Mark, ...]] | None:
    """The strongest role; Slack says nothing about those of accounts that are switched off, or of bots."""
    if account.is_enabled is False:
        return None
    role = next((one for one in _ROLES if one[0] and item.get(one[0]) is True), None)
    is_told = any(key in item for key, *_ in _ROLES if key)
    return role or (_ROLES[-1] if is_told and account.identity_kind == "human" else None)


def _header(found: Answers, people: list[tuple[int, object]], lost: int, mapping: Options) -> Header:
    doubt = _doubt(found, mapping)
    notes = [doubt] if doubt else []
    if lost:
        notes.append(f"Answers and users that could not be read: {lost}.")
    notes.append("What the apps behind bots may do is not in this list.")
    teams = sorted(
        {team for _, one in people if isinstance(one, dict) and (team := text_of(one.get("team_id")))}
    )
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=",".join(teams[:20]) or None,
        taken_at=found.taken_at or _first_moment(found.found),
        is_full=doubt is None and not lost,
        covers=frozenset({"account", "entitlement", "grant", "credential"}),
        notes=(*notes, *found.notes),
    )


def _doubt(found: Answers, mapping: Options) -> str | None:
    """Why the list may not be whole: Slack names the next page in the answer itself."""
    if mapping.get("complete") == "no":
        return "The source is set up as not complete."
    pages = [one for one in found.found if "members" in one.lists or "users" in one.lists]
    if not pages:
        return (
            None
            if mapping.get("complete") == "yes"
            else "The file is no answer of users.list, so it may be a part."
        )
    leading = [cursor for one in pages if (cursor := _cursor(one))]
    asked = {one.query.get("cursor") for one in pages if one.query.get("cursor")}
    if any(one.is_recorded for one in pages) and asked - set(leading):
        return "The list does not begin with its first page."
    if len(leading) != len(pages) - 1 or len(set(leading)) != len(leading):
        return (
            "A page follows that is not in the file (next_cursor), so what is missing does not count as gone."
        )
    return None


def _cursor(answer: Answer) -> str | None:
    return text_of(inner(answer.value.get("response_metadata")).get("next_cursor"))


def _first_moment(found: list[Answer]) -> datetime | None:
    return min((at for one in found if (at := _moment(one.value.get("cache_ts")))), default=None)


def _moment(value: object) -> datetime | None:
    """Seconds since 1970; zero stands for never."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**35:
        return None
    return datetime.fromtimestamp(value, UTC)


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="Slack users (users.list)",
    reads=frozenset({"account", "entitlement", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
