"""JumpServer: asset permissions, users and user groups, as the JSON of its API.

A permission is a role that brings the right to act as an account on an asset or node; users hold it, or are
in a group that brings it. Answers of several addresses may stand in one file:
`/api/v1/perms/asset-permissions/` and `…/<id>/`, `/api/v1/users/users/`, `/api/v1/users/groups/`,
`/api/v1/assets/assets/`.
"""

from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.api.admit import admit_answers
from accounts.connectors.api.pages import LIMIT, Page, Shape, pages, unproven
from accounts.connectors.api.values import flag, text_of
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.jumpserver.objects import Named, Objects, Thing, moment, named, objects
from accounts.connectors.jumpserver.rights import (
    GROUP,
    ROLE,
    doors,
    is_on,
    names_no_parties,
    permission,
    targets_of,
)
from accounts.connectors.records import Account, Entitlement, Grant, Header, Inclusion, Record
from accounts.connectors.text import Readable

KEY, VERSION = "jumpserver", 1
OPTIONS = ("complete",)
SHAPE = Shape(
    lists=frozenset({"results"}),
    nexts=frozenset({"next"}),
    envelope=frozenset({"count", "previous"}),
    identifying=frozenset({"id", "username"}),
    secrets=frozenset({"publickey", "otpsecretkey"}),
)
_SIGNS = (
    ('"user_groups', '"assets', '"nodes'),
    ('"is_service_account"', '"system_roles"'),
    ('"org_roles"', '"mfa_level"'),
)
# Roles of the whole system that JumpServer comes with, by their fixed ids and names.
_ADMINISTRATORS = frozenset(
    {
        *("00000000-0000-0000-0000-000000000001", "systemadmin", "system admin", "administrator"),
        *("00000000-0000-0000-0000-000000000005", "orgadmin", "org admin", "organization admin"),
    }
)


def sniff(head: bytes, _name: str) -> float:
    """Members of its permissions and users that stand together in no other API."""
    begin = text.beginning(head) or ""
    if begin.lstrip()[:1] not in ("{", "["):
        return 0.0
    if all(sign in begin for sign in _SIGNS[0]) and any(
        sign in begin for sign in ('"actions"', '"accounts"', '"system_users"')
    ):
        return 1.0
    return 0.9 if any(all(sign in begin for sign in signs) for signs in _SIGNS[1:]) else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets."""
    return admit_answers(stream, SHAPE, sink, objects)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Entitlements and accounts, each before the grants and inclusions that name them."""
    found = objects(pages(text.whole(stream, LIMIT), SHAPE))
    reading = _Reading(found)
    return _header(found, mapping), reading.records()


class _Reading:
    """The records of one file."""

    def __init__(self, found: Objects) -> None:
        self._found = found
        self._known: set[str] = set()
        self._groups = dict.fromkeys(found.groups)
        self._members: set[tuple[str, str]] = set()

    def records(self) -> Iterator[Record]:
        yield from self._found.rejected
        for group in self._found.groups.values():
            yield _group(Named(group.id, group.name), group.line, text_of(group.value.get("comment")))
        for user in self._found.users.values():
            yield _account(user)
            yield from self._roles(user)
        for user in self._found.users.values():
            yield from self._memberships(user)
        for group in self._found.groups.values():
            for member in named(group.value.get("users")):
                yield from self._member(member, Named(group.id, group.name), group.line)
        for one in self._found.permissions.values():
            yield from self._permission(one)

    def _permission(self, thing: Thing) -> Iterator[Record]:
        problem = names_no_parties(thing)
        if problem is not None:
            yield problem
        targets = targets_of(thing, self._found)
        brought = permission(thing, targets)
        yield brought
        for door in doors(thing, targets):
            if door.external_id not in self._known:
                self._known.add(door.external_id)
                yield door
            yield Inclusion(brought.external_id, door.external_id, thing.line)
        if not is_on(thing):
            return
        for user in named(thing.value.get("users")):
            yield from self._bare_account(user, thing.line)
            yield Grant(
                user.id,
                brought.external_id,
                thing.line,
                starts_at=moment(thing.value.get("date_start")),
                ends_at=moment(thing.value.get("date_expired")),
            )
        for group in named(thing.value.get("user_groups")):
            yield from self._bare_group(group, thing.line)
            yield Inclusion(f"{GROUP}{group.id}", brought.external_id, thing.line)

    def _roles(self, user: Thing) -> Iterator[Record]:
        for name in ("system_roles", "org_roles"):
            for part in _roles_of(user.value.get(name)):
                if part.id not in self._known:
                    self._known.add(part.id)
                    yield _role(part, user.line)
                yield Grant(user.id, f"{ROLE}{part.id}", user.line)

    def _memberships(self, user: Thing) -> Iterator[Record]:
        for group in named(user.value.get("groups")):
            yield from self._member(Named(user.id, user.name), group, user.line)

    def _member(self, user: Named, group: Named, line: int) -> Iterator[Record]:
        if (user.id, group.id) in self._members:
            return
        self._members.add((user.id, group.id))
        yield from self._bare_account(user, line)
        yield from self._bare_group(group, line)
        yield Grant(user.id, f"{GROUP}{group.id}", line)

    def _bare_account(self, user: Named, line: int) -> Iterator[Record]:
        if user.id not in self._found.users and user.id not in self._known:
            self._known.add(user.id)
            yield Account(external_id=user.id, name=user.name, line=line)

    def _bare_group(self, group: Named, line: int) -> Iterator[Record]:
        if group.id not in self._groups:
            self._groups[group.id] = None
            yield _group(group, line, None)


