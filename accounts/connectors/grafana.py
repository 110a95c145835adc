"""Grafana: users and service accounts of an organisation with their roles, teams and tokens."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.api.values import excerpt, flag, moment, text_of
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.exchanges.answers import (
    LIMIT,
    UNSAID,
    Answer,
    Answers,
    admit_answers,
    answers,
    begins_like_answers,
    doubt,
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

KEY, VERSION = "grafana", 1
OPTIONS = ("complete",)
ABOUT = frozenset({"tokens"})  # of a service account: how many it has
_PAGE_SIZE = 1000  # what Grafana answers when nobody asks for less
_SURE = re.compile(r'"(?:lastSeenAtAge|isGrafanaAdmin|serviceAccounts|secondsUntilExpiration)"\s*:')
_ORG_USER = re.compile(r'"userId"\s*:\s*\d+[^{}]{0,2000}"role"\s*:\s*"(?:Admin|Editor|Viewer|None)"')
_ROUTES = tuple(
    (re.compile(rf"(?:^|/)api/{path}$"), kind)
    for path, kind in (
        (r"(?:org|orgs/\d+)/users(?:/lookup|/search)?", "users"),
        (r"users(?:/search|/\d+|/lookup)?", "users"),
        (r"serviceaccounts(?:/search|/\d+)?", "services"),
        (r"serviceaccounts/(\d+)/tokens", "tokens"),
        (r"teams(?:/search)?", "teams"),
        (r"teams/(\d+)/members", "members"),
        (r"auth/keys", "keys"),
        (r"org|orgs/\d+", "organization"),
    )
)
_ROLES: dict[str, tuple[bool, str, tuple[Mark, ...]]] = {
    "Admin": (True, "Changes data sources, users and teams of the organisation.", ("admin", "iam_write")),
    "Editor": (False, "Changes dashboards and alerts, but no users.", ()),
    "Viewer": (False, "Only looks.", ()),
    "None": (False, "No role; more may come from teams and single permissions.", ()),
}
_SERVER = "server#admin"


@dataclass(slots=True)
class _Found:
    """Items by kind, with what their address names."""

    items: dict[str, list[tuple[int, Mapping[str, object], str]]] = field(default_factory=dict)
    pages: dict[tuple[object, ...], list[tuple[str, Answer]]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


def sniff(head: bytes, _name: str) -> float:
    """By members that only Grafana's users and service accounts have."""
    begin = text.beginning(head) or ""
    if not begins_like_answers(begin):
        return 0.0
    if _SURE.search(begin) is not None or ("/api/org/users" in begin and '"lastSeenAt"' in begin):
        return 1.0
    return 0.8 if _ORG_USER.search(begin) is not None else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets: headers and requests of a recording, keys."""
    whole = text.whole(stream, LIMIT)
    _sorted(answers(whole))
    return admit_answers(whole, sink, ABOUT)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Roles, teams and accounts, each before the grants that name them."""
    read_answers = answers(text.whole(stream, LIMIT))
    found = _sorted(read_answers)
    records = [*found.rejected, *_records(found)]
    lost = sum(isinstance(one, Rejected) for one in records)
    return _header(read_answers, found, lost, mapping), iter(records)


def _sorted(read_answers: Answers) -> _Found:
    found = _Found(rejected=list(read_answers.rejected))
    for answer in read_answers.found:
        kind, where = _kind(answer)
        if kind is None:
            continue
        name = next((one for one in ("serviceAccounts", "teams", "users", "") if one in answer.lists), None)
        items = answer.lists[name] if name is not None else [(answer.line, answer.value)]
        if name is not None:
            found.pages.setdefault((kind, answer.listing), []).append((name, answer))
        if answer.host:
            found.hosts.add(answer.host)
        for line, item in items:
            if isinstance(item, dict):
                found.items.setdefault(kind, []).append((line, item, where))
            else:
                found.rejected.append(_broken(line, "An item is no object.", {}))
    if not found.items and not found.pages and not found.rejected:
        raise Unreadable(
            "wrong_json",
            "Nothing in the file is a user or service account of Grafana. Save the answers of api/org/users "
            "and api/serviceaccounts/search unchanged.",
            1,
        )
    return found


def _kind(answer: Answer) -> tuple[str | None, str]:
    for pattern, kind in _ROUTES:
        if match := pattern.search(answer.path):
            return kind, next((part for part in match.groups() if part), "")
    if answer.path:
        return None, ""
    if "serviceAccounts" in answer.lists:
        return "services", ""
    items = next((one for name in ("users", "teams", "") if (one := answer.lists.get(name))), None)
    first = items[0][1] if items else answer.value
    if not isinstance(first, dict):
        return None, ""
    shapes = (
        (("teamId", "userId"), "members"),
        (("login", "role", "orgId", "tokens"), "services"),
        (("login", "lastSeenAt"), "users"),
        (("login", "role"), "users"),
        (("login", "isGrafanaAdmin"), "users"),
        (("memberCount",), "teams"),
    )
    return next((kind for keys, kind in shapes if all(key in first for key in keys)), None), ""


def _records(found: _Found) -> Iterator[Record]:
    known: set[str] = set()
    told: set[str] = set()
    for line, item, _ in found.items.get("teams", []):
        if (number := text_of(item.get("id"))) is None:
            yield _broken(line, "A team has no number.", item)
        elif f"team/{number}" not in told:
            told.add(f"team/{number}")
            name = text_of(item.get("name")) or number
            yield Entitlement(f"team/{number}", name, "group", line, because="What it may do is not told.")
    for kind in ("users", "services"):
        for line, item, _ in found.items.get(kind, []):
            number = text_of(item.get("userId")) or text_of(item.get("id"))
            if number is None or not (text_of(item.get("login")) or text_of(item.get("name"))):
                yield _broken(line, "A user has no number or login.", item)
                continue
            if number not in known:
                known.add(number)
                yield _account(number, line, item, is_service=kind == "services")
            yield from _roles(number, line, item, told)
    for line, item, where in found.items.get("members", []):
        number, team = text_of(item.get("userId")), text_of(item.get("teamId")) or where
        if number is None or not team:
            yield _broken(line, "A member of a team lacks its numbers.", item)
            continue
        if f"team/{team}" not in told:
            told.add(f"team/{team}")
            yield Entitlement(f"team/{team}", f"team {team}", "group", line)
        if number not in known:
            known.add(number)
            yield _account(number, line, item, is_service=False)
        yield Grant(number, f"team/{team}", line)
    yield from _tokens(found, known, told)


def _roles(number: str, line: int, item: Mapping[str, object], told: set[str]) -> Iterator[Record]:
    role = text_of(item.get("role"))
    if role is not None:
        key = f"org#{role}"
        if key not in told:
            told.add(key)
            is_privileged, because, marks = _ROLES.get(role, (None, "A role that is not known.", ()))
            yield Entitlement(key, role, "role", line, None, is_privileged, because, marks=marks)
        yield Grant(number, key, line)
    if item.get("isGrafanaAdmin") is True or item.get("isAdmin") is True:
        if _SERVER not in told:
            told.add(_SERVER)
            yield Entitlement(
                _SERVER,
                "Grafana server administrator",
                "role",
                line,
                is_privileged=True,
                because="Changes every organisation, user and setting of the server.",
                marks=("admin", "iam_write"),
            )
        yield Grant(number, _SERVER, line)