def _account(user: Thing) -> Account:
    value = user.value
    is_machine = flag(value.get("is_service_account"))
    display = text_of(value.get("name"))
    used = moment(value.get("last_login"))
    hints = (("creator", text_of(value.get("created_by"))), ("purpose", text_of(value.get("comment"))))
    return Account(
        external_id=user.id,
        name=user.name,
        line=user.line,
        display_name=display[:256] if display else None,
        kind="machine" if is_machine else None,
        identity_kind="service" if is_machine else "human" if is_machine is False else None,
        identity_key=user.name if is_machine else None,
        email=None if is_machine else text_of(value.get("email")),
        is_enabled=flag(value.get("is_active")),
        created_at=moment(value.get("date_joined")),
        expires_at=moment(value.get("date_expired")),
        last_used_at=used,
        last_used_source="JumpServer last_login" if used else None,
        hints=tuple((key, said[:500]) for key, said in hints if said),
    )


def _group(group: Named, line: int, comment: str | None) -> Entitlement:
    return Entitlement(
        external_id=f"{GROUP}{group.id}",
        name=group.name,
        kind="group",
        line=line,
        plain_words=comment or f"Member of the user group {group.name}, which hands on its permissions.",
    )


def _roles_of(value: object) -> list[Named]:
    parts = value if isinstance(value, list) else []
    return named(
        [
            {"id": part.get("id"), "name": part.get("display_name") or part.get("name")}
            if isinstance(part, dict)
            else part
            for part in parts
        ]
    )


def _role(role: Named, line: int) -> Entitlement:
    is_strong = role.id in _ADMINISTRATORS or role.name.casefold() in _ADMINISTRATORS
    return Entitlement(
        external_id=f"{ROLE}{role.id}",
        name=role.name,
        kind="role",
        line=line,
        plain_words=f"Has the role {role.name} in JumpServer itself.",
        is_privileged=True if is_strong else None,
        because="Administers JumpServer: who may enter what, as whom." if is_strong else None,
        marks=("admin",) if is_strong else (),
    )


def _lists(read: list[Page]) -> list[Page]:
    """Answers with a list; an object that was asked for alone beside it shows nothing about the others."""
    return [page for page in read if page.is_enveloped] or read


def _header(found: Objects, mapping: Options) -> Header:
    doubts = [
        f"{what}: {why}."
        for kind, what in (("permission", "Permissions"), ("user", "Users"), ("group", "User groups"))
        if kind in found.pages and (why := unproven(_lists(found.pages[kind]))) is not None
    ]
    if mapping.get("complete") == "no":
        doubts.append("The source is set up as not complete.")
    if mapping.get("complete") == "yes":
        doubts = []
    if found.rejected:
        doubts.append(f"Objects that could not be read: {len(found.rejected)}.")
    if lost := sum(names_no_parties(one) is not None for one in found.permissions.values()):
        doubts.append(f"Permissions that count users and assets without naming them: {lost}.")
    covers = {"account"} if found.users else set[str]()
    if found.permissions and found.users and found.groups:
        covers |= {"entitlement", "grant", "inclusion"}
    notes = [*doubts]
    if off := sum(not is_on(one) for one in found.permissions.values()):
        notes.append(f"Permissions that are switched off, so that nobody holds them by it: {off}.")
    if len(found.organisations) > 1:
        notes.append(f"The file is of several organisations: {', '.join(sorted(found.organisations)[:5])}.")
    if found.others:
        notes.append(f"Objects of other kinds, which are not read: {found.others}.")
    return Header(
        format=KEY,
        version=VERSION,
        is_full=not doubts and bool(covers),
        covers=frozenset(covers),
        notes=tuple(notes),
    )


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="JumpServer asset permissions (JSON)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