def _account(number: str, line: int, item: Mapping[str, object], *, is_service: bool) -> Account:
    login = text_of(item.get("login")) or text_of(item.get("name")) or number
    is_off = flag(item.get("isDisabled"))
    used = moment(item.get("lastSeenAt"))
    if used is not None and (text_of(item.get("lastSeenAtAge")) or "").startswith("10 year"):
        used = None  # ten years before the account was made: how Grafana writes never
    return Account(
        external_id=number,
        name=login,
        line=line,
        display_name=text_of(item.get("name")),
        kind="machine" if is_service else "personal",
        identity_kind="service" if is_service else "human",
        identity_key=login if is_service else None,
        email=None if is_service else text_of(item.get("email")),
        is_enabled=None if is_off is None else not is_off,
        created_at=moment(item.get("createdAt")) or moment(item.get("created")),
        last_used_at=used,
        last_used_source="Grafana lastSeenAt" if used else None,
    )


def _tokens(found: _Found, known: set[str], told: set[str]) -> Iterator[Record]:
    for line, item, where in found.items.get("tokens", []):
        number = text_of(item.get("id"))
        if number is None or not where:
            yield _broken(line, "A token lacks its number, or nothing says whose it is.", item)
            continue
        if where not in known:
            known.add(where)
            yield Account(
                where,
                f"service account {where}",
                line,
                kind="machine",
                identity_kind="service",
                identity_key=f"service account {where}",
            )
        is_off = item.get("hasExpired") is True or item.get("isRevoked") is True
        yield Credential(
            account=where,
            kind="token",
            fingerprint=f"service account token {number}",
            line=line,
            is_active=not is_off,
            created_at=moment(item.get("created")),
            expires_at=moment(item.get("expiration")),
            last_used_at=moment(item.get("lastUsedAt")),
        )
    for line, item, _ in found.items.get("keys", []):
        number, name = text_of(item.get("id")), text_of(item.get("name"))
        if number is None or name is None:
            yield _broken(line, "An API key lacks its number or name.", item)
            continue
        account = f"api-key/{number}"
        yield Account(
            account,
            name,
            line,
            kind="machine",
            identity_kind="service",
            identity_key=name,
            expires_at=moment(item.get("expiration")),
        )
        yield from _roles(account, line, item, told)
        yield Credential(
            account,
            "token",
            f"API key {number}",
            line,
            expires_at=moment(item.get("expiration")),
            last_used_at=moment(item.get("lastUsedAt")),
            weakness="API key, which Grafana gave up",
        )


def _broken(line: int, what: str, item: Mapping[str, object]) -> Rejected:
    return Rejected(line, "broken_item", f"{what} Export it again.", excerpt(item))


def _header(read_answers: Answers, found: _Found, lost: int, mapping: Options) -> Header:
    doubts = ["The source is set up as not complete."] if mapping.get("complete") == "no" else []
    says_complete = mapping.get("complete") == "yes"
    for (kind, _), pages in found.pages.items():
        why = doubt([answer for _, answer in pages], pages[0][0], _PAGE_SIZE)
        if why is not None and not (says_complete and why == UNSAID):
            doubts.append(f"{str(kind).capitalize()}: {why}.")
        if pages[0][1].query.get("query"):
            doubts.append(f"{str(kind).capitalize()}: asked for with query, so it is a part only.")
    missing = [
        words
        for kind, words in (
            ("users", "users (api/org/users)"),
            ("services", "service accounts (api/serviceaccounts/search)"),
            ("teams", "teams (api/teams/search)"),
        )
        if kind not in {one for one, _ in found.pages}
    ]
    if missing and not says_complete:
        doubts.append(
            f"The file has no list of {'; '.join(missing)}. If that is all there is to know, set the option "
            "“complete” to yes."
        )
    if lost:
        doubts.append(f"Answers and items that could not be read: {lost}.")
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=",".join(sorted(found.hosts)) or None,
        taken_at=read_answers.taken_at,
        is_full=not doubts,
        covers=frozenset({"account", "entitlement", "grant", "credential"}),
        notes=(*doubts, *read_answers.notes),
    )


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="Grafana users and service accounts (JSON of its API, recordings)",
    reads=frozenset({"account", "entitlement", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
